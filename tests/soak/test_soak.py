#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_soak.py: the soak's parts, each for some seconds; `make soak` runs them for minutes."""

import os
import shutil
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'lib')]

import scene  # noqa: E402
import clients  # noqa: E402
import operations  # noqa: E402
import stuck  # noqa: E402
import suite  # noqa: E402
from daemon import Virtmemd, endGuests  # noqa: E402

SEED = os.environ.get('MEM_TEST_SEED', '20231')
SECONDS = 8
OPS = 1000
ANSWER_SECONDS = 3


class Soak(unittest.TestCase):
    def setUp(self):
        os.environ['VIRTMEMD_ANSWER_TIMEOUT'] = str(ANSWER_SECONDS * 1000)
        os.environ['VIRTMEMD_UNPLUG_TIMEOUT'] = '200'
        self.folder = tempfile.mkdtemp(prefix='soak-')
        self.daemon = Virtmemd(self.folder)
        suite.witnesses[:] = [lambda: print(f'MEM_TEST_SEED={SEED}\n{self.daemon.lastWords()}', file=sys.stderr)]
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(endGuests, self.folder)
        self.addCleanup(self.daemon.kill)
        self.daemon.start()

    def assertNone(self, problems):
        self.assertEqual(problems, [], '\n'.join(problems))
        self.daemon.stop()

    def testFiftyClients(self):
        done, problems, _ = clients.run(self.daemon, SEED, SECONDS)
        self.assertNone(problems)
        self.assertGreater(done, 200)

    def testRandomOperationsAndCrashes(self):
        done, counts, problems = operations.run(self.daemon, SEED, OPS)
        self.assertNone(problems)
        self.assertEqual(done, OPS)
        self.assertGreater(counts['killed'], 0)
        self.assertGreater(counts['refused'], 0)
        self.assertGreater(counts['given back'], 0)

    def testStuckGuest(self):
        self.assertNone(stuck.run(self.daemon, ANSWER_SECONDS))


scene.setUp()

if __name__ == '__main__':
    suite.main()
