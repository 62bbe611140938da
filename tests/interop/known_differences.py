# SPDX-License-Identifier: LGPL-2.1-or-later
"""known_differences.py: where virtmemd differs from libvirt 9.0 on purpose.

docs/formatdomain.rst lists the differences for people: the first column of the table in its section
"Where virtmemd differs from libvirt 9.0". Here each id has a matcher that says whether a difference
between two answers is that one and no other. Neither list may have an id that the other lacks.
"""

import copy
import os
import re
import xml.etree.ElementTree as ElementTree

import verdict
from gen_values import UNITS

DOCUMENT = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "formatdomain.rst")
HEADING = "Where virtmemd differs from libvirt 9.0"

_FACTORS = {unit.lower(): factor for unit, factor in UNITS.items()}

# Differences in an outcome: id to function(root, stock, ours), true when it explains all.
EXCUSES = {}
# Differences in what is written: id to function(root, answer), which takes it out of an answer.
REWRITES = {}


def _excuse(ident):
    return lambda function: EXCUSES.setdefault(ident, function)


def _rewrite(ident):
    return lambda function: REWRITES.setdefault(ident, function)


def documentedIds(path=DOCUMENT, heading=HEADING):
    """The ids in the list-table of the document's section, in order."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if heading not in text:
        return []
    section = re.split(r"\n[^\n]+\n(?:=|-|~){4,}\n", text.split(heading, 1)[1], maxsplit=1)[0]
    return re.findall(r"^   \* - ``([a-z0-9-]+)``$", section, flags=re.M)


def check():
    """List of problems, empty when document and matchers name the same ids."""
    documented, matched = documentedIds(), set(EXCUSES) | set(REWRITES)
    problems = ["docs/formatdomain.rst lists '%s', which known_differences.py cannot match" % ident
                for ident in documented if ident not in matched]
    problems += ["known_differences.py matches '%s', which docs/formatdomain.rst lacks" % ident
                 for ident in matched if ident not in documented]
    return problems


def explain(xml, stock, ours):
    """The ids of the documented differences that explain all of a disagreement, or None."""
    if ours["define"] == "LOST":
        return None
    root = ElementTree.fromstring(xml)
    ours, idents = copy.deepcopy(ours), []
    for ident, rewrite in REWRITES.items():
        before = copy.deepcopy(ours)
        rewrite(root, ours)
        if ours != before:
            idents.append(ident)
    if idents and not verdict.disagreements(stock, ours):
        return "+".join(idents)
    for ident, excuse in EXCUSES.items():
        if excuse(root, stock, ours):
            return ident
    return None


def _devices(root, *models):
    return [memory for memory in root.findall("devices/memory") if memory.get("model") in models]


def _refused(answer, code, *words):
    """Both steps are refused with this code, and the message (when known) names the words."""
    said = answer.get("said", {})
    return answer["define"] == answer["native"] == code and all(
        word in said["define"] for word in words if "define" in said)


def _accepted(answer):
    return answer["define"] == "ok"


def _kib(element):
    """The size that an element says, in KiB rounded up; 0 when there is none."""
    if element is None or not (element.text or "").isdigit():
        return 0
    factor = _FACTORS.get(element.get("unit", "KiB").lower(), 0)
    return (int(element.text) * factor + 1023) // 1024


@_excuse("slots-optional")
def _slotsOptional(root, stock, ours):
    ceiling = root.find("maxMemory")
    return (ceiling is not None and not ceiling.get("slots", "0").strip("0")
            and _refused(stock, "XML_ERROR", "slot") and not _refused(ours, "XML_ERROR", "slot"))


@_excuse("automatic-cell")
def _automaticCell(root, stock, ours):
    return (root.find("maxMemory") is not None and not root.findall("cpu/numa/cell")
            and _refused(stock, "CONFIG_UNSUPPORTED", "numa node")
            and not _refused(ours, "CONFIG_UNSUPPORTED", "numa node"))


@_excuse("virtio-without-slots")
def _virtioWithoutSlots(root, stock, ours):
    ceiling = root.find("maxMemory")
    slots = ceiling.get("slots", "").strip(" +") if ceiling is not None else ""
    return (slots.isdigit() and len(_devices(root, "dimm", "nvdimm")) <= int(slots)
            < len(root.findall("devices/memory"))
            and _refused(stock, "CONFIG_UNSUPPORTED", "exceeds slots count")
            and not _refused(ours, "CONFIG_UNSUPPORTED"))


@_excuse("dimm-address-type")
def _dimmAddressType(root, stock, ours):
    foreign = any(
        address.get("type") != "dimm"
        for memory in _devices(root, "dimm", "nvdimm") for address in memory.findall("address"))
    return foreign and not _accepted(ours) and _refused(ours, "CONFIG_UNSUPPORTED", "address")


@_excuse("virtio-mem-size")
def _virtioMemSize(root, stock, ours):
    def odd(memory):
        size, block = _kib(memory.find("target/size")), _kib(memory.find("target/block"))
        # QEMU sees the size rounded up to 2 MiB.
        return block and -(-size // 2048) * 2048 % block
    return (any(odd(memory) for memory in _devices(root, "virtio-mem")) and _accepted(stock)
            and _refused(ours, "XML_DETAIL", "block"))


@_excuse("virtio-mem-locked")
def _virtioMemLocked(root, stock, ours):
    return (bool(_devices(root, "virtio-mem")) and root.find("memoryBacking/locked") is not None
            and _accepted(stock) and _refused(ours, "CONFIG_UNSUPPORTED", "locked"))


@_excuse("dynamic-memslots")
def _dynamicMemslotsMissing(root, stock, ours):
    return (root.find("devices/memory/target[@dynamicMemslots]") is not None
            and _accepted(stock) and _refused(ours, "CONFIG_UNSUPPORTED", "dynamicMemslots"))


@_excuse("target-address")
def _targetAddressWrong(root, stock, ours):
    return (root.find("devices/memory/target/address") is not None and _accepted(stock)
            and any(_refused(ours, code, "base")
                    for code in ("XML_DETAIL", "XML_ERROR", "CONFIG_UNSUPPORTED")))


def _takeOut(answer, pattern, start, driver=(), properties=()):
    """Removes text from XML elements that begin so, and properties from devices of a driver."""
    if "xml" in answer:
        answer["xml"] = [re.sub(pattern, "", text) if text.startswith(start) else text
                         for text in answer["xml"]]
    for item in answer.get("argv", {}).get("-device", []):
        if item.get("driver", "").startswith(driver):
            for name in properties:
                item.pop(name, None)


VIRTIO_MEMORY = ("virtio-mem", "virtio-pmem")


@_rewrite("target-address")
def _targetAddress(root, answer):
    if root.find("devices/memory/target/address") is not None:
        _takeOut(answer, r"<address base='[^']*'/>(?=</target>)", "<memory ", VIRTIO_MEMORY,
                 ("memaddr",))


@_rewrite("dynamic-memslots")
def _dynamicMemslots(root, answer):
    if root.find("devices/memory/target[@dynamicMemslots]") is not None:
        _takeOut(answer, r" dynamicMemslots='\w+'", "<memory ", ("virtio-mem",),
                 ("dynamic-memslots",))


@_rewrite("virtio-driver-options")
def _virtioDriverOptions(root, answer):
    if root.find("devices/memory/driver") is not None:
        _takeOut(answer, r"<driver [^>]*/>", "<memory ", VIRTIO_MEMORY,
                 ("iommu_platform", "ats", "packed", "page-per-vq"))


@_rewrite("cache-none")
def _cacheNone(root, answer):
    _takeOut(answer, r" (associativity|policy)='none'|<line unit='B' value='0'/>", "<numa>")


# What the generator puts in that libvirt 9.0 does not know.
REPEATED = ("cell", "sibling", "cache", "latency", "bandwidth", "page", "memnode")
UNKNOWN_ELEMENTS = ("strange", "speed")
UNKNOWN_ATTRIBUTES = (("latency", "unit"), ("address", "base"), ("address", "slot"), ("address", "domain"), ("address", "bus"),
                      ("address", "function"))


@_excuse("unknown-element")
def _unknownElement(root, stock, ours):
    return any(
        root.find(".//" + tag) is not None
        and _refused(ours, "CONFIG_UNSUPPORTED", "element '<%s>'" % tag)
        for tag in UNKNOWN_ELEMENTS) or any(
        root.find(".//%s[@%s]" % (tag, name)) is not None
        and _refused(ours, "CONFIG_UNSUPPORTED", "attribute '%s'" % name, "'<%s>'" % tag)
        for tag, name in UNKNOWN_ATTRIBUTES)


@_excuse("element-twice")
def _elementTwice(root, stock, ours):
    twice = any(
        len(parent.findall(child.tag)) > 1 and child.tag not in REPEATED
        for parent in root.iter() for child in parent)
    return twice and _refused(ours, "XML_ERROR", "given twice in")
