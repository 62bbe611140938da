#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_memory_fault.py: memory changes when QEMU is slow, the disk is full, or news comes at the wrong moment."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

import libvirt

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'lib')]

import suite  # noqa: E402
from relay import PATIENCE, Relay  # noqa: E402
from test_memory_crash import DIMM, LIVE_CONFIG, PSERIES, PSERIES_DIMM, XML, Scene  # noqa: E402


def waitFor(condition, seconds=PATIENCE):
    """FALSE: it did not come true. For what gives no sign of its own."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def eventLoop():
    """Once a process, before the first connection."""
    libvirt.virEventRegisterDefaultImpl()
    libvirt.virEventAddTimeout(1000, lambda *_: None, None)

    def run():
        while True:
            libvirt.virEventRunDefaultImpl()

    threading.Thread(target=run, daemon=True).start()


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

    def pid(self, name='guest'):
        return int(ElementTree.parse(self.state(f'{name}.xml')).getroot().get('pid'))

    def stopQemu(self, name='guest'):
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(self.goOn, pid)
        return pid

    @staticmethod
    def goOn(pid):
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def said(self, words, times=1):
        with open(self.daemon.log, errors='replace') as log:
            return log.read().count(words) >= times

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
        # the questions of the daemon that has come back are none of the steps
        self.open()
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

    def testStuckGuestsKeepNobodyWaiting(self):
        """Some do not answer the daemon that came back; what another guest does is noted all the same."""
        conn = libvirt.open(self.daemon.uri)
        pids = []
        for index in range(4):
            name = f'stuck-{index}'
            dom = conn.defineXML(XML.replace('<name>guest<', f'<name>{name}<'))
            dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
            pids.append(self.stopQemu(name))
        self.begin(PSERIES).attachDeviceFlags(PSERIES_DIMM, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        self.daemon.kill()
        self.daemon.start()
        self.assertTrue(waitFor(lambda: self.said('its monitor does not answer', 4)))
        dom = self.open()
        self.ask(dom, 'device_del', id='ua-new')
        self.assertTrue(waitFor(lambda: 'ua-new' not in dom.XMLDesc(), 10))
        for pid in pids:
            self.goOn(pid)
        self.end(dom)

    def testWhatAnotherRunLeft(self):
        """An entry of the journal is about one run of a guest: a daemon that could not read that run's status kept it."""
        dom = self.begin()
        self.end(dom)
        with open(self.state('guest.memory.json'), 'w') as file:
            json.dump({'operation': 'period', 'alias': 'balloon0', 'value': 7}, file)
        dom = self.begin()
        self.assertFalse(os.path.exists(self.state('guest.memory.json')))
        self.end(dom)


class Dying(Guest):
    def testEventsInOrder(self):
        """What a QEMU had become before it died is of no interest after its end."""
        seen, told = [], threading.Condition()

        def tell(what):
            with told:
                seen.append(what)
                told.notify_all()

        self.begin()
        pid = self.pid()
        self.daemon.kill()
        relay = Relay(self.monitor)
        self.daemon.start()
        conn = libvirt.open(self.daemon.uri)
        conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, lambda *_: tell('added'), None)
        conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda _c, _d, event, *_: tell(event), None)
        dom = self.open()
        # the answer after that of device_add
        relay.hold(3, True)
        ended = threading.Event()

        def attach():
            self.open().attachDeviceFlags(DIMM, libvirt.VIR_DOMAIN_AFFECT_LIVE)
            ended.set()

        threading.Thread(target=attach, daemon=True).start()
        self.assertTrue(relay.reached.wait(PATIENCE))
        # the daemon has heard of the answer before
        self.assertTrue(waitFor(lambda: 'ua-new' in dom.XMLDesc()))
        os.kill(pid, signal.SIGKILL)
        self.assertTrue(ended.wait(PATIENCE))
        relay.release()
        conn.defineXML(XML.replace('<name>guest<', '<name>other<'))
        with told:
            self.assertTrue(told.wait_for(lambda: libvirt.VIR_DOMAIN_EVENT_DEFINED in seen, PATIENCE))
        self.assertEqual(seen, [libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_DEFINED])
        dom.undefine()
        conn.lookupByName('other').undefine()


