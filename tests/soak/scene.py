# SPDX-License-Identifier: LGPL-2.1-or-later
"""scene.py: the guests of the soak tests, what their XML says, what their QEMU says, and where the two disagree.

The guests are paused QEMUs without an operating system: DIMMs can be plugged, virtio-mem can be asked for, and nothing
in the guest ever answers, so all that changes is what the tests asked for.
"""

import json
import os
import sys
import threading
import xml.etree.ElementTree as ElementTree

import libvirt
import libvirt_qemu

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'lib'))

MIB = 1024
PATIENCE = 60

DOMAIN = """
<domain type='qemu'>
  <name>{name}</name>
  <maxMemory slots='{slots}' unit='MiB'>4096</maxMemory>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <cpu mode='custom' match='exact'><model>qemu64</model>
    <numa>
      <cell id='0' cpus='0' memory='32' unit='MiB'/>
      <cell id='1' memory='32' unit='MiB'/>
    </numa></cpu>
  <devices>
    <controller type='usb' model='none'/>
    <memory model='virtio-mem'>
      <target><size unit='MiB'>64</size><node>0</node><block unit='MiB'>2</block><requested unit='MiB'>0</requested></target>
      <alias name='ua-elastic'/>
    </memory>
    <memballoon model='virtio'/>
  </devices>
</domain>"""

# On pSeries QEMU gives up a DIMM that was plugged into the running guest as soon as it is asked to, as long as no firmware has
# taken it into use; one that was there at the start it does not, for want of a guest.
PSERIES = """
<domain type='qemu'>
  <name>{name}</name>
  <maxMemory slots='{slots}' unit='MiB'>8192</maxMemory>
  <memory unit='MiB'>512</memory>
  <vcpu>1</vcpu>
  <os><type arch='ppc64' machine='pseries'>hvm</type></os>
  <cpu>
    <numa>
      <cell id='0' cpus='0' memory='256' unit='MiB'/>
      <cell id='1' memory='256' unit='MiB'/>
    </numa></cpu>
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='virtio'/>
  </devices>
</domain>"""

DIMM = """
<memory model='dimm'>
  <target><size unit='MiB'>{mib}</size><node>{node}</node></target>
  <alias name='{alias}'/>
</memory>"""

VIRTIO_MEM = """
<memory model='virtio-mem'>
  <target><size unit='MiB'>{mib}</size><node>{node}</node><block unit='MiB'>2</block>
    <requested unit='MiB'>{requested}</requested></target>
  <alias name='{alias}'/>
</memory>"""

LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
BOTH = LIVE | CONFIG

# The connection or the daemon is gone.
LOST = (libvirt.VIR_ERR_RPC, libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_INTERNAL_ERROR)


def setUp():
    """Once a process: no error is printed by the library, and an event loop runs."""
    libvirt.registerErrorHandler(lambda *_: None, None)
    libvirt.virEventRegisterDefaultImpl()
    # A timer that never fires: the loop looks at least once a second, so that it sees what was added meanwhile.
    libvirt.virEventAddTimeout(1000, lambda *_: None, None)

    def run():
        while True:
            libvirt.virEventRunDefaultImpl()

    threading.Thread(target=run, daemon=True).start()


def codeName(error):
    for name in dir(libvirt):
        if name.startswith('VIR_ERR_') and getattr(libvirt, name) == error.get_error_code() and name != 'VIR_ERR_ERROR':
            return name[len('VIR_ERR_'):]
    return str(error.get_error_code())


def isLost(conn, error):
    return error.get_error_code() in LOST and not conn.isAlive()


# ---- what the XML says ----

def kib(element):
    """A size as the daemon writes it: always in KiB."""
    return int(element.text)


def device(element):
    """A memory device as a tuple that can be compared: model, size, requested, node; all that the XML fixes."""
    target = element.find('target')
    requested = target.find('requested')
    return (element.get('model'), kib(target.find('size')), kib(requested) if requested is not None else None,
            int(target.find('node').text))


class Xml:
    """The memory part of a domain's XML."""

    def __init__(self, text):
        self.root = ElementTree.fromstring(text)
        self.memoryKib = kib(self.root.find('memory'))
        self.currentKib = kib(self.root.find('currentMemory'))
        self.elements = {element.find('alias').get('name'): element
                         for element in self.root.findall('devices/memory') if element.find('alias') is not None}
        self.devices = {alias: device(element) for alias, element in self.elements.items()}
        stats = self.root.find('devices/memballoon/stats')
        self.period = int(stats.get('period')) if stats is not None else 0

    def metadata(self):
        found = self.root.find('metadata')
        return {child.tag: child.text for child in found} if found is not None else {}

    def slots(self):
        return [int(element.find('address').get('slot')) for element in self.elements.values()
                if element.get('model') == 'dimm']

    def pciAddresses(self):
        return [tuple(sorted(element.attrib.items())) for element in self.root.iter('address') if element.get('type') == 'pci']

    def problems(self, what):
        """What no XML may have, whatever was done before."""
        found = []
        cells = sum(int(cell.get('memory')) for cell in self.root.findall('cpu/numa/cell'))
        sizes = sum(size for _, size, _, _ in self.devices.values())
        if self.memoryKib != cells + sizes:
            found.append(f'{what}: <memory> is {self.memoryKib} KiB, cells and devices are {cells + sizes}')
        if self.currentKib > self.memoryKib:
            found.append(f'{what}: <currentMemory> {self.currentKib} is more than <memory> {self.memoryKib}')
        if len(set(self.slots())) != len(self.slots()):
            found.append(f'{what}: a slot is given twice: {self.slots()}')
        if len(set(self.pciAddresses())) != len(self.pciAddresses()):
            found.append(f'{what}: a PCI address is given twice: {self.pciAddresses()}')
        if len(self.elements) != len(self.root.findall('devices/memory')):
            found.append(f'{what}: an alias is given twice or is missing')
        return found


