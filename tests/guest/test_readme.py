#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_readme.py: what README.md says to type is typed, with a guest that boots, and shows what README.md shows.

Figures may differ; the words may not. The picture that is made on the way is docs/map.svg: MEM_TEST_REGENERATE=1 writes it anew.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'lib')]

import suite  # noqa: E402
import guest  # noqa: E402
from daemon import Virtmemd, endGuests  # noqa: E402

# The folder that README.md uses.
FOLDER = '/tmp/mem'
PICTURE = os.path.join(suite.SOURCE, 'docs', 'map.svg')
COMMAND_SECONDS = 180
BOOT_SECONDS = 180


def blocks(title):
    """The indented blocks of README.md under that title, each a list of lines."""
    with open(os.path.join(suite.SOURCE, 'README.md'), encoding='utf-8') as readme:
        text = readme.read().split(f'\n## {title}\n')[1].split('\n## ')[0]
    found, lines = [], []
    for line in text.splitlines() + ['end']:
        if line.startswith('    ') or (not line and lines):
            lines.append(line[4:])
        elif lines:
            found.append(lines)
            lines = []
    return found


def words(line):
    """Without figures and without what follows from their width."""
    line = re.sub(r'\b(now|\d+ (s|min))\b', 'age', line)
    return re.sub(r'\s+', ' ', re.sub(r'-+', '-', re.sub(r'\d+(\.\d+)?( [KMG]iB)?', '#', line))).strip()


class Readme(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='readme-')
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.addCleanup(endGuests, self.folder)
        self.daemon = Virtmemd(self.folder)
        self.addCleanup(self.daemon.stop)
        self.environment = dict(os.environ, LIBVIRT_DEFAULT_URI=self.daemon.uri, LC_ALL='C.UTF-8')

    def run_(self, command, directory):
        done = subprocess.run(['sh', '-c', command], cwd=directory, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=COMMAND_SECONDS, check=False)
        self.assertEqual(done.returncode, 0, f'{command}:\n{done.stdout}')
        return done.stdout

    def byHand(self):
        """Does each line of the section; what takes another form here is named, so that nothing is left out unseen."""
        with open(os.path.join(suite.SOURCE, 'examples', 'guest.xml'), encoding='utf-8') as file:
            xml = file.read().replace(FOLDER, self.folder).replace("type='qemu'", f"type='{guest.domainType()}'")
        with open(os.path.join(self.folder, 'guest.xml'), 'w', encoding='utf-8') as file:
            file.write(xml)
        for line in blocks('By hand')[0]:
            if line == f'build/run virtmemd --root {FOLDER} &':
                self.daemon.start()
            elif line.startswith('export '):
                self.assertEqual(line.replace(FOLDER, self.folder), f"export LIBVIRT_DEFAULT_URI='{self.daemon.uri}'")
            elif line == 'virsh define examples/guest.xml':
                self.run_('virsh define guest.xml', self.folder)
            elif line not in ('', 'make'):
                self.run_(line.replace(FOLDER, self.folder), suite.SOURCE)

    def waitBooted(self):
        deadline = time.monotonic() + BOOT_SECONDS
        while '"state": "fresh"' not in (shown := self.run_('virsh-memory dommemstat --format json', self.folder)):
            self.assertLess(time.monotonic(), deadline, shown)
            # Nothing tells of a guest's first report.
            time.sleep(0.2)

    def checkShown(self, command, lines):
        shown = {words(line) for line in self.run_(command, self.folder).splitlines()}
        for line in lines:
            if line.strip() not in ('', '...'):
                self.assertIn(words(line), shown, f'README.md shows this under "{command}"')

    def testSession(self):
        self.byHand()
        self.waitBooted()
        session = '\n'.join(line for block in blocks('A size for a guest') for line in block if not line.startswith('virsh-memory'))
        steps = [step.split('\n') for step in session.split('$ ')[1:]]
        self.assertGreater(len(steps), 4)
        for command, *lines in steps:
            self.checkShown(command, lines)
        self.checkPicture()
        self.run_('virsh destroy guest && virsh undefine guest', self.folder)

    def checkPicture(self):
        with open(os.path.join(self.folder, 'map.svg'), encoding='utf-8') as file:
            made = file.read()
        if os.environ.get('MEM_TEST_REGENERATE'):
            with open(PICTURE, 'w', encoding='utf-8') as file:
                file.write(made)
        with open(PICTURE, encoding='utf-8') as file:
            self.assertEqual(made, file.read(), 'docs/map.svg is not what virsh-memory draws: MEM_TEST_REGENERATE=1 writes it anew')


if __name__ == '__main__':
    suite.main()
