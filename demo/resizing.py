# SPDX-License-Identifier: LGPL-2.1-or-later
"""resizing.py: the end of the tour: virsh-memory gives the running guest a size, by whatever means it has."""

import os
import shlex
import subprocess
import sys

import report

MIB = 1024
GROWN_MIB = 3072
SHRUNK_MIB = 1536
SECONDS = 300
# Page structures and the like, which MemTotal does not count.
MOST_KEPT_MIB = 192


class ResizeError(Exception):
    """A step did not do what it is there to show."""


class Resizing:
    """tour: as for Changes; its guest runs, and agent talks to it."""

    def __init__(self, tour, agent):
        self.tour = tour
        self.agent = agent
        self.screen = tour.screen

    def run(self):
        self.screen.title('Just a size: virsh-memory finds the means')
        self.memory('dommemmap', 'demo')
        self.memory('resize', 'demo', f'{GROWN_MIB}MiB', '--plan')
        self.resize(GROWN_MIB)
        self.memory('dommemmap', 'demo')
        self.resize(SHRUNK_MIB)
        self.memory('dommemmap', 'demo')

    def memory(self, *arguments):
        """Runs virsh-memory where it can be seen: on a terminal its bar is a bar."""
        command = shlex.join(('virsh-memory', *arguments))
        self.screen.command(command)
        sys.stdout.flush()
        done = subprocess.run(
            ['virsh-memory', *arguments], env={**os.environ, 'LIBVIRT_DEFAULT_URI': self.tour.uri},
            stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
        if done.returncode != 0:
            raise ResizeError(f"'{command}' ended with status {done.returncode}")
        self.screen.line()

    def resize(self, mib):
        before = report.Seen(self.agent).memTotalKib // MIB
        self.memory('resize', 'demo', f'{mib}MiB')
        with self.screen.waiting('Waiting for the guest'):
            self.tour.settle(self.agent)
        after = report.Seen(self.agent).memTotalKib // MIB
        good = mib - MOST_KEPT_MIB <= after <= mib
        self.screen.table(('', 'asked for', 'the guest reports', ''),
                          [(f'MemTotal, was {before} MiB', f'{mib} MiB', f'{after} MiB', good)])
        if not good:
            raise ResizeError(f'the guest has {after} MiB after it was given {mib} MiB')
