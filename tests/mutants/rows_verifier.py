# SPDX-License-Identifier: Apache-2.0
"""The verifier's rules about what the messages say: (code, text, replacement, tests that must notice, more edits)

Where the rule's removal alone would only crash (no cipher suite, no scheme), the row lets in what the rule keeps out.
"""

VERSION = "version"
RESUMPTION = "resumption"
POST_HANDSHAKE = "post-handshake"
CIPHER = "cipher"
SERVER_CERTIFICATE = "server-certificate"
SERVER_SIGNATURE = "server-signature"
CLIENT_CERTIFICATE = "client-certificate"
SCHEME = "scheme"
BOTH = "refusal-1-2 refusal-1-3"

HELLO = "keyd/verifier/check-hello.c"
CHAIN = "keyd/verifier/check-chain.c"
CERTIFICATE = "keyd/verifier/check-certificate.c"
SIGNATURE = "keyd/verifier/check-signature.c"
SCHEMES = "keyd/verifier/scheme.c"

LAST_SUITE = "        {0xcca9, TLS_VERSION_1_2, 32, false},"
LAST_SCHEME = "        {TLS_SCHEME_RSA_PKCS1_SHA512,"
TIME = "X509_VERIFY_PARAM_set_time(p, (time_t) c->now);"
NO_TIME = "X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_NO_CHECK_TIME);"

