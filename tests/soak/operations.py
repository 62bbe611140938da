# SPDX-License-Identifier: LGPL-2.1-or-later
"""operations.py: random operations on guests with a real QEMU, the daemon killed and started again at random.

The test keeps the state that each guest must have. An operation says what the state becomes if it succeeds. Afterwards the
daemon is asked: the state must be the new one if the call succeeded, the old one if it failed, and one of the two, whole,
if the daemon was killed in between.
"""

import copy
import random
import threading
import time

import libvirt

import scene
from scene import BOTH, CONFIG, LIVE, MIB

# The last gives DIMMs back.
GUESTS = ('one', 'two', 'three', 'giving')
GIVING = 'giving'
SLOTS = 12
DIMM_SIZES_MIB = (2, 16, 64)

# How much of the operations a kill falls into, and how long after the operation began it may come, in seconds.
KILL_SHARE = 0.05
KILL_WITHIN = (0.0015, 0.0015, 0.005, 0.1)
# Asking QEMU for everything costs more than an operation: it is done after each kill, and after every so many operations.
FULL_EVERY = 25


class State:
    """What a guest must be: its stored definition, and what runs (live is None when it does not)."""

    def __init__(self, name):
        self.giving = name == GIVING
        self.config = {} if self.giving else {'ua-elastic': ('virtio-mem', 64 * MIB, 0, 0)}
        self.configCurrent = self.total(self.config)
        self.configPeriod = 0
        self.live = None
        self.cold = set()           # what it was started with; not to be seen from outside
        self.livePeriod = None
        self.mark = None
        self.paused = True

    def total(self, devices):
        return (512 if self.giving else 64) * MIB + sum(size for _, size, _, _ in devices.values())

    def visible(self):
        return {name: value for name, value in vars(self).items() if name != 'cold'}

    def __eq__(self, other):
        return self.visible() == other.visible()

    def differences(self, other):
        return [f'{name}: {value!r} was expected, {getattr(other, name)!r} is there'
                for name, value in self.visible().items() if getattr(other, name) != value]


