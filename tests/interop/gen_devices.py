# SPDX-License-Identifier: LGPL-2.1-or-later
"""gen_devices.py: the five models of <memory> devices, and <memballoon>."""

import gen_scene
from gen_values import KIB, NVDIMM_FILES, addElement, addSize, chance, deviceKib

MODELS = ("dimm", "dimm", "dimm", "nvdimm", "nvdimm", "virtio-mem", "virtio-mem", "virtio-mem",
          "virtio-pmem", "virtio-pmem")
BALLOONS = ("virtio", "virtio", "virtio", "virtio-transitional", "virtio-non-transitional", "none")
VIRTIO_OPTIONS = ("iommu", "ats", "packed", "page_per_vq")
# Children in the wrong model are dropped by libvirt: each is added to a device now and then.
FOREIGN_CHILDREN = ("label", "readonly", "block", "requested", "current")
FOREIGN_SOURCES = ("path", "pmem", "pagesize", "alignsize", "nodemask")


def buildMemoryDevices(scene, devices):
    rng = scene.rng
    scene.deviceCount = 0
    scene.slotsTaken = set()
    wanted = scene.cells or scene.arch == "ppc64" or chance(rng, 0.08)
    if not wanted or not chance(rng, 0.75):
        return
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        model = rng.choice(MODELS) if chance(rng, 0.98) else "sgx-epc"
        if scene.arch in ("ppc64", "s390x") and chance(rng, 0.5):
            model = rng.choice(("dimm", "nvdimm"))
        kib = deviceKib(rng)
        memory = addElement(devices, "memory", model=model)
        _BUILDERS[model](scene, memory, kib)
        if chance(rng, 0.06):
            _addForeign(rng, memory)
        if chance(rng, 0.08):
            addElement(memory, "alias", name=rng.choice(
                ("ua-%s%d" % (model, scene.deviceCount), "dimm0", "mine")))
        scene.deviceCount += 1
        scene.devicesKib += kib


def _target(scene, memory, kib, node=True):
    rng = scene.rng
    target = addElement(memory, "target")
    addSize(rng, target, "size", kib, exact=True)
    if node and scene.cells:
        addElement(target, "node", rng.randrange(len(scene.cells)))
    return target


def _attributes(scene, memory, access=("shared", "private"), discard=("yes", "no")):
    if scene.likely(0.5):
        memory.set("access", scene.rng.choice(access))
    if scene.likely(0.4):
        memory.set("discard", scene.rng.choice(discard))


def _ramSource(scene, memory):
    rng = scene.rng
    if not scene.likely(0.9):
        return
    source = addElement(memory, "source")
    if chance(rng, 0.6):
        text, unit = rng.choice((("2048", "KiB"), ("2", "MiB"), ("2048", None), ("4", "KiB"),
                                 ("1", "GiB"), ("64", "KiB"), ("0", None)))
        addElement(source, "pagesize", text, unit=unit)
    if chance(rng, 0.6):
        addElement(source, "nodemask", gen_scene.hostNodeset(rng))


def _dimmAddress(scene, memory):
    rng = scene.rng
    if not scene.likely(0.7):
        return
    slot = rng.choice([slot for slot in range(6) if slot not in scene.slotsTaken])
    scene.slotsTaken.add(slot)
    base = None
    if chance(rng, 0.4):
        base = rng.choice(("0x140000000", "0x%x" % (0x100000000 + slot * 0x40000000), "0x0",
                           "4294967296", "0x100001"))
    addElement(memory, "address", type="dimm", slot=slot, base=base)


def _buildDimm(scene, memory, kib):
    _attributes(scene, memory)
    _ramSource(scene, memory)
    _target(scene, memory, kib)
    _dimmAddress(scene, memory)


def _buildNvdimm(scene, memory, kib):
    rng = scene.rng
    _attributes(scene, memory, discard=("no",))
    if scene.arch == "ppc64" and chance(rng, 0.6):
        addElement(memory, "uuid", "49545eb3-75e1-2d0a-acdd-f0294406c99e")
    source = addElement(memory, "source")
    addElement(source, "path", rng.choice(NVDIMM_FILES))
    if scene.likely():
        addSize(rng, source, "alignsize", rng.choice((2048, 4, 3, 1024, 1024 * KIB)), exact=True)
    if scene.likely(0.7):
        addElement(source, "pmem")
    target = _target(scene, memory, kib)
    if scene.likely() or scene.arch == "ppc64" and chance(rng, 0.9):
        addSize(rng, addElement(target, "label"), "size",
                rng.choice((128, 128, 129, 256, 2048, 1024)), exact=True)
    if scene.likely(0.7):
        addElement(target, "readonly")
    _dimmAddress(scene, memory)


