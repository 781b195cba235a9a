/* SPDX-License-Identifier: Apache-2.0 */

/* server-certificate, first part: the path from the server's certificate to one of the profile's CA certificates (RFC 5280, 6) */

#include <time.h>

#include <openssl/x509v3.h>

#include "keyd/crypto/ossl.h"
#include "keyd/verifier/check-internal.h"

/* CA certificates between the server's and the trusted one */
#define CHAIN_DEPTH_MAX 10

/* SP 800-57 part 1, 5.6.1.1: 112 bits: RSA of 2048 bits, SHA-224 */
#define AUTH_LEVEL 2

#define CURVE_BITS_MIN 256

typedef struct VerifyHint {
        int error; /* X509_V_ERR_* */
        const char *hint;
} VerifyHint;

static const VerifyHint hints[] = {
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "put its CA certificate into CAFile, or make the server send its intermediate certificates"},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "put its CA certificate into CAFile"},
        {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "put its CA certificate into CAFile, or make the server send its intermediate certificates"},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "put this certificate or its CA's into CAFile"},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "put its CA certificate into CAFile if it is to be trusted"},
        {X509_V_ERR_CERT_HAS_EXPIRED, "the server's owner has to renew it"},
        {X509_V_ERR_CERT_NOT_YET_VALID, "check this host's clock"},
        {X509_V_ERR_CERT_REVOKED, "the server's owner has to replace it"},
        {X509_V_ERR_UNABLE_TO_GET_CRL, "CRLFile needs a list of each CA in the chain"},
        {X509_V_ERR_CRL_HAS_EXPIRED, "fetch a new list for CRLFile"},
        {X509_V_ERR_CRL_NOT_YET_VALID, "check this host's clock"},
        {X509_V_ERR_INVALID_PURPOSE, "its extended key usage must allow serverAuth"},
        {X509_V_ERR_EE_KEY_TOO_SMALL, "RSA needs 2048 bits, elliptic curves 256"},
        {X509_V_ERR_CA_KEY_TOO_SMALL, "RSA needs 2048 bits, elliptic curves 256"},
        {X509_V_ERR_CA_MD_TOO_WEAK, "its CA has to sign with SHA-256 or better"},
        {X509_V_ERR_CERT_CHAIN_TOO_LONG, "at most 10 CA certificates may lie between"},
};

static const char *verify_hint(int error) {
        for (size_t i = 0; i < ARRAY_SIZE(hints); i++)
                if (hints[i].error == error)
                        return hints[i].hint;
        return "the server's owner has to replace it";
}

/* RFC 5280, 6.1: the trust anchor itself is not part of the path, so no list need cover it. */
static int on_verify(int ok, X509_STORE_CTX *ctx) {
        int depth = X509_STORE_CTX_get_error_depth(ctx), anchor = sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1;

        if (!ok && X509_STORE_CTX_get_error(ctx) == X509_V_ERR_UNABLE_TO_GET_CRL && depth > 0 && depth == anchor)
                return 1;
        return ok;
}

static bool set_parameters(const Check *c, X509_STORE_CTX *ctx) {
        X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
        unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST;

        if (c->policy->has_crls)
                flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;

        X509_VERIFY_PARAM_set_auth_level(p, AUTH_LEVEL);
        X509_VERIFY_PARAM_set_depth(p, CHAIN_DEPTH_MAX);
        X509_VERIFY_PARAM_set_time(p, (time_t) c->now);
        X509_STORE_CTX_set_verify_cb(ctx, on_verify);
        return X509_VERIFY_PARAM_set_flags(p, flags) == 1 && X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER) == 1;
}

/* Auth level 2 would let curves of 224 bits pass. */
static bool has_small_curve(X509 *certificate) {
        EVP_PKEY *key = X509_get0_pubkey(certificate);

        return !key || (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_bits(key) < CURVE_BITS_MIN);
}

static int check_keys(Check *c, STACK_OF(X509) *chain) {
        for (int i = 0; i < sk_X509_num(chain); i++)
                if (has_small_curve(sk_X509_value(chain, i)))
                        return refuse(c, REFUSAL_SERVER_CERTIFICATE, "certificate %d of the server's chain has a curve below 256 bits", i + 1);
        return 0;
}

static int find_not_after(STACK_OF(X509) *chain, int64_t *ret) {
        int64_t earliest = INT64_MAX;

        for (int i = 0; i < sk_X509_num(chain); i++) {
                struct tm tm = {};
                int64_t t;

                if (ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(chain, i)), &tm) != 1)
                        return -EIO;
                t = timegm(&tm);
                earliest = MIN_OF(earliest, t);
        }

        *ret = earliest;
        return 0;
}

int check_chain(Check *c, STACK_OF(X509) *certificates, int64_t *ret_not_after) {
        _cleanup_(X509_STORE_CTX_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
        int r;

        if (!ctx || X509_STORE_CTX_init(ctx, c->policy->store, sk_X509_value(certificates, 0), certificates) != 1 || !set_parameters(c, ctx))
                return -ENOMEM;

        if (X509_verify_cert(ctx) != 1) {
                int error = X509_STORE_CTX_get_error(ctx);

                if (error == X509_V_ERR_OUT_OF_MEM)
                        return -ENOMEM;
                return refuse(c, REFUSAL_SERVER_CERTIFICATE, "certificate %d of the server's chain: %s; %s", X509_STORE_CTX_get_error_depth(ctx) + 1,
                              X509_verify_cert_error_string(error), verify_hint(error));
        }

        r = check_keys(c, X509_STORE_CTX_get0_chain(ctx));
        if (r != 0)
                return r;

        return find_not_after(X509_STORE_CTX_get0_chain(ctx), ret_not_after);
}
