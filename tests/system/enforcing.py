#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs in the emulated machine as midtls-tests.service, when the system is up: the installed pair under SELinux, enforcing."""

import contextlib

import credentials
import domains
import records
import start
from harness import Suite
from host import Partner, configure, run


def main(suite):
    with contextlib.ExitStack() as stack:
        partners = {name: stack.enter_context(Partner(closes=name == "fresh")) for name in ("kept", "fresh")}
        configure(partners)
        domains.label_configuration()
        suite.run("SELinux is enforcing, and the policy package is loaded", domains.enforcing)
        start.tests(suite)
        records.tests(suite)
        credentials.tests(suite, partners["fresh"])
        domains.tests(suite)
        if suite.failed:
            print("--- denials\n" + domains.describe_denials())
            print("--- the end of the journal\n" + run("journalctl", "--no-pager", "--output=short-precise", "--lines=60", status=None))


Suite().main(main)
