# SPDX-License-Identifier: LGPL-2.1-or-later
"""known_differences.py: where virtmemd differs from libvirt 9.0 on purpose.

docs/formatdomain.rst lists the differences for people: the first column of the table in its section
"Where virtmemd differs from libvirt 9.0". Here each id has a matcher that says whether a difference
between two answers is that one and no other. Neither list may have an id that the other lacks.
"""

import os
import re
import xml.etree.ElementTree as ElementTree

from gen_values import UNITS


DOCUMENT = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "formatdomain.rst")
HEADING = "Where virtmemd differs from libvirt 9.0"

_FACTORS = {unit.lower(): factor for unit, factor in UNITS.items()}

# id: function(root, stock, ours) that is true when this difference explains all that differs.
MATCHERS = {}


def _difference(ident):
    def register(function):
        MATCHERS[ident] = function
        return function
    return register


def documentedIds(path=DOCUMENT):
    """The ids in the list-table of the document's section, in order."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if HEADING not in text:
        return []
    section = re.split(r"\n[^\n]+\n(?:=|-|~){4,}\n", text.split(HEADING, 1)[1], maxsplit=1)[0]
    return re.findall(r"^   \* - ``([a-z0-9-]+)``$", section, flags=re.M)


def check():
    """List of problems, empty when document and matchers name the same ids."""
    documented = documentedIds()
    problems = ["docs/formatdomain.rst lists '%s', which known_differences.py cannot match" % ident
                for ident in documented if ident not in MATCHERS]
    problems += ["known_differences.py matches '%s', which docs/formatdomain.rst lacks" % ident
                 for ident in MATCHERS if ident not in documented]
    return problems


def explain(xml, stock, ours):
    """The id of the documented difference that explains this disagreement, or None."""
    root = ElementTree.fromstring(xml)
    for ident, matcher in MATCHERS.items():
        if matcher(root, stock, ours):
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


@_difference("slots-optional")
def _slotsOptional(root, stock, ours):
    ceiling = root.find("maxMemory")
    return (ceiling is not None and not ceiling.get("slots", "0").strip("0")
            and _refused(stock, "XML_ERROR", "slot") and not _refused(ours, "XML_ERROR", "slot"))


@_difference("automatic-cell")
def _automaticCell(root, stock, ours):
    return (root.find("maxMemory") is not None and not root.findall("cpu/numa/cell")
            and _refused(stock, "CONFIG_UNSUPPORTED", "numa node")
            and not _refused(ours, "CONFIG_UNSUPPORTED", "numa node"))


@_difference("virtio-without-slots")
def _virtioWithoutSlots(root, stock, ours):
    ceiling = root.find("maxMemory")
    slots = ceiling.get("slots", "") if ceiling is not None else ""
    return (slots.isdigit() and len(_devices(root, "dimm", "nvdimm")) <= int(slots)
            < len(root.findall("devices/memory"))
            and _refused(stock, "CONFIG_UNSUPPORTED", "exceeds slots count") and _accepted(ours))


@_difference("dimm-address-type")
def _dimmAddressType(root, stock, ours):
    foreign = any(
        address.get("type") != "dimm"
        for memory in _devices(root, "dimm", "nvdimm") for address in memory.findall("address"))
    return foreign and not _accepted(ours) and _refused(ours, "CONFIG_UNSUPPORTED", "address")


@_difference("virtio-mem-size")
def _virtioMemSize(root, stock, ours):
    def odd(memory):
        size, block = _kib(memory.find("target/size")), _kib(memory.find("target/block"))
        # QEMU sees the size rounded up to 2 MiB.
        return block and -(-size // 2048) * 2048 % block
    return (any(odd(memory) for memory in _devices(root, "virtio-mem")) and _accepted(stock)
            and _refused(ours, "XML_DETAIL", "block"))


@_difference("virtio-mem-locked")
def _virtioMemLocked(root, stock, ours):
    return (bool(_devices(root, "virtio-mem")) and root.find("memoryBacking/locked") is not None
            and _accepted(stock) and _refused(ours, "CONFIG_UNSUPPORTED", "locked"))


@_difference("target-address")
def _targetAddress(root, stock, ours):
    given = any(memory.find("target/address") is not None
                for memory in _devices(root, "virtio-mem", "virtio-pmem"))
    return given and _accepted(stock) and (
        _accepted(ours) and _withoutNewer(ours) == _withoutNewer(stock)
        or ours["define"] in ("XML_DETAIL", "CONFIG_UNSUPPORTED", "XML_ERROR"))


@_difference("dynamic-memslots")
def _dynamicMemslots(root, stock, ours):
    given = any(memory.find("target").get("dynamicMemslots") is not None
                for memory in _devices(root, "virtio-mem") if memory.find("target") is not None)
    return given and _accepted(stock) and (
        _refused(ours, "CONFIG_UNSUPPORTED", "dynamicMemslots")
        or _accepted(ours) and _withoutNewer(ours) == _withoutNewer(stock))


@_difference("virtio-driver-options")
def _virtioDriverOptions(root, stock, ours):
    given = any(memory.find("driver") is not None
                for memory in _devices(root, "virtio-mem", "virtio-pmem"))
    return given and _accepted(stock) and _accepted(ours) and (
        _withoutNewer(ours) == _withoutNewer(stock))


NEWER_PROPERTIES = ("memaddr", "dynamic-memslots", "iommu_platform", "ats", "packed", "page-per-vq")


def _withoutNewer(answer):
    """The compared part of an answer without what libvirt 9.0 does not know on virtio memory."""
    texts = [re.sub(r"<(address base|driver) [^>]*/>| dynamicMemslots='\w+'", "", text)
             if text.startswith("<memory ") else text for text in answer.get("xml", [])]
    argv = {option: [_plain(item) for item in items]
            for option, items in answer.get("argv", {}).items()}
    return answer["define"], texts, answer["native"], argv


def _plain(item):
    models = ("virtio-mem", "virtio-pmem")
    if isinstance(item, str) or not item.get("driver", "").startswith(models):
        return item
    return {key: value for key, value in item.items() if key not in NEWER_PROPERTIES}


# What the generator puts in that libvirt 9.0 does not know.
UNKNOWN_ELEMENTS = ("strange", "speed")
UNKNOWN_ATTRIBUTES = (("latency", "unit"),)


@_difference("unknown-element")
def _unknownElement(root, stock, ours):
    return any(
        root.find(".//" + tag) is not None
        and _refused(ours, "CONFIG_UNSUPPORTED", "element '<%s>'" % tag)
        for tag in UNKNOWN_ELEMENTS) or any(
        root.find(".//%s[@%s]" % (tag, name)) is not None
        and _refused(ours, "CONFIG_UNSUPPORTED", "attribute '%s'" % name, "'<%s>'" % tag)
        for tag, name in UNKNOWN_ATTRIBUTES)


@_difference("cache-none")
def _cacheNone(root, stock, ours):
    if not (_accepted(stock) and _accepted(ours)) or stock["native"] != ours["native"]:
        return False
    written = [re.sub(r" (associativity|policy)='none'", "", text) for text in ours["xml"]]
    return (written != ours["xml"] and written == stock["xml"]
            and ours.get("argv") == stock.get("argv"))
