#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_slow_disk.py: a disk that takes its time over a definition keeps nobody waiting but its writer; files and daemon agree.

The daemon's disk is held at a file until the test lets it go on, or fails there."""

import os
import sys
import threading

import libvirt

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'lib')]

import suite  # noqa: E402
from relay import PATIENCE, Relay  # noqa: E402
from test_memory_crash import DIMM, LIVE_CONFIG, XML  # noqa: E402
from test_memory_fault import Guest, eventLoop, waitFor  # noqa: E402

LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
INACTIVE = libvirt.VIR_DOMAIN_XML_INACTIVE
# far less than a test waits for the disk
SOON = PATIENCE / 2


# whoever defines it means the same domain; XML is of the same name, and another
GUEST = XML.replace('<name>', '<uuid>0b9e2a5c-1f34-4d0e-8f53-9b1a6f0c7d21</uuid><name>')


def named(name):
    return XML.replace('<name>guest<', f'<name>{name}<')


def titled(title):
    return GUEST.replace('<maxMemory', f'<title>{title}</title><maxMemory')


class Scene(Guest):
    def setUp(self):
        super().setUp()
        self.daemon.kill()
        self.gate = os.path.join(self.folder, 'gate')
        variables = {'LD_PRELOAD': os.path.join(suite.buildFolder(), 'tests', 'process', 'holdatfile.so'),
                     'HOLD_AT_FILE': self.gate}
        os.environ.update(variables)
        self.addCleanup(lambda: [os.environ.pop(name) for name in variables])
        self.daemon.start()
        self.addCleanup(self.release)
        self.conn = libvirt.open(self.daemon.uri)

    # ---- the disk ----

    def etc(self, name='guest.xml'):
        return os.path.join(self.daemon.folder, 'etc', name)

    def hold(self, path):
        """What is about to be done on the disk with files that begin so waits."""
        with open(self.gate + '.new', 'w') as file:
            file.write(path)
        os.rename(self.gate + '.new', self.gate)

    def release(self, fail=False):
        if fail:
            open(self.gate + '.fail', 'w').close()
        for name in (self.gate, self.gate + '.reached'):
            if os.path.exists(name):
                os.unlink(name)

    # ---- calls ----

    def call(self, work):
        """A thread that does work(connection), one of its own; `code` is then the error's or 0, `answer` what came back."""
        def run():
            try:
                conn = libvirt.open(self.daemon.uri)
                thread.begun = True
                thread.answer = work(conn)
                thread.code = 0
            except libvirt.libvirtError as error:
                thread.code = error.get_error_code()
        thread = threading.Thread(target=run, daemon=True)
        thread.code = None
        thread.start()
        return thread

    def held(self, work, path=None):
        """The call has come to the disk, and waits there."""
        self.hold(path or self.etc())
        thread = self.call(work)
        self.assertTrue(waitFor(lambda: os.path.exists(self.gate + '.reached') or thread.code is not None))
        self.assertIsNone(thread.code, 'ended without the disk')
        return thread

    def now(self, work):
        """What it gives back, and that at once."""
        thread = self.call(work)
        thread.join(SOON)
        self.assertEqual(thread.code, 0, 'has to wait, or fails')
        return thread.answer

    def waiting(self, work):
        """The call has found its guest, and does not end as long as the disk is held."""
        thread = self.call(work)
        self.assertTrue(waitFor(lambda: hasattr(thread, 'begun')))
        thread.join(0.3)
        self.assertIsNone(thread.code)
        return thread

    def go(self, *threads, fail=False):
        """The disk goes on; the codes of all."""
        self.release(fail)
        for thread in threads:
            thread.join(PATIENCE)
        return [thread.code for thread in threads]

    # ---- what is to be ----

    def agree(self, name='guest', title=None):
        """The daemon, its file, and the next daemon have the same definition."""
        flags = INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
        with open(self.etc(f'{name}.xml')) as file:
            stored = file.read()
        for _ in range(2):
            dom = libvirt.open(self.daemon.uri).lookupByName(name)
            self.assertEqual(dom.XMLDesc(flags).split(), stored.split())
            self.assertEqual(title is not None and f'<title>{title}</title>' in stored, title is not None)
            self.daemon.kill()
            self.daemon.start()
        self.conn = libvirt.open(self.daemon.uri)
        return libvirt.open(self.daemon.uri).lookupByName(name)

    def gone(self):
        """Nothing is left of the guest."""
        for _ in range(2):
            self.assertEqual([dom.name() for dom in libvirt.open(self.daemon.uri).listAllDomains()], [])
            self.daemon.kill()
            self.daemon.start()
        self.assertEqual(os.listdir(self.etc('')) and [name for name in os.listdir(self.etc('')) if name != 'autostart'], [])
        if os.path.exists(self.etc('autostart')):
            self.assertEqual(os.listdir(self.etc('autostart')), [])
        self.conn = libvirt.open(self.daemon.uri)


