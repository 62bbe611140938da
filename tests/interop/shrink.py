# SPDX-License-Identifier: LGPL-2.1-or-later
"""shrink.py: the smallest domain XML that still shows a disagreement."""

import xml.etree.ElementTree as ElementTree

import xmltext

KEPT = ("name", "uuid", "os", "type", "emulator", "devices")


def shrink(xml, stillShows):
    """Removes elements and attributes one by one for as long as stillShows(xml) stays true."""
    keepComments = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    root = ElementTree.fromstring(xml, keepComments)
    changed = True
    while changed:
        changed = _removeElements(root, stillShows) or _removeAttributes(root, stillShows)
    return xmltext.pretty(root)


def _removeElements(root, stillShows):
    changed = False
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in KEPT:
                continue
            index = list(parent).index(child)
            parent.remove(child)
            if stillShows(xmltext.pretty(root)):
                changed = True
            else:
                parent.insert(index, child)
    return changed


def _removeAttributes(root, stillShows):
    changed = False
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            if element.tag in ("domain", "type"):
                continue
            before = dict(element.attrib)
            del element.attrib[name]
            if stillShows(xmltext.pretty(root)):
                changed = True
            else:
                element.attrib.clear()
                element.attrib.update(before)
    return changed
