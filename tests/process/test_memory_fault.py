#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_memory_fault.py: memory changes when QEMU is slow, the disk is full, or news comes at the wrong moment."""

import json
import os
import signal
import socket
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

import libvirt

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'lib')]

import suite  # noqa: E402
from relay import PATIENCE, Relay  # noqa: E402
from test_memory_crash import DIMM, LIVE_CONFIG, XML, Scene  # noqa: E402


def waitFor(condition, seconds=PATIENCE):
    """FALSE: it did not come true. For what gives no sign of its own."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Guest(Scene):
    def begin(self, xml=XML):
        dom = libvirt.open(self.daemon.uri).defineXML(xml)
        dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        self.monitor = os.path.join(self.daemon.folder, 'lib', 'qemu', f'domain-{dom.ID()}-guest', 'monitor.sock')
        return dom

    def state(self, name):
        return os.path.join(self.daemon.folder, 'run', 'qemu', name)

    def read(self, name):
        with open(self.state(name)) as file:
            return file.read()

    def pid(self):
        return int(ElementTree.parse(self.state('guest.xml')).getroot().get('pid'))

    def stopQemu(self):
        pid = self.pid()
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(self.goOn, pid)
        return pid

    @staticmethod
    def goOn(pid):
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def said(self, words):
        with open(self.daemon.log, errors='replace') as log:
            return words in log.read()

    def end(self, dom):
        dom.destroy()
        dom.undefine()


class FoundAgain(Guest):
    """The daemon comes back, and QEMU does not answer at once."""

    def testNothingBeginsBeforeWhatWasBegun(self):
        self.begin()
        self.daemon.kill()
        relay = Relay(self.monitor)
        self.daemon.start()
        relay.hold(2, True)
        first = threading.Thread(target=self.attach, args=(DIMM, []))
        first.start()
        self.assertTrue(relay.reached.wait(PATIENCE))
        self.daemon.kill()
        relay.release()
        first.join()
        pid = self.stopQemu()
        self.daemon.start()
        problems = []
        second = threading.Thread(target=self.attach, args=(DIMM.replace('ua-new', 'ua-next'), problems))
        second.start()
        # longer than lookup and call wait for the daemon to have asked, shorter than the daemon waits for the answer
        waitFor(lambda: 'ua-next' in self.read('guest.memory.json'), 4.6)
        self.goOn(pid)
        second.join()
        self.assertEqual(problems, [])
        dom = self.open()
        self.check(dom, 'after both')
        for alias in ('ua-new', 'ua-next'):
            self.assertIn(alias, dom.XMLDesc())
        self.end(dom)

    def attach(self, xml, problems):
        try:
            self.open().attachDeviceFlags(xml, LIVE_CONFIG)
        except libvirt.libvirtError as error:
            problems.append(str(error))

    def testAskedAgainUntilItAnswers(self):
        self.begin()
        self.daemon.kill()
        # what happened to the guest meanwhile
        os.chdir(os.path.dirname(self.monitor))
        with socket.socket(socket.AF_UNIX) as qemu:
            qemu.connect('monitor.sock')
            with qemu.makefile('r') as lines:
                lines.readline()
                for command in ('qmp_capabilities', 'cont'):
                    qemu.sendall(json.dumps({'execute': command, 'id': command}).encode())
                    while json.loads(lines.readline()).get('id') != command:
                        pass
        pid = self.stopQemu()
        self.daemon.start()
        self.assertTrue(waitFor(lambda: self.said('its monitor does not answer')))
        dom = self.open()
        self.assertEqual(dom.state()[0], libvirt.VIR_DOMAIN_PAUSED)
        self.goOn(pid)
        self.assertTrue(waitFor(lambda: dom.state()[0] == libvirt.VIR_DOMAIN_RUNNING), dom.state())
        self.end(dom)


if __name__ == '__main__':
    suite.main()
