# SPDX-License-Identifier: LGPL-2.1-or-later
"""gen_faults_rules.py: faults that break (or just meet) one rule between several elements.

Each function(scene) returns whether it could be applied to this domain.
"""

from gen_values import ABSENT_NODE, KIB, addElement, makeElement

# Pairs of name and function.
RULES = []


def _rule(function):
    RULES.append((function.__name__[1:], function))
    return function


def _pick(scene, path):
    found = scene.root.findall(path)
    return scene.rng.choice(found) if found else None


def _pickDevice(scene, *models):
    found = [memory for memory in scene.root.findall("devices/memory")
             if memory.get("model") in models]
    return scene.rng.choice(found) if found else None


def _backing(scene):
    backing = scene.root.find("memoryBacking")
    return backing if backing is not None else addElement(scene.root, "memoryBacking")


def _numatune(scene):
    tune = scene.root.find("numatune")
    return tune if tune is not None else addElement(scene.root, "numatune")


def _replace(parent, child):
    for old in parent.findall(child.tag):
        parent.remove(old)
    parent.append(child)
    return True


def _setSize(element, text, unit="KiB"):
    element.text = str(text)
    element.set("unit", unit)
    return True


# sizes

@_rule
def _maxBelowTotal(scene):
    ceiling = scene.root.find("maxMemory")
    total = scene.initialKib + scene.devicesKib
    return ceiling is not None and _setSize(ceiling, total - scene.rng.choice((1, KIB, total - 1)))


@_rule
def _slotsTooFew(scene):
    ceiling = scene.root.find("maxMemory")
    if ceiling is None or not scene.deviceCount:
        return False
    ceiling.set("slots", str(scene.rng.randrange(scene.deviceCount)))
    return True


@_rule
def _maxWithoutSlots(scene):
    ceiling = scene.root.find("maxMemory")
    if ceiling is None:
        return False
    ceiling.attrib.pop("slots")
    return True


@_rule
def _maxAdded(scene):
    return _replace(scene.root, makeElement("maxMemory", "64", unit="GiB", slots="4"))


@_rule
def _slotsWithoutMax(scene):
    return _replace(scene.root, makeElement("maxMemory", "0", slots="4"))


@_rule
def _memoryBelowDevices(scene):
    memory = scene.root.find("memory")
    return memory is not None and scene.devicesKib > 0 and _setSize(
        memory, scene.rng.choice((scene.devicesKib, scene.devicesKib - 1, scene.devicesKib + 1)))


@_rule
def _memoryHuge(scene):
    path = scene.rng.choice(("memory", "currentMemory", "maxMemory", "devices/memory/target/size"))
    element = _pick(scene, path)
    text, unit = scene.rng.choice((
        ("16", "EiB"), ("15", "EiB"), ("8", "EiB"), ("9223372036854775807", "KiB"), ("1", "PiB"),
        ("18014398509481983", "KiB"), ("9007199254740991", "KiB"), ("18446744073709551615", "b")))
    return element is not None and _setSize(element, text, unit)


@_rule
def _cellHuge(scene):
    cell = _pick(scene, "cpu/numa/cell")
    if cell is None:
        return False
    text, unit = scene.rng.choice((("16", "EiB"), ("15", "EiB"), ("8", "EiB"), ("1", "PiB"),
                                   ("18014398509481983", "KiB")))
    cell.set("memory", text)
    cell.set("unit", unit)
    return True


@_rule
def _memoryZero(scene):
    return _replace(scene.root, makeElement("memory", "0"))


# backing

@_rule
def _hugepagesOndemand(scene):
    backing = _backing(scene)
    _replace(backing, makeElement("hugepages"))
    return _replace(backing, makeElement("allocation", mode="ondemand"))


@_rule
def _hugepagesAnonymous(scene):
    backing = _backing(scene)
    _replace(backing, makeElement("hugepages"))
    return _replace(backing, makeElement("source", type="anonymous"))


