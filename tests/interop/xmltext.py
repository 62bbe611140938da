# SPDX-License-Identifier: LGPL-2.1-or-later
"""xmltext.py: writes an element tree without changing what it says.

Blanks are added or removed only between elements, never in an element that has text of its own.
"""

import xml.etree.ElementTree as ElementTree


def pretty(root):
    _space(root, "\n")
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def compact(root):
    _space(root, None)
    return ElementTree.tostring(root, encoding="unicode")


def _blank(text):
    return not (text or "").strip()


def _space(element, indent):
    """Sets the blanks before each child to indent and two more; None removes them."""
    children = list(element)
    if not children and _blank(element.text) and "\n" in (element.text or ""):
        element.text = None
    if not children or not _blank(element.text) or not all(_blank(c.tail) for c in children):
        return
    deeper = None if indent is None else indent + "  "
    element.text = deeper
    for child in children:
        _space(child, deeper)
        child.tail = deeper
    children[-1].tail = indent
