#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tour.py: a guest with every kind of memory, started and changed by stock virsh and virsh-memory, and what it sees beside what was promised.

    build/run demo/tour.py [--connect URI]
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import string
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.join(os.path.dirname(HERE), 'tests')
sys.path[:0] = [os.path.join(TESTS, 'guest'), os.path.join(TESTS, 'lib'), HERE]

import libvirt  # noqa: E402

import guest  # noqa: E402
import report  # noqa: E402
from changes import ChangeError, Changes  # noqa: E402
from resizing import ResizeError, Resizing  # noqa: E402
from agent import Agent, AgentError  # noqa: E402
from daemon import DaemonError, Virtmemd, endGuests  # noqa: E402
from screen import Screen  # noqa: E402

BOOT_SECONDS = 180
SETTLE_SECONDS = 30
STOP_SECONDS = 60
VIRSH_SECONDS = 120


class TourError(Exception):
    """A step did not do what it is there to show."""


class Tour:
    def __init__(self, folder, screen):
        self.folder = folder
        self.screen = screen
        self.daemon = None
        self.uri = None
        self.started = False

    # Commands

    def virsh(self, *arguments, show=True):
        """Runs virsh, shows the command and what it says, and returns the latter."""
        command = shlex.join(('virsh', *arguments))
        if show:
            self.screen.command(command.replace(self.folder + '/', ''))
        done = subprocess.run(
            ['virsh', *arguments], env={**os.environ, 'LIBVIRT_DEFAULT_URI': self.uri, 'LC_ALL': 'C'},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=VIRSH_SECONDS, check=False,
            start_new_session=True)     # virsh that sees a terminal looks for a polkit agent, and says so if there is none
        if show or done.returncode != 0:
            self.screen.output(done.stdout.replace(self.folder + '/', ''))
        if done.returncode != 0:
            raise TourError(f"'{command}' ended with status {done.returncode}")
        return done.stdout

    def tree(self):
        return ElementTree.fromstring(self.virsh('dumpxml', 'demo', show=False))

    # Steps

    def startDaemon(self, uri):
        if uri:
            self.uri = uri
            return
        self.screen.title('A daemon with a folder of its own')
        self.daemon = Virtmemd(os.path.join(self.folder, 'root'))
        self.screen.command(shlex.join(self.daemon.command) + ' &')
        self.daemon.start()
        self.uri = self.daemon.uri
        self.screen.command(f"export LIBVIRT_DEFAULT_URI='{self.uri}'")

    def defineGuest(self):
        self.screen.title('One domain XML, four kinds of memory')
        kernel, initrd = guest.image()
        with open(os.path.join(HERE, 'guest.xml.in'), encoding='utf-8') as template:
            text = string.Template(template.read()).substitute(
                type=guest.domainType(), kernel=kernel, initrd=initrd, folder=self.folder)
        path = os.path.join(self.folder, 'guest.xml')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        self.screen.note('The memory part of guest.xml (all of it: demo/guest.xml.in):\n')
        self.screen.output(memoryPart(text))
        self.virsh('define', path)

    def bootGuest(self):
        self.screen.title('It boots a real Linux')
        began = time.monotonic()
        self.started = True
        self.virsh('start', 'demo')
        with self.screen.waiting(f'Waiting for {os.path.basename(guest.image()[0])} to boot'):
            agent = Agent(os.path.join(self.folder, 'agent'))
            agent.waitReady(BOOT_SECONDS)
        emulated = '' if guest.kvmWorks() else ' (emulated: no usable KVM here)'
        self.screen.note(f'The guest answers {time.monotonic() - began:.1f} s after virsh start{emulated}.')
        return agent

    def compare(self, agent):
        self.screen.title('What the XML promised, and what the guest itself sees')
        self.virsh('domstate', 'demo', '--reason')
        with self.screen.waiting('Waiting for the guest to take its memory, and to report on it'):
            self.settle(agent)
        statistics = self.virsh('dommemstat', 'demo')
        rows = report.rows(self.tree(), agent, statistics)
        self.screen.table(('', 'the XML promises', 'the guest reports', ''), rows)
        differing = [row[0] for row in rows if not row[3]]
        if differing:
            raise TourError(f'the guest does not have what its XML says: {", ".join(differing)}')

    def settle(self, agent):
        """Returns when the memory is online and the statistics tell of it, or late; the table then shows which is not."""
        agent.ask(f'timeout {SETTLE_SECONDS} sh -c \'until {report.settled(self.tree())}; do usleep 50000; done\'')
        # There is no event for statistics, so they are looked at again and again.
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            memTotalKib = report.Seen(agent).memTotalKib
            if report.available(self.virsh('dommemstat', 'demo', show=False)) == memTotalKib:
                return
            time.sleep(0.1)

    def stopGuest(self):
        self.screen.title('Off, by its power button')
        conn = libvirt.open(self.uri)
        events = guest.Events(conn, conn.lookupByName('demo'))
        self.virsh('shutdown', 'demo')
        with self.screen.waiting('Waiting for the guest to be off'):
            events.wait(libvirt.VIR_DOMAIN_EVENT_STOPPED, STOP_SECONDS)
        events.close()
        conn.close()
        self.started = False
        self.virsh('domstate', 'demo', '--reason')
        self.virsh('undefine', 'demo')
        if self.daemon is not None:
            self.daemon.stop()

    def run(self, uri):
        self.startDaemon(uri)
        self.defineGuest()
        agent = self.bootGuest()
        self.compare(agent)
        Changes(self, agent).run()
        Resizing(self, agent).run()
        agent.close()
        self.stopGuest()

    def cleanUp(self):
        """After a failure or Ctrl-C: nothing that the tour started goes on running."""
        if self.started:
            for command in ('destroy', 'undefine'):
                subprocess.run(['virsh', '-q', '-c', self.uri, command, 'demo'], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30, check=False)
        if self.daemon is not None:
            try:
                self.daemon.stop()
            except DaemonError as error:
                self.screen.error(str(error))
        endGuests(self.folder)


