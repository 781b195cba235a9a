/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "keyd/loader/keystore/keystore.h"

typedef struct Case {
        const char *bytes;
        size_t size;
        KeystoreType type; /* AUTO: refused */
        Verdict verdict;
        const char *says;
} Case;

#define KNOWN(bytes, type) \
        { bytes, sizeof(bytes) - 1, type, VERDICT_OK, NULL }
#define REFUSED(bytes, verdict, says) \
        { bytes, sizeof(bytes) - 1, KEYSTORE_TYPE_AUTO, verdict, says }

/* clang-format off */
static const Case cases[] = {
        KNOWN("\xfe\xed\xfe\xed", KEYSTORE_TYPE_JKS),
        KNOWN("\xce\xce\xce\xce\0\0\0\2", KEYSTORE_TYPE_JCEKS),
        KNOWN("\x30\x05\x02\x01\x03\x30\x00", KEYSTORE_TYPE_PKCS12),
        KNOWN("\x30\x80\x02\x01\x03\x30\x80\0\0\0\0", KEYSTORE_TYPE_PKCS12),
        KNOWN("\x30\x0a\x30\x06\x30\x02\x05\x00\x04\x00\x30\x00", KEYSTORE_TYPE_BCFKS),       /* encrypted, with a MAC */
        KNOWN("\x30\x0a\x30\x06\x30\x02\x05\x00\x04\x00\xa0\x00", KEYSTORE_TYPE_BCFKS),       /* encrypted, with a signature */
        KNOWN("\x30\x09\x30\x05\x02\x01\x01\x30\x00\x30\x00", KEYSTORE_TYPE_BCFKS),           /* not encrypted */
        KNOWN("-----BEGIN CERTIFICATE-----\n", KEYSTORE_TYPE_PEM),
        KNOWN("\xef\xbb\xbf-----BEGIN X-----", KEYSTORE_TYPE_PEM),
        KNOWN("Bag Attributes\r\n\tname: gr\xc3\xb6\xc3\x9f""e\r\n-----BEGIN X-----", KEYSTORE_TYPE_PEM),
        KNOWN("0 s:CN=x\n-----BEGIN X-----", KEYSTORE_TYPE_PEM),
        REFUSED("", VERDICT_FORMAT, "empty"),
        REFUSED("-----BEGIN", VERDICT_FORMAT, "known format"),
        REFUSED(" -----BEGIN X-----", VERDICT_FORMAT, "known format"),
        REFUSED("\x01\n-----BEGIN X-----", VERDICT_FORMAT, "known format"),
        REFUSED("\x30", VERDICT_FORMAT, "known format"),
        REFUSED("\x30\x00", VERDICT_FORMAT, "known format"),
        REFUSED("\x30\x03\x31\x01\x00", VERDICT_FORMAT, "known format"),
        REFUSED("\0\0\0\1\0\0\0\x14", VERDICT_UNSUPPORTED, "BKS"),
        REFUSED("\0\0\0\2\0\0\0\x14", VERDICT_UNSUPPORTED, "UBER"),
        REFUSED("openssh-key-v1\0", VERDICT_UNSUPPORTED, "OpenSSH"),
        REFUSED("PuTTY-User-Key-File-3: ssh-rsa", VERDICT_UNSUPPORTED, "PuTTY"),
        REFUSED("\xff\xfe-\0-\0", VERDICT_UNSUPPORTED, "UTF-16"),
        REFUSED("SQLite format 3\0", VERDICT_UNSUPPORTED, "NSS"),
        REFUSED("\x30\x05\x02\x01\x00\x30\x00", VERDICT_UNSUPPORTED, "private key in DER"),
        REFUSED("\x30\x07\x30\x03\x06\x01\x2a\x04\x00", VERDICT_UNSUPPORTED, "encrypted private key"),
        REFUSED("\x30\x0a\x30\x03\x02\x01\x01\x30\x00\x03\x01\x00", VERDICT_UNSUPPORTED, "certificate"),
        REFUSED("\x30\x05\x06\x01\x2a\xa0\x00", VERDICT_UNSUPPORTED, "PKCS#7"),
};
/* clang-format on */

static void test_recognise(void **state _unused_) {
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(secret_freep) Secret *s = NULL;
                LoadFailure f = {};
                KeystoreType type;

                assert_int_equal(secret_new_from(cases[i].bytes, cases[i].size, &s), 0);
                type = keystore_recognise("STORE", s, &f);
                if (type != cases[i].type)
                        fail_msg("case %zu: type %d: %s", i, (int) type, f.detail);
                if (cases[i].says && (f.verdict != cases[i].verdict || !strstr(f.detail, cases[i].says) || !f.hint[0]))
                        fail_msg("case %zu: %s: %s; %s", i, verdict_to_string(f.verdict), f.detail, f.hint);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_recognise),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
