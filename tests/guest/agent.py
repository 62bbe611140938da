# SPDX-License-Identifier: LGPL-2.1-or-later
"""agent.py: the host's end of the guest's agent (see the script "agent" for the protocol)."""

import itertools
import socket
import time

# The guest's terminal layer cuts longer lines.
MOST_REQUEST_BYTES = 4000


class AgentError(Exception):
    """The guest did not answer, or answered something else."""


class CommandFailed(AgentError):
    """A command ended with a status other than 0."""


class Agent:
    """A connection to the UNIX socket on which QEMU offers the guest's port. deadline: seconds from the call."""

    tags = itertools.count(1)

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.path = path
        self.pending = b''
        self.boot = None

    def close(self):
        self.socket.close()

    def waitReady(self, seconds, notBoot=None):
        """Returns when the guest is up and listens; notBoot is a boot that does not count."""
        deadline = time.monotonic() + seconds
        while True:
            line = self._line(deadline, 'the guest to be ready')
            if line.startswith('!ready ') and line != f'!ready {notBoot}':
                self.boot = line.split(' ')[1]
                return

    def ask(self, command, seconds=60):
        """Runs command in the guest: (status, list of output lines)."""
        tag = f't{next(self.tags)}'
        request = f'{tag} {command}\n'.encode()
        if request.count(b'\n') != 1 or len(request) > MOST_REQUEST_BYTES:
            raise ValueError(f"a request is one line of at most {MOST_REQUEST_BYTES} bytes: '{command}'")
        deadline = time.monotonic() + seconds
        self.socket.sendall(request)
        lines = []
        while True:
            line = self._line(deadline, f"'{command}'")
            if line.startswith('|'):
                lines.append(line[1:])
            elif line.startswith('='):
                answered, status = line[1:].split(' ')
                if answered == tag:
                    return int(status), lines
                # The rest of an answer that somebody stopped waiting for.
                lines = []

    def check(self, command, seconds=60):
        """The output of a command that has to succeed."""
        status, lines = self.ask(command, seconds)
        if status != 0:
            raise CommandFailed(f"'{command}' ended with status {status} in the guest:\n" + '\n'.join(lines))
        return '\n'.join(lines)

    def _line(self, deadline, what):
        while b'\n' not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0:
                raise AgentError(f"the guest did not answer in time on '{self.path}': waited for {what}")
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                continue
            if not data:
                raise AgentError(f"QEMU closed '{self.path}' while waiting for {what}")
            self.pending += data
        line, self.pending = self.pending.split(b'\n', 1)
        return line.decode(errors='replace').rstrip('\r')
