# SPDX-License-Identifier: LGPL-2.1-or-later
"""clients.py: many clients at once, on the same guests and on guests of their own.

What each client was told is done is its own to find again at the end: a device under an alias that no other client uses,
a metadata element under a name that no other client uses. So a lost change has a witness, however many take part.
"""

import random
import threading
import time

import libvirt

import scene
from scene import BOTH, CONFIG, LIVE, MIB

SHARED = ('devices-0', 'devices-1', 'devices-2')
SCALARS = 'scalars'
GIVING = 'giving'
GIVING_MIB = 256
GIVING_SLOTS = 30
SLOTS = 240
DIMM_MIB = 2
METADATA = '{urn:soak}%s'

# A guest has no more room or slots: the clients outgrew it, as they may.
FULL = (libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_ERR_INTERNAL_ERROR)


class Client(threading.Thread):
    """One connection; does random things until told to stop, and keeps account of what must be there."""

    def __init__(self, number, uri, seed, stop):
        super().__init__(name=f'client-{number}', daemon=True)
        self.number, self.uri, self.stop = number, uri, stop
        self.random = random.Random(f'{seed}/{number}')
        self.count = 0
        self.done = 0
        self.live = {name: {} for name in SHARED + (GIVING,)}       # guest -> alias -> device as a tuple
        self.config = {name: {} for name in SHARED + (GIVING,)}
        self.marks = {}                                 # guest -> metadata text
        self.last = {}                                  # scalar -> the last value set
        self.events = 0
        self.slowest = (0, '')
        self.failures = []

    def run(self):
        try:
            self.conn = libvirt.open(self.uri)
            self._listen()
            while not self.stop.is_set():
                self._step()
            self.conn.close()
        except Exception as error:  # noqa: BLE001: a thread's failure is the test's
            self.failures.append(f'{type(error).__name__}: {error}')

    def _listen(self):
        def heard(*_):
            self.events += 1
        for ident in (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
                      libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE):
            self.conn.domainEventRegisterAny(None, ident, heard, None)

    def _step(self):
        action = self.random.choices([work for work, _ in ACTIONS], [weight for _, weight in ACTIONS])[0]
        began = time.monotonic()
        try:
            action(self)
        except libvirt.libvirtError as error:
            self.failures.append(f'{action.__name__}: {scene.codeName(error)}: {error}')
        self.slowest = max(self.slowest, (time.monotonic() - began, action.__name__))
        self.done += 1

    def domain(self, name=None):
        return self.conn.lookupByName(name or self.random.choice(SHARED))

    def newAlias(self):
        self.count += 1
        return f'ua-c{self.number}-{self.count}'

    # ---- actions: on guests that all share ----

    def attach(self):
        dom, alias = self.domain(), self.newAlias()
        flags, node = self.random.choice((LIVE, CONFIG, BOTH)), self.random.randrange(2)
        try:
            dom.attachDeviceFlags(scene.DIMM.format(mib=DIMM_MIB, node=node, alias=alias), flags)
        except libvirt.libvirtError as error:
            if error.get_error_code() not in FULL or not any(word in str(error) for word in ('slot', 'maxMemory')):
                raise
            return
        described = ('dimm', DIMM_MIB * MIB, None, node)
        if flags & LIVE:
            self.live[dom.name()][alias] = described
        if flags & CONFIG:
            self.config[dom.name()][alias] = described

    def detachStored(self):
        dom = self.domain()
        mine = self.config[dom.name()]
        if not mine:
            return
        alias = self.random.choice(sorted(mine))
        if self.random.random() < 0.5:
            dom.detachDeviceAlias(alias, CONFIG)
        else:
            dom.detachDeviceFlags(scene.DIMM.format(mib=DIMM_MIB, node=mine[alias][3], alias=alias), CONFIG)
        del mine[alias]

    def plugAndUnplug(self):
        """A guest that gives back what it is asked for, to all clients, by XML and by alias."""
        dom, mine = self.domain(GIVING), self.live[GIVING]
        if len(mine) < 2:
            alias, node = self.newAlias(), self.random.randrange(2)
            try:
                dom.attachDeviceFlags(scene.DIMM.format(mib=GIVING_MIB, node=node, alias=alias), BOTH)
            except libvirt.libvirtError as error:
                if error.get_error_code() not in FULL or not any(word in str(error) for word in ('slot', 'maxMemory')):
                    raise
                return
            mine[alias] = self.config[GIVING][alias] = ('dimm', GIVING_MIB * MIB, None, node)
            return
        alias = self.random.choice(sorted(mine))
        if self.random.random() < 0.5:
            dom.detachDeviceAlias(alias, BOTH)
        else:
            dom.detachDeviceFlags(scene.DIMM.format(mib=GIVING_MIB, node=mine[alias][3], alias=alias), BOTH)
        del mine[alias], self.config[GIVING][alias]

    def refuseTaken(self):
        """What must fail, fails in the midst of all this too, and leaves nothing behind."""
        dom = self.domain()
        try:
            dom.attachDeviceFlags(scene.DIMM.format(mib=DIMM_MIB, node=7, alias=self.newAlias()), self.random.choice((LIVE, CONFIG, BOTH)))
        except libvirt.libvirtError:
            return
        self.failures.append("a DIMM in node '7' of two was taken")

    def update(self):
        dom = self.domain()
        dom.updateDeviceFlags(
            scene.VIRTIO_MEM.format(mib=64, node=0, requested=2 * self.random.randrange(33), alias='ua-elastic'), BOTH)

    def mark(self):
        dom, text = self.domain(), f'{self.random.random()}'
        dom.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, f'<mark>{text}</mark>', 'm', f'urn:soak:{self.number}', CONFIG)
        self.marks[dom.name()] = text

    def pauseAndResume(self):
        dom = self.domain()
        for work in (dom.resume, dom.suspend):
            try:
                work()
            except libvirt.libvirtError as error:
                # Another client was first.
                if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
                    raise

    def setmem(self):
        value = (32 + self.random.randrange(32)) * MIB
        self.domain(SCALARS).setMemoryFlags(value, CONFIG)
        self.last['currentKib'] = value

    def period(self):
        value = 1 + self.random.randrange(1000)
        self.domain(SCALARS).setMemoryStatsPeriod(value, BOTH)
        self.last['period'] = value

    def setmemLive(self):
        self.domain().setMemoryFlags((32 + self.random.randrange(32)) * MIB, LIVE)

    def setmaxmem(self):
        """The guest has NUMA cells: it is refused, as by libvirt."""
        try:
            self.domain(SCALARS).setMemoryFlags(128 * MIB, CONFIG | libvirt.VIR_DOMAIN_MEM_MAXIMUM)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
                raise
            return
        self.failures.append('setmaxmem of a guest with NUMA cells was taken')

    # ---- actions: reading ----

    def read(self):
        dom = self.domain()
        self.failures += scene.Xml(dom.XMLDesc()).problems(dom.name())
        self.failures += scene.Xml(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)).problems(dom.name())
        dom.info()
        dom.state()

    def statistics(self):
        self.domain().memoryStats()

    def bulk(self):
        rows = self.conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_BALLOON, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE)
        names = {dom.name() for dom, _ in rows}
        if not names >= set(SHARED):
            self.failures.append(f'bulk statistics tell of {sorted(names)}')

    # ---- actions: a guest of one's own, from its definition to its end ----

    def ownGuest(self):
        name = f'own-{self.number}'
        dom = scene.start(self.conn, name)
        try:
            alias = self.newAlias()
            dom.attachDeviceFlags(scene.DIMM.format(mib=DIMM_MIB, node=0, alias=alias), BOTH)
            dom.setMemoryFlags(40 * MIB, CONFIG)
            for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
                if alias not in scene.Xml(dom.XMLDesc(flags)).devices:
                    self.failures.append(f"'{alias}' is missing in '{name}' right after it was attached")
            self.failures += scene.compareWithQemu(dom)
        finally:
            dom.destroy()
            dom.undefine()

    def defineOnly(self):
        name = f'stored-{self.number}'
        dom = self.conn.defineXML(scene.DOMAIN.format(name=name, slots=4))
        dom.attachDeviceFlags(scene.DIMM.format(mib=64, node=1, alias='ua-stored'), CONFIG)
        if 'ua-stored' not in scene.Xml(dom.XMLDesc()).devices:
            self.failures.append(f"'{name}' lost its device")
        dom.undefine()


