#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""python_client.py: libvirt-python against the RPC layer: calls, errors, events, streams, keepalive."""

import threading
import unittest

import libvirt

from fake import FakeServer, waitFor

UUID = "00112233-4455-6677-8899-aabbccddeeff"


def quiet(*_):
    pass


class Python(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        libvirt.registerErrorHandler(quiet, None)
        libvirt.virEventRegisterDefaultImpl()

        def loop():
            while True:
                libvirt.virEventRunDefaultImpl()
        threading.Thread(target=loop, daemon=True).start()

    def setUp(self):
        self.server = FakeServer()
        self.server.__enter__()
        self.conn = libvirt.open(self.server.uri)

    def tearDown(self):
        self.conn.close()
        self.server.__exit__()

    def refused(self, code, domain, function, *args):
        with self.assertRaises(libvirt.libvirtError) as caught:
            function(*args)
        self.assertEqual((caught.exception.get_error_code(), caught.exception.get_error_domain()), (code, domain))
        return str(caught.exception)

    def testConnection(self):
        self.assertEqual(self.conn.getType(), "QEMU")
        self.assertEqual(self.conn.getVersion(), 7002022)
        self.assertGreaterEqual(self.conn.getLibVersion(), 9000000)
        self.assertEqual(self.conn.getInfo(), ["x86_64", 8192, 4, 2500, 2, 1, 2, 1])
        self.assertEqual(self.conn.isSecure(), 1)
        self.assertEqual(self.conn.isEncrypted(), 0)
        self.assertEqual(self.conn.isAlive(), 1)
        self.assertEqual(self.conn.getMaxVcpus("kvm"), 255)
        self.assertEqual(self.conn.getCPUMap(), (4, [True, True, True, False], 3))
        self.assertEqual(self.conn.getFreePages([4, 2048], 0, 1), {0: {4: 100, 2048: 101}})
        self.assertEqual(self.conn.getMemoryStats(-1)["total"], 1000)
        self.assertEqual(self.conn.getCellsFreeMemory(0, 2), [2147483648, 2147483649])
        self.assertEqual(self.conn.compareCPU("<cpu/>"), libvirt.VIR_CPU_COMPARE_IDENTICAL)
        self.assertEqual(self.conn.baselineCPU(["<cpu/>"]), "<cpu count='1'/>")
        self.assertEqual(self.conn.getCPUModelNames("x86_64"), ["qemu64", "Haswell"])
        self.assertEqual(self.conn.listDefinedDomains(), ["guest"])
        self.assertEqual(self.conn.listDomainsID(), [])
        self.assertEqual(self.conn.listDevices("pci"), [])

    def testDomain(self):
        dom = self.conn.lookupByUUIDString(UUID)
        self.assertEqual(dom.name(), "guest")
        self.assertEqual(dom.isActive(), 0)
        dom.create()
        self.assertEqual(dom.ID(), 1)
        self.assertEqual(dom.state(), [libvirt.VIR_DOMAIN_RUNNING, 1])
        self.assertEqual(dom.info(), [1, 1048576, 524288, 2, 1234567890123])
        self.assertEqual(dom.memoryStats(), {"actual": 524288, "last_update": 0, "rss": 77777})
        self.assertEqual(dom.maxMemory(), 1048576)
        self.assertEqual(dom.vcpus()[0][1], (1, 1, 1000, 1))
        self.assertEqual(dom.memoryParameters(0)["hard_limit"], 9007199254740991)
        dom.setMemoryParameters({"hard_limit": 1048576}, 0)
        self.assertEqual(dom.numaParameters(0), {"numa_nodeset": "0-1", "numa_mode": 0})
        self.assertEqual(dom.blockStats("vda"), (1, 2, 3, 4, -1))
        self.assertEqual(dom.jobInfo()[0], 0)
        self.assertEqual(dom.isUpdated(), 0)
        stats = self.conn.getAllDomainStats()[0]
        self.assertEqual(stats[0].name(), "guest")
        self.assertEqual(stats[1], {"state.state": -5, "vcpu.current": 2, "some.llong": -6, "balloon.current": 524288,
                                    "some.double": 1.5, "some.bool": True, "some.text": "page"})
        dom.destroy()

    def testErrors(self):
        self.assertIn("nobody", self.refused(42, 10, self.conn.lookupByName, "nobody"))
        self.refused(42, 10, self.conn.lookupByID, 77)
        dom = self.conn.lookupByName("guest")
        self.refused(55, 20, dom.destroy)
        self.refused(80, 20, dom.metadata, libvirt.VIR_DOMAIN_METADATA_TITLE, None)
        self.refused(3, 20, dom.save, "/tmp/x")
        # A number that the daemon has never heard of: the client makes it "not supported".
        self.refused(3, 7, dom.checkpointLookupByName, "x")
        self.refused(66, 30, self.conn.secretLookupByUsage, 1, "x")
        self.refused(50, 18, self.conn.storageVolLookupByPath, "/x")
        self.assertEqual(self.conn.isAlive(), 1)

    def testEvents(self):
        got = []

        def lifecycle(_, dom, event, detail, opaque):
            got.append((dom.name(), event, detail, opaque))
        one = self.conn.lookupByName("guest")
        first = self.conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle, "all")
        second = self.conn.domainEventRegisterAny(one, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle, "one")
        other = self.conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, quiet, None)
        one.create()
        waitFor("both callbacks see the start", lambda: len(got) == 2)
        self.assertEqual(sorted(got), [("guest", 2, 0, "all"), ("guest", 2, 0, "one")])
        self.conn.domainEventDeregisterAny(second)
        self.conn.domainEventDeregisterAny(other)
        one.suspend()
        one.resume()
        one.destroy()
        waitFor("three more for the one that is left", lambda: len(got) == 5)
        self.assertEqual(got[2:], [("guest", 3, 0, "all"), ("guest", 4, 0, "all"), ("guest", 5, 1, "all")])
        self.conn.domainEventDeregisterAny(first)

    def testEveryEvent(self):
        ids = [self.conn.domainEventRegisterAny(None, event, quiet, None) for event in range(27)]
        for callback in ids:
            self.conn.domainEventDeregisterAny(callback)

    def testConsole(self):
        dom = self.conn.lookupByName("guest")
        dom.create()
        stream = self.conn.newStream()
        dom.openConsole(None, stream)
        stream.send(b"hello guest")
        got = b""
        while len(got) < 11:
            got += stream.recv(64)
        self.assertEqual(got, b"HELLO GUEST")
        self.refused(9, 20, dom.openConsole, None, self.conn.newStream())
        stream.finish()
        stream = self.conn.newStream()
        dom.openConsole(None, stream)
        stream.abort()
        stream = self.conn.newStream()
        dom.openConsole(None, stream, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
        stream.finish()

    def testKeepalive(self):
        self.assertEqual(self.conn.setKeepAlive(1, 3), 0)
        self.assertEqual(self.conn.isAlive(), 1)

    def testManyThreads(self):
        """Calls of twenty threads on one connection, more than are worked on at once."""
        failures = []

        def work():
            try:
                for _ in range(100):
                    assert self.conn.lookupByName("guest").XMLDesc().startswith("<domain")
            except Exception as error:          # pylint: disable=broad-except
                failures.append(error)
        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def testCloseCallback(self):
        self.conn.registerCloseCallback(quiet, None)
        self.conn.unregisterCloseCallback()


if __name__ == "__main__":
    unittest.main()
