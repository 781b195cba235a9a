#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""SOAP: calld makes the envelope, the action and, of a Fault, two headers; `midtls soap` shows it."""

import contextlib
import os
import sys
import urllib.parse
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, contains, equal
from peers import Server

NAMESPACES = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}
INNER = b'<q:Get xmlns:q="urn:q"><q:Id>4&amp;2 \xc3\xa4</q:Id></q:Get>'


def send(pair, version, path="/soap", body=INNER, action="urn:x#Get"):
    return pair.call("POST", path, host="soap", body=body, headers=[
        ("Midtls-Soap", version), ("Midtls-Soap-Action", action), ("Content-Type", "text/plain")])


def inside(server, version):
    """The elements in the Body that the server received."""
    root = xml.fromstring(server.seen[-1]["body"])
    equal(root.tag, "{%s}Envelope" % NAMESPACES[version], "root element")
    return list(root.find("{%s}Body" % NAMESPACES[version]))


def wrap(pair, server, version):
    answer = send(pair, version)
    equal(answer.status, 200, "status (%r)" % answer.body[:300])
    found = inside(server, version)
    equal([part.tag for part in found], ["{urn:q}Get"], "what lies in the Body")
    equal(found[0][0].text, "4&2 \u00e4", "text")
    headers = {name.lower(): value for name, value in server.seen[-1]["headers"]}
    if version == "1.1":
        equal(headers.get("content-type"), "text/xml; charset=utf-8", "Content-Type")
        equal(headers.get("soapaction"), '"urn:x#Get"', "SOAPAction")
    else:
        contains(headers.get("content-type"), "application/soap+xml", "Content-Type")
        contains(headers.get("content-type"), 'action="urn:x#Get"', "action")
        equal(headers.get("soapaction"), None, "SOAPAction")
    equal([name for name in headers if name.startswith("midtls-")], [], "our headers at the server")
    contains(answer.body, b"fine", "answer")
    equal(answer.header("Midtls-Soap-Fault"), None, "no Fault")


def envelope_stays(pair, server, version):
    whole = ('<?xml version="1.0"?><s:Envelope xmlns:s="%s"><s:Header/><s:Body><a/></s:Body></s:Envelope>' % NAMESPACES[version]).encode()
    equal(send(pair, version, body=whole).status, 200, "status")
    equal(server.seen[-1]["body"], whole, "an envelope passes as it is")


def fault(pair, version):
    answer = send(pair, version, path="/fault")
    equal(answer.status, 500, "status")
    equal(answer.header("Proxy-Status"), None, "the far server's answer")
    contains(answer.header("Midtls-Soap-Fault") or "", "Client" if version == "1.1" else "Sender", "Midtls-Soap-Fault")
    equal(urllib.parse.unquote(answer.header("Midtls-Soap-Fault-String") or ""), "no such incident: 7%", "Midtls-Soap-Fault-String")
    contains(answer.body, b"no such incident", "the body is passed unchanged")


def refused(pair, body, what):
    answer = send(pair, "1.1", body=body)
    equal((answer.status, answer.code()), (400, "request-invalid"), what)
    equal(bool(answer.json().get("hint")), True, "hint")


def bad_version(pair):
    answer = send(pair, "1.3")
    equal((answer.status, answer.code()), (400, "request-invalid"), "an unknown version")


WSA = "{http://www.w3.org/2005/08/addressing}"
ODD_ACTION = "urn:x?a=1&b=<2>#'Get'"


def blocks(server, version):
    """The header blocks of the envelope that the server received, by name."""
    root = xml.fromstring(server.seen[-1]["body"])
    equal([part.tag for part in root], ["{%s}%s" % (NAMESPACES[version], name) for name in ("Header", "Body")], "parts of the envelope")
    return {part.tag: part for part in root[0]}