ACTIONS = (
    (Client.attach, 10), (Client.detachStored, 6), (Client.plugAndUnplug, 8), (Client.refuseTaken, 2),
    (Client.update, 6), (Client.mark, 3),
    (Client.pauseAndResume, 2), (Client.setmem, 4), (Client.setmemLive, 3), (Client.setmaxmem, 1), (Client.period, 4),
    (Client.read, 8), (Client.statistics, 6), (Client.bulk, 3), (Client.ownGuest, 0.25), (Client.defineOnly, 1),
)


def _sharedProblems(folder, conn, clients, name):
    dom = conn.lookupByName(name)
    found = scene.compareWithQemu(dom) + scene.compareStored(folder, dom)
    live, stored = scene.Xml(dom.XMLDesc()), scene.Xml(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    for what, xml, account in (('live', live, 'live'), ('config', stored, 'config')):
        wanted = {alias: described for client in clients for alias, described in getattr(client, account)[name].items()}
        there = {alias: described for alias, described in xml.devices.items() if alias != 'ua-elastic'}
        lost, extra = sorted(set(wanted) - set(there)), sorted(set(there) - set(wanted))
        if lost or extra:
            found.append(f'{name}: {what}: lost {lost}, nobody attached {extra}')
        found += [f'{name}: {what}: {alias} is {there[alias]}, was attached as {wanted[alias]}'
                  for alias in set(wanted) & set(there) if wanted[alias] != there[alias]]
    if live.devices.get('ua-elastic') != stored.devices.get('ua-elastic'):
        found.append(f'{name}: updated for both: {live.devices["ua-elastic"]} live, {stored.devices["ua-elastic"]} in config')
    for client in clients:
        text = stored.metadata().get('{urn:soak:%d}mark' % client.number)
        if text != client.marks.get(name):
            found.append(f"{name}: {client.name}'s metadata is '{text}', not '{client.marks.get(name)}'")
    return found


def _scalarProblems(conn, clients):
    dom = conn.lookupByName(SCALARS)
    stored, live = scene.Xml(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)), scene.Xml(dom.XMLDesc())
    found = scene.compareWithQemu(dom)
    for name in ('currentKib', 'period'):
        # Whoever came last, it was the last of that client's.
        candidates = {client.last[name] for client in clients if name in client.last}
        if candidates and getattr(stored, name) not in candidates:
            found.append(f"'{name}' is {getattr(stored, name)}, which no client set last")
    if live.period != stored.period:
        found.append(f'period set for both: {live.period} live, {stored.period} in config')
    return found


