# SPDX-License-Identifier: Apache-2.0
"""Tree: a copy of the source with a build in it that is brought up to date after every change"""

import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import time

# Fast to compile and to link; a mutation may leave something unused.
SETUP = ["-Dwerror=false", "-Dwarning_level=0", "-Doptimization=0", "-Ddebug=false"]
BUILD_SECONDS = 300
GRACE_SECONDS = 0.2

# cmocka's line about a test function that failed
FAILED = re.compile(rb"\[  FAILED  \] (?:\d+ test.*|(\w+))")


class TreeError(Exception):
    """What could not be done."""


def run_quietly(command, cwd):
    """"" or, when it failed, the end of what it said"""
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          timeout=BUILD_SECONDS, check=False)
    return "" if done.returncode == 0 else "\n".join(done.stdout.splitlines()[-15:]) or "exit status %d" % done.returncode


class Running:
    """A test at work, in a process group of its own."""

    def __init__(self, name, command, cwd, seconds):
        self.name = name
        self.deadline = time.monotonic() + seconds
        self.seconds = seconds
        self.output = b""
        self.process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True)

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def end(self, grace=0):
        """Its children too. In @grace seconds a test that has failed may put its things away."""
        try:
            if grace:
                self.process.wait(grace)
        except subprocess.TimeoutExpired:
            pass
        self.kill()
        self.process.stdout.close()
        return self.process.wait()

    def wait(self):
        """"" when it passed, else what is to be said; the first function that fails is enough."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while True:
                left = self.deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    self.end()
                    return "%s (no end within %d s)" % (self.name, self.seconds)
                data = os.read(self.process.stdout.fileno(), 65536)
                if not data:
                    break
                self.output += data
                failed = FAILED.search(self.output)
                if failed and self.output.find(b"\n", failed.start()) > 0:
                    self.end(GRACE_SECONDS)
                    return "%s (%s)" % (self.name, (failed.group(1) or b"").decode() or "some")
        try:
            status = self.process.wait(max(self.deadline - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            status = None
        self.end()
        if status is None:
            return "%s (no end within %d s)" % (self.name, self.seconds)
        if status == 0:
            return ""
        return "%s (%s)" % (self.name, signal.Signals(-status).name if status < 0 else "exit status %d" % status)


class Tree:
    def __init__(self, top, folder):
        self.top = top
        self.source = folder
        self.builddir = os.path.join(folder, "build")
        self.tests = {}
        self.changed = set()
        self.running = None

    def set_up(self, names):
        """Builds what the tests @names need."""
        self.copy()
        log = run_quietly(["meson", "setup", self.builddir, self.source, *SETUP], self.source)
        if not log:
            self.learn_tests()
            log = self.build(names)
        if log:
            raise TreeError("without a mutation the tree does not build:\n" + log)

    def copy(self):
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=self.top, stdout=subprocess.PIPE, check=True).stdout
        for path in listed.decode().split("\0"):
            source, target = os.path.join(self.top, path), os.path.join(self.source, path)
            if path and os.path.isfile(source):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy2(source, target)

    def introspect(self, what):
        done = subprocess.run(["meson", "introspect", self.builddir, what], stdout=subprocess.PIPE, timeout=BUILD_SECONDS, check=True)
        return json.loads(done.stdout)

    def learn_tests(self):
        files = {target["id"]: target["filename"] for target in self.introspect("--targets")}
        for test in self.introspect("--tests"):
            needed = [part for part in test["cmd"] if part.startswith(self.builddir + "/")]
            needed += [name for depend in test["depends"] for name in files.get(depend, [])]
            self.tests[test["name"]] = (test["cmd"], sorted({os.path.relpath(path, self.builddir) for path in needed}))

    def test(self, name):
        if name not in self.tests:
            raise TreeError("meson knows no test %s" % name)
        return self.tests[name]

    def write(self, changed):
        """Makes @changed the only files that differ from the original."""
        self.restore(set(changed))
        for path, text in changed.items():
            with open(os.path.join(self.source, path), "w", encoding="utf-8") as f:
                f.write(text)
        self.changed = set(changed)

    def restore(self, but=frozenset()):
        for path in self.changed - but:
            shutil.copyfile(os.path.join(self.top, path), os.path.join(self.source, path))
        self.changed &= but

    def build(self, names):
        """"" or what the build said"""
        targets = sorted({target for name in names for target in self.test(name)[1]})
        return run_quietly(["ninja", "-C", self.builddir, "-j2", *targets], self.source)

    def run(self, names, bound):
        """For each test "" or how it failed, until the first that did; @bound(name): the seconds that it may take"""
        said = []
        for name in names:
            self.running = Running(name, self.test(name)[0], self.builddir, bound(name))
            said.append(self.running.wait())
            self.running = None
            if said[-1]:
                break
        return said

    def stop(self):
        """From another thread, when all is to end."""
        if self.running:
            self.running.kill()
