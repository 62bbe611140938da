#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_resize.py: the client library changes a real guest's memory, on virtmemd or on a stock libvirtd.

MEM_TEST_DAEMON=stock chooses the latter. What is run is the example program, examples/resize.
"""

import os
import re
import signal
import subprocess
import sys
import time
import unittest

import libvirt

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'lib')]

import suite  # noqa: E402
from stock import AnyScene  # noqa: E402

MIB = 1024
GIB = 1024 * MIB
DEADLINE_SECONDS = 180
RESULT = re.compile(r'result reached (\d+) KiB, short (\d+) KiB, (\d+) steps, rolled back (-?\d+), (\d+) ms: ([a-z-]+)(.*)')
# What the guest's kernel keeps of its memory for code, page structures and bounce buffers.
MOST_KEPT_KIB = 256 * MIB

DIMM = """
    <memory model='dimm'>
      <target><size unit='MiB'>256</size><node>1</node></target>
    </memory>"""


def virtioMem(node, mib, requestedMib=0):
    return f"""
    <memory model='virtio-mem'>
      <target>
        <size unit='MiB'>{mib}</size><node>{node}</node><block unit='MiB'>2</block>
        <requested unit='MiB'>{requestedMib}</requested>
      </target>
    </memory>"""


class Run:
    """One call of the example, which may be watched and interrupted."""

    def __init__(self, scene, guest, kib, *options):
        program = os.path.join(suite.buildFolder(), 'examples', 'resize')
        self.command = [program, scene.uri, guest.name, str(kib), *options]
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.lines = []
        self.began = time.monotonic()

    def until(self, start):
        """Reads on to a line that begins so."""
        for line in self.process.stdout:
            self.lines.append(line.rstrip('\n'))
            if line.startswith(start):
                return line
        raise AssertionError(f"no line '{start}…' from {self.command}:\n" + '\n'.join(self.lines))

    def finish(self):
        """Fills in status and, if there is a result, its figures."""
        try:
            rest, _ = self.process.communicate(timeout=DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            rest, _ = self.process.communicate()
            self.lines += rest.splitlines()
            raise AssertionError(f'{self.command} did not end:\n' + '\n'.join(self.lines))
        self.lines += rest.splitlines()
        self.seconds = time.monotonic() - self.began
        self.status = self.process.returncode
        found = [RESULT.match(line) for line in self.lines if line.startswith('result ')]
        if found:
            match = found[0]
            self.reachedKib, self.shortKib, self.steps, self.rolledBack = (int(match.group(n)) for n in range(1, 5))
            self.diagnosis, self.words = match.group(6), match.group(7)
        return self

    def __str__(self):
        return '\n'.join(self.lines)


class Resize(unittest.TestCase):
    def setUp(self):
        self.scene = AnyScene.forCase(self)

    def resize(self, guest, kib, *options):
        return Run(self.scene, guest, kib, *options).finish()

    def assertDone(self, run, kib):
        self.assertEqual(run.status, 0, str(run))
        self.assertEqual((run.reachedKib, run.shortKib, run.diagnosis), (kib, 0, 'none'), str(run))

    def current(self, guest):
        """[KiB that the guest has of each virtio-mem device]"""
        devices = self.scene.tree(guest.domain).findall("devices/memory[@model='virtio-mem']/target")
        return [int(target.findtext('current')) for target in devices]

    def assertMemTotal(self, guest, kib):
        self.scene.until(lambda: kib - MOST_KEPT_KIB <= guest.memTotalKib() <= kib, True)

    def testGrowAndShrinkOverTwoNodes(self):
        """512 MiB -> 4 GiB -> 1 GiB; then a change that is cancelled, and one that outlives its daemon."""
        guest = self.scene.guest('resize', devices=virtioMem(0, 2048) + virtioMem(1, 2048), cellsMib=(256, 256))
        self.assertDone(self.resize(guest, 4 * GIB), 4 * GIB)
        self.assertMemTotal(guest, 4 * GIB)
        self.assertEqual(self.current(guest), [1792 * MIB, 1792 * MIB])
        self.assertDone(self.resize(guest, GIB), GIB)
        self.assertMemTotal(guest, GIB)
        self.assertEqual(self.current(guest), [256 * MIB, 256 * MIB])

        run = Run(self.scene, guest, 3 * GIB, '--rollback')
        run.until('progress')
        run.process.send_signal(signal.SIGINT)
        run.finish()
        self.assertEqual((run.status, run.diagnosis, run.rolledBack), (3, 'cancelled', 1), str(run))
        self.assertEqual(self.current(guest), [256 * MIB, 256 * MIB])

        run = Run(self.scene, guest, 3 * GIB)
        run.until('progress')
        self.scene.daemon.kill()
        self.scene.daemon.start()
        # The test's own connection died with the daemon, and the guest is to be ended through one that lives.
        guest.conn = libvirt.open(self.scene.uri)
        guest.domain = guest.conn.lookupByName(guest.name)
        self.assertDone(run.finish(), 3 * GIB)
        self.assertMemTotal(guest, 3 * GIB)

    def testNoDriver(self):
        guest = self.scene.guest('bare', devices=virtioMem(0, 1024), skip=('virtio_mem', 'virtio_balloon'))
        run = self.resize(guest, 2 * GIB)
        self.assertEqual((run.status, run.diagnosis), (3, 'no-driver'), str(run))
        self.assertEqual(run.shortKib, GIB)
        self.assertLess(run.seconds, 10)
        run = self.resize(guest, 512 * MIB)
        self.assertEqual((run.status, run.diagnosis), (3, 'no-driver'), str(run))
        self.assertLess(run.seconds, 20)

    def testUnmovable(self):
        """What the guest's kernel holds stays; the figure of it is said, and a rollback gives back the rest."""
        guest = self.scene.guest('held', devices=virtioMem(0, 512) + virtioMem(1, 512), memory='kernel')
        self.assertDone(self.resize(guest, 2 * GIB), 2 * GIB)
        guest.until('[ $(grep -lx online /sys/devices/system/node/node1/memory*/state | wc -l) = 8 ]')
        # More than node 1 has beside the device.
        guest.check(f'hold {guest.nodeMemFreeKib(1) // MIB - 200} 1')
        run = self.resize(guest, GIB, '--below-floor', '--stall', '6000', '--rollback')
        self.assertEqual((run.status, run.diagnosis, run.rolledBack), (3, 'unmovable', 1), str(run))
        self.assertEqual(self.current(guest), [512 * MIB, 512 * MIB])
        self.assertEqual(run.reachedKib, 2 * GIB)

        run = self.resize(guest, GIB, '--below-floor', '--stall', '6000')
        self.assertEqual((run.status, run.diagnosis), (3, 'unmovable'), str(run))
        self.assertIn(' stays at ', run.words)
        left = self.current(guest)
        # The kernel may have settled in the memory of the first device since it came back, but not far.
        self.assertLess(left[0], 64 * MIB)
        self.assertGreater(left[1], 64 * MIB)
        self.assertEqual((run.reachedKib, run.shortKib), (GIB + sum(left), sum(left)))

    def testDimmNotOnline(self):
        """A DIMM that the guest does not use is found out by its reports, and goes again."""
        guest = self.scene.guest('idle', memory='off')
        self.scene.until(lambda: guest.domain.memoryStats().get('available', 0) > 0, True)
        run = self.resize(guest, GIB + 512 * MIB)
        self.assertEqual((run.status, run.diagnosis), (3, 'not-online'), str(run))
        self.assertLess(run.seconds, 20)
        self.assertDone(self.resize(guest, GIB), GIB)
        self.assertEqual(self.scene.tree(guest.domain).findall('devices/memory'), [])

    def testVirtioMemNotOnline(self):
        """QEMU has plugged all of it, which the guest's reports belie; a rollback takes it back."""
        guest = self.scene.guest('idlemem', devices=virtioMem(0, 1024), memory='off')
        self.scene.until(lambda: guest.domain.memoryStats().get('available', 0) > 0, True)
        run = self.resize(guest, GIB + 512 * MIB, '--rollback')
        self.assertEqual((run.status, run.diagnosis, run.rolledBack), (3, 'not-online', 1), str(run))
        self.assertIn('the rest is not online', run.words)
        self.assertLess(run.seconds, 40)
        self.assertEqual(self.current(guest), [0])
        run = self.resize(guest, GIB + 512 * MIB)
        self.assertEqual((run.status, run.diagnosis), (3, 'not-online'), str(run))
        self.assertEqual(self.current(guest), [512 * MIB])
        guest.check('for state in $(grep -lx offline /sys/devices/system/memory/memory*/state); do echo online_movable > $state; done')
        self.assertMemTotal(guest, GIB + 512 * MIB)
        self.assertDone(self.resize(guest, GIB), GIB)

    def testDimms(self):
        guest = self.scene.guest('dimms')
        self.assertDone(self.resize(guest, 2 * GIB), 2 * GIB)
        self.assertMemTotal(guest, 2 * GIB)
        self.assertDone(self.resize(guest, GIB + 256 * MIB), GIB + 256 * MIB)
        self.assertMemTotal(guest, GIB + 256 * MIB)

    def testDimmHeld(self):
        """The guest says no to the request at once: nobody waits for the deadline."""
        guest = self.scene.guest('heldimm', devices=DIMM, memory='kernel')
        # More than node 1 has beside the DIMM.
        guest.check('hold 600 1')
        run = self.resize(guest, GIB, '--below-floor', '--stall', '60000')
        self.assertEqual((run.status, run.shortKib), (3, 256 * MIB), str(run))
        self.assertIn(run.diagnosis, ('refused', 'unmovable'))
        self.assertIn("the guest refused to let go of 'dimm0'", run.words)
        self.assertLess(run.seconds, 45)

    def testFloor(self):
        """Nothing is done to a guest that cannot spare so much."""
        guest = self.scene.guest('floor')
        self.scene.until(lambda: guest.domain.memoryStats().get('available', 0) > 0, True)
        run = self.resize(guest, 64 * MIB)
        self.assertEqual(run.status, 1, str(run))
        self.assertIn('cannot spare so much', str(run))
        self.assertNotIn('result', str(run))


if __name__ == '__main__':
    suite.main()
