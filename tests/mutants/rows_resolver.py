# SPDX-License-Identifier: Apache-2.0
"""What calld takes from its resolver, and the resolver from its lookups: (code, text, replacement, tests that must notice)"""

ANSWER = "resolver-answer"
CLIENT = "resolver-client"
CODEC = "msg-resolve"
PASS = "chan-pass"

ROWS = {
    "calld/resolver/received.c": [
        (ANSWER, "!has_option(fd, SO_TYPE, SOCK_SEQPACKET) || ", "", CLIENT),
        (ANSWER, "!has_option(fd, SO_ACCEPTCONN, 0)", "0", CLIENT),
        (ANSWER, " && peer.uid == keyd_uid", "", CLIENT),
    ],
    "calld/resolver/client.c": [
        (ANSWER, "if (fd >= 0 && q && q->kind != RESOLVE_KEYD)", "if (0)", CLIENT),
    ],
    "common/chan-pass.c": [
        (ANSWER, "(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))", "(m.msg_flags & MSG_CTRUNC)", PASS),
        (ANSWER, "(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))", "(m.msg_flags & MSG_TRUNC)", PASS),
    ],
    "common/msg-resolve.c": [
        (ANSWER, "wire_reader_check(r, version == 4 || version == 6);", "", CODEC),
        (ANSWER, "wire_reader_check(r, n <= RESOLVE_ADDRESSES_MAX);", "", CODEC),
        (ANSWER, "wire_reader_check(&r, result < _RESOLVE_RESULT_MAX);", "", CODEC),
        (ANSWER, "wire_reader_check(&r, kind >= RESOLVE_HOST && kind < _RESOLVE_KIND_MAX);", "", CODEC),
        (ANSWER, "wire_reader_check(&r, (m.name.size == 0) == (kind == RESOLVE_KEYD));", "", CODEC),
    ],
}
