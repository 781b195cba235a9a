/* SPDX-License-Identifier: Apache-2.0 */

/* Certificate revocation lists: checked for being some, and handed on as DER */

#include <string.h>

#include "common/role.h"
#include "keyd/loader/file.h"
#include "keyd/loader/keystore/keystore.h"
#include "keyd/loader/keystore/ossl-private.h"
#include "keyd/loader/keystore/pem-block.h"

#define BLOCKS_MAX 512U
#define ELEMENTS_MAX 1000000U /* a list of 4 MiB has about 100,000 serial numbers, six elements each */
#define HINT_CRL "name a file of CRLs in PEM or DER; openssl crl -in FILE -noout -text shows what is in it"

/* One list at the start of @in. *ret_size: its bytes. */
static int add(Buf *ders, BerBytes in, const char *path, unsigned line, size_t *ret_size, LoadFailure *f) {
        _cleanup_(X509_CRL_freep) X509_CRL *crl = NULL;
        const uint8_t *p = in.data;
        int r;

        r = ber_measure(in, ELEMENTS_MAX, ret_size);
        if (r == BER_E_LIMIT)
                return load_failure(f, VERDICT_LIMIT, "ask the CA for partitioned CRLs", "%s: a CRL has too many entries", path);
        if (r == 0)
                crl = d2i_X509_CRL(NULL, &p, (long) *ret_size);
        ERR_clear_error();
        if (!crl || p != in.data + *ret_size)
                return load_failure(f, VERDICT_FORMAT, HINT_CRL, "%s:%u: the CRL is malformed", path, line);
        if (*ret_size > ROLE_CRL_BYTES_MAX - MIN_OF(ders->size, (size_t) ROLE_CRL_BYTES_MAX))
                return load_failure(f, VERDICT_LIMIT, "4 MiB of CRLs are taken", "%s: the CRLs are too large", path);

        r = buf_append(ders, in.data, *ret_size);
        return r == -EMSGSIZE ? load_failure(f, VERDICT_LIMIT, "4 MiB of CRLs are taken", "%s: the CRLs are too large", path) : r;
}

static int add_der(Buf *ders, BerBytes in, const char *path, LoadFailure *f) {
        size_t size;
        int r = 0;

        while (r == 0 && in.size > 0) {
                r = add(ders, in, path, 0, &size, f);
                if (r == 0) {
                        in.data += size;
                        in.size -= size;
                }
        }
        return r;
}

static int add_pem(Buf *ders, BerBytes in, const char *path, LoadFailure *f) {
        PemReader reader;
        size_t size;
        int r;

        pem_reader_init(&reader, in, BLOCKS_MAX);
        do {
                _cleanup_(pem_block_done) PemBlock b = {};

                r = pem_reader_next(&reader, &b, f);
                if (r == PEM_E_FAILURE)
                        return keystore_failure_at(path, f);
                if (r == 0 && strcmp(b.label, "X509 CRL") == 0) {
                        r = add(ders, ber_from_secret(b.der), path, b.line, &size, f);
                        if (r == 0 && size != secret_size(b.der))
                                return load_failure(f, VERDICT_FORMAT, HINT_CRL, "%s:%u: bytes follow the CRL", path, b.line);
                }
        } while (r == 0);

        return r == PEM_E_END ? 0 : r;
}

int load_crls(const ProfileConfig *p, Buf *ret_ders, LoadFailure *ret_failure) {
        _cleanup_(secret_freep) Secret *file = NULL;
        int r;

        *ret_failure = (LoadFailure) {};
        if (!p->crl_file)
                return 0;
        r = file_read(p->crl_file, FILE_POLICY_CONFIG, &file, NULL, ret_failure);
        if (r != 0)
                return r;

        r = pem_has_block(ber_from_secret(file)) ? add_pem(ret_ders, ber_from_secret(file), p->crl_file, ret_failure)
                                                 : add_der(ret_ders, ber_from_secret(file), p->crl_file, ret_failure);
        if (r == 0 && ret_ders->size == 0)
                return load_failure(ret_failure, VERDICT_FORMAT, HINT_CRL, "%s holds no CRL", p->crl_file);

        return r;
}