class Together(Guest):
    """Others do something with the guest while a change is under way."""

    def start(self, xml, unplugMs=10000):
        """The guest, behind a relay."""
        self.begin(xml)
        self.daemon.kill()
        self.relay = Relay(self.monitor)
        os.environ['VIRTMEMD_UNPLUG_TIMEOUT'] = str(unplugMs)
        self.addCleanup(os.environ.pop, 'VIRTMEMD_UNPLUG_TIMEOUT', None)
        self.daemon.start()
        return self.open()

    def call(self, work):
        """A thread that does work(domain) with a connection of its own; its `code` is the error's, 0 or None."""
        def run():
            try:
                dom = self.open()
                thread.found = True
                work(dom)
                thread.code = 0
            except libvirt.libvirtError as error:
                thread.code = error.get_error_code()
        thread = threading.Thread(target=run, daemon=True)
        thread.code = None
        thread.start()
        return thread

    def holdAt(self, step, work):
        self.relay.hold(step, False)
        thread = self.call(work)
        self.assertTrue(self.relay.reached.wait(PATIENCE))
        return thread

    def codes(self, *threads):
        for thread in threads:
            thread.join(PATIENCE)
        return sorted(str(thread.code) for thread in threads)

    def testDetachedTwice(self):
        for work in (lambda dom: dom.detachDeviceAlias('ua-new', LIVE_CONFIG),
                     lambda dom: dom.detachDeviceFlags(PSERIES_DIMM, LIVE_CONFIG)):
            dom = self.start(PSERIES)
            dom.attachDeviceFlags(PSERIES_DIMM, LIVE_CONFIG)
            first = self.holdAt(1, work)
            second = self.call(work)
            self.relay.release()
            codes = self.codes(first, second)
            self.assertEqual(codes[0], '0')
            self.assertIn(int(codes[1]), (libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_ERR_DEVICE_MISSING))
            self.check(dom, 'after both')
            self.end(dom)

    def testAttachedTwice(self):
        dom = self.start(XML)
        slot = DIMM.replace('</target>', "</target><address type='dimm' slot='2'/>")
        for one, other in ((DIMM, DIMM), (slot, slot.replace('ua-new', 'ua-same-slot'))):
            first = self.holdAt(1, lambda dom, xml=one: dom.attachDeviceFlags(xml, LIVE_CONFIG))
            second = self.call(lambda dom, xml=other: dom.attachDeviceFlags(xml, LIVE_CONFIG))
            self.relay.release()
            codes = self.codes(first, second)
            self.assertEqual(codes[0], '0')
            self.assertIn(int(codes[1]), (libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_ERR_OPERATION_INVALID,
                                          libvirt.VIR_ERR_XML_ERROR))
            self.check(dom, 'after both')
            dom.destroy()
            dom.undefine()
            dom = self.start(XML)
        self.end(dom)

    def testDestroyed(self):
        """Does not wait for the change, which fails; nothing of it is left, and the guest starts again as it was."""
        dom = self.start(XML)
        for step in (1, 2):
            change = self.holdAt(step, lambda dom: dom.attachDeviceFlags(DIMM, LIVE_CONFIG))
            dom.destroy()
            self.assertNotEqual(self.codes(change), ['0'])
            self.relay.release()
            self.assertNotIn('ua-new', dom.XMLDesc())
            dom.undefine()
            dom = self.start(XML)
        self.check(dom, 'started again')
        self.end(dom)

    def testDestroyedWithCallersWaiting(self):
        """However many wait for its QEMU: who ends it does not queue behind them."""
        dom = self.start(XML)
        first = self.holdAt(1, lambda dom: dom.memoryStats())
        others = [self.call(lambda dom: dom.setMemoryStatsPeriod(3, libvirt.VIR_DOMAIN_AFFECT_LIVE)) for _ in range(8)]
        # all have found the guest and are in their last call
        self.assertTrue(waitFor(lambda: all(hasattr(thread, 'found') for thread in others)))
        end = self.call(lambda dom: dom.destroy())
        end.join(PATIENCE / 2)
        self.assertEqual(end.code, 0)
        self.assertNotIn('0', self.codes(first, *others))
        self.relay.release()
        dom.undefine()

    def testManyStuckGuests(self):
        """Callers of guests that do not answer hold up their like, not those of a guest that does."""
        conn = libvirt.open(self.daemon.uri)
        dom = self.begin()
        pids, waiting = [], []
        for index in range(6):
            name = f'stuck-{index}'
            stuck = conn.defineXML(XML.replace('<name>guest<', f'<name>{name}<'))
            stuck.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
            pids.append(self.stopQemu(name))
            waiting += [self.call(lambda _dom, name=name: libvirt.open(self.daemon.uri).lookupByName(name).memoryStats())
                        for _ in range(3)]
        self.assertTrue(waitFor(lambda: all(hasattr(thread, 'found') for thread in waiting)))
        other = self.call(lambda dom: dom.setMemoryStatsPeriod(3, LIVE_CONFIG))
        other.join(PATIENCE / 2)
        self.assertEqual(other.code, 0)
        for pid in pids:
            self.goOn(pid)
        for thread in waiting:
            thread.join(PATIENCE)
        self.check(dom, 'afterwards')
        self.end(dom)

    def testDefinedAnew(self):
        """The definition is another's by then: it stays as that one made it, and the caller hears of it."""
        dom = self.start(XML)
        change = self.holdAt(1, lambda dom: dom.attachDeviceFlags(DIMM, LIVE_CONFIG))
        other = dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE).replace('<vcpu ', '<title>another</title>\n<vcpu ')
        libvirt.open(self.daemon.uri).defineXML(other)
        self.relay.release()
        self.assertEqual(self.codes(change), [str(libvirt.VIR_ERR_OPERATION_FAILED)])
        stored = dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        self.assertIn('another', stored)
        self.assertNotIn('ua-new', stored)
        dom.attachDeviceFlags(DIMM, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        self.check(dom, 'after both')
        self.end(dom)

    def testUndefined(self):
        """Waits for its turn; the guest runs on, transient, with what it was given."""
        dom = self.start(XML)
        change = self.holdAt(1, lambda dom: dom.attachDeviceFlags(DIMM, LIVE_CONFIG))
        undefine = self.call(lambda dom: dom.undefine())
        self.relay.release()
        self.assertEqual(self.codes(change, undefine), ['0', '0'])
        self.assertFalse(dom.isPersistent())
        self.assertIn('ua-new', dom.XMLDesc())
        dom.destroy()

    def testClientLeaves(self):
        """What it asked for is finished without it."""
        dom = self.start(XML)
        self.relay.hold(1, False)
        client = subprocess.Popen([sys.executable, '-c', f"""
import libvirt
libvirt.open('{self.daemon.uri}').lookupByName('guest').attachDeviceFlags('''{DIMM}''', {LIVE_CONFIG})
"""])
        self.assertTrue(self.relay.reached.wait(PATIENCE))
        client.kill()
        client.wait()
        self.relay.release()
        self.assertTrue(waitFor(lambda: 'ua-new' in dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)))
        self.check(dom, 'without the client')
        self.end(dom)

    def testResetWhileDetaching(self):
        """A pSeries guest that is reset lets go what it was asked for."""
        dom = self.start(PSERIES.replace('</devices>', PSERIES_DIMM + '</devices>').replace('>256</memory>', '>512</memory>'))
        self.relay.hold(1, True)
        change = self.call(lambda dom: dom.detachDeviceFlags(PSERIES_DIMM, LIVE_CONFIG))
        self.assertTrue(self.relay.reached.wait(PATIENCE))
        self.relay.release()
        self.assertIsNone(change.code)
        self.ask(dom, 'system_reset')
        self.assertEqual(self.codes(change), ['0'])
        self.check(dom, 'after the reset')
        self.end(dom)

    def testLate(self):
        """The guest gives a device up after the caller was told that it has not."""
        dom = self.start(PSERIES, 300)
        dom.attachDeviceFlags(PSERIES_DIMM, LIVE_CONFIG)
        kept = []

        def keep(line):
            if b'"DEVICE_DELETED"' not in line:
                return line
            kept.append(line)
            return b''

        self.relay.rewrite = keep
        with self.assertRaises(libvirt.libvirtError) as caught:
            dom.detachDeviceFlags(PSERIES_DIMM, LIVE_CONFIG)
        self.assertEqual(caught.exception.get_error_code(), libvirt.VIR_ERR_OPERATION_TIMEOUT)
        self.assertIn('ua-new', dom.XMLDesc())
        self.relay.rewrite = lambda line: b''.join(kept) + line
        self.ask(dom, 'query-status')
        self.relay.rewrite = None
        self.assertTrue(waitFor(lambda: 'ua-new' not in dom.XMLDesc()))
        # the change was for both, and was not done when the caller was answered
        dom.detachDeviceFlags(PSERIES_DIMM, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        self.check(dom, 'afterwards')
        self.end(dom)


class EmulatorReplaced(Guest):
    """The binary is another one by now, as after an update of the host; the guest runs on with the old."""

    def setUp(self):
        super().setUp()
        self.binary = os.path.join(self.folder, 'qemu')
        self.write('exec /usr/bin/qemu-system-x86_64 "$@"')
        self.dom = self.begin(XML.replace('/usr/bin/qemu-system-x86_64', self.binary))

    def write(self, script):
        with open(self.binary + '.new', 'w') as file:
            file.write(f'#!/bin/sh\n{script}\n')
        os.chmod(self.binary + '.new', 0o755)
        os.rename(self.binary + '.new', self.binary)

    def testNotAsked(self):
        """What the new one can do says nothing about the old."""
        self.write('exit 1')
        self.dom.attachDeviceFlags(DIMM, LIVE_CONFIG)
        self.check(self.dom, 'after the attach')
        self.end(self.dom)

    def testAskedByTheNextDaemon(self):
        """It takes its time to answer: whoever only reads does not wait for that."""
        pipe = os.path.join(self.folder, 'pipe')
        os.mkfifo(pipe)
        self.daemon.kill()
        self.write(f'read line < {pipe}\nexec /usr/bin/qemu-system-x86_64 "$@"')
        self.daemon.start()
        dom = self.open()
        attach = threading.Thread(target=lambda: self.open().attachDeviceFlags(DIMM, LIVE_CONFIG))
        attach.start()
        with open(pipe, 'w') as file:
            # opened by now, so that it waits for this line
            self.assertNotIn('ua-new', dom.XMLDesc())
            dom.state()
            self.assertTrue(attach.is_alive())
            file.write('go on\n')
        attach.join(PATIENCE)
        self.check(dom, 'after the attach')
        self.end(dom)


class OldNews(Guest):
    """QEMU answers, and then tells of a change, before anybody has looked at the answer."""

    def overtake(self, line):
        """The first answer of each kind tells of what was before the event that comes right after it."""
        reply = json.loads(line)
        answer = reply.get('return')
        if isinstance(answer, dict) and 'actual' in answer and not self.balloon:
            self.balloon = True
            event = self.event('BALLOON_CHANGE', actual=answer['actual'])
            answer['actual'] -= 32 << 20
        elif isinstance(answer, list) and any('memdev' in entry.get('data', {}) for entry in answer) and not self.devices:
            self.devices = True
            elastic = next(entry['data'] for entry in answer if entry['data']['id'] == 'ua-elastic')
            event = self.event('MEMORY_DEVICE_SIZE_CHANGE', id='ua-elastic', size=elastic['size'])
            elastic['size'] = 2 << 20
        else:
            return line
        return json.dumps(reply).encode() + b'\n' + event

    @staticmethod
    def event(name, **data):
        return json.dumps({'timestamp': {'seconds': 1, 'microseconds': 2}, 'event': name, 'data': data}).encode() + b'\n'

    def setUp(self):
        super().setUp()
        self.begin()
        self.daemon.kill()
        self.relay = Relay(self.monitor)
        self.balloon = self.devices = False

    def checkSizes(self, dom):
        self.relay.rewrite = None
        xml = ElementTree.fromstring(dom.XMLDesc())
        self.assertTrue(self.devices)
        self.assertEqual(xml.findtext("devices/memory[@model='virtio-mem']/target/current"), '0')
        actual = self.ask(dom, 'query-balloon')['actual'] // 1024
        self.assertEqual(int(xml.findtext('currentMemory')), actual)
        self.end(dom)

    def testAfterAChange(self):
        self.daemon.start()
        dom = self.open()
        self.relay.rewrite = self.overtake
        dom.attachDeviceFlags(DIMM, LIVE_CONFIG)
        self.checkSizes(dom)

    def testWhenFoundAgain(self):
        self.relay.rewrite = self.overtake
        self.daemon.start()
        self.checkSizes(self.open())


class FullDisk(Guest):
    """A file that cannot be replaced: a folder has its name."""

    def setUp(self):
        super().setUp()
        self.dom = self.begin()

    def block(self, path):
        """Until unblock(), path cannot be written; it then holds what it held."""
        if os.path.exists(path):
            os.rename(path, path + '.kept')
        os.mkdir(path)

    def unblock(self, path):
        os.rmdir(path)
        if os.path.exists(path + '.kept'):
            os.rename(path + '.kept', path)

    def stored(self):
        return os.path.join(self.daemon.folder, 'etc', 'guest.xml')

    def testDefinition(self):
        """The running guest has changed by then: the caller hears of both."""
        self.block(self.stored())
        with self.assertRaisesRegex(libvirt.libvirtError, 'the running guest was changed, but .*guest.xml'):
            self.dom.attachDeviceFlags(DIMM, LIVE_CONFIG)
        self.unblock(self.stored())
        self.assertIn('ua-new', self.dom.XMLDesc())
        self.assertNotIn('ua-new', self.dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        self.daemon.kill()
        self.daemon.start()
        dom = self.open()
        dom.attachDeviceFlags(DIMM, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        self.check(dom, 'after both')
        self.end(dom)

    def testStatus(self):
        """The journal keeps what the status file could not take, for this daemon and the next."""
        for restart in (False, True):
            self.block(self.state('guest.xml'))
            self.dom.attachDeviceFlags(DIMM, LIVE_CONFIG)
            if restart:
                self.daemon.kill()
            self.unblock(self.state('guest.xml'))
            if restart:
                self.daemon.start()
                self.dom = self.open()
            # settles what is open
            self.dom.setMemoryStatsPeriod(4, LIVE_CONFIG)
            self.assertIn('ua-new', self.read('guest.xml'))
            self.check(self.dom, f'restart {restart}')
            self.end(self.dom)
            self.dom = self.begin()
        self.end(self.dom)

    def testJournal(self):
        """Nothing is begun that could not be finished."""
        self.block(self.state('guest.memory.json'))
        with self.assertRaisesRegex(libvirt.libvirtError, 'guest.memory.json'):
            self.dom.attachDeviceFlags(DIMM, LIVE_CONFIG)
        self.unblock(self.state('guest.memory.json'))
        self.assertNotIn('ua-new', self.dom.XMLDesc())
        self.check(self.dom, 'after the refusal')
        self.end(self.dom)


if __name__ == '__main__':
    eventLoop()
    suite.main()
