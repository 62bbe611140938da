#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_process.py: QEMU and daemon dying at any time: states, reasons, events, errors, and nothing left behind."""

import json
import os
import random
import signal
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import libvirt

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))

import suite  # noqa: E402
from daemon import Virtmemd, endGuests  # noqa: E402

QEMU = '/usr/bin/qemu-system-x86_64'
PATIENCE = 30
SEED = int(os.environ.get('MEM_TEST_SEED', '20231'))
KILLS = int(os.environ.get('MEM_TEST_KILLS', '12'))

XML = """
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <emulator>{emulator}</emulator>
    <controller type='usb' model='none'/>
    <serial type='pty'/>
    <memballoon model='virtio'/>
  </devices>
</domain>"""

# QEMU as long as it is only asked what it can do, or while the file `mode` beside it is empty; what `mode` says otherwise.
WRAPPER = """#!/bin/sh
case "$*" in *guest=*) [ -s {folder}/mode ] && . {folder}/mode;; esac
exec {qemu} "$@"
"""

libvirt.virEventRegisterDefaultImpl()
libvirt.registerErrorHandler(lambda *_: None, None)


def runEvents():
    while True:
        libvirt.virEventRunDefaultImpl()


threading.Thread(target=runEvents, daemon=True).start()


class Events:
    """What a connection heard, to be waited for."""

    def __init__(self, conn):
        self.seen = []
        self.changed = threading.Condition()
        self.timer = libvirt.virEventAddTimeout(-1, lambda *_: None, None)
        conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._lifecycle, None)
        conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, self._reboot, None)

    def _add(self, entry):
        with self.changed:
            self.seen.append(entry)
            self.changed.notify_all()

    def _lifecycle(self, _conn, dom, event, detail, _opaque):
        self._add((dom.name(), event, detail))

    def _reboot(self, _conn, dom, _opaque):
        self._add((dom.name(), 'reboot'))

    def wait(self, entry):
        with self.changed:
            found = self.changed.wait_for(lambda: entry in self.seen, PATIENCE)
        if not found:
            raise AssertionError(f'no event {entry} in {self.seen}')


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='vmem')
        suite.witnesses[:] = [lambda: print(self.daemon.lastWords(), file=sys.stderr)]
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(endGuests, self.folder)
        self.emulator = os.path.join(self.folder, 'qemu-wrapper')
        self.setMode('')
        with open(self.emulator, 'w') as file:
            file.write(WRAPPER.format(folder=self.folder, qemu=QEMU))
        os.chmod(self.emulator, 0o755)
        os.environ['VIRTMEMD_START_TIMEOUT'] = '30000'
        self.daemon = Virtmemd(os.path.join(self.folder, 'root'))
        self.daemon.start()
        self.addCleanup(self.daemon.kill)
        self.connect()

    def connect(self):
        self.conn = libvirt.open(self.daemon.uri)
        self.events = Events(self.conn)

    def restart(self):
        self.daemon.kill()
        self.daemon.start()
        self.connect()

    def setMode(self, text):
        with open(os.path.join(self.folder, 'mode'), 'w') as file:
            file.write(text)

    def define(self, name='guest', emulator=QEMU):
        return self.conn.defineXML(XML.format(name=name, emulator=emulator))

    def start(self, name='guest', flags=libvirt.VIR_DOMAIN_START_PAUSED):
        dom = self.define(name)
        dom.createWithFlags(flags)
        return dom

    def status(self, name='guest'):
        with open(os.path.join(self.daemon.folder, 'run', 'qemu', name + '.xml')) as file:
            return file.read()

    def pid(self, name='guest'):
        return int(self.status(name).split("pid='")[1].split("'")[0])

    def monitorPath(self, dom):
        return os.path.join(self.daemon.folder, 'lib', 'qemu', f'domain-{dom.ID()}-{dom.name()}', 'monitor.sock')

    def refused(self, code, function, *arguments):
        with self.assertRaises(libvirt.libvirtError) as caught:
            function(*arguments)
        self.assertEqual(caught.exception.get_error_code(), code, str(caught.exception))
        return str(caught.exception)

    def assertOff(self, dom, reason):
        self.assertEqual(dom.state(), [libvirt.VIR_DOMAIN_SHUTOFF, reason])
        self.assertFalse(dom.isActive())
        self.assertLeftNothing(dom.name())

    def assertLeftNothing(self, name):
        self.assertFalse(os.path.exists(os.path.join(self.daemon.folder, 'run', 'qemu', name + '.xml')))
        lib = os.path.join(self.daemon.folder, 'lib', 'qemu')
        self.assertEqual([entry for entry in os.listdir(lib) if entry.startswith('domain-') and entry.endswith('-' + name)], [])
        self.assertEqual(qemus(self.folder), [])


