# SPDX-License-Identifier: LGPL-2.1-or-later
"""guest.py: a real Linux guest on any libvirt connection, and questions to it.

    with Guest(uri, 'boot', devices=DIMM) as guest:
        print(guest.memTotalKib())

The domain XML is domain.xml.in, filled in. Leaving the block removes the guest, whatever state it is in.
"""

import importlib.machinery
import importlib.util
import os
import shutil
import string
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree

import libvirt

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))

import suite  # noqa: E402
from agent import Agent  # noqa: E402
from events import MemoryEvents  # noqa: E402

BOOT_SECONDS = 120
EVENT_SECONDS = 60
# A kernel that runs at all panics within two.
KVM_SECONDS = 8
VIRSH_SECONDS = 60
CONSOLE_TAIL = 3000
DEFAULT_BALLOON = "<memballoon model='virtio'><stats period='1'/></memballoon>"
# The test of KSM may run at the same time: what it merges is missing in the resident size.
UNSHARED = '<memoryBacking><nosharepages/></memoryBacking>'

_eventLoop = None


def kvmWorks():
    """Whether a kernel boots under KVM here.

    There are machines where /dev/kvm opens, makes virtual machines and runs the firmware in them, and where no
    kernel gets anywhere: so one is booted. It has nothing to mount, panics, and ends QEMU. The answer is kept
    for as long as this machine is up.
    """
    if not os.access('/dev/kvm', os.R_OK | os.W_OK):
        return False
    with open('/proc/sys/kernel/random/boot_id', encoding='ascii') as f:
        boot = f.read().strip()
    folder = os.path.join(suite.buildFolder(), 'guest')
    known = os.path.join(folder, 'kvm')
    if os.path.exists(known):
        with open(known, encoding='ascii') as f:
            when, answer = f.read().split()
        if when == boot:
            return answer == 'yes'
    works = _kernelBoots('kvm')
    os.makedirs(folder, exist_ok=True)
    mkguest().replaceFile(known, f'{boot} {"yes" if works else "no"}\n'.encode())
    return works