def _pages(scene, *pages):
    hugepages = makeElement("hugepages")
    for text, nodeset in pages:
        addElement(hugepages, "page", size=text, unit="KiB", nodeset=nodeset)
    return _replace(_backing(scene), hugepages)


@_rule
def _pagesTwice(scene):
    return _pages(scene, ("2048", None), (scene.rng.choice(("2048", "1048576", "4")), None))


@_rule
def _pagesCross(scene):
    last = max(len(scene.cells) - 1, 0)
    return _pages(scene, ("2048", "0"), ("2048", "0-%d" % last))


@_rule
def _pagesDefaultAndSet(scene):
    return _pages(scene, ("2048", None), ("2048", "0"))


@_rule
def _pageBeyondCells(scene):
    return _pages(scene, ("2048", str(scene.rng.choice((len(scene.cells), 1, 40)))))


@_rule
def _pageOdd(scene):
    kib = scene.rng.choice(("0", "1", "3", "64", "4096", "16777216", "2049"))
    return _pages(scene, (kib, None))


@_rule
def _pageNoMount(scene):
    return _pages(scene, ("1048576", None))


@_rule
def _nosharepagesText(scene):
    return _replace(_backing(scene), makeElement("nosharepages", "no"))


@_rule
def _allocationThreadsOnly(scene):
    return _replace(_backing(scene), makeElement("allocation", threads="4"))


@_rule
def _minGuarantee(scene):
    tune = scene.root.find("memtune")
    if tune is None:
        tune = addElement(scene.root, "memtune")
    addElement(tune, "min_guarantee", scene.rng.choice(("0", "1024", "9007199254740991", "x")))
    return True


@_rule
def _limitsReversed(scene):
    tune = makeElement("memtune")
    addElement(tune, "hard_limit", "1048576")
    addElement(tune, "swap_hard_limit", scene.rng.choice(("1024", "1048576", "0")))
    addElement(tune, "soft_limit", "2097152")
    return _replace(scene.root, tune)


# numatune

@_rule
def _memnodeWithoutCells(scene):
    if scene.cells:
        return False
    addElement(_numatune(scene), "memnode", cellid="0", nodeset="0", mode="strict")
    return True


@_rule
def _memnodeTwice(scene):
    tune = _numatune(scene)
    addElement(tune, "memnode", cellid="0", nodeset="0", mode="strict")
    addElement(tune, "memnode", cellid="0", nodeset="0", mode="preferred")
    return True


@_rule
def _memnodeUnknownCell(scene):
    addElement(_numatune(scene), "memnode", cellid=len(scene.cells) + scene.rng.randrange(2),
               nodeset="0", mode=scene.rng.choice(("strict", None)))
    return True


@_rule
def _memnodeAuto(scene):
    tune = _numatune(scene)
    _replace(tune, makeElement("memory", mode="strict", placement="auto"))
    addElement(tune, "memnode", cellid="0", nodeset="0", mode="strict")
    return True


@_rule
def _memnodeMixedRestrictive(scene):
    tune = _numatune(scene)
    first, second = scene.rng.choice((("restrictive", "strict"), ("strict", "restrictive"),
                                      ("restrictive", "restrictive"), (None, "restrictive")))
    _replace(tune, makeElement("memory", mode=first, nodeset="0"))
    return _replace(tune, makeElement("memnode", cellid="0", mode=second, nodeset="0"))


@_rule
def _numatuneAuto(scene):
    _replace(_numatune(scene), makeElement(
        "memory", mode="strict", placement="auto",
        nodeset=scene.rng.choice((None, "0", ABSENT_NODE))))
    return True


@_rule
def _numatuneStaticBare(scene):
    return _replace(_numatune(scene), makeElement("memory", mode="strict", placement="static"))


@_rule
def _numatuneAbsent(scene):
    mode = scene.rng.choice(("strict", "preferred", "interleave", "restrictive"))
    return _replace(_numatune(scene), makeElement("memory", mode=mode, nodeset=ABSENT_NODE))


@_rule
def _numatuneEmptyMemory(scene):
    return _replace(_numatune(scene), makeElement("memory"))