def _buildVirtioMem(scene, memory, kib):
    rng = scene.rng
    _attributes(scene, memory)
    _ramSource(scene, memory)
    target = _target(scene, memory, kib)
    block = rng.choice((2048, 2048, 2048, 4096, 8192, 128 * KIB))
    addSize(rng, target, "block", block, exact=True)
    if chance(rng, 0.7):
        blocks = rng.choice((0, 1, kib // block, kib // block // 2))
        addSize(rng, target, "requested", blocks * block, exact=True)
    if chance(rng, 0.05):
        addSize(rng, target, "current", block, exact=True)
    _pciAddress(scene, memory)


def _buildVirtioPmem(scene, memory, kib):
    _attributes(scene, memory, access=("shared",), discard=("no",))
    addElement(addElement(memory, "source"), "path", scene.rng.choice(NVDIMM_FILES))
    _target(scene, memory, kib, node=False)
    _pciAddress(scene, memory)


def _buildSgx(scene, memory, kib):
    source = addElement(memory, "source")
    if chance(scene.rng, 0.5):
        addElement(source, "nodemask", gen_scene.hostNodeset(scene.rng))
    _target(scene, memory, kib, node=chance(scene.rng, 0.7))


def _pciAddress(scene, memory):
    rng = scene.rng
    if not scene.likely(0.3):
        return
    onRoot = chance(rng, 0.6) or scene.machine.startswith("pc-i440fx") or scene.machine == "pc"
    bus, slot = ("0x00", rng.randrange(8, 16)) if onRoot else ("0x01", 0)
    addElement(memory, "address", type="pci", domain="0x0000", bus=bus, slot="0x%02x" % slot,
               function="0x0")


def _addForeign(rng, memory):
    if chance(rng, 0.5):
        target = memory.find("target")
        tag = rng.choice([tag for tag in FOREIGN_CHILDREN if target.find(tag) is None])
        if tag == "readonly":
            addElement(target, tag)
        elif tag == "label":
            addElement(addElement(target, tag), "size", "128")
        else:
            addElement(target, tag, "4096")
        return
    source = memory.find("source")
    if source is None:
        source = addElement(memory, "source")
    tag = rng.choice([tag for tag in FOREIGN_SOURCES if source.find(tag) is None])
    addElement(source, tag, {"path": "/p/x", "nodemask": "0", "pmem": None}.get(tag, "2048"))


_BUILDERS = {
    "dimm": _buildDimm,
    "nvdimm": _buildNvdimm,
    "virtio-mem": _buildVirtioMem,
    "virtio-pmem": _buildVirtioPmem,
    "sgx-epc": _buildSgx,
}


def buildBalloon(scene, devices):
    rng = scene.rng
    withoutPci = scene.machine in gen_scene.WITHOUT_PCI
    if withoutPci and chance(rng, 0.8):
        addElement(devices, "memballoon", model="none")
        if scene.machine == "microvm":
            addElement(devices, "controller", type="usb", model="none")
        return
    if not scene.likely(1.2):
        return
    model = rng.choice(BALLOONS) if scene.arch != "s390x" else rng.choice(("virtio", "none"))
    balloon = addElement(devices, "memballoon", model=model)
    for attribute in ("autodeflate", "freePageReporting"):
        if scene.likely(0.7):
            balloon.set(attribute, rng.choice(("on", "off")))
    if scene.likely(0.7):
        addElement(balloon, "stats", period=rng.choice((0, 1, 5, 10, 2147483647, -1)))
    if scene.likely(0.4):
        driver = addElement(balloon, "driver")
        for option in VIRTIO_OPTIONS:
            if chance(rng, 0.3):
                driver.set(option, rng.choice(("on", "off")))
    if scene.likely(0.3):
        addElement(balloon, "alias", name=rng.choice(("ua-balloon", "balloon0", "x")))
    if scene.likely(0.3):
        _pciAddress(scene, balloon)
