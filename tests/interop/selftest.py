#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""selftest.py: does the comparison itself see what it must see? Needs no daemon."""

import os
import sys
import unittest
import xml.etree.ElementTree as ElementTree

import generate
import known_differences
import normalise
import sample
import verdict

HERE = os.path.dirname(os.path.abspath(__file__))


def refused(code, message="x"):
    return {"define": code, "native": code, "said": {"define": message, "native": message}}


def accepted(argv=None, texts=()):
    return {"define": "ok", "native": "ok", "xml": list(texts), "argv": argv or {}, "said": {}}


class Normalise(unittest.TestCase):
    def testKeepsMemoryArgumentsOnly(self):
        argv = normalise.memoryArguments(
            "A=b /usr/bin/qemu -machine pc-q35-7.2,usb=off,nvdimm=on -m 1024 -smp 4"
            " -object '{\"qom-type\":\"secret\",\"id\":\"s\"}'"
            " -device '{\"driver\":\"qemu-xhci\"}'")
        self.assertEqual(argv, {"-machine": ["nvdimm=on"], "-m": ["1024"]})

    def testPlacementIsDroppedButNotADimmsBase(self):
        argv = normalise.memoryArguments(
            "qemu -device '{\"driver\":\"pc-dimm\",\"id\":\"dimm0\",\"addr\":4096}'"
            " -device '{\"driver\":\"virtio-mem-pci\",\"id\":\"v\",\"bus\":\"pci.1\","
            "\"addr\":\"0x0\"}'")
        self.assertEqual(argv["-device"], [
            {"driver": "pc-dimm", "id": "dimm0", "addr": 4096},
            {"driver": "virtio-mem-pci", "id": "v"}])

    def testOwnFolderOfMemPath(self):
        path = "-object '{\"qom-type\":\"memory-backend-file\",\"id\":\"%s\",\"mem-path\":\"%s\"}'"
        argv = normalise.memoryArguments("qemu " + path % ("a", "/x/y/ram/-1-g/dimm0") + " "
                                         + path % ("b", "/dev/hugepages/libvirt/qemu/-1-g"))
        self.assertEqual([item["mem-path"] for item in argv["-object"]],
                         ["RAM/-1-g/dimm0", "/dev/hugepages/libvirt/qemu/-1-g"])

    def testXmlKeepsSlotsAndDropsPci(self):
        texts = normalise.memoryElements(
            "<domain><memory unit='KiB'>1</memory><vcpu>1</vcpu><devices><memory model='dimm'>"
            "<address type='dimm' slot='2'/></memory><memballoon model='virtio'>"
            "<address type='pci' bus='0x01'/></memballoon></devices></domain>")
        self.assertEqual(texts, [
            "<memory unit='KiB'>1</memory>",
            "<memory model='dimm'><address slot='2' type='dimm'/></memory>",
            "<memballoon model='virtio'/>"])


class Verdict(unittest.TestCase):
    def testEachPartCounts(self):
        same = accepted({"-m": ["1"]}, ["<memory/>"])
        self.assertEqual(verdict.disagreements(same, dict(same)), [])
        self.assertTrue(verdict.disagreements(same, refused("XML_ERROR")))
        self.assertTrue(verdict.disagreements(same, accepted({"-m": ["2"]}, ["<memory/>"])))
        self.assertTrue(verdict.disagreements(same, accepted({"-m": ["1"]}, ["<memory a='1'/>"])))
        self.assertTrue(verdict.disagreements(refused("XML_ERROR"), refused("XML_DETAIL")))

    def testMessagesDoNotCount(self):
        self.assertEqual(
            verdict.disagreements(refused("XML_ERROR", "a"), refused("XML_ERROR", "b")), [])


class Generator(unittest.TestCase):
    def testSameSeedSameText(self):
        first = [case.xml for case in generate.cases("selftest", 50)]
        self.assertEqual(first, [case.xml for case in generate.cases("selftest", 50)])
        self.assertNotEqual(first, [case.xml for case in generate.cases("other", 50)])

    def testEveryCaseIsWellFormed(self):
        for case in generate.cases("selftest", 300):
            ElementTree.fromstring(case.xml)


class KnownDifferences(unittest.TestCase):
    def testDocumentAndMatchersNameTheSame(self):
        self.assertEqual(known_differences.check(), [])
        self.assertTrue(known_differences.documentedIds())

    def testAMatcherIsNoExcuseForMore(self):
        strange = "<domain><memory>1<strange/></memory></domain>"
        plain = "<domain><memory>1</memory></domain>"
        ours = refused("CONFIG_UNSUPPORTED", "element '<strange>' in '<memory>'")
        self.assertEqual(known_differences.explain(strange, accepted(), ours), "unknown-element")
        self.assertIsNone(known_differences.explain(plain, accepted(), ours))
        self.assertIsNone(known_differences.explain(strange, accepted(), refused("XML_ERROR")))


class Sample(unittest.TestCase):
    def testRecordedAnswersAreBroad(self):
        records = sample.read(os.path.join(HERE, "answers.jsonl"))
        self.assertGreaterEqual(len(records), 200)
        self.assertEqual(len({record["name"] for record in records}), len(records))
        codes = {record["answer"]["define"] for record in records}
        self.assertLessEqual(
            {"ok", "XML_ERROR", "XML_DETAIL", "CONFIG_UNSUPPORTED", "INTERNAL_ERROR", "INVALID_ARG",
             "OVERFLOW"}, codes)
        accepted_ = sum(record["answer"]["define"] == "ok" for record in records)
        self.assertGreater(accepted_, len(records) // 4)


if __name__ == "__main__":
    if not unittest.main(exit=False).result.wasSuccessful():
        print("again: %s" % os.path.abspath(__file__), file=sys.stderr)
        sys.exit(1)
