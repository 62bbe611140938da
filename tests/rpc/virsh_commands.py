#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virsh_commands.py: stock virsh against the RPC layer: every command that the daemon serves, and some that it does not.

The double of the driver gives fixed answers, so what is checked is the way there and back.
"""

import os
import pty
import select
import subprocess
import tempfile
import unittest

from fake import DEADLINE_SECONDS, FakeServer, virsh

UUID = "00112233-4455-6677-8899-aabbccddeeff"
OTHER = "<domain><name>other</name><uuid>10000000-0000-0000-0000-000000000000</uuid></domain>"

# Words of the command, then what its output must contain. In order: the domain is started and ended on the way.
SERVED = [
    ("version", "Running hypervisor: QEMU 7.2.22"),
    ("hostname", ""),
    ("nodeinfo", "NUMA cell(s):        2"),
    ("capabilities", "<capabilities>"),
    ("domcapabilities", "<domainCapabilities>"),
    ("cpu-models x86_64", "Haswell"),
    ("maxvcpus", "255"),
    ("nodecpumap", "yyy-"),
    ("nodecpustats", "iowait:"),
    ("nodememstats", "cached :                 4000 KiB"),
    ("nodememstats 0", "free   :                 2000 KiB"),
    ("node-memory-tune", "shm_pages_to_scan 100"),
    ("node-memory-tune --shm-pages-to-scan 200", ""),
    ("freecell", "Total: 4194304 KiB"),
    ("freecell --all", "0:    2097152 KiB"),
    ("freepages --cellno 0 --pagesize 4", "4KiB: 100"),
    ("allocpages --pagesize 2048 --pagecount 1 --cellno 0", ""),
    ("list --all", "guest   shut off"),
    ("list --all --uuid", UUID),
    ("list --all --title", "guest"),
    ("domuuid guest", UUID),
    ("domname " + UUID, "guest"),
    ("domid guest", "-"),
    ("dominfo guest", "Max memory:     1048576 KiB"),
    ("domstate guest --reason", "shut off (unknown)"),
    ("dumpxml guest", "<name>guest</name>"),
    ("dumpxml guest --inactive", "<name>guest</name>"),
    ("domxml-to-native qemu-argv --domain guest", "qemu-argv:"),
    ("autostart guest", "marked as autostarted"),
    ("autostart --disable guest", "unmarked as autostarted"),
    ("desc guest", "No description for domain"),
    ("desc guest words", "updated"),
    ("desc guest", "words"),
    ("metadata guest http://example.org/ --key k --set <x/>", ""),
    ("memtune guest", "hard_limit     : unlimited"),
    ("memtune guest --hard-limit 1048576", ""),
    ("numatune guest", "numa_nodeset   : 0-1"),
    ("numatune guest --nodeset 1", ""),
    ("start guest --paused", "started"),
    ("domid guest", "1"),
    ("resume guest", "resumed"),
    ("suspend guest", "suspended"),
    ("resume guest", "resumed"),
    ("domstate guest", "running"),
    ("list", "running"),
    ("vcpucount guest", "maximum      live           2"),
    ("vcpuinfo guest", "CPU Affinity:   yy--"),
    ("dommemstat guest", "actual 524288"),
    ("dommemstat guest --period 2", ""),
    ("domstats guest", "balloon.current=524288"),
    ("domblkstat guest vda", "vda rd_req 1"),
    ("domifstat guest tap0", "tap0 rx_packets 1"),
    ("domcontrol guest", "ok"),
    ("domjobinfo guest", "None"),
    ("domblklist guest", ""),
    ("domiflist guest", ""),
    ("setmem guest 262144", ""),
    ("setmaxmem guest 1048576 --config", ""),
    ("setvcpus guest 2", ""),
    ("qemu-monitor-command guest {}", '{"return":{}}'),
    ("inject-nmi guest", ""),
    ("reboot guest", "being rebooted"),
    ("reset guest", "was reset"),
    ("shutdown guest", "being shutdown"),
    ("start guest", "started"),
    ("destroy --graceful guest", "destroyed"),
    ("start guest", "started"),
    ("destroy guest", "destroyed"),
    ("net-list", ""),
    ("pool-list", ""),
    ("iface-list", ""),
    ("nodedev-list", ""),
    ("nwfilter-list", ""),
    ("secret-list", ""),
    ("snapshot-list guest", ""),
    ("undefine guest", "undefined"),
]

# Refused, and the connection goes on: "domname" after it, on the same connection, must still answer.
REFUSED = [
    ("save guest /tmp/x", "not supported"),
    ("managedsave guest", "not supported"),
    ("dump guest /tmp/x", "not supported"),
    ("screenshot guest", "not supported"),
    ("send-key guest KEY_A", "not supported"),
    ("domrename guest g", "not supported"),
    ("checkpoint-list guest", "unknown procedure"),
    ("vol-list pool", "unknown procedure"),
    ("start nobody", "failed to get domain 'nobody'"),
    ("domtime guest", "not supported"),
    ("guestinfo guest", "not supported"),
    ("net-start default", "unknown procedure"),
]


class Virsh(unittest.TestCase):
    def testServed(self):
        with FakeServer() as server:
            for command, wanted in SERVED:
                with self.subTest(command):
                    status, out, err = virsh(server.uri, *command.split(" "))
                    self.assertEqual((status, err), (0, ""))
                    self.assertIn(wanted, out)

    def testFiles(self):
        with FakeServer() as server, tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(OTHER)
            file.flush()
            for command, wanted in [("define", "defined"), ("create", "created")]:
                status, out, err = virsh(server.uri, command, file.name)
                self.assertEqual((status, err), (0, ""))
                self.assertIn(wanted, out)
            self.assertEqual(virsh(server.uri, "domid", "other")[1], "1")

    def testRefused(self):
        with FakeServer() as server:
            for command, wanted in REFUSED:
                with self.subTest(command):
                    # Two commands on one connection.
                    _, out, err = virsh(server.uri, command + "; domname " + UUID)
                    self.assertIn(wanted, err)
                    self.assertEqual(out.strip().splitlines()[-1:], ["guest"])

    def testReadonly(self):
        with FakeServer() as server:
            self.assertIn("guest", virsh(server.uriReadonly, "list", "--all")[1])
            self.assertIn("guest", virsh(server.uri, "list", "--all", readonly=True)[1])
            status, _, err = virsh(server.uriReadonly, "start", "guest")
            self.assertEqual(status, 1)
            self.assertIn("read only access prevents 'DOMAIN_CREATE'", err)
            self.assertEqual(virsh(server.uri, "domstate", "guest")[1], "shut off")

    def testUri(self):
        with FakeServer() as server:
            self.assertEqual(virsh(server.uri, "uri")[1], server.uri)
            for good in ("qemu+unix:///system", "mem+unix:///system", "mem+unix:///session", "remote+unix:///"):
                uri = good + server.uri[server.uri.index("?"):]
                self.assertEqual(virsh(uri, "domname", UUID), (0, "guest", ""))
            for bad in ("test+unix:///default", "qemu+unix:///else"):
                uri = bad + server.uri[server.uri.index("?"):]
                self.assertEqual(virsh(uri, "domname", UUID)[0], 1)

    def testEvents(self):
        with FakeServer() as server:
            listener = subprocess.Popen(["virsh", "-q", "-c", server.uri, "event", "--all", "--loop"],
                                        stdout=subprocess.PIPE, text=True, env=dict(os.environ, LC_ALL="C"))
            try:
                # It has no word for "listening": make events until one has come.
                while not select.select([listener.stdout], [], [], 0.05)[0]:
                    virsh(server.uri, "start", "guest")
                    virsh(server.uri, "destroy", "guest")
                virsh(server.uri, "undefine", "guest")
                line = ""
                while "Undefined" not in line:
                    line = listener.stdout.readline()
                    self.assertIn("event 'lifecycle' for domain 'guest':", line)
            finally:
                listener.terminate()
                listener.wait(DEADLINE_SECONDS)
                listener.stdout.close()

    def testConsole(self):
        with FakeServer() as server:
            virsh(server.uri, "start", "guest")
            pid, terminal = pty.fork()
            if pid == 0:
                os.execvp("virsh", ["virsh", "-c", server.uri, "console", "guest"])
            seen = self.readUntil(terminal, b"", b"Escape character")
            # virsh throws away what was typed before it has the terminal in raw mode, and does not say when.
            while b"Q" not in seen:
                os.write(terminal, b"q")
                if select.select([terminal], [], [], 0.05)[0]:
                    seen += os.read(terminal, 4096)
            os.write(terminal, b"hello guest")
            seen = self.readUntil(terminal, seen, b"HELLO GUEST")
            os.write(terminal, b"\x1d")
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
            os.close(terminal)

    def readUntil(self, terminal, seen, wanted):
        while wanted not in seen:
            if not select.select([terminal], [], [], DEADLINE_SECONDS)[0]:
                self.fail("%r does not come after %r" % (wanted, seen))
            seen += os.read(terminal, 4096)
        return seen


if __name__ == "__main__":
    unittest.main()
