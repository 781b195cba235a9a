#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What tests/demo.sh shows, once the pair is built."""

import contextlib
import json
import os
import subprocess
import sys

from harness import BUILD, Pair
from peers import Nginx

KEY = "rsa2048"  # a key that keytool made
STORES = {"profile": "Java keystore named in a .profile", "config": "Java keystore named in config.xml"}
SOAP_ANSWER = ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Incident xmlns="urn:demo">'
               "seen: $ssl_client_s_dn</Incident></s:Body></s:Envelope>")
LOCATION = "location /soap { default_type text/xml; return 200 '%s'; }" % SOAP_ANSWER
REQUEST = '<Get xmlns="urn:demo"><Number>INC42</Number></Get>'


def title(text):
    print("\n\033[1m%s\033[0m" % text if sys.stdout.isatty() else "\n== " + text)


def curl(pair, *arguments):
    """Prints the command as a user would type it. Returns (status, body)."""
    shown = " ".join("'%s'" % part if any(c in part for c in " <:#") and not part.startswith("http") else part for part in arguments)
    print("  $ curl --unix-socket calld.sock " + shown)
    done = subprocess.run(["curl", "-sS", "--max-time", "30", "--unix-socket", pair.socket, "-w", "\n%{http_code}", *arguments],
                          stdout=subprocess.PIPE, timeout=40)
    body, _, status = done.stdout.decode(errors="replace").rpartition("\n")
    return status, body


def rest(pair, alias, what):
    status, body = curl(pair, "http://%s/incident/42?fields=number" % alias)
    print("  REST: Status %s (%s)" % (status, what))
    if status != "200":
        print("  " + body)
        return False
    seen = json.loads(body)
    print("    the server saw: %s, certificate %s, %s, %s %s" % (
        seen["dn"], seen["fingerprint"], seen["protocol"], seen["method"], seen["uri"]))
    return True


def soap(pair, alias, what):
    status, body = curl(pair, "-H", "Midtls-Soap: 1.1", "-H", "Midtls-Soap-Action: urn:demo#Get", "-d", REQUEST, "http://%s/soap" % alias)
    print("  SOAP: Status %s (%s)\n    %s" % (status, what, body.strip()))
    return status == "200"


def scan(pair, name, pid):
    """Whether the key's bytes are in a process's readable memory, and whether it has memory that cannot be read."""
    done = subprocess.run([os.path.join(BUILD, "tests", "lib", "scan"), "--key=" + os.path.join(pair.pki, KEY + ".key"), str(pid)],
                          stdout=subprocess.PIPE, timeout=60)
    line = done.stdout.decode().splitlines()[0].split(": ", 1)[1]
    print("  %-36s %s" % (name, line))
    return not line.startswith("0 hits"), not line.endswith(" 0 regions unreadable")


def memory(pair, port):
    title("Where are the private key's bytes? (all readable memory of each process, searched)")
    client = subprocess.Popen([os.path.join(BUILD, "tests", "lib", "plaincurl"), *(os.path.join(pair.pki, name) for name in (
        KEY + ".pem", KEY + ".key", "server-ca.pem")), "https://localhost:%d/" % port], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    client.stdout.readline()
    control, _ = scan(pair, "a client that holds the key itself", client.pid)
    client.stdin.close()
    client.wait(10)
    outside = [scan(pair, what, pair.find(name))[0] for what, name in (
        ("calld, after its calls", "calld"), ("keyd, the supervisor", "keyd"), ("keyd's verifier, which faces calld", "keyd-verifier"))]
    in_signer, hidden = scan(pair, "keyd's signer", pair.role("keyd-signer"))
    if control and not any(outside) and (in_signer or hidden):
        print("  Memory: the key is in keyd's signer%s and nowhere else" % ("" if in_signer else ", where not even root can read it (memfd_secret),"))
        return True
    print("  Memory: NOT as it should be")
    return False


def audit(pair):
    title("The audit trail")
    records = [(int(record["__REALTIME_TIMESTAMP"]), daemon, record) for daemon in ("keyd", "calld")
               for event in ("key-loaded", "signature", "call") for record in pair.records(daemon, event)]
    for _, daemon, record in sorted(records, key=lambda row: row[0]):
        print("  %-6s%-11s %s" % (daemon, record["MIDTLS_EVENT"], record["MESSAGE"]))
        names = [name for name in ("PROFILE", "GENERATION", "ALIAS", "CALL_ID", "DESTINATION", "TLS_VERSION", "SIGNATURE_SCHEME", "CALLER_UID",
                                   "STATUS")
                 if record.get("MIDTLS_" + name)]
        print("                   " + " ".join("%s=%s" % (name.lower(), record["MIDTLS_" + name]) for name in names))
    return bool(records)


def configure(pair, stores, servers):
    for store in stores:
        pair.profile(store, KEY + ".keytool.p12" if store == "profile" else None)
        for tls, server in servers.items():
            pair.connection(store + tls.replace(".", ""), store, server.port)
    if "config" in stores:
        pair.config_xml({"config": KEY + ".keytool.p12"})


def run(stores, keep):
    good = True
    with contextlib.ExitStack() as stack:
        title("Making a CA, Java keystores, a partner's server (nginx, demands a client certificate)")
        pair = Pair(None)
        servers = {tls: stack.enter_context(Nginx(pair.pki, tls=tls, extra=LOCATION)) for tls in ("1.2", "1.3")}
        configure(pair, stores, servers)
        stack.enter_context(pair)
        print("  configuration, sockets and logs in " + pair.dir)

        for store in stores:
            for tls in servers:
                title("%s, TLS %s" % (STORES[store], tls))
                alias, what = store + tls.replace(".", ""), "TLS %s, %s" % (tls, STORES[store])
                good = rest(pair, alias, what) and good
                good = soap(pair, alias, what) and good

        title("midtls list")
        print(pair.midtls("list")[1])
        good = memory(pair, servers["1.3"].port) and good
        good = audit(pair) and good
        pair.keep = keep
    if keep:
        print("\nKept: %s; start it again with: BUILD=%s tests/pair.sh %s" % (pair.dir, BUILD, pair.dir))
    print("\n%s" % ("All of it worked: REST: Status 200, SOAP: Status 200" if good else "Something FAILED, see above"))
    return 0 if good else 1


if __name__ == "__main__":
    chosen = [argument.split("=")[1] for argument in sys.argv[1:] if argument.startswith("--store=")]
    sys.exit(run(chosen or list(STORES), "--keep" in sys.argv))
