# SPDX-License-Identifier: LGPL-2.1-or-later
"""screen.py: how the demo looks: plain lines anywhere, with colours and a clock on a terminal."""

import contextlib
import os
import sys
import threading
import time

BOLD, DIM, GREEN, RED, CYAN = '1', '2', '32', '31', '36'
TICK_SECONDS = 0.1
CLEAR_LINE = '\r\033[K'


class Screen:
    def __init__(self, out=sys.stdout):
        self.out = out
        self.terminal = out.isatty() and os.environ.get('TERM') != 'dumb'
        self.blank = False
        self.coloured = self.terminal and 'NO_COLOR' not in os.environ

    def paint(self, text, colour):
        return f'\033[{colour}m{text}\033[0m' if self.coloured else text

    def line(self, text=''):
        print(text, file=self.out, flush=True)
        self.blank = not text

    def title(self, text):
        if not self.blank:
            self.line()
        self.line(self.paint(f'== {text}', BOLD))
        self.line()

    def command(self, text):
        self.line(self.paint('  $ ', DIM) + self.paint(text, CYAN))

    def output(self, text):
        lines = [line.rstrip() for line in text.splitlines() if line.strip()]
        for line in lines:
            self.line('    ' + line)
        if lines:
            self.line()

    def event(self, text):
        self.line('  ' + self.paint('<', DIM) + ' ' + self.paint(text, GREEN))

    def note(self, text):
        self.line('  ' + text if not text.startswith('\n') else text)

    def error(self, text):
        print(self.paint(text, RED), file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def waiting(self, text):
        """Shows text and, on a terminal, the seconds that go by, for as long as the block takes."""
        if not self.terminal:
            yield
            return
        done = threading.Event()
        began = time.monotonic()

        def tick():
            while not done.wait(TICK_SECONDS):
                print(f'{CLEAR_LINE}  {text} ... {time.monotonic() - began:.0f} s', end='', file=self.out, flush=True)

        thread = threading.Thread(target=tick, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            print(CLEAR_LINE, end='', file=self.out, flush=True)

    def table(self, head, rows):
        """rows: (what, promised, reported, whether they agree)."""
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(3)]

        def cells(row):
            return '  '.join(text.ljust(width) for text, width in zip(row, widths))

        self.line('  ' + self.paint(cells(head).rstrip(), BOLD))
        self.line('  ' + '  '.join('-' * width for width in widths) + '  -------')
        for row in rows:
            mark = self.paint('ok', GREEN) if row[3] else self.paint('DIFFERS', RED)
            self.line('  ' + cells(row) + '  ' + mark)
        self.line()
