# SPDX-License-Identifier: LGPL-2.1-or-later
"""events.py: what libvirt tells of a domain's memory, in order.

    ('added', ALIAS)  ('removed', ALIAS)  ('removal-failed', ALIAS)  ('size', ALIAS, KIB)  ('balloon', KIB)  ('reboot',)
"""

import os
import pty
import re
import select
import subprocess
import threading
import time

import libvirt

WAIT_SECONDS = 60
NUDGE_SECONDS = 0.5
NUDGES = 60
ALIAS_EVENTS = {
    'added': libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
    'removed': libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
    'removal-failed': libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED,
}


class MemoryEvents:
    """To be made before the change that is to be seen; a libvirt event loop has to run."""

    def __init__(self, conn, domain):
        self.conn = conn
        self.seen = []
        self.changed = threading.Condition()
        self.callbacks = [
            conn.domainEventRegisterAny(domain, event, lambda _c, _d, alias, kind: self._add(kind, alias), kind)
            for kind, event in ALIAS_EVENTS.items()]
        self.callbacks += [
            conn.domainEventRegisterAny(
                domain, libvirt.VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE,
                lambda _c, _d, alias, kib, _o: self._add('size', alias, kib), None),
            conn.domainEventRegisterAny(
                domain, libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, lambda _c, _d, kib, _o: self._add('balloon', kib), None),
            conn.domainEventRegisterAny(
                domain, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, lambda _c, _d, _o: self._add('reboot'), None),
        ]

    def _add(self, *event):
        with self.changed:
            self.seen.append(event)
            self.changed.notify_all()

    def wait(self, *wanted, seconds=WAIT_SECONDS):
        """The next event that begins with what is wanted; it and those before it are taken off the list."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                for index, event in enumerate(self.seen):
                    if event[:len(wanted)] == wanted:
                        del self.seen[:index + 1]
                        return event
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f'no event {wanted} within {seconds} s, only {self.seen}')
                self.changed.wait(left)

    def forget(self):
        """What has come so far does not count."""
        with self.changed:
            del self.seen[:]

    def close(self):
        while self.callbacks:
            self.conn.domainEventDeregisterAny(self.callbacks.pop())


class VirshEvents:
    """What stock virsh tells of a guest while it listens: "event --all", or the command that is given.

    nudge makes something that it tells of, again and again, until it does: virsh does not say when it begins to listen.
    """

    def __init__(self, guest, nudge=None, command=('event', '--all')):
        # On a terminal virsh holds no line back.
        self.terminal, its = pty.openpty()
        self.process = subprocess.Popen(
            ['virsh', '-q', '-c', guest.conn.getURI(), *command, '--loop', '--domain', guest.name],
            env={**os.environ, 'LC_ALL': 'C'}, stdin=subprocess.DEVNULL, stdout=its, stderr=its)
        os.close(its)
        self.text = ''
        nudge = nudge or (lambda: guest.domain.setMetadata(
            libvirt.VIR_DOMAIN_METADATA_TITLE, 'listen', None, None, libvirt.VIR_DOMAIN_AFFECT_LIVE))
        for _ in range(NUDGES):
            nudge()
            if self._read(NUDGE_SECONDS):
                return
        self.close()
        raise AssertionError(f"'virsh {command[0]}' tells nothing")

    def _read(self, seconds):
        """Whether something came within that time."""
        if not select.select([self.terminal], [], [], max(seconds, 0))[0]:
            return False
        self.text += os.read(self.terminal, 65536).decode().replace('\r\n', '\n')
        return True

    def wait(self, pattern, seconds=WAIT_SECONDS):
        """Returns the next match; what came up to its end is taken off."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"virsh told of no '{pattern}' within {seconds} s, only: {self.text!r}")
        self.text = self.text[found.end():]
        return found

    def forget(self):
        """What has come so far does not count."""
        while self._read(0):
            pass
        self.text = ''

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)
