#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_boot.py: a guest with every kind of memory boots, and has what its XML says.

MEM_TEST_URI names the connection to use; without it, a virtmemd is started for each class.
"""

import os
import sys
import unittest

import libvirt

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'lib')]

import suite  # noqa: E402
from scene import Scene  # noqa: E402

MIB = 1024
DIMM = """
    <memory model='dimm'>
      <target><size unit='MiB'>256</size><node>1</node></target>
    </memory>"""
VIRTIO_MEM = """
    <memory model='virtio-mem'>
      <target>
        <size unit='MiB'>1024</size><node>0</node><block unit='MiB'>2</block><requested unit='MiB'>384</requested>
      </target>
    </memory>"""
CHANNEL = """
    <channel type='unix'>
      <source mode='bind' path='$folder/channel'/>
      <target type='virtio' name='org.libvirt-memory.agent.0'/>
    </channel>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"""
NVDIMM = """
    <memory model='nvdimm' access='shared'>
      <source><path>$folder/nvdimm</path></source>
      <target><size unit='MiB'>128</size><node>0</node></target>
    </memory>"""
VIRTIO_PMEM = """
    <memory model='virtio-pmem' access='shared'>
      <source><path>$folder/pmem</path></source>
      <target><size unit='MiB'>64</size></target>
    </memory>"""

# What the guest's kernel keeps of a node's memory for its code, page structures and bounce buffers, and the firmware.
MOST_KEPT_KIB = 144 * MIB


class Booted(unittest.TestCase):
    """Two NUMA cells, a DIMM, a virtio-mem device and a balloon: questions to one running guest."""

    @classmethod
    def setUpClass(cls):
        cls.scene = Scene.forClass(cls)
        cls.guest = cls.scene.guest('boot', devices=DIMM + VIRTIO_MEM + CHANNEL)

    def testBlocksPerNode(self):
        self.guest.until('[ $(grep -lx online /sys/devices/system/node/node0/memory*/state | wc -l) = 7 ]')
        self.assertEqual(self.guest.nodeBlocksKib(), {0: (512 + 384) * MIB, 1: (512 + 256) * MIB})
        self.assertEqual(self.guest.nodeBlocksKib('offline'), {})

    def testDimmIsMovable(self):
        self.assertEqual(self.guest.zoneBlocksKib(1, 'Movable'), 256 * MIB)

    def testMemTotal(self):
        nodes = self.guest.nodeMemTotalKib()
        for node, promised in {0: (512 + 384) * MIB, 1: (512 + 256) * MIB}.items():
            self.assertLessEqual(nodes[node], promised)
            self.assertGreaterEqual(nodes[node], promised - MOST_KEPT_KIB)
        self.assertEqual(self.guest.memTotalKib(), sum(nodes.values()))

    def testDrivers(self):
        self.assertEqual(
            self.guest.drivers(),
            {'virtio_balloon': 1, 'virtio_mem': 1, 'virtio_console': 1, 'virtio_rng': 1})

    def testVirtioMemPlugged(self):
        xml = self.scene.tree(self.guest.domain)
        target = xml.find("devices/memory[@model='virtio-mem']/target")
        self.assertEqual(target.findtext('requested'), str(384 * MIB))
        self.scene.until(
            lambda: self.scene.tree(self.guest.domain).findtext("devices/memory[@model='virtio-mem']/target/current"),
            str(384 * MIB))

    def testBalloonStatistics(self):
        """available in libvirt's words is MemTotal in the guest's."""
        self.scene.until(lambda: self.guest.domain.memoryStats().get('available'), self.guest.memTotalKib())
        # The balloon's own figure has boot memory and DIMMs in it, but not virtio-mem.
        self.assertEqual(self.guest.domain.memoryStats()['actual'], (512 + 512 + 256) * MIB)

    def testDimmAddress(self):
        address = self.scene.tree(self.guest.domain).find("devices/memory[@model='dimm']/address")
        self.assertEqual(address.get('slot'), '0')
        base = int(address.get('base'), 16)
        iomem = self.guest.check('grep "System RAM" /proc/iomem')
        self.assertIn(f'{base:x}-{base + 256 * MIB * 1024 - 1:x} : System RAM', iomem)

    def testChannel(self):
        """The same agent behind a virtio port."""
        serial = self.guest.agent
        self.guest.agent = None
        try:
            self.guest.connect('channel')
            self.assertEqual(self.guest.check('echo through the channel'), 'through the channel')
        finally:
            self.guest.agent.close()
            self.guest.agent = serial


class LifeCycle(unittest.TestCase):
    def setUp(self):
        self.scene = Scene.forCase(self)

    def testRebootThenShutdown(self):
        guest = self.scene.guest('cycle', devices=DIMM)
        self.assertEqual(guest.events.wait(libvirt.VIR_DOMAIN_EVENT_STARTED), libvirt.VIR_DOMAIN_EVENT_STARTED_BOOTED)
        guest.domain.reboot()
        guest.waitReboot()
        self.assertEqual(guest.nodeBlocksKib(), {0: 512 * MIB, 1: 768 * MIB})
        guest.shutdown()
        self.assertEqual(guest.domain.state(), [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_SHUTDOWN])

    def testWithoutDrivers(self):
        """What this rig's later tests rely on: a guest without a driver boots, and says that it has none."""
        guest = self.scene.guest('bare', devices=VIRTIO_MEM, memory='off', skip=('virtio_mem', 'virtio_balloon'))
        self.assertEqual(guest.drivers(), {'-': 2})
        self.assertEqual(guest.nodeBlocksKib(), {0: 512 * MIB, 1: 512 * MIB})


    def testHold(self):
        """What the tests of refused unplugs rely on: memory that the kernel holds does not go offline."""
        guest = self.scene.guest('hold', devices=DIMM, memory='kernel')
        base = int(self.scene.tree(guest.domain).find("devices/memory[@model='dimm']/address").get('base'), 16)
        state = f'/sys/devices/system/memory/memory{base // 1024 // guest.blockKib()}/state'
        # More than node 1 has beside the DIMM.
        guest.check('hold 600 1')
        status, lines = guest.agent.ask(f'echo offline > {state}')
        self.assertNotEqual(status, 0)
        self.assertIn('Device or resource busy', ''.join(lines))
        self.assertEqual(guest.check(f'cat {state}'), 'online')
        held = guest.nodeMemFreeKib(1)
        guest.check('hold 0')
        self.assertGreaterEqual(guest.nodeMemFreeKib(1), held + 500 * MIB)


