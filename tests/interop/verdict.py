# SPDX-License-Identifier: LGPL-2.1-or-later
"""verdict.py: where two answers disagree, in words that group equal causes together."""

import json
import re


def pattern(message):
    """A message without the values in it: what remains names the rule."""
    message = re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", message or "")
    message = re.sub(r"0x[0-9a-fA-F]+", "N", message)
    return re.sub(r"-?\d+", "N", message)


def outcome(answer, step):
    """The code of a step and, for a refusal, the pattern of its message."""
    code = answer.get(step, "none")
    said = answer.get("said", {}).get(step)
    return "%s (%s)" % (code, pattern(said)) if said else code


def disagreements(stock, ours):
    """List of kinds, one string each; empty when both answers say the same."""
    kinds = []
    for step in ("define", "native"):
        if stock.get(step) != ours.get(step):
            kinds.append("%s: stock %s | virtmemd %s" % (
                step, outcome(stock, step), outcome(ours, step)))
    if stock.get("xml") is not None and ours.get("xml") is not None:
        kinds += _xmlKinds(stock["xml"], ours["xml"])
    if stock.get("argv") is not None and ours.get("argv") is not None:
        kinds += _argvKinds(stock["argv"], ours["argv"])
    return kinds


def _xmlKinds(stock, ours):
    if stock == ours:
        return []
    missing = [text for text in stock if text not in ours]
    extra = [text for text in ours if text not in stock]
    if not missing and not extra:
        return ["xml: order of elements"]
    return ["xml: stock %s | virtmemd %s" % (
        _shape(missing[0]) if missing else "none", _shape(extra[0]) if extra else "none")]


def _shape(text):
    return pattern(text)[:300]


def _argvKinds(stock, ours):
    kinds = []
    for option in sorted(set(stock) | set(ours)):
        left, right = stock.get(option, []), ours.get(option, [])
        if left == right:
            continue
        missing = [item for item in left if item not in right]
        extra = [item for item in right if item not in left]
        kinds.append("argv %s: stock %s | virtmemd %s" % (
            option, _itemShape(missing), _itemShape(extra)))
    return kinds


def _itemShape(items):
    if not items:
        return "none"
    item = items[0]
    text = item if isinstance(item, str) else json.dumps(item)
    return re.sub(r"-?\d+", "N", text)
