#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""[CyberArk] and the MID's own ext.cred.*: what is wrong is told with its remedy before anybody is asked; what is right is asked for as it says
(tests/lib/ccp.py stands in for CyberArk)."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import pki
from ccp import PATH, Ccp
from harness import BUILD, PASSWORD, Pair, Suite, contains, equal, wait_until
from peers import Server
from stores import configure, good, loaded, profile


def configuration(pair, ccp):
    """What is missing is told with file and remedy, without anybody being asked."""
    folder = os.path.join(pair.dir, "check")
    os.mkdir(folder, 0o700)
    cases = [
        ("", "Password=x", "[CyberArk] in midtls.conf is empty"),
        (ccp.section().replace("https:", "http:"), "Password=x", "no https URL"),
        (ccp.section().replace("Endpoint=https://", "Endpoint=https://user@"), "Password=x", "no https URL"),
        (ccp.section().replace("AppID=MID & Co", ""), "Password=x", "AppID= is not set"),
        (re.sub("CertFile=.*", "", ccp.section()), "Password=x", "CertFile= is not set"),
        (ccp.section(more="Timeout=10min"), "Password=x", "Timeout="),
        (ccp.section(), "", "does not tell the account's ID"),
        (ccp.section(), "Password=a:b:c:d", "cannot be used"),
        (ccp.section(), "Password=:x", "cannot be used"),
        (ccp.section(), "Password=safe:", "cannot be used"),
        (ccp.section().replace("Safe=" + ccp.safe, ""), "Password=x", "names no safe"),
        (ccp.section(more="Colour=blue"), "Password=safe:x", "Colour"),
    ]
    n = len(ccp.asked)
    for section, password, word in cases:
        for name, text in (("midtls.conf", "[MID]\nName=m\n" + section), ("a.profile", "[Profile]\nExternalCredentialStore=cyberark\n%s\n" % password)):
            with open(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
        done = subprocess.run([os.path.join(BUILD, "keyd", "keyd"), "--check", "--config-dir=" + folder], stdout=subprocess.PIPE, timeout=60)
        equal(done.returncode, 1, "status of --check for %r %r" % (section, password))
        contains(done.stdout.decode(), word, "output of --check")
    equal(len(ccp.asked), n, "requests")


def certificates(pair, ccp):
    """Certificate and key in two files; what is wrong with them is told as it is for a profile's keystore, before anybody is asked."""
    folder = os.path.join(pair.dir, "ccp-client")
    os.mkdir(folder, 0o700)
    for name in ("p256.pem", "p256.key", "p384.key"):
        shutil.copyfile(os.path.join(pair.pki, name), os.path.join(folder, name))
        os.chmod(os.path.join(folder, name), 0o644 if name.endswith("pem") else 0o600)
    head = "[MID]\nName=mid-test-01\n"
    n = len(ccp.asked)
    for certificate, more, word in (("p256.openssl.p12", "CertPassword=wrong", "password"), ("absent.p12", "", "No such file"),
                                    ("p256.pem", "", "private key")):
        configure(pair, head + ccp.section(certificate, more))
        _, out, _ = pair.reload()
        line = next(line for line in out.splitlines() if line.startswith("byname: kept-old"))
        for part in ("the client certificate for CyberArk", word, "[configuration]"):
            contains(line, part, "reload")
    configure(pair, head + ccp.section(folder + "/p256.pem", "KeyFile=%s/p384.key" % folder))
    contains(pair.reload()[1], "belongs to the private key", "reload")
    equal(len(ccp.asked), n, "requests")
    for certificate, more in ((folder + "/p256.pem", "KeyFile=%s/p256.key" % folder), ("p256.openssl.p12", "CertPassword=" + PASSWORD),
                              ("rsa2048.keytool.p12", "CertPassword=" + PASSWORD), ("ed25519.bundle.pem", "")):
        configure(pair, head + ccp.section(certificate, more))
        status, out, _ = pair.reload()
        equal(status, 0, "reload with %s (%s)" % (certificate, out))


def slow_start(pair, ccp):
    wait_until(lambda: pair.call("GET", "/tell", host="local").status == 200, "a profile without the vault is loaded", 6)
    equal(pair.call("GET", "/tell", host="one").code(), "key-unavailable", "meanwhile")
    equal(len(ccp.asked), 1, "requests")
    ccp.wrong.clear()
    wait_until(lambda: pair.call("GET", "/tell", host="one").status == 200, "loaded by itself", 20)


def config_xml_good(pair, ccp):
    for name in ("one", "two", "three"):
        good(pair, name)
    equal({(asked["AppID"], asked.get("Folder"), asked["subject"]) for asked in ccp.asked}, {("ServiceNow_MID_Server", "root", "p256")},
          "what was asked")


def from_config_xml(suite, server):
    """All of it said by a MID's own file; the slow vault at the start keeps nobody waiting long."""
    pair = Pair(suite, "config.xml")
    with Ccp(pair.pki) as ccp:
        ccp.secrets.update(xml=PASSWORD)
        parameters = {
            "ext.cred.use_cyberark": "true", "ext.cred.app_id": "ServiceNow_MID_Server", "ext.cred.safe_name": ccp.safe, "ext.cred.safe_folder": "root",
            "ext.cred.timeout": "5", "ext.cred.ccp_endpoint": "https://localhost:%d%s" % (ccp.port, PATH),
            "ext.cred.cyberark.cert_path": pair.pki + "/p256.openssl.p12", "ext.cred.cyberark.cert_password": PASSWORD, "ext.cred.verify_ssl": "true",
            "mid.httpclient.protocol.one.path": pair.pki + "/p384.openssl.p12", "mid.httpclient.protocol.one.password": "cyberark: id=xml, type=basic",
            "mid.httpclient.protocol.two.path": pair.pki + "/p256.keytool.p12", "mid.httpclient.protocol.two.password": "cyberark::id=xml,type=basic",
            "mid.httpclient.protocol.three.path": pair.pki + "/p384.keytool.p12",
        }
        path = pair.write("config.xml", "<parameters>%s</parameters>" % "".join(
            '<parameter name="%s" value="%s"/>' % item for item in parameters.items()))
        pair.write("midtls.conf", "[MID]\nConfigXml=%s\n[CyberArk]\nCAFile=%s/server-ca.pem\n" % (path, pair.pki))
        for name in ("one", "two"):
            pair.write(name + ".profile", "[Server]\nCAFile=%s/server-ca.pem\n" % pair.pki)
            pair.connection(name, name, server.port)
        profile(pair, "cyberark", "three", server, "xml")
        pair.profile("local", "p256.openssl.p12")
        pair.connection("local", "local", server.port)
        ccp.wrong[None] = "slow"
        with pair:
            suite.run("a slow vault at the start", slow_start, pair, ccp)
            suite.run("config.xml says all of it", config_xml_good, pair, ccp)


def by_certificate(suite, server):
    pair = Pair(suite, "certificates")
    with Ccp(pair.pki) as ccp:
        ccp.secrets["account"] = PASSWORD
        pair.write("midtls.conf", "[MID]\nName=mid-test-01\n" + ccp.section())
        profile(pair, "cyberark", "byname", server, "account", pair.pki + "/p384.openssl.p12")
        with pair:
            loaded(pair, "byname")
            good(pair, "byname")
            suite.run("the client certificate", certificates, pair, ccp)
            suite.run("configuration", configuration, pair, ccp)


def main(suite):
    with Server(pki.make(os.path.join(BUILD, "tests", "pki"))) as server:
        by_certificate(suite, server)
        from_config_xml(suite, server)


Suite().main(main)
