#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs in the container as midtls-tests.service, when the system is up: what the README says, then what becomes of the packages."""

import contextlib
import os

import first_call
import life
import packages
from harness import Suite
from host import Partner, run


def main(suite):
    with contextlib.ExitStack() as stack:
        stack.enter_context(first_call.Nginx())
        partners = [stack.enter_context(Partner(closes)) for closes in (False, True)]
        first_call.tests(suite)
        life.tests(suite, packages.Debian(), partners)
        life.tests(suite, packages.Rpm(), partners)
        if suite.failed:
            print("--- the end of the journal\n" + run("journalctl", "--no-pager", "--output=short-precise", "--lines=100", status=None))


os.environ["LC_ALL"] = "C.UTF-8"
Suite().main(main)