def qemus(folder):
    """The QEMUs of folder, and what was to become one: whatever writes to the log of a guest there."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/stat') as file:
                state = file.read().rsplit(')', 1)[1].split()[0]
            link = os.readlink(f'/proc/{pid}/fd/1')
        except OSError:
            continue
        if state != 'Z' and link.startswith(folder + '/') and link.endswith('.log'):
            found.append(int(pid))
    return found


def waitGone(pid):
    """Until process pid has ended, child or not."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        import select
        if not select.select([fd], [], [], PATIENCE)[0]:
            raise AssertionError(f'process {pid} does not end')
    finally:
        os.close(fd)


class StartFails(Case):
    def testMissingEmulator(self):
        text = self.refused(libvirt.VIR_ERR_SYSTEM_ERROR, self.define, 'guest', '/nowhere/qemu')
        self.assertIn('/nowhere/qemu', text)

    def testEmulatorVanishesAfterDefine(self):
        dom = self.define(emulator=self.emulator)
        os.unlink(self.emulator)
        with self.assertRaises(libvirt.libvirtError) as caught:
            dom.create()
        self.assertIn(self.emulator, str(caught.exception))
        self.assertOff(dom, dom.state()[1])

    def testNotExecutable(self):
        dom = self.define(emulator=self.emulator)
        os.chmod(self.emulator, 0o644)
        with self.assertRaises(libvirt.libvirtError) as caught:
            dom.create()
        self.assertIn(self.emulator, str(caught.exception))
        self.assertFalse(dom.isActive())

    def testEndsAtOnce(self):
        dom = self.define(emulator=self.emulator)
        self.setMode('echo "the disk is on fire" >&2; exit 3')
        text = self.refused(libvirt.VIR_ERR_INTERNAL_ERROR, dom.create)
        self.assertIn('the disk is on fire', text)
        self.assertIn('exit status 3', text)
        self.events.wait(('guest', libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED))
        self.assertOff(dom, libvirt.VIR_DOMAIN_SHUTOFF_FAILED)
        self.setMode('')
        dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        self.assertTrue(dom.isActive())

    def testKilledAtOnce(self):
        dom = self.define(emulator=self.emulator)
        self.setMode('kill -9 $$')
        self.assertIn('signal 9', self.refused(libvirt.VIR_ERR_INTERNAL_ERROR, dom.create))
        self.assertOff(dom, libvirt.VIR_DOMAIN_SHUTOFF_FAILED)

    def testRealQemuRefuses(self):
        xml = XML.format(name='guest', emulator=QEMU).replace(
            '</devices>', '</devices><qemu:commandline><qemu:arg value="-nonsense"/></qemu:commandline>').replace(
            '<domain ', '<domain xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0" ')
        text = self.refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.conn.createXML, xml, 0)
        self.assertIn('-nonsense', text)
        self.refused(libvirt.VIR_ERR_NO_DOMAIN, self.conn.lookupByName, 'guest')
        self.assertLeftNothing('guest')

    def testDestroyWhileStarting(self):
        dom = self.define(emulator=self.emulator)
        self.setMode('echo started >' + self.folder + '/mark; exec sleep 1000')
        os.mkfifo(self.folder + '/mark')
        failure = []

        def create():
            try:
                libvirt.open(self.daemon.uri).lookupByName('guest').create()
            except libvirt.libvirtError as error:
                failure.append(error)
        thread = threading.Thread(target=create)
        thread.start()
        with open(self.folder + '/mark') as mark:
            mark.read()
        dom.destroy()
        thread.join(PATIENCE)
        self.assertEqual(len(failure), 1)
        self.assertEqual(failure[0].get_error_code(), libvirt.VIR_ERR_OPERATION_FAILED)
        self.assertOff(dom, libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED)


