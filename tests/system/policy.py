#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The SELinux policy package, linked with Debian's base policy: what must never be allowed is not, and a breach is refused.

policy.py CACHE BUILD: the base policy is the one installed, or is fetched once into CACHE (nothing is installed).
"""

import bz2
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from harness import TOP, Suite, equal, fail

MAKEFILE = "/usr/share/selinux/devel/Makefile"
BASE = "usr/share/selinux/default/base.pp.bz2"
VERSION = "33"
SOURCES = [os.path.join(TOP, "selinux", "midtls." + end) for end in ("te", "if", "fc")]
EXECUTABLES = ("keyd", "keyd-loader", "keyd-fetcher", "keyd-runner", "keyd-verifier", "keyd-signer", "calld", "calld-resolver")

# A line each that the policy must refuse; one for each sentence of its last section at least.
BREACHES = [
    "allow midtls_calld_t midtls_key_t:file read;",
    "allow midtls_calld_t midtls_etc_t:file open;",
    "allow midtls_verifier_t midtls_etc_t:file read;",
    "allow midtls_signer_t midtls_key_t:file read;",
    "allow midtls_keyd_t midtls_key_t:file read;",
    "allow midtls_fetcher_t midtls_key_t:file read;",
    "allow midtls_runner_t midtls_key_t:file read;",
    "allow midtls_runner_t self:tcp_socket create;",
    "allow midtls_calld_t ramfs_t:file read;",
    "allow midtls_signer_t ramfs_t:file open;",
    "allow midtls_signer_t self:tcp_socket create;",
    "allow midtls_loader_t self:udp_socket create;",
    "allow midtls_verifier_t self:netlink_route_socket create;",
    "allow midtls_verifier_t midtls_signer_t:process ptrace;",
    "allow midtls_calld_t init_t:process ptrace;",
    "allow midtls_calld_t midtls_signer_t:file read;",
    "allow midtls_calld_t self:process execmem;",
    "allow midtls_loader_t midtls_signer_exec_t:file execute_no_trans;",
    "allow midtls_verifier_t midtls_loader_t:process transition;",
    "allow midtls_resolver_t midtls_calld_t:process transition;",
    "allow midtls_calld_t midtls_signer_t:process transition;",
    "allow midtls_keyd_t midtls_calld_t:process transition;",
    "allow midtls_calld_t midtls_keyd_t:unix_stream_socket connectto;",
    "allow midtls_resolver_t midtls_key_t:file read;",
    "allow midtls_signer_t midtls_keyd_t:unix_stream_socket accept;",
]


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, text=True)
    return done.returncode, done.stdout


def find_base(cache):
    """The path of base.pp.bz2, None when there is none to be had."""
    if os.path.exists("/" + BASE):
        return "/" + BASE
    found = glob.glob(os.path.join(cache, "selinux-policy-default", BASE))
    if found:
        return found[0]
    with tempfile.TemporaryDirectory(dir=cache) as work:
        os.chmod(work, 0o755)
        subprocess.run(["apt-get", "--quiet", "download", "selinux-policy-default"], cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=120, check=False)
        for package in glob.glob(os.path.join(work, "*.deb")):
            run("dpkg-deb", "-x", package, os.path.join(work, "x"))
            os.rename(os.path.join(work, "x"), os.path.join(cache, "selinux-policy-default"))
            return os.path.join(cache, "selinux-policy-default", BASE)
    return None


class Policy:
    def __init__(self, work, base):
        self.work = work
        self.base = os.path.join(work, "base.pp")
        with bz2.open(base) as source, open(self.base, "wb") as target:
            shutil.copyfileobj(source, target)

    def compile(self, more):
        """The package with further rules, made as the build makes it."""
        folder = tempfile.mkdtemp(dir=self.work)
        for path in SOURCES:
            shutil.copy(path, folder)
        with open(os.path.join(folder, "midtls.te"), "a") as file:
            file.write("\n" + "\n".join(more) + "\n")
        package = os.path.join(folder, "out", "midtls.pp")
        os.mkdir(os.path.dirname(package))
        status, text = run(os.path.join(TOP, "selinux", "build.sh"), MAKEFILE, package, *(os.path.join(folder, os.path.basename(p)) for p in SOURCES))
        equal(status, 0, "compiling (%s)" % text[-600:])
        return package

    def expand(self, package):
        """Links, expands, and checks every neverallow. Returns (exit status, output)."""
        linked = os.path.join(tempfile.mkdtemp(dir=self.work), "linked")
        status, text = run("semodule_link", "-o", linked, self.base, package)
        equal(status, 0, "linking with the base policy (%s)" % text[-600:])
        return run("semodule_expand", "-c", VERSION, linked, linked + ".policy")


def holds(policy, build):
    status, text = policy.expand(os.path.join(build, "selinux", "midtls.pp"))
    equal((status, "neverallow" in text), (0, False), "expanding (%s)" % text[-600:])


def refused(policy):
    """All in one go: each breach is named by a failure of its own."""
    status, text = policy.expand(policy.compile(BREACHES))
    equal(status != 0, True, "a policy with breaches is refused")
    for breach in BREACHES:
        subject, target, kind, permission = re.match(r"allow (\w+) (\w+):(\w+) (\w+);", breach).groups()
        target = subject if target == "self" else target
        pattern = r"neverallow\S* .*violated by allow %s %s:%s \{[^}]*\b%s\b" % (subject, target, kind, permission)
        if not re.search(pattern, text):
            fail("not refused: %s" % breach)


def labelled():
    """Each executable has a type of its own, each secret that of keys; the later line wins, as the more special one."""
    with open(SOURCES[2]) as file:
        rows = [re.match(r"(\S+)\s+(?:-[-ds]\s+)?gen_context\(system_u:object_r:(\w+),s0\)", line).groups() for line in file if line.startswith("/")]

    def label(path):
        return [kind for pattern, kind in rows if re.fullmatch(pattern, path)][-1:]

    types = [label("/usr/libexec/midtls/" + name) for name in EXECUTABLES]
    equal(len({tuple(kind) for kind in types}), len(EXECUTABLES), "types of executables: %r" % types)
    for path, kind in (("midtls.conf", "etc"), ("a.profile", "etc"), ("host.pem", "etc"), ("host.key", "key"), ("a.p12", "key"), ("keys/x", "key")):
        equal(label("/etc/midtls/" + path), ["midtls_%s_t" % kind], path)


def main(suite, cache, build):
    suite.run("policy: every executable, key and socket has a type", labelled)
    if not os.path.exists(MAKEFILE) or not shutil.which("semodule_expand"):
        suite.skip("policy", "there is no selinux-policy-dev or semodule-utils")
        return
    base = find_base(cache)
    if not base:
        suite.skip("policy", "Debian's base policy could not be fetched")
        return
    with tempfile.TemporaryDirectory() as work:
        policy = Policy(work, base)
        suite.run("policy: with Debian's, nothing is allowed that must not be", holds, policy, build)
        suite.run("policy: each breach is refused", refused, policy)


arguments = sys.argv[1:]
tests = Suite()
tests.only = []
tests.main(lambda suite: main(suite, *arguments))
