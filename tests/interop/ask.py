#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ask.py: asks one daemon about one domain XML and returns a normalised answer.

    ask.py URI FILE...      prints each answer as JSON, with the error messages

An answer is a dictionary:

    define    "ok" or the error code's name without VIR_ERR_
    xml       when defined: the memory part of the inactive XML, one string per element
    native    "ok" or the error code's name, of domxml-to-native
    argv      when converted: the memory arguments, see memoryArguments()
    said      the two error messages, for people: no comparison looks at them
"""

import json
import sys

import libvirt

import normalise

UNDEFINE_FLAGS = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)

# What is compared; the rest of an answer is for people.
COMPARED = ("define", "xml", "native", "argv")

# Codes that say that the daemon is gone, whatever it was asked.
LOST = (libvirt.VIR_ERR_RPC, libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_INTERNAL_ERROR)

CODE_NAMES = {
    getattr(libvirt, name): name[len("VIR_ERR_"):]
    for name in dir(libvirt)
    if name.startswith("VIR_ERR_") and name not in ("VIR_ERR_NONE", "VIR_ERR_WARNING",
                                                    "VIR_ERR_ERROR")
}


def codeName(error):
    """The name of a libvirtError's code without VIR_ERR_."""
    return CODE_NAMES.get(error.get_error_code(), str(error.get_error_code()))


class DaemonLost(Exception):
    """The daemon closed the connection or died while it was asked."""


class Daemon:
    """One connection, used for all questions."""

    def __init__(self, uri):
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        self.uri = uri
        self.conn = libvirt.open(uri)

    def close(self):
        try:
            self.conn.close()
        except libvirt.libvirtError:
            pass

    def ask(self, xml):
        answer = {"said": {}}
        self._define(xml, answer)
        self._native(xml, answer)
        return answer

    def _define(self, xml, answer):
        try:
            domain = self.conn.defineXML(xml)
        except libvirt.libvirtError as error:
            self._refused(answer, "define", error)
            return
        answer["define"] = "ok"
        try:
            answer["xml"] = normalise.memoryElements(normalise.madeUpUuidsAway(
                domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), xml))
            _undefine(domain)
        except libvirt.libvirtError as error:
            self._refused(answer, "define", error)

    def _native(self, xml, answer):
        try:
            native = self.conn.domainXMLToNative("qemu-argv", xml, 0)
        except libvirt.libvirtError as error:
            self._refused(answer, "native", error)
            return
        answer["native"] = "ok"
        answer["argv"] = normalise.memoryArguments(normalise.madeUpUuidsAway(native, xml))

    def _refused(self, answer, step, error):
        code = error.get_error_code()
        if code in LOST and not self.conn.isAlive():
            raise DaemonLost("'%s' was lost at %s: %s" % (self.uri, step, error))
        answer[step] = codeName(error)
        answer["said"][step] = error.get_error_message()


def _undefine(domain):
    try:
        domain.undefineFlags(UNDEFINE_FLAGS)
    except libvirt.libvirtError:
        # Not every daemon knows the flags.
        domain.undefine()


def compared(answer):
    """The part of an answer that two daemons have to agree on."""
    return {key: answer[key] for key in COMPARED if key in answer}


def main(arguments):
    if len(arguments) < 2:
        print("usage: ask.py URI FILE...", file=sys.stderr)
        return 2
    daemon = Daemon(arguments[0])
    for path in arguments[1:]:
        with open(path) as file:
            print(json.dumps(daemon.ask(file.read()), indent=1))
    daemon.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