class Persistent(unittest.TestCase):
    """A device of persistent memory is a block device of its size, and what is in it is in its file."""

    def setUp(self):
        # Stock libvirt 9.0 accepts a virtio-pmem and cannot start it. An NVDIMM can be plugged only where one was at the start.
        self.guest = Scene.forCase(self).guest(
            'pmem', devices=NVDIMM + VIRTIO_PMEM, files={'nvdimm': 128, 'pmem': 64, 'nvdimm-hot': 256, 'pmem-hot': 96})

    def isUsed(self, name, mib):
        """What the host wrote the guest reads, and what the guest writes the host reads."""
        path = os.path.join(self.guest.folder, name)
        self.guest.until(f'grep -lx {mib * 2048} /sys/block/pmem*/size')
        device = self.guest.check(f'grep -lx {mib * 2048} /sys/block/pmem*/size').split('/')[3]
        with open(path, 'r+b') as backing:
            backing.seek(4096)
            backing.write(f'from the host to {name}\n'.encode())
        self.assertEqual(self.guest.check(f'dd if=/dev/{device} bs=4096 skip=1 count=1 2> /dev/null | head -n 1'),
                         f'from the host to {name}')
        self.guest.check(f"echo 'this is {name}' | dd of=/dev/{device} bs=512 conv=sync,fsync")
        with open(path, 'rb') as backing:
            self.assertEqual(backing.read(512).rstrip(b'\0').decode(), f'this is {name}\n')

    def plug(self, name, xml, alias):
        """Into the running guest, by stock virsh."""
        path = os.path.join(self.guest.folder, f'{name}.xml')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(xml.replace('$folder', self.guest.folder))
        self.assertEqual(self.guest.virsh('attach-device', 'GUEST', path, '--live'), (0, ''))
        self.guest.memoryEvents.wait('added', alias)
        return path

    def refusesToGo(self, path, alias, words):
        """QEMU 7.2 unplugs neither: it says so, and all stays as it is."""
        before = self.guest.domain.XMLDesc()
        status, said = self.guest.virsh('detach-device', 'GUEST', path, '--live')
        self.assertEqual(status, 1)
        self.assertRegex(said, f'internal error: .*{words}')
        self.assertEqual(self.guest.domain.XMLDesc(), before)
        self.assertIn(alias, self.guest.memoryAliases())

    def testFromStartAndPlugged(self):
        self.isUsed('nvdimm', 128)
        self.isUsed('pmem', 64)
        full = self.guest.tree().findtext('memory')
        hotNvdimm = self.plug('nvdimm-hot', NVDIMM.replace('nvdimm<', 'nvdimm-hot<').replace('128', '256'), 'nvdimm1')
        hotPmem = self.plug('pmem-hot', VIRTIO_PMEM.replace('pmem<', 'pmem-hot<').replace('64', '96'), 'virtiopmem1')
        self.assertEqual(self.guest.tree().findtext('memory'), str(int(full) + (256 + 96) * MIB))
        self.isUsed('nvdimm-hot', 256)
        self.isUsed('pmem-hot', 96)
        self.refusesToGo(hotNvdimm, 'nvdimm1', 'nvdimm device hot unplug is not supported')
        self.refusesToGo(hotPmem, 'virtiopmem1', 'memory devices cannot be unplugged')
        self.isUsed('nvdimm-hot', 256)
        self.isUsed('pmem-hot', 96)


if __name__ == '__main__':
    suite.main()
