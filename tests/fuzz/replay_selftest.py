#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""replay.py must refuse a blind target, a target that breaks, and a corpus that is empty."""

import os
import subprocess
import sys
import tempfile

REPLAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "replay.py")


def replay(where, edges, status, floor, seeds):
    """Return: replay.py's exit status for a target that reaches @edges and ends with @status."""
    target, corpus = os.path.join(where, "target"), os.path.join(where, "corpus")
    os.makedirs(corpus, exist_ok=True)
    for name in os.listdir(corpus):
        os.unlink(os.path.join(corpus, name))
    for name in seeds:
        with open(os.path.join(corpus, name), "w", encoding="ascii") as f:
            f.write(name)
    with open(target, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\necho '#2 INITED cov: %d ft: 9'\nexit %d\n" % (edges, status))
    os.chmod(target, 0o755)
    with open(os.path.join(where, "floor"), "w", encoding="ascii") as f:
        f.write("%d\n" % floor)
    command = [sys.executable, REPLAY, "--target", target, "--corpus", corpus, "--floor", os.path.join(where, "floor"), "--keep", where]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode


def main():
    with tempfile.TemporaryDirectory() as where:
        assert replay(where, 5, 0, 5, ["seed"]) == 0
        assert replay(where, 4, 0, 5, ["seed"]) == 1, "a blind target is accepted"
        assert replay(where, 5, 77, 5, ["seed"]) == 1, "a target that breaks is accepted"
        assert replay(where, 5, 0, 5, []) == 1, "an empty corpus is accepted"


main()
