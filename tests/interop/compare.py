#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""compare.py: does virtmemd say of memory XML what stock libvirt says?

    compare.py --count 1000 --seed 1          ask both daemons, live
    compare.py --against answers.jsonl        ask virtmemd alone, compare with recorded answers
    compare.py --record answers.jsonl         choose cases that reach much, record stock's answers
    compare.py --stats --count 1000           what the generated cases reach in stock (asked twice)
    compare.py --case 1/17                    one case, both answers in full
    compare.py --xml FILE...                  the same for XML files

Exit status: 0 when all agree but for the differences that docs/formatdomain.rst lists, 1 when not.
A live run needs root (private mount namespaces, see stock_libvirtd.py).
"""

import argparse
import glob
import itertools
import os
import shutil
import sys
import tempfile

import generate
import known_differences
import report
import sample
import shrink
from ask import compared
from peers import StockPeer, VirtmemdPeer


# Whole domains as other programs write them, compared in each live run.
DOMAINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "domains", "*.xml")


class Source:
    """A case to ask about: the generator's or a file's."""

    def __init__(self, name, xml, faults=()):
        self.name, self.xml, self.faults = name, xml, list(faults)


def parseArguments():
    parser = argparse.ArgumentParser(description="compare virtmemd with stock libvirt")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--virtmemd", default="virtmemd", help="program to compare")
    parser.add_argument("--folder", help="keep the daemons' folders here")
    parser.add_argument("--no-shrink", action="store_true", help="show cases as generated")
    parser.add_argument("--limit", type=int, default=0, help="show at most so many kinds")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--record", metavar="FILE")
    mode.add_argument("--against", metavar="FILE")
    mode.add_argument("--stats", action="store_true")
    mode.add_argument("--case", metavar="SEED/INDEX")
    mode.add_argument("--xml", nargs="+", metavar="FILE")
    return parser.parse_args()


def generated(options):
    for case in generate.cases(options.seed, options.count, options.first):
        yield Source(case.name, case.xml, case.faults)


def fromFiles(paths):
    for path in paths:
        with open(path) as file:
            yield Source(os.path.basename(path), file.read())


def oneCase(name):
    seed, _, index = name.rpartition("/")
    case = generate.Case(seed, int(index))
    return Source(case.name, case.xml, case.faults)


def compareLive(options, sources, folder, verbose=False):
    findings = report.Findings()
    with StockPeer(os.path.join(folder, "s")) as stock, \
            VirtmemdPeer(os.path.join(folder, "v"), options.virtmemd) as ours:
        for source in sources:
            left, right = stock.ask(source.xml), ours.ask(source.xml)
            if verbose:
                report.printAnswers(source, left, right)
            findings.add(source, left, right)
        if not options.no_shrink:
            findings.shrink(lambda xml: (stock.ask(xml), ours.ask(xml)), shrink.shrink)
    return findings


def compareRecorded(options, folder):
    findings = report.Findings()
    with VirtmemdPeer(os.path.join(folder, "v"), options.virtmemd) as ours:
        for record in sample.read(options.against):
            source = Source(record["name"], record["xml"], record["faults"])
            findings.add(source, record["answer"], ours.ask(source.xml))
    return findings


def askStock(options, folder):
    """Pairs of case and answer; asks each twice to see that stock agrees with itself."""
    pairs, unstable = [], []
    with StockPeer(os.path.join(folder, "s")) as stock:
        for source in generated(options):
            first, second = stock.ask(source.xml), stock.ask(source.xml)
            pairs.append((source, first))
            if compared(first) != compared(second) and "LOST" not in (
                    first["define"], second["define"]):
                unstable.append(source.name)
    return pairs, unstable


def run(options, folder):
    if options.stats or options.record:
        pairs, unstable = askStock(options, folder)
        report.printStatistics(pairs, unstable)
        if options.record:
            sample.write(options.record, sample.choose(pairs, set(unstable)))
        return 0 if not unstable else 1
    if options.against:
        findings = compareRecorded(options, folder)
    elif options.case:
        findings = compareLive(options, [oneCase(options.case)], folder, verbose=True)
    elif options.xml:
        findings = compareLive(options, fromFiles(options.xml), folder, verbose=True)
    else:
        sources = itertools.chain(fromFiles(sorted(glob.glob(DOMAINS))), generated(options))
        findings = compareLive(options, sources, folder)
    findings.print(options.limit)
    return 0 if findings.agree() else 1


def main():
    options = parseArguments()
    problems = known_differences.check()
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    folder = options.folder or tempfile.mkdtemp(prefix="interop-")
    try:
        return run(options, folder)
    finally:
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
