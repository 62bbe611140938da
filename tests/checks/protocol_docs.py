#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""protocol_docs.py: what the daemon serves and takes, and what its documents say of it, are the same.

    protocol_docs.py SOURCE_ROOT

Every procedure of the dispatch tables stands in docs/protocol.rst with its number, and every number range there is
served; read-only calls are marked so. Every option of virtmemd --help stands in the manual, and the other way round.
"""

import glob
import os
import re
import sys

ROW = re.compile(r'RPC_ROW(?:_BEGUN)?\((\d+), "(\w+)", \w+, \w+, ([\w |]+),\s+\w+(?:,\s+\w+)?\)')
SHORTHANDS = {"LOOKUP", "LOOK", "HOST", "EVENT", "NONE"}     # macros that contain RPC_READONLY


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def served(root):
    """(number, name, read-only) of each row."""
    for path in sorted(glob.glob(os.path.join(root, "src/rpc/rpc_dispatch_*.c"))):
        for number, name, flags in ROW.findall(read(root, os.path.relpath(path, root))):
            words = set(flags.split(" | "))
            yield int(number), name, bool(words & (SHORTHANDS | {"RPC_READONLY"}))


def documented(root):
    """{number: marked read-only} of the section Calls. "r 22 to r 24" is a range, "(r)" marks a whole sentence."""
    text = read(root, "docs/protocol.rst").split("\nCalls\n=====\n")[1].split("\nConsole\n=======\n")[0]
    text = re.sub(r"events 0 to 26|the old form\s+for 0 to 15", "", text)
    numbers = {}
    for block in re.split(r"\n(?=\S)", text):
        whole = "(r)" in block
        block = re.sub(r"\([^)]*\)|\"[^\"]*\"", "", block)
        for mark, first, last in re.findall(r"(\br )?\b(\d+)\b(?:\s+to\s+(?:r )?(\d+)\b)?", block):
            for number in range(int(first), int(last or first) + 1):
                numbers[(block.startswith("Program qemu"), number)] = bool(mark) or whole
    return numbers


def problems(root):
    known = documented(root)
    rows = list(served(root))
    if len(rows) < 100:
        yield "only %d rows were found in src/rpc/rpc_dispatch_*.c" % len(rows)
    for number, name, readonly in rows:
        key = (name.startswith("QEMU_"), number)
        if key not in known:
            yield "docs/protocol.rst does not have %d %s" % (number, name)
        elif key[0] is False and known.pop(key) != readonly:
            yield "docs/protocol.rst: %d %s is%s for read-only connections" % (number, name, "" if readonly else " not")
    left = [str(number) for isQemu, number in known if not isQemu and number > 0]
    if left:
        yield "docs/protocol.rst has numbers that no table has: %s" % ", ".join(left)

    helped = set(re.findall(r"--[a-z-]+", read(root, "src/daemon/daemon_options.c").split("usage: virtmemd")[1]))
    manual = set(re.findall(r"^``(?:-\w``, ``)?(--[a-z-]+)``", read(root, "docs/manpages/virtmemd.rst"), re.M))
    for option in sorted(helped ^ manual):
        yield "option %s stands in only one of virtmemd --help and its manual" % option


if __name__ == "__main__":
    FOUND = list(problems(sys.argv[1]))
    for each in FOUND:
        print(each)
    sys.exit(1 if FOUND else 0)
