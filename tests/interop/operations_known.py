# SPDX-License-Identifier: LGPL-2.1-or-later
"""operations_known.py: where virtmemd changes a running guest otherwise than libvirt 9.0, on purpose.

docs/formatdomain.rst lists these differences for people: the first column of the table in its section "Where changes of a
running guest differ from libvirt 9.0". Here each id has a matcher. Neither list may have an id that the other lacks.
"""

import copy

import operations_words as words
from known_differences import DOCUMENT, documentedIds

HEADING = 'Where changes of a running guest differ from libvirt 9.0'

# id: function(step, stock, ours); it changes stock's answer to what it must be here, and returns True, or leaves it alone.
MATCHERS = {}

# Met in scenes that no recording has.
HERE_ONLY = {'numatune-live-mode'}


def _matcher(ident):
    return lambda function: MATCHERS.setdefault(ident, function)


def idents():
    return set(MATCHERS)


def check():
    documented = set(documentedIds(DOCUMENT, HEADING))
    return (["docs/formatdomain.rst lists '%s', which operations_known.py cannot match" % ident
             for ident in sorted(documented - idents())]
            + ["operations_known.py matches '%s', which docs/formatdomain.rst lacks" % ident
               for ident in sorted(idents() - documented)])


def explain(scene, step, stock, ours):
    """(ids met, stock's answer as it should be here, ours)."""
    met, wanted = [], copy.deepcopy(stock)
    for ident, matcher in MATCHERS.items():
        if matcher(step, wanted, ours):
            met.append(ident)
    return met, wanted, ours


@_matcher('device-added-alias')
def _deviceAddedAlias(step, stock, ours):
    events = stock.get('events', [])
    plain = [event.replace('device-added mem', 'device-added ') for event in events]
    if plain == events:
        return False
    stock['events'] = plain
    return True


def _ours(stock, ours):
    """From here on stock's answer is ours: the matcher has looked at both."""
    stock.clear()
    stock.update(ours)
    return True


@_matcher('plug-without-slot')
def _plugWithoutSlot(step, stock, ours):
    return (step[0] == 'attach' and "model='virtio-" in step[1] and 'exceeds slots count' in stock.get('said', '')
            and ours['exit'] == 0 and _ours(stock, ours))


@_matcher('plug-rounding')
def _plugRounding(step, stock, ours):
    return (step[0] == 'attach' and 'must be multiple of' in stock.get('said', '') and ours['exit'] == 0
            and any("<size unit='KiB'>4096</size>" in text for text in ours['live']) and _ours(stock, ours))


@_matcher('attach-checked')
def _attachChecked(step, stock, ours):
    return (step[0] == 'attach' and step[2] == 'config' and stock['exit'] == 0 and ours.get('code') == 'CONFIG_UNSUPPORTED'
            and any(word in ours['said'] for word in ("needs a '<node>'", "beyond the '4' slots")) and _ours(stock, ours))


@_matcher('update-by-alias')
def _updateByAlias(step, stock, ours):
    return (step[0] == 'update' and '<alias ' in step[1] and '<address ' not in step[1]
            and stock.get('code') == 'CONFIG_UNSUPPORTED' and ours.get('code') != stock['code']
            and ours['exit'] == 0 and _ours(stock, ours))


@_matcher('detach-as-made')
def _detachAsMade(step, stock, ours):
    return (step[0] == 'detach' and ("model='virtio-mem'" in step[1] or "type='dimm'" in step[1])
            and stock.get('code') == 'DEVICE_MISSING' and ours.get('code') != 'DEVICE_MISSING' and _ours(stock, ours))


@_matcher('setmem-both')
def _setmemBoth(step, stock, ours):
    return (step[0] == 'setmem' and 'live' in step[2] and 'config' in step[2] and stock['exit'] == 0
            and ours.get('code') == 'INVALID_ARG' and _ours(stock, ours))


@_matcher('detach-unanswered')
def _detachUnanswered(step, stock, ours):
    """stock says that it is done, leaves the device with the guest, and takes it out of the definition."""
    return (step[0] == 'detach' and stock['exit'] == 0 and 'live' not in stock and ours.get('code') == 'OPERATION_TIMEOUT'
            and 'live' not in ours and 'config' not in ours and _ours(stock, ours))


@_matcher('memtune-own-side')
def _memtuneOwnSide(step, stock, ours):
    """stock's answer depends on limits of the running guest, and from then on the definitions differ"""
    if step[0] not in ('virsh', 'shape') or not step[1].removeprefix('-r ').startswith('memtune ') or '--config' not in step[1]:
        return False
    refused = 'must be lower than or equal to swap_hard_limit' in stock.get('said', '') and ours['exit'] == 0
    taken = stock['exit'] == 0 and "is below 'hard_limit'" in ours.get('said', '')
    return (refused or taken) and _ours(stock, ours)


@_matcher('numatune-live-mode')
def _numatuneLiveMode(step, stock, ours):
    line = step[1] if step[0] == 'virsh' else ''
    return ('numatune {guest} --live --mode ' in line and '--nodeset' in line and stock['exit'] != ours['exit']
            and {stock.get('code'), ours.get('code')} == {None, 'OPERATION_INVALID'} and _ours(stock, ours))


@_matcher('update-automatic-alias')
def _updateAutomaticAlias(step, stock, ours):
    """without an alias libvirt 9.0 asks QEMU for a device '(null)', with the running guest's it misses it in the definition"""
    return (step[0] == 'update' and "alias name='ua-" not in step[1] and '<address ' in step[1]
            and stock.get('code') in ('INTERNAL_ERROR', 'OPERATION_FAILED', 'INVALID_ARG') and ours['exit'] == 0 and _ours(stock, ours))


@_matcher('update-size')
def _updateSize(step, stock, ours):
    def rest(answer):
        return [text for text in answer.get('config') or () if not text.startswith(('<memory unit', '<currentMemory'))]
    return (step[0] == 'update' and step[2] == 'config' and stock['exit'] == ours['exit'] == 0
            and stock.get('config') != ours.get('config') and rest(stock) == rest(ours) and _ours(stock, ours))


@_matcher('dirty-rate-bitmap')
def _dirtyRateBitmap(step, stock, ours):
    """stock loses the guest over it, and has none to destroy afterwards"""
    refused = (step == ('virsh', words.DIRTY_BITMAP) and stock['exit'] == 1 and ours.get('code') == 'OPERATION_UNSUPPORTED')
    left = (step == ('virsh', 'destroy {guest} --graceful') and 'not running' in stock.get('said', '') and ours['exit'] == 0)
    return (refused or left) and _ours(stock, ours)
