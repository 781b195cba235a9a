# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the Table API of a ServiceNow instance: no part of it, and no proof that a real one behaves the same.

Written from the documented API: GET /api/now/table/TABLE with sysparm_fields and sysparm_display_value=all, Basic authentication.
"""

import base64
import urllib.parse

from standin import StandIn

USER, PASSWORD = "midtls.reader", "instance: pässword"
COLUMNS = ("protocol", "keystore_path", "applies_to", "mid_servers", "default_port", "external_credential_store", "password")


class TableApi(StandIn):
    """`records`: dictionaries by column; a tuple is (value, display value)."""

    table = "mid_protocol_profile"

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.records = []

    def section(self, more="", password="credential:instance"):
        """[Instance] of midtls.conf for this one."""
        return "[Instance]\nAddress=https://localhost:%d\nUser=%s\nPassword=%s\nCAFile=%s/server-ca.pem\n%s\n" % (
            self.port, USER, password, self.pki, more)

    def own_lies(self, handler, asked):
        return {
            "object": lambda: handler.answer(200, {"result": {"protocol": "evil"}}),
            "many": lambda: handler.answer(200, {"result": [{"protocol": "a%d" % i} for i in range(501)]}),
            "large": lambda: handler.answer(200, {"result": [{"protocol": "evil", "keystore_path": "/" + "x" * 200000}]}),
            "twice": lambda: handler.answer(200, b'{"result":[],"result":[]}'),
        }

    def serve_good(self, handler, asked):
        query = urllib.parse.parse_qs(asked["query"])
        expected = "Basic " + base64.b64encode((USER + ":" + PASSWORD).encode()).decode()
        if asked["headers"].get("Authorization") != expected and asked["subject"] != "p256":
            handler.answer(401, {"error": {"message": "User is not authenticated"}, "status": "failure"})
        elif asked["path"] != "/api/now/table/" + self.table:
            handler.answer(400, {"error": {"message": "Invalid table"}, "status": "failure"})
        else:
            handler.answer(200, {"result": [self.show(record, query["sysparm_fields"][0].split(",")) for record in self.records]})

    def show(self, record, fields):
        shown = {}
        for field in fields:
            value = record.get(field, "")
            value, display = value if isinstance(value, tuple) else (value, value)
            shown[field] = {"value": value, "display_value": display}
        return shown
