#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""library.py: libvirt-memory as others see it: its symbols, its header, and a program built against what is installed."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))

import suite  # noqa: E402

LIBRARY = os.path.join(suite.buildFolder(), 'src', 'client', 'libvirt-memory.so.0')
HEADER = os.path.join(suite.SOURCE, 'include', 'libvirt', 'libvirt-memory.h')
SYMBOLS = os.path.join(suite.SOURCE, 'src', 'client', 'libvirt_memory.syms')
STRICT = ['-std=c99', '-pedantic', '-Wall', '-Wextra', '-Werror']


def output(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def exported(path):
    lines = output('nm', '-D', '--defined-only', path).splitlines()
    return {line.split()[2].split('@')[0] for line in lines if line.split()[1] in 'TDBRVW'}


def otherLibraries():
    for line in output('ldd', LIBRARY).splitlines():
        name, _, rest = line.strip().partition(' => ')
        if name.startswith('libvirt'):
            yield rest.split(' ')[0]


class Symbols(unittest.TestCase):
    def setUp(self):
        with open(SYMBOLS, encoding='utf-8') as file:
            self.listed = re.findall(r'^ +(virMem\w+);$', file.read(), re.M)

    def testAsListed(self):
        self.assertEqual(self.listed, sorted(self.listed))
        self.assertEqual(exported(LIBRARY), set(self.listed))

    def testAsDeclared(self):
        with open(HEADER, encoding='utf-8') as file:
            declared = re.findall(r'^[a-z][\w *]*?[ *](virMem\w+)\(', file.read(), re.M)
        self.assertEqual(sorted(declared), self.listed)

    def testNoneIsLibvirts(self):
        others = list(otherLibraries())
        self.assertTrue(others)
        for library in others:
            self.assertEqual(exported(library) & set(self.listed), set(), library)

    def testName(self):
        self.assertIn('Library soname: [libvirt-memory.so.0]', output('readelf', '-d', LIBRARY))


class Header(unittest.TestCase):
    def testAlone(self):
        """It needs nothing but itself and libvirt's, and is plain C."""
        flags = output('pkg-config', '--cflags', 'libvirt').split()
        subprocess.run(['cc', *STRICT, '-fsyntax-only', '-x', 'c', '-I', os.path.join(suite.SOURCE, 'include'), *flags, '-'],
                       input='#include <libvirt/libvirt-memory.h>\n#include <libvirt/libvirt-memory.h>\n', text=True, check=True)


class Installed(unittest.TestCase):
    """What a packager would ship, in a folder of the test's."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='installed-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        subprocess.run(['meson', 'install', '-C', suite.buildFolder(), '--no-rebuild', '--destdir', self.folder],
                       stdout=subprocess.DEVNULL, check=True)
        found = [top for top, _, names in os.walk(self.folder) if 'libvirt-memory.pc' in names]
        self.assertEqual(len(found), 1)
        default = output('pkg-config', '--variable', 'pc_path', 'pkg-config').strip()
        self.environment = dict(os.environ, PKG_CONFIG_LIBDIR=':'.join([found[0], default]))
        self.environment.pop('PKG_CONFIG_PATH', None)
        self.libraries = os.path.dirname(found[0])

    def testExample(self):
        prefix = output('pkg-config', '--variable=prefix', 'libvirt-memory', env=self.environment).strip()
        flags = output('pkg-config', '--cflags', '--libs', 'libvirt-memory',
                       f'--define-variable=prefix={self.folder}{prefix}', env=self.environment).split()
        program = os.path.join(self.folder, 'example')
        subprocess.run(['cc', *STRICT, '-D_GNU_SOURCE', os.path.join(suite.SOURCE, 'examples', 'resize.c'), *flags, '-o', program],
                       check=True)
        environment = dict(os.environ, LD_LIBRARY_PATH=self.libraries)
        self.assertIn(self.libraries, output('ldd', program, env=environment))

        def run(*arguments):
            return subprocess.run([program, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        self.assertEqual(run().returncode, 2)
        lost = run('test:///default', 'nobody', '1024')
        self.assertEqual((lost.returncode, lost.stdout), (1, ''))
        self.assertTrue(lost.stderr.startswith('error: '))
        # libvirt's own test driver has a domain that holds 2 of its 8 GiB, and no memory to plug.
        more = run('test:///default', 'test', str(16 << 20), '--plan')
        self.assertEqual(more.returncode, 1, more.stderr)
        self.assertIn('error: the guest has no <maxMemory>: it cannot have more than 8 GiB', more.stderr)
        self.assertIn('check max-memory failed: ', more.stdout)
        same = run('test:///default', 'test', str(2 << 20))
        self.assertEqual(same.returncode, 0, same.stderr)
        self.assertIn('result reached 2097152 KiB, short 0 KiB, 0 steps', same.stdout)


if __name__ == '__main__':
    suite.main()
