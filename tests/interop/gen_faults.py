# SPDX-License-Identifier: LGPL-2.1-or-later
"""gen_faults.py: ways to break a domain: bad values by place, and structural faults.

A fault is a function(scene) that changes the tree and returns the fault's name, or None when this
domain has nothing that it could break. Some faults turn out to be allowed: that is a finding too.

Left out, because libvirt 9.0 dies of them: vcpu -1, and (mostly) distances without siblings.
"""

import xml.etree.ElementTree as ElementTree

import gen_faults_rules
from gen_values import (
    BAD_ENUM, BAD_NODESETS, BAD_ONOFF, BAD_SIZES, BAD_UINTS, BAD_UNITS, BAD_YESNO, NVDIMM_FILES,
    addElement)

TEXT = None
MODEL = (
    "dimm", "nvdimm", "virtio-mem", "virtio-pmem", "sgx-epc", "", "x", "DIMM", "none", "virtio")
BALLOON = ("virtio", "none", "xen", "x", "", "Virtio", "virtio-transitional", "default")
NUMATUNE = ("strict", "preferred", "interleave", "restrictive", "", "x", "Strict", "default")
PATHS = NVDIMM_FILES + ("", " ", "x" * 200)
ALIASES = ("", "ua-", "ua-x", "x", "ua-a b", "ua-a,b", "ua-" + "y" * 60, "ua-\u00e9")
ADDRESS_TYPES = (
    "dimm", "pci", "ccw", "usb", "drive", "x", "", "virtio-mmio", "spapr-vio", "isa")
HEX = (
    "0x0", "0x1", "0x100000000", "0x7fffffffffffffff", "0xffffffffffffffff",
    "0x10000000000000000", "-1", "x", "", "4294967296", "0x140000000")

