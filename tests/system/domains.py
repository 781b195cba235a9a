# SPDX-License-Identifier: Apache-2.0
"""SELinux, enforcing: each process in its domain, nothing denied that is needed, and everything denied that is not, as root too."""

import collections
import contextlib
import json
import os
import re

import escapes
import web
from harness import equal, fail
from host import ETC, HERE, SERVICES, good, journal, pids, process_name, role, run, show

# What the policy lets through whoever asks: it has no class for namespaces of users, and the processes of this test are root's already.
COMMON = {
    "all-is-code", "be-dumpable", "become-root", "clone-namespace", "connect-journal", "fork", "list-credentials", "list-etc", "listen-abstract",
    "lock-all-memory", "raise-limit", "read-machine-id", "read-passwd", "unix", "user-namespace", "write-own-code",
}
# The kernel's class for memory that not even root can read is that of other nameless files.
SECRET_MEMORY = {"io-uring", "userfaultfd"}
TCP = {"connect-https", "connect-smtp", "connect-ssh", "inet", "inet6"}
OUTSIDE = TCP | {"netlink", "send-dns", "send-other"}
ALLOWED = {
    "keyd": COMMON | {"connect-notify", "list-configuration", "list-keystores"},
    "loader": COMMON | SECRET_MEMORY | {"list-configuration", "list-keystores", "read-configuration", "read-keystore", "stat-keystore", "write-configuration"},
    "fetcher": COMMON | OUTSIDE,
    # CyberArk's program is none of ours: a module of the host's own says what that may do.
    "runner": COMMON,
    "verifier": COMMON,
    "signer": COMMON | SECRET_MEMORY | {"see-processes"},
    "calld": COMMON | TCP | {"connect-notify"},
    # What the modules of NSS may need, by auth_use_nsswitch(), has keys of Kerberos and /var/lib in it.
    "resolver": COMMON | {"add-key", "connect-keyd", "list-var", "inet", "inet6", "netlink", "send-dns", "send-other"},
}

DOMAINS = {
    "keyd": "midtls_keyd_t", "keyd-loader": "midtls_loader_t", "keyd-fetcher": "midtls_fetcher_t", "keyd-runner": "midtls_runner_t",
    "keyd-verifier": "midtls_verifier_t", "keyd-signer": "midtls_signer_t", "calld": "midtls_calld_t", "calld-resolver": "midtls_resolver_t",
}


def label_configuration():
    """As an administrator does who brings files from elsewhere."""
    run("restorecon", "-R", ETC)


def domain_of(context):
    return context.strip("\0\n").split(":")[2]


def process_domain(pid):
    with open("/proc/%d/attr/current" % pid) as file:
        return domain_of(file.read())


def enforcing():
    equal(run("getenforce").strip(), "Enforcing", "getenforce")


def processes():
    found = {process_name(pid): process_domain(pid) for unit in SERVICES for pid in pids(unit)}
    equal({"keyd", "keyd-verifier", "keyd-signer", "calld", "calld-resolver"} <= set(found), True, "processes: %r" % found)
    equal(found, {name: DOMAINS.get(name) for name in found}, "domains")


def loader_process():
    """It has ended, but is not reaped for a while: the kernel still knows its domain."""
    run("midtls", "reload")
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if process_name(int(pid)) == "keyd-loader":
                found.add(process_domain(int(pid)))
    equal(found, {DOMAINS["keyd-loader"]}, "domains of loaders")


def labelled():
    """Sockets by PID 1, folders by systemd-tmpfiles, the host's key by midtls-host-key.service: no relabelling was needed."""
    for path, kind in (("", "runtime"), ("/keyd.sock", "keyd_runtime"), ("/keyd-admin.sock", "admin_runtime"), ("/calld.sock", "calld_runtime")):
        equal(domain_of(os.getxattr("/run/midtls" + path, "security.selinux").decode()), "midtls_%s_t" % kind, "/run/midtls" + path)
    for name, kind in (("", "etc"), ("/host.key", "key"), ("/host.pem", "etc"), ("/keys/plain.p12", "key"), ("/midtls.conf", "etc")):
        equal(domain_of(os.getxattr(ETC + name, "security.selinux").decode()), "midtls_%s_t" % kind, ETC + name)


def caller_context():
    """Recorded as the kernel tells it."""
    record = journal(EVENT="call", CALL_ID=good("crm").header("Midtls-Call-Id"))[0]
    with open("/proc/self/attr/current") as file:
        equal(record["MIDTLS_CALLER_CONTEXT"], file.read().strip("\0\n"), "the caller's context")


def limits():
    """As the kernel has them: here the controllers are systemd's."""
    for unit, wanted in (("midtls-keyd.service", {"memory.max": 1 << 30, "memory.swap.max": 0, "pids.max": 32}),
                         ("midtls-calld.service", {"memory.max": 2 << 30, "pids.max": 1024})):
        folder = "/sys/fs/cgroup" + show(unit, "ControlGroup")
        found = {}
        for name in wanted:
            with open(os.path.join(folder, name)) as file:
                found[name] = int(file.read())
        equal(found, wanted, "limits of " + unit)


