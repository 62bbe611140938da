#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""clients.py: what other clients than virsh ask, of virtmemd and of stock libvirtd (needs root)

    clients.py [VIRTMEMD]

The calls that OpenStack's compute agent makes for memory: when it starts, spawns a guest, plugs into it, resizes it, and
once a minute; those of statistics exporters; and virt-install and virt-xml as programs. Answers are compared by value where
there is one, by shape where figures move, errors by their code.
"""

import os
import subprocess
import sys
import tempfile
import threading
import unittest
import xml.etree.ElementTree as ET

import libvirt

import host
import normalise
import operations_script as script
import peers

GUEST = (script.DOMAIN % {'ceiling': script.CEILING, 'cpu': script.CELLS,
                          'devices': script.PORTS + script.BALLOON + script.elastic(64, 0, alias='ua-first')})
LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
BOTH = LIVE | CONFIG
EVENT_SECONDS = 20
PROGRAM_SECONDS = 120


def outcome(call, *arguments):
    try:
        return call(*arguments)
    except libvirt.libvirtError as error:
        return ('error', error.get_error_code())


def memory(xml):
    return normalise.memoryElements(xml)


def stats(rows):
    """Names of the fields of bulk statistics: the figures move. What stock has of its own kind of host is left out."""
    skipped = ('cpu.cache', 'cpu.haltpoll', 'cpu.time', 'cpu.user', 'cpu.system', 'dirtyrate', 'perf')
    return [(dom.name(), sorted(key for key in row if not key.startswith(skipped) and not key.endswith('.wait')))
            for dom, row in rows if dom.name() == script.NAME]


class Agent:
    """One daemon's client; each method is one thing that a compute agent does, and returns what is to be the same."""

    def __init__(self, uri):
        self.conn = libvirt.open(uri)
        self.events, self.changed = [], threading.Condition()
        for ident, text in ((libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, 'added'), (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, 'removed'),
                            (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, 'refused')):
            self.conn.domainEventRegisterAny(None, ident, self._heard, text)

    def _heard(self, _conn, _dom, alias, text):
        with self.changed:
            # the one name in which libvirt 9.0 differs: its backend's at the one end and the device's at the other
            self.events.append((text, alias.removeprefix('mem')))
            self.changed.notify_all()

    def close(self):
        for dom in self.conn.listAllDomains():
            if dom.name() in (script.NAME, 'installed'):
                if dom.isActive():
                    dom.destroy()
                if dom.isPersistent():
                    dom.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
        self.conn.close()

    @property
    def dom(self):
        return self.conn.lookupByUUIDString('8f2f4f5e-0d5c-4b0e-9d55-6f1d9ce5c8a1')

    def start(self):
        caps = ET.fromstring(self.conn.getCapabilities())
        cells = [(cell.get('id'), sorted(page.get('size') for page in cell.findall('pages')), len(cell.findall('cpus/cpu')))
                 for cell in caps.findall('host/topology/cells/cell')]
        cpu = ET.tostring(caps.find('host/cpu'), encoding='unicode')
        domcaps = ET.fromstring(self.conn.getDomainCapabilities(None, 'x86_64', 'q35', 'qemu'))
        hypervisorCpu = "<cpu mode='custom' match='exact'><model>qemu64</model></cpu>"
        return {
            'type': self.conn.getType(), 'alive': self.conn.isAlive(), 'hostname': self.conn.getHostname(), 'cells': cells,
            'version': self.conn.getVersion() >= 6002000, 'library': self.conn.getLibVersion() >= 8000000,
            'memory backing': [value.text for value in domcaps.findall("memoryBacking/enum[@name='sourceType']/value")],
            'cpu map': self.conn.getCPUMap(), 'models': 'qemu64' in self.conn.getCPUModelNames('x86_64', 0),
            'compare': outcome(self.conn.compareCPU, cpu, 0),
            'compare by QEMU': outcome(self.conn.compareHypervisorCPU, None, 'x86_64', None, 'qemu', hypervisorCpu, 0),
            'baseline': isinstance(outcome(self.conn.baselineCPU, [cpu], libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES), str),
            'secret': outcome(self.conn.secretLookupByUsage, 1, 'x'),
            'devices': isinstance(outcome(self.conn.listAllDevices, 0), (list, tuple)),
        }

    def spawn(self):
        first = outcome(lambda: self.dom)
        dom = self.conn.defineXML(GUEST)
        answers = {'before': first, 'state': dom.info()[:4], 'persistent': dom.isPersistent()}
        answers['launched'] = dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        answers['again'] = outcome(dom.createWithFlags, 0)
        answers['resumed'] = dom.resume()
        answers['info'] = self.dom.info()[:4]
        answers['memory'] = memory(self.dom.XMLDesc()), memory(self.dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        answers['metadata'] = self.dom.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, '<instance/>', 'nova', 'http://n', BOTH)
        answers['maximum'] = dom.maxMemory(), dom.maxVcpus()
        answers['numa'] = dom.numaParameters(0)
        answers['job'] = outcome(dom.jobStats), outcome(dom.jobInfo)
        return answers

    def plug(self):
        dimm = script.memory('dimm', 64, 1, alias='ua-plugged')
        return {
            'plug': outcome(self.dom.attachDeviceFlags, dimm, BOTH),
            'twice': outcome(self.dom.attachDeviceFlags, dimm, BOTH),
            'after': (memory(self.dom.XMLDesc()), memory(self.dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))),
            'asked to give up': outcome(self.dom.detachDeviceAlias, 'ua-plugged', LIVE),
            'unknown': outcome(self.dom.detachDeviceAlias, 'ua-nobody', LIVE),
            'stored': outcome(self.dom.detachDeviceAlias, 'ua-plugged', CONFIG),
            'virtio-mem': outcome(self.dom.detachDeviceAlias, 'ua-first', LIVE),
            'events': self.waited([('added', 'ua-plugged')]),
        }

    def waited(self, events):
        with self.changed:
            self.changed.wait_for(lambda: len(self.events) >= len(events), EVENT_SECONDS)
            return list(self.events)

    def resize(self):
        dom = self.dom
        return {
            'target': outcome(dom.setMemoryFlags, 65536, LIVE), 'plainly': outcome(dom.setMemory, 98304),
            'too much': outcome(dom.setMemoryFlags, 1 << 40, LIVE), 'stored': outcome(dom.setMemoryFlags, 65536, CONFIG),
            'both': outcome(dom.setMemoryFlags, 65536, BOTH), 'nothing': outcome(dom.setMemoryFlags, 0, LIVE),
            'maximum live': outcome(dom.setMaxMemory, 1 << 20),
            'maximum': outcome(dom.setMemoryFlags, 1 << 20, CONFIG | libvirt.VIR_DOMAIN_MEM_MAXIMUM),
            'unknown flag': outcome(dom.setMemoryFlags, 65536, 1 << 20),
            'period': outcome(dom.setMemoryStatsPeriod, 10, LIVE), 'no period': outcome(dom.setMemoryStatsPeriod, -1, LIVE),
            'stored period': outcome(dom.setMemoryStatsPeriod, 10, CONFIG),
            'limits': dom.memoryParameters(CONFIG), 'both limits': outcome(dom.memoryParameters, BOTH),
            'limit': outcome(dom.setMemoryParameters, {'hard_limit': 1 << 22}, CONFIG),
            'nodes': outcome(dom.setNumaParameters, {'numa_nodeset': '0'}, CONFIG),
            'vcpus': outcome(dom.setVcpusFlags, 1, CONFIG), 'stats': sorted(dom.memoryStats()),
            'after': memory(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)),
        }

    def everyMinute(self):
        conn, groups = self.conn, (0, libvirt.VIR_DOMAIN_STATS_BALLOON, libvirt.VIR_DOMAIN_STATS_BALLOON | libvirt.VIR_DOMAIN_STATS_STATE,
                                   libvirt.VIR_DOMAIN_STATS_VCPU, libvirt.VIR_DOMAIN_STATS_BLOCK, libvirt.VIR_DOMAIN_STATS_INTERFACE)
        flags = (0, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE,
                 libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING,
                 libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT)
        return {
            'info': host.shape(conn.getInfo()), 'memory': host.shape(conn.getMemoryStats(-1)), 'cpu': host.shape(conn.getCPUStats(-1)),
            'free pages': host.shape(conn.getFreePages([4], 0, 1)), 'cells': host.shape(conn.getCellsFreeMemory(0, 1)),
            'guests': sorted((dom.name(), dom.isActive(), dom.state()[0]) for dom in conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)),
            'ids': len(conn.listDomainsID()), 'count': conn.numOfDomains(), 'defined': conn.listDefinedDomains(),
            'all': [stats(conn.getAllDomainStats(group, flag)) for group in groups for flag in flags],
            'some': stats(conn.domainListGetStats([self.dom], libvirt.VIR_DOMAIN_STATS_BALLOON, 0)),
            'unknown group': outcome(conn.getAllDomainStats, 1 << 30, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS),
            'unknown flag': outcome(conn.getAllDomainStats, 0, 1 << 20),
            'memory stats': sorted(self.dom.memoryStats()), 'vcpus': [vcpu[:2] for vcpu in self.dom.vcpus()[0]],
            'disk': outcome(self.dom.blockStats, 'vda'), 'disks': outcome(self.dom.blockStatsFlags, 'vda'),
            'interface': outcome(self.dom.interfaceStats, 'tap0'),
            'time': self.dom.controlInfo()[:2],
        }

    def stop(self):
        dom = self.dom
        return {'stopped': dom.destroy(), 'again': outcome(dom.destroy), 'info': dom.info()[:4], 'stats': outcome(dom.memoryStats),
                'memory': memory(dom.XMLDesc()), 'gone': dom.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE),
                'lookup': outcome(lambda: self.dom)}