def lookup(conn):
    return conn.lookupByName('guest')


WRITERS = {
    'setmem': lambda conn: lookup(conn).setMemoryFlags(48 << 10, CONFIG),
    'setmem both': lambda conn: lookup(conn).setMemoryFlags(48 << 10, LIVE_CONFIG),
    'period': lambda conn: lookup(conn).setMemoryStatsPeriod(3, CONFIG),
    'attach': lambda conn: lookup(conn).attachDeviceFlags(DIMM, CONFIG),
    'attach both': lambda conn: lookup(conn).attachDeviceFlags(DIMM.replace('ua-new', 'ua-other'), LIVE_CONFIG),
    'memtune': lambda conn: lookup(conn).setMemoryParameters({'soft_limit': 1 << 20}, CONFIG),
    'vcpus': lambda conn: lookup(conn).setVcpusFlags(1, CONFIG),
    'metadata': lambda conn: lookup(conn).setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, 'here', None, None, CONFIG),
    'metadata both': lambda conn: lookup(conn).setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, 'both', None, None, LIVE_CONFIG),
    'define': lambda conn: conn.defineXML(titled('there')),
    'undefine': lambda conn: lookup(conn).undefine(),
}


class NobodyWaits(Scene):
    """... for the disk of another's call."""

    def setUp(self):
        super().setUp()
        self.begin(named('other'))
        self.begin(GUEST)
        self.daemon.kill()
        self.relay = Relay(self.monitor)
        self.daemon.start()
        self.clock, self.told = [], threading.Condition()
        self.conn = libvirt.open(self.daemon.uri)
        self.conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_RTC_CHANGE, self.onClock, None)

    def onClock(self, _conn, _dom, offset, _opaque):
        with self.told:
            self.clock.append(offset)
            self.told.notify_all()

    def eventArrives(self, offset):
        self.relay.say('{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "RTC_CHANGE", "data": {"offset": %d}}' % offset)
        with self.told:
            self.assertTrue(self.told.wait_for(lambda: offset in self.clock, SOON), 'the event is not told')

    def readsGoOn(self, name):
        for read in (lambda dom: dom.XMLDesc(), lambda dom: dom.XMLDesc(INACTIVE), lambda dom: dom.info(),
                     lambda dom: dom.state(), lambda dom: dom.isPersistent(), lambda dom: dom.autostart(),
                     lambda dom: dom.memoryParameters(), lambda dom: dom.memoryStats()):
            self.now(lambda conn: read(conn.lookupByName(name)))
        self.assertEqual(len(self.now(lambda conn: conn.listAllDomains())), 2)
        self.assertEqual(len(self.now(lambda conn: conn.getAllDomainStats())), 2)

    def othersGoOn(self):
        def work(conn):
            dom = conn.lookupByName('other')
            dom.setMemoryFlags(48 << 10, LIVE_CONFIG)
            dom.setMemoryFlags(40 << 10, LIVE)
            dom.setAutostart(1)
            dom.setAutostart(0)
            dom.resume()
            dom.suspend()
            conn.defineXML(named('new')).undefine()

        self.now(work)

    def testEach(self):
        for offset, (name, work) in enumerate(WRITERS.items()):
            with self.subTest(name):
                writer = self.held(work)
                self.eventArrives(offset)
                self.readsGoOn('guest')
                self.othersGoOn()
                self.assertIsNone(writer.code)
                self.assertEqual(self.go(writer), [0])

    def testAutostart(self):
        for on in (1, 0):
            writer = self.held(lambda conn: lookup(conn).setAutostart(on), self.etc('autostart/guest'))
            self.eventArrives(10 + on)
            self.readsGoOn('guest')
            self.othersGoOn()
            self.assertEqual(self.now(lambda conn: lookup(conn).autostart()), 1 - on)
            self.assertEqual(self.go(writer), [0])
            self.assertEqual(self.now(lambda conn: lookup(conn).autostart()), on)

    def testGuestEnds(self):
        """What it leaves on disk is put away before it counts as ended."""
        writer = self.held(lambda conn: lookup(conn).destroy(), os.path.dirname(self.monitor))
        self.assertTrue(self.now(lambda conn: lookup(conn).isActive()))
        self.now(lambda conn: lookup(conn).XMLDesc())
        self.assertEqual(len(self.now(lambda conn: conn.listAllDomains())), 2)
        self.othersGoOn()
        self.assertEqual(self.go(writer), [0])
        self.assertFalse(os.path.exists(os.path.dirname(self.monitor)))
        self.assertFalse(self.now(lambda conn: lookup(conn).isActive()))

    def testFirmwareVariables(self):
        """They are copied while the guest starts; it may be ended meanwhile."""
        for part in ('CODE', 'VARS'):
            with open(os.path.join(self.folder, f'image_{part}.fd'), 'wb') as file:
                file.write(bytes(1 << 16))
        dom = self.conn.defineXML(named('firm').replace(
            '</os>', f"<loader readonly='yes' type='pflash'>{self.folder}/image_CODE.fd</loader></os>"))
        for stop in (False, True):
            writer = self.held(lambda conn: conn.lookupByName('firm').create(),
                               os.path.join(self.daemon.folder, 'lib', 'qemu', 'nvram'))
            self.eventArrives(20 + stop)
            self.now(lambda conn: conn.lookupByName('firm').XMLDesc())
            self.assertEqual(len(self.now(lambda conn: conn.listAllDomains())), 3)
            if not stop:
                self.assertEqual(self.go(writer, fail=True), [libvirt.VIR_ERR_SYSTEM_ERROR])
                os.unlink(self.gate + '.fail')
                continue
            end = self.waiting(lambda conn: conn.lookupByName('firm').destroy())
            self.assertEqual(self.go(writer, end), [libvirt.VIR_ERR_OPERATION_FAILED, 0])
        self.assertFalse(dom.isActive())
        dom.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)

    def testDefineLeavesTheRunningGuestAlone(self):
        """A define needs no turn of its own, and takes none from those that change the running guest."""
        writer = self.held(WRITERS['define'])
        self.now(lambda conn: lookup(conn).setMemoryFlags(48 << 10, LIVE))
        self.now(lambda conn: lookup(conn).attachDeviceFlags(DIMM, LIVE))
        self.now(lambda conn: lookup(conn).destroy())
        self.assertEqual(self.go(writer), [0])
        self.agree(title='there')