class SilentQemu(Case):
    def setUp(self):
        super().setUp()
        self.daemon.stop()
        os.environ['VIRTMEMD_START_TIMEOUT'] = '300'
        self.daemon.start()
        self.connect()

    def testSilent(self):
        dom = self.define(emulator=self.emulator)
        self.setMode('echo "thinking" >&2; exec sleep 1000')
        self.assertIn('thinking', self.refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, dom.create))
        self.assertOff(dom, libvirt.VIR_DOMAIN_SHUTOFF_FAILED)


class QemuDies(Case):
    def testKilled(self):
        dom = self.start()
        os.kill(self.pid(), signal.SIGKILL)
        self.events.wait(('guest', libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED))
        self.assertOff(dom, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED)
        dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        self.assertTrue(dom.isActive())

    def testToldToEnd(self):
        dom = self.start()
        os.kill(self.pid(), signal.SIGTERM)
        self.events.wait(('guest', libvirt.VIR_DOMAIN_EVENT_SHUTDOWN, libvirt.VIR_DOMAIN_EVENT_SHUTDOWN_HOST))
        self.events.wait(('guest', libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN))
        self.assertOff(dom, libvirt.VIR_DOMAIN_SHUTOFF_SHUTDOWN)

    def testDestroy(self):
        dom = self.start()
        began = time.monotonic()
        dom.destroy()
        self.assertLess(time.monotonic() - began, 2)
        self.assertOff(dom, libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED)
        wanted = [('guest', libvirt.VIR_DOMAIN_EVENT_SHUTDOWN, libvirt.VIR_DOMAIN_EVENT_SHUTDOWN_HOST),
                  ('guest', libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED)]
        self.events.wait(wanted[1])
        self.assertEqual(self.events.seen[-2:], wanted)
        self.refused(libvirt.VIR_ERR_OPERATION_INVALID, dom.destroy)

    def testDestroyStopped(self):
        dom = self.start()
        os.kill(self.pid(), signal.SIGSTOP)
        dom.destroy()
        self.assertOff(dom, libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED)

    def testDiesDuringCall(self):
        dom = self.start()
        pid = self.pid()
        os.kill(pid, signal.SIGSTOP)
        failure = []

        def ask():
            try:
                libvirt.open(self.daemon.uri).lookupByName('guest').memoryStats()
            except libvirt.libvirtError as error:
                failure.append(error.get_error_code())
        thread = threading.Thread(target=ask)
        thread.start()
        os.kill(pid, signal.SIGKILL)
        thread.join(PATIENCE)
        self.assertIn(failure, ([libvirt.VIR_ERR_OPERATION_FAILED], [libvirt.VIR_ERR_OPERATION_INVALID]))
        self.events.wait(('guest', libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED))
        self.assertOff(dom, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED)

    def testTransientVanishes(self):
        dom = self.conn.createXML(XML.format(name='guest', emulator=QEMU), libvirt.VIR_DOMAIN_START_PAUSED)
        os.kill(self.pid(), signal.SIGKILL)
        self.events.wait(('guest', libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED))
        self.refused(libvirt.VIR_ERR_NO_DOMAIN, dom.state)

    def testOnlyWhatItNeedsIsInherited(self):
        self.start()
        links = [os.readlink(f'/proc/{self.pid()}/fd/{fd}') for fd in os.listdir(f'/proc/{self.pid()}/fd')]
        self.assertEqual(os.getsid(self.pid()), self.pid())
        self.assertFalse([link for link in links if link.startswith(self.folder) and not link.endswith('/guest.log')])
        with open(f'/proc/{self.pid()}/status') as file:
            self.assertIn('Seccomp:\t2', file.read())


