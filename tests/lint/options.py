#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The parsers' tables and the manual pages name the same settings, options and verbs.

A line of a table that is not understood is a breach too: none is passed over.
"""

import os
import re

import lib

# The table of a file's settings, and its page
SETTINGS = [
    ["keyd/loader/config/config-midtls.c", "docs/midtls.conf.5"],
    ["keyd/loader/config/config-profile.c", "docs/midtls.profile.5"],
    ["keyd/loader/config/config-connection.c", "docs/midtls.connection.5"],
]
# The daemons' tables of rows that have names in common/daemon-options.h, and their pages
DAEMONS = [
    ["keyd/supervisor/main.c", "docs/midtls-keyd.8"],
    ["calld/main.c", "docs/midtls-calld.8"],
]
DAEMON_ROWS = "common/daemon-options.h"
COMMAND = "calld/cli/options.c"
VERBS = "calld/cli/verbs.c"
COMMAND_PAGE = "docs/midtls.1"
# Understood by each daemon without a row
ALWAYS = {"--help", "--version"}

SETTING = re.compile(r'\{?\s*[A-Z_]+\("(\w+)"(?:,\s*(?:"(\w+)"|NULL),.*)?\),?|\{\s*"(\w+)",\s*"(\w+)",.*\},?')
OPTION = re.compile(r'\{(?:"([a-z0-9-]+)"|NULL),\s*(?:\'(\w)\'|0),.*\},')
VERB = re.compile(r'\{(?:"([a-z]+)",.*|NULL)\},')


def table(source, head, row, report):
    """(line, match of ROW) of each row of the table that begins with HEAD."""
    begin = re.search(head, source.text, re.MULTILINE)
    if not begin:
        report.add("table-is-found", source.path, 1, "there is no " + head)
        return
    first = source.text.count("\n", 0, begin.end()) + 1
    for number, line in enumerate(source.lines[first:], first + 1):
        line = re.sub(r"/\*.*?\*/", "", line).strip()
        if line == "};":
            return
        match = row.fullmatch(line)
        if line and not match:
            report.add("row-is-understood", source.path, number, line)
        elif match:
            yield number, match


def code_settings(source, report):
    """"[Section] Key" -> line; the key is empty for any key, and for a section that is known as a whole."""
    found = {}
    for number, match in table(source, r"^static const IniRow rows\[\] = \{", SETTING, report):
        section, key = match.group(1) or match.group(3), match.group(2) or match.group(4) or ""
        found["[%s] %s" % (section, key)] = number
    return found


def page_settings(page):
    found, sections = {}, []
    for number, line in enumerate(page.lines, 1):
        if line.startswith(".Sh "):
            sections = []
        elif line.startswith(".Ss "):
            sections = re.findall(r"\[(\w+)\]", line)
            found.update({"[%s] " % section: number for section in sections})
        elif line.startswith(".It Va "):
            for section in sections:
                found.pop("[%s] " % section, None)
                found.update({"[%s] %s" % (section, key): number for key in re.findall(r"\bVa (\w+)", line)})
    return found


def code_options(source, report):
    found = {}
    for number, match in table(source, r"^static const OptionRow rows\[\] = \{", OPTION, report):
        found.update({option: number for option in (match.group(1) and "--" + match.group(1), match.group(2) and "-" + match.group(2)) if option})
    return found


def daemon_options(source, rows):
    names = dict(re.findall(r'^#define (DAEMON_ROW_\w+)\s+\{"([a-z0-9-]+)"', rows.text, re.MULTILINE))
    used = re.findall(r"\bDAEMON_ROW_\w+", source.text)
    return {"--" + names.get(name, name): source.text.count("\n", 0, source.text.index(name)) + 1 for name in used}


def page_options(page):
    """Of the section OPTIONS: those that have an entry."""
    found, section = {}, ""
    for number, line in enumerate(page.lines, 1):
        if line.startswith(".Sh "):
            section = line[4:]
        elif section == "OPTIONS" and line.startswith(".It Fl "):
            found.update({"-" + option: number for option in re.findall(r"\bFl (-?[\w-]+)", line)})
    return found


def code_verbs(source, report):
    rows = table(source, r"^const VerbRow verb_table\[\] = \{", VERB, report)
    return {match.group(1): number for number, match in rows if match.group(1)}


def page_verbs(page):
    found, section = {}, ""
    for number, line in enumerate(page.lines, 1):
        if line.startswith((".Sh ", ".Ss ")):
            section = line[4:]
        elif section == "Verbs" and line.startswith(".It Cm "):
            found.update({verb: number for verb in re.findall(r"\bCm (\w+)", line)})
    return found


def compare(source, code, page, described, report):
    for name in sorted(set(code) - set(described)):
        report.add("code-is-in-page", source.path, code[name], "%s does not tell of %s" % (page.path, name))
    for name in sorted(set(described) - set(code)):
        report.add("page-is-in-code", page.path, described[name], "%s knows no %s" % (source.path, name))


def check(options, report):
    def has(*names):
        return all(os.path.exists(os.path.join(options.root, name)) for name in names)

    def read(*names):
        return [lib.Source(options.root, name) for name in names]

    for names in SETTINGS:
        if has(*names):
            source, page = read(*names)
            compare(source, code_settings(source, report), page, page_settings(page), report)
    for names in DAEMONS:
        if has(*names):
            source, page, rows = read(*names, DAEMON_ROWS)
            compare(source, {**daemon_options(source, rows), **dict.fromkeys(ALWAYS, 1)}, page, page_options(page), report)
    if has(COMMAND, VERBS, COMMAND_PAGE):
        source, verbs, page = read(COMMAND, VERBS, COMMAND_PAGE)
        compare(source, code_options(source, report), page, page_options(page), report)
        compare(verbs, code_verbs(verbs, report), page, page_verbs(page), report)


lib.main(check)
