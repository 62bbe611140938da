#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""operations.py: does virtmemd do to a guest what stock libvirt does to it?

    operations.py                            the same steps on both daemons, by the same virsh, live (needs root)
    operations.py --against operations.json  virtmemd alone, compared with stock's recorded answers
    operations.py --record operations.json   record stock's answers, of the scenes that are short and
                                             the same on every host

Of each step are compared: virsh's exit status, the error code, the events that came, the memory part of the live and the
stored XML, and what virsh prints but for the resident size. Exit status 0 when all agree but for the differences that
docs/formatdomain.rst lists in its section on changes of a running guest; operations_known.py matches these.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading

import libvirt

import ask
import normalise
import operations_known as known
import operations_script as script
import operations_words as words
from peers import StockPeer, VirtmemdPeer

VIRSH_SECONDS = 60
MARK_SECONDS = 20

SCENES = {**script.SCENES, **words.SCENES}

# What virsh puts before a message tells its code.
PREFIXES = {
    'Requested operation is not valid': 'OPERATION_INVALID', 'unsupported configuration': 'CONFIG_UNSUPPORTED',
    'invalid argument': 'INVALID_ARG', 'internal error': 'INTERNAL_ERROR', 'operation failed': 'OPERATION_FAILED',
    'Operation not supported': 'OPERATION_UNSUPPORTED', 'XML error': 'XML_ERROR', 'device not found': 'DEVICE_MISSING',
    'numerical overflow': 'OVERFLOW', 'argument unsupported': 'ARGUMENT_UNSUPPORTED', 'operation forbidden': 'OPERATION_DENIED',
    'Timed out during operation': 'OPERATION_TIMEOUT', 'Domain not found': 'NO_DOMAIN', 'metadata not found': 'NO_DOMAIN_METADATA',
    'this function is not supported by the connection driver': 'NO_SUPPORT',
    # libvirt words these without the prefix of their code
    'unsupported flags': 'INVALID_ARG', 'Flags ': 'INVALID_ARG', 'Invalid cpuNum': 'INVALID_ARG', 'cellNum in': 'INVALID_ARG',
}

# How long the guest, which never answers, is waited for; stock's own is 5 s and cannot be changed.
UNPLUG_TIMEOUT = '1000'

EVENTS = {
    libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE: lambda event, detail: 'lifecycle %d %d' % (event, detail),
    libvirt.VIR_DOMAIN_EVENT_ID_REBOOT: lambda: 'reboot',
    libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE: lambda actual: 'balloon-change %d' % actual,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED: lambda alias: 'device-added ' + alias,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED: lambda alias: 'device-removed ' + alias,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED: lambda alias: 'device-removal-failed ' + alias,
    libvirt.VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE: lambda alias, size: 'size-change %s %d' % (alias, size),
}

# A domain of the test's own: setting its metadata sends an event after all that a step has sent.
MARK = ("<domain type='qemu'><name>mark</name><memory>65536</memory>"
        "<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os></domain>")


def runEventLoop():
    libvirt.virEventRegisterDefaultImpl()
    libvirt.virEventAddTimeout(1000, lambda *_: None, None)

    def run():
        while True:
            libvirt.virEventRunDefaultImpl()
    threading.Thread(target=run, daemon=True).start()


class Listener:
    """The events of one step at a time."""

    def __init__(self, conn):
        self.seen, self.marks = [], 0
        self.changed = threading.Condition()
        self.mark = conn.defineXML(MARK)
        self.ids = [conn.domainEventRegisterAny(None, ident, self._heard, text) for ident, text in EVENTS.items()]
        self.ids.append(conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, self._marked, None))

    def _heard(self, _conn, domain, *rest):
        with self.changed:
            if domain.name() == script.NAME:
                self.seen.append(rest[-1](*rest[:-1]))

    def _marked(self, _conn, domain, *_):
        with self.changed:
            self.marks += domain.name() == 'mark'
            self.changed.notify_all()

    def take(self):
        """The events since the last call, in order, all that were sent until now."""
        with self.changed:
            wanted = self.marks + 1
        self.mark.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, str(wanted), None, None, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        with self.changed:
            if not self.changed.wait_for(lambda: self.marks >= wanted, MARK_SECONDS):
                raise RuntimeError('no event came in %d s' % MARK_SECONDS)
            seen, self.seen = self.seen, []
        return seen