# (place, attribute or TEXT, values)
PLACES = (
    ("memory", TEXT, BAD_SIZES), ("memory", "unit", BAD_UNITS), ("memory", "dumpCore", BAD_ONOFF),
    ("currentMemory", TEXT, BAD_SIZES), ("currentMemory", "unit", BAD_UNITS),
    ("maxMemory", TEXT, BAD_SIZES), ("maxMemory", "unit", BAD_UNITS),
    ("maxMemory", "slots", BAD_UINTS),
    ("memoryBacking/hugepages/page", "size", BAD_SIZES),
    ("memoryBacking/hugepages/page", "unit", BAD_UNITS),
    ("memoryBacking/hugepages/page", "nodeset", BAD_NODESETS),
    ("memoryBacking/source", "type", BAD_ENUM + ("file", "anonymous", "memfd", "FILE", "shm")),
    ("memoryBacking/access", "mode", BAD_ENUM),
    ("memoryBacking/allocation", "mode", BAD_ENUM + ("immediate", "ondemand")),
    ("memoryBacking/allocation", "threads", BAD_UINTS),
    ("memtune/hard_limit", TEXT, BAD_SIZES), ("memtune/hard_limit", "unit", BAD_UNITS),
    ("memtune/soft_limit", TEXT, BAD_SIZES), ("memtune/soft_limit", "unit", BAD_UNITS),
    ("memtune/swap_hard_limit", TEXT, BAD_SIZES), ("memtune/swap_hard_limit", "unit", BAD_UNITS),
    ("numatune/memory", "mode", NUMATUNE), ("numatune/memory", "nodeset", BAD_NODESETS),
    ("numatune/memory", "placement", BAD_ENUM),
    ("numatune/memnode", "cellid", BAD_UINTS), ("numatune/memnode", "mode", NUMATUNE),
    ("numatune/memnode", "nodeset", BAD_NODESETS),
    ("vcpu", TEXT, ("1", "2", "3", "16", "255", "0", "x", "")),
    ("cpu/numa/cell", "id", BAD_UINTS + ("1", "2", "3")), ("cpu/numa/cell", "cpus", BAD_NODESETS),
    ("cpu/numa/cell", "memory", BAD_SIZES), ("cpu/numa/cell", "unit", BAD_UNITS),
    ("cpu/numa/cell", "memAccess", BAD_ENUM), ("cpu/numa/cell", "discard", BAD_YESNO),
    ("cpu/numa/cell/distances/sibling", "id", BAD_UINTS + ("0", "1", "7")),
    ("cpu/numa/cell/distances/sibling", "value", BAD_UINTS + ("9", "10", "11", "255", "256")),
    ("cpu/numa/cell/cache", "level", BAD_UINTS + ("1", "2", "3", "4")),
    ("cpu/numa/cell/cache", "associativity", BAD_ENUM + ("direct", "full", "complex")),
    ("cpu/numa/cell/cache", "policy", BAD_ENUM + ("writeback", "write-back")),
    ("cpu/numa/cell/cache/size", "value", BAD_SIZES),
    ("cpu/numa/cell/cache/size", "unit", BAD_UNITS),
    ("cpu/numa/cell/cache/line", "value", BAD_SIZES),
    ("cpu/numa/cell/cache/line", "unit", BAD_UNITS),
    ("cpu/numa/interconnects/*", "initiator", BAD_UINTS + ("1", "2", "7")),
    ("cpu/numa/interconnects/*", "target", BAD_UINTS + ("1", "2", "7")),
    ("cpu/numa/interconnects/*", "type", BAD_ENUM + ("access", "read", "Write")),
    ("cpu/numa/interconnects/*", "value", BAD_SIZES),
    ("cpu/numa/interconnects/*", "unit", BAD_UNITS),
    ("cpu/numa/interconnects/*", "cache", BAD_UINTS + ("1", "2", "3", "4")),
    ("devices/memory", "model", MODEL), ("devices/memory", "access", BAD_ENUM),
    ("devices/memory", "discard", BAD_YESNO),
    ("devices/memory/uuid", TEXT, ("", "x", "49545eb3-75e1-2d0a-acdd-f0294406c99")),
    ("devices/memory/source/pagesize", TEXT, BAD_SIZES),
    ("devices/memory/source/pagesize", "unit", BAD_UNITS),
    ("devices/memory/source/nodemask", TEXT, BAD_NODESETS),
    ("devices/memory/source/path", TEXT, PATHS),
    ("devices/memory/source/alignsize", TEXT, BAD_SIZES),
    ("devices/memory/source/alignsize", "unit", BAD_UNITS),
    ("devices/memory/target/size", TEXT, BAD_SIZES),
    ("devices/memory/target/size", "unit", BAD_UNITS),
    ("devices/memory/target/node", TEXT, BAD_UINTS + ("1", "2", "3", "4")),
    ("devices/memory/target/label/size", TEXT, BAD_SIZES + ("127", "128", "131072")),
    ("devices/memory/target/label/size", "unit", BAD_UNITS),
    ("devices/memory/target/block", TEXT, BAD_SIZES + ("3072", "1024", "2048", "4194304")),
    ("devices/memory/target/block", "unit", BAD_UNITS),
    ("devices/memory/target/requested", TEXT, BAD_SIZES + ("2048", "2049", "999999999")),
    ("devices/memory/target/requested", "unit", BAD_UNITS),
    ("devices/memory/address", "type", ADDRESS_TYPES),
    ("devices/memory/address", "slot", BAD_UINTS + ("1", "2", "16", "17", "255", "256")),
    ("devices/memory/address", "base", HEX),
    ("devices/memory/alias", "name", ALIASES),
    ("devices/memballoon", "model", BALLOON), ("devices/memballoon", "autodeflate", BAD_ONOFF),
    ("devices/memballoon", "freePageReporting", BAD_ONOFF),
    ("devices/memballoon/stats", "period", BAD_UINTS),
    ("devices/memballoon/driver", "iommu", BAD_ONOFF),
    ("devices/memballoon/driver", "ats", BAD_ONOFF),
    ("devices/memballoon/driver", "packed", BAD_ONOFF),
    ("devices/memballoon/driver", "page_per_vq", BAD_ONOFF),
    ("devices/memballoon/alias", "name", ALIASES),
    ("devices/memballoon/address", "type", ADDRESS_TYPES),
    ("devices/memballoon/address", "slot", BAD_UINTS),
    ("devices/memballoon/address", "bus", BAD_UINTS),
)

