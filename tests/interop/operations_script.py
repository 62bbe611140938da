# SPDX-License-Identifier: LGPL-2.1-or-later
"""operations_script.py: what is done to a guest, scene by scene, each step for virsh and for libvirt-python.

A scene is a domain and a list of steps. A step is a verb of VERBS and its arguments: VERBS says how virsh is called, and
which call of the API is behind it, for the error code that virsh does not tell.
"""

import libvirt

NAME = 'operations'

DOMAIN = """
<domain type='qemu'>
  <name>operations</name>
  <uuid>8f2f4f5e-0d5c-4b0e-9d55-6f1d9ce5c8a1</uuid>
  %(ceiling)s
  <memory unit='MiB'>128</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <features><acpi/></features>
  %(cpu)s
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    %(devices)s
  </devices>
</domain>"""

CEILING = "<maxMemory slots='4' unit='MiB'>2048</maxMemory>"
CELLS = """<cpu mode='custom' match='exact'><model>qemu64</model><numa>
    <cell id='0' cpus='0' memory='64' unit='MiB'/>
    <cell id='1' cpus='1' memory='64' unit='MiB'/>
  </numa></cpu>"""
BALLOON = "<memballoon model='virtio'/>"
NO_BALLOON = "<memballoon model='none'/>"


def memory(model, size, node=0, source='', extra='', alias='', address=''):
    """A <memory> element; sizes in MiB, node None: none."""
    return ("<memory model='%s'>%s<target><size unit='MiB'>%d</size>%s%s</target>%s%s</memory>" % (
        model, source, size, '' if node is None else '<node>%d</node>' % node, extra,
        "<alias name='%s'/>" % alias if alias else '', address))


def elastic(size, requested, node=0, block=2, alias='', address=''):
    return memory('virtio-mem', size, node, '', "<block unit='MiB'>%d</block><requested unit='MiB'>%d</requested>" % (
        block, requested), alias, address)


def _file(path):
    """{folder} is the scene's own."""
    return '<source><path>{folder}/%s</path></source>' % path


def _slot(number, base=''):
    return "<address type='dimm' slot='%d'%s/>" % (number, " base='%s'" % base if base else '')


_DIMM = memory('dimm', 64)

PLAIN = (
    ('define',),
    ('attach', _DIMM, 'live'),                                  # does not run
    ('attach', _DIMM, 'config'),
    ('detach', _DIMM, 'config'),
    ('start',),
    ('attach', _DIMM, 'live'),
    ('attach', _DIMM, 'config'),
    ('attach', memory('dimm', 32, 1), 'live config'),
    ('attach', memory('dimm', 16, 1, alias='ua-mine'), 'current'),
    ('attach', memory('dimm', 16, 1, alias='ua-mine'), 'live'),            # alias taken
    ('attach', memory('dimm', 16, 1, address=_slot(0)), 'live'),           # slot taken
    ('attach', memory('dimm', 16, 1, address=_slot(0)), 'config'),
    ('attach', memory('dimm', 16, 1, address=_slot(9)), 'live'),           # no such slot
    ('attach', memory('dimm', 16, 7), 'live'),                             # no such node
    ('attach', memory('dimm', 16, 7), 'config'),
    ('attach', memory('dimm', 16, None), 'live'),                          # no node
    ('attach', memory('dimm', 4000), 'live'),                              # no room
    ('attach', memory('dimm', 4000), 'config'),
    ('attach', memory('dimm', 0), 'live'),
    ('attach', memory('dimm', 16, address=_slot(3, '0x100001')), 'live'),  # QEMU refuses the base
    ('attach', memory('nvdimm', 16, source=_file('nvdimm')), 'live'),      # the guest has none: QEMU refuses
    ('attach', memory('sgx-epc', 16, None), 'live'),
    ('attach', '<memory model="dimm"><target><node>0</node></target></memory>', 'live'),
    ('attach', '<memory', 'live'),
    ('detach', memory('dimm', 48), 'live'),                                # no such device
    ('detach', memory('dimm', 48), 'config'),
    ('detach', memory('dimm', 32, 0), 'live config'),                      # other node
    ('detach', _DIMM, 'config'),
    ('detach-alias', 'dimm7', 'live'),
    ('detach-alias', 'dimm0', 'config'),
    ('detach-alias', 'dimm0', 'live'),                                      # the guest is asked, and never answers
    ('update', elastic(64, 32), 'live'),                                   # no such device
    ('update', _DIMM, 'live'),                                              # nothing of a DIMM changes
    ('attach', memory('dimm', 16), 'live'),
    ('attach', memory('dimm', 16), 'live'),                                # no slot left
    ('destroy',),
    ('start',),
    ('destroy',),
    ('undefine',),
)