class StartDialogue(Case):
    """What QEMU is told of its memory before the guest's first step."""

    MIB = 1024
    ELASTIC = """
    <memory model='virtio-mem'>
      <target><size unit='MiB'>64</size><node>0</node><block unit='MiB'>2</block><requested unit='MiB'>{}</requested></target>
    </memory>"""

    def setUp(self):
        super().setUp()
        self.daemon.stop()
        self.daemon.command += ['--log-level', 'debug']
        self.daemon.start()
        self.connect()

    def targets(self, currentMib, device=''):
        """The balloon's targets, in bytes, and what the guest then has in KiB, of one with 64 MiB beside the device."""
        xml = XML.format(name='guest', emulator=QEMU).replace('</memory>', f"""</memory>
  <currentMemory unit='MiB'>{currentMib}</currentMemory>""", 1)
        if device:
            xml = xml.replace('<memory ', "<maxMemory slots='1' unit='MiB'>1024</maxMemory><memory ", 1).replace(
                '<os>', "<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu><os>").replace(
                '<memballoon', f'{device}<memballoon')
        before = os.path.getsize(self.daemon.log)
        dom = self.conn.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED)
        current = dom.info()[2]
        dom.destroy()
        with open(self.daemon.log) as log:
            log.seek(before)
            sent = [json.loads(line.split(': > ', 1)[1]) for line in log if ': > {' in line]
        self.assertIn('query-chardev', [command['execute'] for command in sent])
        return [command['arguments']['value'] for command in sent if command['execute'] == 'balloon'], current

    def testBalloonTarget(self):
        """currentMemory is the target if it is below what the balloon has: without virtio-mem, whose size only libvirt counts."""
        self.assertEqual(self.targets(64), ([], 64 * self.MIB))
        self.assertEqual(self.targets(48), ([48 << 20], 64 * self.MIB))
        for requested in (0, 32):
            elastic = self.ELASTIC.format(requested)
            self.assertEqual(self.targets(128, elastic), ([], 64 * self.MIB))
            self.assertEqual(self.targets(96, elastic), ([], 64 * self.MIB))
            self.assertEqual(self.targets(48, elastic), ([48 << 20], 64 * self.MIB))


