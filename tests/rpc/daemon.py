#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""daemon.py: virtmemd's options, folders, sockets, signals and ways of being started, over the double of the driver."""

import os
import pwd
import resource
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
import unittest

from fake import BUILD, DEADLINE_SECONDS, virsh, waitFor

DAEMON = os.path.join(BUILD, "virtmemd-fake")
UUID = "00112233-4455-6677-8899-aabbccddeeff"
CLIENTS = 1000
SECONDS_TO_BE_GONE = 10


def answers(path):
    client = socket.socket(socket.AF_UNIX)
    try:
        client.connect(path)
        return True
    except OSError:
        return False
    finally:
        client.close()


def uriOf(path):
    return "qemu+unix:///session?socket=" + path


class Daemon(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="virtmemd-")
        self.socket = os.path.join(self.folder, "root/run/virtmemd-sock")
        self.processes = []

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(DEADLINE_SECONDS)
            process.stderr.close()
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, *options, wait=True, **kwargs):
        command = [DAEMON, "--root", self.path("root")] + list(options)
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **kwargs)
        self.processes.append(process)
        if wait:
            waitFor("the daemon answers", lambda: answers(self.socket))
        return process

    def run_(self, *options):
        done = subprocess.run([DAEMON] + list(options), capture_output=True, text=True, timeout=DEADLINE_SECONDS)
        return done.returncode, done.stdout, done.stderr

    # ---- command line ----

    def testHelp(self):
        status, out, err = self.run_("--help")
        self.assertEqual((status, err), (0, ""))
        self.assertLessEqual(max(len(line) for line in out.splitlines()), 80)
        for option in ("--root", "--listen", "--timeout", "--log-level", "--version", "--help"):
            self.assertIn(option, out)
        self.assertEqual(self.run_("-h")[1], out)
        self.assertRegex(self.run_("--version")[1], r"^virtmemd \(libvirt-memory\) \d+\.\d+\.\d+\n$")

    def testBadOptions(self):
        for options, wanted in [(["--bogus"], "--bogus"), (["word"], "'word'"), (["--timeout", "x"], "'x'"),
                                (["--timeout=-1"], "'-1'"), (["--timeout"], "--timeout"),
                                (["--log-level", "loud"], "'loud'"), (["--root", ""], "''")]:
            with self.subTest(options):
                status, out, err = self.run_(*options)
                self.assertEqual((status, out), (2, ""))
                self.assertIn(wanted, err)
                self.assertNotIn("\n", err[:-len("\nTry 'virtmemd --help'.\n")])

    # ---- folders and sockets ----

    def testPrivate(self):
        self.start("--listen", self.path("virtqemud-sock"))
        for folder, _, names in os.walk(self.path("root")):
            self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700, folder)
            for name in names:
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode), 0o600, name)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("virtqemud-sock")).st_mode), 0o600)
        for name in ("etc", "lib", "cache", "log", "run/virtmemd-sock", "run/virtmemd-sock-ro"):
            self.assertTrue(os.path.exists(self.path("root/" + name)), name)
        self.assertEqual(virsh(uriOf(self.path("virtqemud-sock")), "domname", UUID)[1], "guest")
        self.assertEqual(virsh(uriOf(self.socket), "start", "guest")[0], 0)
        self.assertIn("read only", virsh(uriOf(self.socket + "-ro"), "destroy", "guest")[2])

    def testOtherUser(self):
        """The kernel tells who connects: with the file modes out of the way, another user is still turned away."""
        if os.geteuid() != 0:
            self.fail("this test must run as root: it becomes another user")
        self.start()
        for folder in (self.folder, self.path("root"), self.path("root/run")):
            os.chmod(folder, 0o755)
        os.chmod(self.socket, 0o666)
        nobody = pwd.getpwnam("nobody").pw_uid
        code = ("import os, socket\nos.setuid(%d)\ns = socket.socket(socket.AF_UNIX)\ns.connect(%r)\n"
                "print(len(s.recv(1)))" % (nobody, self.socket))
        done = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True, timeout=DEADLINE_SECONDS)
        self.assertEqual(done.stdout, "0\n", done.stderr)

    def testSecondDaemon(self):
        first = self.start()
        second = self.start(wait=False)
        self.assertEqual(second.wait(DEADLINE_SECONDS), 1)
        self.assertIn("another virtmemd (pid %d) is running here" % first.pid, second.stderr.read())
        self.assertTrue(answers(self.socket))

    def testSocketInTheWay(self):
        other = socket.socket(socket.AF_UNIX)
        other.bind(self.path("busy"))
        other.listen()
        with open(self.path("file"), "w"):
            pass
        for name, wanted in [("busy", "another program serves"), ("file", "is not a socket"),
                             ("x" * 120, "longer than 107 bytes"), ("no/such/folder", "No such file or directory")]:
            with self.subTest(name):
                process = self.start("--listen", self.path(name), wait=False)
                self.assertEqual(process.wait(DEADLINE_SECONDS), 1)
                error = process.stderr.read()
                self.assertIn(wanted, error)
                self.assertIn(name, error)
        self.assertTrue(os.path.exists(self.path("file")))
        self.assertTrue(answers(self.path("busy")))
        other.close()

    def testAfterKill(self):
        first = self.start()
        first.kill()
        first.wait(DEADLINE_SECONDS)
        self.assertTrue(os.path.exists(self.socket))
        self.start()
        self.assertEqual(virsh(uriOf(self.socket), "domname", UUID)[1], "guest")

    # ---- leaving ----

    def testSignals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            process = self.start()
            process.send_signal(signal.SIGHUP)
            self.assertTrue(answers(self.socket))
            process.send_signal(number)
            self.assertEqual(process.wait(DEADLINE_SECONDS), 0)
            self.assertFalse(os.path.exists(self.socket))
            self.assertFalse(os.path.exists(self.socket + "-ro"))

    def testTimeout(self):
        """It stays while there is a client or a guest, and leaves when both have been gone for a second."""
        process = self.start("--timeout=1")
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.socket)
        self.assertEqual(virsh(uriOf(self.socket), "start", "guest")[0], 0)
        client.close()
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(2)
        self.assertEqual(virsh(uriOf(self.socket), "destroy", "guest")[0], 0)
        begin = time.monotonic()
        self.assertEqual(process.wait(SECONDS_TO_BE_GONE), 0)
        self.assertGreater(time.monotonic() - begin, 0.5)

    # ---- systemd ----

    def testSocketActivation(self):
        listeners = []
        for name in ("rw", "ro"):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(self.path(name))
            listener.listen()
            listeners.append(listener)
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(self.path("notify"))
        notify.settimeout(DEADLINE_SECONDS)
        # A shell moves the sockets to where systemd has them, and keeps its process id for the daemon.
        script = "exec 3<&%d 4<&%d; LISTEN_PID=$$ exec \"$@\"" % (listeners[0].fileno(), listeners[1].fileno())
        environment = dict(os.environ, LISTEN_FDS="2", LISTEN_FDNAMES="virtmemd.socket:virtmemd-ro.socket",
                           NOTIFY_SOCKET=self.path("notify"))
        process = subprocess.Popen(["bash", "-c", script, "bash", DAEMON, "--root", self.path("root")],
                                   stderr=subprocess.PIPE, text=True, env=environment,
                                   pass_fds=[listener.fileno() for listener in listeners])
        self.processes.append(process)
        self.assertEqual(notify.recv(100), b"READY=1")
        self.assertEqual(virsh(uriOf(self.path("rw")), "start", "guest")[0], 0)
        self.assertIn("read only", virsh(uriOf(self.path("ro")), "destroy", "guest")[2])
        self.assertFalse(os.path.exists(self.socket))
        process.terminate()
        self.assertEqual(notify.recv(100), b"STOPPING=1")
        self.assertEqual(process.wait(DEADLINE_SECONDS), 0)
        self.assertTrue(os.path.exists(self.path("rw")))
        for each in listeners + [notify]:
            each.close()

    # ---- the session daemon that libvirt.so starts ----

    def testSpawned(self):
        if os.geteuid() != 0:
            self.fail("this test must run as root: it becomes another user")
        nobody = pwd.getpwnam("nobody")
        os.chmod(self.folder, 0o755)
        os.mkdir(self.path("bin"))
        shutil.copy(DAEMON, self.path("bin/virtmemd"))
        for name in ("home", "runtime"):
            os.mkdir(self.path(name), 0o700)
            os.chown(self.path(name), nobody.pw_uid, nobody.pw_gid)
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": self.path("home"), "VIRTD_PATH": self.path("bin")}

        def becomeNobody():
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)

        for runtime, pidFile in [(self.path("runtime"), "runtime/libvirt/virtmemd.pid"),
                                 (None, "home/.cache/libvirt/virtmemd.pid")]:
            if runtime:
                environment["XDG_RUNTIME_DIR"] = runtime
            else:
                del environment["XDG_RUNTIME_DIR"]
            done = subprocess.run(["virsh", "-c", "mem:///session?mode=direct", "domname", UUID], capture_output=True,
                                  text=True, timeout=DEADLINE_SECONDS, env=environment, preexec_fn=becomeNobody, cwd="/")
            self.assertEqual((done.stdout.strip(), done.stderr), ("guest", ""))
            with open(self.path(pidFile)) as file:
                pid = int(file.read())
            with open("/proc/%d/cmdline" % pid, "rb") as file:
                self.assertIn(b"\0--timeout=120\0", file.read())
            self.assertFalse(os.path.exists(os.path.join(os.path.dirname(self.path(pidFile)), "virtmemd-sock-ro")))
            os.kill(pid, signal.SIGTERM)
            waitFor("the daemon leaves", lambda pid=pid: not os.path.exists("/proc/%d" % pid))

    # ---- many ----

    def testManyConnections(self):
        """A thousand connections that say nothing cost nobody anything, and leave nothing behind."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        process = self.start()

        def descriptors():
            return len(os.listdir("/proc/%d/fd" % process.pid))
        before = descriptors()
        clients = []
        for _ in range(CLIENTS):
            client = socket.socket(socket.AF_UNIX)
            client.connect(self.socket)
            clients.append(client)
        self.assertEqual(virsh(uriOf(self.socket), "domname", UUID)[1], "guest")
        for number, client in enumerate(clients):
            if number % 2:
                client.send(b"\xff" * 64)
        self.assertEqual(virsh(uriOf(self.socket), "domname", UUID)[1], "guest")
        for client in clients:
            client.close()
        waitFor("all descriptors are closed", lambda: descriptors() == before)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


if __name__ == "__main__":
    unittest.main()