# denials

Denial = collections.namedtuple("Denial", "source target kind permissions name command")


def denials():
    """All of our domains, in order."""
    run("journalctl", "--sync")
    found = []
    for line in run("journalctl", "--no-pager", "--quiet", "--output=json", "_AUDIT_TYPE_NAME=AVC").splitlines():
        text = json.loads(line)["MESSAGE"]
        match = re.search(r"denied +\{ ([^}]*) \}.*scontext=(\S+) tcontext=(\S+) tclass=(\w+)", text)
        if match and domain_of(match.group(2)).startswith("midtls_"):
            named = re.search(r' name="?([^" ]*)', text)
            command = re.search(r' comm="?([^" ]*)', text)
            found.append(Denial(domain_of(match.group(2)), domain_of(match.group(3)), match.group(4), match.group(1), named and named.group(1),
                                command and command.group(1)))
    return found


def describe_denials():
    """But those of what was forbidden."""
    return "\n".join(" ".join(map(str, denial)) for denial in denials() if not denial.command.startswith("as-"))


def nothing_denied():
    """Before anything forbidden was tried."""
    found = denials()
    if found:
        fail("%d denials: %s" % (len(found), "; ".join(" ".join(map(str, denial)) for denial in found[:8])))


# as root, without any sandbox of systemd


def copy_as(kind):
    """The escape program as an executable of ours."""
    path = "%s/as-%s" % (HERE, kind)
    with open(escapes.program("none"), "rb") as source, open(path, "wb") as target:
        target.write(source.read())
    os.chmod(path, 0o755)
    os.setxattr(path, "security.selinux", ("system_u:object_r:midtls_%s_exec_t:s0" % kind).encode())
    return path


def naked(kind, *names):
    """What the domain of KIND answers; NAMES: to these tries only."""
    command = " ".join([copy_as(kind), "--victim=%d" % role("keyd-signer"), *names])
    if kind not in ("keyd", "calld"):
        command = "%s --exec=%s" % (copy_as("calld" if kind == "resolver" else "keyd"), command)
    return escapes.attempt(kind, escapes.NAKED, command)


def confined(kind):
    escapes.check(naked(kind), ALLOWED[kind], "midtls_%s_t" % kind)


def recorded():
    """Of calld's tries the kernel told the journal."""
    found = {(denial.target, denial.kind, word) for denial in denials() if denial.source == "midtls_calld_t" for word in denial.permissions.split()}
    wanted = {
        ("midtls_etc_t", "dir", "search"), ("shadow_t", "file", "read"), ("midtls_admin_runtime_t", "sock_file", "write"), ("bin_t", "dir", "search"),
        ("midtls_calld_t", "process", "execmem"), ("midtls_calld_t", "capability", "sys_ptrace"), ("midtls_calld_t", "packet_socket", "create"),
    }
    equal(wanted - found, set(), "denials that are not in the journal")


def standard_ports():
    """midtls_calld_connect_any off: only those of HTTP."""
    run("setsebool", "midtls_calld_connect_any", "off")
    try:
        found = naked("calld", "connect-https", "connect-smtp", "connect-ssh")
        equal(found, {"connect-https": "ok", "connect-smtp": "EACCES", "connect-ssh": "EACCES"}, "ports")
    finally:
        run("setsebool", "midtls_calld_connect_any", "on")


def permissive():
    """Without enforcing, the same tries succeed: it is SELinux that refuses them."""
    wanted = {"read-keystore", "list-keystores", "read-host-key", "read-credential", "read-shadow", "see-processes", "read-memory", "ptrace", "signal",
              "execute-shell", "map-writable-code", "data-to-code", "memfd-to-code", "connect-keyd-admin", "connect-manager", "packet", "bpf", "mount",
              "load-module", "write-etc", "set-clock"}
    run("setenforce", "0")
    try:
        found = naked("calld", *sorted(wanted))
    finally:
        run("setenforce", "1")
    equal(wanted - escapes.succeeded(found), set(), "still refused")


def tests(suite):
    suite.run("memory and processes are limited", limits)
    suite.run("each process is in its domain", processes)
    suite.run("the loader too, which has ended", loader_process)
    suite.run("sockets, folders and keys are labelled as they are made", labelled)
    suite.run("the caller's context is recorded", caller_context)
    suite.run("a call to nginx, which is confined too", web.called)
    suite.run("nothing was denied that the pair needs", nothing_denied)
    for kind in ALLOWED:
        suite.run("%s as root, outside of any sandbox: only what its domain allows" % ("midtls_%s_t" % kind), confined, kind)
    suite.run("what calld was denied is in the journal", recorded)
    suite.run("midtls_calld_connect_any off: no ports but those of HTTP", standard_ports)
    suite.run("with SELinux permissive the same tries succeed", permissive)