class Player:
    """Plays scenes on one daemon."""

    def __init__(self, uri, folder):
        self.uri, self.folder = uri, folder
        self.conn = libvirt.open(uri)
        self.listener = Listener(self.conn)
        self.shown = {}
        os.makedirs(folder, exist_ok=True)
        for name, mib in script.FILES.items():
            with open(os.path.join(folder, name), 'wb') as file:
                file.truncate(mib << 20)

    def close(self):
        self._clear()
        self.listener.mark.undefine()
        for ident in self.listener.ids:
            self.conn.domainEventDeregisterAny(ident)
        self.conn.close()

    def _clear(self):
        """A scene may have broken off: no guest is left behind."""
        for domain in self.conn.listAllDomains():
            if domain.name() == script.NAME and domain.isActive():
                domain.destroy()
        for domain in self.conn.listAllDomains():
            if domain.name() == script.NAME:
                domain.undefine()

    def play(self, name):
        """A list of answers, one for each step."""
        self._clear()
        xml, steps = SCENES[name]
        self.xml, self.shown = xml.replace('{folder}', self.folder), {}
        for file, text in words.XMLS.items():
            with open(os.path.join(self.folder, file + '.xml'), 'w') as out:
                out.write(text)
        self.listener.take()
        return [self._step(*step) for step in steps]

    def _step(self, verb, *arguments):
        arguments = [argument.replace('{folder}', self.folder) for argument in arguments]
        answer = self._say(verb, arguments[0]) if verb in words.VERBS else self._do(verb, arguments)
        events = self.listener.take()
        if events:
            answer['events'] = events
        answer.update(self._show())
        return answer

    def _do(self, verb, arguments):
        """A step of operations_script.py."""
        path = os.path.join(self.folder, 'given.xml')
        with open(path, 'w') as file:
            file.write(arguments[0] if arguments else self.xml)
        status, output = self._virsh(script.VERBS[verb][0](path, *arguments))
        answer = {'exit': status}
        if status != 0:
            answer['code'], answer['said'] = self._code(verb, arguments, output)
        elif verb == 'dommemstat':
            answer['output'] = [line for line in output.split('\n') if line and not line.startswith('rss ')]
        return answer

    def _say(self, verb, line):
        """A step of operations_words.py."""
        status, output = self._virsh(shlex.split(line.replace('{guest}', script.NAME)))
        answer = {'exit': status}
        if status != 0:
            answer['said'] = output.replace(self.folder, '{folder}')
            answer['code'] = codeOf(answer['said'])
        elif verb != 'status':
            answer['output'] = printed(verb, output)
        return answer

    def _virsh(self, arguments):
        done = subprocess.run(['virsh', '-q', '-c', self.uri] + arguments, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=VIRSH_SECONDS)
        return done.returncode, (done.stdout if done.returncode == 0 else done.stderr).strip()

    def _code(self, verb, arguments, output):
        """virsh has failed; the same once more by the API tells the code, 'virsh' if it was virsh that did not want to."""
        call = script.VERBS[verb][1]
        if call is None:
            raise RuntimeError("'%s' failed: %s" % (verb, output))
        try:
            call(self.conn.lookupByName(script.NAME), *arguments)
        except libvirt.libvirtError as error:
            return ask.codeName(error), error.get_error_message().replace(self.folder, '{folder}')
        return 'virsh', output

    def _show(self):
        """The memory parts of live and stored XML, where they are not as after the step before."""
        now, changed = {}, {}
        try:
            domain = self.conn.lookupByName(script.NAME)
            if domain.isActive():
                now['live'] = domain.XMLDesc()
            if domain.isPersistent():
                now['config'] = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
        for key in ('live', 'config'):
            shown = self._memory(now[key]) if key in now else None
            if shown != self.shown.get(key):
                changed[key] = shown
            self.shown[key] = shown
        return changed

    def _memory(self, xml):
        return [text.replace(self.folder, '{folder}') for text in normalise.memoryElements(xml)]


def codeOf(said):
    """The code of virsh's message, 'none' where the words do not tell: of virsh itself, or one without a prefix."""
    messages = [line[len('error: '):] for line in said.split('\n') if line.startswith('error: ')]
    found = [code for prefix, code in PREFIXES.items() if messages and messages[-1].startswith(prefix)]
    return found[0] if found else 'none'


