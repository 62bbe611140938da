#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""terminal.py: virsh-memory in a terminal: the live view, the progress bar, interruption, a daemon that goes away."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'lib')]

import libvirt  # noqa: E402

import suite  # noqa: E402
from daemon import Virtmemd, endGuests  # noqa: E402

DEADLINE_SECONDS = 30
ENTER, LEAVE = '\033[?1049h', '\033[?1049l'
START_MOST_SECONDS = 0.015
START_RUNS = 40


class Terminal:
    """A program in a terminal of its own; sizes are columns and lines."""

    def __init__(self, uri, *arguments, columns=100, lines=30, encoding='C.UTF-8'):
        self.master, slave = pty.openpty()
        self.resize(columns, lines)
        self.before = termios.tcgetattr(slave)
        environment = dict(os.environ, LIBVIRT_DEFAULT_URI=uri, LC_ALL=encoding, TERM='xterm')
        self.process = subprocess.Popen(['virsh-memory', *arguments], stdin=slave, stdout=slave, stderr=slave,
                                        env=environment, start_new_session=True)
        self.slave = slave
        self.seen = ''

    def resize(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack('HHHH', lines, columns, 0, 0))

    def read(self):
        data = os.read(self.master, 65536).decode('utf-8', 'replace')
        self.seen += data
        return data

    def until(self, pattern, start=0):
        """Reads on until what was shown from start on matches; where the match ends."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (match := re.compile(pattern, re.S).search(self.seen, start)):
            ready, _, _ = select.select([self.master], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                raise AssertionError(f"'{pattern}' was not shown: {self.seen[start:]!r}")
            self.read()
        return match.end()

    def type(self, keys):
        os.write(self.master, keys.encode())

    def finish(self):
        """The exit status, when all that was shown has been read."""
        status = self.process.wait(DEADLINE_SECONDS)
        while select.select([self.master], [], [], 0)[0]:
            self.read()
        self.after = termios.tcgetattr(self.slave)
        return status

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


def lastFrame(text):
    """The lines of the frame drawn last, without colours."""
    frame = text.rsplit('\033[H', 1)[-1].split('\033[J')[0]
    return [re.sub(r'\033\[[0-9;?]*[A-Za-z]', '', line).strip('\r') for line in frame.split('\n')]


class TerminalTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='mem-cli-')
        cls.addClassCleanup(subprocess.run, ['rm', '-rf', cls.folder], check=True)
        cls.addClassCleanup(endGuests, cls.folder)
        cls.daemon = Virtmemd(cls.folder).start()
        cls.addClassCleanup(lambda: cls.daemon.stop())
        libvirt.registerErrorHandler(lambda *_: None, None)
        cls.conn = libvirt.open(cls.daemon.uri)
        for name in ('elastic', 'plain'):
            with open(os.path.join(HERE, 'guests', name + '.xml'), encoding='utf-8') as xml:
                cls.conn.defineXML(xml.read()).createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        cls.conn.close()

    def run_(self, *arguments, **options):
        terminal = Terminal(self.daemon.uri, *arguments, **options)
        self.addCleanup(terminal.close)
        return terminal

    def checkLeft(self, terminal, status):
        self.assertEqual(terminal.finish(), status, terminal.seen)
        self.assertEqual(terminal.seen.count(ENTER), terminal.seen.count(LEAVE))
        self.assertEqual(terminal.after, terminal.before, 'the terminal is not as it was')

    def testWatchShowsAndQuits(self):
        terminal = self.run_('dommemstat', '--watch')
        terminal.until('elastic.*plain.*\033\\[J')
        frame = lastFrame(terminal.seen)
        self.assertIn('2 guests', frame[0])
        self.assertRegex(frame[2], r'^elastic .*1\.62 GiB +640 MiB')
        self.assertTrue(all(len(line) <= 100 for line in frame), frame)
        terminal.type('q')
        self.checkLeft(terminal, 0)

    def testWatchSorts(self):
        terminal = self.run_('dommemstat', '--watch', '5')
        end = terminal.until('by name.*\033\\[J')
        terminal.type('r')
        end = terminal.until('by name, reversed.*\033\\[J', end)
        self.assertRegex(lastFrame(terminal.seen)[2], '^plain')
        terminal.type('\033[C')
        terminal.until('by promised, reversed.*\033\\[J', end)
        terminal.type('q')
        self.checkLeft(terminal, 0)

    def testWatchFollowsTheSize(self):
        terminal = self.run_('dommemstat', '--watch', '60', columns=140)
        end = terminal.until('elastic.*\033\\[J')
        wide = lastFrame(terminal.seen)[2]
        terminal.resize(50, 3)
        os.kill(terminal.process.pid, signal.SIGWINCH)
        terminal.until('guests.*\033\\[J', end)
        narrow = lastFrame(terminal.seen)
        self.assertEqual(len(narrow), 3)
        self.assertLess(len(narrow[2]), len(wide))
        terminal.type('q')
        self.checkLeft(terminal, 0)

    def testWatchEndsAtInterrupt(self):
        terminal = self.run_('dommemstat', '--watch', '60')
        terminal.until('elastic.*\033\\[J')
        os.kill(terminal.process.pid, signal.SIGINT)
        self.checkLeft(terminal, 0)

    def testWatchInAscii(self):
        terminal = self.run_('dommemstat', '--watch', encoding='C')
        terminal.until('elastic.*\033\\[J')
        self.assertTrue(terminal.seen.isascii(), terminal.seen)
        terminal.type('q')
        self.checkLeft(terminal, 0)

    def testResizeInterrupted(self):
        terminal = self.run_('resize', 'elastic', '800M')
        terminal.until('elastic .* 640 MiB of 800 MiB')
        os.kill(terminal.process.pid, signal.SIGINT)
        self.assertEqual(terminal.finish(), 1, terminal.seen)
        self.assertRegex(terminal.seen, r'\r\033\[Kerror: domain \'elastic\': .*\(cancelled\)')

    def testBarFitsTheTerminal(self):
        for columns in (20, 60, 200):
            terminal = self.run_('resize', 'elastic', '800M', '--timeout', '1', columns=columns)
            self.assertIn(terminal.finish(), (4, 5))
            for bar in re.findall('\r\033\\[K([^\r\033]*)', terminal.seen):
                self.assertLess(len(bar.split('error:')[0]), columns)

    def testDaemonGone(self):
        terminal = self.run_('resize', 'elastic', '800M', '--timeout', '2')
        terminal.until('elastic .* 640 MiB of 800 MiB')
        self.daemon.kill()
        try:
            self.assertEqual(terminal.finish(), 1, terminal.seen)
        finally:
            self.daemon.start()
        self.assertRegex(terminal.seen, r'error: domain \'elastic\': .*\(lost\)')
        self.assertEqual(terminal.seen.count('error:'), 1)

    def testDaemonRestarted(self):
        terminal = self.run_('resize', 'elastic', '800M', '--timeout', '4')
        end = terminal.until('elastic .* 640 MiB of 800 MiB')
        self.daemon.kill()
        self.daemon.start()
        terminal.until('640 MiB of 800 MiB', end)
        self.assertIn(terminal.finish(), (4, 5), terminal.seen)
        self.assertNotIn('(lost)', terminal.seen)

    def testStartIsQuick(self):
        best = DEADLINE_SECONDS
        for _ in range(START_RUNS):
            began = time.monotonic()
            subprocess.run(['virsh-memory', 'help'], stdout=subprocess.DEVNULL, check=True)
            best = min(best, time.monotonic() - began)
        self.assertLess(best, START_MOST_SECONDS)


if __name__ == '__main__':
    suite.main()
