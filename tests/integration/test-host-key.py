#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""keyd --make-host-key, as midtls-host-key.service runs it: once, whole, for the service's user, with no right of root's but one."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import BUILD, Suite, contains, equal

KEYD = os.path.join(BUILD, "keyd", "keyd")
MIDTLS = os.path.join(BUILD, "calld", "midtls")
MAKERS = 6
UID = 4711
# A user database in which there is the service's user, for the program alone.
WITH_USER = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/passwd && exec "$@"']


def make(folder, *before):
    return subprocess.run([*before, KEYD, "--make-host-key", "--config-dir=" + folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60)


def works(folder):
    """What is encrypted with the one file is decrypted with the other."""
    value = subprocess.run([MIDTLS, "encrypt", "--config-dir=" + folder], input=b"secret\n", stdout=subprocess.PIPE, timeout=60).stdout.decode().strip()
    der = subprocess.run(["base64", "-d"], input=value.partition(":")[2].encode(), stdout=subprocess.PIPE, timeout=60).stdout
    plain = subprocess.run(["openssl", "cms", "-decrypt", "-inform", "DER", "-inkey", folder + "/host.key", "-recip", folder + "/host.pem"], input=der,
                           stdout=subprocess.PIPE, timeout=60).stdout
    equal(plain, b"secret", "what openssl decrypts")


def look(folder, owner):
    equal(sorted(os.listdir(folder)), ["host.key", "host.pem"], "files")
    for name, mode, uid in (("host.key", 0o600, owner), ("host.pem", 0o644, os.geteuid())):
        found = os.stat(os.path.join(folder, name))
        equal((stat.S_IMODE(found.st_mode), found.st_uid), (mode, uid), "mode and owner of " + name)


def once(folder):
    done = make(folder)
    equal(done.returncode, 0, "exit status (%r)" % done.stderr)
    contains(done.stdout.decode(), folder + "/host.key: made", "what it prints")
    works(folder)
    look(folder, os.geteuid())
    before = open(folder + "/host.key", "rb").read()
    done = make(folder)
    equal((done.returncode, done.stdout), (1, b""), "the second time")
    contains(done.stderr.decode(), "there already", "what it says")
    equal(open(folder + "/host.key", "rb").read(), before, "the key")


def at_once(folder):
    makers = [subprocess.Popen([KEYD, "--make-host-key", "--config-dir=" + folder], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL) for _ in range(MAKERS)]
    results = [maker.wait(60) for maker in makers]
    equal(results.count(0), 1, "makers that made the certificate: %r" % results)
    look(folder, os.geteuid())
    works(folder)


def with_user(folder, *rights):
    users = folder + ".passwd"
    with open(users, "w") as file:
        file.write("root:x:0:0::/root:/bin/sh\nmidtls-keyd:x:%d:%d::/:/usr/sbin/nologin\n" % (UID, UID))
    return make(folder, *WITH_USER, users, "setpriv", "--inh-caps=-all", *rights)


def as_the_unit(folder):
    done = with_user(folder, "--bounding-set=-all,+chown")
    equal(done.returncode, 0, "exit status (%r)" % done.stderr)
    look(folder, UID)
    works(folder)


def nothing_left(folder):
    """Without the right to give the key away nothing is made: a key that the service cannot read helps nobody."""
    done = with_user(folder, "--bounding-set=-all")
    equal(done.returncode, 1, "exit status")
    equal(os.listdir(folder), [], "files")


def can_unshare():
    return subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode == 0


def main(suite):
    top = tempfile.mkdtemp(prefix="midtls-host-key-")
    try:
        for name, function in (("once", once), ("several at once", at_once), ("as the unit does", as_the_unit), ("nothing is left", nothing_left)):
            folder = os.path.join(top, function.__name__)
            os.mkdir(folder, 0o750)
            if function in (as_the_unit, nothing_left) and not can_unshare():
                suite.skip(name, "no mount namespaces here")
            else:
                suite.run(name, function, folder)
    finally:
        shutil.rmtree(top, ignore_errors=True)


Suite().main(main)