ROWS = {
    HELLO: [
        (VERSION, "if (c->version < c->policy->minimum_tls)", "if (0)", "mutation"),
        (VERSION, "h->legacy_version != TLS_VERSION_1_2 || h->selected_version != TLS_VERSION_1_3", "h->selected_version != TLS_VERSION_1_3", "refusal-1-3"),
        (VERSION, "h->legacy_version != TLS_VERSION_1_2 || h->selected_version != TLS_VERSION_1_3", "h->legacy_version != TLS_VERSION_1_2", "refusal-1-3"),
        (VERSION, "if (!span_equal(h->session_id, c->client_hellos[0].session_id))", "if (0)", "refusal-1-3"),
        (VERSION, "c->client_hellos[i].legacy_version != TLS_VERSION_1_2 || ", "", "refusal-1-3"),
        (VERSION, " || !hello_offers_1_3(&c->client_hellos[i])", "", "refusal-1-3"),
        (VERSION, "if (c->n_client_hellos > 1) {", "if (0) {", "retry"),
        (VERSION, "h->legacy_version != TLS_VERSION_1_2 || (h->supported_versions", "(h->supported_versions", "refusal-1-2"),
        (VERSION, " || (h->supported_versions.data && !u16_list_has(h->supported_versions, TLS_VERSION_1_2))", "", "refusal-1-2"),
        (VERSION, "c->server_hello.legacy_version != TLS_VERSION_1_2 || extension_find", "extension_find", "refusal-1-2"),
        (VERSION, " || extension_find(&c->server_hello.extensions, EXTENSION_SUPPORTED_VERSIONS)", "", "refusal-1-2"),
        (VERSION, "if (is_downgraded(c))", "if (0)", "refusal-1-2"),
        (VERSION, "memcmp(end, below_1_2, 8) == 0 || ", "", "refusal-1-2"),
        (VERSION, " || (hello_offers_1_3(&c->client_hellos[0]) && memcmp(end, below_1_3, 8) == 0)", "", "refusal-1-2"),
        (RESUMPTION, "if (extension_find(&c->server_hello.extensions, EXTENSION_PRE_SHARED_KEY))", "if (0)", "refusal-1-3"),
        (RESUMPTION, "if (extension_find(&c->client_hellos[i].extensions, EXTENSION_EARLY_DATA))", "if (0)", "refusal-1-3"),
        (RESUMPTION, "if (extension_find(&c->client_hellos[i].extensions, EXTENSION_EARLY_DATA))",
         "if (extension_find(&check_client_hello(c)->extensions, EXTENSION_EARLY_DATA))", "retry"),
        (RESUMPTION, "if (extension_find(&c->encrypted_extensions.extensions, EXTENSION_EARLY_DATA))", "if (0)", "refusal-1-3"),
        (RESUMPTION, "if (session_id.size > 0 && span_equal(session_id, c->client_hellos[0].session_id))", "if (0)", "refusal-1-2"),
        (POST_HANDSHAKE, "if (c->version == TLS_VERSION_1_3 && c->certificate_request.context.size > 0)", "if (0)", "refusal-1-3"),
        (POST_HANDSHAKE, "client_says && h->renegotiated_connection.size == 0", "h->renegotiated_connection.size == 0", "refusal-1-2"),
        (POST_HANDSHAKE, "client_says && h->renegotiated_connection.size == 0", "client_says", "refusal-1-2"),
        (POST_HANDSHAKE, " && c->server_hello.renegotiated_connection.data", "", "refusal-1-2"),
        (POST_HANDSHAKE, "c->server_hello.renegotiated_connection.size == 0", "true", "refusal-1-2"),
        (CIPHER, LAST_SUITE, "        {0x009c, TLS_VERSION_1_2, 32, true},\n" + LAST_SUITE, "refusal-1-2"),
        (CIPHER, LAST_SUITE, "        {0xc009, TLS_VERSION_1_2, 32, false},\n" + LAST_SUITE, "refusal-1-2"),
        (CIPHER, LAST_SUITE, "        {0x1304, TLS_VERSION_1_3, 32, false},\n" + LAST_SUITE, "refusal-1-3"),
        (CIPHER, "suites[i].code == code && suites[i].version == version", "suites[i].code == code", "refusal-1-2"),
        (CIPHER, "if (!u16_list_has(c->client_hellos[i].cipher_suites, c->suite->code))", "if (0)", BOTH),
        (CIPHER, "if (!span_equal(c->client_hellos[i].compression_methods, no_compression))", "if (0)", "refusal-1-3"),
        (CIPHER, "if (c->server_hello.compression_method != 0)", "if (0)", "refusal-1-3"),
        (CIPHER, "return c->version == TLS_VERSION_1_2 ? check_extended_master_secret(c) : 0;", "return 0;", "refusal-1-2"),
        (CIPHER, "!extension_find(&c->client_hellos[0].extensions, EXTENSION_EXTENDED_MASTER_SECRET) ||", "", "refusal-1-2"),
        (CIPHER, " ||\n            !extension_find(&c->server_hello.extensions, EXTENSION_EXTENDED_MASTER_SECRET)", "", "refusal-1-2"),
    ],
    "keyd/verifier/check-name.c": [
        ("sni", "if (!name.data && span_is_address(host))", "if (!name.data)", BOTH),
        ("sni", "if (!name_equal(name, host))", "if (0)", BOTH),
        ("sni", "i < c->n_client_hellos; i++) {\n                Span name", "i < 1; i++) {\n                Span name", "retry",
         [("keyd/verifier/check-transcript.c", "(!other || !span_equal(other->body, a->items[i].body))", "!other")]),
        ("alpn", "if (!protocol_is_allowed(protocol))", "if (0)", "refusal-1-3"),
        ("alpn", "if (selected.data && !is_offered(check_client_hello(c), selected))", "if (0)", BOTH),
        ("alpn", "c->version == TLS_VERSION_1_3 ? c->encrypted_extensions.alpn : c->server_hello.alpn", "c->encrypted_extensions.alpn", "refusal-1-2"),
        ("alpn", "c->version == TLS_VERSION_1_3 ? c->encrypted_extensions.alpn : c->server_hello.alpn", "c->server_hello.alpn", "refusal-1-3"),
    ],
    "keyd/verifier/check.c": [
        ("sni", "        if (a.size != b.size)\n                return false;\n\n        for (size_t i = 0; i < a.size; i++)",
         "        for (size_t i = 0; i < a.size && i < b.size; i++)", "refusal-1-3"),
    ],
    CERTIFICATE: [
        (SERVER_CERTIFICATE, "l->n_certificates == 0 || l->n_certificates > CERTIFICATES_MAX", "l->n_certificates > CERTIFICATES_MAX", "certificate"),
        (SERVER_CERTIFICATE, "l->n_certificates == 0 || l->n_certificates > CERTIFICATES_MAX", "l->n_certificates == 0", "certificate"),
        (SERVER_CERTIFICATE, "!certificate || p != l->certificates[i].data + l->certificates[i].size", "!certificate", "certificate"),
        (SERVER_CERTIFICATE, "return refuse(c, REFUSAL_SERVER_CERTIFICATE, \"certificate %zu of the server's chain is no X.509 certificate\", i + 1);", "continue;",
         "certificate"),
        (SERVER_CERTIFICATE, "X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | ", "", "certificate"),
        (SERVER_CERTIFICATE, " | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS", "", "certificate"),
        (SERVER_CERTIFICATE, "if (!host_valid(text))", "if (0)", "certificate"),
        (SERVER_CERTIFICATE, "X509_check_ip_asc(leaf, text, 0) == 1", "X509_check_host(leaf, text, 0, flags, NULL) == 1", "certificate"),
        (SERVER_CERTIFICATE, "return refuse(c, REFUSAL_SERVER_CERTIFICATE, \"the server's certificate is not for \\\"%.*s\\\"; put a name that it is for into AllowedNames\",\n"
         "                      SPAN_ARG(c->policy->host));", "return 0;", "certificate"),
        (SERVER_CERTIFICATE, "if (!(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE))", "if (0)", "certificate"),
        (SERVER_CERTIFICATE, "if (!(X509_get_extended_key_usage(leaf) & XKU_SSL_SERVER))", "if (0)", "certificate"),
        (SERVER_CERTIFICATE, "if (!key || keytype_name(key, name, sizeof(name)) != 0)", "if (!key)", "certificate"),
        (SERVER_CERTIFICATE, "        r = check_pins(c);\n        if (r != 0)\n                return r;\n", "", "certificate"),
        (SERVER_CERTIFICATE, "                return check_pins(c);\n", "                return 0;\n", "certificate"),
    ],
    "keyd/crypto/keytype.c": [
        (SERVER_CERTIFICATE, "bits > RSA_BITS_MAX ? KEYTYPE_E_LIMIT : 0", "0", "certificate"),
        # OpenSSL's security level refuses such a key too, with another sentence: both have to be gone.
        (SERVER_CERTIFICATE, "bits < RSA_BITS_MIN ? KEYTYPE_E_POLICY : ", "", "certificate", [(CHAIN, "#define AUTH_LEVEL 2", "#define AUTH_LEVEL 1")]),
        (SERVER_CERTIFICATE, '{"secp384r1", "ec-p384"},', '{"secp384r1", "ec-p384"}, {"secp256k1", "ec-p256"},', "certificate"),
        # A curve with explicit parameters is refused by OpenSSL before keytype_name() sees it: that row is the loader's.
    ],
    CHAIN: [
        (SERVER_CERTIFICATE, "if (X509_verify_cert(ctx) != 1) {", "if (X509_verify_cert(ctx) < 0) {", "chain"),
        (SERVER_CERTIFICATE, "#define AUTH_LEVEL 2", "#define AUTH_LEVEL 1", "certificate"),
        (SERVER_CERTIFICATE, "#define AUTH_LEVEL 2", "#define AUTH_LEVEL 1", "chain"),
        (SERVER_CERTIFICATE, "#define AUTH_LEVEL 2", "#define AUTH_LEVEL 0", "certificate",
         [(CERTIFICATE, "if (!key || keytype_name(key, name, sizeof(name)) != 0)", "if (!key)")]),
        (SERVER_CERTIFICATE, "        X509_VERIFY_PARAM_set_depth(p, CHAIN_DEPTH_MAX);\n", "", "chain"),
        (SERVER_CERTIFICATE, TIME, NO_TIME, "certificate"),
        (SERVER_CERTIFICATE, TIME, NO_TIME, "chain"),
        (SERVER_CERTIFICATE, "X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER) == 1", "true", "certificate"),
        (SERVER_CERTIFICATE, "X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER) == 1", "true", "chain"),
        (SERVER_CERTIFICATE, "        if (c->policy->has_crls)\n", "        if (0)\n", "chain"),
        (SERVER_CERTIFICATE, " | X509_V_FLAG_CRL_CHECK_ALL", "", "chain"),
        (SERVER_CERTIFICATE, " && depth > 0 && depth == anchor", " && depth == anchor", "chain"),
        (SERVER_CERTIFICATE, " && depth > 0 && depth == anchor", "", "chain"),
        (SERVER_CERTIFICATE, "X509_STORE_CTX_get_error(ctx) == X509_V_ERR_UNABLE_TO_GET_CRL && ", "", "chain"),
        (SERVER_CERTIFICATE, "return !key || (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_bits(key) < CURVE_BITS_MIN);", "return !key;", "chain"),
    ],
    "keyd/verifier/chain-cache.c": [
        (SERVER_CERTIFICATE, "hash_span(md, profile) && ", "", "chain-cache"),
        (SERVER_CERTIFICATE, "hash_uint(md, generation) && ", "", "chain-cache"),
        (SERVER_CERTIFICATE, " && hash_span(md, host)", "", "chain-cache"),
        (SERVER_CERTIFICATE, "ok = hash_span(md, certificates[i]);", "ok = i > 0 || hash_span(md, certificates[i]);", "chain-cache"),
        (SERVER_CERTIFICATE, "ok = hash_span(md, certificates[i]);", "ok = i == 1 || hash_span(md, certificates[i]);", "chain-cache"),
        (SERVER_CERTIFICATE, "return hash_uint(md, s.size) && EVP_DigestUpdate", "return EVP_DigestUpdate", "chain-cache"),
        (SERVER_CERTIFICATE, "now < e->added || ", "", "chain-cache"),
        (SERVER_CERTIFICATE, "now >= e->expires || ", "", "chain-cache"),
        (SERVER_CERTIFICATE, "MIN_OF(not_after, now + CHAIN_CACHE_SEC)", "now + CHAIN_CACHE_SEC", "chain-cache"),
        (SERVER_CERTIFICATE, "MIN_OF(not_after, now + CHAIN_CACHE_SEC)", "not_after", "chain-cache"),
    ],
    SIGNATURE: [
        (SERVER_SIGNATURE, "if (!u16_list_has(check_client_hello(c)->signature_algorithms, s->code))", "if (0)", "signature"),
        (SERVER_SIGNATURE, "if (!scheme_fits_key(s, c->server.key, c->version))", "if (0)", "signature"),
        (SERVER_SIGNATURE, "        if (r > 0)\n                return refuse(c, REFUSAL_SERVER_SIGNATURE, \"the server's signature", "        if (0)\n"
         "                return refuse(c, REFUSAL_SERVER_SIGNATURE, \"the server's signature", "signature"),
        (SERVER_SIGNATURE, "k->curve_type != CURVE_TYPE_NAMED_CURVE || ", "", "refusal-1-2"),
        (SERVER_SIGNATURE, " || !u16_list_has(c->client_hellos[0].supported_groups, k->named_curve)", "", "refusal-1-2"),
        (SERVER_SIGNATURE, "if (c->suite->rsa != (EVP_PKEY_get_base_id", "if (0 && c->suite->rsa != (EVP_PKEY_get_base_id", "refusal-1-2"),
    ],
    SCHEMES: [
        (SERVER_SIGNATURE, LAST_SCHEME, '        {0x0201, "rsa_pkcs1_sha1", EVP_PKEY_RSA, .only_1_2 = true, .digest = EVP_sha1},\n' + LAST_SCHEME, "signature"),
        (SERVER_SIGNATURE, LAST_SCHEME, '        {0x0203, "ecdsa_sha1", EVP_PKEY_EC, .digest = EVP_sha1},\n' + LAST_SCHEME, "signature"),
        (SERVER_SIGNATURE, LAST_SCHEME, '        {0x0301, "rsa_pkcs1_sha224", EVP_PKEY_RSA, .only_1_2 = true, .digest = EVP_sha224},\n' + LAST_SCHEME, "signature"),
        (SERVER_SIGNATURE, "version == TLS_VERSION_1_3 && schemes[i].only_1_2 ? NULL : &schemes[i]", "&schemes[i]", "signature"),
        (SERVER_SIGNATURE, "        if (EVP_PKEY_get_base_id(key) != s->key)\n                return false;\n", "", "signature"),
        (SERVER_SIGNATURE, "version != TLS_VERSION_1_3 || s->bits_1_3 == 0 || EVP_PKEY_get_bits(key) == s->bits_1_3", "true", "signature"),
        (SERVER_SIGNATURE, "(!s->pss || set_pss(pctx, digest)) &&", "", "signature"),
    ],
    "keyd/verifier/check-client.c": [
        (CLIENT_CERTIFICATE, "if (l->context.size > 0)", "if (0)", "refusal-1-3"),
        (CLIENT_CERTIFICATE, "if (l->n_certificates == 0)", "if (0)", BOTH),
        (CLIENT_CERTIFICATE, "if (l->n_certificates > CERTIFICATES_MAX)", "if (0)", "refusal-1-3"),
        (CLIENT_CERTIFICATE, "        if (!r)\n", "        if (0)\n", BOTH),
        (SCHEME, "if (!scheme_fits_key(s, key, c->version))", "if (0)", "signature"),
        (SCHEME, "if (!u16_list_has(c->certificate_request.signature_algorithms, s->code))", "if (0)", "signature"),
        # With the row of the table that would be missing: without it there is no name to be told.
        (SCHEME, "        if (!s)\n", "        if (!s && (c->scheme == 0x0201 || c->scheme == TLS_SCHEME_RSA_PKCS1_SHA256))\n                return 0;\n        if (!s)\n",
         "signature"),
    ],
}
