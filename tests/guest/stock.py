# SPDX-License-Identifier: LGPL-2.1-or-later
"""stock.py: a scene on virtmemd or, with MEM_TEST_DAEMON=stock in the environment, on a stock libvirtd of its own."""

import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'lib'), os.path.join(os.path.dirname(HERE), 'interop')]

import suite  # noqa: E402
from scene import Scene  # noqa: E402
from stock_libvirtd import StockLibvirtd  # noqa: E402


class Stock(StockLibvirtd):
    """With the calls of a Virtmemd."""

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def lastWords(self):
        with open(os.path.join(self.folder, 'log', 'libvirtd.log'), errors='replace') as log:
            return log.read()[-4000:]


class AnyScene(Scene):
    def __init__(self):
        if os.environ.get('MEM_TEST_DAEMON') != 'stock':
            super().__init__()
            return
        self.guests = []
        self.folder = tempfile.mkdtemp(prefix='libvirtd-')
        self.daemon = Stock(self.folder)
        try:
            self.daemon.start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self.uri = self.daemon.uri
        suite.witnesses.append(self.show)