class Together(Scene):
    """Two that want the same file."""

    def define(self):
        return self.conn.defineXML(GUEST)

    def testDefineThenChange(self):
        """The change is one of the new definition."""
        self.define()
        first = self.held(lambda conn: conn.defineXML(titled('first')))
        second = self.waiting(lambda conn: lookup(conn).setMemoryFlags(48 << 10, CONFIG))
        self.assertEqual(self.go(first, second), [0, 0])
        self.assertIn(f"<currentMemory unit='KiB'>{48 << 10}<", self.agree(title='first').XMLDesc())

    def testEachChangeAfterADefine(self):
        for name in ('attach', 'memtune', 'vcpus', 'period', 'metadata'):
            with self.subTest(name):
                self.define()
                first = self.held(lambda conn: conn.defineXML(titled('first')))
                second = self.waiting(WRITERS[name])
                self.assertEqual(self.go(first, second), [0, 0])
                self.agree(title='here' if name == 'metadata' else 'first').undefine()

    def testChangeThenDefine(self):
        self.define()
        first = self.held(WRITERS['setmem'])
        second = self.waiting(lambda conn: conn.defineXML(titled('second')))
        self.assertEqual(self.go(first, second), [0, 0])
        self.assertNotIn(f'>{48 << 10}<', self.agree(title='second').XMLDesc())

    def testTwoDefines(self):
        self.define()
        first = self.held(lambda conn: conn.defineXML(titled('first')))
        second = self.waiting(lambda conn: conn.defineXML(titled('second')))
        self.assertEqual(self.go(first, second), [0, 0])
        self.agree(title='second')

    def testLiveChangeThatADefineOvertakes(self):
        """The running guest was changed by then; the definition is the other's, and the caller hears of it."""
        self.begin(GUEST)
        self.daemon.kill()
        relay = Relay(self.monitor)
        self.daemon.start()
        # the questions of the daemon that has come back are none of the steps
        self.open()
        relay.hold(1, False)
        change = self.call(WRITERS['attach both'])
        self.assertTrue(relay.reached.wait(PATIENCE))
        define = self.held(lambda conn: conn.defineXML(titled('there')))
        relay.release()
        self.assertTrue(waitFor(lambda: 'ua-other' in self.now(lambda conn: lookup(conn).XMLDesc())))
        self.assertEqual(self.go(define, change), [0, libvirt.VIR_ERR_OPERATION_FAILED])
        self.assertNotIn('ua-other', self.agree(title='there').XMLDesc(INACTIVE))

    def testUndefineDuringADefine(self):
        self.define()
        first = self.held(lambda conn: conn.defineXML(titled('first')))
        second = self.waiting(lambda conn: lookup(conn).undefine())
        self.assertEqual(self.go(first, second), [0, 0])
        self.gone()

    def testUndefineDuringAChange(self):
        self.define()
        first = self.held(WRITERS['setmem'])
        second = self.waiting(lambda conn: lookup(conn).undefine())
        self.assertEqual(self.go(first, second), [0, 0])
        self.gone()

    def testDefineDuringAnUndefine(self):
        """It is a new domain."""
        self.define()
        first = self.held(lambda conn: lookup(conn).undefine())
        second = self.waiting(lambda conn: conn.defineXML(titled('second')))
        self.assertEqual(self.go(first, second), [0, 0])
        self.agree(title='second')

    def testChangeDuringAnUndefine(self):
        self.define()
        first = self.held(lambda conn: lookup(conn).undefine())
        second = self.waiting(WRITERS['setmem'])
        self.assertEqual(self.go(first, second), [0, libvirt.VIR_ERR_NO_DOMAIN])
        self.gone()

    def testAutostartAndUndefine(self):
        """The mark goes with the definition, whoever is first."""
        mark = self.etc('autostart/guest')
        self.define()
        first = self.held(lambda conn: lookup(conn).setAutostart(1), mark)
        second = self.waiting(lambda conn: lookup(conn).undefine())
        self.assertEqual(self.go(first, second), [0, 0])
        self.gone()
        self.define().setAutostart(1)
        first = self.held(lambda conn: lookup(conn).undefine(), mark)
        second = self.waiting(lambda conn: lookup(conn).setAutostart(1))
        self.assertEqual(self.go(first, second), [0, libvirt.VIR_ERR_OPERATION_INVALID])
        self.gone()

    def testNotThereBeforeItIsWritten(self):
        """A definition that is being written has a name that nobody else gets, and cannot be seen or used."""
        first = self.held(lambda conn: conn.defineXML(GUEST))
        self.assertEqual(self.now(lambda conn: conn.listAllDomains()), [])
        self.assertEqual(self.now(lambda conn: conn.getAllDomainStats()), [])
        for work, code in ((lookup, libvirt.VIR_ERR_NO_DOMAIN),
                           (lambda conn: conn.defineXML(XML), libvirt.VIR_ERR_OPERATION_FAILED),
                           (lambda conn: conn.createXML(XML), libvirt.VIR_ERR_OPERATION_FAILED)):
            thread = self.call(work)
            thread.join(SOON)
            self.assertEqual(thread.code, code)
        self.assertEqual(self.go(first), [0])
        self.agree()

    def testCreatedWhileItIsWritten(self):
        first = self.held(lambda conn: conn.defineXML(GUEST))
        self.now(lambda conn: conn.createXML(GUEST, libvirt.VIR_DOMAIN_START_PAUSED))
        self.assertFalse(self.now(lambda conn: lookup(conn).isPersistent()))
        self.assertEqual(self.go(first), [0])
        dom = self.agree()
        self.assertTrue(dom.isActive() and dom.isPersistent())
        self.end(dom)

    def testTransientEndsWhileItIsWritten(self):
        for fail in (False, True):
            self.conn.createXML(GUEST, libvirt.VIR_DOMAIN_START_PAUSED)
            first = self.held(lambda conn: conn.defineXML(GUEST))
            self.now(lambda conn: lookup(conn).destroy())
            self.assertEqual(self.now(lambda conn: conn.listAllDomains()), [])
            thread = self.call(lambda conn: conn.defineXML(XML))
            thread.join(SOON)
            self.assertEqual(thread.code, libvirt.VIR_ERR_OPERATION_FAILED)
            if fail:
                self.assertEqual(self.go(first, fail=True), [libvirt.VIR_ERR_SYSTEM_ERROR])
                self.gone()
            else:
                self.assertEqual(self.go(first), [0])
                self.agree().undefine()

    def testGuestEndsDuringAChange(self):
        for name, found in (('setmem', f'>{48 << 10}<'), ('metadata both', 'both'), ('attach both', 'ua-other')):
            with self.subTest(name):
                self.begin(GUEST)
                first = self.held(WRITERS[name])
                self.now(lambda conn: lookup(conn).destroy())
                self.assertEqual(self.go(first), [0])
                dom = self.agree()
                self.assertIn(found, dom.XMLDesc())
                dom.undefine()

    def testGuestEndsDuringAnUndefine(self):
        self.begin(GUEST)
        first = self.held(lambda conn: lookup(conn).undefine())
        self.now(lambda conn: lookup(conn).destroy())
        self.assertEqual(self.go(first), [0])
        self.gone()