class Lifecycle(Case):
    def testStatesAndEvents(self):
        dom = self.start()
        self.assertEqual(dom.state(), [libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER])
        dom.resume()
        self.assertEqual(dom.state(), [libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_UNPAUSED])
        self.refused(libvirt.VIR_ERR_OPERATION_INVALID, dom.resume)
        self.refused(libvirt.VIR_ERR_OPERATION_INVALID, dom.create)
        dom.suspend()
        self.assertEqual(dom.state(), [libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER])
        dom.reset()
        self.events.wait(('guest', 'reboot'))
        dom.destroyFlags(libvirt.VIR_DOMAIN_DESTROY_GRACEFUL)
        self.events.wait(('guest', libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED))
        self.assertEqual([entry[1:] for entry in self.events.seen if entry[1] != 'reboot'],
                         [(0, 0), (2, 0), (3, 0), (4, 0), (3, 0), (6, 2), (5, 1)])

    def testStartRunning(self):
        dom = self.start(flags=0)
        self.assertEqual(dom.state(), [libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_BOOTED])
        self.events.wait(('guest', libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_BOOTED))
        self.assertEqual([entry[1:] for entry in self.events.seen], [(0, 0), (4, 0), (2, 0)])

    def testUndefineRunning(self):
        dom = self.start()
        dom.undefine()
        self.assertFalse(dom.isPersistent())
        dom.destroy()
        self.refused(libvirt.VIR_ERR_NO_DOMAIN, dom.state)

    def testDefineRunning(self):
        dom = self.conn.createXML(XML.format(name='guest', emulator=QEMU), libvirt.VIR_DOMAIN_START_PAUSED)
        self.conn.defineXML(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE).replace('65536', '131072'))
        self.assertTrue(dom.isPersistent())
        self.assertTrue(dom.isUpdated())
        self.assertIn('65536', dom.XMLDesc())
        self.assertIn('131072', dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        dom.destroy()
        self.assertEqual(dom.maxMemory(), 131072)

    def testMetadata(self):
        dom = self.start()
        config, live = libvirt.VIR_DOMAIN_AFFECT_CONFIG, libvirt.VIR_DOMAIN_AFFECT_LIVE
        element = libvirt.VIR_DOMAIN_METADATA_ELEMENT
        dom.setMetadata(element, '<a xmlns:q="http://q"><q:b>x</q:b><c/></a>', 'k', 'http://x', config | live)
        self.assertEqual(dom.metadata(element, 'http://x', live), '<a xmlns:q="http://q">\n  <q:b>x</q:b>\n  <c/>\n</a>')
        for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
            self.assertIn('  <metadata>\n    <k:a xmlns:q="http://q" xmlns:k="http://x">\n      <q:b>x</q:b>\n      <k:c/>\n'
                          '    </k:a>\n  </metadata>\n', dom.XMLDesc(flags))
        self.restart()
        dom = self.conn.lookupByName('guest')
        self.assertIn('<q:b>', dom.metadata(element, 'http://x', live))
        dom.setMetadata(element, None, None, 'http://x', live)
        self.refused(libvirt.VIR_ERR_NO_DOMAIN_METADATA, dom.metadata, element, 'http://x', live)
        self.assertNotIn('metadata', dom.XMLDesc())
        self.assertIn('metadata', dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        dom.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, 'short', None, None, live)
        self.assertEqual(dom.metadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None, live), 'short')
        self.refused(libvirt.VIR_ERR_NO_DOMAIN_METADATA, dom.metadata, libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, None, config)

    def testAutodestroy(self):
        other = libvirt.open(self.daemon.uri)
        other.createXML(XML.format(name='guest', emulator=QEMU),
                        libvirt.VIR_DOMAIN_START_PAUSED | libvirt.VIR_DOMAIN_START_AUTODESTROY)
        other.close()
        self.events.wait(('guest', libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED))
        self.refused(libvirt.VIR_ERR_NO_DOMAIN, self.conn.lookupByName, 'guest')
        self.assertLeftNothing('guest')

    def testAutostartOncePerBoot(self):
        dom = self.define()
        dom.setAutostart(1)
        self.restart()
        dom = self.conn.lookupByName('guest')
        self.assertTrue(dom.autostart())
        self.assertFalse(dom.isActive())
        self.daemon.stop()
        os.unlink(os.path.join(self.daemon.folder, 'run', 'qemu', 'autostarted'))
        self.daemon.start()
        self.connect()
        if not self.conn.lookupByName('guest').isActive():
            self.events.wait(('guest', libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_BOOTED))


