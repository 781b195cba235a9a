/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "keyd/loader/encode.h"
#include "keyd/loader/file.h"
#include "keyd/loader/secrets/password-source.h"
#include "keyd/loader/secrets/vault.h"

static int send_ca(const Vault *v, RoleStore store, uint64_t timeout_usec, LoadFailure *f) {
        const ProfileConfig p = {.name = (char *) account_store_name(store), .ca_file = v->configs[store].ca_file};
        _cleanup_(ca_set_freep) CaSet *set = NULL;
        _cleanup_(buf_done) Buf pem = BUF_INIT(FETCH_CA_BYTES_MAX);
        int r;

        r = load_ca_set(&p, &set, f);
        if (r != 0)
                return r;
        for (size_t i = 0; r >= 0 && i < set->n_certificates; i++)
                r = encode_certificate_pem(&set->certificates[i], &pem);
        for (size_t done = 0; r >= 0 && done < pem.size;) {
                size_t n = MIN_OF(pem.size - done, (size_t) FETCH_CA_PART_MAX);

                r = fetch_send_ca(v->channels[store].fd, span_make(pem.data + done, n), deadline_after(timeout_usec));
                done += n;
        }

        return r;
}

/* What is said of a secret of midtls.conf begins with what it is. */
static int explain(LoadFailure *f, RoleStore store, const char *what) {
        char detail[sizeof(f->detail)];

        memcpy(detail, f->detail, sizeof(detail));
        snprintf(f->detail, sizeof(f->detail), "the %s for %s: %.400s [configuration]", what, account_store_name(store), detail);
        return 1;
}

/* The certificate is opened as a profile's keystore is, with the same rules and the same words for what is wrong. */
static int load_certificate(const Vault *v, RoleStore store, FetchOpen *o, Buf *chain, LoadFailure *f) {
        const StoreConfig *c = &v->configs[store];
        const ProfileConfig p = {
                .name = (char *) account_store_name(store),
                .file = c->file,
                .keystore_path = c->cert_file,
                .key_file = c->key_file,
                .password = account_find(c->cert_password, NULL, NULL) ? NULL : c->cert_password,
                .host_key_folder = (char *) v->host_key_folder,
        };
        _cleanup_(loaded_key_freep) LoadedKey *key = NULL;
        int r;

        if (!c->cert_file)
                return 0;
        r = load_key(&p, NULL, &key, f);
        if (r > 0)
                return explain(f, store, "client certificate");
        if (r == 0)
                r = encode_private_key(key->key, &o->key);
        for (size_t i = 0; r >= 0 && i < key->n_chain; i++)
                r = encode_certificate_pem(&key->chain[i], chain);
        if (r >= 0)
                r = buf_append(chain, "", 1);

        o->chain = r >= 0 ? (char *) chain->data : o->chain;
        return r;
}

static int read_credential(const Vault *v, RoleStore store, Secret **ret, LoadFailure *f) {
        const StoreConfig *c = &v->configs[store];
        bool is_token = store == ROLE_STORE_VAULT && c->login == FETCH_LOGIN_TOKEN;
        const char *value = is_token ? c->token : c->credential;
        const PasswordPlace place = {.whose = account_store_name(store), .file = c->file, .host_key_folder = v->host_key_folder};
        bool is_plain;
        int r;

        if (!value || account_find(value, NULL, NULL))
                return 0;
        r = password_read(&place, value, ret, &is_plain, f);
        if (r == 0 && secret_size(*ret) > FETCH_CREDENTIAL_MAX)
                r = load_failure(f, VERDICT_LIMIT, "4 KiB at most: is it the right file?", "it has %zu bytes", secret_size(*ret));

        return r > 0 ? explain(f, store,
                               is_token                     ? "token"
                               : store == ROLE_STORE_VAULT  ? "secret ID"
                               : store == ROLE_STORE_CONJUR ? "API key"
                                                            : "password")
                     : r;
}

static char *text_or_empty(char *s) {
        return s ? s : (char *) "";
}

int vault_send_open(const Vault *v, RoleStore store, uint64_t timeout_usec, LoadFailure *f) {
        const StoreConfig *c = &v->configs[store];
        _cleanup_(secret_freep) Secret *credential = NULL, *key = NULL;
        _cleanup_(buf_done) Buf chain = BUF_INIT(FETCH_CHAIN_MAX);
        FetchOpen o = {
                .store = store,
                .login = c->login,
                .endpoint = c->program ? c->program : c->endpoint,
                .identity = text_or_empty(c->identity),
                .scope = text_or_empty(c->scope),
                .login_path = text_or_empty(c->login_path),
                .is_versioned = !c->is_version1,
                .chain = (char *) "",
        };
        int r;

        r = c->program ? 0 : send_ca(v, store, timeout_usec, f);
        if (r == 0 && !c->program)
                r = load_certificate(v, store, &o, &chain, f);
        key = o.key;
        if (r == 0)
                r = read_credential(v, store, &credential, f);
        if (r != 0)
                return r;

        o.credential = credential;
        return fetch_send_open(v->channels[store].fd, &o, deadline_after(timeout_usec));
}
