# SPDX-License-Identifier: LGPL-2.1-or-later
"""pseudo_terminal.py: a program in a terminal of its own, that is typed into and read from as by a person."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

DEADLINE_SECONDS = 30


class Terminal:
    """words is the command; sizes are columns and lines. NO_COLOR is in the environment only if it is given."""

    def __init__(self, *words, columns=100, lines=30, environment=(), deadline=DEADLINE_SECONDS):
        self.deadline = deadline
        self.master, self.slave = pty.openpty()
        self.resize(columns, lines)
        self.before = termios.tcgetattr(self.slave)
        inherited = {name: value for name, value in os.environ.items() if name != 'NO_COLOR'}
        self.process = subprocess.Popen(words, stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        env={**inherited, 'TERM': 'xterm', **dict(environment)}, start_new_session=True)
        self.seen = ''

    def resize(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack('HHHH', lines, columns, 0, 0))

    def read(self):
        data = os.read(self.master, 65536).decode('utf-8', 'replace')
        self.seen += data
        return data

    def until(self, pattern, start=0):
        """Reads on until what was shown from start on matches; where the match ends."""
        deadline = time.monotonic() + self.deadline
        while not (match := re.compile(pattern, re.S).search(self.seen, start)):
            ready, _, _ = select.select([self.master], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                raise AssertionError(f"'{pattern}' was not shown: {self.seen[start:]!r}")
            self.read()
        return match.end()

    def type(self, keys):
        os.write(self.master, keys.encode())

    def interrupt(self):
        """Ctrl-C, as the terminal of a session would turn it into a signal."""
        self.process.send_signal(signal.SIGINT)

    def finish(self):
        """The exit status, when all that was shown has been read."""
        status = self.process.wait(self.deadline)
        while select.select([self.master], [], [], 0)[0]:
            self.read()
        self.after = termios.tcgetattr(self.slave)
        return status

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)
