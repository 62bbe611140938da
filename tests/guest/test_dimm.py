#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_dimm.py: DIMMs plugged into a running guest and taken out of it, given up, refused, and given up late.

MEM_TEST_URI names the connection to use; without it, a virtmemd is started.
"""

import json
import os
import sys
import unittest

import libvirt
import libvirt_qemu

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'lib')]

import suite  # noqa: E402
from events import VirshEvents  # noqa: E402
from scene import Scene  # noqa: E402

MIB = 1024
BOOT_KIB = {0: 512 * MIB, 1: 512 * MIB}
LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
CONFIG = libvirt.VIR_DOMAIN_AFFECT_CONFIG


def dimm(mib, node=1, alias=''):
    alias = f"<alias name='{alias}'/>" if alias else ''
    return f"<memory model='dimm'><target><size unit='MiB'>{mib}</size><node>{node}</node></target>{alias}</memory>"


class Dimm(unittest.TestCase):
    """One guest with nothing but boot memory and a balloon; each case leaves it as it found it."""

    @classmethod
    def setUpClass(cls):
        cls.scene = Scene.forClass(cls)
        cls.guest = cls.scene.guest('dimm')
        cls.virsh = VirshEvents(cls.guest)
        cls.addClassCleanup(cls.virsh.close)

    def setUp(self):
        # A case that failed may have left something.
        for alias in self.guest.memoryAliases():
            self.guest.domain.detachDeviceAlias(alias, LIVE)
            self.guest.memoryEvents.wait('removed', alias)
        self.guest.memoryEvents.forget()
        self.virsh.forget()

    def told(self, event, words=''):
        """Stock virsh has heard of it, too."""
        self.virsh.wait(f"event '{event}' for domain '{self.guest.name}'{words}\n")

    def plug(self, xml, alias, flags=LIVE):
        self.guest.domain.attachDeviceFlags(xml, flags)
        self.guest.memoryEvents.wait('added', alias)

    def waitBlocks(self, node, mib):
        """The guest puts a DIMM online, or lets go of it, a little after the host has heard of it."""
        self.scene.until(lambda: self.guest.nodeBlocksKib().get(node), mib * MIB)

    def failsWith(self, code, call, *arguments):
        with self.assertRaises(libvirt.libvirtError) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.get_error_code(), code, str(caught.exception))
        return str(caught.exception)

    def testPlugThenUnplug(self):
        before = self.guest.memTotalKib()
        self.plug(dimm(256), 'dimm0')
        self.told('device-added', ': dimm0')
        device = self.guest.device('dimm0')
        self.assertEqual(device.find('address').get('slot'), '0')
        self.assertEqual(self.guest.tree().findtext('memory'), str((1024 + 256) * MIB))
        self.assertEqual(self.guest.domain.info()[1], (1024 + 256) * MIB)
        self.waitBlocks(1, 512 + 256)
        self.assertEqual(self.guest.zoneBlocksKib(1, 'Movable'), 256 * MIB)
        self.assertEqual(self.guest.memTotalKib(), before + 256 * MIB)
        base = int(device.find('address').get('base'), 16)
        self.assertIn(f'{base:x}-{base + 256 * MIB * 1024 - 1:x} : System RAM', self.guest.check('cat /proc/iomem'))

        self.guest.domain.detachDeviceFlags(dimm(256), LIVE)
        self.guest.memoryEvents.wait('removed', 'dimm0')
        self.told('device-removed', ': dimm0')
        self.assertEqual(self.guest.memoryAliases(), [])
        self.assertEqual(self.guest.tree().findtext('memory'), str(1024 * MIB))
        self.assertEqual(self.guest.nodeBlocksKib(), BOOT_KIB)
        self.assertEqual(self.guest.memTotalKib(), before)
        self.assertEqual(self.ask('query-memory-devices'), [])
        self.assertNotIn('memdimm0', [entry['name'] for entry in self.ask('qom-list', path='/objects')])

    def ask(self, command, **arguments):
        """QEMU's own word."""
        text = json.dumps({'execute': command, 'arguments': arguments})
        return json.loads(libvirt_qemu.qemuMonitorCommand(self.guest.domain, text, 0))['return']

    def testByVirshLiveAndConfig(self):
        path = os.path.join(self.guest.folder, 'dimm.xml')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(dimm(128, node=0, alias='ua-extra'))
        self.assertEqual(self.guest.virsh('attach-device', 'GUEST', path, '--live', '--config')[0], 0)
        self.guest.memoryEvents.wait('added', 'ua-extra')
        self.waitBlocks(0, 512 + 128)
        inactive = self.guest.tree(libvirt.VIR_DOMAIN_XML_INACTIVE)
        self.assertEqual(inactive.find('devices/memory/alias').get('name'), 'ua-extra')
        self.assertEqual(self.guest.virsh('detach-device-alias', 'GUEST', 'ua-extra', '--live', '--config')[0], 0)
        self.guest.memoryEvents.wait('removed', 'ua-extra')
        self.assertEqual(self.guest.nodeBlocksKib(), BOOT_KIB)
        self.assertIsNone(self.guest.tree(libvirt.VIR_DOMAIN_XML_INACTIVE).find('devices/memory'))

    def testDetachByAliasOnlyAsks(self):
        self.plug(dimm(128), 'dimm0')
        self.waitBlocks(1, 512 + 128)
        self.guest.domain.detachDeviceAlias('dimm0', LIVE)
        self.guest.memoryEvents.wait('removed', 'dimm0')
        self.assertEqual(self.guest.memoryAliases(), [])
        self.assertEqual(self.guest.nodeBlocksKib(), BOOT_KIB)

    def testRefusedUntilReset(self):
        """The guest's kernel holds memory in the DIMM: it says no, and all stays as it was, on both sides."""
        self.guest.plugPolicy('kernel')
        self.plug(dimm(256, alias='ua-held'), 'ua-held', LIVE | CONFIG)
        self.waitBlocks(1, 512 + 256)
        # More than node 1 has beside the DIMM.
        self.guest.check('hold 560 1')
        live, stored = self.guest.domain.XMLDesc(), self.guest.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        text = self.failsWith(libvirt.VIR_ERR_OPERATION_FAILED,
                              self.guest.domain.detachDeviceFlags, dimm(256, alias='ua-held'), LIVE | CONFIG)
        self.assertIn("the guest refused to give up device 'ua-held'", text)
        self.guest.memoryEvents.wait('removal-failed', 'ua-held')
        self.told('device-removal-failed', ': ua-held')
        self.assertEqual(self.guest.domain.XMLDesc(), live)
        self.assertEqual(self.guest.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), stored)
        self.assertEqual(self.guest.nodeBlocksKib()[1], (512 + 256) * MIB)

        # An answer to a request that nobody waits for is told as well.
        self.guest.domain.detachDeviceAlias('ua-held', LIVE)
        self.guest.memoryEvents.wait('removal-failed', 'ua-held')
        self.assertEqual(self.guest.memoryAliases(), ['ua-held'])

        # Its first kernel would never let go of it; the next one has the DIMM from its start, and finds nothing to keep in it.
        self.guest.domain.reset()
        self.guest.memoryEvents.wait('reboot')
        self.told('reboot')
        self.guest.waitReboot()
        self.assertEqual(self.guest.nodeBlocksKib(), {0: 512 * MIB, 1: (512 + 256) * MIB})
        self.assertEqual(self.guest.zoneBlocksKib(1, 'Movable'), 256 * MIB)
        self.guest.domain.detachDeviceFlags(dimm(256, alias='ua-held'), LIVE | CONFIG)
        self.guest.memoryEvents.wait('removed', 'ua-held')
        self.assertEqual(self.guest.nodeBlocksKib(), BOOT_KIB)

    def testLate(self):
        """A guest that stands still does not answer: that is no success, and not the end of it either."""
        self.plug(dimm(128), 'dimm0')
        self.waitBlocks(1, 512 + 128)
        self.guest.domain.suspend()
        self.told('lifecycle', ': Suspended Paused')
        try:
            text = self.failsWith(libvirt.VIR_ERR_OPERATION_TIMEOUT, self.guest.domain.detachDeviceFlags, dimm(128), LIVE)
            self.assertIn("the guest has not yet given up device 'dimm0'", text)
            self.assertEqual(self.guest.memoryAliases(), ['dimm0'])
        finally:
            self.guest.domain.resume()
        self.told('lifecycle', ': Resumed Unpaused')
        self.guest.memoryEvents.wait('removed', 'dimm0')
        self.assertEqual(self.guest.memoryAliases(), [])
        self.assertEqual(self.guest.tree().findtext('memory'), str(1024 * MIB))
        self.assertEqual(self.guest.nodeBlocksKib(), BOOT_KIB)

    def testOffline(self):
        """A guest that leaves new memory offline has the DIMM and none of its memory, and gives it up freely."""
        self.guest.plugPolicy('off')
        self.addCleanup(self.guest.plugPolicy, 'movable')
        before = self.guest.memTotalKib()
        self.plug(dimm(1024), 'dimm0')
        self.scene.until(lambda: self.guest.nodeBlocksKib('offline'), {1: 1024 * MIB})
        self.assertLessEqual(self.guest.memTotalKib(), before)
        # As soon as the guest has reported again, the host knows.
        self.scene.until(self.messages, ['the guest'])
        self.assertIn('not online', self.guest.virsh('dominfo', 'GUEST')[1])
        self.guest.check('for f in /sys/devices/system/memory/memory*/state; do '
                         '[ $(cat $f) = online ] || echo online_movable > $f; done')
        self.assertGreater(self.guest.memTotalKib(), before + 900 * MIB)
        self.scene.until(self.messages, [])
        self.guest.domain.detachDeviceFlags(dimm(1024), LIVE)
        self.guest.memoryEvents.wait('removed', 'dimm0')

    def messages(self):
        """The first words of each."""
        return [' '.join(text.split()[:2]) for text in self.guest.domain.messages()]


if __name__ == '__main__':
    suite.main()
