# SPDX-License-Identifier: LGPL-2.1-or-later
"""scene.py: what a guest test stands on: a daemon, or the one that MEM_TEST_URI names, and the guests on it."""

import os
import shutil
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'lib')]

import suite  # noqa: E402
from daemon import DaemonError, Virtmemd, endGuests  # noqa: E402
from guest import Guest  # noqa: E402

UNTIL_SECONDS = 60
SETTLED_SECONDS = 3


class Scene:
    """Started in the constructor; close() ends all of it, the guests first."""

    def __init__(self):
        self.guests = []
        self.folder = None
        self.daemon = None
        self.uri = os.environ.get('MEM_TEST_URI')
        if not self.uri:
            self.folder = tempfile.mkdtemp(prefix='virtmemd-')
            self.daemon = Virtmemd(self.folder)
            try:
                self.daemon.start()
            except DaemonError:
                shutil.rmtree(self.folder)
                raise
            self.uri = self.daemon.uri
        suite.witnesses.append(self.show)

    @classmethod
    def forCase(cls, case):
        scene = cls()
        case.addCleanup(scene.close)
        return scene

    @classmethod
    def forClass(cls, testClass):
        scene = cls()
        testClass.addClassCleanup(scene.close)
        return scene

    def guest(self, name, files=None, **options):
        """A started guest. files: name in the guest's folder -> MiB, made before it starts."""
        guest = Guest(self.uri, name, **options)
        self.guests.append(guest)
        for path, mib in (files or {}).items():
            with open(os.path.join(guest.folder, path), 'wb') as backing:
                backing.truncate(mib << 20)
        guest.start()
        return guest

    def until(self, value, wanted, seconds=UNTIL_SECONDS):
        """Returns when value() is what is wanted; for what libvirt has no event for."""
        deadline = time.monotonic() + seconds
        while (seen := value()) != wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f'{seen!r} did not become {wanted!r} within {seconds} s')
            time.sleep(0.05)

    def settled(self, value, still=SETTLED_SECONDS, seconds=UNTIL_SECONDS):
        """Returns value() when it has been the same for some seconds; for what has an end that nobody tells of."""
        deadline = time.monotonic() + seconds
        seen, since = value(), time.monotonic()
        while time.monotonic() < since + still:
            if time.monotonic() > deadline:
                raise AssertionError(f'{seen!r} still changes after {seconds} s')
            time.sleep(0.05)
            if (now := value()) != seen:
                seen, since = now, time.monotonic()
        return seen

    @staticmethod
    def tree(domain, flags=0):
        return ElementTree.fromstring(domain.XMLDesc(flags))

    def show(self):
        """Prints what explains a failure."""
        for guest in self.guests:
            guest.showConsole()
        if self.daemon is not None:
            print(f'---- virtmemd ----\n{self.daemon.lastWords()}\n----', file=sys.stderr)

    def close(self):
        suite.witnesses.remove(self.show)
        while self.guests:
            guest = self.guests.pop()
            guest.close()
            endGuests(guest.folder)
        if self.daemon is not None:
            try:
                self.daemon.stop()
            finally:
                shutil.rmtree(self.folder, ignore_errors=True)
