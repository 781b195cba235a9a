# SPDX-License-Identifier: Apache-2.0
"""A stand-in for HashiCorp Vault and OpenBao: no part of them, and no proof that the real ones behave the same.

Written from their documented HTTP API: KV version 2 at /v1/secret, version 1 at /v1/kv, tokens, AppRole, login by TLS certificate, namespaces.
"""

import json
import secrets
import time
import urllib.parse

from standin import StandIn

ROLE, SECRET_ID = "6f1c-role", "7d2a-secret"


class Vaultd(StandIn):
    """`secrets`: path to fields, the same in both engines; `tokens`: token to when it ends; `deleted`: paths."""

    namespace = None
    ttl = 3600

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.secrets, self.deleted, self.tokens, self.revoked = {}, set(), {}, []

    def new_token(self, ttl=None):
        token = "hvs." + secrets.token_urlsafe(24)
        self.tokens[token] = time.monotonic() + (ttl or self.ttl)
        return token

    def section(self, login="", more=""):
        """[Vault] of midtls.conf for this one."""
        return "[Vault]\nAddress=https://localhost:%d/\nCAFile=%s/server-ca.pem\n%s\n%s\n" % (self.port, self.pki, login, more)

    def paths(self, part):
        return [row for row in self.asked if part in row["path"]]

    def own_lies(self, handler, asked):
        data = lambda value: {"request_id": "x", "data": {"data": value, "metadata": {"version": 1, "deletion_time": "", "destroyed": False}}}
        return {
            "sealed": lambda: handler.answer(503, {"errors": ["Vault is sealed"]}),
            "expired": lambda: handler.answer(403, {"errors": ["permission denied", "invalid token"]}),
            "empty": lambda: handler.answer(200, data({"password": "", "pw": ""})),
            "number": lambda: handler.answer(200, data({"password": 12345, "pw": 12345})),
            "other": lambda: handler.answer(200, data({"user": "EVIL"})),
            "unversioned": lambda: handler.answer(200, {"data": {"password": "EVIL"}}),
            "nodata": lambda: handler.answer(200, {"data": None}),
            "twice": lambda: handler.answer(200, b'{"data":{"data":{"password":"a","password":"b"},"metadata":{}}}'),
            "large": lambda: handler.answer(200, data({"password": "x" * 200000, "pw": "x" * 200000})),
            "badtoken": lambda: handler.answer(200, {"auth": {"client_token": "a\r\nX-Evil: 1", "lease_duration": 1, "renewable": True}}),
            "notoken": lambda: handler.answer(200, {"auth": None}),
        }

    def log_in(self, handler, good):
        if not good:
            handler.answer(400, {"errors": ["invalid role or secret ID"]})
            return
        handler.answer(200, {"request_id": "x", "auth": {"client_token": self.new_token(), "accessor": "y", "policies": ["default"],
                                                         "lease_duration": self.ttl, "renewable": True}})

    def serve_token(self, handler, asked, token):
        if asked["path"].endswith("/lookup-self") and asked["method"] == "GET":
            handler.answer(200, {"data": {"id": token, "ttl": int(self.tokens[token] - time.monotonic()), "creation_ttl": self.ttl, "renewable": True}})
        elif asked["path"].endswith("/renew-self") and asked["method"] == "POST":
            self.tokens[token] = time.monotonic() + self.ttl
            handler.answer(200, {"auth": {"client_token": token, "lease_duration": self.ttl, "renewable": True}})
        elif asked["path"].endswith("/revoke-self") and asked["method"] == "POST":
            del self.tokens[token]
            self.revoked.append(token)
            handler.answer(204)
        else:
            handler.answer(404, {"errors": []})

    def serve_secret(self, handler, path):
        mount, _, rest = path.partition("/")
        versioned = mount == "secret"
        if versioned and not rest.startswith("data/"):
            handler.answer(404, {"errors": [], "warnings": ["Invalid path for a versioned K/V secrets engine"]})
            return
        rest = urllib.parse.unquote(rest[len("data/"):] if versioned else rest)
        if versioned and rest in self.deleted:
            handler.answer(404, {"data": {"data": None, "metadata": {"deletion_time": "2026-01-01T00:00:00Z", "destroyed": False, "version": 2}}})
        elif mount not in ("secret", "kv") or rest not in self.secrets:
            handler.answer(404, {"errors": []})
        elif versioned:
            handler.answer(200, {"request_id": "x", "lease_id": "", "renewable": False, "lease_duration": 0,
                                 "data": {"data": self.secrets[rest], "metadata": {"version": 1, "deletion_time": "", "destroyed": False}}})
        else:
            handler.answer(200, {"request_id": "x", "lease_id": "", "renewable": False, "lease_duration": 2764800, "data": self.secrets[rest]})

    def serve_good(self, handler, asked):
        headers, path = asked["headers"], asked["path"]
        if headers.get("X-Vault-Namespace") != self.namespace or not path.startswith("/v1/"):
            handler.answer(404, {"errors": ["no handler for route"]})
        elif path == "/v1/auth/approle/login":
            body = json.loads(asked["body"])
            self.log_in(handler, (body.get("role_id"), body.get("secret_id")) == (ROLE, SECRET_ID))
        elif path == "/v1/auth/cert/login":
            self.log_in(handler, asked["subject"] == "p256" and json.loads(asked["body"]).get("name") in (None, "midtls"))
        elif self.tokens.get(headers.get("X-Vault-Token"), 0) < time.monotonic():
            handler.answer(403, {"errors": ["permission denied"]})
        elif path.startswith("/v1/auth/token/"):
            self.serve_token(handler, asked, headers["X-Vault-Token"])
        else:
            self.serve_secret(handler, path[len("/v1/"):])
