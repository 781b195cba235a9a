#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`midtls reload` and what keyd notices by itself: files that come, go, are switched by symbolic link, or are wrong; the others go on."""

import contextlib
import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import rogue
from dated import DAY, Issuer
from harness import Pair, Suite, contains, equal, wait_until
from peers import Server


def good(pair, alias="crm"):
    answer = pair.call("GET", "/tell", host=alias)
    equal(answer.status, 200, "status of %s (%r)" % (alias, answer.body[:300]))
    return answer.json()


def works(pair, alias):
    wait_until(lambda: pair.call("GET", "/tell", host=alias).status == 200, alias + " works")


def gone(pair, alias):
    wait_until(lambda: pair.call("GET", "/tell", host=alias).code() == "alias-unknown", "there is no %s any more" % alias)


def reload(pair, status, *words, arguments=(), error=()):
    got, out, err = pair.reload(*arguments)
    equal(got, status, "exit status of midtls reload (%r %r)" % (out, err))
    for word in words:
        contains(out, word, "output of midtls reload")
    for word in error:
        contains(err, word, "error output of midtls reload")
    return out


def profile_row(pair, name):
    rows = {row["name"]: row for row in pair.call("GET", "/profiles", host="midtls").json()["profiles"]}
    return rows.get(name)


def generation(pair, name="mauth"):
    return profile_row(pair, name)["generation"]


def replace(path, data):
    """A complete new file is renamed."""
    with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(data)
    os.rename(path + ".new", path)


def read(path):
    with open(path) as file:
        return file.read()


def all_is_well(pair):
    out = reload(pair, 0, "mauth: unchanged: generation %d, ec-p256, as before" % generation(pair))
    equal("failed" in out, False, "a failure in %r" % out)
    data = json.loads(reload(pair, 0, arguments=["--json=short"]))
    equal(data["n_failed"], 0, "n_failed")
    contains([(row["profile"], row["what"]) for row in data["reports"]], ("mauth", "unchanged"), "reports")


def not_reloaded(pair, issuer):
    """The profile, why, what to do, and what is in force."""
    path = issuer.path("live.bundle.pem")
    keystore, before = read(path), generation(pair)
    for text, reason in (("garbage\n", "no keystore of a known format"), (None, "No such file"),
                         (read(issuer.path("other.key")) + read(issuer.path("live.leaf.pem")), "belongs to the private key")):
        if text is None:
            os.unlink(path)
        else:
            replace(path, text)
        reload(pair, 1, "mauth: kept-old: the last reload failed: ", reason, "hint: ", "; generation %d stays in force" % before,
               error=["1 of what was read cannot be used; keys that were loaded before stay in use"])
        data = json.loads(reload(pair, 1, arguments=["--json=short"]))
        equal([(row["profile"], row["what"]) for row in data["reports"] if row["what"] == "kept-old"], [("mauth", "kept-old")], "reports")
        good(pair)
        wait_until(lambda: reason in profile_row(pair, "mauth")["reason"], "midtls list tells why")
        contains(pair.records("keyd", "key-load-failed", PROFILE="mauth")[-1]["MESSAGE"], "(the old one stays)", "record")
    equal(generation(pair), before, "generation")
    replace(path, keystore)
    reload(pair, 0, "mauth: unchanged")
    wait_until(lambda: profile_row(pair, "mauth")["reason"] == "", "all is well again")


