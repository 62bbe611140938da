# SPDX-License-Identifier: LGPL-2.1-or-later
"""report.py: what a domain XML promises of memory, beside what the guest and its balloon report."""

import re

# A kernel keeps some of a node's memory for its own code, page structures and bounce buffers, the firmware a little.
MOST_KEPT_MIB = 144
BLOCKS = ('for f in /sys/devices/system/node/node*/memory[0-9]*/state; do '
          'echo "$f $(cat $f) $(cat ${f%/state}/valid_zones)"; done')


class Promise:
    """The memory part of a live domain XML, in MiB."""

    def __init__(self, tree):
        self.boot = {int(cell.get('id')): int(cell.get('memory')) // 1024 for cell in tree.findall('cpu/numa/cell')}
        self.dimms = []
        self.virtioMems = []
        for device in tree.findall('devices/memory'):
            target = device.find('target')
            node = int(target.findtext('node'))
            size = int(target.findtext('size')) // 1024
            if device.get('model') == 'dimm':
                self.dimms.append((node, size, int(device.find('address').get('base'), 16)))
            elif device.get('model') == 'virtio-mem':
                self.virtioMems.append((node, size, int(target.findtext('requested')) // 1024))
        self.balloon = tree.find('devices/memballoon').get('model')

    def parts(self, node):
        """What the node's memory is made of."""
        parts = [self.boot[node]]
        parts += [size for at, size, _ in self.dimms if at == node]
        parts += [requested for at, _, requested in self.virtioMems if at == node]
        return parts

    def total(self, node):
        return sum(self.parts(node))


class Seen:
    """What the guest says of itself, in MiB."""

    def __init__(self, agent):
        self.agent = agent
        self.blockMib = int(agent.check('cat /sys/devices/system/memory/block_size_bytes'), 16) >> 20
        self.blocks = {}
        for line in agent.check(BLOCKS).splitlines():
            path, state, *zones = line.split()
            node, block = (int(number) for number in re.findall(r'/node(\d+)/memory(\d+)/', path)[0])
            self.blocks[block] = (node, state, zones)
        self.memTotalKib = self.number('/proc/meminfo', 'MemTotal')

    def number(self, path, key):
        return int(self.agent.check(f"sed -n 's/^.*{key}: *\\([0-9]*\\) kB/\\1/p' {path}"))

    def nodeMemTotal(self, node):
        return self.number(f'/sys/devices/system/node/node{node}/meminfo', 'MemTotal') // 1024

    def nodeBlocks(self, node):
        return [block for block, (at, state, _) in self.blocks.items() if at == node and state == 'online']

    def dimmMib(self, base, sizeMib):
        """How much of that range is online and in the zone from which it can be taken away again."""
        first = (base >> 20) // self.blockMib
        ours = [self.blocks.get(block) for block in range(first, first + sizeMib // self.blockMib)]
        return self.blockMib * sum(1 for block in ours if block and block[1] == 'online' and block[2] == ['Movable'])

    def virtioMemMib(self):
        ranges = re.findall(r'([0-9a-f]+)-([0-9a-f]+) : System RAM \(virtio_mem\)', self.agent.check('cat /proc/iomem'))
        return sum(int(last, 16) + 1 - int(first, 16) for first, last in ranges) >> 20

    def drivers(self):
        """{driver: number of devices bound to it}"""
        lines = self.agent.check(
            'for d in /sys/bus/virtio/devices/*; do basename $(readlink $d/driver); done').splitlines()
        return {name: lines.count(name) for name in lines}


def settled(tree):
    """Shell condition for the guest: as much memory is online as the XML promises."""
    promise = Promise(tree)
    totalMib = sum(promise.total(node) for node in promise.boot)
    online = '$(cat /sys/devices/system/memory/memory*/state | grep -cx online)'
    block = '0x$(cat /sys/devices/system/memory/block_size_bytes)'
    return f'[ $(({online} * ({block} >> 20))) = {totalMib} ]'


def available(statistics):
    """What virsh dommemstat printed for the guest's MemTotal, None if it reported nothing yet."""
    line = re.search(r'^available (\d+)$', statistics, re.M)
    return int(line.group(1)) if line else None


def memTotalRow(what, promised, seen):
    kept = promised - seen
    return (what, f'{promised} MiB', f'{seen} MiB, and {kept} MiB kept by the kernel', 0 <= kept <= MOST_KEPT_MIB)


def driverRow(what, driver, count, drivers):
    bound = drivers.get(driver, 0)
    return (what, f'driver {driver}', f'bound to {bound} device{"" if bound == 1 else "s"}', bound == count)


def rows(tree, agent, statistics):
    """(what, promised, reported, whether they agree), one for each thing that can be compared."""
    promise, seen = Promise(tree), Seen(agent)
    drivers = seen.drivers()
    table = []
    for node in promise.boot:
        blocks = seen.nodeBlocks(node)
        mib = len(blocks) * seen.blockMib
        sumText = ' + '.join(map(str, promise.parts(node)))
        table.append((f'node {node}', f'{sumText} = {promise.total(node)} MiB',
                      f'{mib} MiB online in {len(blocks)} blocks', mib == promise.total(node)))
        table.append(memTotalRow(f'node {node} MemTotal', promise.total(node), seen.nodeMemTotal(node)))
    for node, size, base in promise.dimms:
        mib = seen.dimmMib(base, size)
        table.append((f'DIMM on node {node}', f'{size} MiB at {base:#x}', f'{mib} MiB there, online, movable', mib == size))
    for node, size, requested in promise.virtioMems:
        mib = seen.virtioMemMib()
        table.append((f'virtio-mem on node {node}', f'{requested} of {size} MiB', f'{mib} MiB plugged', mib == requested))
        table.append(driverRow('virtio-mem', 'virtio_mem', len(promise.virtioMems), drivers))
    table.append(driverRow('balloon', 'virtio_balloon', 0 if promise.balloon == 'none' else 1, drivers))
    table.append(('balloon statistics', f'MemTotal: {seen.memTotalKib} KiB', f'available: {available(statistics)} KiB',
                  available(statistics) == seen.memTotalKib))
    total = sum(promise.total(node) for node in promise.boot)
    table.append(memTotalRow('MemTotal', total, seen.memTotalKib // 1024))
    return table
