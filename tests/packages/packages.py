# SPDX-License-Identifier: Apache-2.0
"""What dpkg and rpm are told: the same life for both."""

import glob

from host import run


def one(pattern):
    found = glob.glob(pattern)
    if len(found) != 1:
        raise AssertionError("%s: %r" % (pattern, found))
    return found[0]


class Debian:
    name = "deb"

    def install(self, tree):
        run("apt-get", "install", "--yes", one(tree + "/build-packages/midtls_*.deb"))

    def remove(self):
        run("apt-get", "remove", "--yes", "midtls")

    def purge(self):
        run("apt-get", "purge", "--yes", "midtls")

    def add_policy(self):
        run("apt-get", "install", "--yes", "--no-install-recommends", one("/src/build-packages/midtls-selinux_*.deb"))

    def remove_policy(self):
        run("apt-get", "remove", "--yes", "midtls-selinux")

    def version(self):
        return run("dpkg-query", "--show", "--showformat=${Version}", "midtls")

    def files(self):
        return run("dpkg-query", "--listfiles", "midtls").splitlines()


class Rpm:
    """Its database knows nothing of Debian's packages, hence --nodeps. What is enabled is a matter of the host's presets."""

    name = "rpm"

    def prepare(self):
        run("apt-get", "install", "--yes", "--no-install-recommends", "rpm")

    def install(self, tree):
        run("rpm", "--upgrade", "--nodeps", one(tree + "/build-packages/midtls-[0-9]*.x86_64.rpm"))
        run("systemctl", "start", "midtls-host-key.service", "midtls-keyd.socket", "midtls-keyd-admin.socket", "midtls-calld.socket")

    def remove(self):
        run("rpm", "--erase", "midtls")

    purge = None  # there is no such thing

    def add_policy(self):
        run("rpm", "--install", "--nodeps", one("/src/build-packages/midtls-selinux-*.noarch.rpm"))

    def remove_policy(self):
        run("rpm", "--erase", "midtls-selinux")

    def version(self):
        return run("rpm", "--query", "--queryformat=%{VERSION}", "midtls")

    def files(self):
        return run("rpm", "--query", "--list", "midtls").splitlines()
