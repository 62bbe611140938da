# SPDX-License-Identifier: LGPL-2.1-or-later
"""peers.py: the daemons that are compared, each started anew when a question has killed it."""

import os
import subprocess
import time

import ask
import stock_libvirtd

START_SECONDS = 30
LOST = {"define": "LOST", "native": "LOST", "said": {}}


class Peer:
    """Answers questions; a lost daemon is itself an answer."""

    def __init__(self, folder):
        self.folder = folder
        self.daemon = None

    def __enter__(self):
        self._start()
        self.daemon = ask.Daemon(self.uri)
        return self

    def __exit__(self, *_):
        if self.daemon is not None:
            self.daemon.close()
        self._stop()

    def ask(self, xml):
        try:
            return self.daemon.ask(xml)
        except ask.DaemonLost:
            self.__exit__()
            self.__enter__()
            return dict(LOST)


class StockPeer(Peer):
    def __init__(self, folder, groups=False):
        super().__init__(folder)
        self.groups = groups

    def ask(self, xml):
        """Asks again when lost: libvirt 9.0 can die of what an earlier question broke in it."""
        answer = super().ask(xml)
        return super().ask(xml) if answer["define"] == "LOST" else answer

    def _start(self):
        self.stock = stock_libvirtd.StockLibvirtd(self.folder, groups=self.groups).start()
        self.uri = self.stock.uri

    def _stop(self):
        self.stock.stop()


class VirtmemdPeer(Peer):
    """virtmemd in a mount namespace with the same hugetlbfs that stock libvirtd gets."""

    def __init__(self, folder, program="virtmemd"):
        super().__init__(folder)
        self.program = program
        self.uri = "qemu+unix:///session?socket=%s/run/virtmemd-sock" % folder

    def _start(self):
        os.makedirs(self.folder, exist_ok=True)
        script = "set -e; %s; exec \"$0\" --root \"$1\"" % stock_libvirtd.hugepagesMountScript()
        with open(os.path.join(self.folder, "out"), "ab") as out:
            self.process = subprocess.Popen(
                ["unshare", "-m", "bash", "-c", script, self.program, self.folder],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        self._waitSocket()

    def _waitSocket(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            probe = subprocess.run(
                ["virsh", "-c", self.uri, "version"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if probe.returncode == 0:
                return
            time.sleep(0.05)
        with open(os.path.join(self.folder, "out"), errors="replace") as out:
            words = out.read()[-2000:]
        self._stop()
        raise RuntimeError("'%s --root %s' did not answer: %s" % (self.program, self.folder, words))

    def _stop(self):
        self.process.terminate()
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
