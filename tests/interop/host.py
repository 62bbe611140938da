#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""host.py: what virtmemd says of the host and its emulators, beside what stock libvirtd says.

    host.py [VIRTMEMD]

Figures that move between two calls are compared by shape, errors by their code, the capabilities documents by what
clients read from them.
"""

import sys
import tempfile
import unittest
import xml.etree.ElementTree as ET

import libvirt
import peers

ARCHES = ("x86_64", "aarch64", "ppc64", "s390x")
CPU = "<cpu><arch>%s</arch><model>%s</model></cpu>"


def outcome(call, conn):
    try:
        return call(conn)
    except libvirt.libvirtError as error:
        return ("error", error.get_error_code())


def shape(value):
    """The value without its moving numbers."""
    if isinstance(value, dict):
        return {key: "number" for key in value}
    if isinstance(value, list):
        return ["number" for _ in value]
    return value if isinstance(value, tuple) else "number"


def machines(arch):
    return sorted((item.text, item.get("canonical"), item.get("maxCpus"), item.get("deprecated"))
                  for item in arch.findall("machine"))


def attributes(elements):
    return [(element.tag, sorted(element.attrib.items()), (element.text or "").strip()) for element in elements]


class Host(unittest.TestCase):
    virtmemd = "virtmemd"

    @classmethod
    def setUpClass(cls):
        libvirt.registerErrorHandler(lambda *_: None, None)
        cls.scratch = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.stock = cls.enterClassContext(peers.StockPeer(cls.scratch + "/stock"))
        cls.ours = cls.enterClassContext(peers.VirtmemdPeer(cls.scratch + "/ours", cls.virtmemd))
        cls.conns = [libvirt.open(peer.uri) for peer in (cls.ours, cls.stock)]
        cls.addClassCleanup(lambda: [conn.close() for conn in cls.conns])

    def both(self, call):
        return [outcome(call, conn) for conn in self.conns]

    def assertSame(self, call):
        ours, stock = self.both(call)
        self.assertEqual(ours, stock)

    def assertSameShape(self, call):
        ours, stock = self.both(call)
        self.assertEqual(shape(ours), shape(stock))

    def testExact(self):
        for name, call in {
                "info": lambda c: [value for i, value in enumerate(c.getInfo()) if i != 1],
                "cpu map": lambda c: c.getCPUMap(),
                "version": lambda c: c.getVersion(),
                "hostname": lambda c: c.getHostname(),
                "ksm": lambda c: c.getMemoryParameters(),
                "huge pages": lambda c: c.getFreePages([2048], 0, 1),
                "no cell": lambda c: c.getFreePages([2048], 7, 1),
                "no size": lambda c: c.getFreePages([8], 0, 1),
                "no free cell": lambda c: c.getCellsFreeMemory(7, 1),
                "no stats cell": lambda c: c.getMemoryStats(7),
                "no CPU": lambda c: c.getCPUStats(7000),
                "base pages": lambda c: c.allocPages({4: 10}, 0, 1),
                "odd pages": lambda c: c.allocPages({8: 10}, 0, 1),
                "pages nowhere": lambda c: c.allocPages({2048: 1}, 7, 1),
                "ksm read only": lambda c: c.setMemoryParameters({"shm_full_scans": 1}),
                "models of": lambda c: c.getCPUModelNames("foo"),
                "models Arm": lambda c: c.getCPUModelNames("aarch64"),
                "max of": lambda c: c.getMaxVcpus("xen"),
                "no machine": lambda c: c.getDomainCapabilities(None, "x86_64", "foo", "qemu"),
                "no arch": lambda c: c.getDomainCapabilities(None, "foo", None, "qemu"),
                "no emulator": lambda c: c.getDomainCapabilities("/nonexistent", None, None, None),
                "not executable": lambda c: c.getDomainCapabilities("/etc/passwd", None, None, None),
                "other arch": lambda c: c.getDomainCapabilities("/usr/bin/qemu-system-x86_64", "aarch64", None, None),
                "no type": lambda c: c.getDomainCapabilities(None, "x86_64", None, "xen"),
                "flags": lambda c: c.getDomainCapabilities(None, "x86_64", None, "qemu", 1),
                "older CPU": lambda c: c.compareCPU(CPU % ("x86_64", "pentium3")),
                "foreign CPU": lambda c: c.compareCPU(CPU % ("aarch64", "x")),
                "unknown CPU": lambda c: c.compareCPU(CPU % ("x86_64", "Nope")),
                "no CPU XML": lambda c: c.compareCPU("<foo/>"),
                "cut CPU XML": lambda c: c.compareCPU("<cpu>"),
                "no baseline": lambda c: c.baselineCPU([CPU % ("x86_64", "Nope")]),
        }.items():
            with self.subTest(name):
                self.assertSame(call)

    def testShapes(self):
        for name, call in {
                "memory": lambda c: c.getMemoryStats(-1),
                "memory of a cell": lambda c: c.getMemoryStats(0),
                "CPU": lambda c: c.getCPUStats(-1),
                "one CPU": lambda c: c.getCPUStats(0),
                "free": lambda c: c.getFreeMemory(),
                "cells": lambda c: c.getCellsFreeMemory(0, 8),
                "pages": lambda c: c.getFreePages([4], 0, 8)[0],
        }.items():
            with self.subTest(name):
                self.assertSameShape(call)

    def testCapabilities(self):
        ours, stock = (ET.fromstring(text) for text in self.both(lambda c: c.getCapabilities()))
        for path in ("host/cpu/arch", "host/cpu/vendor", "host/cpu/microcode", "host/cpu/signature", "host/cpu/topology",
                     "host/cpu/maxphysaddr", "host/cpu/pages", "host/topology/cells", "host/topology/cells/cell",
                     "host/topology/cells/cell/distances/sibling", "host/topology/cells/cell/cpus",
                     "host/topology/cells/cell/cpus/cpu"):
            with self.subTest(path):
                self.assertEqual(attributes(ours.findall(path)), attributes(stock.findall(path)))
        for name in ARCHES:
            with self.subTest(name):
                mine, theirs = (doc.find("guest/arch[@name='%s']" % name) for doc in (ours, stock))
                self.assertEqual(mine.findtext("emulator"), theirs.findtext("emulator"))
                self.assertEqual(mine.findtext("wordsize"), theirs.findtext("wordsize"))
                self.assertEqual(machines(mine), machines(theirs))

    def testDomainCapabilities(self):
        for arch, machine in (("x86_64", "pc"), ("x86_64", "q35"), ("aarch64", "virt"), ("ppc64", "pseries"),
                              ("s390x", "s390-ccw-virtio"), ("x86_64", None)):
            with self.subTest(arch=arch, machine=machine):
                ours, stock = (ET.fromstring(text) for text in self.both(
                    lambda c: c.getDomainCapabilities(None, arch, machine, "qemu")))
                for path in ("path", "domain", "machine", "arch", "vcpu", "iothreads", "memoryBacking",
                             "memoryBacking/enum/value", "os/loader/enum[@name='type']/value"):
                    self.assertEqual(attributes(ours.findall(path)), attributes(stock.findall(path)), path)
                self.assertOffersLess(ours, stock)

    def assertOffersLess(self, ours, stock):
        """What we say can be done, stock libvirt on the same QEMU says too."""
        for element in ours.findall("devices/*"):
            theirs = stock.find("devices/" + element.tag)
            for enum in element.findall("enum"):
                mine = {value.text for value in enum.findall("value")}
                can = {value.text for value in theirs.findall("enum[@name='%s']/value" % enum.get("name"))}
                self.assertLessEqual(mine, can, "%s %s" % (element.tag, enum.get("name")))

    def testOwnCpu(self):
        conn = self.conns[0]
        cpu = ET.tostring(ET.fromstring(conn.getCapabilities()).find("host/cpu"), encoding="unicode")
        self.assertEqual(conn.compareCPU(cpu), libvirt.VIR_CPU_COMPARE_IDENTICAL)
        baseline = conn.baselineCPU([cpu], libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES)
        self.assertIn("<feature policy='require' name='sse2'/>", baseline)
        self.assertEqual(conn.compareCPU(baseline), libvirt.VIR_CPU_COMPARE_IDENTICAL)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        Host.virtmemd = sys.argv.pop(1)
    unittest.main()