# What stock libvirt stores, and then cannot start.
CANNOT_START = (
    ('define',),
    ('attach', memory('dimm', 16, None), 'config'),
    ('attach', memory('dimm', 16, 1, address=_slot(9)), 'config'),
    ('undefine',),
)

ELASTIC = (
    ('define',),
    ('start',),
    ('attach', elastic(128, 64, 1), 'live'),
    ('attach', elastic(128, 64, 1, alias='ua-both'), 'live config'),
    ('attach', elastic(64, 128), 'live'),                                  # requested above size
    ('attach', elastic(64, 3), 'live'),                                    # not a block's multiple
    ('attach', elastic(64, 0, block=3), 'live'),                           # block no power of two
    ('attach', memory('virtio-mem', 64), 'live'),                          # no block
    ('attach', memory('virtio-pmem', 16, None, source=_file('pmem')), 'live'),
    ('attach', memory('virtio-pmem', 16, None), 'live'),                   # no path
    ('attach', memory('virtio-pmem', 16, 0, source=_file('pmem')), 'live'),
    ('resize', '--alias ua-first --requested-size 32M', 'live'),
    ('resize', '--alias ua-first --requested-size 16M', 'live config'),
    ('resize', '--alias ua-first --requested-size 48M', 'config'),
    ('resize', '--alias ua-first --requested-size 0', 'current'),
    ('resize', '--alias ua-first --requested-size 33M', 'live'),
    ('resize', '--alias ua-first --requested-size 1G', 'live'),
    ('resize', '--alias nobody --requested-size 32M', 'live'),
    ('resize', '--alias virtiomem0 --requested-size 32M', 'live'),
    ('update', elastic(128, 32, alias='ua-first'), 'live'),                # another size
    ('update', elastic(64, 128, alias='ua-first'), 'live'),
    ('detach', elastic(128, 64, 1), 'live'),                               # QEMU does not unplug it
    ('detach', elastic(128, 64, 1, alias='ua-both'), 'config'),
    ('setmem', '96M', 'live'),
    ('setmem', '96M', 'config'),
    ('setmem', '500M', 'live'),                                             # above what the balloon reaches
    ('setmem', '500M', 'config'),
    ('setmem', '0', 'live'),
    ('setmaxmem', '1G', 'live'),
    ('setmaxmem', '1G', 'config'),
    ('period', '3', 'live'),
    ('period', '4', 'config'),
    ('period', '0', 'live config'),
    ('period', '-1', 'live'),
    ('dommemstat',),
    ('suspend',),
    ('resume',),
    ('setmem', '100M', 'live'),
    ('destroy',),
    ('resize', '--alias ua-first --requested-size 32M', 'live'),            # does not run
    ('resize', '--alias ua-first --requested-size 32M', 'config'),
    ('setmem', '64M', 'current'),
    ('setmem', '64M', 'live'),
    ('period', '5', 'live'),
    ('period', '5', 'current'),
    ('dommemstat',),
    ('undefine',),
)

