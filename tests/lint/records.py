#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is recorded is explained: events in the catalog and in midtls(7), fields in midtls(7); what can be set is shown by midtls show."""

import os
import re

import lib

LOG, CATALOG, PAGE, SHOW = "common/log.c", "units/midtls.catalog", "docs/midtls.7", "calld/cli/verb-show.c"
SETTINGS = ("keyd/loader/config/config-connection.c", "keyd/loader/config/config-profile.c")


def read(root, path):
    """None when there is no such file, as in a tree that is about something else."""
    return lib.Source(root, path) if os.path.exists(os.path.join(root, path)) else None


def line_of(source, position):
    return source.text.count("\n", 0, position) + 1


def check_catalog(log, catalog, report):
    """Each id of the program has an entry with a subject and a text, and the other way round."""
    ids = {m.group(2): m for m in re.finditer(r'\{"([a-z-]+)", "([0-9a-f]{32})"\}', log.text)}
    entries = list(re.finditer(r"^-- ([0-9a-f]{32})\n((?:(?!-- ).*\n?)*)", catalog.text, re.MULTILINE))
    for number, match in ids.items():
        if number not in [entry.group(1) for entry in entries]:
            report.add("event-in-catalog", log.path, line_of(log, match.start()), "%s has no entry in %s" % (match.group(1), CATALOG))
    for entry in entries:
        line = line_of(catalog, entry.start())
        if entry.group(1) not in ids:
            report.add("catalog-of-events", catalog.path, line, "%s has no such id" % LOG)
        head, _, text = entry.group(2).partition("\n\n")
        if "Subject: " not in head or not text.strip():
            report.add("catalog-has-text", catalog.path, line, "an entry has a Subject: and, after an empty line, a text")


def check_page(root, log, page, report):
    events = re.findall(r'\{"([a-z-]+)", "[0-9a-f]{32}"\}', log.text)
    for event in events:
        if not re.search(r"^\.It %s Ta " % event, page.text, re.MULTILINE):
            report.add("event-in-page", PAGE, 1, "%s is not explained" % event)
    for source in lib.sources(root, ".c"):
        if source.path.startswith("tests/"):
            continue
        for match in re.finditer(r'(?:log_record_add\(\w*&?\w+, |add_\w+\(\w+, )"(MIDTLS_[A-Z0-9_]+)"', source.text):
            if match.group(1) != "MIDTLS_EVENT" and not re.search(r"\b%s\b" % match.group(1), page.text):
                report.add("field-in-page", source.path, line_of(source, match.start()), "%s is not explained in %s" % (match.group(1), PAGE))


def check_settings(root, show, report):
    for path in SETTINGS:
        source = read(root, path)
        for match in re.finditer(r'ROW\("(\w+)",\s+"(\w+)",', source.text if source else ""):
            if '"%s.%s"' % match.groups() not in show.text:
                report.add("setting-is-shown", path, line_of(source, match.start()), "%s= in [%s] is not in %s" % (match.group(2), match.group(1), SHOW))


def check(options, report):
    log, catalog, page, show = (read(options.root, path) for path in (LOG, CATALOG, PAGE, SHOW))
    if log and catalog:
        check_catalog(log, catalog, report)
    if log and page:
        check_page(options.root, log, page, report)
    if show:
        check_settings(options.root, show, report)


lib.main(check)
