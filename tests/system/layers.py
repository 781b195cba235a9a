# SPDX-License-Identifier: Apache-2.0
"""Each layer holds by itself: with that one taken away, and all others in place, a try is let through that the tests of the sandbox refuse."""

import escapes
from harness import equal
from host import role
from sandbox import ALLOWED, FILTERS, allowed_of, unit_of

KEYD, CALLD = "midtls-keyd.service", "midtls-calld.service"
ROOT = ("User", "Group")
# A layer; its unit; what is taken away beside it, as it hides the layer; a try that only the layer refuses. Without User= a process is root's,
# with none of root's rights: what files' owners may do is not refused by their modes then.
LAYERS = (
    ("RootDirectory", CALLD, (), "list-var"),
    ("User", KEYD, (), "read-shadow"),
    ("ProtectSystem", KEYD, ROOT, "write-root"),
    ("ReadOnlyPaths", CALLD, (), "write-tmp"),
    ("NoExecPaths", CALLD, ("ReadOnlyPaths",), "file-to-code"),
    ("InaccessiblePaths", CALLD, (), "write-shm"),
    ("InaccessiblePaths", KEYD, (), "open-terminal"),
    ("PrivateNetwork", KEYD, (), "connect-abstract"),
    ("RestrictAddressFamilies", KEYD, (), "inet"),
    ("RestrictAddressFamilies", CALLD, (), "netlink"),
    ("MemoryDenyWriteExecute", CALLD, (), "map-writable-code"),
    ("SystemCallFilter", CALLD, (), "io-uring"),
    ("SystemCallFilter", KEYD, (), "keyring"),
    ("SystemCallFilter", CALLD, (), "listen-tcp"),
    ("RestrictNamespaces", CALLD, ("SystemCallFilter",), "user-namespace"),
    ("LockPersonality", CALLD, (), "all-is-code"),
    ("ProtectProc", CALLD, (), "see-processes"),
    ("ProcSubset", KEYD, (), "read-sysctl"),
    ("ProtectKernelTunables", KEYD, (*ROOT, "ProcSubset"), "write-core-pattern"),
)


def tried(unit, without, name, variant="none"):
    command = "%s --confine --victim=%d %s" % (escapes.program(variant), role("keyd-signer"), name)
    return escapes.attempt("layer", escapes.sandbox_of(unit, without), command)[name]


def unit_layer(layer, unit, hiding, name):
    equal(name in ALLOWED[unit], False, "%s is let through anyway" % name)
    equal(tried(unit, hiding, name) in ("ok", "timeout"), False, "%s is let through with %s=" % (name, layer))
    equal(tried(unit, (*hiding, layer), name), "ok", "%s without %s=" % (name, layer))


def own_filter(variant):
    """A program's own list of system calls, taken away: what its unit does not refuse."""
    name = "memfd-to-code" if variant == "resolver" else "fork"
    equal(tried(unit_of(variant), (), name), "ok", "%s without the filter of %s" % (name, variant))
    equal(name in allowed_of(variant), False, "%s is let through anyway" % name)


def landlock():
    """By itself: calld's, without its filter; files and, where the kernel knows scopes, abstract sockets and signals."""
    names = ["read-passwd", "list-etc"] + (["connect-abstract"] if escapes.landlock_abi() >= escapes.ABI_SCOPES else [])
    for name in names:
        equal(name in ALLOWED[CALLD], True, "%s without Landlock" % name)
        equal(tried(CALLD, (), name, "landlock"), "EPERM" if name == "connect-abstract" else "EACCES", "%s with Landlock" % name)


def tests(suite):
    for layer, unit, hiding, name in LAYERS:
        suite.run("without %s=, %s in the place of %s" % (layer, name, unit), unit_layer, layer, unit, hiding, name)
    for variant in FILTERS:
        suite.run("without the filter of %s, in its place" % variant, own_filter, variant)
    if escapes.landlock_abi():
        suite.run("with Landlock by itself: no file", landlock)
    else:
        suite.skip("Landlock by itself", "this kernel has none")
