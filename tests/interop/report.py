# SPDX-License-Identifier: LGPL-2.1-or-later
"""report.py: collects what a comparison found and prints it, grouped by kind of disagreement."""

import collections
import json

import known_differences
import verdict


class Kind:
    """All cases that disagree in the same words; keeps the shortest."""

    def __init__(self):
        self.count = 0
        self.source = None
        self.xml = None
        self.answers = None

    def add(self, source, stock, ours):
        self.count += 1
        if self.xml is None or len(source.xml) < len(self.xml):
            self.source, self.xml, self.answers = source, source.xml, (stock, ours)


class Findings:
    def __init__(self):
        self.cases = 0
        self.accepted = 0
        self.kinds = collections.defaultdict(Kind)
        self.known = collections.Counter()
        self.stockLost = []

    def add(self, source, stock, ours):
        self.cases += 1
        if stock["define"] == "LOST":
            self.stockLost.append(source.name)
            if ours["define"] != "LOST":
                return
        self.accepted += stock["define"] == "ok"
        kinds = verdict.disagreements(stock, ours)
        if not kinds:
            return
        known = known_differences.explain(source.xml, stock, ours)
        if known is not None:
            self.known[known] += 1
            return
        # One cause often shows in several places: the first names it.
        self.kinds[kinds[0]].add(source, stock, ours)

    def agree(self):
        return not self.kinds

    def shrink(self, askBoth, shrinkXml):
        """Makes each kind's example as small as it gets while it still shows that kind."""
        for words, kind in self.kinds.items():
            def shows(xml, words=words):
                stock, ours = askBoth(xml)
                return (words in verdict.disagreements(stock, ours)
                        and known_differences.explain(xml, stock, ours) is None)
            if shows(kind.xml):
                kind.xml = shrinkXml(kind.xml, shows)

    def print(self, limit=0):
        ordered = sorted(self.kinds.items(), key=lambda item: -item[1].count)
        for words, kind in ordered[:limit or None]:
            self._printKind(words, kind)
        for ident, count in sorted(self.known.items()):
            print("known difference '%s': %d cases" % (ident, count))
        if self.stockLost:
            print("stock libvirtd died of %d cases: %s" % (
                len(self.stockLost), " ".join(self.stockLost[:20])))
        disagreeing = sum(kind.count for kind in self.kinds.values())
        print("%d cases, %d accepted by stock: %d disagree in %d kinds, %d differ as documented" % (
            self.cases, self.accepted, disagreeing, len(self.kinds), sum(self.known.values())))

    @staticmethod
    def _printKind(words, kind):
        stock, ours = kind.answers
        print("=== %d x %s" % (kind.count, words))
        print("    smallest: %s %s; again: tests/interop/compare.py --case %s" % (
            kind.source.name, kind.source.faults, kind.source.name))
        for name, answer in (("stock", stock), ("virtmemd", ours)):
            for step, message in sorted(answer.get("said", {}).items()):
                print("    %s, %s: %s" % (name, step, message))
        print(kind.xml)


def printAnswers(source, stock, ours):
    print("--- %s %s\n%s" % (source.name, source.faults, source.xml))
    for name, answer in (("stock", stock), ("virtmemd", ours)):
        print("%s: %s" % (name, json.dumps(answer, indent=1)))


def printStatistics(pairs, unstable):
    """What the cases reach in stock: each rule (code and message) with an example, outcomes."""
    outcomes, rules, examples = collections.Counter(), collections.Counter(), {}
    for source, answer in pairs:
        outcomes[answer["define"], answer["native"]] += 1
        for step in ("define", "native"):
            if step not in answer["said"] or step == "native" and "define" in answer["said"]:
                continue
            rule = "%s: %s" % (step, verdict.outcome(answer, step))
            rules[rule] += 1
            examples.setdefault(rule, "%s %s" % (source.name, source.faults))
    for rule, count in rules.most_common():
        print("%5d %s   e.g. %s" % (count, rule, examples[rule]))
    for (define, native), count in outcomes.most_common():
        print("%5d define %s, domxml-to-native %s" % (count, define, native))
    accepted = sum(count for (define, _), count in outcomes.items() if define == "ok")
    print("%d cases, %d%% accepted, %d rules of refusal reached, %d unstable: %s" % (
        len(pairs), 100 * accepted // max(len(pairs), 1), len(rules), len(unstable),
        " ".join(unstable)))
