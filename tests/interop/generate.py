#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""generate.py: memory domain XML, valid and invalid, from a seed.

    generate.py --seed S --count N [--first I] [--faults]

Case I of seed S is the same text on every machine. Most domains carry no fault or one, so that an
error code can be traced to a rule; some carry two, for the order in which rules are checked.
"""

import argparse
import random
import sys

import gen_faults
import gen_scene
import xmltext

# Number of faults, by weight.
FAULT_COUNTS = (0,) * 9 + (1,) * 9 + (2,) * 2


# Domains to try for one fault before taking another: rare elements need many.
ATTEMPTS = 60


def _sceneWithFault(rng):
    while True:
        fault = gen_faults.pickFault(rng)
        for _ in range(ATTEMPTS):
            scene = gen_scene.buildScene(rng)
            name = fault(scene)
            if name is not None:
                return scene, [name]


class Case:
    """One domain XML with its seed, index and the names of the faults put in."""

    def __init__(self, seed, index):
        self.seed = seed
        self.index = index
        rng = random.Random("memory-xml:%s:%d" % (seed, index))
        count = rng.choice(FAULT_COUNTS)
        scene, self.faults = _sceneWithFault(rng) if count else (gen_scene.buildScene(rng), [])
        self.faults += [gen_faults.applyAnyFault(scene) for _ in range(count - 1)]
        self.xml = xmltext.pretty(scene.root)

    @property
    def name(self):
        return "%s/%d" % (self.seed, self.index)


def cases(seed, count, first=0):
    for index in range(first, first + count):
        yield Case(seed, index)


def main():
    parser = argparse.ArgumentParser(description="memory domain XML from a seed")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--faults", action="store_true", help="name the faults above each XML")
    options = parser.parse_args()
    for case in cases(options.seed, options.count, options.first):
        if options.faults:
            print("<!-- %s: %s -->" % (case.name, "; ".join(case.faults).replace("--", "- -")))
        sys.stdout.write(case.xml)
    return 0


if __name__ == "__main__":
    sys.exit(main())
