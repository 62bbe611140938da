#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_host.py: guests and their host's memory: limits, NUMA, huge pages, merged pages; by stock virsh, as root.

MEM_TEST_URI names the connection to use; without it, a virtmemd is started for each class.
"""

import os
import re
import sys
import unittest

import libvirt

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'lib')]

import suite  # noqa: E402
from guest import UNSHARED, Guest  # noqa: E402
from scene import Scene  # noqa: E402

MIB = 1024
POOL = '/sys/kernel/mm/hugepages/hugepages-2048kB'
KSM = '/sys/kernel/mm/ksm'
KSM_UNMERGE = 2
# Lines that no page has twice: what is merged then lies in two guests.
SAME_FILE = 'seq 1000000 5000000 | head -c 8388608 > /tmp/same'
SAME_PAGES = 8388608 // 4096


def read(path):
    with open(path, encoding='ascii') as file:
        return file.read().strip()


def write(path, value):
    with open(path, 'w', encoding='ascii') as file:
        file.write(str(value))


class Tuning(unittest.TestCase):
    """memtune, numatune and what the host says of its memory."""

    @classmethod
    def setUpClass(cls):
        cls.scene = Scene.forClass(cls)
        cls.guest = cls.scene.guest('tune', cellsMib=(256,))

    def virsh(self, *arguments):
        status, said = self.guest.virsh(*arguments)
        self.assertEqual(status, 0, said)
        return said

    @staticmethod
    def limitFile(group):
        files = [os.path.join(group, name) for name in ('memory.limit_in_bytes', 'memory.max')]
        return next(path for path in files if os.path.exists(path))

    @staticmethod
    def group(guest):
        """The folder of the guest's own memory control group (v1, v2); None on a host where it could have none."""
        for line in read(f'/proc/{guest.pid()}/cgroup').splitlines():
            _, controllers, path = line.split(':', 2)
            if os.path.basename(path).startswith('virtmem-') and controllers in ('memory', ''):
                return '/sys/fs/cgroup' + ('/memory' if controllers else '') + path
        return None

    def testLiveLimit(self):
        """Kept by the kernel, or refused with the reason; never taken and forgotten."""
        group = self.group(self.guest)
        if group is None:
            with self.assertRaises(libvirt.libvirtError) as caught:
                self.guest.domain.setMemoryParameters({'hard_limit': 2048 * MIB}, libvirt.VIR_DOMAIN_AFFECT_LIVE)
            self.assertEqual(caught.exception.get_error_code(), libvirt.VIR_ERR_OPERATION_INVALID)
            self.assertIn('group', str(caught.exception))
            return
        limit = self.limitFile(group)
        before = read(limit)
        self.virsh('memtune', 'GUEST', '--hard-limit', str(2048 * MIB), '--live')
        self.assertEqual(read(limit), str(2 << 30))
        self.assertEqual(self.guest.domain.memoryParameters(libvirt.VIR_DOMAIN_AFFECT_LIVE)['hard_limit'], 2048 * MIB)
        self.assertEqual(self.guest.tree().findtext('memtune/hard_limit'), str(2048 * MIB))
        self.virsh('memtune', 'GUEST', '--hard-limit', '-1', '--live')
        self.assertEqual(read(limit), before)
        self.assertIsNone(self.guest.tree().find('memtune'))

    def testLimitAtStart(self):
        """Kept from the first page on, or the guest does not start."""
        other = Guest(self.scene.uri, 'limited', cellsMib=(256,),
                      memoryBacking="<memtune><hard_limit unit='MiB'>1024</hard_limit></memtune>")
        self.addCleanup(other.close)
        flags = libvirt.VIR_DOMAIN_START_PAUSED | libvirt.VIR_DOMAIN_START_AUTODESTROY
        if self.group(self.guest) is None:
            with self.assertRaises(libvirt.libvirtError) as caught:
                other.conn.createXML(other.xml, flags)
            self.assertEqual(caught.exception.get_error_code(), libvirt.VIR_ERR_CONFIG_UNSUPPORTED)
            return
        domain = other.conn.createXML(other.xml, flags)
        group = self.group(other)
        self.assertEqual(read(self.limitFile(group)), str(1 << 30))
        domain.destroy()
        self.scene.until(lambda: os.path.exists(group), False)

    def testStoredLimits(self):
        self.virsh('memtune', 'GUEST', '--hard-limit', str(512 * MIB), '--soft-limit', str(256 * MIB),
                   '--swap-hard-limit', str(1024 * MIB), '--config')
        stored = self.guest.tree(libvirt.VIR_DOMAIN_XML_INACTIVE).find('memtune')
        self.assertEqual({limit.tag: limit.text for limit in stored},
                         {'hard_limit': str(512 * MIB), 'soft_limit': str(256 * MIB), 'swap_hard_limit': str(1024 * MIB)})
        self.assertIsNone(self.guest.tree().find('memtune'))
        with self.assertRaises(libvirt.libvirtError) as caught:
            self.guest.domain.setMemoryParameters({'swap_hard_limit': 256 * MIB}, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        self.assertEqual(caught.exception.get_error_code(), libvirt.VIR_ERR_INVALID_ARG)

    def testNuma(self):
        self.virsh('numatune', 'GUEST', '--mode', 'interleave', '--nodeset', '0', '--config')
        memory = self.guest.tree(libvirt.VIR_DOMAIN_XML_INACTIVE).find('numatune/memory')
        self.assertEqual(memory.attrib, {'mode': 'interleave', 'nodeset': '0'})
        self.assertIn('interleave', self.virsh('numatune', 'GUEST', '--config'))
        for parameters, code in (({'numa_mode': 17}, libvirt.VIR_ERR_INVALID_ARG),
                                 ({'numa_nodeset': '0-'}, libvirt.VIR_ERR_INVALID_ARG),
                                 ({'numa_nodeset': '0,^0'}, libvirt.VIR_ERR_OPERATION_INVALID)):
            with self.assertRaises(libvirt.libvirtError) as caught:
                self.guest.domain.setNumaParameters(parameters, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
            self.assertEqual(caught.exception.get_error_code(), code, str(parameters))

    def nodesOf(self, guest):
        """What the kernel lets the guest's QEMU have, all its threads."""
        status = f'/proc/{guest.pid()}/task'
        return {re.search(r'Mems_allowed_list:\t(.*)', read(f'{status}/{thread}/status')).group(1)
                for thread in os.listdir(status)}

    def cpuset(self, guest):
        """The guest's own group for nodes (v1, v2); None: it has none."""
        for line in read(f'/proc/{guest.pid()}/cgroup').splitlines():
            _, controllers, path = line.split(':', 2)
            folder = '/sys/fs/cgroup' + ('/cpuset' if controllers else '') + path
            if 'cpuset' in controllers.split(',') or (not controllers and os.path.exists(f'{folder}/cpuset.mems')):
                return folder if os.path.basename(path).startswith('virtmem-') else None
        return None

    def testLiveNuma(self):
        """In mode 'restrictive' a running guest moves to other nodes, kept there by the kernel; in no other does it."""
        self.assertIsNone(self.guest.tree().find('numatune'))
        status, said = self.guest.virsh('numatune', 'GUEST', '--nodeset', '77', '--live')
        self.assertEqual(status, 1)
        self.assertIn('unsupported configuration', said)
        if self.group(self.guest) is None:
            status, said = self.guest.virsh('numatune', 'GUEST', '--nodeset', '0', '--live')
            self.assertEqual((status, 'cpuset' in said), (1, True), said)
            return
        # A guest whose memory was told nothing becomes one that is kept.
        self.virsh('numatune', 'GUEST', '--nodeset', '0', '--live')
        group = self.cpuset(self.guest)
        self.assertEqual(read(f'{group}/cpuset.mems'), '0')
        self.assertEqual(self.nodesOf(self.guest), {'0'})
        self.assertEqual(self.guest.tree().find('numatune/memory').attrib, {'mode': 'strict', 'nodeset': '0'})
        self.assertEqual(self.guest.domain.numaParameters(libvirt.VIR_DOMAIN_AFFECT_LIVE),
                         {'numa_mode': libvirt.VIR_DOMAIN_NUMATUNE_MEM_STRICT, 'numa_nodeset': '0'})
        # From now on as stock libvirt has it.
        for parameters in ({'numa_nodeset': '0'}, {'numa_mode': 0}, {'numa_mode': 3, 'numa_nodeset': '0'}):
            with self.assertRaises(libvirt.libvirtError, msg=str(parameters)) as caught:
                self.guest.domain.setNumaParameters(parameters, libvirt.VIR_DOMAIN_AFFECT_LIVE)
            self.assertEqual(caught.exception.get_error_code(), libvirt.VIR_ERR_OPERATION_INVALID, str(parameters))
        self.guest.domain.setNumaParameters({'numa_mode': 0, 'numa_nodeset': '0'}, libvirt.VIR_DOMAIN_AFFECT_LIVE)

    def testRestrictive(self):
        """In its group from the first page on; gone with the guest."""
        other = Guest(self.scene.uri, 'restrictive', cellsMib=(256,),
                      memoryBacking="<numatune><memory mode='restrictive' nodeset='0'/></numatune>")
        self.addCleanup(other.close)
        domain = other.conn.createXML(other.xml, libvirt.VIR_DOMAIN_START_PAUSED | libvirt.VIR_DOMAIN_START_AUTODESTROY)
        self.assertEqual(self.nodesOf(other), {'0'})
        domain.setNumaParameters({'numa_nodeset': '0'}, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        with self.assertRaises(libvirt.libvirtError) as caught:
            domain.setNumaParameters({'numa_nodeset': '0-1'}, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        self.assertEqual(caught.exception.get_error_code(), libvirt.VIR_ERR_CONFIG_UNSUPPORTED)
        group = self.cpuset(other)
        domain.destroy()
        if group is not None:
            self.scene.until(lambda: os.path.exists(group), False)

    def testHostFigures(self):
        total = int(re.search(r'MemTotal: *(\d+)', read('/proc/meminfo')).group(1))
        self.assertRegex(self.virsh('nodememstats'), rf'total *: *{total} KiB')
        free = int(re.search(r'(\d+) KiB', self.virsh('freecell')).group(1))
        self.assertGreater(free, 0)
        self.assertLess(free, total)


class HugePages(unittest.TestCase):
    def testGuestOnHugePages(self):
        """The pool is filled by allocpages, the guest takes from it page by page, and gives all back at its end."""
        scene = Scene.forCase(self)
        conn = libvirt.open(scene.uri)
        self.addCleanup(conn.close)
        before = int(read(f'{POOL}/nr_hugepages'))
        self.addCleanup(write, f'{POOL}/nr_hugepages', before)
        wanted = before + (256 + 128) // 2
        self.assertEqual(conn.allocPages({2048: wanted}, -1, 1, libvirt.VIR_NODE_ALLOC_PAGES_SET), 1)
        self.assertEqual(read(f'{POOL}/nr_hugepages'), str(wanted))
        free = int(read(f'{POOL}/free_hugepages'))

        guest = scene.guest('huge', cellsMib=(256,), memoryBacking='<memoryBacking><hugepages/></memoryBacking>')
        self.assertEqual(int(read(f'{POOL}/free_hugepages')), free - 256 // 2)
        status, said = guest.virsh('freepages', '--all')
        self.assertEqual(status, 0)
        self.assertRegex(said, rf'2048KiB: *{free - 256 // 2}\b')
        self.assertEqual(self.hugeKib(guest), 256 * MIB)

        dimm = ("<memory model='dimm'><source><pagesize unit='KiB'>2048</pagesize></source>"
                "<target><size unit='MiB'>128</size><node>0</node></target></memory>")
        with self.assertRaises(libvirt.libvirtError):
            # Larger than what is left: QEMU cannot have it, and nothing is left behind.
            guest.domain.attachDevice(dimm.replace("128<", "512<"))
        self.assertEqual(guest.memoryAliases(), [])
        guest.domain.attachDevice(dimm)
        guest.memoryEvents.wait('added', 'dimm0')
        self.assertEqual(self.hugeKib(guest), (256 + 128) * MIB)
        scene.until(guest.nodeBlocksKib, {0: (256 + 128) * MIB})
        guest.domain.destroy()
        self.assertEqual(int(read(f'{POOL}/free_hugepages')), free)

    @staticmethod
    def hugeKib(guest):
        """KiB of the QEMU process that lie on 2 MiB pages of hugetlbfs."""
        lines = [line.split() for line in read(f'/proc/{guest.pid()}/smaps').splitlines()]
        return sum(int(words[1]) for words in lines if words[0] in ('Private_Hugetlb:', 'Shared_Hugetlb:'))


class Merging(unittest.TestCase):
    def testTwoGuests(self):
        """What two guests have in common is merged; a guest with nosharepages keeps its own."""
        scene = Scene.forCase(self)
        conn = libvirt.open(scene.uri)
        self.addCleanup(conn.close)
        before = {name: read(f'{KSM}/{name}') for name in ('pages_to_scan', 'sleep_millisecs', 'run')}
        for name, value in before.items():
            self.addCleanup(write, f'{KSM}/{name}', value)
        if before['run'] == '0':
            self.addCleanup(write, f'{KSM}/run', KSM_UNMERGE)
        first = scene.guest('first', cellsMib=(256,), memoryBacking='')
        second = scene.guest('second', cellsMib=(256,), memoryBacking='')
        alone = scene.guest('alone', cellsMib=(256,), memoryBacking=UNSHARED)
        status, said = first.virsh('node-memory-tune', '--shm-pages-to-scan', '20000', '--shm-sleep-millisecs', '5')
        self.assertEqual(status, 0, said)
        self.assertEqual((read(f'{KSM}/pages_to_scan'), read(f'{KSM}/sleep_millisecs')), ('20000', '5'))
        for guest in (first, second, alone):
            guest.check(SAME_FILE)
        write(f'{KSM}/run', 1)
        for guest in (first, second):
            scene.until(lambda guest=guest: self.merged(guest) > SAME_PAGES * 9 // 10, True)
        self.assertEqual(self.merged(alone), 0)
        self.assertGreaterEqual(conn.getMemoryParameters()['shm_pages_sharing'], SAME_PAGES * 9 // 10)
        # The guests do not notice: what they have is still theirs, and can be changed.
        sums = {guest.check('md5sum < /tmp/same') for guest in (first, second, alone)}
        self.assertEqual(len(sums), 1)
        first.check('echo x | dd of=/tmp/same conv=notrunc 2>&1')
        self.assertNotEqual(first.check('md5sum < /tmp/same'), second.check('md5sum < /tmp/same'))

    @staticmethod
    def merged(guest):
        return int(read(f'/proc/{guest.pid()}/ksm_merging_pages'))


if __name__ == '__main__':
    suite.main()
