# SPDX-License-Identifier: LGPL-2.1-or-later
"""relay.py: stands between a daemon and its QEMU's monitor: holds commands and answers back, or says something else."""

import os
import socket
import threading

PATIENCE = 30


def isStep(line):
    """What a change of memory goes on with: an answer, or the end of a device."""
    return b'"return"' in line or b'"error"' in line or (b'"DEVICE_DELETED"' in line and b'"device"' in line)


class Relay:
    """Takes the place of the monitor's socket. hold(n, answer): stop at command n from now on, before it goes on to QEMU, or
    at step n that QEMU tells of, before it goes back. rewrite, if set, makes the line to send of each that QEMU says."""

    def __init__(self, path):
        self.path, self.real = path, path + '.real'
        os.rename(path, self.real)
        self.listener = socket.socket(socket.AF_UNIX)
        # a path longer than a socket address may be
        os.chdir(os.path.dirname(path))
        self.listener.bind(os.path.basename(path))
        self.listener.listen()
        self.rewrite = None
        self.hold(0, False)
        self.counting = False
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, step, answer):
        self.commands, self.answers, self.step, self.answer, self.counting = 0, 0, step, answer, True
        self.reached, self.released = threading.Event(), threading.Event()

    def release(self):
        self.counting = False
        self.released.set()

    def say(self, line):
        """To the daemon, as if QEMU had said it."""
        self.client.sendall(line.encode() + b'\n')

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            self.client = client
            qemu = socket.socket(socket.AF_UNIX)
            qemu.connect(os.path.basename(self.real))
            threading.Thread(target=self._down, args=(client, qemu), daemon=True).start()
            threading.Thread(target=self._up, args=(client, qemu), daemon=True).start()

    def _wait(self):
        self.reached.set()
        self.released.wait(PATIENCE)

    def _down(self, client, qemu):
        """Commands, one at a time."""
        try:
            for line in client.makefile('rb'):
                if self.counting:
                    self.commands += 1
                    if self.commands == self.step and not self.answer:
                        self._wait()
                qemu.sendall(line)
        except OSError:
            pass
        # QEMU takes the next connection when this one has ended
        qemu.shutdown(socket.SHUT_RDWR)

    def _up(self, client, qemu):
        try:
            for line in qemu.makefile('rb'):
                if self.counting and isStep(line):
                    self.answers += 1
                    if self.answers == self.step and self.answer:
                        self._wait()
                client.sendall(self.rewrite(line) if self.rewrite else line)
        except OSError:
            pass
        client.close()
