#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Proxy=: mutual TLS through tinyproxy (CONNECT) and microsocks (SOCKS5), and through proxies that refuse, die or are somebody else."""

import base64
import contextlib
import os
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import BUILD, Pair, Suite, contains, equal, fail, wait_until
from hostile import Raw
from peers import Nginx, Server, free_port
from proxies import PASSWORD, USER, Microsocks, Tap, Tinyproxy

HTTP = "ConnectTimeout=3s\nTimeout=20s"
QUOTED = "mid%5F7"
CLOSED = "http://127.0.0.1:9"


def good(pair, alias, proxy=None, port=None):
    before = proxy.count(port) if proxy else 0
    answer = pair.call("POST", "/tell", host=alias, body=b"hello")
    equal(answer.status, 200, "status (%r)" % answer.body[:400])
    equal(answer.json()["size"], 5, "body at the server")
    if proxy:
        equal(proxy.count(port) - before, 1, "tunnels that the proxy made (%r)" % proxy.lines()[-5:])
    return answer


def recorded(pair, alias, proxy):
    answer = pair.call("GET", "/tell", host=alias)
    record = pair.wait_record("calld", "call", CALL_ID=answer.header("Midtls-Call-Id"))
    equal(record.get("MIDTLS_PROXY"), proxy, "MIDTLS_PROXY")
    contains(record["MIDTLS_DESTINATION"], "localhost:", "MIDTLS_DESTINATION")


def failure(pair, alias, code, status, error, words, method="GET"):
    started = time.monotonic()
    answer = pair.call(method, "/tell", host=alias)
    equal((answer.code(), answer.status), (code, status), "code and status (%r)" % answer.body[:400])
    problem = answer.json()
    contains(answer.header("Proxy-Status"), "midtls; error=" + error, "Proxy-Status")
    for word in words:
        contains((problem["detail"] + " " + problem["hint"]).lower(), word, "detail and hint")
    if time.monotonic() - started > 8:
        fail("took %.1f s" % (time.monotonic() - started))
    record = pair.wait_record("calld", "call", CALL_ID=problem["call_id"])
    equal(record.get("MIDTLS_REASON"), code, "reason of the record")
    return answer


def attempts(pair, alias, far, count):
    """How often a proxy that refuses is asked by a connection with [Retry]."""
    before = far.n_connections
    pair.call("GET", "/tell", host=alias)
    equal(far.n_connections - before, count, "times that the proxy was asked")


def kept(pair, tap):
    before = len(tap.connects)
    connection = pair.connect()
    for _ in range(5):
        equal(pair.call("GET", "/tell", host="tapped", connection=connection).status, 200, "status")
    connection.close()
    equal(len(tap.connects) - before <= 1, True, "one tunnel for all calls")


def tunnel_only(pair, tap, server):
    """What the proxy gets: CONNECT with its own fields and none of the call's; afterwards TLS, in which our certificate is not to be seen."""
    answer = pair.call("POST", "/tell?q=hush-query", host="tapped-fresh", body=b"hush-body", headers=[("Authorization", "Bearer hush-token"), ("X-Call", "hush-field")])
    equal(answer.status, 200, "status (%r)" % answer.body[:300])
    head = tap.connects[-1]
    equal(head.split("\r\n")[0], "CONNECT localhost:%d HTTP/1.1" % server.port, "request line")
    names = sorted(line.split(":")[0].lower() for line in head.split("\r\n")[1:])
    equal(set(names) - {"host", "proxy-connection", "proxy-authorization"}, set(), "fields that the proxy got")
    everything = head.encode("latin-1") + tap.seen + tap.answered
    with open(os.path.join(pair.pki, "p256.pem")) as file:
        text = file.read()
    leaf = ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN CERTIFICATE"):text.index("-----END CERTIFICATE-----") + 25] + "\n")
    for secret in (b"hush-query", b"hush-body", b"hush-token", b"hush-field", leaf, leaf[40:140]):
        equal(secret in everything, False, "%r at the proxy" % secret[:20])


def credentials_sent(tap):
    """To the proxy itself, and not again inside the tunnel."""
    token = base64.b64encode(("%s:%s" % (USER, PASSWORD)).encode()).decode()
    contains(tap.connects[-1], "Proxy-Authorization: Basic " + token, "CONNECT")
    equal(token.encode() in tap.seen, False, "credentials in the tunnel")


