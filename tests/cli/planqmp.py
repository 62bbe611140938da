#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""planqmp.py: the QMP that 'resize --plan' shows is what virtmemd then sends, by its own log; and planning sends nothing that changes."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), 'lib')]

import libvirt  # noqa: E402

import suite  # noqa: E402
from daemon import Virtmemd, endGuests  # noqa: E402

CHANGES = ('balloon', 'device_add', 'device_del', 'object-add', 'object-del', 'qom-set')
SENT = re.compile(r': > (\{.*\})$')
BACKINGS = {
    'ram': '',
    'memfd': "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>",
    'file': "<memoryBacking><source type='file'/><access mode='private'/><discard/></memoryBacking>",
    'immediate': "<memoryBacking><allocation mode='immediate' threads='2'/></memoryBacking>",
    'bound': "<numatune><memory mode='strict' nodeset='0'/></numatune>",
    'preferred': "<numatune><memory mode='strict' nodeset='0'/><memnode cellid='1' mode='preferred' nodeset='0'/></numatune>",
}


class PlanQmp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix='planqmp-', ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.addClassCleanup(endGuests, folder.name)
        cls.daemon = cls.enterClassContext(Virtmemd(folder.name, arguments=('--log-level', 'debug')))
        cls.conn = libvirt.open(cls.daemon.uri)
        cls.addClassCleanup(cls.conn.close)
        cls.read = 0

    def guest(self, extra=''):
        with open(os.path.join(HERE, 'guests', 'elastic.xml'), encoding='utf-8') as file:
            xml = file.read().replace('<vcpu>', extra + '<vcpu>')
        domain = self.conn.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED)
        self.addCleanup(domain.destroy)
        return domain

    def command(self, *arguments):
        return subprocess.run(['virsh-memory', '-c', self.daemon.uri, *arguments], capture_output=True, text=True, timeout=60)

    def sent(self):
        """What changes a guest, of all that was sent since the last call; without the numbers of the commands."""
        with open(self.daemon.log, encoding='utf-8', errors='replace') as log:
            log.seek(self.read)
            lines = log.read().splitlines()
            self.__class__.read = log.tell()
        commands = [json.loads(found.group(1)) for found in map(SENT.search, lines) if found]
        return [{'execute': one['execute'], 'arguments': one['arguments']} for one in commands if one['execute'] in CHANGES]

    def check(self, arguments, status=0, kinds=(), dropped=()):
        """Plans, resizes, and compares. dropped: commands that only a guest which runs would bring about."""
        self.sent()
        done = self.command('resize', 'elastic', *arguments, '--plan', '--format', 'json')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.sent(), [], 'planning changes nothing')
        steps = json.loads(done.stdout)['steps']
        self.assertEqual([step['kind'] for step in steps], list(kinds))
        planned = [json.loads(line) for step in steps for line in step['qmp'].splitlines()]
        planned = [one for one in planned if one['execute'] not in dropped]
        done = self.command('resize', 'elastic', *arguments, '--no-wait')
        self.assertEqual(done.returncode, status, done.stderr)
        sent = self.sent()
        for one in sent:
            # The daemon's own affair.
            one['arguments'].pop('mem-path', None)
        self.assertEqual(sent, planned)
        self.assertTrue(sent)

    def testDimms(self):
        for name, extra in BACKINGS.items():
            with self.subTest(name):
                self.guest(extra)
                self.check(('896M', '--no-virtio-mem'), kinds=('plug-dimm', 'plug-dimm'))
                self.doCleanups()

    def testVirtioMem(self):
        self.guest()
        self.check(('1G',), kinds=('virtio-mem',))

    def testBalloon(self):
        self.guest()
        self.check(('600M',), kinds=('balloon',))

    def testUnplug(self):
        """The paused guest does not let go of it, so that its backend stays."""
        self.guest()
        self.check(('512M',), kinds=('unplug-dimm',), dropped=('object-del',))


if __name__ == '__main__':
    suite.main()
