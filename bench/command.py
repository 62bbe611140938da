# SPDX-License-Identifier: LGPL-2.1-or-later
"""command.py: virsh-memory beside the plain virsh commands that do the same, on either daemon.

Each sample is a whole process, from its start to its end, and the two programs take turns. What the daemon, QEMU and the guest
need is in both times; the difference is what virsh-memory costs on top. Guests are paused or only answer (fakeguest.c), so that
nobody waits for a guest's kernel.
"""

import concurrent.futures
import os
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time

import libvirt

import mock

# Guests whose statistics are asked for: a daemon serves that many processes of fakeguest.
MANY = 200
WORKERS = 16
# Of one measurement, before the median of all rounds is taken.
SAMPLES = 3
GET_ALL_DOMAIN_STATS = 344

GUEST_XML = """
<domain type='qemu'>
  <name>%(name)s</name>
  <maxMemory slots='16' unit='GiB'>8</maxMemory>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <cpu mode='custom' match='exact'><model>qemu64</model>
    <numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>
  <devices>
    <memory model='virtio-mem'>
      <target><size unit='GiB'>1</size><node>0</node><block unit='MiB'>2</block><requested unit='KiB'>0</requested></target>
    </memory>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""

DIMM_XML = "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>"
DIMM_MIB = 128

# key, what it is, the most that virsh-memory may take over virsh, in ms
ROWS = (
    ("start", "start (--version), the fastest", None),
    ("list", "dommemlist, virsh dumpxml", 10),
    ("update", "update-memory-device, the same", 10),
    ("setmem", "setmem, the same", 10),
    ("attach", "attach-dimm, attach-device", 10),
    ("resize", "resize by a DIMM, attach-device", 10),
)
MANY_ROWS = (
    ("resizeBalloon", "resize by the balloon, setmem", 10),
    ("stat", "dommemstat of %d guests, domstats" % MANY, 10),
)
START_MOST_MS = 15


class Pair:
    """Milliseconds of the two programs, collected over rounds."""

    def __init__(self):
        self.plain = []
        self.ours = []

    def time(self, uri, plain, ours):
        """plain and ours make the arguments of one run; who goes first changes."""
        turns = [("virsh", plain, self.plain), ("virsh-memory", ours, self.ours)]
        for program, arguments, samples in turns if len(self.plain) % 2 else turns[::-1]:
            samples.append(run(uri, program, *arguments()))

    def row(self, key, what, daemon, limit):
        # how long a start takes is the machine's best: it waits for nobody, and all else is what other programs took
        typical = min if key == "start" else statistics.median
        plain, ours = typical(self.plain), typical(self.ours)
        # pair by pair: what else the machine does falls on both of a pair
        more = statistics.median(mine - theirs for mine, theirs in zip(self.ours, self.plain))
        if key == "start":
            met, target = ours <= START_MOST_MS, "%g ms in all" % START_MOST_MS
        else:
            met, target = more <= limit, "%g ms more" % limit
        return {"key": "command-" + key, "what": what, "unit": "ms", "daemon": daemon, "virsh": plain, "ours": ours, "more": more,
                "target": target, "met": met}


def run(uri, program, *arguments):
    """Milliseconds that it took."""
    environment = dict(os.environ, LIBVIRT_DEFAULT_URI=uri, LC_ALL="C")
    began = time.perf_counter()
    done = subprocess.run([program, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, check=False)
    took = (time.perf_counter() - began) * 1e3
    if done.returncode != 0:
        raise RuntimeError("'%s %s' failed: %s" % (program, " ".join(arguments), done.stderr))
    return took


class Sizes:
    """Another size at each call, so that no run finds nothing to do."""

    def __init__(self, first, second):
        self.sizes = [first, second]

    def next(self):
        self.sizes.reverse()
        return "%dMiB" % self.sizes[0]


class Guest:
    """One paused guest of one contestant, with what is done to it."""

    def __init__(self, contestant, folder):
        self.contestant = contestant
        self.uri = contestant.uri
        self.dimm = os.path.join(folder, "dimm.xml")
        with open(self.dimm, "w") as file:
            file.write(DIMM_XML)
        self.pairs = {key: Pair() for key, _, _ in ROWS}
        self.updates = Sizes(16, 32)
        self.balloons = Sizes(192, 224)

    def round(self, number):
        name = "command-%d" % number
        domain = self.contestant.conn.createXML(GUEST_XML % {"name": name}, libvirt.VIR_DOMAIN_START_PAUSED)
        try:
            self._measure(domain, name)
        finally:
            domain.destroy()

    def _measure(self, domain, name):
        def same(command, sizes, *more):
            return lambda: (command, name, *more, sizes.next())

        def plug():
            return ("attach-device", name, self.dimm, "--live")

        def grow():
            return ("resize", name, "%dMiB" % (domain.info()[2] // 1024 + DIMM_MIB), "--no-virtio-mem", "--no-balloon")

        pairs = self.pairs
        for _ in range(SAMPLES):
            pairs["start"].time(self.uri, lambda: ("--version",), lambda: ("--version",))
            pairs["list"].time(self.uri, lambda: ("dumpxml", name), lambda: ("dommemlist", name))
            update = same("update-memory-device", self.updates, "--alias", "virtiomem0", "--requested-size")
            pairs["update"].time(self.uri, update, update)
            pairs["attach"].time(self.uri, plug, lambda: ("attach-dimm", name, "%dMiB" % DIMM_MIB, "--node", "0", "--live"))
            pairs["resize"].time(self.uri, plug, grow)
        # last: what the paused guest was told and has not done would be in resize's way
        for _ in range(SAMPLES):
            balloon = same("setmem", self.balloons)
            pairs["setmem"].time(self.uri, balloon, balloon)

    def rows(self):
        return [self.pairs[key].row(key, what, self.contestant.name, limit) for key, what, limit in ROWS]


class Tap:
    """A socket in front of a daemon's, which counts the calls that go through by their number."""

    def __init__(self, path, target):
        self.path = path
        self.target = target
        self.calls = {}
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            threading.Thread(target=self._pump, args=(server, client, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(client, server, True), daemon=True).start()

    def _pump(self, source, target, count):
        """Whole packets: a length that counts itself, then program, version, procedure."""
        with source.makefile("rb") as stream:
            while head := stream.read(4):
                body = stream.read(struct.unpack(">I", head)[0] - 4)
                if count:
                    procedure = struct.unpack(">III", body[:12])[2]
                    self.calls[procedure] = self.calls.get(procedure, 0) + 1
                target.sendall(head + body)
        try:
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


def bulkCalls(uri):
    """How many calls for statistics of all guests one dommemstat makes."""
    with tempfile.TemporaryDirectory(prefix="tap-") as folder:
        begin, target = uri.split("socket=")
        tap = Tap(os.path.join(folder, "sock"), target)
        try:
            run(begin + "socket=" + tap.path, "virsh-memory", "dommemstat")
        finally:
            tap.close()
        return tap.calls.get(GET_ALL_DOMAIN_STATS, 0), sum(tap.calls.values())


def together(work, items):
    """libvirtd needs seconds for each guest, and does many at once."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, items))


def measureMany(contestant, rounds):
    """Rows with MANY guests that only answer."""
    sizes = Sizes(48, 56)
    pairs = {key: Pair() for key, _, _ in MANY_ROWS}
    conn = contestant.conn
    try:
        conn.createXML(mock.guestXml("many-0"), 0)
        for _ in range(rounds * SAMPLES):
            pairs["resizeBalloon"].time(contestant.uri, lambda: ("setmem", "many-0", sizes.next()),
                                        lambda: ("resize", "many-0", sizes.next(), "--below-floor"))
        together(lambda number: conn.createXML(mock.guestXml("many-%d" % number), 0), range(1, MANY))
        for _ in range(rounds * SAMPLES):
            pairs["stat"].time(contestant.uri, lambda: ("domstats", "--balloon"), lambda: ("dommemstat",))
        calls, allCalls = bulkCalls(contestant.uri)
    finally:
        together(lambda domain: domain.destroy(), conn.listAllDomains())
    rows = [pairs[key].row(key, what, contestant.name, limit) for key, what, limit in MANY_ROWS]
    rows.append({"key": "command-bulk", "what": "its bulk calls, of %d calls in all" % allCalls, "unit": "", "daemon": contestant.name,
                 "ours": calls, "target": "1", "met": calls == 1})
    return rows


def measurePaused(contestants, rounds):
    """Rows with a paused QEMU of each contestant."""
    with tempfile.TemporaryDirectory(prefix="bench-command-") as folder:
        guests = [Guest(contestant, folder) for contestant in contestants]
        for number in range(rounds):
            for guest in guests if number % 2 else guests[::-1]:
                guest.round(number)
        return [row for guest in guests for row in guest.rows()]


def measure(contestants, rounds):
    """All rows."""
    # virtmemd first: libvirtd is busy for long when many guests have ended
    many = [measureMany(contestant, rounds) for contestant in contestants[::-1]]
    return measurePaused(contestants, rounds) + [row for rows in many[::-1] for row in rows]


def show(table):
    if not table:
        return
    print("\n%-38s %-10s %10s %13s %10s %16s" % ("", "on", "virsh", "virsh-memory", "more", "at most"))
    for row in table:
        if "virsh" in row:
            figures = tuple("%.3g ms" % row[key] for key in ("virsh", "ours", "more"))
        else:
            figures = ("", "%d" % row["ours"], "")
        print("%-38s %-10s %10s %13s %10s %16s  %s" % (row["what"], row["daemon"], *figures, row["target"], "met" if row["met"] else "MISSED"))
