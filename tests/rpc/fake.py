#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""fake.py: the RPC layer over the double of the driver, as a context for tests with stock clients."""

import os
import shutil
import subprocess
import tempfile
import time

BUILD = os.environ.get("MEM_TEST_BUILD", os.path.join(os.path.dirname(__file__), "../../build/tests"))
DEADLINE_SECONDS = 30


def waitFor(what, condition):
    """Until condition() is true; its value."""
    end = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("not within %d s: %s" % (DEADLINE_SECONDS, what))


class FakeServer:
    """A server on sockets of its own; self.uri and self.uriReadonly reach it."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="rpcfake-")
        socket = os.path.join(self.folder, "sock")
        self.process = subprocess.Popen([os.path.join(BUILD, "rpcfakeserver"), socket, socket + "-ro"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise AssertionError("rpcfakeserver does not start")
        self.uri = "qemu+unix:///session?socket=" + socket
        self.uriReadonly = "qemu+unix:///session?socket=" + socket + "-ro"
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        status = self.process.wait(DEADLINE_SECONDS)
        shutil.rmtree(self.folder)
        if status != 0:
            raise AssertionError("rpcfakeserver ended with status %d" % status)


def virsh(uri, *words, readonly=False):
    """(exit status, standard output, standard error) of stock virsh."""
    command = ["virsh"] + (["-r"] if readonly else []) + ["-c", uri] + list(words)
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS,
                          env=dict(os.environ, LC_ALL="C"), stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout.strip(), done.stderr.strip()