class Clients(unittest.TestCase):
    virtmemd = 'virtmemd'
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        libvirt.registerErrorHandler(lambda *_: None, None)
        libvirt.virEventRegisterDefaultImpl()
        libvirt.virEventAddTimeout(1000, lambda *_: None, None)
        threading.Thread(target=cls.loop, daemon=True).start()
        cls.scratch = cls.enterClassContext(tempfile.TemporaryDirectory())
        os.environ['VIRTMEMD_UNPLUG_TIMEOUT'] = '1000'
        cls.stock = cls.enterClassContext(peers.StockPeer(cls.scratch + '/stock'))
        cls.ours = cls.enterClassContext(peers.VirtmemdPeer(cls.scratch + '/ours', cls.virtmemd))
        cls.uris = [peer.uri for peer in (cls.ours, cls.stock)]

    @staticmethod
    def loop():
        while True:
            libvirt.virEventRunDefaultImpl()

    def agents(self):
        agents = [Agent(uri) for uri in self.uris]
        for agent in agents:
            self.addCleanup(agent.close)
        return agents

    def testComputeAgent(self):
        agents = self.agents()
        for step in (Agent.start, Agent.spawn, Agent.plug, Agent.resize, Agent.everyMinute, Agent.stop):
            ours, stock = (step(agent) for agent in agents)
            for what, answer in stock.items():
                with self.subTest('%s: %s' % (step.__name__, what)):
                    self.assertEqual(ours[what], answer)

    def program(self, uri, *words):
        done = subprocess.run([*words[:1], '--connect', uri, *words[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PROGRAM_SECONDS)
        self.assertEqual(done.returncode, 0, '%s\n%s%s' % (' '.join(words), done.stdout, done.stderr))
        return done.stdout

    def testVirtInstall(self):
        self.agents()
        words = ('virt-install', '--name', 'installed', '--virt-type', 'qemu', '--arch', 'x86_64', '--machine', 'pc-q35-7.2', '--osinfo',
                 'none', '--import', '--disk', 'none', '--network', 'none', '--graphics', 'none', '--sound', 'none', '--vcpus', '2',
                 '--memory', '128,currentMemory=96,maxMemory=1024,maxMemory.slots=4',
                 '--cpu', 'qemu64,cell0.cpus=0,cell0.memory=65536,cell1.cpus=1,cell1.memory=65536',
                 '--memorybacking', 'source.type=memfd,access.mode=shared', '--memballoon', 'virtio,stats.period=5',
                 '--memdev', 'dimm,target.size=64,target.node=0', '--memdev', 'model=virtio-mem,target.size=64,target.node=1,target.block=2048,target.requested=0',
                 '--noautoconsole')
        printed = [memory(self.program(uri, *words, '--print-xml', '1')) for uri in self.uris]
        self.assertEqual(*printed)
        for uri in self.uris:
            self.program(uri, *words)
        steps = ((), ('--edit', '--memory', '192', '--define'), ('--edit', '--memballoon', 'stats.period=7', '--define'),
                 ('--add-device', '--memdev', 'dimm,target.size=32,target.node=1', '--define'),
                 ('--add-device', '--memdev', 'dimm,target.size=32,target.node=1', '--update'),
                 ('--edit', '--memtune', 'hard_limit=4194304', '--define'), ('--edit', '--numatune', '0', '--define'),
                 ('--remove-device', '--memdev', '2', '--define'))
        for step in steps:
            shown = []
            for uri in self.uris:
                if step:
                    self.program(uri, 'virt-xml', 'installed', *step)
                conn = libvirt.open(uri)
                dom = conn.lookupByName('installed')
                shown.append((memory(dom.XMLDesc()), memory(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)), dom.state()))
                conn.close()
            with self.subTest(' '.join(step)):
                self.assertEqual(*shown)


if __name__ == '__main__':
    if len(sys.argv) > 1 and not sys.argv[1].startswith('-'):
        Clients.virtmemd = sys.argv.pop(1)
    unittest.main()