def _kernelBoots(accelerator):
    try:
        subprocess.run(
            ['qemu-system-x86_64', '-machine', 'q35', '-accel', accelerator, '-m', '256', '-nodefaults',
             '-display', 'none', '-no-reboot', '-kernel', image()[0], '-append', 'panic=-1'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=KVM_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def domainType():
    return 'kvm' if kvmWorks() else 'qemu'


def mkguest():
    loader = importlib.machinery.SourceFileLoader('mkguest', os.path.join(HERE, 'mkguest'))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('mkguest', loader))
    loader.exec_module(module)
    return module


def image():
    """(kernel, initramfs) for a guest, made now if need be."""
    return mkguest().make(os.path.join(suite.buildFolder(), 'guest'))


def _runEventLoop():
    while True:
        libvirt.virEventRunDefaultImpl()


def startEventLoop():
    """libvirt's events need a loop that was registered before the first connection is opened."""
    global _eventLoop
    if _eventLoop is None:
        libvirt.virEventRegisterDefaultImpl()
        # The binding raises errors; libvirt would print them as well.
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        _eventLoop = threading.Thread(target=_runEventLoop, name='libvirt events', daemon=True)
        _eventLoop.start()


class Events:
    """Lifecycle events of one domain, in order."""

    def __init__(self, conn, domain):
        self.conn = conn
        self.seen = []
        self.changed = threading.Condition()
        self.callback = conn.domainEventRegisterAny(
            domain, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._lifecycle, None)

    def _lifecycle(self, _conn, _domain, event, detail, _opaque):
        with self.changed:
            self.seen.append((event, detail))
            self.changed.notify_all()

    def wait(self, event, seconds=EVENT_SECONDS):
        """The detail of the next event of that kind; it and those before it are taken off the list."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                for index, (kind, detail) in enumerate(self.seen):
                    if kind == event:
                        del self.seen[:index + 1]
                        return detail
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f'no lifecycle event {event} within {seconds} s, only {self.seen}')
                self.changed.wait(left)

    def close(self):
        self.conn.domainEventDeregisterAny(self.callback)


class Guest:
    """One domain. devices, balloon and memoryBacking are XML; cellsMib is the boot memory of each NUMA cell.

    memory is what the guest does with memory that comes by hotplug: movable, kernel, online or off.
    skip names the drivers it does not load.
    """

    def __init__(self, uri, name, devices='', balloon=DEFAULT_BALLOON, memoryBacking=UNSHARED, cellsMib=(512, 512),
                 maxMemoryMib=8192, slots=8, machine='q35', memory='movable', skip=()):
        startEventLoop()
        self.name = f'{name}-{os.getpid()}'
        # Not the test's own folder: the name of a UNIX socket has room for 107 bytes.
        self.folder = tempfile.mkdtemp(prefix='guest-')
        kernel, initrd = image()
        cmdline = f'console=ttyS0 quiet nokaslr panic=-1 guest.memory={memory}'
        if skip:
            cmdline += f' guest.skip={",".join(skip)}'
        cells = ''.join(f"<cell id='{n}' cpus='{n}' memory='{mib}' unit='MiB'/>" for n, mib in enumerate(cellsMib))
        with open(os.path.join(HERE, 'domain.xml.in'), encoding='utf-8') as template:
            self.xml = string.Template(template.read()).substitute(
                type=domainType(), name=self.name, slots=slots, maxMemoryMib=maxMemoryMib, memoryMib=sum(cellsMib),
                memoryBacking=memoryBacking, vcpus=len(cellsMib), machine=machine, kernel=kernel, initrd=initrd,
                cmdline=cmdline, cells=cells, folder=self.folder, balloon=balloon,
                devices=string.Template(devices).safe_substitute(folder=self.folder))
        self.conn = libvirt.open(uri)
        self.domain = None
        self.events = None
        self.memoryEvents = None
        self.agent = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        """Defines and starts the domain; returns when the guest answers."""
        if self.domain is None:
            self.domain = self.conn.defineXML(self.xml)
            self.events = Events(self.conn, self.domain)
            self.memoryEvents = MemoryEvents(self.conn, self.domain)
        self.domain.create()
        self.connect()

    def connect(self, channel='agent', notBoot=None):
        """Talks to the agent on the named socket in the guest's folder; returns when it answers."""
        if self.agent is not None:
            self.agent.close()
        self.agent = Agent(os.path.join(self.folder, channel))
        self.agent.waitReady(BOOT_SECONDS, notBoot)

    def waitReboot(self):
        """Returns when the guest answers from another boot than the one that answered last."""
        self.agent.waitReady(BOOT_SECONDS, self.agent.boot)

    def showConsole(self):
        """What the guest's kernel said, for whoever reads a failed test's output."""
        try:
            with open(os.path.join(self.folder, 'console.log'), errors='replace') as log:
                text = log.read()[-CONSOLE_TAIL:]
        except OSError as error:
            text = f'no console: {error}'
        print(f"---- console of '{self.name}' ----\n{text}\n----", file=sys.stderr)

    def shutdown(self):
        """By the power button, as a user would; returns when the domain is off."""
        self.domain.shutdown()
        self.events.wait(libvirt.VIR_DOMAIN_EVENT_STOPPED)

    def close(self):
        """Leaves nothing behind, and complains about nothing: a failing test says enough."""
        if self.agent is not None:
            self.agent.close()
            self.agent = None
        if self.domain is not None:
            for step in (self.memoryEvents.close, self.events.close, self.domain.destroy, self.domain.undefine):
                try:
                    step()
                except libvirt.libvirtError:
                    pass
            self.domain = None
        self.conn.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # What the host says

    def tree(self, flags=0):
        return ElementTree.fromstring(self.domain.XMLDesc(flags))

    def device(self, alias):
        """The <memory> element with that alias in the live XML; None if there is none."""
        for device in self.tree().findall('devices/memory'):
            if device.find('alias').get('name') == alias:
                return device
        return None

    def memoryAliases(self):
        return [device.find('alias').get('name') for device in self.tree().findall('devices/memory')]

    def currentKib(self, alias):
        """What QEMU says is plugged of a virtio-mem device."""
        return int(self.device(alias).findtext('target/current'))

    def pid(self):
        """Of the guest's QEMU, which is on this machine and has the guest's folder on its command line."""
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{pid}/cmdline', 'rb') as file:
                    words = file.read()
            except OSError:
                continue
            if b'qemu-system' in words.split(b'\0')[0] and self.folder.encode() + b'/' in words:
                return int(pid)
        raise AssertionError(f"no QEMU of '{self.name}' runs")

    def virsh(self, *arguments):
        """Stock virsh on the same connection; 'GUEST' stands for the guest's name: (status, output)."""
        words = [self.name if word == 'GUEST' else word for word in arguments]
        done = subprocess.run(
            ['virsh', '-q', '-c', self.conn.getURI(), *words], env={**os.environ, 'LC_ALL': 'C'},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=VIRSH_SECONDS, check=False)
        return done.returncode, done.stdout

    # What the guest says

    def plugPolicy(self, memory):
        """What the guest does from now on with memory that comes by hotplug: movable, kernel, online or off."""
        word = {'online': 'online', 'off': 'offline'}.get(memory, f'online_{memory}')
        self.check(f'echo {word} > /sys/devices/system/memory/auto_online_blocks')

    def check(self, command, seconds=60):
        return self.agent.check(command, seconds)

    def until(self, condition, seconds=60):
        """Returns when the shell condition is true in the guest."""
        self.check(f'timeout {seconds} sh -c \'until {condition}; do usleep 50000; done\'', seconds + 10)

    def memTotalKib(self):
        return int(self.check("sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo"))

    def nodeMemTotalKib(self):
        """{node: KiB}"""
        lines = self.check('cat /sys/devices/system/node/node*/meminfo | grep MemTotal').splitlines()
        return {int(words[1]): int(words[3]) for words in map(str.split, lines)}

    def nodeMemFreeKib(self, node):
        return int(self.check(f"grep MemFree /sys/devices/system/node/node{node}/meminfo").split()[3])

    def blockKib(self):
        return int(self.check('cat /sys/devices/system/memory/block_size_bytes'), 16) // 1024

    def nodeBlocksKib(self, state='online'):
        """{node: KiB of memory blocks in that state}"""
        lines = self.check(
            f'for f in /sys/devices/system/node/node*/memory[0-9]*/state; do '
            # A block may go while it is looked at.
            f'[ "$(cat $f 2> /dev/null)" != {state} ] || echo $f; done').splitlines()
        blockKib = self.blockKib()
        sums = {}
        for line in lines:
            node = int(line.split('/')[5][len('node'):])
            sums[node] = sums.get(node, 0) + blockKib
        return sums

    def zoneBlocksKib(self, node, zone):
        """KiB of the node's memory blocks that are online in the zone (Normal, Movable, ...)."""
        lines = self.check(
            f'cat /sys/devices/system/node/node{node}/memory[0-9]*/valid_zones').splitlines()
        return lines.count(zone) * self.blockKib()

    def drivers(self):
        """{driver: number of virtio devices bound to it}; '-' counts those without a driver."""
        lines = self.check(
            'for d in /sys/bus/virtio/devices/*; do '
            '[ ! -e $d ] || basename $(readlink $d/driver || echo -); done').splitlines()
        return {name: lines.count(name) for name in set(lines)}
