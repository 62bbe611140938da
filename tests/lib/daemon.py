# SPDX-License-Identifier: LGPL-2.1-or-later
"""daemon.py: a virtmemd of a test's own, under a folder of its own.

    with Virtmemd(folder) as daemon:
        conn = libvirt.open(daemon.uri)

Leaving the block checks that the daemon ended by itself, with status 0, when it was told to.
"""

import os
import select
import signal
import socket
import subprocess
import time

START_SECONDS = 30
STOP_SECONDS = 20
LAST_WORDS = 4000


class DaemonError(Exception):
    """The daemon did not start, or did not end well; the text has its last words."""


class Virtmemd:
    """program is looked up in PATH; arguments are added to its command line."""

    def __init__(self, folder, program='virtmemd', arguments=()):
        self.folder = os.path.abspath(folder)
        self.command = [program, '--root', self.folder, *arguments]
        self.process = None

    @property
    def socket(self):
        return os.path.join(self.folder, 'run', 'virtmemd-sock')

    @property
    def uri(self):
        return f'qemu+unix:///session?socket={self.socket}'

    @property
    def log(self):
        """Where stdout and stderr go; each start adds to it."""
        return os.path.join(self.folder, 'virtmemd.out')

    def lastWords(self):
        with open(self.log, errors='replace') as log:
            return log.read()[-LAST_WORDS:]

    def start(self):
        """Returns when the socket takes connections."""
        os.makedirs(self.folder, exist_ok=True)
        with open(self.log, 'ab') as log:
            try:
                self.process = subprocess.Popen(
                    self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            except OSError as error:
                raise DaemonError(f"cannot run '{self.command[0]}': {error.strerror}; is build/run in front?") from error
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None:
                raise DaemonError(f"'{' '.join(self.command)}' ended with status {self.process.returncode} at its start:\n"
                                  f'{self.lastWords()}')
            if time.monotonic() > deadline:
                self.kill()
                raise DaemonError(f"nothing listens on '{self.socket}' after {START_SECONDS} s:\n{self.lastWords()}")
            # A socket that is to appear gives no sign of it: this is the one place that looks again and again.
            time.sleep(0.01)
        return self

    def _answers(self):
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(self.socket)
            except OSError:
                return False
        return True

    def stop(self):
        """Ends the daemon, not its guests. Raises DaemonError unless it ends in time and with status 0."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired as late:
            self.kill()
            raise DaemonError(f'virtmemd did not end within {STOP_SECONDS} s of SIGTERM:\n{self.lastWords()}') from late
        self.process = None
        if status != 0:
            raise DaemonError(f'virtmemd ended with status {status}:\n{self.lastWords()}')

    def kill(self):
        """The crash: no warning, no cleaning up."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def endGuests(folder):
    """Kills each QEMU that has to do with folder, and what was about to become one: what a daemon that died has left
    running. Returns when they have ended.

    A guest without disks or sockets names no file on its command line, but its log is open.
    """
    inside = os.path.abspath(folder) + '/'
    while pids := [pid for pid in map(int, filter(str.isdigit, os.listdir('/proc'))) if _isGuest(pid, inside)]:
        for pid in pids:
            _end(pid)


def _isGuest(pid, inside):
    try:
        output = os.readlink(f'/proc/{pid}/fd/1')
        with open(f'/proc/{pid}/cmdline', 'rb') as file:
            words = file.read()
    except OSError:
        # It ended while it was looked at, or is none that one could look at.
        return False
    # The log of a guest; the daemon's own is another.
    logs = output.startswith(inside) and output.removesuffix(' (deleted)').endswith('.log')
    return logs or (b'qemu-system' in words.split(b'\0')[0] and inside.encode() in words)


def _end(pid):
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(fd, signal.SIGKILL)
        select.select([fd], [], [], STOP_SECONDS)
    except ProcessLookupError:
        pass
    finally:
        os.close(fd)
