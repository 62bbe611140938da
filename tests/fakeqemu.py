#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""fakeqemu.py: a QEMU that runs nothing and answers the probe of its capabilities from a recording.

    fakeqemu.py RECORDING [OPTION...]

The options are those of a QEMU and are not looked at. A command that the recording lacks gets an error, as from QEMU.
"""

import json
import re
import sys


def load(path):
    replies = {}
    with open(path, encoding="utf-8") as recording:
        for block in recording.read()[2:].split("\n> "):
            command, reply = block.split("\n< ", 1)
            replies[json.dumps(json.loads(command), sort_keys=True)] = json.loads(reply)
    schema = re.sub(r"\.[^.]*\.replies$", ".schema.json", path)
    with open(schema, encoding="utf-8") as text:
        replies[json.dumps({"execute": "query-qmp-schema"})] = {"return": json.load(text)}
    replies[json.dumps({"execute": "qmp_capabilities"})] = {"return": {}}
    replies[json.dumps({"execute": "quit"})] = {"return": {}}
    return replies


def say(value):
    sys.stdout.write(json.dumps(value) + "\r\n")
    sys.stdout.flush()


def main():
    replies = load(sys.argv[1])
    say({"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": ""}, "capabilities": []}})
    for line in sys.stdin:
        command = json.loads(line)
        unknown = {"error": {"class": "CommandNotFound", "desc": "the recording lacks %s" % line.strip()}}
        say(replies.get(json.dumps(command, sort_keys=True), unknown))
        if command["execute"] == "quit":
            break


if __name__ == "__main__":
    main()
