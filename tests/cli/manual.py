#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""manual.py: the manual of virsh-memory against the program's own tables, in both directions, and against recorded JSON.

    manual.py MANUAL.rst
"""

import os
import re
import subprocess
import sys

SECTION = re.compile(r'^(\S.*)\n([=-])\2+\n', re.M)
OPTION = re.compile(r'^(?:``-\w``, )?``--([a-z-]+)``(?: \*(\S+)\*)?\n    \S', re.M)
MEMBER = re.compile(r'^ *"(\w+)": ', re.M)
STATUS = re.compile(r'^(\d+)\n    (.*)', re.M)


def programTables():
    """The lines of self-test --tables: commands with their synopsis, options by command, exit statuses."""
    text = subprocess.run(['virsh-memory', 'self-test', '--tables'], capture_output=True, text=True, check=True).stdout
    commands, options, statuses = {}, {'': []}, []
    for kind, *rest in (line.split('\t') for line in text.splitlines()):
        if kind == 'command':
            commands[rest[0]] = rest[1]
            options[rest[0]] = []
        elif kind == 'option':
            options[rest[0]].append((rest[1], rest[2]))
        else:
            statuses.append((rest[0], rest[1]))
    return commands, options, statuses


def sections(text):
    """(title, sign of its line, what is below it) in order."""
    found = list(SECTION.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    return [(match.group(1), match.group(2), text[match.end():end]) for match, end in zip(found, ends)]


def oneLine(text):
    return ' '.join(text.split())


def problems(text):
    commands, options, statuses = programTables()
    seen = {}
    for title, sign, body in sections(text):
        if sign == '-' and body.lstrip().startswith('::'):
            seen[title] = body
        if title == 'OPTIONS':
            yield from differences('the program', options[''], OPTION.findall(body))
        if title == 'EXIT STATUS':
            yield from differences('the exit status', statuses, STATUS.findall(body))
    for name in sorted(commands.keys() | seen.keys()):
        if name not in seen:
            yield f"command '{name}' has no section"
        elif name not in commands:
            yield f"section '{name}' is of no command"
        else:
            yield from differences(name, options[name], OPTION.findall(seen[name]))
            if commands[name] not in oneLine(seen[name]):
                yield f"section '{name}' does not have the synopsis '{commands[name]}'"


def recordedMembers():
    """Every member of a JSON document that tests/cli has on record."""
    folder = os.path.dirname(os.path.abspath(__file__))
    for name in sorted(os.listdir(folder)):
        if name.endswith('.out'):
            with open(os.path.join(folder, name), encoding='utf-8') as out:
                yield from MEMBER.findall(out.read())


def undocumented(text):
    output = text[text.index('\nOUTPUT\n'):text.index('\nINTERRUPTION\n')]
    for member in sorted(set(recordedMembers())):
        if f'``{member}``' not in output:
            yield f"JSON member '{member}' is not in the manual"


def differences(where, have, documented):
    for row in have:
        if tuple(row) not in map(tuple, documented):
            yield f"{where}: '{' '.join(row).strip()}' is not in the manual"
    for row in documented:
        if tuple(row) not in map(tuple, have):
            yield f"{where}: the manual has '{' '.join(row).strip()}', which the program does not know"


def main(arguments):
    with open(arguments[0], encoding='utf-8') as manual:
        text = manual.read()
    found = [*problems(text), *undocumented(text)]
    for problem in found:
        print(problem)
    print(f'{len(found)} problems')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
