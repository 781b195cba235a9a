#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a fuzz target over its corpus, checks that it still sees what it should, and lets it look further for a few seconds.

    replay.py --target PROGRAM --corpus FOLDER --floor FILE [--make PROGRAM] [--keep FOLDER]

The floor is the least number of edges that the corpus alone reaches ("cov:" of libFuzzer): a target that has become blind, because
its decoder is no longer called or its corpus is refused at the first byte, falls below it.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

LIMITS = ["-timeout=20", "-rss_limit_mb=2048", "-max_len=16384"]
FURTHER = ["-runs=20000", "-max_total_time=3", "-seed=1"]


def run(options, arguments):
    command = [options.target] + LIMITS + ["-artifact_prefix=%s/" % options.keep] + arguments
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if done.returncode != 0:
        print("%s\nexit status %d; the input is kept in %s" % (done.stdout[-6000:], done.returncode, options.keep))
        sys.exit(1)
    return done.stdout


def coverage(output):
    found = re.findall(r"\bcov: (\d+)", output)
    return int(found[-1]) if found else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", required=True)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--floor", required=True)
    parser.add_argument("--make", help="a program, or a Python script, that writes more of the corpus into the folder that is its argument")
    parser.add_argument("--keep", default=".", help="where an input that breaks the target goes")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as new:
        corpora = [made] + ([options.corpus] if os.path.isdir(options.corpus) else [])
        if options.make:
            subprocess.check_call(([sys.executable] if options.make.endswith(".py") else []) + [options.make, made])
        n_seeds = sum(len(os.listdir(folder)) for folder in corpora)
        if n_seeds == 0:
            sys.exit("there is no corpus in %s" % options.corpus)

        reached = coverage(run(options, ["-runs=0"] + corpora))
        if not os.path.exists(options.floor):
            sys.exit("the corpus reaches %d edges; write the floor, a little below that, into %s" % (reached, options.floor))
        with open(options.floor, encoding="ascii") as f:
            floor = int(f.read())
        further = coverage(run(options, FURTHER + [new] + corpora))
        print("%d seeds reach %d edges (floor %d), the short run %d" % (n_seeds, reached, floor, further))
        if reached < floor:
            sys.exit("the corpus reaches %d edges, %d is the floor: the target has become blind, or the corpus is out of date" % (reached, floor))


main()
