# SPDX-License-Identifier: LGPL-2.1-or-later
"""gen_scene.py: one domain with memory, built from what is allowed, for gen_faults.py to break."""

import gen_devices
import gen_numa
from gen_values import (
    ABSENT_NODE, HOST_NODE, KIB, addElement, addSize, chance, cpuRanges, makeElement, memoryKib)

MACHINES = (
    # weight, architecture, machine
    (28, "x86_64", "pc-q35-7.2"), (8, "x86_64", "q35"), (12, "x86_64", "pc-i440fx-7.2"),
    (3, "x86_64", "pc"), (3, "x86_64", "pc-q35-5.1"), (4, "x86_64", "pc-q35-5.0"),
    (8, "x86_64", "pc-q35-4.2"), (5, "x86_64", "pc-i440fx-5.0"), (5, "x86_64", "pc-i440fx-4.2"),
    (2, "x86_64", "pc-i440fx-2.12"), (1, "x86_64", "pc-i440fx-1.4"), (2, "x86_64", "microvm"),
    (1, "x86_64", "isapc"), (4, "aarch64", "virt"), (6, "ppc64", "pseries"),
    (3, "s390x", "s390-ccw-virtio"),
)
WITHOUT_PCI = ("microvm", "isapc")
DENSITIES = (0.12, 0.3, 0.3, 0.55)


class Scene:
    """What the builders and faults share: the tree and what has been decided so far."""

    def __init__(self, rng):
        self.rng = rng
        self.density = rng.choice(DENSITIES)
        self.arch, self.machine = _machine(rng)
        self.vcpus = 1 if self.machine == "isapc" else rng.choice((1, 2, 4, 4, 4, 6, 8))
        self.root = makeElement("domain", type="qemu")
        self.cells = []          # KiB of each cell; empty: no guest NUMA
        self.initialKib = 0
        self.devicesKib = 0

    def likely(self, factor=1.0):
        return chance(self.rng, self.density * factor)


def buildScene(rng):
    scene = Scene(rng)
    root = scene.root
    addElement(root, "name", "g")
    addElement(root, "uuid", "6b2c0f5e-0f2b-4c1e-9a51-3b6a4d7f9e21")
    numa = gen_numa.buildNuma(scene)
    devices = makeElement("devices")
    gen_devices.buildMemoryDevices(scene, devices)
    _buildSizes(scene)
    _buildBacking(scene)
    _buildTune(scene)
    gen_numa.buildNumatune(scene)
    addElement(root, "vcpu", scene.vcpus)
    addElement(addElement(root, "os"), "type", "hvm", arch=scene.arch, machine=scene.machine)
    if chance(rng, 0.3) and scene.arch == "x86_64":
        addElement(addElement(root, "features"), "acpi")
    if numa is not None:
        addElement(root, "cpu").append(numa)
    root.append(devices)
    devices.insert(0, makeElement("emulator", "/usr/bin/qemu-system-" + scene.arch))
    gen_devices.buildBalloon(scene, devices)
    return scene


def _machine(rng):
    total = sum(weight for weight, _arch, _machine in MACHINES)
    pick = rng.randrange(total)
    for weight, arch, machine in MACHINES:
        pick -= weight
        if pick < 0:
            return arch, machine
    raise AssertionError("weights")


def _buildSizes(scene):
    rng, root = scene.rng, scene.root
    total = scene.initialKib + scene.devicesKib
    if scene.devicesKib or scene.likely(0.5) and (scene.cells or chance(rng, 0.2)):
        count = scene.deviceCount
        slots = rng.choice((count, count + 1, 16, 16, 256, 300)) or 1
        ceiling = total + rng.choice((0, 1, 1 * KIB, 1024 * KIB, 8 * 1024 * KIB))
        addSize(rng, root, "maxMemory", ceiling, exact=True, slots=slots)
    if not scene.cells or chance(rng, 0.8):
        written = total
        if scene.cells and chance(rng, 0.3):
            written = memoryKib(rng)
        addSize(rng, root, "memory", written, exact=bool(scene.devicesKib),
                dumpCore=rng.choice(("on", "off")) if scene.likely(0.4) else None)
    if scene.likely(0.8):
        addSize(rng, root, "currentMemory",
                rng.choice((total, total // 2, total + 1, total - 1, 0, 1, scene.initialKib)))


def _buildBacking(scene):
    rng = scene.rng
    if not scene.likely(1.5):
        return
    backing = addElement(scene.root, "memoryBacking")
    huge = scene.likely(0.8)
    if huge:
        _buildHugepages(scene, addElement(backing, "hugepages"))
    if scene.likely(0.5):
        addElement(backing, "nosharepages")
    if scene.likely(0.5):
        addElement(backing, "locked")
    if scene.likely(1.2):
        addElement(backing, "source", type=rng.choice(
            ("file", "memfd", "memfd") if huge else ("file", "anonymous", "memfd", None)))
    if scene.likely():
        addElement(backing, "access", mode=rng.choice(("shared", "shared", "private", None)))
    if scene.likely():
        addElement(backing, "allocation",
                   mode=rng.choice(("immediate", "immediate", None if huge else "ondemand", None)),
                   threads=rng.choice((None, None, 1, 4, 8)))
    if scene.likely(0.6):
        addElement(backing, "discard")


def _buildHugepages(scene, hugepages):
    rng = scene.rng
    style = rng.randrange(6)
    if style < 2:
        return
    cells = list(range(len(scene.cells)))
    if style == 2 or not cells:
        _addPage(rng, hugepages, None if cells or chance(rng, 0.7) else "0")
        return
    rng.shuffle(cells)
    cut = rng.randint(1, len(cells))
    _addPage(rng, hugepages, cpuRanges(rng, cells[:cut]))
    if cells[cut:] and chance(rng, 0.6):
        _addPage(rng, hugepages, cpuRanges(rng, cells[cut:]) if chance(rng, 0.6) else None)


def _addPage(rng, hugepages, nodeset):
    kib = rng.choice((2048, 2048, 2048, 2048, 4, 1024 * KIB))
    text, unit = {
        2048: (("2048", "KiB"), ("2", "M"), ("2048", None), ("2", "MiB"), ("2097152", "b")),
        4: (("4", "KiB"), ("4", None)),
        1024 * KIB: (("1", "G"), ("1048576", "KiB")),
    }[kib][rng.randrange(2)]
    addElement(hugepages, "page", size=text, unit=unit, nodeset=nodeset)


def _buildTune(scene):
    rng = scene.rng
    if not scene.likely(0.6):
        return
    tune = addElement(scene.root, "memtune")
    for tag in ("hard_limit", "soft_limit", "swap_hard_limit"):
        if chance(rng, 0.5):
            addSize(rng, tune, tag, rng.choice((
                scene.initialKib * 2, memoryKib(rng), 1, 9007199254740991, 9007199254740990)),
                exact=True)


def hostNodeset(rng):
    """A nodeset of the host's nodes: mostly the one that is there."""
    return rng.choice((HOST_NODE, HOST_NODE, HOST_NODE, "0-0", "0,0", ABSENT_NODE, "0-1,^1"))