class DaemonDies(Case):
    def testFindsGuests(self):
        doms = [self.start(name, flags) for name, flags in (('one', libvirt.VIR_DOMAIN_START_PAUSED), ('two', 0))]
        before = [(dom.ID(), dom.state(), dom.XMLDesc(), self.pid(dom.name())) for dom in doms]
        self.restart()
        for (ident, state, xml, pid), name in zip(before, ('one', 'two')):
            dom = self.conn.lookupByName(name)
            self.assertEqual((dom.ID(), dom.state(), dom.XMLDesc(), self.pid(name)), (ident, state, xml, pid))
            self.assertIn('actual', dom.memoryStats())
            dom.destroy()
            self.assertEqual(dom.state(), [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED])
        self.assertGreater(self.start('three').ID(), max(ident for ident, *_ in before))

    def testGuestEndedMeanwhile(self):
        self.start('lasting')
        self.conn.createXML(XML.format(name='passing', emulator=QEMU), libvirt.VIR_DOMAIN_START_PAUSED)
        pids = [self.pid(name) for name in ('lasting', 'passing')]
        self.daemon.kill()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            waitGone(pid)
        self.daemon.start()
        self.connect()
        self.assertOff(self.conn.lookupByName('lasting'), libvirt.VIR_DOMAIN_SHUTOFF_CRASHED)
        self.refused(libvirt.VIR_ERR_NO_DOMAIN, self.conn.lookupByName, 'passing')

    def testRecycledPid(self):
        dom = self.start()
        pid, text = self.pid(), self.status()
        self.daemon.kill()
        os.kill(pid, signal.SIGKILL)
        waitGone(pid)
        other = subprocess.Popen(['sleep', '1000'])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        path = os.path.join(self.daemon.folder, 'run', 'qemu', 'guest.xml')
        with open(path, 'w') as file:
            file.write(text.replace(f"pid='{pid}'", f"pid='{other.pid}'"))
        self.daemon.start()
        self.connect()
        dom = self.conn.lookupByName('guest')
        self.assertEqual(dom.state(), [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED])
        self.assertIsNone(other.poll())

    @staticmethod
    def stopBehind(path):
        """Stops the guest's CPUs while no daemon is there to see it."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(path)
            with monitor.makefile('rw') as talk:
                for command in ('qmp_capabilities', 'stop', 'query-status'):
                    talk.write(json.dumps({'execute': command, 'id': command}) + '\n')
                talk.flush()
                for line in talk:
                    if json.loads(line).get('id') == 'query-status':
                        break

    def testStateChangedMeanwhile(self):
        dom = self.start(flags=0)
        path = self.monitorPath(dom)
        self.daemon.kill()
        self.stopBehind(path)
        self.daemon.start()
        self.connect()
        self.assertEqual(self.conn.lookupByName('guest').state()[0], libvirt.VIR_DOMAIN_PAUSED)

    def testAutodestroyGoesWithDaemon(self):
        other = libvirt.open(self.daemon.uri)
        other.createXML(XML.format(name='guest', emulator=QEMU),
                        libvirt.VIR_DOMAIN_START_PAUSED | libvirt.VIR_DOMAIN_START_AUTODESTROY)
        pid = self.pid()
        self.restart()
        waitGone(pid)

    def testStuckGuestAtRestart(self):
        for name in ('stuck', 'lively'):
            self.start(name, 0)
        os.kill(self.pid('stuck'), signal.SIGSTOP)
        self.restart()
        lively, stuck = self.conn.lookupByName('lively'), self.conn.lookupByName('stuck')
        self.assertIn('actual', lively.memoryStats())
        lively.suspend()
        stuck.destroy()
        self.assertEqual(stuck.state(), [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED])
        self.assertTrue(lively.isActive())

    def testSilentGuestAnswersLate(self):
        """A guest that says nothing after a restart is taken for what it was, and asked as soon as it answers."""
        self.answersLate(1)

    def testSilentGuestTakesNoConnection(self):
        """The same after more daemons than the socket of a QEMU that stands still takes connections from."""
        self.answersLate(5)

    def answersLate(self, daemons):
        dom = self.start(flags=0)
        path, pid = self.monitorPath(dom), self.pid()
        self.daemon.kill()
        self.stopBehind(path)
        os.kill(pid, signal.SIGSTOP)
        for _ in range(daemons - 1):
            self.daemon.start()
            self.daemon.stop()
        self.daemon.start()
        self.connect()
        dom = self.conn.lookupByName('guest')
        self.assertEqual(dom.state()[0], libvirt.VIR_DOMAIN_RUNNING)
        os.kill(pid, signal.SIGCONT)
        deadline = time.monotonic() + PATIENCE
        while dom.state()[0] != libvirt.VIR_DOMAIN_PAUSED:
            self.assertLess(time.monotonic(), deadline, 'the guest answers, and nobody has asked it')
            time.sleep(0.05)
        self.assertIn('actual', dom.memoryStats())
        dom.resume()
        self.events.wait(('guest', libvirt.VIR_DOMAIN_EVENT_RESUMED, libvirt.VIR_DOMAIN_EVENT_RESUMED_UNPAUSED))

    def testKilledAtAnyMoment(self):
        """Each time the daemon is killed somewhere within a start or a destroy; what is there afterwards is known and usable."""
        self.define()
        moments = random.Random(SEED)
        for turn in range(KILLS):
            with self.subTest(turn=turn, seed=SEED):
                conn = libvirt.open(self.daemon.uri)
                name = 'guest'
                thread = threading.Thread(target=self._startAndDestroy, args=(conn, name), daemon=True)
                thread.start()
                thread.join(moments.uniform(0, 0.15))
                self.restart()
                thread.join(PATIENCE)
                dom = self.conn.lookupByName(name)
                self._waitSettled(dom)
                if dom.isActive():
                    self.assertEqual(qemus(self.folder), [self.pid()])
                    self.assertIn('actual', dom.memoryStats())
                    dom.destroy()
                self.assertLeftNothing(name)

    @staticmethod
    def _startAndDestroy(conn, name):
        try:
            dom = conn.lookupByName(name)
            dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
            dom.destroy()
        except libvirt.libvirtError:
            # The daemon was killed meanwhile: what the call came to is what the test looks at.
            pass

    def _waitSettled(self, dom):
        """A half-started guest is ended in the background: until then it is there."""
        running = qemus(self.folder)
        starting = "starting='yes'" in self.status() if os.path.exists(
            os.path.join(self.daemon.folder, 'run', 'qemu', 'guest.xml')) else False
        if running and (starting or not dom.isActive()):
            waitGone(running[0])
        with self.events.changed:
            self.events.changed.wait_for(lambda: dom.isActive() or not qemus(self.folder), PATIENCE)


class StoredDefinitions(Case):
    def testCutShort(self):
        self.define('whole')
        etc = os.path.join(self.daemon.folder, 'etc')
        self.daemon.stop()
        with open(os.path.join(etc, 'whole.xml')) as file:
            text = file.read()
        with open(os.path.join(etc, 'whole.xml.Xa1b2C'), 'w') as file:
            file.write(text[:100])
        with open(os.path.join(etc, 'broken.xml'), 'w') as file:
            file.write(text[:200])
        with open(os.path.join(etc, 'empty.xml'), 'w'):
            pass
        with open(os.path.join(etc, 'liar.xml'), 'w') as file:
            file.write(text)
        self.daemon.start()
        self.connect()
        self.assertEqual([dom.name() for dom in self.conn.listAllDomains()], ['whole'])
        for name in ('broken', 'empty', 'liar'):
            self.assertIn(f"'{name}'", self.daemon.lastWords())
            self.assertTrue(os.path.exists(os.path.join(etc, name + '.xml')))

    def testSurvivesKill(self):
        """The daemon is killed while it stores one definition after the other: each that was answered is there, whole."""
        answered = []
        enough = threading.Event()
        goal = random.Random(SEED).randint(1, 60)

        def store():
            conn = libvirt.open(self.daemon.uri)
            try:
                for number in range(10000):
                    conn.defineXML(XML.format(name=f'guest{number}', emulator=QEMU))
                    answered.append(f'guest{number}')
                    if len(answered) == goal:
                        enough.set()
            except libvirt.libvirtError:
                # Killed, as planned.
                return
        thread = threading.Thread(target=store)
        thread.start()
        self.assertTrue(enough.wait(PATIENCE), f'{len(answered)} of {goal} definitions were stored')
        self.restart()
        thread.join(PATIENCE)
        names = {dom.name() for dom in self.conn.listAllDomains()}
        self.assertLessEqual(set(answered), names)
        self.assertLessEqual(len(names), len(answered) + 1)


if __name__ == '__main__':
    suite.main()