def nothing_for_far(pair, server, alias):
    """The far server gets none of what was for the proxy."""
    n_seen = len(server.seen)
    good(pair, alias)
    names = {name.lower() for name, _ in server.seen[-1]["headers"]}
    equal(len(server.seen) - n_seen, 1, "calls at the server")
    equal({name for name in names if name.startswith("proxy")}, set(), "fields for a proxy at the far server")


def no_signature(pair, alias, code, status, error, words):
    before = len(pair.records("keyd", "signature"))
    failure(pair, alias, code, status, error, words)
    equal(len(pair.records("keyd", "signature")), before, "signatures")


def cut_answer(pair, tap):
    answer = None
    with contextlib.suppress(ConnectionError):
        answer = pair.call("GET", "/bytes/3000000", host="dies-body")
    if answer and not answer.cut:
        equal((answer.status, answer.code()), (502, "response-invalid"), "an answer that looks whole")
    equal(tap.n_connections > 0, True, "the proxy was used")


def password_gone(pair):
    """A password that cannot be had disables the connection alone."""
    answer = pair.call("GET", "/tell", host="nofile")
    equal((answer.status, answer.code()), (503, "key-unavailable"), "code (%r)" % answer.body[:300])
    contains(answer.json()["detail"], "not-there", "detail")
    good(pair, "plain")


def password_changes(pair, path):
    """A file that ProxyPassword= names is watched: what it says is in force without a reload."""
    with open(path, "w") as file:
        file.write("wrong\n")

    def refused():
        answer = pair.call("GET", "/tell", host="http-file")
        return answer.code() == "connect-failed"

    wait_until(refused, "the new password is used")
    with open(path, "w") as file:
        file.write(PASSWORD + "\n")
    wait_until(lambda: pair.call("GET", "/tell", host="http-file").status == 200, "the old password is used again")


def discreet(pair):
    token = base64.b64encode(("%s:%s" % (USER, PASSWORD)).encode()).decode().rstrip("=")
    answers = [pair.call("GET", target, host="midtls").body.decode() for target in ("/connections", "/status", "/metrics")]
    answers += [" ".join(map(str, pair.midtls(*words))) for words in (["show", "http"], ["list"], ["-j", "show", "http"], ["test", "http"])]
    for daemon in ("keyd", "calld"):
        with open(os.path.join(pair.dir, "log", daemon + ".json")) as file:
            answers.append(file.read())
    for text in answers:
        equal([word for word in (PASSWORD, token) if word in text], [], "secrets in %.80r" % text)


def steps(pair):
    status, out, err = pair.midtls("test", "http")
    equal(status, 0, "exit status (%s%s)" % (out, err))
    contains(out, "proxy", "the steps name the proxy")
    status, out, err = pair.midtls("test", "forbidden")
    equal(status, 3, "exit status (%s%s)" % (out, err))
    contains(out + err, "403", "the step that failed")


def configuration(pair):
    """What `midtls check` says of values that cannot be used."""
    rows = [("Proxy=https://127.0.0.1:1", "Proxy="), ("Proxy=127.0.0.1:1", "Proxy="), ("Proxy=http://u:p@127.0.0.1:1", "ProxyPassword="),
            ("Proxy=http://127.0.0.1", "Proxy="), ("Proxy=http://:80", "Proxy="), ("Proxy=http://[::1:80", "Proxy="),
            ("Proxy=http://@h:80", "Proxy="), ("Proxy=http://h:0", "Proxy="), ("Proxy=http://h:80/x", "Proxy="), ("Proxy=ftp://h:80", "Proxy="),
            ("Proxy=http://h:80\nProxyPassword=x", "names no user"), ("Proxy=http://u@h:80\nProxyPassword=cyberark:x", "CyberArk"),
            ("ProxyPassword=x", "names no user")]
    good_rows = ["Proxy=http://u%40x@h.test:8080\nProxyPassword=file:x", "Proxy=socks5h://[::1]:1080", "Proxy="]
    for text, word in rows:
        pair.connection("config", "mauth", 1, http=text)
        done = check(pair)
        equal(any("config.connection" in line and word in line for line in done.splitlines()), True, "%r is refused: %s" % (text, done))
    for text in good_rows:
        pair.connection("config", "mauth", 1, http=text)
        equal([line for line in check(pair).splitlines() if "config.connection" in line], [], "problems of %r" % text)
    os.unlink(os.path.join(pair.etc, "config.connection"))