def dry_run(pair, issuer):
    """The keystore is changed by another name, where nobody watches: only who looks sees it."""
    path, elsewhere = issuer.path("live.bundle.pem"), os.path.join(pair.dir, "elsewhere")
    before, fingerprint = generation(pair), good(pair)["fingerprint"]
    os.link(path, elsewhere)
    with open(elsewhere, "w") as file:
        file.write(read(issuer.path("other.bundle.pem")))
    n_records = [len(pair.records("keyd", event)) for event in ("config-loaded", "key-loaded")]
    reload(pair, 0, "mauth: loaded: generation %d, ec-p256" % (before + 1), arguments=["--dry-run"])
    with open(elsewhere, "w") as file:
        file.write("garbage")
    reload(pair, 1, "mauth: kept-old", arguments=["--dry-run"], error=["1 of what was read cannot be used"])
    equal(generation(pair), before, "generation")
    equal(profile_row(pair, "mauth")["reason"], "", "reason")
    equal(good(pair)["fingerprint"], fingerprint, "certificate")
    equal([len(pair.records("keyd", event)) for event in ("config-loaded", "key-loaded")], n_records, "records of a dry run")

    with open(elsewhere, "w") as file:
        file.write(read(issuer.path("other.bundle.pem")))
    reload(pair, 0, "mauth: loaded: generation %d, ec-p256" % (before + 1))
    wait_until(lambda: generation(pair) == before + 1, "the new generation")
    equal(good(pair)["fingerprint"] != fingerprint, True, "a new certificate")
    os.unlink(elsewhere)


