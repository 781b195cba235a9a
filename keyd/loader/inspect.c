/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/inspect.h"

#include <string.h>

#include "common/buf.h"
#include "common/ini.h"
#include "common/parse.h"
#include "keyd/loader/entry.h"
#include "keyd/loader/file.h"
#include "keyd/loader/keystore/ossl-private.h"
#include "keyd/loader/keystore/password-forms.h"
#include "keyd/loader/warnings.h"

#define OUTPUT_MAX (1024U * 1024)

/* RFC 8259, section 7. Text from a file may hold anything: what is not UTF-8 becomes U+FFFD. */
static int put_string(Buf *b, const char *s) {
        size_t size = strlen(s), n;
        uint32_t c;
        int r;

        r = buf_append(b, "\"", 1);
        for (size_t i = 0; r >= 0 && i < size; i += n) {
                if (!utf8_next((const uint8_t *) s + i, size - i, &c, &n)) {
                        n = 1;
                        r = buf_append(b, "\xef\xbf\xbd", 3);
                } else if (c == '"' || c == '\\')
                        r = buf_printf(b, "\\%c", (int) c);
                else if (c < 0x20 || c == 0x7f)
                        r = buf_printf(b, "\\u%04x", c);
                else
                        r = buf_append(b, s + i, n);
        }
        return r < 0 ? r : buf_append(b, "\"", 1);
}

static int put_member(Buf *b, const char *name, const char *value) {
        int r;

        r = buf_printf(b, "%s\"%s\": ", b->size > 1 ? ", " : "", name);
        if (r < 0)
                return r;

        return value ? put_string(b, value) : buf_append(b, "null", 4);
}

static int put_list(Buf *b, const char *name, char *const *items) {
        int r;

        r = buf_printf(b, ", \"%s\": [", name);
        for (size_t i = 0; r >= 0 && items && items[i]; i++) {
                if (i > 0)
                        r = buf_append(b, ", ", 2);
                if (r >= 0)
                        r = put_string(b, items[i]);
        }
        return r < 0 ? r : buf_append(b, "]", 1);
}

static int put_chain(Buf *b, const LoadedKey *k) {
        char *subjects[PROTO_CHAIN_MAX + 1] = {}, names[PROTO_CHAIN_MAX][512];

        for (size_t i = 0; i < k->n_chain; i++) {
                _cleanup_(X509_freep) X509 *x = ossl_parse_certificate(k->chain[i].der, k->chain[i].size);

                if (!x)
                        return -EIO;
                name_to_string(X509_get_subject_name(x), names[i], sizeof(names[i]));
                subjects[i] = names[i];
        }

        return put_list(b, "chain", subjects);
}

static int put_key(Buf *b, const LoadedKey *k) {
        char hex[2 * sizeof(k->leaf_sha256) + 1], not_after[64] = "";
        time_t t = (time_t) k->not_after;
        struct tm tm;
        int r;

        hex_encode(k->leaf_sha256, sizeof(k->leaf_sha256), hex);
        /* RFC 3339 */
        if (!gmtime_r(&t, &tm) || strftime(not_after, sizeof(not_after), "%FT%TZ", &tm) == 0)
                return -EOVERFLOW;

        r = put_member(b, "format", k->format);
        if (r >= 0)
                r = put_member(b, "alias", k->alias);
        if (r >= 0)
                r = put_member(b, "key_type", k->key_type);
        if (r >= 0)
                r = put_member(b, "leaf_sha256", hex);
        if (r >= 0)
                r = put_chain(b, k);
        if (r >= 0)
                r = put_member(b, "not_after", not_after);
        if (r >= 0)
                r = put_list(b, "warnings", k->warnings);

        return r;
}

static int put_failure(Buf *b, const LoadFailure *f, char *const *aliases) {
        int r;

        r = put_member(b, "detail", f->detail);
        if (r >= 0)
                r = put_member(b, "hint", f->hint);
        if (r >= 0 && f->verdict == VERDICT_ALIAS)
                r = put_list(b, "aliases", aliases);

        return r;
}

static void strv_freep(char ***v) {
        strv_free(*v);
}

static int load(const char *path, const char *key_alias, const Secret *store_password, const Secret *key_password, LoadedKey **ret,
                char ***ret_aliases, LoadFailure *f) {
        KeyRequest q = {.path = path, .alias = key_alias, .store_password = store_password, .key_password = key_password};
        _cleanup_(secret_freep) Secret *file = NULL;
        int r;

        r = file_read(path, FILE_POLICY_ANY, &file, NULL, f);
        if (r != 0)
                return r;

        q.file = file;
        return entry_load(&q, ret, ret_aliases, f);
}

int inspect_file(const char *path, const char *key_alias, const Secret *store_password, const Secret *key_password, FILE *out) {
        _cleanup_(strv_freep) char **aliases = NULL;
        _cleanup_(loaded_key_freep) LoadedKey *k = NULL;
        _cleanup_(buf_done) Buf b = BUF_INIT(OUTPUT_MAX);
        LoadFailure f = {};
        int r, status;

        status = load(path, key_alias, store_password, key_password, &k, &aliases, &f);
        if (status < 0)
                return status;

        r = buf_append(&b, "{", 1);
        if (r >= 0)
                r = put_member(&b, "verdict", verdict_to_string(status == 0 ? VERDICT_OK : f.verdict));
        if (r >= 0)
                r = status == 0 ? put_key(&b, k) : put_failure(&b, &f, aliases);
        if (r >= 0)
                r = buf_append(&b, "}\n", 2);
        if (r < 0)
                return r;

        if (fwrite(b.data, 1, b.size, out) != b.size || fflush(out) != 0)
                return -EIO;
        return status;
}
