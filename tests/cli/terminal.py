#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""terminal.py: virsh-memory in a terminal: the live view, the progress bar, interruption, a daemon that goes away."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unicodedata
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'lib')]

import libvirt  # noqa: E402

import suite  # noqa: E402
from daemon import Virtmemd, endGuests  # noqa: E402
from pseudo_terminal import Terminal  # noqa: E402

DEADLINE_SECONDS = 30
ENTER, LEAVE = '\033[?1049h', '\033[?1049l'
FRAME_END = '\033[?25l'
END = re.escape(FRAME_END)
# Each of these signs takes two cells.
WIDE = '数据库'
START_MOST_SECONDS = 0.015
START_RUNS = 40


def lastFrame(text):
    """The lines of the frame drawn last, without colours."""
    frame = text.rsplit('\033[H', 1)[-1].split(FRAME_END)[0].split('\r\n\033[J')[0]
    return [re.sub(r'\033\[[0-9;?]*[A-Za-z]', '', line).strip('\r') for line in frame.split('\n')]


def cells(text):
    """How many cells of a terminal it takes."""
    return sum(2 if unicodedata.east_asian_width(sign) in 'WF' else 1 for sign in text)


def state(pid):
    with open(f'/proc/{pid}/stat', encoding='ascii') as stat:
        return stat.read().rsplit(')', 1)[1].split()[0]


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
            if name == 'plain':
                xml = re.sub('<uuid>.*</uuid>', '', cls.conn.lookupByName(name).XMLDesc()).replace('plain', WIDE)
                cls.conn.createXML(re.sub("<(alias|address|model) [^>]*/>", '', xml), libvirt.VIR_DOMAIN_START_PAUSED)
        cls.conn.close()

    def run_(self, *arguments, encoding='C.UTF-8', columns=100, lines=30, **more):
        environment = {'LIBVIRT_DEFAULT_URI': self.daemon.uri, 'LC_ALL': encoding, **more}
        terminal = Terminal('virsh-memory', *arguments, columns=columns, lines=lines, environment=environment)
        self.addCleanup(terminal.close)
        return terminal

    def checkLeft(self, terminal, status):
        self.assertEqual(terminal.finish(), status, terminal.seen)
        self.assertEqual(terminal.seen.count(ENTER), terminal.seen.count(LEAVE))
        self.assertEqual(terminal.after, terminal.before, 'the terminal is not as it was')

    def testWatchShowsAndQuits(self):
        terminal = self.run_('dommemstat', '--watch')
        terminal.until('elastic.*plain.*' + END)
        frame = lastFrame(terminal.seen)
        self.assertIn('3 guests', frame[0])
        self.assertRegex(frame[2], r'^elastic .*1\.62 GiB +640 MiB')
        self.assertTrue(all(len(line) <= 100 for line in frame), frame)
        terminal.type('q')
        self.checkLeft(terminal, 0)

    def testWatchSorts(self):
        terminal = self.run_('dommemstat', '--watch', '5')
        end = terminal.until('by name.*' + END)
        terminal.type('r')
        end = terminal.until('by name, reversed.*' + END, end)
        self.assertRegex(lastFrame(terminal.seen)[2], '^' + WIDE)
        terminal.type('\033[C')
        terminal.until('by promised, reversed.*' + END, end)
        terminal.type('q')
        self.checkLeft(terminal, 0)

    def testWatchFollowsTheSize(self):
        terminal = self.run_('dommemstat', '--watch', '60', columns=140)
        end = terminal.until('elastic.*' + END)
        wide = lastFrame(terminal.seen)[2]
        terminal.resize(50, 3)
        os.kill(terminal.process.pid, signal.SIGWINCH)
        terminal.until('guests.*' + END, end)
        narrow = lastFrame(terminal.seen)
        self.assertEqual(len(narrow), 3)
        self.assertLess(len(narrow[2]), len(wide))
        terminal.type('q')
        self.checkLeft(terminal, 0)

    def testWatchEndsAtInterrupt(self):
        terminal = self.run_('dommemstat', '--watch', '60')
        terminal.until('elastic.*' + END)
        terminal.interrupt()
        self.checkLeft(terminal, 0)

    def testWatchFitsEachWidth(self):
        for columns, shown in ((40, ('used',)), (60, ('used', 'plugged')), (80, ('used', 'plugged', 'promised', 'age')),
                               (110, ('resident', 'reclaim.', 'so far')), (200, ('resident', 'reclaim.', 'used so far'))):
            with self.subTest(columns=columns):
                terminal = self.run_('dommemstat', '--watch', columns=columns)
                terminal.until('elastic.*' + END)
                frame = lastFrame(terminal.seen)
                for word in shown:
                    self.assertIn(word, frame[1])
                # No history yet: the rows end with a figure, all at the same place.
                ends = {cells(line.rstrip()) for line in frame[2:]}
                self.assertEqual(len(ends), 1, frame)
                self.assertTrue(all(cells(line) <= columns for line in frame), frame)
                terminal.type('q')
                self.checkLeft(terminal, 0)

    def testWatchLeavesTheLastCell(self):
        """A row as wide as the terminal: clearing the rest of the line would take its last sign."""
        terminal = self.run_('dommemstat', '--watch', columns=80)
        terminal.until('elastic.*' + END)
        self.assertNotIn('\033[K\r\n', terminal.seen)
        terminal.type('q')
        self.checkLeft(terminal, 0)

    def testWatchStopsAndGoesOn(self):
        terminal = self.run_('dommemstat', '--watch', '60')
        end = terminal.until('elastic.*' + END)
        os.kill(terminal.process.pid, signal.SIGTSTP)
        end = terminal.until(re.escape(LEAVE), end)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while state(terminal.process.pid) != 'T':
            self.assertLess(time.monotonic(), deadline, 'it does not stop')
            time.sleep(0.01)
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.until(re.escape(ENTER) + '.*elastic.*' + END, end)
        terminal.type('q')
        self.checkLeft(terminal, 0)

    def testNoColours(self):
        for arguments in (('dommemstat', '--watch'), ('dommemmap', 'elastic')):
            coloured, plain = self.run_(*arguments), self.run_(*arguments, NO_COLOR='1')
            for terminal in (coloured, plain):
                terminal.until('elastic')
                terminal.type('q')
                self.assertEqual(terminal.finish(), 0)
            self.assertRegex(coloured.seen, r'\033\[3\d')
            self.assertNotRegex(plain.seen, r'\033\[3\d')

    def testDumbTerminal(self):
        terminal = self.run_('dommemstat', '--watch', '1', TERM='dumb')
        terminal.until('elastic.*Guest.*elastic')
        terminal.interrupt()
        self.assertEqual(terminal.finish(), 0)
        bar = self.run_('resize', 'elastic', '800M', '--timeout', '1', TERM='dumb')
        self.assertIn(bar.finish(), (4, 5))
        self.assertIn("elastic: step 1 of 1: ask 'ua-elastic'", bar.seen)
        self.assertNotIn('\033', terminal.seen + bar.seen)

    def testWatchIntoPipeOutlivesResize(self):
        """The size of the terminal, which all its programs are told of, is nothing to who writes elsewhere."""
        environment = dict(os.environ, LIBVIRT_DEFAULT_URI=self.daemon.uri)
        with subprocess.Popen(['virsh-memory', 'dommemstat', '--watch'], stdout=subprocess.PIPE, text=True, env=environment) as watch:
            tables = 0
            for line in watch.stdout:
                tables += line.startswith(' Guest')
                if line.startswith(' Guest') and tables == 1:
                    os.kill(watch.pid, signal.SIGWINCH)
                if tables == 3:
                    break
            os.kill(watch.pid, signal.SIGINT)
            watch.stdout.read()
        self.assertEqual((tables, watch.returncode), (3, 0))

    def testWatchInAscii(self):
        terminal = self.run_('dommemstat', '--watch', 'elastic', 'plain', encoding='C')
        terminal.until('elastic.*' + END)
        self.assertTrue(terminal.seen.isascii(), terminal.seen)
        terminal.type('q')
        self.checkLeft(terminal, 0)

    def testResizeInterrupted(self):
        terminal = self.run_('resize', 'elastic', '800M')
        terminal.until('elastic .* 640 MiB of 800 MiB')
        terminal.interrupt()
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

    def testNobodyReads(self):
        """Output into a pipe that was closed ends it as it ends other programs."""
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(['virsh-memory', 'help'], stdout=writer, stderr=subprocess.PIPE, text=True)
        os.close(writer)
        self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, ''))

    def testStartIsQuick(self):
        best = DEADLINE_SECONDS
        for _ in range(START_RUNS):
            began = time.monotonic()
            subprocess.run(['virsh-memory', 'help'], stdout=subprocess.DEVNULL, check=True)
            best = min(best, time.monotonic() - began)
        self.assertLess(best, START_MOST_SECONDS)


if __name__ == '__main__':
    suite.main()