# What libvirt 9.0 refuses, or cannot do.
BETTER = (
    ('define',),
    ('start',),
    ('update', elastic(64, 32, alias='ua-first'), 'live'),                 # no address
    ('resize', '--alias ua-first --requested-size 16M', 'live config'),
    ('attach', memory('dimm', 16), 'live config'),
    ('detach', elastic(64, 0, alias='ua-first'), 'live'),                  # as it was attached, before the resize
    ('attach', memory('dimm', 32), 'live'),
    ('setmem', '170M', 'live config'),                                      # more than the definition has
    ('detach', memory('dimm', 32), 'live'),                                # the guest never answers
    ('detach', memory('dimm', 16), 'live config'),
    ('detach', memory('dimm', 3), 'config'),
    ('attach', memory('dimm', 3), 'live'),                                 # no multiple of QEMU's step
    ('setmem', '150M', 'live config'),                                      # more than the definition can have
    ('detach', elastic(64, 32, alias='ua-first'), 'config'),               # as it was attached, since resized
    ('destroy',),
    ('undefine',),
)

# A device that has an address, and no alias but the one that the running guest gave it.
PLACE = "<address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/>"

UPDATE = (
    ('define',),
    ('start',),
    ('update', elastic(64, 16, address=PLACE), 'live'),                     # no alias
    ('update', elastic(64, 32, alias='virtiomem0', address=PLACE), 'live config'),
    ('update', elastic(64, 48, 1, alias='virtiomem0', address=PLACE), 'live'),      # another node
    ('update', elastic(96, 64, address=PLACE), 'config'),                   # another size
    ('destroy',),
    ('undefine',),
)

SLOTS = (
    ('define',),
    ('start',),
    ('attach', memory('dimm', 16), 'live'),
    ('attach', memory('dimm', 16), 'live'),                                # no slot left
    ('attach', elastic(64, 0), 'live'),                                    # takes none
    ('destroy',),
    ('undefine',),
)

NVDIMM = (
    ('define',),
    ('start',),
    ('attach', memory('nvdimm', 16, source=_file('nvdimm')), 'live'),
    ('attach', memory('nvdimm', 16, source=_file('missing/nvdimm')), 'live'),
    ('attach', memory('nvdimm', 16), 'live'),                              # no path
    ('detach', memory('nvdimm', 16, source=_file('nvdimm')), 'live'),      # QEMU does not unplug it
    ('destroy',),
    ('undefine',),
)

BARE = (
    ('define',),
    ('start',),
    ('attach', memory('dimm', 16, None), 'live'),                          # no <maxMemory>
    ('attach', memory('dimm', 16, None), 'config'),
    ('attach', elastic(64, 0, None), 'live'),
    ('detach', memory('dimm', 16, None), 'live'),
    ('setmem', '64M', 'live'),                                              # no balloon
    ('period', '3', 'live'),
    ('period', '3', 'config'),
    ('dommemstat',),
    ('setmaxmem', '256M', 'live'),
    ('setmaxmem', '256M', 'config'),
    ('setmaxmem', '64M', 'config'),
    ('destroy',),
    ('setmaxmem', '96M', 'current'),
    ('setmem', '32M', 'config'),
    ('undefine',),
)

# Neither daemon has to add ports, so both have the same number to spare.
PORTS = "<controller type='pci' index='0' model='pcie-root'/>" + "".join(
    "<controller type='pci' index='%d' model='pcie-root-port'/>" % index for index in range(1, 9))

# name: (domain XML, steps)
SCENES = {
    'cannot-start': (DOMAIN % {'ceiling': CEILING, 'cpu': CELLS, 'devices': BALLOON}, CANNOT_START),
    'plain': (DOMAIN % {'ceiling': CEILING, 'cpu': CELLS, 'devices': BALLOON}, PLAIN),
    'elastic': (DOMAIN % {'ceiling': CEILING, 'cpu': CELLS,
                          'devices': PORTS + BALLOON + elastic(64, 0, alias='ua-first')}, ELASTIC),
    'better': (DOMAIN % {'ceiling': CEILING, 'cpu': CELLS,
                         'devices': PORTS + BALLOON + elastic(64, 0, alias='ua-first')}, BETTER),
    'update': (DOMAIN % {'ceiling': CEILING, 'cpu': CELLS, 'devices': PORTS + BALLOON + elastic(64, 0, address=PLACE)}, UPDATE),
    'slots': (DOMAIN % {'ceiling': CEILING.replace("'4'", "'1'"), 'cpu': CELLS, 'devices': PORTS + BALLOON}, SLOTS),
    'nvdimm': (DOMAIN % {'ceiling': CEILING, 'cpu': CELLS,
                         'devices': BALLOON + memory('nvdimm', 16, source=_file('boot'))}, NVDIMM),
    'bare': (DOMAIN % {'ceiling': '', 'cpu': '', 'devices': NO_BALLOON}, BARE),
}

