#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_memory_crash.py: the daemon killed between any two steps of a memory change: QEMU, live XML and definition agree.

Between daemon and QEMU stands a relay on the monitor's socket: it holds a command back, or its answer, while the daemon is
killed, and lets it through, or not, before the next daemon comes."""

import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import unittest
import xml.etree.ElementTree as ElementTree

import libvirt
import libvirt_qemu

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))

import suite  # noqa: E402
from daemon import Virtmemd, endGuests  # noqa: E402

PATIENCE = 30
LIVE_CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG

XML = """
<domain type='qemu'>
  <name>guest</name>
  <maxMemory slots='4' unit='GiB'>4</maxMemory>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memory model='virtio-mem'>
      <target><size unit='MiB'>64</size><node>0</node><block unit='MiB'>2</block><requested unit='MiB'>4</requested></target>
      <alias name='ua-elastic'/>
    </memory>
    <memballoon model='virtio'/>
  </devices>
</domain>"""

DIMM = """<memory model='dimm'><target><size unit='MiB'>16</size><node>0</node></target><alias name='ua-new'/></memory>"""

libvirt.registerErrorHandler(lambda *_: None, None)


class Relay:
    """Takes the place of the monitor's socket. hold(n, answer): stop at command n from now on, before it goes on to QEMU or
    before its answer goes back."""

    def __init__(self, path):
        self.path, self.real = path, path + '.real'
        os.rename(path, self.real)
        self.listener = socket.socket(socket.AF_UNIX)
        # a path longer than a socket address may be
        os.chdir(os.path.dirname(path))
        self.listener.bind(os.path.basename(path))
        self.listener.listen()
        self.commands, self.answers, self.counting = 0, 0, False
        self.step, self.answer = 0, False
        self.reached, self.released = threading.Event(), threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, step, answer):
        self.commands, self.answers, self.step, self.answer, self.counting = 0, 0, step, answer, True

    def release(self):
        self.counting = False
        self.released.set()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            qemu = socket.socket(socket.AF_UNIX)
            qemu.connect(os.path.basename(self.real))
            threading.Thread(target=self._down, args=(client, qemu), daemon=True).start()
            threading.Thread(target=self._up, args=(client, qemu), daemon=True).start()

    def _down(self, client, qemu):
        """Commands, one at a time."""
        try:
            for line in client.makefile('rb'):
                if self.counting:
                    self.commands += 1
                    if self.commands == self.step and not self.answer:
                        self.reached.set()
                        self.released.wait(PATIENCE)
                qemu.sendall(line)
        except OSError:
            pass
        # QEMU takes the next connection when this one has ended
        qemu.shutdown(socket.SHUT_RDWR)

    def _up(self, client, qemu):
        try:
            for line in qemu.makefile('rb'):
                if self.counting and (b'"return"' in line or b'"error"' in line):
                    self.answers += 1
                    if self.answers == self.step and self.answer:
                        self.reached.set()
                        self.released.wait(PATIENCE)
                client.sendall(line)
        except OSError:
            pass
        client.close()


class Scene(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='vmem')
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(endGuests, self.folder)
        self.addCleanup(os.chdir, HERE)
        self.daemon = Virtmemd(os.path.join(self.folder, 'root'))
        self.daemon.start()
        self.addCleanup(self.daemon.kill)

    def open(self):
        return libvirt.open(self.daemon.uri).lookupByName('guest')

    def ask(self, dom, command, **arguments):
        text = json.dumps({'execute': command, 'arguments': arguments})
        return json.loads(libvirt_qemu.qemuMonitorCommand(dom, text, 0))['return']

    def check(self, dom, where):
        """QEMU, live XML and definition tell the same; the size and requested size of each device by alias."""
        live = {memory.find('alias').get('name'): memory
                for memory in ElementTree.fromstring(dom.XMLDesc()).findall('devices/memory')}
        stored = {memory.find('alias').get('name'): memory for memory in ElementTree.fromstring(
            dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)).findall('devices/memory')}
        devices = {entry['data']['id']: entry['data'] for entry in self.ask(dom, 'query-memory-devices')}
        objects = {entry['name'][3:] for entry in self.ask(dom, 'qom-list', path='/objects') if entry['name'].startswith('mem')}
        self.assertEqual(set(live), set(devices), where)
        self.assertEqual(set(live), set(stored), where)
        self.assertEqual(set(live), objects, where)
        requested = {int(memory['ua-elastic'].findtext('target/requested')) * 1024 for memory in (live, stored)}
        self.assertEqual(requested, {devices['ua-elastic']['requested-size']}, where)
        self.assertEqual([name for name in os.listdir(os.path.join(self.daemon.folder, 'run', 'qemu'))
                          if name.endswith('.memory.json')], [], where)


class MemoryCrash(Scene):
    def throughRelay(self):
        """A running guest whose monitor goes through a relay."""
        dom = libvirt.open(self.daemon.uri).defineXML(XML)
        dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        path = os.path.join(self.daemon.folder, 'lib', 'qemu', f'domain-{dom.ID()}-guest', 'monitor.sock')
        self.daemon.kill()
        relay = Relay(path)
        self.daemon.start()
        return relay

    def killAt(self, step, answer, work, prepare):
        """False: there is no such step."""
        relay = self.throughRelay()
        dom = self.open()
        if prepare:
            prepare(dom)
        relay.hold(step, answer)
        ended = threading.Event()

        def call():
            try:
                work(dom)
            except libvirt.libvirtError:
                pass
            ended.set()
            relay.reached.set()

        threading.Thread(target=call, daemon=True).start()
        self.assertTrue(relay.reached.wait(PATIENCE))
        found = not ended.is_set()
        self.daemon.kill()
        relay.release()
        self.assertTrue(ended.wait(PATIENCE))
        self.daemon.start()
        dom = self.open()
        self.check(dom, f'step {step}, {"answer" if answer else "command"} held')
        dom.destroy()
        dom.undefine()
        return found

    def everyStep(self, work, prepare=None, steps=1):
        """steps: how many there are at least."""
        for answer in (False, True):
            step = 1
            while self.killAt(step, answer, work, prepare):
                step += 1
            self.assertGreater(step, steps)

    def testAttach(self):
        self.everyStep(lambda dom: dom.attachDeviceFlags(DIMM, LIVE_CONFIG), steps=4)

    def testUpdate(self):
        xml = ElementTree.tostring(ElementTree.fromstring(XML).find('devices/memory'), encoding='unicode')
        self.everyStep(lambda dom: dom.updateDeviceFlags(xml.replace('>4<', '>8<'), LIVE_CONFIG))

    def testDetachRefused(self):
        """A paused guest answers nothing: the device stays, wherever the daemon is killed."""
        os.environ['VIRTMEMD_UNPLUG_TIMEOUT'] = '300'
        self.addCleanup(os.environ.pop, 'VIRTMEMD_UNPLUG_TIMEOUT')
        self.everyStep(lambda dom: dom.detachDeviceFlags(DIMM, LIVE_CONFIG),
                       lambda dom: dom.attachDeviceFlags(DIMM, LIVE_CONFIG))


class Waiting(Scene):
    def testReadsGoOn(self):
        """While a detach waits for its guest, whatever only reads is answered."""
        self.daemon.kill()
        os.environ['VIRTMEMD_UNPLUG_TIMEOUT'] = '3000'
        self.addCleanup(os.environ.pop, 'VIRTMEMD_UNPLUG_TIMEOUT')
        self.daemon.start()
        conn = libvirt.open(self.daemon.uri)
        dom = conn.defineXML(XML)
        dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        dom.attachDeviceFlags(DIMM, LIVE_CONFIG)
        codes = []

        def detach():
            try:
                self.open().detachDeviceFlags(DIMM, LIVE_CONFIG)
            except libvirt.libvirtError as error:
                codes.append(error.get_error_code())

        thread = threading.Thread(target=detach)
        thread.start()
        reads = 0
        for read in (dom.XMLDesc, dom.info, dom.state, dom.memoryStats, dom.messages, conn.getAllDomainStats, conn.listAllDomains):
            read()
            reads += thread.is_alive()
        thread.join()
        self.assertEqual((codes, reads), ([libvirt.VIR_ERR_OPERATION_TIMEOUT], 7))
        self.check(dom, 'after the detach')
        dom.destroy()
        dom.undefine()

    def testUpdateBothByAutomaticAlias(self):
        """What virsh update-memory-device sends: the element as the running guest has it."""
        dom = libvirt.open(self.daemon.uri).defineXML(XML.replace("<alias name='ua-elastic'/>", ''))
        dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
            element = ElementTree.fromstring(dom.XMLDesc(flags)).find('devices/memory')
            element.find('target/requested').text = str(8192 + 2048 * flags)
            dom.updateDeviceFlags(ElementTree.tostring(element, encoding='unicode'), LIVE_CONFIG)
            for shown in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
                changed = ElementTree.fromstring(dom.XMLDesc(shown)).find('devices/memory')
                self.assertEqual(changed.findtext('target/requested'), element.findtext('target/requested'))
        dom.destroy()
        dom.undefine()


if __name__ == '__main__':
    suite.main()