def addressing(pair, server, version):
    """WS-Addressing: To, Action, MessageID, ReplyTo; the action is the one of the HTTP header, the identifier is new each time."""
    seen = []
    for number in range(3):
        answer = pair.call("POST", "/base/soap?a=1&b=2", host="soap", body=INNER, headers=[
            ("Midtls-Soap", version), ("Midtls-Soap-Action", ODD_ACTION), ("Midtls-Soap-Addressing", "1.0")])
        equal(answer.status, 200, "status (%r)" % answer.body[:300])
        found = blocks(server, version)
        equal(set(found), {WSA + name for name in ("To", "Action", "MessageID", "ReplyTo")}, "header blocks")
        equal(found[WSA + "To"].text, "https://localhost:%d/soap/base/soap?a=1&b=2" % server.port, "To")
        equal(found[WSA + "Action"].text, ODD_ACTION, "Action")
        equal(found[WSA + "MessageID"].text, "urn:uuid:" + answer.header("Midtls-Call-Id"), "MessageID")
        equal(found[WSA + "ReplyTo"][0].text, "http://www.w3.org/2005/08/addressing/anonymous", "ReplyTo")
        headers = {name.lower(): value for name, value in server.seen[-1]["headers"]}
        if version == "1.1":
            equal(headers["soapaction"], '"%s"' % ODD_ACTION, "SOAPAction")
        else:
            contains(headers["content-type"], 'action="%s"' % ODD_ACTION, "Content-Type")
        seen.append(found[WSA + "MessageID"].text)
        equal([part.tag for part in inside(server, version)], ["{urn:q}Get"], "what lies in the Body")
    equal(len(set(seen)), 3, "different identifiers")


def no_addressing(pair, server):
    """Not asked for: no Header at all."""
    equal(send(pair, "1.1").status, 200, "status")
    equal([part.tag for part in xml.fromstring(server.seen[-1]["body"])], ["{%s}Body" % NAMESPACES["1.1"]], "parts of the envelope")


def addressing_refused(pair, server, body=INNER, **options):
    n_seen = len(server.seen)
    fields = {"Midtls-Soap": "1.1", "Midtls-Soap-Action": "urn:x", "Midtls-Soap-Addressing": "1.0"}
    fields.update({"Midtls-Soap" + name.replace("_", "-"): value for name, value in options.items()})
    answer = pair.call("POST", "/soap", host="soap", body=body, headers=[(name, value) for name, value in fields.items() if value is not None])
    equal((answer.status, answer.code()), (400, "request-invalid"), "answer (%r)" % answer.body[:300])
    equal(len(server.seen), n_seen, "calls at the server")


def command_addressing(pair, server):
    status, out, err = pair.midtls("soap", "soap", "/soap", "--action", "urn:x#Get", "--addressing", "-d", "-", stdin=INNER)
    equal(status, 0, "exit status (%s)" % err)
    equal(blocks(server, "1.1")[WSA + "Action"].text, "urn:x#Get", "Action")


def command(pair, server, version):
    status, out, err = pair.midtls("soap", "soap", "/soap", "--action", "urn:x#Get", "--soap", version, "-d", "-", stdin=INNER)
    equal(status, 0, "exit status (%s)" % err)
    contains(out, "fine", "output")
    equal([part.tag for part in inside(server, version)], ["{urn:q}Get"], "what lies in the Body")


def command_fault(pair):
    status, out, err = pair.midtls("soap", "soap", "/fault", "--action", "urn:x", "-d", "-", stdin=INNER)
    contains(out + err, "no such incident: 7%", "the Fault's text")
    equal(status, 1, "exit status")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "soap")
        server = stack.enter_context(Server(pair.pki))
        pair.profile("mauth", "rsa2048.keytool.p12")
        pair.connection("soap", "mauth", server.port, extra="BasePath=/soap")
        stack.enter_context(pair)
        for version in ("1.1", "1.2"):
            suite.run("wrap " + version, wrap, pair, server, version)
            suite.run("envelope stays " + version, envelope_stays, pair, server, version)
            suite.run("fault " + version, fault, pair, version)
            suite.run("midtls soap " + version, command, pair, server, version)
            suite.run("WS-Addressing " + version, addressing, pair, server, version)
        suite.run("no WS-Addressing unless asked for", no_addressing, pair, server)
        for name, options in [("without an action", {"_Action": None}), ("with an empty action", {"_Action": ""}), ("with an action that is no URI", {"_Action": "a b"}),
                              ("with an action that is no ASCII", {"_Action": "urn:\u00e4"}), ("of another version", {"_Addressing": "2004"}),
                              ("without SOAP", {"": None, "_Action": None}),
                              ("of an envelope", {"body": b"<s:Envelope xmlns:s='%s'><s:Body/></s:Envelope>" % NAMESPACES["1.1"].encode()})]:
            suite.run("WS-Addressing " + name, addressing_refused, pair, server, **options)
        suite.run("midtls soap --addressing", command_addressing, pair, server)
        suite.run("midtls soap shows a Fault", command_fault, pair)
        suite.run("not XML", refused, pair, b"<a><b></a>", "malformed XML")
        suite.run("DTD", refused, pair, b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "a DTD")
        suite.run("unknown version", bad_version, pair)


Suite().main(main)
