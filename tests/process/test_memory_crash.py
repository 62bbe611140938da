#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_memory_crash.py: the daemon killed between any two steps of a memory change: QEMU, live XML and definition agree.

Between daemon and QEMU stands a relay on the monitor's socket: it holds a command back, or its answer, while the daemon is
killed, and lets it through, or not, before the next daemon comes."""

import json
import os
import shutil
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
from relay import PATIENCE, Relay  # noqa: E402

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

# A guest whose devices go as soon as they are asked to, with nothing running in it: on pSeries firmware has to take a DIMM into
# use, and before that it is QEMU's alone.
PSERIES = """
<domain type='qemu'>
  <name>guest</name>
  <maxMemory slots='4' unit='GiB'>4</maxMemory>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os><type arch='ppc64' machine='pseries'>hvm</type></os>
  <cpu><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>
  <memoryBacking><source type='file'/></memoryBacking>
  <devices>
    <emulator>/usr/bin/qemu-system-ppc64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='virtio'/>
  </devices>
</domain>"""

PSERIES_DIMM = DIMM.replace('>16<', '>256<')

libvirt.registerErrorHandler(lambda *_: None, None)


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
        for alias, entry in devices.items():
            if 'requested-size' in entry:
                requested = {int(memory[alias].findtext('target/requested')) * 1024 for memory in (live, stored)}
                self.assertEqual(requested, {entry['requested-size']}, where)
        periods = {int(stats.get('period')) for stats in (
            ElementTree.fromstring(dom.XMLDesc(flags)).find('devices/memballoon/stats')
            for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE)) if stats is not None}
        period = self.ask(dom, 'qom-get', path='/machine/peripheral/balloon0', property='guest-stats-polling-interval')
        self.assertEqual(periods, {period} - {0}, where)
        self.checkFiles(live, where)

    def checkFiles(self, live, where):
        """No entry of the journal is left, and no file behind memory that is not there."""
        self.assertEqual([name for name in os.listdir(os.path.join(self.daemon.folder, 'run', 'qemu'))
                          if name.endswith('.memory.json')], [], where)
        for folder, _, names in os.walk(os.path.join(self.daemon.folder, 'lib')):
            self.assertLessEqual({name for name in names if name.startswith('ua-')}, set(live), where)


class MemoryCrash(Scene):
    def throughRelay(self, xml):
        """A running guest whose monitor goes through a relay."""
        dom = libvirt.open(self.daemon.uri).defineXML(xml)
        dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        path = os.path.join(self.daemon.folder, 'lib', 'qemu', f'domain-{dom.ID()}-guest', 'monitor.sock')
        self.daemon.kill()
        relay = Relay(path)
        self.daemon.start()
        return relay

    def killAt(self, step, answer, work, prepare, xml):
        """False: there is no such step."""
        relay = self.throughRelay(xml)
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

    def everyStep(self, work, prepare=None, steps=1, xml=XML):
        """steps: how many there are at least."""
        for answer in (False, True):
            step = 1
            while self.killAt(step, answer, work, prepare, xml):
                step += 1
            self.assertGreater(step, steps)

    def testAttach(self):
        self.everyStep(lambda dom: dom.attachDeviceFlags(DIMM, LIVE_CONFIG), steps=4)

    def testUpdate(self):
        xml = ElementTree.tostring(ElementTree.fromstring(XML).find('devices/memory'), encoding='unicode')
        self.everyStep(lambda dom: dom.updateDeviceFlags(xml.replace('>4<', '>8<'), LIVE_CONFIG))

    def testPeriod(self):
        self.everyStep(lambda dom: dom.setMemoryStatsPeriod(3, LIVE_CONFIG))

    def testDetachRefused(self):
        """A paused guest answers nothing: the device stays, wherever the daemon is killed."""
        os.environ['VIRTMEMD_UNPLUG_TIMEOUT'] = '300'
        self.addCleanup(os.environ.pop, 'VIRTMEMD_UNPLUG_TIMEOUT')
        self.everyStep(lambda dom: dom.detachDeviceFlags(DIMM, LIVE_CONFIG),
                       lambda dom: dom.attachDeviceFlags(DIMM, LIVE_CONFIG))


    def testDetach(self):
        self.everyStep(lambda dom: dom.detachDeviceFlags(PSERIES_DIMM, LIVE_CONFIG),
                       lambda dom: dom.attachDeviceFlags(PSERIES_DIMM, LIVE_CONFIG), steps=3, xml=PSERIES)

    def testDetachByAlias(self):
        self.everyStep(lambda dom: dom.detachDeviceAlias('ua-new', LIVE_CONFIG),
                       lambda dom: dom.attachDeviceFlags(PSERIES_DIMM, LIVE_CONFIG), steps=3, xml=PSERIES)


class FileSteps(Scene):
    """The daemon killed before each file that it replaces or removes: journal, definition, status."""

    def setUp(self):
        super().setUp()
        self.daemon.kill()
        self.count = os.path.join(self.folder, 'count')
        variables = {'LD_PRELOAD': os.path.join(suite.buildFolder(), 'tests', 'process', 'killatfile.so'),
                     'KILL_AT_FILE': self.count}
        os.environ.update(variables)
        self.addCleanup(lambda: [os.environ.pop(name) for name in variables])
        self.daemon.start()

    def killAt(self, step, work):
        """False: there is no such step."""
        dom = self.open()
        with open(self.count, 'w') as file:
            file.write(str(step))
        try:
            work(dom)
            found = False
        except libvirt.libvirtError:
            self.daemon.process.wait(PATIENCE)
            found = True
        os.unlink(self.count)
        self.daemon.kill()
        self.daemon.start()
        self.check(self.open(), f'file step {step}')
        return found

    def everyStep(self, work, prepare=None, xml=XML):
        step, found = 1, True
        while found:
            dom = libvirt.open(self.daemon.uri).defineXML(xml)
            dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
            if prepare:
                prepare(dom)
            found = self.killAt(step, work)
            step += found
            dom = self.open()
            dom.destroy()
            dom.undefine()
        # journal, definition, status, and the journal again
        self.assertGreater(step, 4)

    def testAttach(self):
        self.everyStep(lambda dom: dom.attachDeviceFlags(DIMM, LIVE_CONFIG))

    def testDetach(self):
        self.everyStep(lambda dom: dom.detachDeviceFlags(PSERIES_DIMM, LIVE_CONFIG),
                       lambda dom: dom.attachDeviceFlags(PSERIES_DIMM, LIVE_CONFIG), PSERIES)

    def testUpdate(self):
        xml = ElementTree.tostring(ElementTree.fromstring(XML).find('devices/memory'), encoding='unicode')
        self.everyStep(lambda dom: dom.updateDeviceFlags(xml.replace('>4<', '>8<'), LIVE_CONFIG))

    def testPeriod(self):
        self.everyStep(lambda dom: dom.setMemoryStatsPeriod(3, LIVE_CONFIG))


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
