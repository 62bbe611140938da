# SPDX-License-Identifier: LGPL-2.1-or-later
"""gen_values.py: the values that generated XML is made of, good and bad.

Every function takes the case's own random.Random, so that a case depends on its seed alone.
"""

import xml.etree.ElementTree as ElementTree

KIB = 1024
UNITS = {
    "b": 1, "byte": 1, "bytes": 1,
    "k": KIB, "KiB": KIB, "KB": 1000,
    "m": KIB ** 2, "MiB": KIB ** 2, "MB": 1000 ** 2,
    "g": KIB ** 3, "GiB": KIB ** 3, "GB": 1000 ** 3,
    "t": KIB ** 4, "TiB": KIB ** 4, "TB": 1000 ** 4,
    "p": KIB ** 5, "PiB": KIB ** 5, "PB": 1000 ** 5,
    "e": KIB ** 6, "EiB": KIB ** 6, "EB": 1000 ** 6,
}

BAD_SIZES = (
    "", "-1", "-0", "1.5", " 1024 ", "1024 ", "1024x", "0x400", "+1024", "1e3", "01024", "abc",
    "0", "1", "1023", "9007199254740991", "9007199254740992", "18014398509481983",
    "18014398509481984", "18446744073709551615", "18446744073709551616",
    "99999999999999999999999", "1 024", "1,024")
BAD_UNITS = (
    "x", "Kbytes", "", " KiB", "KiB ", "kib", "KIB", "kb", "B", "BYTES", "Mb", "gIb", "EiB", "E",
    "EB", "PiB", "TiB", "ZiB", "KiBi", "default", "bit", "MiB/s", "0")
BAD_UINTS = (
    "-1", "x", "", "1.0", " 1", "1 ", "0x1", "+1", "007", "0", "2147483647", "2147483648",
    "4294967295", "4294967296", "18446744073709551616", "99999")
BAD_ONOFF = ("yes", "no", "true", "ON", "", "1", "0", "default", "on ", "off", "on")
BAD_YESNO = ("on", "off", "true", "YES", "", "1", "0", "default", " yes", "yes", "no")
BAD_ENUM = ("", "x", "default", "none", "Shared", "auto", "0", "shared", "private", "static")
BAD_NODESETS = (
    "", "x", "0-", "-1", "0,^0", "1-0", "0,0", "0 ,0", " 0", "0 ", "0,", ",0", "^0", "0x0",
    "0-1,^1", "0-3,^1-2", "63", "0,63", "1023", "99999999999", "0--1", "0;1", "!0", "0-63,^1-63",
    "1048576")

# Host nodes: node 0 exists everywhere; the other number exists on no machine that runs the tests.
HOST_NODE = "0"
ABSENT_NODE = "63"

# Files need not exist: nothing opens them when a domain is defined or converted.
NVDIMM_FILES = ("/var/tmp/nv0", "/var/tmp/nv1", "/dev/dax0.0", "/p/a b", "/p/a,b", "relative/nv")


def makeElement(tag, text=None, **attributes):
    """An element; attributes whose value is None are left out."""
    element = ElementTree.Element(
        tag, {key: str(value) for key, value in attributes.items() if value is not None})
    if text is not None:
        element.text = str(text)
    return element


def addElement(parent, tag, text=None, **attributes):
    element = makeElement(tag, text, **attributes)
    parent.append(element)
    return element


def chance(rng, probability):
    return rng.random() < probability


def size(rng, kib, exact=False):
    """(text, unit) that says kib in any unit that can; a little more now and then unless exact."""
    nbytes = kib * KIB
    fitting = [unit for unit, factor in UNITS.items() if nbytes % factor == 0 and nbytes >= factor]
    if not exact and chance(rng, 0.08):
        unit = rng.choice(("KB", "MB", "b", "bytes"))
        return str(nbytes // UNITS[unit] + rng.choice((0, 1))), unit
    if not fitting or chance(rng, 0.35):
        return str(kib), rng.choice(("KiB", None, "k", "kib", "K"))
    unit = rng.choice(sorted(fitting))
    return str(nbytes // UNITS[unit]), unit


def addSize(rng, parent, tag, kib, exact=False, **attributes):
    text, unit = size(rng, kib, exact)
    return addElement(parent, tag, text, unit=unit, **attributes)


def memoryKib(rng):
    """A size for boot memory or a cell: mostly round, sometimes on the edge of rounding."""
    base = rng.choice((256, 300, 512, 512, 768, 1024, 1024, 2048, 4096)) * KIB
    return base + (rng.choice((1, -1, 513, 1000, 1023)) if chance(rng, 0.15) else 0)


def deviceKib(rng):
    base = rng.choice((128, 256, 256, 512, 512, 600, 1024)) * KIB
    return base + (rng.choice((1, KIB, -KIB, 2 * KIB, 1000)) if chance(rng, 0.12) else 0)


def cpuRanges(rng, cpus):
    """Text for a list of CPU numbers, in one of the spellings that a bitmap accepts."""
    cpus = sorted(cpus)
    runs = []
    for cpu in cpus:
        if runs and runs[-1][1] == cpu - 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    if len(cpus) > 2 and len(runs) > 1 and chance(rng, 0.3):
        gaps = [cpu for cpu in range(cpus[0], cpus[-1]) if cpu not in cpus]
        return "%d-%d" % (cpus[0], cpus[-1]) + "".join(",^%d" % gap for gap in gaps)
    if chance(rng, 0.2):
        shuffled = list(cpus)
        rng.shuffle(shuffled)
        return ",".join(str(cpu) for cpu in shuffled)
    return ",".join(str(a) if a == b else "%d-%d" % (a, b) for a, b in runs)