def check(pair):
    done = subprocess.run([os.path.join(BUILD, "keyd", "keyd-loader"), "--check", "--config-dir=" + pair.etc], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=30)
    return done.stdout.decode()


def say(*parts):
    """An act of a proxy that reads a request's head and answers it."""
    def act(peer):
        peer.line_end(b"\r\n\r\n")
        for part in parts:
            peer.send(part)
        peer.wait_end()
    return act


def hang_up(peer):
    peer.line_end(b"\r\n\r\n")


def no_socks(peer):
    """SOCKS5: no method is acceptable (RFC 1928, 3)."""
    peer.receive()
    peer.send(b"\x05\xff")


def socks_denies(peer):
    """Not allowed by ruleset (RFC 1928, 6)."""
    peer.receive()
    peer.send(b"\x05\x00")
    peer.receive()
    peer.send(b"\x05\x02\x00\x01\0\0\0\0\0\0")


def impostor(pki):
    """Grants the tunnel and then is the server itself, with a certificate of another CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(pki, "server-stranger.pem"), os.path.join(pki, "server-stranger.key"))

    def act(peer):
        peer.line_end(b"\r\n\r\n")
        peer.send(b"HTTP/1.1 200 yes\r\n\r\n")
        with context.wrap_socket(peer.sock, server_side=True) as sock:
            sock.recv(10)
    return act


ROWS = [  # alias, what the proxy says, code, status, error type, words
    ("says-403", b"HTTP/1.1 403 no\r\nContent-Length: 2\r\n\r\nno", 502, "connection_refused", ["403", "permit"]),
    ("says-407", b"HTTP/1.1 407 who\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n", 502, "proxy_configuration_error", ["407", "proxypassword"]),
    ("says-ntlm", b"HTTP/1.1 407 who\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n", 502, "proxy_configuration_error", ["407"]),
    ("says-405", b"HTTP/1.1 405 no\r\nContent-Length: 0\r\n\r\n", 502, "connection_refused", ["connect"]),
    ("says-302", b"HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n", 502, "connection_refused", ["302"]),
    ("says-502", b"HTTP/1.1 502 x\r\nContent-Length: 0\r\n\r\n", 502, "destination_unavailable", ["502"]),
    ("says-504", b"HTTP/1.1 504 x\r\nContent-Length: 0\r\n\r\n", 504, "connection_timeout", ["504"]),
    ("garbage", b"SSH-2.0-x\r\n\r\n", 502, "connection_", []),
    ("long-head", b"HTTP/1.1 200 x\r\nX: " + b"x" * (1 << 20), 502, "connection_", []),
]


def configure(pair, stack, server):
    """Connections by alias; returns the proxies by name."""
    def connection(alias, proxy, http="", more="", host="localhost", port=None):
        pair.connection(alias, "mauth", port or server.port, host=host, http="\n".join([HTTP, "Proxy=" + proxy, http]), more=more)

    known = {name: stack.enter_context(proxy) for name, proxy in
             {"tinyproxy": Tinyproxy(), "tinyproxy-user": Tinyproxy(USER), "tinyproxy-443": Tinyproxy(extra="ConnectPort 443"),
              "microsocks": Microsocks(), "microsocks-user": Microsocks(USER), "tap": Tap(), "tap-extra": Tap(extra="Content-Length: 7\r\nTransfer-Encoding: chunked\r\n"),
              "dies-handshake": Tap(cut=1), "dies-body": Tap(cut=100000), "impostor": Raw(impostor(pair.pki)), "silent": Raw(lambda peer: peer.wait_end()),
              "hangs-up": Raw(hang_up), "no-socks": Raw(no_socks), "socks-denies": Raw(socks_denies)}.items()}
    url = {name: "127.0.0.1:%d" % proxy.port for name, proxy in known.items()}
    secret = pair.write("proxy-password", PASSWORD + "\n")

    connection("plain", "")
    connection("http-open", "http://" + url["tinyproxy"])
    connection("http", "http://%s@%s" % (QUOTED, url["tinyproxy-user"]), "ProxyPassword=" + PASSWORD)
    connection("http-file", "http://%s@%s" % (QUOTED, url["tinyproxy-user"]), "ProxyPassword=file:proxy-password\nDenyAddresses=loopback", more="[Retry]\nStrategy=none")
    connection("http-credential", "http://%s@%s" % (QUOTED, url["tinyproxy-user"]), "ProxyPassword=credential:proxy")
    connection("http-wrong", "http://%s@%s" % (QUOTED, url["tinyproxy-user"]), "ProxyPassword=not-it")
    connection("http-nobody", "http://" + url["tinyproxy-user"])
    connection("nofile", "http://%s@%s" % (QUOTED, url["tinyproxy-user"]), "ProxyPassword=file:not-there")
    connection("forbidden", "http://" + url["tinyproxy-443"])
    connection("far-away", "http://" + url["tinyproxy"], port=free_port())
    connection("socks-open", "socks5h://" + url["microsocks"], host="127.0.0.1")
    connection("socks-name", "socks5://" + url["microsocks"])
    connection("socks", "socks5h://%s@%s" % (QUOTED, url["microsocks-user"]), "ProxyPassword=file:" + secret, host="127.0.0.1")
    connection("socks-wrong", "socks5h://%s@%s" % (QUOTED, url["microsocks-user"]), "ProxyPassword=not-it")
    connection("socks-nobody", "socks5h://" + url["microsocks-user"])
    connection("socks-away", "socks5h://" + url["microsocks"], host="127.0.0.1", port=free_port())
    connection("no-socks", "socks5h://" + url["no-socks"])
    connection("socks-denies", "socks5h://" + url["socks-denies"], more="[Retry]\nStrategy=fixed\nInterval=10ms\nCount=2")
    connection("tapped", "http://%s@%s" % (QUOTED, url["tap"]), "ProxyPassword=" + PASSWORD)
    connection("tapped-fresh", "http://" + url["tap"], "SessionResumption=no")
    connection("tapped-extra", "http://" + url["tap-extra"])
    for name in ("dies-handshake", "dies-body", "impostor", "silent", "hangs-up"):
        connection(name, "http://" + url[name])
    connection("closed", "http://127.0.0.1:%d" % free_port())
    connection("nowhere", "http://nx.invalid:8080")
    connection("denied", "http://" + url["tinyproxy"], "DenyAddresses=loopback", host="127.0.0.1")
    connection("expects-http", "http://" + url["microsocks"])
    for name, text, *_ in ROWS:
        known[name] = stack.enter_context(Raw(say(text)))
        connection(name, "http://127.0.0.1:%d" % known[name].port, more="[Retry]\nStrategy=fixed\nInterval=10ms\nCount=2")
    return known


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "proxy")
        server = stack.enter_context(Server(pair.pki, tls="1.3"))
        older = stack.enter_context(Server(pair.pki, tls="1.2"))
        two = stack.enter_context(Nginx(pair.pki, http2=True))
        pair.profile("mauth", "p256.keytool.p12")
        known = configure(pair, stack, server)
        pair.connection("http-1.2", "mauth", older.port, http=HTTP + "\nProxy=http://127.0.0.1:%d" % known["tinyproxy"].port)
        pair.connection("http-2", "mauth", two.port, http=HTTP + "\nProxy=http://127.0.0.1:%d" % known["tinyproxy"].port)

        credentials = os.path.join(pair.dir, "credentials")
        os.mkdir(credentials, 0o700)
        with open(os.path.join(credentials, "proxy"), "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(PASSWORD + "\n")
        # What nobody is to look at: a proxy that is not there for everything, and no proxy for what has one.
        os.environ.update(CREDENTIALS_DIRECTORY=credentials, NO_PROXY="*", no_proxy="*", http_proxy=CLOSED,
                          **{name: CLOSED for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY")})
        stack.enter_context(pair)

        suite.run("the environment's proxies are ignored", good, pair, "plain")
        suite.run("CONNECT", good, pair, "http-open", known["tinyproxy"], server.port)
        suite.run("CONNECT, TLS 1.2", good, pair, "http-1.2", known["tinyproxy"], older.port)
        suite.run("CONNECT, HTTP/2", lambda: equal(pair.call("GET", "/x", host="http-2").json()["http"], "HTTP/2.0", "protocol"))
        suite.run("CONNECT with a password", good, pair, "http", known["tinyproxy-user"], server.port)
        suite.run("CONNECT with a password from a file", good, pair, "http-file", known["tinyproxy-user"], server.port)
        suite.run("CONNECT with a password from a credential", good, pair, "http-credential", known["tinyproxy-user"], server.port)
        suite.run("SOCKS5", good, pair, "socks-open", known["microsocks"], server.port)
        suite.run("SOCKS5 with a password", good, pair, "socks", known["microsocks-user"], server.port)
        suite.run("records name the proxy", recorded, pair, "http", "http://127.0.0.1:%d" % known["tinyproxy-user"].port)
        suite.run("records of calls without a proxy", recorded, pair, "plain", None)
        suite.run("a tunnel is kept", kept, pair, known["tap"])
        suite.run("CONNECT has the credentials, the tunnel has not", credentials_sent, known["tap"])
        suite.run("the proxy sees a tunnel and no certificate", tunnel_only, pair, known["tap"], server)
        suite.run("the far server sees nothing of the proxy's", nothing_for_far, pair, server, "tapped")
        suite.run("CONNECT 200 with a body announced", good, pair, "tapped-extra")

        for alias, words in (("http-wrong", ["401", "proxypassword"]), ("http-nobody", ["407"])):
            suite.run("tinyproxy: " + alias, failure, pair, alias, "connect-failed", 502, "proxy_configuration_error", words)
        suite.run("tinyproxy forbids the port", failure, pair, "forbidden", "connect-failed", 502, "connection_refused", ["403"])
        suite.run("tinyproxy cannot connect", failure, pair, "far-away", "connect-failed", 502, "destination_unavailable", ["the proxy"])
        for alias in ("socks-wrong", "socks-nobody", "no-socks"):
            suite.run("SOCKS5: " + alias, failure, pair, alias, "connect-failed", 502, "proxy_configuration_error", ["the proxy"])
        suite.run("microsocks cannot connect", failure, pair, "socks-away", "connect-failed", 502, "connection_refused", ["the proxy"])
        suite.run("SOCKS5 proxy does not allow it", failure, pair, "socks-denies", "connect-failed", 502, "connection_refused", ["permit"])
        suite.run("a SOCKS5 proxy where HTTP is expected", failure, pair, "expects-http", "connect-failed", 502, "connection_", ["the proxy"])
        for alias, _, status, error, words in ROWS:
            suite.run("proxy " + alias, failure, pair, alias, "connect-failed", status, error, words)
        for alias, count in (("says-403", 1), ("says-407", 1), ("socks-denies", 1), ("says-502", 3)):
            suite.run("attempts at a proxy: " + alias, attempts, pair, alias, known[alias], count)
        suite.run("no proxy there", failure, pair, "closed", "connect-failed", 502, "connection_refused", ["the proxy", "refused"])
        suite.run("the proxy's name is unknown", failure, pair, "nowhere", "dns-failed", 502, "dns_error", ["nx.invalid"])
        suite.run("the proxy says nothing", failure, pair, "silent", "connect-failed", 504, "connection_timeout", ["the proxy"])
        suite.run("the proxy hangs up", failure, pair, "hangs-up", "connect-failed", 502, "connection_terminated", ["the proxy"])
        suite.run("the proxy dies in the handshake", failure, pair, "dies-handshake", "response-invalid", 502, "http_response_incomplete", [])
        suite.run("the proxy dies in the answer", cut_answer, pair, known["dies-body"])
        suite.run("the proxy is the server", no_signature, pair, "impostor", "server-certificate", 502, "tls_certificate_error", ["issue"])
        suite.run("a denied address, proxy or not", failure, pair, "denied", "address-denied", 502, "destination_ip_prohibited", ["loopback"])
        suite.run("a password that is not there", password_gone, pair)
        suite.run("a password that changes", password_changes, pair, os.path.join(pair.etc, "proxy-password"))
        suite.run("midtls test", steps, pair)
        suite.run("values that cannot be used", configuration, pair)
        suite.run("nobody shows the password", discreet, pair)


Suite().main(main)