@_rule
def _vcpuPlacement(scene):
    vcpu = scene.root.find("vcpu")
    vcpu.set("placement", scene.rng.choice(("auto", "static", "x")))
    return True


# cells

@_rule
def _cellsOverlap(scene):
    cells = scene.root.findall("cpu/numa/cell")
    if len(cells) < 2:
        return False
    cells[-1].set("cpus", "0")
    cells[0].set("cpus", "0-1")
    return True


@_rule
def _cellCpusBeyond(scene):
    cell = _pick(scene, "cpu/numa/cell")
    if cell is None:
        return False
    cell.set("cpus", scene.rng.choice((
        str(scene.vcpus), "0-%d" % scene.vcpus, "200", "%d-%d" % (scene.vcpus, scene.vcpus + 3))))
    return True


@_rule
def _cellIdTwice(scene):
    cells = scene.root.findall("cpu/numa/cell")
    if len(cells) < 2:
        return False
    cells[1].set("id", cells[0].get("id", "0"))
    return True


@_rule
def _cellIdGap(scene):
    cell = _pick(scene, "cpu/numa/cell")
    if cell is None:
        return False
    cell.set("id", str(len(scene.cells) + scene.rng.randrange(3)))
    return True


@_rule
def _cellIdPartly(scene):
    cells = scene.root.findall("cpu/numa/cell")
    if len(cells) < 2:
        return False
    cells[scene.rng.randrange(len(cells))].attrib.pop("id", None)
    return True


@_rule
def _distance(scene):
    cells = scene.root.findall("cpu/numa/cell")
    if not cells:
        return False
    distances = makeElement("distances")
    for _ in range(scene.rng.choice((1, 1, 2))):
        addElement(distances, "sibling",
                   id=scene.rng.choice((0, 0, 1, 1, 2, None)),
                   value=scene.rng.choice((9, 10, 10, 11, 20, 255, 256, 0, None)))
    return _replace(scene.rng.choice(cells), distances)


@_rule
def _cachesSame(scene):
    cell = _pick(scene, "cpu/numa/cell")
    if cell is None:
        return False
    for _ in range(2):
        cache = addElement(cell, "cache", level="1", associativity="direct", policy="writeback")
        addElement(cache, "size", value="8", unit="KiB")
        addElement(cache, "line", value="5", unit="B")
    return True


@_rule
def _interconnect(scene):
    numa = scene.root.find("cpu/numa")
    if numa is None:
        return False
    interconnects = numa.find("interconnects")
    if interconnects is None:
        interconnects = addElement(numa, "interconnects")
    kind = scene.rng.choice(("latency", "bandwidth", "latency", "speed"))
    entry = addElement(
        interconnects, kind, initiator=scene.rng.choice((0, 1, None)),
        target=scene.rng.choice((0, 1, 2, None)), type=scene.rng.choice(("access", "read", None)),
        value=scene.rng.choice((5, 0, None)), cache=scene.rng.choice((None, None, 1)))
    if scene.rng.random() < 0.3:
        interconnects.append(entry)
    return True


# devices

@_rule
def _nodeMissing(scene):
    target = _pick(scene, "devices/memory/target")
    node = target.find("node") if target is not None else None
    if node is None:
        return False
    target.remove(node)
    return True


@_rule
def _nodeBeyond(scene):
    target = _pick(scene, "devices/memory/target")
    return target is not None and _replace(
        target, makeElement("node", len(scene.cells) + scene.rng.choice((0, 1, 100))))


@_rule
def _slotTwice(scene):
    devices = [memory for memory in scene.root.findall("devices/memory")
               if memory.get("model") in ("dimm", "nvdimm")]
    if len(devices) < 2:
        return False
    for memory in devices:
        _replace(memory, makeElement("address", type="dimm", slot="0"))
    return True


