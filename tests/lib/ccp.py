# SPDX-License-Identifier: Apache-2.0
"""A stand-in for CyberArk's Central Credential Provider: no part of CyberArk, and no proof that the real one behaves the same.

It answers GET /AIMWebService/api/Accounts?AppID=&Safe=&Object= as public client code and a public emulator show it: values are strings, errors are
ErrorCode and ErrorMsg with a status. It demands a client certificate, counts requests, and does wrong what `lie` names.
"""

import os
import urllib.parse

from standin import StandIn

PATH = "/AIMWebService/api/Accounts"
# code: status, what a real one says
ERRORS = {
    "AIMWS030E": (400, "Invalid query format"),
    "AIMWS031E": (400, "Invalid request. The AppID parameter is required"),
    "APPAP227E": (400, "Too many objects"),
    "APPAP228E": (400, "Too many objects"),
    "APPAP229E": (400, "Too many objects"),
    "APPAP230E": (400, "Too many objects"),
    "APPAP251E": (400, "Too many objects"),
    "APPAP007E": (400, "Connection to the Vault has failed"),
    "APPAP081E": (400, "Request message content is invalid"),
    "CASVL010E": (400, "Invalid characters"),
    "APPAP306E": (403, "Authentication failed"),
    "APPAP008E": (403, "ITATS982E User app is not defined"),
    "APPAP004E": (404, "Password object matching query was not found (Diagnostic Info: 5)"),
    "APPAP249E": (404, "Password object was not found"),
    "APPAP324E": (404, "Password object was not found"),
    "APPAP282E": (500, "Password change in process"),
    "APPAP087E": (403, "Path is not allowed"),
    "APPAP132E": (403, "Hash is not allowed"),
    "APPAP133E": (403, "OS user is not allowed"),
}


class Ccp(StandIn):
    """`secrets`: object to content; `wrong`: object (None: every one) to an error code or a lie; `asked` has the query's parameters too."""

    safe = "MidSafe"

    def __init__(self, pki, server="server-ecdsa", port=0):
        self.secrets, self.more = {}, {}
        super().__init__(pki, server, port)

    def use(self, server="server-ecdsa", client_ca="client-root", demand=True):
        super().use(server, client_ca, demand)

    def section(self, certificate="p256.bundle.pem", more=""):
        """[CyberArk] of midtls.conf for this one."""
        return ("[CyberArk]\nEndpoint=https://localhost:%d%s\nAppID=MID & Co\nSafe=%s\nCertFile=%s\nCAFile=%s/server-ca.pem\n%s\n"
                % (self.port, PATH, self.safe, os.path.join(self.pki, certificate), self.pki, more))

    def find_lie(self, asked):
        asked.update(urllib.parse.parse_qsl(asked["query"], keep_blank_values=True))
        return self.wrong.get(asked.get("Object"), self.wrong.get(None))

    def own_lies(self, handler, asked):
        def value(content, **more):
            return lambda: self.value(handler, asked, content, **more)

        def error(code):
            return lambda: self.error(handler, code)

        secret = self.secrets.get(asked.get("Object"), "other")
        return {
            **{code: error(code) for code in ERRORS},
            "400": lambda: handler.answer(400, b"", kind="text/html"),
            "403": lambda: handler.answer(403, b"<h1>Forbidden</h1>", kind="text/html"),
            "404": lambda: handler.answer(404, b"<h1>Not Found</h1>", kind="text/html"),
            "empty": value(""),
            "number": value(12345),
            "twice": lambda: handler.answer(200, b'{"Content":"a","Content":"b","Name":"x"}'),
            "cut": lambda: handler.answer(200, b'{"Content":"a"'),
            "unknown": lambda: handler.answer(400, {"ErrorCode": "XYZ999E", "ErrorMsg": "\x1b[31mred"}),
            "evil": lambda: handler.answer(403, {"ErrorCode": "<script>\n", "ErrorMsg": "x"}),
            "other": value(secret, Name="SomebodyElse"),
            "othersafe": value(secret, Safe="Elsewhere"),
            "large": value("x" * 200000),
        }

    def error(self, handler, code):
        status, text = ERRORS[code]
        handler.answer(status, {"ErrorCode": code, "ErrorMsg": "%s %s" % (code, text)})

    def value(self, handler, asked, content, **more):
        handler.answer(200, {"Content": content, "PolicyID": "WinDomain", "Name": asked["Object"], "SequenceID": "5", "UserName": "svc",
                             "Folder": asked.get("Folder", "Root"), "Safe": asked["Safe"], "CPMStatus": "success", "LastTask": "VerifyTask",
                             "RetriesCount": "-1", "CreationMethod": "PVWA", "PasswordChangeInProcess": "False", **more})

    def serve_good(self, handler, asked):
        if asked["path"] != PATH:
            handler.answer(404, b"", kind="text/html")
        elif not asked.get("AppID"):
            self.error(handler, "AIMWS031E")
        elif asked.get("Object") not in self.secrets or asked.get("Safe") != self.safe:
            self.error(handler, "APPAP004E")
        else:
            self.value(handler, asked, self.secrets[asked["Object"]], **self.more)