def run(daemon, seed, seconds, number=50):
    """(operations done, problems). The daemon must be running."""
    conn = libvirt.open(daemon.uri)
    for name in SHARED + (SCALARS,):
        scene.start(conn, name, SLOTS)
    scene.start(conn, GIVING, GIVING_SLOTS, scene.PSERIES)
    stop = threading.Event()
    clients = [Client(index, daemon.uri, seed, stop) for index in range(number)]
    for client in clients:
        client.start()
    stop.wait(seconds)
    stop.set()
    # No call may wait for longer than for a job and QEMU's answer together.
    deadline = time.monotonic() + scene.PATIENCE
    problems = []
    for client in clients:
        client.join(max(0, deadline - time.monotonic()))
        if client.is_alive():
            problems.append(f'{client.name} hangs in a call')
        problems += [f'{client.name}: {failure}' for failure in client.failures]
    for name in SHARED + (GIVING,):
        problems += _sharedProblems(daemon.folder, conn, clients, name)
    problems += _scalarProblems(conn, clients)
    left = {dom.name() for dom in conn.listAllDomains()} - set(SHARED) - {SCALARS, GIVING}
    if left:
        problems.append(f'domains are left: {sorted(left)}')
    problems += [f'{client.name} heard no event' for client in clients if client.events == 0]
    for name in SHARED + (SCALARS, GIVING):
        dom = conn.lookupByName(name)
        dom.destroy()
        dom.undefine()
    conn.close()
    return sum(client.done for client in clients), problems, max(client.slowest for client in clients)
