# SPDX-License-Identifier: LGPL-2.1-or-later
"""suite.py: runs a test file's cases; a skip is a failure, and a failure says how to run it again."""

import os
import sys
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


# Called when a case fails, while everything it stands on is still there: to print what may explain it.
witnesses = []


class Result(unittest.TextTestResult):
    def addError(self, test, err):
        super().addError(test, err)
        self._hearWitnesses()

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._hearWitnesses()

    def _hearWitnesses(self):
        for witness in witnesses:
            witness()


def buildFolder():
    """The build folder: what meson's tests are told, else build/ in the source tree."""
    return os.environ.get('MEM_TEST_BUILD_ROOT') or os.path.join(SOURCE, 'build')


def caseName(test):
    """The name that the command line takes, also for a class that could not be set up."""
    name = test.id()
    if name.startswith(('setUpClass (', 'tearDownClass (')):
        name = name[name.index('(') + 1:-1]
    return name.replace('__main__.', '')


def main():
    """To be called by a file of cases instead of unittest.main()."""
    script = os.path.relpath(sys.argv[0], SOURCE)
    runner = unittest.TextTestRunner(resultclass=Result, verbosity=2)
    program = unittest.main(module='__main__', exit=False, testRunner=runner)
    result = program.result
    bad = [test for test, _ in result.failures + result.errors + result.skipped]
    for test, reason in result.skipped:
        print(f'{caseName(test)}: a skip counts as a failure: {reason}', file=sys.stderr)
    for test in bad:
        print(f'run it again: cd {SOURCE} && {buildFolder()}/run {script} {caseName(test)}', file=sys.stderr)
    if result.testsRun == 0 and not bad:
        print(f'{script}: no case ran', file=sys.stderr)
        sys.exit(1)
    sys.exit(1 if bad or result.unexpectedSuccesses else 0)