def observe(dom):
    """The State that the daemon tells of."""
    state = State(dom.name())
    stored = scene.Xml(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    state.config, state.configCurrent, state.configPeriod = stored.devices, stored.currentKib, stored.period
    state.mark = stored.metadata().get('{urn:soak}mark')
    if dom.isActive():
        live = scene.Xml(dom.XMLDesc())
        state.live, state.livePeriod = live.devices, live.period
        state.paused = dom.state()[0] == libvirt.VIR_DOMAIN_PAUSED
    return state


class Operation:
    """A call, and what it changes in a State. sure: it may not be refused."""

    def __init__(self, name, call, change, sure=False):
        self.name, self.call, self.change, self.sure = name, call, change, sure


def _flags(rng, state):
    return rng.choice((LIVE, CONFIG, BOTH)) if state.live is not None else CONFIG


def _devicesFor(state, flags):
    return [devices for bit, devices in ((LIVE, state.live), (CONFIG, state.config)) if flags & bit]


def _insert(state, flags, alias, described):
    for devices in _devicesFor(state, flags):
        devices[alias] = described
    if flags & CONFIG:
        state.configCurrent += described[1]


def _attach(rng, state, alias):
    flags, mib, node = _flags(rng, state), rng.choice((256,) if state.giving else DIMM_SIZES_MIB), rng.randrange(2)
    xml = scene.DIMM.format(mib=mib, node=node, alias=alias)
    return Operation(f'attach {alias} {mib} MiB flags {flags}', lambda dom: dom.attachDeviceFlags(xml, flags),
                     lambda new: _insert(new, flags, alias, ('dimm', mib * MIB, None, node)))


def _attachElastic(rng, state, alias):
    if state.giving:
        return None
    flags, mib, node = _flags(rng, state), rng.choice((32, 64)), rng.randrange(2)
    requested = 2 * rng.randrange(mib // 2 + 1)
    xml = scene.VIRTIO_MEM.format(mib=mib, node=node, requested=requested, alias=alias)
    return Operation(f'attach {alias} virtio-mem {requested}/{mib} MiB flags {flags}',
                     lambda dom: dom.attachDeviceFlags(xml, flags),
                     lambda new: _insert(new, flags, alias, ('virtio-mem', mib * MIB, requested * MIB, node)))


def _attachWrong(rng, state, alias):
    """Fails, each time in another place: in the check of the XML, of the slots, or in QEMU (the backend's file)."""
    flags = _flags(rng, state)
    xml = rng.choice((
        scene.DIMM.format(mib=2, node=9, alias=alias),
        scene.DIMM.format(mib=8000, node=0, alias=alias),
        scene.DIMM.format(mib=2, node=9 if state.giving else 0, alias='ua-elastic'),
        scene.DIMM.format(mib=2, node=0, alias=alias).replace('</target>', "</target><address type='dimm' slot='99'/>"),
        scene.VIRTIO_MEM.format(mib=32, node=0, requested=64, alias=alias),
        scene.DIMM.format(mib=2, node=0, alias=alias).replace("model='dimm'", "model='nvdimm'").replace(
            '<target>', '<source><path>/nowhere/nvdimm</path></source><target>'),
    ))
    if flags == CONFIG and 'nvdimm' in xml:
        flags = LIVE if state.live is not None else 0
    if not flags:
        return None
    return Operation(f'attach wrong {xml!r} flags {flags}', lambda dom: dom.attachDeviceFlags(xml, flags), None)


def _remove(state, alias):
    _, size, _, _ = state.config.pop(alias)
    # Less than nothing stands for all, as in libvirt.
    state.configCurrent = state.configCurrent - size if state.configCurrent > size else state.total(state.config)


def _detachStored(rng, state, _alias):
    mine = sorted(alias for alias in state.config if alias != 'ua-elastic')
    if not mine:
        return None
    alias = rng.choice(mine)
    return Operation(f'detach {alias} config', lambda dom: dom.detachDeviceAlias(alias, CONFIG), lambda new: _remove(new, alias))


def _detachLive(rng, state, _alias):
    """The guest may refuse, but only what it was started with."""
    mine = sorted(alias for alias in state.live or {} if state.giving and (alias not in state.cold or rng.random() < 0.1))
    if not mine:
        return None
    alias = rng.choice(mine)
    flags = BOTH if alias in state.config and rng.random() < 0.7 else LIVE
    _, size, _, node = state.live[alias]
    xml = scene.DIMM.format(mib=size // MIB, node=node, alias=alias)

    def change(new):
        new.live.pop(alias)
        if flags & CONFIG:
            _remove(new, alias)
    return Operation(f'detach {alias} flags {flags}', lambda dom: dom.detachDeviceFlags(xml, flags), change,
                     sure=alias not in state.cold)


def _detachElastic(rng, state, _alias):
    """QEMU does not unplug virtio-mem: nothing may change, in neither definition."""
    there = sorted(alias for alias, (model, *_) in (state.live or {}).items() if model == 'virtio-mem')
    if not there:
        return None
    alias = rng.choice(there)
    flags = BOTH if alias in state.config else LIVE
    return Operation(f'detach {alias} flags {flags}', lambda dom: dom.detachDeviceAlias(alias, flags), None)


def _update(rng, state, _alias):
    flags = _flags(rng, state)
    devices = _devicesFor(state, flags)
    fitting = sorted(alias for alias, (model, *_) in devices[0].items()
                     if model == 'virtio-mem' and all(alias in other for other in devices))
    if not fitting:
        return None
    alias = rng.choice(fitting)
    model, size, _, node = devices[0][alias]
    requested = 2 * MIB * rng.randrange(size // (2 * MIB) + 1)
    xml = scene.VIRTIO_MEM.format(mib=size // MIB, node=node, requested=requested // MIB, alias=alias)

    def change(new):
        for there in _devicesFor(new, flags):
            there[alias] = (model, size, requested, node)
    return Operation(f'update {alias} to {requested} KiB flags {flags}', lambda dom: dom.updateDeviceFlags(xml, flags), change)


def _setmem(rng, state, _alias):
    flags, value = _flags(rng, state), (32 + rng.randrange(32)) * MIB

    def change(new):
        if flags & CONFIG:
            new.configCurrent = value
    return Operation(f'setmem {value} flags {flags}', lambda dom: dom.setMemoryFlags(value, flags), change)


def _period(rng, state, _alias):
    flags, value = _flags(rng, state), rng.randrange(1000)

    def change(new):
        if flags & LIVE:
            new.livePeriod = value
        if flags & CONFIG:
            new.configPeriod = value
    return Operation(f'period {value} flags {flags}', lambda dom: dom.setMemoryStatsPeriod(value, flags), change)


def _mark(rng, _state, _alias):
    text = str(rng.random())

    def change(new):
        new.mark = text
    return Operation(f'metadata {text}', lambda dom: dom.setMetadata(
        libvirt.VIR_DOMAIN_METADATA_ELEMENT, f'<mark>{text}</mark>', 'm', 'urn:soak', CONFIG), change)


def _suspendOrResume(_rng, state, _alias):
    if state.live is None:
        return None

    def change(new):
        new.paused = not state.paused
    return Operation('resume' if state.paused else 'suspend', lambda dom: dom.resume() if state.paused else dom.suspend(), change)


def _startOrDestroy(rng, state, _alias):
    if state.live is not None:
        # A guest with room left is worth keeping.
        if len(state.live) < SLOTS and rng.random() < 0.8:
            return None

        def end(new):
            new.live = new.livePeriod = None
            new.paused = True
        return Operation('destroy', lambda dom: dom.destroy(), end)

    def begin(new):
        new.live, new.livePeriod, new.paused = dict(new.config), new.configPeriod, True
    return Operation('start', lambda dom: dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED), begin)


OPERATIONS = ((_attach, 8), (_attachElastic, 2), (_attachWrong, 3), (_detachStored, 9), (_detachElastic, 1), (_detachLive, 9), (_update, 10),
              (_setmem, 6), (_period, 6), (_mark, 2), (_suspendOrResume, 2), (_startOrDestroy, 2))


class Soak:
    """One run: the daemon, the guests' expected states, and the account of what was done."""

    def __init__(self, daemon, seed):
        self.daemon = daemon
        self.random = random.Random(seed)
        self.states = {name: State(name) for name in GUESTS}
        self.problems = []
        self.counts = {'done': 0, 'refused': 0, 'killed': 0, 'killed and done': 0, 'given back': 0}
        self.recent = []

    def connect(self):
        self.conn = libvirt.open(self.daemon.uri)

    def run(self, ops, seconds=None):
        deadline = time.monotonic() + seconds if seconds else None
        self.connect()
        for name in GUESTS:
            xml = scene.PSERIES if name == GIVING else scene.DOMAIN
            self.conn.defineXML(xml.format(name=name, slots=SLOTS))
        number = 0
        while number < ops and not self.problems and (deadline is None or time.monotonic() < deadline):
            name = self.random.choice(GUESTS + (GIVING,))
            maker = self.random.choices([work for work, _ in OPERATIONS], [weight for _, weight in OPERATIONS])[0]
            operation = maker(self.random, self.states[name], f'ua-{number}')
            if operation is None:
                continue
            number += 1
            self.step(number, name, operation)
        for name in GUESTS:
            if not self.problems:
                self.checkFully(name)
        self.tidy()
        return number

    def step(self, number, name, operation):
        killed = self.random.random() < KILL_SHARE
        delay = self.random.uniform(0, self.random.choice(KILL_WITHIN)) if killed else None
        self.recent = self.recent[-9:] + [f'{number}: {name}: {operation.name}{" (killed)" if killed else ""}']
        old = self.states[name]
        new = copy.deepcopy(old)
        if operation.change:
            operation.change(new)
        outcome, error = self.call(name, operation, delay)
        allowed = {'done': [new], 'refused': [old], 'lost': [old, new]}[outcome]
        if outcome == 'done' and operation.change is None:
            self.fail(name, [f'what must fail did not: {operation.name}'])
        if outcome == 'refused' and operation.sure:
            self.fail(name, [f'what must not fail did: {operation.name}: {error}'])
        if killed:
            self.restart()
        seen = observe(self.conn.lookupByName(name))
        if seen not in allowed:
            self.fail(name, [f'the call {outcome}{": %s" % error if error else ""}'] + allowed[-1].differences(seen))
        if seen.live is not None:
            seen.cold = old.cold if old.live is not None else set(seen.live)
        self.states[name] = seen
        self.account(outcome, seen == new)
        self.counts['given back'] += bool(old.live) and seen.live is not None and len(seen.live) < len(old.live)
        if killed or number % FULL_EVERY == 0:
            self.checkFully(name)

    def account(self, outcome, changed):
        if outcome == 'lost':
            self.counts['killed'] += 1
            self.counts['killed and done'] += changed
        else:
            self.counts[outcome] += 1

    def call(self, name, operation, killAfter):
        """('done' | 'refused' | 'lost', error)."""
        killer = None
        if killAfter is not None:
            killer = threading.Timer(killAfter, self.daemon.kill)
        try:
            dom = self.conn.lookupByName(name)
            if killer:
                killer.start()
            operation.call(dom)
            return 'done', None
        except libvirt.libvirtError as error:
            if killer and scene.isLost(self.conn, error):
                return 'lost', error
            if not killer and scene.isLost(self.conn, error):
                self.fail(name, ['the daemon is gone'])
            return 'refused', error
        finally:
            if killer:
                killer.join()

    def restart(self):
        self.daemon.start()
        self.connect()

    def checkFully(self, name):
        dom = self.conn.lookupByName(name)
        problems = scene.compareStored(self.daemon.folder, dom)
        if dom.isActive():
            problems += scene.compareWithQemu(dom)
        if problems:
            self.fail(name, problems)

    def fail(self, name, sentences):
        self.problems += [f'{name}: {sentence}' for sentence in sentences]

    def tidy(self):
        for name in GUESTS:
            dom = self.conn.lookupByName(name)
            if dom.isActive():
                dom.destroy()
            dom.undefine()
        self.conn.close()


def run(daemon, seed, ops, seconds=None):
    """(operations done, account, problems). The daemon must be running; it is at the end."""
    soak = Soak(daemon, seed)
    number = soak.run(ops, seconds)
    if soak.problems:
        soak.problems += ['the last operations:'] + soak.recent
    return number, soak.counts, soak.problems
