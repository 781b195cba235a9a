# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Conjur: no part of it, and no proof that the real one behaves the same.

Written from its published API: POST /authn/ACCOUNT/LOGIN/authenticate with the API key, then GET /secrets/ACCOUNT/variable/ID with the token.
"""

import base64
import json
import secrets
import urllib.parse

from standin import StandIn

ACCOUNT, LOGIN = "my org", "host/midtls/1"


class Conjurd(StandIn):
    """`secrets`: variable to value (bytes); `tokens`: those that are good."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.secrets, self.tokens = {}, set()
        self.key = secrets.token_hex(20)

    def section(self, key="", more=""):
        """[Conjur] of midtls.conf for this one."""
        return "[Conjur]\nAddress=https://localhost:%d\nAccount=%s\nLogin=%s\nAPIKey=%s\nCAFile=%s/server-ca.pem\n%s\n" % (
            self.port, ACCOUNT, LOGIN, key or self.key, self.pki, more)

    def own_lies(self, handler, asked):
        return {
            "empty": lambda: handler.answer(200, b"", kind="application/octet-stream"),
            "large": lambda: handler.answer(200, b"x" * 200000, kind="application/octet-stream"),
            "422": lambda: handler.answer(422, {"error": {"code": "unprocessable_entity"}}),
        }

    def serve_good(self, handler, asked):
        parts = [urllib.parse.unquote(part) for part in asked["path"].split("/")[1:]]
        if asked["method"] == "POST" and parts == ["authn", ACCOUNT, LOGIN, "authenticate"]:
            if asked["body"].decode() != self.key:
                handler.answer(401, b"", kind="text/plain")
                return
            token = json.dumps({"protected": secrets.token_hex(20), "payload": "e30=", "signature": secrets.token_hex(200)}).encode()
            self.tokens.add(base64.b64encode(token).decode())
            handler.answer(200, token)
        elif asked["headers"].get("Authorization") not in {'Token token="%s"' % token for token in self.tokens}:
            handler.answer(401, b"", kind="text/plain")
        elif asked["method"] == "GET" and len(parts) == 4 and parts[:3] == ["secrets", ACCOUNT, "variable"] and parts[3] in self.secrets:
            handler.answer(200, self.secrets[parts[3]], kind="application/octet-stream")
        else:
            handler.answer(404, {"error": {"code": "not_found"}})
