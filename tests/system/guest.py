#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs in the container as midtls-tests.service, when the system is up: what the installed pair does under systemd."""

import contextlib

import credentials
import layers
import life
import records
import sandbox
import start
from harness import Suite
from host import Partner, configure, run


def main(suite):
    with contextlib.ExitStack() as stack:
        partners = {name: stack.enter_context(Partner(closes=name == "fresh")) for name in ("kept", "fresh")}
        configure(partners)
        start.tests(suite)
        records.tests(suite)
        credentials.tests(suite, partners["fresh"])
        # Before many units are started: of what PID 1 says the journal drops most.
        life.tests(suite)
        sandbox.tests(suite)
        layers.tests(suite)
        life.end(suite)
        if suite.failed:
            print("--- the end of the journal\n" + run("journalctl", "--no-pager", "--output=short-precise", "--lines=60", status=None))


Suite().main(main)
