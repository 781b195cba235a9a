#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for fuzz-vaults: make-corpus-vaults.py FOLDER"""

import json
import os
import sys

OK, FORBIDDEN, ABSENT, SEALED = 0, 6, 7, 10
CCP, KV2, KV1, CONJUR, INSTANCE = range(5)
META = {"version": 1, "deletion_time": "", "destroyed": False}
SEEDS = {
    "ccp": (CCP, OK, {"Content": "secret", "Name": "account", "Safe": "safe", "PasswordChangeInProcess": "True"}),
    "ccp-other": (CCP, OK, {"Content": "secret", "Name": "other"}),
    "ccp-error": (CCP, ABSENT, {"ErrorCode": "APPAP004E", "ErrorMsg": "text"}),
    "ccp-unknown": (CCP, FORBIDDEN, {"ErrorCode": "<x>"}),
    "kv2": (KV2, OK, {"data": {"data": {"password": "secret"}, "metadata": META}}),
    "kv2-field": (KV2, OK, {"data": {"data": {"other": 1}, "metadata": META}}),
    "kv2-deleted": (KV2, ABSENT, {"data": {"data": None, "metadata": dict(META, deletion_time="2026-01-01")}}),
    "kv1": (KV1, OK, {"data": {"password": "secret"}, "lease_duration": 1}),
    "kv1-sealed": (KV1, SEALED, {"errors": ["sealed"]}),
    "login": (CONJUR, OK, {"auth": {"client_token": "hvs.x"}, "data": {"ttl": 1, "creation_ttl": 9, "renewable": True}}),
    "login-refused": (CONJUR, FORBIDDEN, {"errors": ["x"]}),
    "instance": (INSTANCE, OK, {"result": [
        {"a": {"value": "bank", "display_value": "Bank"}, "b": "k.p12", "c": "specific", "d": {"value": "0a", "display_value": "m1,m2"}, "e": "443",
         "f": "false", "g": "midtls:AAAA"}, {"a": "crm", "f": "true", "g": "ID"}, {"a": "clear", "g": "clear"}, {"a": "two", "b": "x\ny"}, {"a": "../x"}]}),
    "instance-error": (INSTANCE, ABSENT, {"error": {"message": "x"}}),
}

for name, (store, status, body) in SEEDS.items():
    with open(os.path.join(sys.argv[1], name), "wb") as file:
        file.write(bytes((store, status)) + json.dumps(body).encode())
