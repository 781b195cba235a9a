/* SPDX-License-Identifier: Apache-2.0 */

/*
 * RSA of 3072 bits, because key transport by RSA (RFC 8017, RFC 3560) is what every CMS implementation has, `openssl cms` with its
 * defaults included. On a curve the recipient's information depends on a key derivation that OpenSSL 3.0 takes SHA-1 for unless told.
 */

#include "keyd/loader/secrets/host-key-make.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "keyd/loader/file.h"
#include "keyd/loader/secrets/host-key.h"

#define KEY_BITS 3072U
#define SERIAL_SIZE 16U
#define SERVICE_USER "midtls-keyd"

static void free_numberp(BIGNUM **n) {
        BN_free(*n);
}

static int failed(const LoadFailure *f) {
        log_message(PRIORITY_ERROR, "%s; %s", f->detail, f->hint);
        return 1;
}

/* the certificate */

static bool set_serial(X509 *x) {
        _cleanup_(free_numberp) BIGNUM *number = NULL;
        uint8_t bytes[SERIAL_SIZE];

        /* RFC 5280, 4.1.2.2: positive. Random, so that two keys of one host are told apart by issuer and serial number. */
        if (RAND_bytes(bytes, sizeof(bytes)) != 1)
                return false;
        bytes[0] = (bytes[0] & 0x7f) | 0x40;
        number = BN_bin2bn(bytes, sizeof(bytes), NULL);

        return number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
}

static bool set_names(X509 *x) {
        char host[256] = "", name[65]; /* RFC 5280, A.1: ub-common-name is 64 */
        X509_NAME *subject = X509_get_subject_name(x);

        if (gethostname(host, sizeof(host) - 1) < 0 || !*host)
                snprintf(host, sizeof(host), "localhost");
        snprintf(name, sizeof(name), "%.64s", host);

        return X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const uint8_t *) "midtls host key", -1, -1, 0) == 1 &&
               X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *) name, -1, -1, 0) == 1 &&
               X509_set_issuer_name(x, subject) == 1;
}

static bool add_extension(X509 *x, int nid, const char *value) {
        X509_EXTENSION *e;
        X509V3_CTX context;
        bool ok;

        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
        e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        ok = e && X509_add_ext(x, e, -1) == 1;
        X509_EXTENSION_free(e);
        return ok;
}

static int make_certificate(EVP_PKEY *key, X509 **ret) {
        _cleanup_(X509_freep) X509 *x = X509_new();

        if (!x)
                return -ENOMEM;

        /* RFC 5280, 4.1.2.5: what has no well-defined end ends then. */
        if (X509_set_version(x, X509_VERSION_3) != 1 || !set_serial(x) || !set_names(x) || !X509_gmtime_adj(X509_getm_notBefore(x), 0) ||
            ASN1_TIME_set_string(X509_getm_notAfter(x), "99991231235959Z") != 1 || X509_set_pubkey(x, key) != 1 ||
            !add_extension(x, NID_basic_constraints, "critical,CA:FALSE") || !add_extension(x, NID_key_usage, "critical,keyEncipherment") ||
            !add_extension(x, NID_subject_key_identifier, "hash") || X509_sign(x, key, EVP_sha256()) == 0) {
                ERR_clear_error();
                return -EIO;
        }

        *ret = TAKE_PTR(x);
        return 0;
}

/* files */

static int write_all(int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data += n;
                size -= (size_t) n;
        }
        return 0;
}

/* The key belongs to who reads it. Elsewhere than on a host where midtls is installed, to who made it. */
static int give_to_service(int fd) {
        const struct passwd *user;

        if (geteuid() != 0)
                return 0;
        errno = 0;
        user = getpwnam(SERVICE_USER);
        if (!user)
                return 0;

        return fchown(fd, user->pw_uid, user->pw_gid) < 0 ? -errno : 0;
}

/* Complete under a name of its own, then under its name unless that exists. */
static int write_file(int folder, const char *name, const char *data, size_t size, mode_t mode) {
        _cleanup_fd_ int fd = -1;
        char temporary[64];
        uint32_t random;
        int r;

        if (RAND_bytes((uint8_t *) &random, sizeof(random)) != 1)
                return -EIO;
        snprintf(temporary, sizeof(temporary), ".%s.%08x", name, random);
        fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;

        r = write_all(fd, data, size);
        if (r == 0 && fchmod(fd, mode) < 0)
                r = -errno;
        if (r == 0 && mode == 0600)
                r = give_to_service(fd);
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        if (r == 0 && renameat2(folder, temporary, folder, name, RENAME_NOREPLACE) < 0)
                r = -errno;
        if (r < 0) {
                ignore_result(unlinkat(folder, temporary, 0), "the failure is told");
                return r;
        }

        return fsync(folder) < 0 ? -errno : 0;
}

static int write_pem(int folder, const char *name, EVP_PKEY *key, X509 *certificate, mode_t mode) {
        _cleanup_(BIO_freep) BIO *text = BIO_new(BIO_s_mem()); /* wiped when freed */
        char *data;
        long size;

        if (!text)
                return -ENOMEM;
        if (key ? PEM_write_bio_PKCS8PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) != 1 : PEM_write_bio_X509(text, certificate) != 1) {
                ERR_clear_error();
                return -EIO;
        }

        size = BIO_get_mem_data(text, &data);
        return write_file(folder, name, data, (size_t) size, mode);
}

/* stages */

/* The key that is there, or a new one that has been written. */
static int get_key(int folder, const char *path, EVP_PKEY **ret, bool *ret_made) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        LoadFailure failure;
        int r;

        if (faccessat(folder, HOST_KEY_FILE, F_OK, 0) == 0) {
                r = host_key_read_private(path, &key, &failure);
                if (r > 0)
                        return failed(&failure);
        } else {
                key = EVP_RSA_gen(KEY_BITS);
                r = key ? write_pem(folder, HOST_KEY_FILE, key, NULL, 0600) : -EIO;
                *ret_made = true;
        }
        ERR_clear_error();
        if (r < 0)
                return r;

        *ret = TAKE_PTR(key);
        return 0;
}

int host_key_make(const char *folder) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        _cleanup_(X509_freep) X509 *certificate = NULL;
        _cleanup_free_ char *key_path = NULL, *certificate_path = NULL;
        _cleanup_fd_ int fd = -1;
        bool made = false;
        int r;

        if (!folder)
                folder = HOST_KEY_FOLDER;
        if (path_join(folder, HOST_KEY_FILE, &key_path) < 0 || path_join(folder, HOST_CERTIFICATE_FILE, &certificate_path) < 0)
                return -ENOMEM;
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
                log_errno(-errno, "Cannot open the folder %s", folder);
                return 1;
        }
        if (faccessat(fd, HOST_CERTIFICATE_FILE, F_OK, 0) == 0) {
                log_message(PRIORITY_ERROR, "%s is there already: nothing was made; passwords are encrypted to it", certificate_path);
                return 1;
        }

        r = get_key(fd, key_path, &key, &made);
        if (r == 0)
                r = make_certificate(key, &certificate);
        if (r == 0)
                r = write_pem(fd, HOST_CERTIFICATE_FILE, NULL, certificate, 0644);
        if (r != 0)
                return r;

        printf("%s: %s\n%s: made, public; midtls encrypt encrypts passwords to it\n", key_path,
               made ? "made, RSA of 3072 bits, private" : "was there, kept as it is", certificate_path);
        return 0;
}
