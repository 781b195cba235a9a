#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test-completions.py MIDTLS FOLDER: what bash and zsh complete; verbs and options come from the command MIDTLS, aliases from one that stands in for it."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

MIDTLS, FOLDER = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
LIMIT_SEC = 30
# Names are calld's to tell, which does not run here.
NAMES = """#!/bin/sh
case "$*" in
*--help*) exec %s "$@" ;;
list*--profiles*) echo 'mauth  rsa-2048  -' ;;
list*) printf 'crm      https://one\\nbilling  https://other\\n' ;;
esac
""" % MIDTLS
VERBS = re.findall(r"^  ([a-z]+) .*", subprocess.run([MIDTLS, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout, re.MULTILINE)

# Words before the cursor, and what may stand there
BASH = [
    (["midtls", ""], VERBS),
    (["midtls", "enc"], ["encrypt"]),
    (["midtls", "call", ""], ["crm", "billing"]),
    (["midtls", "call", "b"], ["billing"]),
    (["midtls", "show", ""], ["crm", "billing", "mauth"]),
    (["midtls", "test", "crm", "b"], ["billing"]),
    (["midtls", "call", "crm", "P"], ["POST", "PUT", "PATCH"]),
    (["midtls", "call", "crm", "GET", ""], []),
    (["midtls", "--json", "=", "pr"], ["pretty"]),
    (["midtls", "list", "--json", "="], ["short", "pretty", "off"]),
    (["midtls", "--color", "=", "n"], ["never"]),
    (["midtls", "soap", "--soap", "1"], ["1.1", "1.2"]),
    (["midtls", "certs", "--exp"], ["--expiring="]),
    (["midtls", "list", "--prof"], ["--profiles"]),
    (["midtls", "call", "--prof"], []),
    (["midtls", "call", "-H"], ["-H"]),
    (["midtls", "inspect", "keys/o"], ["keys/one.p12"]),
    (["midtls", "call", "crm", "-d", "@keys/o"], ["@keys/one.p12"]),
    (["midtls", "call", "-o", "keys/o"], ["keys/one.p12"]),
    (["midtls", "check", "--root", "k"], ["keys"]),
    (["midtls", "--socket", "keys/one.p12", "relo"], ["reload"]),
]
# What is typed, and the line that TAB makes of it
ZSH = [
    ("midtls enc", "midtls encrypt "),
    ("midtls call b", "midtls call billing "),
    ("midtls show m", "midtls show mauth "),
    ("midtls call crm PO", "midtls call crm POST "),
    ("midtls certs --exp", "midtls certs --expiring "),
    ("midtls list --json=pr", "midtls list --json=pretty "),
    ("midtls inspect keys/o", "midtls inspect keys/one.p12 "),
]


def bash(environment, words):
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _midtls; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", script, "x", os.path.join(FOLDER, "midtls.bash"), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, env=environment, cwd=environment["HOME"], timeout=LIMIT_SEC, check=False)
    return done.stdout.split()


class Zsh:
    """A shell on a terminal; each line that is asked for is taken back afterwards."""

    def __init__(self, environment):
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.chdir(environment["HOME"])
            os.execvpe("zsh", ["zsh", "-f", "-i"], environment)
        self.pid = pid
        # The widget tells the line between marks that nothing else prints.
        self.type("fpath=(%s $fpath); autoload -Uz compinit; compinit -u -D; unsetopt zle_bracketed_paste beep; PS1=; stty -echo\n" % FOLDER)
        self.type("tell() { print -r -- $'\\x02'\"$BUFFER\"$'\\x03'; BUFFER= }; zle -N tell; bindkey '^T' tell; bindkey '^I' complete-word; print rea''dy\n")
        self.read_until(b"ready")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def read_until(self, mark):
        shown, deadline = b"", time.monotonic() + LIMIT_SEC
        while mark not in shown:
            if not select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError("zsh does not answer; shown: %r" % shown[-500:])
            shown += os.read(self.terminal, 65536)
        return shown

    def complete(self, typed):
        self.type(typed + "\t\x14")
        shown = self.read_until(b"\x03")
        return re.search(rb"\x02([^\x03]*)\x03", shown).group(1).decode()

    def end(self):
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


def main():
    n_failed = 0
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": home + "/bin:/usr/bin:/bin", "HOME": home, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        os.makedirs(home + "/bin")
        os.makedirs(home + "/keys")
        open(home + "/keys/one.p12", "w").close()
        with open(os.open(home + "/bin/midtls", os.O_CREAT | os.O_WRONLY, 0o755), "w") as file:
            file.write(NAMES)

        for words, wanted in BASH:
            got = bash(environment, words)
            if got != wanted:
                n_failed += 1
                print("bash, %r: wanted %r, got %r" % (words, wanted, got))
        if not shutil.which("zsh"):
            print("there is no zsh: its completion was not tried")
        else:
            # zsh sends SIGCONT to pipelines: it takes from LeakSanitizer the SIGSTOP that its ptrace() waits for. Under bash it looks for leaks.
            shell = Zsh(dict(environment, ASAN_OPTIONS="detect_leaks=0"))
            for typed, wanted in ZSH:
                got = shell.complete(typed)
                if got != wanted:
                    n_failed += 1
                    print("zsh, %r: wanted %r, got %r" % (typed, wanted, got))
            shell.end()
    sys.exit(1 if n_failed else 0)


main()
