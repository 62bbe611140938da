#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""soak: the daemon under load, under kill -9, and beside a QEMU that is stopped.

    soak [--seed S] [--seconds N] [--clients N] [--ops N] [--only clients|operations|stuck]

    clients      fifty clients for N seconds on the same and on different guests
    operations   ten thousand random operations, the daemon killed and started again at random
    stuck        a guest whose QEMU does not answer

To be run through build/run, which has virtmemd in its PATH. The seed is printed, so that a run can be had again; what fifty
clients do at the same time is not the same twice. Exit status 1 when anything is not as it must be.
"""

import argparse
import os
import secrets
import shutil
import sys
import tempfile
import time

import scene
import clients
import operations
import stuck
from daemon import Virtmemd, endGuests

SHOWN = 60


def soakClients(daemon, options):
    done, problems, (seconds, name) = clients.run(daemon, options.seed, options.seconds, options.clients)
    print(f'clients: {done} operations of {options.clients} clients in {options.seconds} s, the slowest {seconds:.1f} s ({name})')
    return problems


def soakOperations(daemon, options):
    done, counts, problems = operations.run(daemon, options.seed, options.ops)
    print(f"operations: {done}, {', '.join(f'{name} {count}' for name, count in counts.items())}")
    return problems


def soakStuck(daemon, _options):
    problems = stuck.run(daemon, stuck.ANSWER_SECONDS)
    print('stuck: done')
    return problems


PARTS = {'clients': soakClients, 'operations': soakOperations, 'stuck': soakStuck}


def parseArguments():
    parser = argparse.ArgumentParser(description='the daemon under load')
    parser.add_argument('--seed', default=secrets.token_hex(4))
    parser.add_argument('--seconds', type=float, default=180)
    parser.add_argument('--clients', type=int, default=50)
    parser.add_argument('--ops', type=int, default=10000)
    parser.add_argument('--only', choices=sorted(PARTS))
    return parser.parse_args()


def runPart(name, options):
    folder = tempfile.mkdtemp(prefix='soak-')
    daemon = Virtmemd(folder)
    began = time.monotonic()
    try:
        with daemon:
            problems = PARTS[name](daemon, options)
        for problem in problems[:SHOWN]:
            print(f'  {problem}')
        if problems:
            print(f"{name}: {len(problems)} problems; again: {sys.argv[0]} --only {name} --seed {options.seed}\n"
                  f'the daemon said:\n{daemon.lastWords()}')
        print(f'{name}: {time.monotonic() - began:.0f} s', flush=True)
        return problems
    finally:
        daemon.kill()
        endGuests(folder)
        shutil.rmtree(folder, ignore_errors=True)


def main():
    options = parseArguments()
    print(f'seed {options.seed}', flush=True)
    scene.setUp()
    # nobody in those guests gives up what they were started with, however long one waits
    os.environ.setdefault('VIRTMEMD_UNPLUG_TIMEOUT', '200')
    os.environ.setdefault('VIRTMEMD_ANSWER_TIMEOUT', str(int(stuck.ANSWER_SECONDS * 1000)))
    bad = [name for name in PARTS if options.only in (None, name) and runPart(name, options)]
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
