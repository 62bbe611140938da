# SPDX-License-Identifier: LGPL-2.1-or-later
"""gen_numa.py: guest NUMA cells with distances, caches and interconnects, and numatune."""

import gen_scene
from gen_values import addElement, addSize, chance, cpuRanges, makeElement, memoryKib, size

CACHE_ASSOCIATIVITY = ("none", "direct", "full")
CACHE_POLICY = ("none", "writeback", "writethrough")
NUMATUNE_MODES = ("strict", "preferred", "interleave", "restrictive", None)


def buildNuma(scene):
    """The <numa> element, or None; decides scene.cells and scene.initialKib."""
    rng = scene.rng
    if not chance(rng, 0.72):
        scene.initialKib = memoryKib(rng)
        return None
    numa = makeElement("numa")
    count = rng.choice((1, 1, 2, 2, 2, 3, 4))
    shares = _cpuShares(rng, scene.vcpus, count)
    ids = None if chance(rng, 0.15) else list(range(count))
    if ids and chance(rng, 0.15):
        rng.shuffle(ids)
    for index in range(count):
        scene.cells.append(memoryKib(rng))
        cell = _buildCell(scene, numa, scene.cells[-1], shares[index])
        if ids:
            cell.set("id", str(ids[index]))
    scene.initialKib = sum(scene.cells)
    order = ids or list(range(count))
    withCpus = [order[index] for index in range(count) if shares[index]]
    if scene.likely(0.6):
        _buildDistances(scene, numa, order)
    if scene.likely(0.6) and withCpus:
        _buildHmat(scene, numa, order, withCpus)
    return numa


def _buildCell(scene, numa, kib, cpus):
    rng = scene.rng
    text, unit = size(rng, kib)
    if chance(rng, 0.02):
        text = "0"
    return addElement(
        numa, "cell",
        cpus=cpuRanges(rng, cpus) if cpus else None,
        memory=text, unit=unit,
        memAccess=rng.choice(("shared", "private")) if scene.likely(0.5) else None,
        discard=rng.choice(("yes", "no")) if scene.likely(0.4) else None)


def _cpuShares(rng, vcpus, count):
    """A list of CPU numbers for each cell: in blocks, dealt out, too few, or none at all."""
    style = rng.randrange(8)
    shares = [[] for _ in range(count)]
    if style == 0:
        return shares
    given = vcpus if style < 6 else rng.randint(1, vcpus)
    for cpu in range(given):
        owner = cpu % count if style == 1 else min(cpu * count // vcpus, count - 1)
        shares[owner].append(cpu)
    if style == 2 and count > 1:
        shares[0] += shares.pop()
        shares.append([])
    return shares


def _buildDistances(scene, numa, order):
    rng = scene.rng
    for cell, ident in zip(numa.findall("cell"), order):
        if not chance(rng, 0.6):
            continue
        distances = addElement(cell, "distances")
        given = [other for other in sorted(order) if chance(rng, 0.7)] or [ident]
        for other in given:
            value = 10 if other == ident else rng.choice((11, 20, 21, 31, 254, 255))
            addElement(distances, "sibling", id=other, value=value)


def _buildHmat(scene, numa, order, withCpus):
    rng = scene.rng
    levels = {}
    for cell, ident in zip(numa.findall("cell"), order):
        levels[ident] = sorted(rng.sample((1, 2, 3), rng.choice((0, 0, 1, 2, 3))))
        if chance(rng, 0.2):
            levels[ident].reverse()
        for level in levels[ident]:
            _buildCache(rng, cell, level)
    if chance(rng, 0.75):
        _buildInterconnects(rng, numa, order, withCpus, levels)


def _buildCache(rng, cell, level):
    cache = addElement(
        cell, "cache", level=level, associativity=rng.choice(CACHE_ASSOCIATIVITY),
        policy=rng.choice(CACHE_POLICY))
    text, unit = size(rng, rng.choice((8, 32, 256, 1024, 8192)))
    addElement(cache, "size", value=text, unit=unit)
    addElement(cache, "line", value=rng.choice((5, 64, 256)),
               unit=rng.choice(("B", None, "KiB", "b")))


def _buildInterconnects(rng, numa, order, withCpus, levels):
    interconnects = addElement(numa, "interconnects")
    for _ in range(rng.randint(1, 4)):
        initiator, target = rng.choice(withCpus), rng.choice(order)
        kind = rng.choice(("latency", "bandwidth"))
        entry = addElement(
            interconnects, kind, initiator=initiator, target=target,
            type=rng.choice(("access", "read", "write")),
            value=rng.choice((1, 5, 10, 100, 204800)))
        if kind == "bandwidth" and chance(rng, 0.6):
            entry.set("unit", rng.choice(("KiB", "MiB", "GiB", "b")))
        if levels[target] and chance(rng, 0.3):
            entry.set("cache", str(rng.choice(levels[target])))


def buildNumatune(scene):
    rng = scene.rng
    if not scene.likely(0.9):
        return
    tune = addElement(scene.root, "numatune")
    mode = rng.choice(NUMATUNE_MODES)
    automatic = chance(rng, 0.06)
    if automatic:
        addElement(tune, "memory", mode=mode, placement="auto")
        return
    if chance(rng, 0.8):
        addElement(tune, "memory", mode=mode, nodeset=gen_scene.hostNodeset(rng),
                   placement="static" if chance(rng, 0.2) else None)
    for ident in range(len(scene.cells)):
        if chance(rng, 0.4):
            addElement(tune, "memnode", cellid=ident, nodeset=gen_scene.hostNodeset(rng),
                       mode="restrictive" if mode == "restrictive" else rng.choice(NUMATUNE_MODES))
