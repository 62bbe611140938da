#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_hostile.py: XML made to exhaust or to deceive: a clear error, in bounded time and memory, and the daemon goes on."""

import os
import sys
import tempfile
import time
import unittest

import libvirt

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))

import suite  # noqa: E402
from daemon import Virtmemd  # noqa: E402

MOST_SECONDS = 10
MOST_KIB = 128 * 1024

XML = ("<domain type='qemu'><name>hostile</name><memory unit='MiB'>64</memory>"
       "<maxMemory slots='200' unit='TiB'>4</maxMemory><os><type>hvm</type></os>"
       "<cpu><numa>{cells}</numa></cpu>{more}<devices>{devices}</devices></domain>")
CELL = "<cell id='0' memory='64' unit='MiB'/>"

libvirt.registerErrorHandler(lambda *_: None, None)


def domain(devices='', more='', cells=CELL):
    return XML.format(devices=devices, more=more, cells=cells)


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.daemon = Virtmemd(cls.folder.name).start()
        cls.conn = libvirt.open(cls.daemon.uri)

    @classmethod
    def tearDownClass(cls):
        cls.conn.close()
        cls.daemon.stop()
        cls.folder.cleanup()

    def resident(self, field='VmRSS'):
        with open(f'/proc/{self.daemon.process.pid}/status') as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field + ':'))

    def refused(self, xml, code, words):
        begin = time.monotonic()
        with self.assertRaises(libvirt.libvirtError) as caught:
            self.conn.defineXML(xml)
        self.assertLess(time.monotonic() - begin, MOST_SECONDS)
        self.assertEqual(caught.exception.get_error_code(), code, str(caught.exception))
        self.assertIn(words, str(caught.exception))
        self.assertLess(self.resident('VmHWM'), MOST_KIB)
        self.assertEqual(self.conn.listAllDomains(), [])

    def testEntityBomb(self):
        lines = "<!ENTITY a0 'aaaaaaaaaaaaaaaa'>" + ''.join(
            f"<!ENTITY a{n} '" + f'&a{n - 1};' * 16 + "'>" for n in range(1, 12))
        for place in ("<domain type='qemu'><name>&a11;</name></domain>", "<domain type='&a11;'/>"):
            self.refused(f'<!DOCTYPE d [{lines}]>{place}', libvirt.VIR_ERR_XML_DETAIL, '')

    def testExternalEntity(self):
        secret = os.path.join(self.folder.name, 'secret')
        with open(secret, 'w') as file:
            file.write('what-nobody-may-read')
        text = f"<!DOCTYPE d [<!ENTITY x SYSTEM 'file://{secret}'>]><domain type='qemu'><name>&x;</name></domain>"
        with self.assertRaises(libvirt.libvirtError) as caught:
            self.conn.defineXML(text)
        self.assertEqual(caught.exception.get_error_code(), libvirt.VIR_ERR_XML_DETAIL)
        self.assertNotIn('what-nobody-may-read', str(caught.exception))

    def testDoctypeAlone(self):
        self.refused("<!DOCTYPE domain><domain type='qemu'/>", libvirt.VIR_ERR_XML_DETAIL, 'DOCTYPE')

    def testNotWellFormed(self):
        for text in ('', '<', '<domain', "<domain type='qemu'><name>x</domain>", 'words', '<a/><b/>'):
            with self.subTest(text), self.assertRaises(libvirt.libvirtError) as caught:
                self.conn.defineXML(text)
            self.assertIn(caught.exception.get_error_code(), (libvirt.VIR_ERR_XML_DETAIL, libvirt.VIR_ERR_INVALID_ARG))

    def testDeep(self):
        self.refused('<a>' * 100000, libvirt.VIR_ERR_XML_DETAIL, '')

    def testTooLongForTheWire(self):
        # the client library itself refuses to send it
        self.refused(domain(more='<description>' + 'x' * 100000000 + '</description>'), libvirt.VIR_ERR_RPC, '')

    def testLongText(self):
        text = 'x' * 4000000
        defined = self.conn.defineXML(domain(more=f'<description>{text}</description>'))
        self.assertEqual(defined.metadata(libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, None), text)
        defined.undefine()
        self.assertLess(self.resident('VmHWM'), MOST_KIB)

    def testTenThousandDevices(self):
        kinds = {
            'memory': "<memory model='dimm'><target><size unit='MiB'>1</size><node>0</node></target></memory>",
            'interface': "<interface type='user'><model type='virtio'/></interface>",
            'disk': "<disk type='file'><source file='/x'/><target dev='vda'/></disk>",
            'serial': "<serial type='pty'/>",
        }
        for kind, device in kinds.items():
            with self.subTest(kind):
                self.refused(domain(devices=device * 10000), libvirt.VIR_ERR_CONFIG_UNSUPPORTED, f"'{kind}'")

    def testAsManyAsAreAllowed(self):
        """Each needs a place, and finding it must not take longer the more there are."""
        dimm = "<memory model='dimm'><target><size unit='MiB'>1</size><node>0</node></target></memory>"
        self.refused(domain(devices=dimm * 4000), libvirt.VIR_ERR_INTERNAL_ERROR, 'no free slot')
        net = "<interface type='user'><model type='virtio'/></interface>"
        begin = time.monotonic()
        defined = self.conn.defineXML(domain(devices=net * 4000))
        self.addCleanup(defined.undefine)
        self.assertEqual(defined.XMLDesc().count("<interface type='user'>"), 4000)
        self.assertLess(time.monotonic() - begin, MOST_SECONDS)

    def testManyCells(self):
        cells = ''.join(f"<cell id='{n}' memory='1' unit='MiB'/>" for n in range(10000))
        self.refused(domain(cells=cells), libvirt.VIR_ERR_XML_ERROR, "'10000' cells")

    def testHugeNumbers(self):
        self.refused(domain(cells="<cell id='0' cpus='0-4294967294' memory='64' unit='MiB'/>"),
                     libvirt.VIR_ERR_INVALID_ARG, "'0-4294967294'")
        self.refused(domain(more='<vcpu>4294967295</vcpu>'), libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "'4294967295'")
        self.refused(domain(cells="<cell id='0' memory='18446744073709551615' unit='EiB'/>"),
                     libvirt.VIR_ERR_OVERFLOW, '18446744073709551615')


if __name__ == '__main__':
    suite.main()
