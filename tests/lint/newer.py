#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What RHEL 9 has not: names that libcurl and libmicrohttpd got after the oldest versions that this tree is built with, unless a line stands
where the preprocessor has compared the version.

What a newer library than Debian 12's brings does not compile here; so these tables end with Debian 12's versions.
"""

import re

import lib

# libcurl-symbols(3), and the pages of the functions
CURL = """
7.77.0 CURLE_SSL_CLIENTCERT CURLOPT_CAINFO_BLOB CURLOPT_PROXY_CAINFO_BLOB CURLSSLOPT_AUTO_CLIENT_CERT CURLVERSION_TENTH
7.78.0 CURLE_SETOPT_OPTION_SYNTAX CURLU_ALLOW_SPACE
7.79.0 CURL_PREREQFUNC_ABORT CURL_PREREQFUNC_OK
7.80.0 CURLOPT_MAXLIFETIME_CONN CURLOPT_PREREQDATA CURLOPT_PREREQFUNCTION CURLOPT_SSH_HOST_PUBLIC_KEY_SHA256 curl_url_strerror
7.81.0 CURLMIMEOPT_FORMESCAPE CURLM_ABORTED_BY_CALLBACK CURLOPT_MIME_OPTIONS CURLUE_BAD_FILE_URL CURLUE_BAD_FRAGMENT CURLUE_BAD_HOSTNAME
    CURLUE_BAD_IPV6 CURLUE_BAD_LOGIN CURLUE_BAD_PASSWORD CURLUE_BAD_PATH CURLUE_BAD_QUERY CURLUE_BAD_SCHEME CURLUE_BAD_SLASHES
    CURLUE_BAD_USER CURLUE_NO_ZONEID
7.83.0 CURLHE_BADINDEX CURLHE_BAD_ARGUMENT CURLHE_MISSING CURLHE_NOHEADERS CURLHE_NOREQUEST CURLHE_NOT_BUILT_IN CURLHE_OK
    CURLHE_OUT_OF_MEMORY CURLH_1XX CURLH_CONNECT CURLH_HEADER CURLH_PSEUDO CURLH_TRAILER curl_easy_header curl_easy_nextheader
7.84.0 CURLE_UNRECOVERABLE_POLL CURLINFO_CAINFO CURLINFO_CAPATH CURLM_UNRECOVERABLE_POLL CURLOPT_SSH_HOSTKEYDATA
    CURLOPT_SSH_HOSTKEYFUNCTION CURL_VERSION_THREADSAFE
7.85.0 CURLOPT_PROTOCOLS_STR CURLOPT_REDIR_PROTOCOLS_STR
7.86.0 CURLOPT_WS_OPTIONS CURLWS_BINARY CURLWS_CLOSE CURLWS_CONT CURLWS_OFFSET CURLWS_PING CURLWS_PONG CURLWS_RAW_MODE CURLWS_TEXT
    curl_ws_meta curl_ws_recv curl_ws_send
7.87.0 CURLOPTDEPRECATED CURLOPT_CA_CACHE_TIMEOUT CURLOPT_QUICK_EXIT CURLVERSION_ELEVENTH CURL_DEPRECATED CURL_IGNORE_DEPRECATION
    CURL_WRITEFUNC_ERROR
7.88.0 CURLUE_LACKS_IDN CURLU_PUNYCODE CURL_HTTP_VERSION_3ONLY CURL_LOCK_DATA_HSTS
"""
# "Available since" in microhttpd.h
MICROHTTPD = """
0.9.72.4 MHD_IoVec MHD_create_response_from_iovec
0.9.72.5 MHD_OPTION_SIGPIPE_HANDLED_BY_APP
0.9.72.6 MHD_run_wait
0.9.72.7 MHD_OPTION_TLS_NO_ALPN
0.9.73.2 MHD_create_response_from_buffer_with_free_callback_cls
0.9.73.8 MHD_RF_HTTP_1_0_COMPATIBLE_STRICT MHD_RF_HTTP_1_0_SERVER
0.9.73.16 MHD_RF_SEND_KEEP_ALIVE_HEADER
"""


def curl_number(version):
    return sum(int(part) << shift for part, shift in zip(version.split("."), (16, 8, 0)))


def microhttpd_number(version):
    """0x00MMmmpp of two decimal digits each (binary-coded), the last part is hexadecimal."""
    parts = [int(part) for part in version.split(".")]
    return int("".join("%02d" % part for part in parts[:3]), 16) << 8 | parts[3]


def read(text, number):
    """name -> (version as a number, as text)"""
    found, version = {}, None
    for word in text.split():
        if word[0].isdigit():
            version = word
        else:
            found[word] = (number(version), version)
    return found


LIBRARIES = [
    # rule, what the preprocessor compares, names, the oldest version that is built with
    ("curl-is-old-enough", "LIBCURL_VERSION_NUM", read(CURL, curl_number), "7.76"),
    ("microhttpd-is-old-enough", "MHD_VERSION", read(MICROHTTPD, microhttpd_number), "0.9.72"),
]

WORD = re.compile(r"\b(?:CURL|curl_|MHD_)\w+")
IF = re.compile(r"\s*#\s*if(?:n?def)?\b")
ELSE = re.compile(r"\s*#\s*(?:else|elif)\b")
ENDIF = re.compile(r"\s*#\s*endif\b")


def lines_with_known(source, macro):
    """(line's number, line, the version that is known to be reached there)"""
    compared = re.compile(r"\s*#\s*if\s+%s\s*>=\s*(0x[0-9a-fA-F]+)\s*$" % macro)
    stack = []
    for number, line in enumerate(source.code().splitlines(), 1):
        if IF.match(line):
            match = compared.match(line)
            stack.append(int(match.group(1), 16) if match else 0)
        elif ELSE.match(line) and stack:
            stack[-1] = 0
        elif ENDIF.match(line) and stack:
            stack.pop()
        yield number, line, max(stack, default=0)


def check(options, report):
    for source in lib.sources(options.root, ".c", ".h"):
        if source.path.startswith("tests/"):
            continue  # are not built for RHEL
        for rule, macro, names, oldest in LIBRARIES:
            for number, line, known in lines_with_known(source, macro):
                for word in WORD.findall(line):
                    needed, text = names.get(word, (0, ""))
                    if needed > known:
                        report.add(rule, source.path, number, "%s came with %s, and %s is to do: #if %s >= 0x%06x" % (word, text, oldest, macro, needed))


lib.main(check)