# ---- what QEMU says ----

def qmp(dom, command, **arguments):
    request = {'execute': command}
    if arguments:
        request['arguments'] = arguments
    reply = json.loads(libvirt_qemu.qemuMonitorCommand(dom, json.dumps(request), 0))
    if 'return' not in reply:
        raise AssertionError(f"'{command}': {reply}")
    return reply['return']


def _children(dom, path):
    return {item['name'] for item in qmp(dom, 'qom-list', path=path) if item['type'].startswith('child<')}


def _compareDevice(element, entry):
    """Differences between a device's XML and QEMU's answer about it."""
    kind, data, target = entry['type'], entry['data'], element.find('target')
    sizes = [('size', 'max-size' if kind == 'virtio-mem' else 'size', kib(target.find('size')) * 1024),
             ('node', 'node', int(target.find('node').text)),
             ('backend', 'memdev', '/objects/mem' + element.find('alias').get('name'))]
    if kind == 'virtio-mem':
        sizes += [('requested', 'requested-size', kib(target.find('requested')) * 1024),
                  ('block', 'block-size', kib(target.find('block')) * 1024),
                  ('current', 'size', kib(target.find('current')) * 1024)]
    else:
        address = element.find('address')
        sizes += [('slot', 'slot', int(address.get('slot'))), ('base', 'addr', int(address.get('base'), 16))]
    return [f'{name} is {ours} in the XML and {data[key]} in QEMU' for name, key, ours in sizes if data[key] != ours]


def compareWithQemu(dom):
    """What QEMU and the live XML disagree on: a list of sentences, empty when they agree."""
    xml = Xml(dom.XMLDesc())
    found = xml.problems('live')
    entries = {entry['data']['id']: entry for entry in qmp(dom, 'query-memory-devices')}
    if set(entries) != set(xml.elements):
        found.append(f'devices: {sorted(xml.elements)} in the XML, {sorted(entries)} in QEMU')
    for alias in set(entries) & set(xml.elements):
        found += [f'{alias}: {difference}' for difference in _compareDevice(xml.elements[alias], entries[alias])]
    plugged = {name for name in _children(dom, '/machine/peripheral') if name in entries or name.startswith('ua-')}
    if plugged != set(xml.elements):
        found.append(f'/machine/peripheral has {sorted(plugged)}, the XML {sorted(xml.elements)}')
    backends = {name for name in _children(dom, '/objects') if name.startswith('memua-')}
    if backends != {'mem' + alias for alias in xml.elements}:
        found.append(f'backends {sorted(backends)}, devices {sorted(xml.elements)}')
    elastic = sum(kib(element.find('target/current')) for element in xml.elements.values()
                  if element.get('model') == 'virtio-mem')
    actual = qmp(dom, 'query-balloon')['actual'] // 1024
    if xml.currentKib != actual + elastic:
        found.append(f'<currentMemory> is {xml.currentKib}, the balloon leaves {actual} and virtio-mem gives {elastic}')
    period = qmp(dom, 'qom-get', path='/machine/peripheral/balloon0', property='guest-stats-polling-interval')
    if xml.period != period:
        found.append(f'period is {xml.period} in the XML and {period} in QEMU')
    return [f'{dom.name()}: {sentence}' for sentence in found]


def compareStored(folder, dom):
    """The stored definition, the file and what the daemon says of it, must be one and the same."""
    said = Xml(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE))
    found = said.problems('config')
    with open(os.path.join(folder, 'etc', dom.name() + '.xml')) as file:
        stored = Xml(file.read())
    for name in ('memoryKib', 'currentKib', 'devices', 'period'):
        if getattr(said, name) != getattr(stored, name):
            found.append(f"'{name}' of the definition is {getattr(said, name)}, of its file {getattr(stored, name)}")
    return [f'{dom.name()}: {sentence}' for sentence in found]


def start(conn, name, slots=64, xml=DOMAIN):
    dom = conn.defineXML(xml.format(name=name, slots=slots))
    dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    return dom


def pid(folder, name):
    with open(os.path.join(folder, 'run', 'qemu', name + '.xml')) as file:
        return int(ElementTree.parse(file).getroot().get('pid'))