def printed(verb, output):
    """The lines without what is another number at each call; of 'shape' without any number."""
    output = re.sub(r'\b(rss[ =])\d+', r'\1N', output)
    if verb == 'shape':
        output = re.sub(r' *\d+(\.\d+)*', ' N', output)
    return [line for line in output.split('\n') if line]


def played(peer, names):
    player = Player(peer.uri, os.path.join(peer.folder, 'files'))
    try:
        return {name: player.play(name) for name in names}
    finally:
        player.close()


def playStock(folder, names):
    with StockPeer(folder, groups=True) as stock:
        return played(stock, names)


def playOurs(folder, names, program):
    os.environ['VIRTMEMD_UNPLUG_TIMEOUT'] = UNPLUG_TIMEOUT
    with VirtmemdPeer(folder, program) as ours:
        return played(ours, names)


# ---- comparing ----

def compareScene(name, stock, ours, used):
    """Sentences on what disagrees; the ids of known differences that were met are added to used."""
    _, steps = SCENES[name]
    found = []
    if len(stock) != len(steps):
        return ["%s: %d recorded answers for %d steps: record them anew" % (name, len(stock), len(steps))]
    for index, step in enumerate(steps):
        left, right = stock[index], ours[index]
        ids, left, right = known.explain(name, step, left, right)
        used.update(ids)
        for key in ('exit', 'code', 'output', 'events', 'live', 'config'):
            if left.get(key) != right.get(key):
                found.append('%s, step %d %s: %s:%s' % (name, index, ' '.join(step), key, _difference(left, right, key)))
    return found


def _difference(left, right, key):
    lines = []
    for who, one, other in (('stock', left, right), ('virtmemd', right, left)):
        value, theirs = one.get(key), other.get(key)
        said = '  (%s)' % one['said'] if key in ('exit', 'code') and 'said' in one else ''
        texts = [text for text in value if text not in (theirs or ())] if isinstance(value, list) else [str(value)]
        lines += ['%-8s %s%s' % (who, text, said) for text in texts or ['the same lines']]
    return ''.join('\n    ' + line for line in lines)


def recording(stock):
    """JSON with one answer a line, so that a changed answer is a changed line."""
    scenes = ['%s: [\n%s\n]' % (json.dumps(name), ',\n'.join(json.dumps(answer) for answer in answers))
              for name, answers in stock.items()]
    return '{\n%s\n}\n' % ',\n'.join(scenes)


def compare(stock, ours, unmet):
    used = set()
    found = [sentence for name in ours for sentence in compareScene(name, stock[name], ours[name], used)]
    for sentence in found:
        print(sentence)
    print('%d steps in %d scenes; %d disagree; known differences: %s' % (
        sum(map(len, ours.values())), len(ours), len(found), ', '.join(sorted(used)) or 'none'))
    idle = known.idents() - used - unmet
    if idle:
        print('known differences that no step met: %s' % ', '.join(sorted(idle)))
    return 1 if found or idle else 0


def main():
    parser = argparse.ArgumentParser(description='the same operations on virtmemd and on stock libvirt')
    parser.add_argument('--virtmemd', default='virtmemd')
    parser.add_argument('--scene', choices=sorted(SCENES))
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument('--against', metavar='FILE')
    mode.add_argument('--record', metavar='FILE')
    options = parser.parse_args()
    unmet = known.idents() if options.scene else known.HERE_ONLY if options.against else set()
    problems = known.check()
    if problems:
        print('\n'.join(problems), file=sys.stderr)
        return 1
    libvirt.registerErrorHandler(lambda *_: None, None)
    runEventLoop()
    names = [options.scene] if options.scene else list(SCENES)
    if options.against or options.record:
        names = [name for name in names if name not in words.HERE_ONLY + words.LONG]
    with tempfile.TemporaryDirectory(prefix='operations-') as folder:
        if options.against:
            with open(options.against) as file:
                stock = json.load(file)
        else:
            stock = playStock(os.path.join(folder, 's'), names)
        if options.record:
            with open(options.record, 'w') as file:
                file.write(recording(stock))
            return 0
        return compare(stock, playOurs(os.path.join(folder, 'v'), names, options.virtmemd), unmet)


if __name__ == '__main__':
    sys.exit(main())