@_rule
def _baseTwice(scene):
    devices = [memory for memory in scene.root.findall("devices/memory")
               if memory.get("model") in ("dimm", "nvdimm")]
    base = scene.rng.choice(("0x140000000", "0x0"))
    for index, memory in enumerate(devices):
        _replace(memory, makeElement("address", type="dimm", slot=index, base=base))
    return len(devices) > 1


@_rule
def _slotBeyond(scene):
    memory = _pickDevice(scene, "dimm", "nvdimm")
    ceiling = scene.root.find("maxMemory")
    if memory is None or ceiling is None or not ceiling.get("slots", "").isdigit():
        return False
    slot = int(ceiling.get("slots")) + scene.rng.choice((-1, 0, 1))
    return _replace(memory, makeElement("address", type="dimm", slot=slot))


def _addressOf(*models_and_attributes):
    models, attributes = models_and_attributes[:-1], models_and_attributes[-1]

    def apply(scene):
        memory = _pickDevice(scene, *models)
        return memory is not None and _replace(memory, makeElement("address", **attributes))
    return apply


@_rule
def _labelTooBig(scene):
    memory = _pickDevice(scene, "nvdimm")
    if memory is None:
        return False
    target = memory.find("target")
    label = makeElement("label")
    edge = target.find("size")
    label.append(makeElement("size", edge.text if edge is not None else "1",
                             unit=edge.get("unit") if edge is not None else None))
    return _replace(target, label)


@_rule
def _labelSmall(scene):
    memory = _pickDevice(scene, "nvdimm")
    if memory is None:
        return False
    label = makeElement("label")
    addElement(label, "size", scene.rng.choice(("127", "128", "131071", "1")),
               unit=scene.rng.choice(("KiB", "b")))
    return _replace(memory.find("target"), label)


@_rule
def _uuidAdded(scene):
    memory = _pickDevice(scene, "nvdimm", "dimm", "virtio-mem")
    return memory is not None and _replace(
        memory, makeElement("uuid", "49545eb3-75e1-2d0a-acdd-f0294406c99e"))


def _attribute(name, value, *models):
    def apply(scene):
        memory = _pickDevice(scene, *models)
        if memory is None:
            return False
        memory.set(name, value)
        return True
    return apply


@_rule
def _blockOdd(scene):
    memory = _pickDevice(scene, "virtio-mem")
    if memory is None:
        return False
    text, unit = scene.rng.choice((
        ("1", "MiB"), ("3", "MiB"), ("2", "MiB"), ("4", "KiB"), ("6", "MiB"), ("1", "GiB"),
        ("8", "GiB"), ("2047", "KiB"), ("0", "KiB")))
    return _replace(memory.find("target"), makeElement("block", text, unit=unit))


@_rule
def _requestedOdd(scene):
    memory = _pickDevice(scene, "virtio-mem")
    if memory is None:
        return False
    text, unit = scene.rng.choice((("1", "MiB"), ("3", "MiB"), ("64", "GiB"), ("2049", "KiB"),
                                   ("1", "b"), ("128", "MiB")))
    return _replace(memory.find("target"), makeElement("requested", text, unit=unit))


@_rule
def _sizeOdd(scene):
    memory = _pickDevice(scene, "virtio-mem", "dimm", "nvdimm", "virtio-pmem")
    if memory is None:
        return False
    text = scene.rng.choice(("1", "2047", "2049", "4095", "131072", "262145", "0", "131201"))
    return _replace(memory.find("target"), makeElement("size", text, unit="KiB"))


@_rule
def _newerTargetAddress(scene):
    memory = _pickDevice(scene, "virtio-mem", "virtio-pmem")
    return memory is not None and _replace(
        memory.find("target"), makeElement("address", base="0x140000000"))


@_rule
def _newerDynamicMemslots(scene):
    memory = _pickDevice(scene, "virtio-mem")
    if memory is None:
        return False
    memory.find("target").set("dynamicMemslots", scene.rng.choice(("yes", "no")))
    return True


@_rule
def _newerDriver(scene):
    memory = _pickDevice(scene, "virtio-mem", "virtio-pmem")
    return memory is not None and _replace(
        memory, makeElement("driver", **{scene.rng.choice(("iommu", "ats", "packed")): "on"}))


