/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/secrets/host-key.h"

#include "keyd/loader/file.h"
#include "keyd/loader/fit.h"
#include "keyd/loader/keystore/keystore.h"

#define HINT_MAKE "as root: systemctl start midtls-host-key.service; then encrypt the password anew with midtls encrypt"
#define HINT_CERTIFICATE \
        "put back the " HOST_CERTIFICATE_FILE " of this key; where it is lost, keyd --make-host-key makes one for the key that is there"
#define HINT_REMAKE "remove both files, start midtls-host-key.service, and encrypt the passwords anew with midtls encrypt"

void host_key_done(HostKey *k) {
        EVP_PKEY_free(k->key);
        X509_free(k->certificate);
        *k = (HostKey) {};
}

static int open_pem(const char *path, FilePolicy policy, const char *hint_absent, Keystore *ret, LoadFailure *f) {
        _cleanup_(secret_freep) Secret *file = NULL;
        int r;

        r = file_read(path, policy, &file, NULL, f);
        if (r > 0 && f->verdict == VERDICT_IO && access(path, F_OK) < 0 && errno == ENOENT)
                snprintf(f->hint, sizeof(f->hint), "%s", hint_absent);

        return r == 0 ? pem_open(path, file, NULL, ret, f) : r;
}

static int check_type(const char *path, const EVP_PKEY *key, LoadFailure *f) {
        char name[32];
        int r;

        r = fit_check_key(key, name, sizeof(name), f);
        if (r == 0 && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
                r = load_failure(f, VERDICT_UNSUPPORTED, HINT_REMAKE, "this host's key is %s: only RSA is taken", name);

        return r > 0 ? keystore_failure_at(path, f) : r;
}

int host_key_read_private(const char *path, EVP_PKEY **ret, LoadFailure *ret_failure) {
        _cleanup_(keystore_done) Keystore store = {};
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        int r;

        r = open_pem(path, FILE_POLICY_SECRET, HINT_MAKE, &store, ret_failure);
        if (r != 0)
                return r;
        if (store.n_entries != 1)
                return load_failure(ret_failure, VERDICT_FORMAT, HINT_REMAKE, "%s holds %zu private keys instead of one", path, store.n_entries);

        r = store.entries[0].recover(&store.entries[0], NULL, &key, ret_failure);
        if (r > 0)
                return keystore_failure_at(path, ret_failure);
        if (r == 0)
                r = check_type(path, key, ret_failure);
        if (r != 0)
                return r;

        *ret = TAKE_PTR(key);
        return 0;
}

static int read_certificate(const char *path, X509 **ret, LoadFailure *f) {
        _cleanup_(keystore_done) Keystore store = {};
        int r;

        r = open_pem(path, FILE_POLICY_CONFIG, HINT_CERTIFICATE, &store, f);
        if (r != 0)
                return r;
        if (!store.certificates || sk_X509_num(store.certificates) != 1)
                return load_failure(f, VERDICT_FORMAT, HINT_CERTIFICATE, "%s does not hold one certificate", path);

        *ret = sk_X509_pop(store.certificates);
        return 0;
}

/* systemd.exec(5): the folder is there when the service was given credentials. */
static int find_private(const char *folder, char **ret) {
        const char *credentials = secure_getenv("CREDENTIALS_DIRECTORY");
        _cleanup_free_ char *path = NULL;
        int r;

        if (credentials && credentials[0] == '/') {
                r = path_join(credentials, HOST_KEY_CREDENTIAL, &path);
                if (r < 0)
                        return r;
                if (access(path, F_OK) == 0) {
                        *ret = TAKE_PTR(path);
                        return 0;
                }
        }

        return path_join(folder, HOST_KEY_FILE, ret);
}

int host_key_read(const char *folder, HostKey *ret, LoadFailure *ret_failure) {
        _cleanup_(host_key_done) HostKey k = {};
        _cleanup_free_ char *private = NULL, *certificate = NULL;
        int r;

        if (!folder)
                folder = HOST_KEY_FOLDER;
        r = find_private(folder, &private);
        if (r == 0)
                r = path_join(folder, HOST_CERTIFICATE_FILE, &certificate);
        if (r == 0)
                r = host_key_read_private(private, &k.key, ret_failure);
        if (r == 0)
                r = read_certificate(certificate, &k.certificate, ret_failure);
        if (r != 0)
                return r;

        r = fit_check_pair(k.key, k.certificate, ret_failure);
        if (r > 0)
                return load_failure(ret_failure, VERDICT_MISMATCH, HINT_CERTIFICATE, "%s is not the certificate of the key in %s", certificate,
                                    private);
        if (r < 0)
                return r;

        *ret = k;
        k = (HostKey) {};
        return 0;
}
