# SPDX-License-Identifier: LGPL-2.1-or-later
"""mock.py: many guests that are no QEMU: each is a process that answers its monitor and does nothing else (fakeguest.c)."""

import os
import statistics
import time

import cases
from cases import FEW, MANY

FAKE = os.path.join(os.environ.get("MEM_TEST_BUILD_ROOT", "build"), "bench", "fakeguest")


def guestXml(name):
    return (cases.GUEST_XML % {"name": name}).replace("<devices>", "<devices><emulator>%s</emulator>" % FAKE)


def _perGuest(contestant, count, rounds):
    """Milliseconds per guest: the median of the rounds."""
    samples = []
    for _ in range(rounds):
        began = time.perf_counter()
        rows = cases.bulk(contestant.conn)
        samples.append((time.perf_counter() - began) / count * 1e3)
        if len(rows) != count or any("balloon.available" not in fields for _, fields in rows):
            raise RuntimeError("not all of %d guests answered" % count)
    return statistics.median(samples)


def _resident(contestant, domains):
    for domain in domains:
        domain.XMLDesc()
        domain.info()
        domain.memoryStats()
    return cases.status(contestant.pid, "VmRSS")


def measure(contestant, rounds):
    """The figures of cases.MOCK_ROWS."""
    figures, domains = {}, []
    try:
        for count, key in ((FEW, "perGuest"), (MANY, "perGuestMany")):
            while len(domains) < count:
                domains.append(contestant.conn.createXML(guestXml("mock-%d" % len(domains)), 0))
            resident = _resident(contestant, domains)
            figures[key] = _perGuest(contestant, count, rounds)
            figures.setdefault("fewResident", resident)
        figures["flat"] = figures["perGuestMany"] / figures["perGuest"]
        figures["rssPerGuest"] = (resident - figures.pop("fewResident")) / (MANY - FEW)
    finally:
        for domain in domains:
            domain.destroy()
    return figures