# Files that the scenes' XML names, in MiB.
FILES = {'boot': 16, 'nvdimm': 16, 'pmem': 16}


# ---- verbs ----

_FLAGS = {'live': libvirt.VIR_DOMAIN_AFFECT_LIVE, 'config': libvirt.VIR_DOMAIN_AFFECT_CONFIG, 'current': 0}
_UNITS = {'M': 1024, 'G': 1024 * 1024}


def _bits(flags):
    return sum(_FLAGS[word] for word in flags.split())


def _kib(text):
    return int(text[:-1]) * _UNITS[text[-1]] if text[-1] in _UNITS else int(text)


def _options(flags):
    return ['--' + word for word in flags.split()]


def _resized(domain, words, flags):
    """What virsh does: the XML of the device with another requested size."""
    import xml.etree.ElementTree as ElementTree
    alias, requested = words.split()[1], words.split()[3]
    inactive = libvirt.VIR_DOMAIN_XML_INACTIVE if flags == 'config' else 0
    for device in ElementTree.fromstring(domain.XMLDesc(inactive)).findall('devices/memory'):
        if device.find('alias') is not None and device.find('alias').get('name') == alias:
            device.find('target/requested').text = str(_kib(requested))
            domain.updateDeviceFlags(ElementTree.tostring(device, encoding='unicode'), _bits(flags))


# verb: (virsh's words, given the path of a file that holds the first argument, and the step's arguments;
#        the same in the API; None: a step that is never refused)
VERBS = {
    'define': (lambda path: ['define', path], None),
    'start': (lambda path: ['start', '--paused', NAME], lambda domain: domain.createWithFlags(1)),
    'destroy': (lambda path: ['destroy', NAME], lambda domain: domain.destroy()),
    'create': (lambda path: ['create', '--paused', path], None),
    'undefine': (lambda path: ['undefine', NAME], None),
    'suspend': (lambda path: ['suspend', NAME], lambda domain: domain.suspend()),
    'resume': (lambda path: ['resume', NAME], lambda domain: domain.resume()),
    'attach': (lambda path, _xml, flags: ['attach-device', NAME, path] + _options(flags),
               lambda domain, xml, flags: domain.attachDeviceFlags(xml, _bits(flags))),
    'detach': (lambda path, _xml, flags: ['detach-device', NAME, path] + _options(flags),
               lambda domain, xml, flags: domain.detachDeviceFlags(xml, _bits(flags))),
    'update': (lambda path, _xml, flags: ['update-device', NAME, path] + _options(flags),
               lambda domain, xml, flags: domain.updateDeviceFlags(xml, _bits(flags))),
    'detach-alias': (lambda path, alias, flags: ['detach-device-alias', NAME, alias] + _options(flags),
                     lambda domain, alias, flags: domain.detachDeviceAlias(alias, _bits(flags))),
    'resize': (lambda path, words, flags: ['update-memory-device', NAME] + words.split() + _options(flags), _resized),
    'setmem': (lambda path, size, flags: ['setmem', NAME, size] + _options(flags),
               lambda domain, size, flags: domain.setMemoryFlags(_kib(size), _bits(flags))),
    'setmaxmem': (lambda path, size, flags: ['setmaxmem', NAME, size] + _options(flags),
                  lambda domain, size, flags: domain.setMemoryFlags(_kib(size), _bits(flags) | libvirt.VIR_DOMAIN_MEM_MAXIMUM)),
    'period': (lambda path, seconds, flags: ['dommemstat', NAME, '--period', seconds] + _options(flags),
               lambda domain, seconds, flags: domain.setMemoryStatsPeriod(int(seconds), _bits(flags))),
    'dommemstat': (lambda path: ['dommemstat', NAME], lambda domain: domain.memoryStats()),
}
