# SPDX-License-Identifier: LGPL-2.1-or-later
"""stuck.py: a guest whose QEMU is stopped costs its own row, and no other call more than its deadline."""

import os
import signal
import threading
import time

import libvirt

import scene
from scene import CONFIG, LIVE, MIB

# How long QEMU may take over an answer, unless the environment says otherwise (VIRTMEMD_ANSWER_TIMEOUT).
ANSWER_SECONDS = 30

GUESTS = 6
STUCK = 'stuck-0'

# The daemon gives a bulk call 5 s for all guests together.
BULK_SECONDS = 8
READ_SECONDS = 2

# What a guest that answers tells and one that does not cannot.
ANSWERED = ('balloon.last-update', 'dirtyrate.calc_status')


class Call(threading.Thread):
    """One call on a connection of its own: how long it took, and what became of it."""

    def __init__(self, name, uri, work):
        super().__init__(name=name, daemon=True)
        self.uri, self.work = uri, work
        self.seconds = self.error = None

    def run(self):
        conn = libvirt.open(self.uri)
        dom = conn.lookupByName(STUCK)
        began = time.monotonic()
        try:
            self.work(dom)
        except libvirt.libvirtError as error:
            self.error = error
        self.seconds = time.monotonic() - began


def _bulk(conn):
    began = time.monotonic()
    rows = conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE | libvirt.VIR_DOMAIN_STATS_BALLOON | libvirt.VIR_DOMAIN_STATS_DIRTYRATE)
    return {dom.name(): fields for dom, fields in rows}, time.monotonic() - began


def _bulkProblems(conn):
    rows, seconds = _bulk(conn)
    found = []
    if seconds > BULK_SECONDS:
        found.append(f'bulk statistics took {seconds:.1f} s')
    if len(rows) != GUESTS:
        found.append(f'bulk statistics have {len(rows)} rows')
    for name, fields in rows.items():
        if 'state.state' not in fields or 'balloon.current' not in fields:
            found.append(f'{name}: its row lacks what is known without QEMU: {sorted(fields)}')
        for field in ANSWERED:
            if (field in fields) != (name != STUCK):
                found.append(f"{name}: '{field}' is {'there' if field in fields else 'missing'}")
    return found


def _readProblems(conn):
    dom = conn.lookupByName(STUCK)
    found = []
    for what, work in (('dumpxml', dom.XMLDesc), ('dominfo', dom.info), ('domstate', dom.state),
                       ('dumpxml --inactive', lambda: dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)),
                       ('list', conn.listAllDomains), ('other guest', conn.lookupByName('stuck-1').memoryStats)):
        began = time.monotonic()
        work()
        if time.monotonic() - began > READ_SECONDS:
            found.append(f'{what} took {time.monotonic() - began:.1f} s beside a stuck guest')
    return found


def run(daemon, answerSeconds):
    """Problems. The daemon must be running, and give QEMU @answerSeconds for an answer."""
    conn = libvirt.open(daemon.uri)
    for index in range(GUESTS):
        scene.start(conn, f'stuck-{index}')
    pid = scene.pid(daemon.folder, STUCK)
    os.kill(pid, signal.SIGSTOP)
    try:
        calls = [Call('dommemstat', daemon.uri, lambda dom: dom.memoryStats()),
                 Call('attach', daemon.uri, lambda dom: dom.attachDeviceFlags(
                     scene.DIMM.format(mib=2, node=0, alias='ua-late'), LIVE | CONFIG))]
        for call in calls:
            call.start()
        problems = _bulkProblems(conn) + _readProblems(conn)
        for call in calls:
            # An attach that fails is taken back, and that goes unanswered too.
            call.join(3 * answerSeconds + scene.PATIENCE)
            code = call.error.get_error_code() if call.error else None
            if code != libvirt.VIR_ERR_OPERATION_TIMEOUT:
                problems.append(f'{call.name} on a stuck guest: {call.error or "succeeded or still waits"}')
            elif call.seconds > 2 * answerSeconds + READ_SECONDS:
                problems.append(f'{call.name} on a stuck guest took {call.seconds:.1f} s to fail')
        problems += _readProblems(conn)
    finally:
        os.kill(pid, signal.SIGCONT)
    problems += _afterwards(daemon, conn)
    for index in range(GUESTS):
        dom = conn.lookupByName(f'stuck-{index}')
        dom.destroy()
        dom.undefine()
    conn.close()
    return problems


def _afterwards(daemon, conn):
    """QEMU goes on, with what it was sent meanwhile: the next change finds everything in agreement."""
    dom = conn.lookupByName(STUCK)
    dom.attachDeviceFlags(scene.DIMM.format(mib=2, node=0, alias='ua-next'), LIVE)
    dom.setMemoryFlags(64 * MIB, LIVE)
    found = scene.compareWithQemu(dom) + scene.compareStored(daemon.folder, dom)
    live, stored = scene.Xml(dom.XMLDesc()), scene.Xml(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    if 'ua-next' not in live.devices:
        found.append('what was attached after the pause is missing')
    if ('ua-late' in live.devices) != ('ua-late' in stored.devices):
        found.append('the change for both that timed out is in one of live and config only')
    return found + [problem for problem in _bulkProblemsAll(conn)]


def _bulkProblemsAll(conn):
    rows, _ = _bulk(conn)
    return [f"{name}: no '{field}' though QEMU goes on" for name, fields in rows.items() for field in ANSWERED
            if field not in fields]