@_rule
def _aliasTwice(scene):
    devices = scene.root.findall("devices/memory")
    for memory in devices:
        _replace(memory, makeElement("alias", name="ua-same"))
    return len(devices) > 1


@_rule
def _aliasSameAsBalloon(scene):
    memory, balloon = _pick(scene, "devices/memory"), _pick(scene, "devices/memballoon")
    if memory is None or balloon is None:
        return False
    _replace(memory, makeElement("alias", name="ua-same"))
    return _replace(balloon, makeElement("alias", name="ua-same"))


def _nodemask(text):
    def apply(scene):
        memory = _pickDevice(scene, "dimm", "virtio-mem", "sgx-epc")
        if memory is None:
            return False
        source = memory.find("source")
        if source is None:
            source = addElement(memory, "source")
        return _replace(source, makeElement("nodemask", text))
    return apply


@_rule
def _sourceRemoved(scene):
    memory = _pickDevice(scene, "nvdimm", "virtio-pmem")
    if memory is None or memory.find("source") is None:
        return False
    memory.remove(memory.find("source"))
    return True


@_rule
def _modelSwapped(scene):
    memory = _pick(scene, "devices/memory")
    if memory is None:
        return False
    memory.set("model", scene.rng.choice(
        ("dimm", "nvdimm", "virtio-mem", "virtio-pmem", "sgx-epc")))
    return True


@_rule
def _deviceAdded(scene):
    memory = addElement(scene.root.find("devices"), "memory", model="dimm")
    target = addElement(memory, "target")
    addElement(target, "size", "512", unit="MiB")
    if scene.cells:
        addElement(target, "node", "0")
    return True


# balloon

@_rule
def _balloonTwice(scene):
    devices = scene.root.find("devices")
    for _ in range(2):
        addElement(devices, "memballoon", model=scene.rng.choice(("virtio", "none")))
    return True


def _balloon(**attributes):
    def apply(scene):
        return _replace(scene.root.find("devices"), makeElement("memballoon", **attributes))
    return apply


def _balloonAddress(**attributes):
    def apply(scene):
        balloon = makeElement("memballoon", model=scene.rng.choice(("virtio", "none")))
        addElement(balloon, "address", **attributes)
        return _replace(scene.root.find("devices"), balloon)
    return apply


RULES += [
    ("dimmOnPci", _addressOf("dimm", "nvdimm", {"type": "pci", "slot": "0x05"})),
    ("virtioOnDimm", _addressOf("virtio-mem", "virtio-pmem", {"type": "dimm", "slot": "0"})),
    ("virtioOnCcw", _addressOf("virtio-mem", "virtio-pmem", {
        "type": "ccw", "cssid": "0xfe", "ssid": "0x0", "devno": "0x0005"})),
    ("sgxAddress", _addressOf("sgx-epc", {"type": "dimm", "slot": "0"})),
    ("dimmNoSlot", _addressOf("dimm", "nvdimm", {"type": "dimm", "base": "0x140000000"})),
    ("pmemPrivate", _attribute("access", "private", "virtio-pmem")),
    ("pmemDiscard", _attribute("discard", "yes", "virtio-pmem", "nvdimm")),
    ("nodemaskEmpty", _nodemask("0,^0")),
    ("nodemaskAbsent", _nodemask(ABSENT_NODE)),
    ("nodemaskBlank", _nodemask("")),
    ("balloonXen", _balloon(model="xen")),
    ("balloonNoneOptions", _balloon(model="none", autodeflate="on", freePageReporting="on")),
    ("balloonModelMissing", _balloon(autodeflate="on")),
    ("balloonPciTwice", _balloonAddress(type="pci", bus="0x00", slot="0x00", function="0x0")),
    ("balloonDimmAddress", _balloonAddress(type="dimm", slot="0")),
    ("balloonMmio", _balloonAddress(type="virtio-mmio")),
]
