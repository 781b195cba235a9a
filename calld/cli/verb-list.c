/* SPDX-License-Identifier: Apache-2.0 */

/* midtls list: a line for each connection, or each profile */

#include <string.h>
#include <time.h>

#include "calld/cli/client.h"
#include "calld/cli/verbs.h"

static int add_certificate(Table *t, const json_t *row, time_t now) {
        const json_t *certificate = json_object_get(row, "certificate");
        char expiry[64];
        int r;

        text_format_expiry(json_text(certificate, "not_after"), now, expiry);
        r = table_add(t, json_text(certificate, "subject"), TINT_NONE);
        if (r == 0)
                r = table_add(t, expiry, TINT_NONE);

        return r;
}

static int add_state(Table *t, const json_t *row) {
        const char *state = json_text(row, "state");

        return table_add(t, state, output_state_tint(state));
}

static int add_connection(Table *t, const json_t *row, time_t now) {
        int r;

        r = table_add(t, json_text(row, "name"), TINT_NONE);
        if (r == 0)
                r = table_add(t, json_text(row, "url"), TINT_NONE);
        if (r == 0)
                r = add_certificate(t, row, now);

        return r == 0 ? add_state(t, row) : r;
}

static int add_profile(Table *t, const json_t *row, time_t now) {
        char n_connections[24];
        int r;

        snprintf(n_connections, sizeof(n_connections), "%zu", json_array_size(json_object_get(row, "connections")));
        r = table_add(t, json_text(row, "name"), TINT_NONE);
        if (r == 0)
                r = table_add(t, json_text(row, "key_type"), TINT_NONE);
        if (r == 0)
                r = add_certificate(t, row, now);
        if (r == 0)
                r = table_add(t, n_connections, TINT_NONE);

        return r == 0 ? add_state(t, row) : r;
}

typedef struct Listing {
        const char *path;    /* of the reserved authority */
        const char *member;  /* of its answer */
        const char *nothing; /* what is said when there are none */
        const char *titles[6];
        size_t n_titles;
        int (*add)(Table *t, const json_t *row, time_t now);
} Listing;

static const Listing connections = {
        "/connections",
        "connections",
        "There are no connections: write ALIAS.connection in /etc/midtls, see midtls.connection(5).",
        {"NAME", "URL", "CERTIFICATE", "EXPIRES", "STATE"},
        5,
        add_connection,
};
static const Listing profiles = {
        "/profiles",
        "profiles",
        "There are no profiles: write PROTOCOL.profile in /etc/midtls, see midtls.profile(5).",
        {"NAME", "KEY", "CERTIFICATE", "EXPIRES", "CONNECTIONS", "STATE"},
        6,
        add_profile,
};

static int print_listing(const Options *o, const Listing *l, const json_t *array) {
        _cleanup_(table_freep) Table *t = table_new(l->titles, l->n_titles);
        TableStyle style = output_style(o);
        size_t n_bad = 0;

        for (size_t i = 0; t && i < json_array_size(array); i++) {
                const json_t *row = json_array_get(array, i);
                const char *state = json_text(row, "state");

                if (l->add(t, row, time(NULL)) < 0)
                        return output_error(NULL, "%s", strerror(ENOMEM));
                n_bad += !state || strcmp(state, "ready") != 0;
        }
        if (!t)
                return output_error(NULL, "%s", strerror(ENOMEM));

        table_print(t, stdout, &style);
        if (style.legend && n_bad > 0)
                printf("\n%zu not ready; midtls show NAME tells why.\n", n_bad);
        return EXIT_GOOD;
}

int verb_list(const Options *o) {
        const Listing *l = o->profiles ? &profiles : &connections;
        _cleanup_(json_decrefp) json_t *document = NULL;
        const json_t *array;
        int r;

        r = client_get_json(o, "GET", l->path, &document);
        if (r != 0)
                return r;
        if (o->json != JSON_MODE_OFF) {
                output_json(o, document);
                return EXIT_GOOD;
        }

        array = json_object_get(document, l->member);
        if (json_array_size(array) == 0) {
                if (!o->no_legend)
                        puts(l->nothing);
                return EXIT_GOOD;
        }
        return print_listing(o, l, array);
}
