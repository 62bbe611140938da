#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_virtiomem.py: two virtio-mem devices on two nodes of a running guest, made larger and smaller.

MEM_TEST_URI names the connection to use; without it, a virtmemd is started for each class.
"""

import os
import sys
import unittest
import xml.etree.ElementTree as ElementTree

import libvirt

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'lib')]

import suite  # noqa: E402
from events import VirshEvents  # noqa: E402
from scene import Scene  # noqa: E402

MIB = 1024
# What is plugged between the cases, in MiB.
AT_REST = {'virtiomem0': 0, 'ua-right': 256}
LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
CONFIG = libvirt.VIR_DOMAIN_AFFECT_CONFIG


def virtioMem(mib, requestedMib, node, alias=''):
    alias = f"<alias name='{alias}'/>" if alias else ''
    return (f"<memory model='virtio-mem'><target><size unit='MiB'>{mib}</size><node>{node}</node>"
            f"<block unit='MiB'>2</block><requested unit='MiB'>{requestedMib}</requested></target>{alias}</memory>")


def request(guest, alias, mib, flags=LIVE):
    """What update-memory-device does: the device as it is, with another requested size."""
    device = guest.device(alias)
    device.find('target/requested').text = str(mib * MIB)
    guest.domain.updateDeviceFlags(ElementTree.tostring(device, encoding='unicode'), flags)


class TwoNodes(unittest.TestCase):
    """virtiomem0 on node 0 has nothing plugged, ua-right on node 1 has 256 MiB; each case ends that way."""

    @classmethod
    def setUpClass(cls):
        cls.scene = Scene.forClass(cls)
        cls.guest = cls.scene.guest(
            'vmem', devices=virtioMem(1024, 0, 0) + virtioMem(512, 256, 1, 'ua-right'), maxMemoryMib=4096)
        cls.waitPlugged(AT_REST)

    @classmethod
    def waitPlugged(cls, sizes):
        """{alias: MiB}, as the host has it and as the guest has it."""
        wanted = {alias: mib * MIB for alias, mib in sizes.items()}
        cls.scene.until(lambda: {alias: cls.guest.currentKib(alias) for alias in sizes}, wanted)
        cls.scene.until(cls.guest.nodeBlocksKib, {0: (512 + sizes['virtiomem0']) * MIB, 1: (512 + sizes['ua-right']) * MIB})

    def setUp(self):
        # A case that failed may have left something.
        for alias, mib in AT_REST.items():
            if self.guest.device(alias).findtext('target/requested') != str(mib * MIB):
                request(self.guest, alias, mib)
        self.waitPlugged(AT_REST)
        self.guest.memoryEvents.forget()

    def plug(self, alias, mib):
        request(self.guest, alias, mib)
        self.guest.memoryEvents.wait('size', alias, mib * MIB)

    def testGrowAndShrink(self):
        before = self.guest.memTotalKib()
        virsh = VirshEvents(self.guest)
        self.addCleanup(virsh.close)
        self.plug('virtiomem0', 768)
        virsh.wait(rf"event 'memory-device-size-change' for domain '{self.guest.name}':\n *alias: virtiomem0\n *size: {768 * MIB}\n")
        self.waitPlugged({'virtiomem0': 768, 'ua-right': 256})
        self.assertEqual(self.guest.memTotalKib(), before + 768 * MIB)
        self.assertEqual(self.guest.tree().findtext('currentMemory'), str((1024 + 256 + 768) * MIB))
        # The whole of both devices counts, plugged or not.
        self.assertEqual(self.guest.tree().findtext('memory'), str((1024 + 1024 + 512) * MIB))
        self.assertEqual(self.guest.domain.info()[1:3], [(1024 + 1024 + 512) * MIB, (1024 + 256 + 768) * MIB])

        # What the guest has used of it the host has back after the shrinking.
        self.guest.check('mkdir -p /run/fill && mount -t tmpfs -o size=2g fill /run/fill && '
                         'dd if=/dev/zero of=/run/fill/all bs=1M count=1500 2>&1 && umount /run/fill')
        used = self.guest.domain.memoryStats()['rss']
        self.plug('virtiomem0', 256)
        self.waitPlugged({'virtiomem0': 256, 'ua-right': 256})
        self.assertEqual(self.guest.memTotalKib(), before + 256 * MIB)
        self.assertLess(self.guest.domain.memoryStats()['rss'], used - 256 * MIB)
        self.plug('virtiomem0', 0)
        self.waitPlugged({'virtiomem0': 0, 'ua-right': 256})
        self.assertEqual(self.guest.memTotalKib(), before)

    def testByVirsh(self):
        """One device of two by alias, live and stored; the other one keeps what it has."""
        for mib in (384, 256):
            status, said = self.guest.virsh('update-memory-device', 'GUEST', '--alias', 'ua-right', '--requested-size',
                                            f'{mib}MiB', '--live', '--config')
            self.assertEqual(status, 0, said)
            self.guest.memoryEvents.wait('size', 'ua-right', mib * MIB)
            self.waitPlugged({'virtiomem0': 0, 'ua-right': mib})
            stored = self.guest.tree(libvirt.VIR_DOMAIN_XML_INACTIVE)
            self.assertEqual([device.findtext('target/requested') for device in stored.findall('devices/memory')],
                             ['0', str(mib * MIB)])

    def testRefusedRequests(self):
        for mib, why in ((2048, 'beyond its size'), (3, 'no multiple of its block')):
            with self.assertRaises(libvirt.libvirtError, msg=why) as caught:
                request(self.guest, 'virtiomem0', mib)
            self.assertEqual(caught.exception.get_error_code(), libvirt.VIR_ERR_XML_DETAIL)
        self.assertEqual(self.guest.device('virtiomem0').findtext('target/requested'), '0')
        self.assertEqual(self.guest.currentKib('virtiomem0'), 0)

    def testPartialShrinkThenReset(self):
        """The guest gives back what it can, in one step of 2 MiB after the other, and says how far it came."""
        # What is plugged already is movable: the kernel would not hold anything there.
        self.plug('ua-right', 0)
        self.guest.plugPolicy('kernel')
        self.plug('ua-right', 512)
        self.scene.until(self.guest.nodeBlocksKib, {0: 512 * MIB, 1: 1024 * MIB})
        # More than node 1 has beside the device.
        self.guest.check(f'hold {self.guest.nodeMemFreeKib(1) // MIB - 200} 1')
        request(self.guest, 'ua-right', 0)
        self.guest.memoryEvents.wait('size', 'ua-right')
        # What is left is what cannot be given back: there is no event for that the guest has come to its end.
        self.scene.settled(lambda: self.guest.currentKib('ua-right'))
        device = self.guest.device('ua-right')
        left = int(device.findtext('target/current'))
        self.assertEqual(device.findtext('target/requested'), '0')
        self.assertGreater(left, 0)
        self.assertLess(left, 512 * MIB)
        self.assertEqual(left % (2 * MIB), 0)
        self.assertEqual(int(self.guest.tree().findtext('currentMemory')), 1024 * MIB + left)

        # A reset takes all plugged memory away, held or not, and the next kernel plugs what is asked for now.
        request(self.guest, 'ua-right', 256)
        self.guest.memoryEvents.forget()
        self.guest.domain.reset()
        self.guest.memoryEvents.wait('size', 'ua-right', 0)
        self.guest.waitReboot()
        self.waitPlugged(AT_REST)
        self.assertEqual(self.guest.tree().findtext('currentMemory'), str((1024 + 256) * MIB))

    def testHotplug(self):
        """A third device, plugged while the guest runs, and never to be had back: QEMU 7.2 cannot unplug it."""
        self.guest.domain.attachDeviceFlags(virtioMem(256, 128, 0), LIVE)
        self.guest.memoryEvents.wait('added', 'virtiomem1')
        self.guest.memoryEvents.wait('size', 'virtiomem1', 128 * MIB)
        self.assertEqual(self.guest.drivers()['virtio_mem'], 3)
        self.scene.until(self.guest.nodeBlocksKib, {0: (512 + 128) * MIB, 1: (512 + 256) * MIB})
        self.plug('virtiomem1', 0)
        self.waitPlugged(AT_REST)
        with self.assertRaises(libvirt.libvirtError):
            self.guest.domain.detachDeviceAlias('virtiomem1', LIVE)
        self.assertIsNotNone(self.guest.device('virtiomem1'))


class NoDriver(unittest.TestCase):
    def testNothingHappens(self):
        """A guest without the drivers: libvirt's calls succeed, and everything that can be asked says that nothing came of it."""
        scene = Scene.forCase(self)
        guest = scene.guest('nodriver', devices=virtioMem(512, 0, 0), memory='off', skip=('virtio_mem', 'virtio_balloon'))
        self.assertEqual(guest.drivers(), {'-': 2})
        before = guest.memTotalKib()
        request(guest, 'virtiomem0', 256)
        guest.domain.setMemory(768 * MIB)
        device = guest.device('virtiomem0')
        self.assertEqual((device.findtext('target/requested'), device.findtext('target/current')), (str(256 * MIB), '0'))
        # What is the matter is said where libvirt's protocol has a place for it.
        status, said = guest.virsh('dominfo', 'GUEST')
        self.assertEqual(status, 0)
        self.assertIn('the guest has never sent statistics', said)
        self.assertIn(f"'virtiomem0': nothing of the '{256 * MIB}' KiB requested is plugged", said)
        statistics = guest.domain.memoryStats()
        self.assertEqual(statistics['actual'], 1024 * MIB)
        self.assertEqual(statistics['last_update'], 0)
        self.assertNotIn('available', statistics)
        self.assertEqual(guest.tree().findtext('currentMemory'), str(1024 * MIB))
        self.assertEqual(guest.memTotalKib(), before)
        self.assertEqual(guest.memoryEvents.seen, [])


if __name__ == '__main__':
    suite.main()
