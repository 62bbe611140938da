#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""live.py: the client library against a daemon, with paused guests: runs memorylive on virtmemd and on a stock libvirtd."""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), name) for name in ('lib', 'interop')]

import suite  # noqa: E402
from daemon import Virtmemd, endGuests  # noqa: E402
from stock_libvirtd import StockLibvirtd  # noqa: E402

PROGRAM = os.path.join(suite.buildFolder(), 'tests', 'client', 'memorylive')


class Live(unittest.TestCase):
    def check(self, Daemon):
        with tempfile.TemporaryDirectory(prefix='live-', ignore_cleanup_errors=True) as folder:
            with Daemon(folder) as daemon:
                try:
                    done = subprocess.run([PROGRAM, daemon.uri], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                          timeout=240)
                finally:
                    endGuests(folder)
        self.assertEqual(done.returncode, 0, f'{PROGRAM} {daemon.uri}:\n{done.stdout}')

    def testVirtmemd(self):
        self.check(Virtmemd)

    def testStock(self):
        self.check(StockLibvirtd)


if __name__ == '__main__':
    suite.main()
