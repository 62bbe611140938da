# SPDX-License-Identifier: LGPL-2.1-or-later
"""sample.py: the fixed sample: which cases to record, and the file that holds them.

One JSON object a line: name, faults, xml and stock's answer without its messages.
"""

import json
import xml.etree.ElementTree as ElementTree

import verdict
import xmltext
from ask import compared

SAMPLE_SIZE = 220


def read(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def write(path, pairs):
    with open(path, "w") as file:
        for source, answer in pairs:
            record = {"name": source.name, "faults": source.faults, "xml": _compact(source.xml),
                      "answer": compared(answer)}
            file.write(json.dumps(record, separators=(",", ":")) + "\n")


def _compact(xml):
    keepComments = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    return xmltext.compact(ElementTree.fromstring(xml, keepComments))


def choose(pairs, unstable):
    """Greedy cover: always the case with the most features that are rare among the chosen."""
    left = [(source, answer, _features(source, answer)) for source, answer in pairs
            if source.name not in unstable and answer["define"] != "LOST"]
    left.sort(key=lambda item: len(item[0].xml))
    seen, chosen = {}, []
    while left and len(chosen) < SAMPLE_SIZE:
        best = max(left, key=lambda item: _worth(item[2], seen) / (400 + len(item[0].xml)))
        left.remove(best)
        for feature in best[2]:
            seen[feature] = seen.get(feature, 0) + 1
        chosen.append(best[:2])
    return sorted(chosen, key=lambda item: item[0].name)


def _worth(features, seen):
    return sum(1.0 / (1 + seen.get(feature, 0)) ** 3 for feature in features)


def _features(source, answer):
    """What a case exercises: rules of refusal, XML parts, arguments with their properties."""
    features = {"fault " + fault.partition("=")[0] for fault in source.faults}
    for step in ("define", "native"):
        features.add("%s %s" % (step, verdict.outcome(answer, step)))
    if answer["define"] != "ok":
        return features
    root = ElementTree.fromstring(source.xml)
    features.add("machine " + root.find("os/type").get("machine"))
    for element in root.iter():
        for name, value in element.attrib.items():
            if element.tag not in ("type", "cell", "sibling", "cache") or name == "memAccess":
                features.add("%s@%s=%s" % (element.tag, name, value if value.isalpha() else "N"))
    for option, values in answer.get("argv", {}).items():
        for value in values:
            features.add(_argumentFeature(option, value))
    return features


def _argumentFeature(option, value):
    if isinstance(value, str):
        return "%s %s" % (option, verdict.pattern(value)[:60])
    keys = ",".join(sorted(value))
    return "%s %s %s" % (option, value.get("qom-type") or value.get("driver"), keys)
