#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stock libvirtd of one's own, in a private mount namespace under a folder.

As a module:

    with StockLibvirtd(folder) as stock:
        conn = libvirt.open(stock.uri)

As a command:

    stock_libvirtd.py start DIR     prints the URI that reaches it
    stock_libvirtd.py stop DIR

DIR holds everything it writes (run, lib, cache, etc, log); the host's own /etc/libvirt, with its
networks, is neither read nor touched. Needs root and the Debian packages libvirt-daemon-system and
libvirt-daemon-driver-qemu.
"""

import os
import signal
import subprocess
import sys
import time

HUGEPAGES = "/dev/hugepages"
START_SECONDS = 60
STOP_SECONDS = 20

QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = [%s]
remember_owner = 0
stdio_handler = "file"
hugetlbfs_mount = "%s"
"""

LIBVIRTD_CONF = """\
log_outputs = "%(level)s:file:%(folder)s/log/libvirtd.log"
log_filters = "%(filters)s"
auth_unix_rw = "none"
auth_unix_ro = "none"
max_clients = 5000
max_anonymous_clients = 200
"""

# Probing every installed QEMU takes a minute: those not named here are hidden from this daemon.
EMULATORS = ("x86_64", "aarch64", "ppc64", "s390x")

# What a guest's control group is for, when it has one.
CONTROLLERS = ("memory", "cpuset")

# The folders of libvirt that each daemon gets for itself: name under DIR, place in the namespace.
BINDS = (
    ("run", "/run/libvirt"),
    ("lib", "/var/lib/libvirt"),
    ("cache", "/var/cache/libvirt"),
    ("etc", "/etc/libvirt"),
    ("log", "/var/log/libvirt"),
)


def hugepagesMountScript():
    """Shell text for inside a private mount namespace: exactly one hugetlbfs, of 2 MiB pages."""
    return (
        "mkdir -p {0} && mount -t hugetlbfs -o pagesize=2M hugetlbfs {0}".format(HUGEPAGES))


def _hideEmulatorsScript():
    kept = "|".join("/usr/bin/qemu-system-" + name for name in EMULATORS)
    return (
        "for emulator in /usr/bin/qemu-system-*; do"
        " [ -L $emulator ] && continue;"
        " case $emulator in %s) ;; *) mount --bind /dev/null $emulator ;; esac; done" % kept)


def _oneCgroupVersionScript():
    """libvirt 9.0 starts no guest where version 1 has the controllers and version 2 is mounted beside it without any."""
    return "grep -q '^[^ ]* [^ ]* cgroup .*memory' /proc/mounts && umount -a -t cgroup2 || true"


class StockLibvirtd:
    """One private libvirtd; the folder is created when missing and kept afterwards. Guests get control groups on demand."""

    def __init__(self, folder, logLevel=3, logFilters="", groups=False):
        self.folder = os.path.abspath(folder)
        self.groups = groups
        self.logLevel = logLevel
        self.logFilters = logFilters
        self.process = None

    @property
    def socket(self):
        return os.path.join(self.folder, "run", "libvirt-sock")

    @property
    def uri(self):
        return "qemu+unix:///system?socket=" + self.socket

    @property
    def pidFile(self):
        return os.path.join(self.folder, "pid")

    def start(self):
        """Starts the daemon and waits until it answers; raises RuntimeError with its last words."""
        self._writeFolder()
        binds = "\n".join(
            'mkdir -p %s && mount --bind "$0/%s" %s' % (place, name, place)
            for name, place in BINDS)
        script = "\n".join((
            "set -e", hugepagesMountScript(), _hideEmulatorsScript(), binds, _oneCgroupVersionScript() if self.groups else "",
            'exec libvirtd --pid-file "$0/pid"'))
        with open(os.path.join(self.folder, "out"), "wb") as out:
            self.process = subprocess.Popen(
                ["unshare", "-m", "bash", "-c", script, self.folder],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        self._waitAnswer()
        return self

    def stop(self):
        """Ends the daemon (not its guests) and waits until it is gone."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
            return
        _endPid(_readPid(self.pidFile))

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _writeFolder(self):
        for name in ("run", "lib/qemu", "cache", "etc/qemu", "log/qemu"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        with open(os.path.join(self.folder, "etc", "qemu.conf"), "w") as conf:
            conf.write(QEMU_CONF % (", ".join('"%s"' % name for name in CONTROLLERS if self.groups), HUGEPAGES))
        with open(os.path.join(self.folder, "etc", "libvirtd.conf"), "w") as conf:
            conf.write(LIBVIRTD_CONF % {
                "level": self.logLevel, "filters": self.logFilters, "folder": self.folder})

    def _waitAnswer(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            probe = subprocess.run(
                ["virsh", "-c", self.uri, "version"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if probe.returncode == 0:
                return
            time.sleep(0.1)
        with open(os.path.join(self.folder, "out"), errors="replace") as out:
            words = out.read()[-2000:]
        self.stop()
        raise RuntimeError("stock libvirtd under '%s' did not answer: %s" % (self.folder, words))


def _readPid(path):
    with open(path) as pid:
        return int(pid.read())


def _endPid(pid):
    deadline = time.monotonic() + STOP_SECONDS
    try:
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def main(arguments):
    if len(arguments) != 2 or arguments[0] not in ("start", "stop"):
        print("usage: stock_libvirtd.py start|stop DIR", file=sys.stderr)
        return 2
    stock = StockLibvirtd(arguments[1])
    if arguments[0] == "start":
        print(stock.start().uri)
    else:
        stock.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
