#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_balloon.py: the balloon of a running guest: down and up, its statistics, and free pages given back.

MEM_TEST_URI names the connection to use; without it, a virtmemd is started.
"""

import os
import re
import sys
import unittest

import libvirt

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'lib')]

import suite  # noqa: E402
from events import VirshEvents  # noqa: E402
from guest import UNSHARED  # noqa: E402
from scene import Scene  # noqa: E402

MIB = 1024
AT_START = "<currentMemory unit='MiB'>512</currentMemory>"
REPORTING = "<memballoon model='virtio' freePageReporting='on'><stats period='1'/></memballoon>"


class Balloon(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = Scene.forClass(cls)
        # The slot of <memoryBacking> takes any element of its place.
        cls.guest = cls.scene.guest('balloon', balloon=REPORTING, cellsMib=(768,), memoryBacking=AT_START + UNSHARED)

        cls.scene.until(lambda: cls.guest.tree().findtext('currentMemory'), str(512 * MIB))
        # The guest's own, before anything else was asked of it: what is not in MemTotal of a guest with all of its memory
        # is the kernel's, and the same here.
        cls.startKib = cls.guest.memTotalKib()
        cls.guest.domain.setMemory(768 * MIB)
        cls.scene.until(lambda: cls.guest.tree().findtext('currentMemory'), str(768 * MIB))

    def setUp(self):
        self.guest.memoryEvents.forget()

    def testTargetAtStart(self):
        """currentMemory below memory is the balloon's target from the start, and the guest followed it."""
        self.assertEqual(self.guest.memTotalKib() - self.startKib, (768 - 512) * MIB)
        stored = self.guest.tree(libvirt.VIR_DOMAIN_XML_INACTIVE)
        self.assertEqual((stored.findtext('memory'), stored.findtext('currentMemory')), (str(768 * MIB), str(512 * MIB)))

    def rssKib(self):
        return self.guest.domain.memoryStats()['rss']

    def testDownAndUp(self):
        """What the balloon takes is gone from the guest's MemTotal, and from the host's memory."""
        full = self.guest.memTotalKib()
        # Memory that was never touched is no loss to the guest's host: let it be touched first.
        self.guest.check('dd if=/dev/zero of=/tmp/fill bs=1M count=300 2>&1; rm /tmp/fill')
        self.addCleanup(self.guest.domain.setMemory, 768 * MIB)
        told = VirshEvents(self.guest)
        self.addCleanup(told.close)
        toldByQemu = VirshEvents(self.guest, lambda: (self.guest.domain.suspend(), self.guest.domain.resume()),
                                 ('qemu-monitor-event',))
        self.addCleanup(toldByQemu.close)
        self.assertEqual(self.guest.virsh('setmem', 'GUEST', '448MiB'), (0, ''))
        self.guest.memoryEvents.wait('balloon', 448 * MIB)
        told.wait(f"event 'balloon-change' for domain '{self.guest.name}': {448 * MIB}KiB\n")
        toldByQemu.wait(rf"event BALLOON_CHANGE at [\d.]+ for domain '{self.guest.name}': {{\"actual\":{448 << 20}}}\n")
        self.assertEqual(self.guest.memTotalKib(), full - 320 * MIB)
        self.assertEqual(self.guest.domain.info()[1:3], [768 * MIB, 448 * MIB])
        self.assertEqual(self.guest.tree().findtext('currentMemory'), str(448 * MIB))
        self.scene.until(lambda: self.guest.domain.memoryStats()['available'], full - 320 * MIB)
        self.assertLess(self.rssKib(), 768 * MIB - 320 * MIB + 128 * MIB)

        self.guest.domain.setMemory(768 * MIB)
        self.guest.memoryEvents.wait('balloon', 768 * MIB)
        self.assertEqual(self.guest.memTotalKib(), full)
        self.scene.until(lambda: self.guest.domain.memoryStats()['available'], full)
        self.assertEqual(self.guest.domain.memoryStats()['actual'], 768 * MIB)

    def testTooMuch(self):
        with self.assertRaises(libvirt.libvirtError) as caught:
            self.guest.domain.setMemory(769 * MIB)
        self.assertEqual(caught.exception.get_error_code(), libvirt.VIR_ERR_INVALID_ARG)

    def testStatistics(self):
        """Each figure beside the guest's own."""
        self.guest.check('dd if=/dev/zero of=/tmp/fill bs=1M count=64 2>&1')
        self.addCleanup(self.guest.check, 'rm -f /tmp/fill')
        self.scene.until(lambda: self.near('unused', 'MemFree'), True)
        self.scene.until(lambda: self.near('usable', 'MemAvailable'), True)
        self.scene.until(lambda: self.near('disk_caches', 'Cached'), True)
        statistics = self.guest.domain.memoryStats()
        self.assertEqual((statistics['swap_in'], statistics['swap_out']), (0, 0))
        self.assertGreater(statistics['minor_fault'], 0)
        status, said = self.guest.virsh('domstats', '--balloon', 'GUEST')
        self.assertEqual(status, 0)
        self.assertIn(f'balloon.current={768 * MIB}', said)
        self.assertRegex(said, r'balloon\.available=\d+')

    def near(self, name, key):
        """Is the statistic within 8 MiB of the guest's own figure?"""
        own = int(re.search(rf'(?m)^{key}: *(\d+) kB', self.guest.check('cat /proc/meminfo')).group(1))
        return abs(self.guest.domain.memoryStats()[name] - own) < 8 * MIB

    def testPeriod(self):
        """Period 0 stops the reports, and any other begins them again."""
        self.guest.domain.setMemoryStatsPeriod(0)
        self.assertIsNone(self.guest.tree().find('devices/memballoon/stats'))
        self.guest.domain.setMemoryStatsPeriod(1)
        old = self.guest.domain.memoryStats()['last_update']
        self.scene.until(lambda: self.guest.domain.memoryStats()['last_update'] > old, True)
        self.assertEqual(self.guest.virsh('dommemstat', 'GUEST', '--period', '2')[0], 0)
        self.assertEqual(self.guest.tree().find('devices/memballoon/stats').get('period'), '2')
        self.guest.domain.setMemoryStatsPeriod(1)

    def dirtyRate(self):
        """What a second of watching tells, in MiB a second, by the virsh that people have."""
        self.assertEqual(self.guest.virsh('domdirtyrate-calc', 'GUEST', '--seconds', '1')[0], 0)
        self.scene.until(lambda: 'dirtyrate.calc_status=2' in self.guest.virsh('domstats', '--dirtyrate', 'GUEST')[1], True)
        said = self.guest.virsh('domstats', '--dirtyrate', 'GUEST')[1]
        self.assertIn('dirtyrate.calc_period=1', said)
        self.assertIn('dirtyrate.calc_mode=page-sampling', said)
        return int(re.search(r'dirtyrate\.megabytes_per_second=(\d+)', said).group(1))

    def testDirtyRate(self):
        """A guest that writes is told from one that does not, and what would kill this QEMU is refused."""
        # Pages are sampled, and compared by what is in them: each round has to write something else.
        write = 'i=0; while [ ! -e /tmp/still ]; do i=$((i+1)); yes $i | dd of=/tmp/fill bs=64k count=2000 conv=notrunc; done; touch /tmp/ended'
        self.guest.check(f"sh -c '{write}' >/dev/null 2>&1 & until [ -s /tmp/fill ]; do usleep 50000; done")
        self.addCleanup(self.guest.check, 'rm -f /tmp/fill /tmp/still /tmp/ended')
        self.scene.until(lambda: self.dirtyRate() > 1, True)
        self.guest.check('touch /tmp/still')
        self.guest.until('[ -e /tmp/ended ]')
        self.scene.until(self.dirtyRate, 0)
        for flag, word in ((libvirt.VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP, "'dirty-bitmap'"),
                           (libvirt.VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING, "'dirty-ring'")):
            with self.assertRaisesRegex(libvirt.libvirtError, word) as caught:
                self.guest.domain.startDirtyRateCalc(1, flag)
            self.assertEqual(caught.exception.get_error_code(), libvirt.VIR_ERR_OPERATION_UNSUPPORTED)
        self.assertTrue(self.guest.domain.isActive())

    def testFreePageReporting(self):
        """What the guest has freed, the host gets back, without anybody asking for it."""
        self.guest.check('dd if=/dev/zero of=/tmp/fill bs=1M count=300 2>&1')
        filled = self.rssKib()
        self.guest.check('rm /tmp/fill')
        self.scene.until(lambda: self.rssKib() < filled - 250 * MIB, True)
        # The guest has it all the same.
        self.assertEqual(self.guest.domain.memoryStats()['actual'], 768 * MIB)


if __name__ == '__main__':
    suite.main()
