# SPDX-License-Identifier: LGPL-2.1-or-later
"""cases.py: what is measured, on one connection at a time, and the ratio to stock that we hold ourselves to."""

import os
import time

import libvirt

GUESTS = 40
# Guests that only answer (mock.py): how the cost for each changes from the first number to the second.
FEW, MANY = 40, 400

# A small guest as people run them for memory work: a NUMA cell, room for DIMMs, a balloon, a serial line.
GUEST_XML = """
<domain type='qemu'>
  <name>%(name)s</name>
  <maxMemory slots='4' unit='MiB'>512</maxMemory>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <cpu mode='custom' match='exact'><model>qemu64</model>
    <numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>
  <devices>
    <serial type='pty'/>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""


DIMM_XML = """
<memory model='dimm'><target><size unit='MiB'>64</size><node>0</node></target></memory>"""
DIMMS = 4


class Clock:
    """Seconds of a piece of work, collected over rounds."""

    def __init__(self):
        self.samples = []

    def time(self, work, times=1):
        start = time.perf_counter()
        for _ in range(times):
            result = work()
        self.samples.append((time.perf_counter() - start) / times)
        return result


class Contestant:
    """One daemon: its name, its process, a connection, and what it was measured at."""

    def __init__(self, name, uri, pid):
        self.name = name
        self.pid = pid
        self.uri = uri
        self.conn = libvirt.open(uri)
        self.clocks = {}
        self.figures = {}

    def clock(self, key):
        return self.clocks.setdefault(key, Clock())

    def create(self, name):
        return self.conn.createXML(GUEST_XML % {"name": name}, libvirt.VIR_DOMAIN_START_PAUSED)


def createAndDestroy(contestant, round_):
    domain = contestant.clock("create").time(lambda: contestant.create("bench-%d" % round_))
    for _ in range(DIMMS):
        contestant.clock("attach").time(lambda: domain.attachDeviceFlags(DIMM_XML, libvirt.VIR_DOMAIN_AFFECT_LIVE))
    contestant.clock("destroy").time(domain.destroy)


def native(contestant, _):
    xml = GUEST_XML % {"name": "bench-native"}
    contestant.clock("native").time(lambda: contestant.conn.domainXMLToNative("qemu-argv", xml), 100)


class WithGuest:
    """Timings on a guest that stays: it is made once for each contestant."""

    def __init__(self):
        self.guests = {}

    def __call__(self, contestant, _):
        if contestant.name not in self.guests:
            self.guests[contestant.name] = contestant.create("bench-stays")
        domain = self.guests[contestant.name]
        contestant.clock("dumpxml").time(domain.XMLDesc, 500)
        contestant.clock("setmem").time(lambda: domain.setMemory(48 * 1024), 200)
        contestant.clock("memoryStats").time(domain.memoryStats, 200)

    def close(self):
        for domain in self.guests.values():
            domain.destroy()


class Crowd:
    """GUESTS guests of each contestant at once: bulk statistics, resident size, threads."""

    def __init__(self, contestants):
        self.contestants = contestants
        self.domains = {}
        for contestant in contestants:
            self.domains[contestant.name] = [contestant.create("bench-crowd-%d" % i) for i in range(GUESTS)]

    def measure(self, rounds):
        for contestant in self.contestants:
            for domain in self.domains[contestant.name]:
                domain.XMLDesc()
                domain.info()
            contestant.figures["rss"] = status(contestant.pid, "VmRSS") / 1024
            contestant.figures["threads"] = status(contestant.pid, "Threads")
        for round_ in range(rounds):
            for contestant in self.contestants if round_ % 2 else self.contestants[::-1]:
                contestant.clock("bulk").time(lambda: bulk(contestant.conn), 5)

    def close(self):
        for domains in self.domains.values():
            for domain in domains:
                domain.destroy()


def bulk(conn):
    return conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_BALLOON)


def status(pid, field):
    with open("/proc/%d/status" % pid) as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    raise RuntimeError("no '%s' in /proc/%d/status" % (field, pid))


def cpuCount():
    return len(os.sched_getaffinity(0))


# Of virtmemd alone, with guests that only answer (mock.py).
MOCK_ROWS = (
    ("perGuest", "balloon statistics, each of %d" % FEW, "ms", None),
    ("perGuestMany", "the same, each of %d" % MANY, "ms", None),
    ("flat", "growth from %d to %d guests" % (FEW, MANY), "x", 1.25),
    ("rssPerGuest", "resident size, each of %d" % MANY, "KB", 60),
)

# key, what it is, unit (factor from seconds), most that our median may be of stock's, absolute most of ours
ROWS = (
    ("create", "create a paused guest", "ms", 1e3, 0.25, None),
    ("destroy", "destroy it", "ms", 1e3, 0.05, None),
    ("native", "domxml-to-native", "ms", 1e3, 0.25, None),
    ("dumpxml", "dumpxml", "ms", 1e3, 1.0, None),
    ("attach", "attach a DIMM", "ms", 1e3, 0.5, None),
    ("setmem", "setmem", "ms", 1e3, 0.6, None),
    ("memoryStats", "memoryStats", "ms", 1e3, 0.6, None),
    ("bulk", "balloon statistics, %d guests" % GUESTS, "ms", 1e3, 0.2, None),
    ("rss", "resident size at %d guests" % GUESTS, "MB", 1, None, 12),
    ("threads", "threads at %d guests" % GUESTS, "", 1, None, 12),
)
