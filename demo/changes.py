# SPDX-License-Identifier: LGPL-2.1-or-later
"""changes.py: the second half of the tour: the guest's memory changed while it runs, promised against seen at each step."""

import os
import re

import libvirt

import report
from events import MemoryEvents

MIB = 1024
DIMM_MIB = 256
REQUESTED_MIB = 768
BALLOON_MIB = 1024
DIMM = f"""<memory model='dimm'>
  <target>
    <size unit='MiB'>{DIMM_MIB}</size>
    <node>0</node>
  </target>
</memory>
"""


class ChangeError(Exception):
    """A step did not do what it is there to show."""


class Changes:
    """tour: what has virsh(), tree(), settle(), screen and folder; its guest runs, and agent talks to it."""

    def __init__(self, tour, agent):
        self.tour = tour
        self.agent = agent
        self.screen = tour.screen
        self.conn = libvirt.open(tour.uri)
        self.events = MemoryEvents(self.conn, self.conn.lookupByName('demo'))

    def run(self):
        try:
            self.plugDimm()
            self.growVirtioMem()
            self.balloonDown()
            self.balloonUp()
            self.unplugDimm()
        finally:
            self.events.close()
            self.conn.close()

    # What each step is made of

    def await_(self, what, *event):
        """Waits for the event and shows it as virsh event does."""
        with self.screen.waiting(f"Waiting for the event '{what}'"):
            self.events.wait(*event)
        details = [str(part) if isinstance(part, str) else f'{part // MIB} MiB' for part in event[1:]]
        self.screen.event(f"{what}: {', '.join(details)}")

    def compare(self, *kinds):
        """The rows of the comparison that begin with one of kinds, once the guest has settled."""
        with self.screen.waiting('Waiting for the guest'):
            self.tour.settle(self.agent)
        statistics = self.tour.virsh('dommemstat', 'demo', show=False)
        rows = report.rows(self.tour.tree(), self.agent, statistics)
        self.table([row for row in rows if row[0].startswith(kinds)])

    def table(self, rows):
        if not self.screen.blank:
            self.screen.line()
        self.screen.table(('', 'promised', 'seen', ''), rows)
        differing = [row[0] for row in rows if not row[3]]
        if differing:
            raise ChangeError(f'promised and seen differ: {", ".join(differing)}')

    # The steps

    def plugDimm(self):
        self.screen.title('Another DIMM, while it runs')
        with open(os.path.join(self.tour.folder, 'dimm.xml'), 'w', encoding='utf-8') as file:
            file.write(DIMM)
        self.screen.command('cat dimm.xml')
        self.screen.output(DIMM)
        self.tour.virsh('attach-device', 'demo', os.path.join(self.tour.folder, 'dimm.xml'), '--live')
        self.await_('device-added', 'added', 'dimm1')
        self.compare('node 0', 'DIMM')

    def growVirtioMem(self):
        self.screen.title('virtio-mem: twice as much of it')
        self.tour.virsh('update-memory-device', 'demo', '--alias', 'virtiomem0', '--requested-size', f'{REQUESTED_MIB}MiB')
        self.await_('memory-device-size-change', 'size', 'virtiomem0', REQUESTED_MIB * MIB)
        self.compare('node 0', 'virtio-mem on', 'MemTotal')

    def balloonRow(self, promisedMib, fullMib):
        """fullMib: the guest's MemTotal with nothing in the balloon."""
        target = self.bootAndDimmsMib()
        seen = report.Seen(self.agent).memTotalKib // MIB
        taken = target - promisedMib
        promised = f'{fullMib} - {taken} = {fullMib - taken} MiB' if taken else f'{fullMib} MiB'
        return ('MemTotal', promised, f'{seen} MiB', seen == fullMib - taken)

    def bootAndDimmsMib(self):
        """What the balloon is measured by: all memory but virtio-mem."""
        promise = report.Promise(self.tour.tree())
        return sum(promise.boot.values()) + sum(size for _, size, _ in promise.dimms)

    def statisticsRows(self):
        """What virsh dommemstat says of the balloon, beside the guest."""
        statistics = self.tour.virsh('dommemstat', 'demo', show=False)
        memTotalKib = report.Seen(self.agent).memTotalKib
        available = report.available(statistics)
        return [('balloon statistics', f'MemTotal: {memTotalKib} KiB', f'available: {available} KiB', available == memTotalKib)]

    def balloonDown(self):
        self.screen.title('The balloon, down and up')
        self.fullMib = report.Seen(self.agent).memTotalKib // MIB
        self.tour.virsh('setmem', 'demo', f'{BALLOON_MIB}MiB')
        self.showBalloon(BALLOON_MIB)

    def balloonUp(self):
        wholeMib = self.bootAndDimmsMib()
        self.tour.virsh('setmem', 'demo', f'{wholeMib}MiB')
        self.showBalloon(wholeMib)

    def showBalloon(self, mib):
        self.await_('balloon-change', 'balloon', mib * MIB)
        with self.screen.waiting('Waiting for the guest'):
            self.tour.settle(self.agent)
        said = self.tour.virsh('dommemstat', 'demo', show=False)
        self.screen.line()
        self.screen.command('virsh dommemstat demo')
        self.screen.output('\n'.join(re.findall(r'(?m)^(?:actual|unused|available|usable|rss) .*$', said)) + '\n...')
        self.table([self.balloonRow(mib, self.fullMib), *self.statisticsRows()])

    def unplugDimm(self):
        self.screen.title('The DIMM goes again: the guest has to let it go')
        self.tour.virsh('detach-device', 'demo', os.path.join(self.tour.folder, 'dimm.xml'), '--live')
        self.await_('device-removed', 'removed', 'dimm1')
        self.compare('node 0', 'DIMM', 'MemTotal')