def memoryPart(text):
    """Those elements of a domain XML that are about memory, each from the left margin."""
    kept, inside, margin = [], None, 0
    for line in text.splitlines():
        tag = re.match(r'\s*<(\w+)', line)
        if inside is None and tag and tag.group(1) in ('maxMemory', 'memory', 'numa', 'memballoon'):
            inside = tag.group(1)
            margin = line.index('<')
        if inside is not None:
            kept.append(line[margin:])
            if f'</{inside}>' in line or (line.endswith('/>') and tag and tag.group(1) == inside):
                inside = None
    return '\n'.join(kept)


def interrupted(_signal, _frame):
    raise KeyboardInterrupt


def showLogs(screen, folder):
    """The paths of what could explain a failure."""
    for path, what in (('root/virtmemd.out', 'virtmemd'), ('console.log', 'the guest'), ('guest.xml', 'its XML')):
        path = os.path.join(folder, path)
        if os.path.exists(path):
            screen.error(f'  {what + ":":10} {path}')
    log = os.path.join(folder, 'root', 'log')
    if os.path.isdir(log):
        screen.error(f'  {"logs:":10} {log}')


def main():
    parser = argparse.ArgumentParser(description='Show a guest whose memory is what its XML says, and stays so while that changes.')
    parser.add_argument('--connect', metavar='URI', help='use this libvirt connection instead of a virtmemd')
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupted)
    guest.startEventLoop()
    screen = Screen()
    folder = tempfile.mkdtemp(prefix='virtmem-demo-')
    tour = Tour(folder, screen)
    try:
        tour.run(options.connect)
    except KeyboardInterrupt:
        screen.error('\nStopped; cleaning up.')
        tour.cleanUp()
        shutil.rmtree(folder, ignore_errors=True)
        return 130
    except (TourError, ChangeError, ResizeError, AgentError, DaemonError, AssertionError, OSError, libvirt.libvirtError,
            subprocess.SubprocessError) as error:
        screen.error(f'\ndemo: {error}')
        tour.cleanUp()
        showLogs(screen, folder)
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    screen.note('\nNothing is left behind. What to try next is in README.md.')
    return 0


if __name__ == '__main__':
    sys.exit(main())