# Where generic damage (removal, doubling, emptying) may strike.
MEMORY_PLACES = (
    "memory", "currentMemory", "maxMemory", "memoryBacking", "memoryBacking/*",
    "memoryBacking/hugepages/page", "memtune", "memtune/*", "numatune", "numatune/*", "cpu/numa",
    "cpu/numa/cell", "cpu/numa/cell/*", "cpu/numa/cell/distances/sibling", "cpu/numa/cell/cache/*",
    "cpu/numa/interconnects", "cpu/numa/interconnects/*", "devices/memory", "devices/memory/*",
    "devices/memory/source/*", "devices/memory/target/*", "devices/memory/target/label/size",
    "devices/memballoon", "devices/memballoon/*")


def pickFault(rng):
    """A fault, chosen without regard to any domain: rare rules are met as often as others."""
    return rng.choice(_KINDS)(rng)


def applyAnyFault(scene):
    """Breaks the scene in one way that it allows; returns the fault's name."""
    for _ in range(200):
        name = pickFault(scene.rng)(scene)
        if name is not None:
            return name
    return "none"


def _badValue(rng):
    place, attribute, values = rng.choice(PLACES)
    value = rng.choice(values)

    def apply(scene):
        found = scene.root.findall(place)
        if not found:
            return None
        element = scene.rng.choice(found)
        if attribute is TEXT:
            element.text = value
        else:
            element.set(attribute, value)
        return "value:%s%s=%s" % (place, "@" + attribute if attribute else "", value)
    return apply


def _rule(rng):
    name, function = rng.choice(gen_faults_rules.RULES)
    return lambda scene: "rule:" + name if function(scene) else None


def _damage(function):
    """A fault that does the same to an element of any place."""
    def pick(rng):
        place = rng.choice(MEMORY_PLACES)
        return lambda scene: function(scene, place)
    return pick


def _parentOf(root, element):
    return next(parent for parent in root.iter() if element in list(parent))


def _pickElement(scene, place):
    found = scene.root.findall(place)
    if not found:
        return None, None
    element = scene.rng.choice(found)
    return element, place.replace("*", element.tag)


def _removeElement(scene, place):
    element, place = _pickElement(scene, place)
    if element is None:
        return None
    _parentOf(scene.root, element).remove(element)
    return "remove:" + place


def _doubleElement(scene, place):
    element, place = _pickElement(scene, place)
    if element is None:
        return None
    parent = _parentOf(scene.root, element)
    parent.insert(list(parent).index(element), element)
    return "double:" + place


def _emptyElement(scene, place):
    element, place = _pickElement(scene, place)
    if element is None:
        return None
    for child in list(element):
        element.remove(child)
    element.text = None
    return "empty:" + place


def _removeAttribute(scene, place):
    element, place = _pickElement(scene, place)
    if element is None or not element.attrib:
        return None
    attribute = scene.rng.choice(sorted(element.attrib))
    del element.attrib[attribute]
    return "remove:%s@%s" % (place, attribute)


def _commentInText(scene, place):
    element, place = _pickElement(scene, place)
    if element is None or not (element.text or "").strip():
        return None
    comment = ElementTree.Comment("aside")
    comment.tail, element.text = element.text[1:], element.text[:1]
    element.append(comment)
    return "comment:" + place


def _shuffleChildren(scene, place):
    element, place = _pickElement(scene, place)
    if element is None or len(element) < 2:
        return None
    children = list(element)
    scene.rng.shuffle(children)
    element[:] = children
    return "shuffle:" + place


def _strangeChild(scene, place):
    element, place = _pickElement(scene, place)
    if element is None:
        return None
    addElement(element, "strange")
    return "strange:" + place


_KINDS = ((_badValue,) * 27 + (_rule,) * 30 + (_damage(_removeElement),) * 6
          + (_damage(_removeAttribute),) * 6 + (_damage(_doubleElement),) * 3
          + (_damage(_emptyElement),) * 3 + (_damage(_commentInText), _damage(_shuffleChildren))
          # Few: virtmemd refuses them by name, libvirt drops them.
          + (_damage(_strangeChild),))
