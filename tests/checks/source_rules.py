#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""source_rules.py: the rules of the tree that a machine can hold: layers, file heads, names, sizes.

Each rule stands for a mistake that is easy to make and says what to do instead.

    source_rules.py SOURCE_ROOT
"""

import os
import re
import sys

# What a folder of src/ may include from. DESIGN: rpc -> qemu -> conf -> util; client -> conf -> util.
LAYERS = {
    "util": {"util"},
    "conf": {"conf", "util"},
    "qemu": {"qemu", "conf", "util"},
    "rpc": {"rpc", "qemu", "conf", "util"},
    "daemon": {"daemon", "rpc", "qemu", "conf", "util"},
    "client": {"client", "conf", "util"},
}
MOST_LINES = 1000
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')
OUR_VIR_SYMBOL = re.compile(r"^(?:[a-z][\w ]*[ *])?(vir[A-Z]\w*)\s*\([^;]*$", re.M)


def sourceFiles(root):
    for top in ("src", "include", "tools", "tests", "examples", "fuzz"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def ruleHead(path, text):
    lines = text.split("\n")
    name = os.path.basename(path)
    if lines[0] != "/* SPDX-License-Identifier: LGPL-2.1-or-later */":
        yield "the first line is not the SPDX line"
    if len(lines) < 2 or not lines[1].startswith("/* %s: " % name):
        yield "the second line does not say '/* %s: what it is for */'" % name


def rulePragma(path, text):
    if path.endswith(".h") and "#pragma once" not in text and not path.startswith("include/"):
        yield "a header needs '#pragma once'"


def ruleOwnHeaderFirst(path, text):
    own = re.sub(r"^src/", "", path[:-2] + ".h")
    includes = INCLUDE.findall(text)
    if path.startswith("src/") and path.endswith(".c") and own in includes and \
            text.index('#include') != text.index('#include "%s"' % own):
        yield 'include "%s" first, so that the header is known to stand alone' % own


def ruleLayers(path, text):
    parts = path.split("/")
    if parts[0] != "src" or len(parts) < 3:
        return
    allowed = LAYERS[parts[1]]
    for include in INCLUDE.findall(text):
        if "/" not in include:
            continue
        if include.split("/")[0] not in allowed:
            yield "src/%s may not include '%s': see the layers in docs/architecture.rst" % (parts[1], include)


def ruleNoVirNames(path, text):
    if path.startswith("include/"):
        return
    for match in OUR_VIR_SYMBOL.finditer(text):
        if not match.group(1).startswith("virMem") and match.group(0).lstrip() == match.group(0):
            yield "'%s': names that begin with 'vir' are libvirt's" % match.group(1)


def ruleText(path, text):
    if "\t" in text:
        yield "tabs: indent with blanks"
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            yield "line %d ends in blanks" % number
        # a message is one whole literal, so that it can be searched: its length does not count
        if len(LITERAL.sub('""', line)) > 140:
            yield "line %d is %d characters long: break it" % (number, len(line))
    if re.search(r"^\s*goto\s", text, re.M):
        yield "goto: free by scope (g_autoptr) and return early"


def ruleSize(path, text):
    count = text.count("\n")
    if count > MOST_LINES:
        yield "%d lines: split it (%d at most)" % (count, MOST_LINES)


RULES = (ruleHead, rulePragma, ruleOwnHeaderFirst, ruleLayers, ruleNoVirNames, ruleText, ruleSize)


def main(arguments):
    root = arguments[0] if arguments else "."
    count = problems = 0
    for path in sourceFiles(root):
        with open(os.path.join(root, path), encoding="utf-8") as source:
            text = source.read()
        count += 1
        for rule in RULES:
            for problem in rule(path, text):
                print("%s: %s" % (path, problem))
                problems += 1
    if not count:
        print("no source files under '%s'" % root)
        return 1
    print("%d files, %d problems" % (count, problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
