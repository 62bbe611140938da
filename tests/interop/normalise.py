# SPDX-License-Identifier: LGPL-2.1-or-later
"""normalise.py: the memory part of a domain XML and of a QEMU command line, made comparable.

Normalised away, and nothing else: the order of attributes, the order of independent arguments,
where devices sit on PCI (bus, addr) or CCW (devno), each daemon's own folder in front of mem-path,
and UUIDs that the daemon made up.
"""

import json
import re
import shlex
import xml.etree.ElementTree as ElementTree

DOMAIN_CHILDREN = (
    "maxMemory", "memory", "currentMemory", "memoryBacking", "memtune", "numatune")
DEVICES = ("memory", "memballoon")

# Device drivers whose place on a bus does not count; pc-dimm and nvdimm have a meaningful "addr".
BUS_DEVICES = ("virtio-mem", "virtio-pmem", "virtio-balloon")
SLOT_DEVICES = ("pc-dimm", "nvdimm")
PLACEMENT = ("bus", "addr", "devno", "multifunction")

OBJECTS = ("memory-backend-", "thread-context")
MACHINE_KEYS = ("memory-backend", "dump-guest-core", "mem-merge", "nvdimm", "hmat")
MACHINE_PREFIXES = ("sgx-epc.",)


def madeUpUuidsAway(text, given):
    """The text with each UUID that is not in the given XML replaced by a word."""
    return re.sub(
        r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
        lambda match: match.group(0) if match.group(0) in given else "MADE-UP-UUID", text)


def memoryElements(xml):
    """List of strings: the elements about memory in a domain XML, in a fixed order of kinds."""
    root = ElementTree.fromstring(xml)
    found = [child for name in DOMAIN_CHILDREN for child in root.findall(name)]
    found += root.findall("cpu/numa")
    found += [child for name in DEVICES for child in root.findall("devices/" + name)]
    return [_elementText(element) for element in found]


def _elementText(element):
    attributes = "".join(
        " %s='%s'" % (key, value) for key, value in sorted(element.attrib.items()))
    inner = (element.text or "").strip()
    inner += "".join(_elementText(child) for child in element if not _isPlacement(child))
    if not inner:
        return "<%s%s/>" % (element.tag, attributes)
    return "<%s%s>%s</%s>" % (element.tag, attributes, inner, element.tag)


def _isPlacement(element):
    return element.tag == "address" and element.get("type") in ("pci", "ccw")


def memoryArguments(native):
    """Dictionary of option name to the sorted list of its arguments that concern memory."""
    words = shlex.split(native.replace("\\\n", " "))
    found = {}
    for index, word in enumerate(words):
        if not word.startswith("-") or "=" in word:
            continue
        value = words[index + 1] if index + 1 < len(words) else ""
        kept = _OPTIONS.get(word, _none)(value)
        if kept is not None:
            found.setdefault(word, []).append(kept)
    for option in found:
        found[option].sort(key=_sortKey)
    return found


def _sortKey(value):
    text = value["id"] if isinstance(value, dict) and "id" in value else json.dumps(value)
    # QEMU wants the cache levels of a node in ascending order, so their order is not free.
    return "~" if text.startswith('"hmat-cache') else text


def _none(_value):
    return None


def _same(value):
    return value


def _flag(_value):
    return ""


def _machine(value):
    kept = [
        part for part in value.split(",")
        if part.split("=")[0] in MACHINE_KEYS or part.startswith(MACHINE_PREFIXES)]
    return ",".join(sorted(kept))


def _object(value):
    properties = _properties(value, "qom-type")
    if not properties.get("qom-type", "").startswith(OBJECTS):
        return None
    if "mem-path" in properties:
        properties["mem-path"] = _ownFolderAway(properties["mem-path"])
    return properties


def _device(value):
    properties = _properties(value, "driver")
    driver = properties.get("driver", "")
    if driver in SLOT_DEVICES:
        return properties
    if driver.startswith(BUS_DEVICES):
        return {key: item for key, item in properties.items() if key not in PLACEMENT}
    return None


def _properties(value, implied):
    if value.startswith("{"):
        return json.loads(value)
    parts = value.split(",")
    pairs = dict(part.partition("=")[::2] for part in parts[1:])
    pairs[implied] = parts[0].partition("=")[2] if "=" in parts[0] else parts[0]
    return pairs


def _ownFolderAway(path):
    return re.sub(r"^.*/ram/(?=-?\d+-)", "RAM/", path)


_OPTIONS = {
    "-m": _same,
    "-machine": _machine,
    "-object": _object,
    "-device": _device,
    "-numa": _same,
    "-overcommit": _same,
    "-mem-path": _same,
    "-mem-prealloc": _flag,
}
