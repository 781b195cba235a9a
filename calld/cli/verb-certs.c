/* SPDX-License-Identifier: Apache-2.0 */

/* midtls certs: which certificate ends when */

#include <string.h>
#include <time.h>

#include "calld/cli/client.h"
#include "calld/cli/verbs.h"

static const char *const titles[] = {"PROFILE", "SUBJECT", "ISSUER", "KEY", "EXPIRES", "STATE"};

typedef struct Certs {
        Table *table;
        time_t now;
        uint64_t expiring_usec; /* 0: only what has expired */
        size_t n_expiring;
} Certs;

/* How the end of a certificate is to be seen. */
static const char *judge(Certs *c, const char *not_after, Tint *ret_tint) {
        time_t end;

        *ret_tint = TINT_NONE;
        if (text_parse_time(not_after, &end) < 0)
                return "unknown";

        *ret_tint = TINT_BAD;
        if (end <= c->now)
                return "expired";
        *ret_tint = TINT_WARNING;
        if ((uint64_t) (end - c->now) <= c->expiring_usec / USEC_PER_SEC)
                return "expiring";
        *ret_tint = TINT_GOOD;
        return "ok";
}

static int add_certificate(Certs *c, const char *profile, const json_t *certificate) {
        const char *not_after = json_text(certificate, "not_after"), *state;
        char expiry[64];
        Tint tint;
        int r;

        state = judge(c, not_after, &tint);
        c->n_expiring += tint == TINT_BAD || tint == TINT_WARNING;
        text_format_expiry(not_after, c->now, expiry);

        r = table_add(c->table, profile, TINT_NONE);
        if (r == 0)
                r = table_add(c->table, json_text(certificate, "subject"), TINT_NONE);
        if (r == 0)
                r = table_add(c->table, json_text(certificate, "issuer"), TINT_NONE);
        if (r == 0)
                r = table_add(c->table, json_text(certificate, "key_type"), TINT_NONE);
        if (r == 0)
                r = table_add(c->table, expiry, tint);

        return r == 0 ? table_add(c->table, state, tint) : r;
}

/* A profile without a certificate has a row too: what is missing must not look as if all were well. */
static int add_missing(Certs *c, const json_t *profile) {
        const char *cells[] = {json_text(profile, "name"), NULL, NULL, NULL, NULL, json_text(profile, "state")};
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(cells); i++)
                r = table_add(c->table, cells[i], i + 1 == ARRAY_SIZE(cells) ? TINT_BAD : TINT_NONE);
        return r;
}

static int add_profile(Certs *c, const json_t *profile) {
        const json_t *certificate = json_object_get(profile, "certificate"), *chain = json_object_get(profile, "chain");
        const char *name = json_text(profile, "name"), *leaf = json_text(certificate, "sha256");
        int r;

        if (!json_is_object(certificate))
                return add_missing(c, profile);

        r = add_certificate(c, name, certificate);
        /* The far server needs the whole chain: one of its certificates that ends first counts as much. */
        for (size_t i = 0; r == 0 && i < json_array_size(chain); i++) {
                const json_t *link = json_array_get(chain, i);
                const char *sha256 = json_text(link, "sha256");

                if (json_is_object(link) && !(leaf && sha256 && strcmp(leaf, sha256) == 0))
                        r = add_certificate(c, name, link);
        }
        return r;
}

int verb_certs(const Options *o) {
        _cleanup_(table_freep) Table *table = table_new(titles, ARRAY_SIZE(titles));
        _cleanup_(json_decrefp) json_t *document = NULL;
        Certs c = {.table = table, .now = time(NULL), .expiring_usec = o->expiring_usec};
        TableStyle style = output_style(o);
        const json_t *array;
        int r;

        r = client_get_json(o, "GET", "/profiles", &document);
        if (r != 0)
                return r;

        array = json_object_get(document, "profiles");
        for (size_t i = 0; table && r == 0 && i < json_array_size(array); i++)
                r = add_profile(&c, json_array_get(array, i));
        if (!table || r < 0)
                return output_error(NULL, "%s", strerror(ENOMEM));

        if (o->json != JSON_MODE_OFF)
                output_json(o, document);
        else
                table_print(table, stdout, &style);
        return c.n_expiring > 0 ? EXIT_FAILED : EXIT_GOOD;
}
