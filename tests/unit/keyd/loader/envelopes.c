/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/loader/envelopes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/rsa.h>

#include "keyd/loader/secrets/host-key-make.h"
#include "keyd/loader/secrets/password-source.h"

char envelope_folders[ENVELOPE_HOSTS][32];
HostKey envelope_hosts[ENVELOPE_HOSTS];

const char *envelope_path(size_t i, const char *name) {
        static char path[96];

        snprintf(path, sizeof(path), "%s/%s", envelope_folders[i], name);
        return path;
}

int envelope_setup(void **state _unused_) {
        LoadFailure f;

        for (size_t i = 0; i < ENVELOPE_HOSTS; i++) {
                snprintf(envelope_folders[i], sizeof(envelope_folders[i]), "/tmp/test-midtls-XXXXXX");
                if (!mkdtemp(envelope_folders[i]) || host_key_make(envelope_folders[i]) != 0 ||
                    host_key_read(envelope_folders[i], &envelope_hosts[i], &f) != 0)
                        return -1;
        }
        return 0;
}

int envelope_teardown(void **state _unused_) {
        static const char *const names[] = {HOST_KEY_FILE, HOST_CERTIFICATE_FILE, HOST_KEY_CREDENTIAL};

        for (size_t i = 0; i < ENVELOPE_HOSTS; i++) {
                host_key_done(&envelope_hosts[i]);
                for (size_t n = 0; n < ARRAY_SIZE(names); n++)
                        unlink(envelope_path(i, names[n]));
                if (rmdir(envelope_folders[i]) < 0)
                        return -1;
        }
        return 0;
}

/* values */

void envelope_done(Envelope *d) {
        OPENSSL_free(d->data);
}

Envelope envelope_make(size_t host, const EVP_CIPHER *cipher, bool oaep, const void *content, size_t size) {
        CMS_ContentInfo *c = CMS_encrypt(NULL, NULL, cipher, CMS_BINARY | CMS_PARTIAL);
        CMS_RecipientInfo *r = CMS_add1_recipient_cert(c, envelope_hosts[host].certificate, oaep ? CMS_KEY_PARAM | CMS_USE_KEYID : 0);
        BIO *in = BIO_new_mem_buf(content, (int) size);
        Envelope d = {};
        int n;

        assert_non_null(r);
        if (oaep)
                assert_true(EVP_PKEY_CTX_set_rsa_padding(CMS_RecipientInfo_get0_pkey_ctx(r), RSA_PKCS1_OAEP_PADDING) > 0);
        assert_int_equal(CMS_final(c, in, NULL, CMS_BINARY), 1);
        n = i2d_CMS_ContentInfo(c, &d.data);
        assert_true(n > 0);
        d.size = (size_t) n;
        BIO_free(in);
        CMS_ContentInfo_free(c);
        return d;
}

char *envelope_base64(const uint8_t *data, size_t size) {
        char *text = malloc(size / 3 * 4 + 5);

        assert_non_null(text);
        EVP_EncodeBlock((unsigned char *) text, data, (int) size);
        return text;
}

/* Return: what it says; VERDICT_OK with *ret set */
Verdict envelope_decrypt(size_t host, const char *text, Secret **ret, LoadFailure *f) {
        _cleanup_free_ char *exact = strdup(text);
        int r;

        *f = (LoadFailure) {};
        r = password_decrypt(exact, envelope_folders[host], ret, f);
        assert_true(r == 0 || r == 1);
        assert_int_equal(ERR_peek_error(), 0);
        if (r == 1)
                assert_true(f->detail[0] && f->hint[0]);
        return r == 0 ? VERDICT_OK : f->verdict;
}

void expect_text(const char *text, Verdict verdict, const char *says) {
        _cleanup_(secret_freep) Secret *s = NULL;
        LoadFailure f;
        Verdict v = envelope_decrypt(0, text, &s, &f);

        if (v != verdict || (says && !strstr(f.detail, says) && !strstr(f.hint, says)))
                fail_msg("%s: %s; %s", verdict_to_string(v), f.detail, f.hint);
}

void expect_der(const uint8_t *der, size_t size, Verdict verdict, const char *says) {
        _cleanup_free_ char *text = envelope_base64(der, size);

        expect_text(text, verdict, says);
}

void expect_envelope(Envelope d, Verdict verdict, const char *says) {
        expect_der(d.data, d.size, verdict, says);
        envelope_done(&d);
}
