#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""cli.py: what virsh-memory prints and how it leaves, held against recorded files.

    cli.py [--stock | --host] [NAME...]

NAME.in is one case, a line each:

    virsh-memory ARGUMENT...    is run; NAME.out holds what it printed on stdout and stderr and its exit status
    @define GUEST               defines guests/GUEST.xml
    @start GUEST                the same, and starts it: paused, so no guest system is needed
    @start                      starts the guest that was named last, with the definition that it has now
    @stop                       ends it
    @hide REGEX                 what matches is shown as '~'
    @env NAME=VALUE             in the environment from here on
    # ...                       a remark

Each case begins without guests. --stock: against a libvirtd of the distribution instead of virtmemd; NAME.stock.out is then
held against where there is one, because libvirt's own words differ. --host: against virtmemd on a recorded host, for the cases
that show the host's figures. MEM_TEST_REGENERATE=1 writes the files anew.
"""

import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
sys.path.insert(0, os.path.join(HERE, '..', 'interop'))

import libvirt  # noqa: E402

from daemon import Virtmemd, endGuests  # noqa: E402
from stock_libvirtd import StockLibvirtd  # noqa: E402
from suite import SOURCE, buildFolder  # noqa: E402

COMMAND_SECONDS = 60
# These want the recorded host, the others the real one.
HOST_CASES = ['hostfigures']
HOST = 'numa'


class Case:
    """One .in file, run line by line."""

    def __init__(self, name, conn, uri):
        self.name = name
        self.conn = conn
        self.domain = None
        self.hidden = [(re.escape(uri), 'URI'), (re.escape(uri.split('socket=')[1]), 'SOCKET')]
        self.environment = dict(os.environ, LIBVIRT_DEFAULT_URI=uri, LC_ALL='C.UTF-8', TZ='UTC')
        self.output = []

    def run(self):
        with open(os.path.join(HERE, self.name + '.in'), encoding='utf-8') as lines:
            for line in lines:
                self._line(line.rstrip('\n'))
        return ''.join(self.output)

    def _line(self, line):
        word, _, rest = line.partition(' ')
        if not line or word == '#':
            return
        if word == '@define' or (word == '@start' and rest):
            self.domain = self.conn.defineXML(self._guest(rest))
        if word == '@start':
            self.domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        elif word == '@stop':
            self.domain.destroy()
        elif word == '@hide':
            self.hidden.append((rest, '~'))
        elif word == '@env':
            name, _, value = rest.partition('=')
            self.environment[name] = value
        elif word == 'virsh-memory':
            self._command(line)
        elif word != '@define':
            raise ValueError(f"{self.name}.in: '{line}' begins with none of the words of cli.py's head")

    @staticmethod
    def _guest(name):
        with open(os.path.join(HERE, 'guests', name + '.xml'), encoding='utf-8') as xml:
            return xml.read()

    def _command(self, line):
        done = subprocess.run(shlex.split(line), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=COMMAND_SECONDS, env=self.environment)
        self.output.append(f'$ {line}\n')
        self.output.append(self._shown(done.stdout))
        self.output += [f'2> {text}\n' for text in self._shown(done.stderr).splitlines()]
        self.output.append(f'exit {done.returncode}\n\n')

    def _shown(self, text):
        for pattern, shown in self.hidden:
            text = re.sub(pattern, shown, text)
        return text if not text or text.endswith('\n') else text + '\n(no newline)\n'


def clear(conn):
    for domain in conn.listAllDomains():
        if domain.isActive():
            domain.destroy()
    for domain in conn.listAllDomains():
        domain.undefine()


def recordedFile(name, stock):
    own = os.path.join(HERE, name + '.stock.out')
    return own if stock and os.path.exists(own) else os.path.join(HERE, name + '.out')


def check(name, conn, uri, stock):
    clear(conn)
    got = Case(name, conn, uri).run()
    path = recordedFile(name, stock)
    if os.environ.get('MEM_TEST_REGENERATE'):
        with open(path, 'w', encoding='utf-8') as out:
            out.write(got)
        return True
    recorded = ''
    if os.path.exists(path):
        with open(path, encoding='utf-8') as out:
            recorded = out.read()
    if got == recorded:
        print(f'ok {name}')
        return True
    print(f'not ok {name}')
    sys.stdout.writelines(difflib.unified_diff(recorded.splitlines(True), got.splitlines(True), os.path.basename(path), 'now'))
    option = '--stock ' if stock else '--host ' if name in HOST_CASES else ''
    print(f'run it again: cd {SOURCE} && {buildFolder()}/run tests/cli/cli.py {option}{name}\n'
          'if it is right now: the same with MEM_TEST_REGENERATE=1 in front, and read the difference')
    return False


def unpackHost(folder):
    """tests/hostdata/HOST.host as files; its hugetlbfs is a folder of ours, in which any QEMU can have files."""
    root = os.path.join(folder, 'host')
    with open(os.path.join(HERE, '..', 'hostdata', HOST + '.host'), encoding='utf-8') as host:
        blocks = host.read().split('==> ')[1:]
    for block in blocks:
        path, _, text = block.partition('\n')
        os.makedirs(root + os.path.dirname(path), exist_ok=True)
        with open(root + path, 'w', encoding='utf-8') as file:
            file.write(text)
    huge = os.path.join(folder, 'huge')
    os.makedirs(huge)
    with open(root + '/proc/mounts', 'w', encoding='utf-8') as mounts:
        mounts.write(f'hugetlbfs {huge} hugetlbfs rw,relatime,pagesize=2M 0 0\n')
    os.environ['MEM_TEST_HOST_ROOT'] = root


def makeDaemon(folder, stock, host):
    if stock:
        return StockLibvirtd(folder)
    if host:
        unpackHost(folder)
        return Virtmemd(folder, program=os.path.join(buildFolder(), 'tests', 'cli', 'virtmemd-host'))
    return Virtmemd(folder)


def strays(names):
    """Recorded output that no case makes."""
    known = {name + end for name in names for end in ('.in', '.out', '.stock.out')}
    return sorted(name for name in os.listdir(HERE) if name.endswith(('.in', '.out')) and name not in known)


def runAll(names, uri, stock):
    libvirt.registerErrorHandler(lambda *_: None, None)
    conn = libvirt.open(uri)
    try:
        return [name for name in names if not check(name, conn, uri, stock)]
    finally:
        clear(conn)
        conn.close()


def main(arguments):
    stock, host = '--stock' in arguments, '--host' in arguments
    every = sorted(name[:-3] for name in os.listdir(HERE) if name.endswith('.in'))
    names = [name for name in arguments if not name.startswith('--')] or \
            [name for name in every if (name in HOST_CASES) == host]
    bad = [f'{name} belongs to no case' for name in strays(every)]
    with tempfile.TemporaryDirectory(prefix='mem-cli-') as folder:
        try:
            with makeDaemon(folder, stock, host) as daemon:
                bad += runAll(names, daemon.uri, stock)
        finally:
            endGuests(folder)
    print(f'{len(names)} cases, {len(bad)} bad' + (': ' + ', '.join(bad) if bad else ''))
    return 1 if bad or not names else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