class Failing(Scene):
    def testNothingChanges(self):
        """The disk fails: what was there before is there, in the file and in the daemon."""
        first = self.held(lambda conn: conn.defineXML(GUEST))
        self.assertEqual(self.go(first, fail=True), [libvirt.VIR_ERR_SYSTEM_ERROR])
        self.gone()
        os.unlink(self.gate + '.fail')
        self.conn.defineXML(titled('kept'))
        for name in ('setmem', 'undefine', 'metadata', 'vcpus'):
            first = self.held(WRITERS[name])
            self.assertEqual(self.go(first, fail=True), [libvirt.VIR_ERR_SYSTEM_ERROR])
            self.agree(title='kept')
            os.unlink(self.gate + '.fail')

    def testKilled(self):
        """The daemon dies before the file is in its place, or after that: the next one has the old or the new definition."""
        for path, title in ((self.etc(), 'old'), (os.path.dirname(self.etc()) + '$', 'new')):
            self.conn.defineXML(titled('old'))
            first = self.held(lambda conn: conn.defineXML(titled('new')), path)
            self.daemon.kill()
            self.release()
            first.join(PATIENCE)
            self.daemon.start()
            self.agree(title=title)

    def testKilledDuringALiveChange(self):
        """The guest has the device by then: so has the definition, whenever the daemon died."""
        self.begin()
        first = self.held(WRITERS['attach both'])
        self.daemon.kill()
        self.release()
        first.join(PATIENCE)
        self.daemon.start()
        dom = self.open()
        self.check(dom, 'found again')
        self.assertIn('ua-other', dom.XMLDesc())
        self.end(self.agree())


if __name__ == '__main__':
    eventLoop()
    suite.main()