@contextlib.contextmanager
def busy(path):
    """It changes all the time: keyd waits for silence, three seconds at most, before it loads by itself."""
    ended = threading.Event()

    def touch():
        while not ended.wait(0.05):
            os.utime(path)

    thread = threading.Thread(target=touch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def transcript(pair, peer):
    messages = rogue.capture(peer.port)
    return b"".join(rogue.with_certificate(messages, pair.pki, "p256", rogue.TLS13))


def come_and_go(pair, server):
    """Nobody reloads. What has gone is signed for no more, whoever asks."""
    with rogue.Peer(pair.pki) as peer:
        pair.profile("guest", "p256.openssl.p12")
        pair.connection("visit", "guest", server.port)
        pair.connection("direct", "guest", peer.port)
        works(pair, "visit")
        number = generation(pair, "guest")
        pair.wait_record("keyd", "key-loaded", PROFILE="guest")
        equal(rogue.ask(pair, rogue.sign(b"direct", transcript(pair, peer), generation=number)), "signed", "asked directly")

        os.unlink(os.path.join(pair.etc, "direct.connection"))
        gone(pair, "direct")
        equal(rogue.ask(pair, rogue.sign(b"direct", transcript(pair, peer), generation=number)), "profile-unknown", "asked directly")
        good(pair, "visit")

        path = os.path.join(pair.etc, "guest.profile")
        hidden = os.path.join(pair.dir, "guest.profile")
        with busy(os.path.join(pair.etc, "midtls.conf")):
            os.rename(path, hidden)
            reload(pair, 1, "guest: removed: there is no such profile now", "visit.connection: ", arguments=["--dry-run"])
            os.rename(hidden, path)
        os.unlink(path)
        record = pair.wait_record("keyd", "key-removed", PROFILE="guest")
        contains(record["MESSAGE"], "no such profile", "record")
        wait_until(lambda: pair.call("GET", "/tell", host="visit").code() == "key-unavailable", "its connection is told")
        contains(pair.call("GET", "/tell", host="visit").json()["detail"], "guest", "detail")
        equal(profile_row(pair, "guest"), None, "the profile in the list")
        os.unlink(os.path.join(pair.etc, "visit.connection"))
        gone(pair, "visit")
        equal(len(pair.records("keyd", "key-removed")), 1, "key-removed records")
        good(pair)


def switch(folder, name, text):
    """As Kubernetes does it with a mounted secret."""
    os.mkdir(os.path.join(folder, name), 0o700)
    replace(os.path.join(folder, name, "tls.pem"), text)
    os.symlink(name, os.path.join(folder, "..data_tmp"))
    os.rename(os.path.join(folder, "..data_tmp"), os.path.join(folder, "..data"))


def symbolic_link(pair, issuer, server):
    folder = os.path.join(pair.dir, "secret")
    os.mkdir(folder, 0o700)
    switch(folder, "..2026_01", read(issuer.path("one.bundle.pem")))
    os.symlink("..data/tls.pem", os.path.join(folder, "tls.pem"))
    pair.write("kube.profile", "[Profile]\nKeystorePath=%s/tls.pem\n[Server]\nCAFile=%s/server-ca.pem\n" % (folder, pair.pki))
    pair.connection("pod", "kube", server.port, http="SessionResumption=no")
    works(pair, "pod")
    for number, name in (("..2026_02", "two"), ("..2026_03", "one"), ("..2026_04", "two")):
        before = generation(pair, "kube")
        switch(folder, number, read(issuer.path(name + ".bundle.pem")))
        wait_until(lambda: generation(pair, "kube") == before + 1, "the switch to %s is noticed" % number)
        contains(good(pair, "pod")["fingerprint"], issuer.fingerprint(name), "certificate")


def password_file(pair, issuer):
    """Keystore first, its password later: the old key until both fit."""
    for name in ("one", "two"):
        issuer.maker.run("openssl", "pkcs12", "-export", "-inkey", name + ".key", "-in", name + ".bundle.pem", "-passout", "pass:pw-" + name, "-out",
                         name + ".p12")
        os.chmod(issuer.path(name + ".p12"), 0o600)
    store, password = os.path.join(pair.dir, "store.p12"), os.path.join(pair.dir, "store.password")
    os.link(issuer.path("one.p12"), store)
    replace(password, "pw-one\n")
    pair.write("pwfile.profile", "[Profile]\nKeystorePath=%s\nPassword=file:%s\n[Server]\nCAFile=%s/server-ca.pem\n" % (store, password, pair.pki))
    wait_until(lambda: profile_row(pair, "pwfile"), "the profile is there")
    before = generation(pair, "pwfile")
    equal(before > 0, True, "it is loaded")
    os.rename(issuer.path("two.p12"), store)
    pair.wait_record("keyd", "key-load-failed", PROFILE="pwfile")
    equal(generation(pair, "pwfile"), before, "generation while the password is the old one")
    replace(password, "pw-two\n")
    wait_until(lambda: generation(pair, "pwfile") == before + 1, "the new one is loaded")


def numbers(pair, issuer):
    """Each profile counts its own key's loads from 1 on, also when it could not be loaded in between or was not there."""
    store, path = os.path.join(pair.dir, "counted.pem"), os.path.join(pair.etc, "counted.profile")
    text = "[Profile]\nKeystorePath=%s\n[Server]\nCAFile=%s/server-ca.pem\n" % (store, pair.pki)
    replace(store, read(issuer.path("one.bundle.pem")))
    pair.write("counted.profile", text)
    wait_until(lambda: profile_row(pair, "counted"), "the profile is there")
    equal(generation(pair, "counted"), 1, "first generation")

    replace(store, "garbage\n")
    pair.wait_record("keyd", "key-load-failed", PROFILE="counted")
    replace(store, read(issuer.path("two.bundle.pem")))
    wait_until(lambda: generation(pair, "counted") == 2, "one step")

    os.unlink(path)
    wait_until(lambda: not profile_row(pair, "counted"), "it has gone")
    pair.write("counted.profile", text)
    wait_until(lambda: profile_row(pair, "counted"), "it has come again")
    equal(generation(pair, "counted"), 3, "generation of the profile that came again")
    equal([record["MIDTLS_GENERATION"] for record in pair.records("keyd", "key-loaded", PROFILE="counted")], ["1", "2", "3"], "recorded")


def drop_in(pair):
    folder = os.path.join(pair.etc, "crm.connection.d")
    os.mkdir(folder, 0o700)
    for name, value in (("10-first.conf", "one"), ("20-second.conf", "two")):
        replace(os.path.join(folder, name), "[Headers]\nX-Drop-%s=%s\n" % (value, value))
        wait_until(lambda: ["X-Drop-" + value, value] in good(pair)["headers"], name + " is in force")
    os.unlink(os.path.join(folder, "20-second.conf"))
    wait_until(lambda: ["X-Drop-two", "two"] not in good(pair)["headers"], "it is gone")
    contains(good(pair)["headers"], ["X-Drop-one", "one"], "the first one stays")


def config_error(pair, server):
    """A file that is wrong, then a good one that becomes wrong: each disables itself alone, and reload names file and line."""
    pair.write("wrong.connection", "[Connection]\nProfile=mauth\nHost=localhost\nPort=%d\nColour=blue\n" % server.port)
    wait_until(lambda: any("wrong.connection:5: " in record["MESSAGE"] for record in pair.records("keyd", "config-error")), "config-error")
    wait_until(lambda: pair.call("GET", "/tell", host="wrong").code() == "key-unavailable", "the wrong one is told")
    good(pair)
    reload(pair, 1, "configuration: failed: ", "wrong.connection:5: ", "Colour")
    os.unlink(os.path.join(pair.etc, "wrong.connection"))
    gone(pair, "wrong")

    path = os.path.join(pair.etc, "kube.profile")
    text = read(path)
    replace(path, text + "[Servers]\n")
    wait_until(lambda: pair.call("GET", "/tell", host="pod").code() == "key-unavailable", "its profile is broken")
    contains(pair.call("GET", "/tell", host="pod").json()["detail"], "kube.profile:", "detail")
    good(pair)
    reload(pair, 1, "kube: failed: ", "kube.profile:")
    replace(path, text)
    works(pair, "pod")
    reload(pair, 0, "kube: unchanged")


def config_xml(pair, server):
    """What the MID's own file says: the keystore of a profile, and the name of the MID."""
    pair.config_xml({"partner": "p384.openssl.p12"})
    pair.write("partner.profile", "[Server]\nCAFile=%s/server-ca.pem\n" % pair.pki)
    pair.connection("xml", "partner", server.port, http="SessionResumption=no")
    pair.connection("here", "mauth", server.port, extra="MidServers=mid-of-config-xml")
    works(pair, "xml")
    before, fingerprint = generation(pair, "partner"), good(pair, "xml")["fingerprint"]
    path = os.path.join(pair.etc, "config.xml")
    replace(path, read(path).replace("p384.openssl.p12", "p256.openssl.p12"))
    wait_until(lambda: generation(pair, "partner") == before + 1, "the keystore that config.xml names now")
    equal(good(pair, "xml")["fingerprint"] != fingerprint, True, "another certificate")

    equal(pair.call("GET", "/tell", host="here").code(), "alias-unknown", "a connection of another MID")
    replace(os.path.join(pair.etc, "midtls.conf"), "[MID]\nConfigXml=%s\n" % path)
    works(pair, "here")
    replace(path, read(path).replace("mid-of-config-xml", "mid-renamed"))
    gone(pair, "here")
    replace(os.path.join(pair.etc, "midtls.conf"), "[MID]\nName=mid-of-config-xml\nConfigXml=%s\n" % path)
    works(pair, "here")

    text = read(path)
    replace(path, "<parameters><parameter")
    wait_until(lambda: pair.call("GET", "/tell", host="xml").code() == "key-unavailable", "the profile that it alone describes is told")
    reload(pair, 1, "configuration: failed: ", "config.xml:1: ", "partner: failed: ")
    good(pair)
    replace(path, text)
    works(pair, "xml")
    reload(pair, 0, "partner: unchanged")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "reload")
        pair.asked_directly = ["rogue-"]
        issuer = Issuer(os.path.join(pair.dir, "clients"), pair.pki)
        for name in ("live", "other", "one", "two"):
            issuer.issue(name, 90 * DAY)
        server = stack.enter_context(Server(pair.pki))
        pair.write("mauth.profile", "[Profile]\nKeystorePath=%s\n[Server]\nCAFile=%s/server-ca.pem\n" % (issuer.path("live.bundle.pem"), pair.pki))
        pair.connection("crm", "mauth", server.port, http="SessionResumption=no")
        stack.enter_context(pair)
        good(pair)
        equal(generation(pair), 1, "first generation")

        suite.run("all is well", all_is_well, pair)
        suite.run("a key that cannot be reloaded", not_reloaded, pair, issuer)
        suite.run("--dry-run", dry_run, pair, issuer)
        suite.run("profiles and connections come and go", come_and_go, pair, server)
        suite.run("a folder switched by symbolic link", symbolic_link, pair, issuer, server)
        suite.run("a password in a file", password_file, pair, issuer)
        suite.run("generations", numbers, pair, issuer)
        suite.run("drop-ins", drop_in, pair)
        suite.run("an error in the configuration", config_error, pair, server)
        suite.run("config.xml and the name of the MID", config_xml, pair, server)


Suite().main(main)
