/* SPDX-License-Identifier: Apache-2.0 */

/* midtls status: do the services answer */

#include <inttypes.h>
#include <string.h>

#include "calld/cli/client.h"
#include "calld/cli/verbs.h"

static uint64_t number(const json_t *status, const char *name) {
        json_int_t v = json_integer_value(json_object_get(status, name));

        return v > 0 ? (uint64_t) v : 0;
}

static void print_text(const char *label, const char *text) {
        printf("%12s: ", label);
        text_print(stdout, text && *text ? text : "-");
        putchar('\n');
}

static void print_status(const Options *o, const json_t *status) {
        const char *keyd = json_text(status, "keyd");
        TableStyle style = output_style(o);
        Tint tint = output_state_tint(keyd);
        char uptime[32];

        text_format_span(number(status, "uptime_usec"), uptime);
        print_text("MID", json_text(status, "mid_name"));
        print_text("version", json_text(status, "version"));
        printf("%12s: %sup%s, for %s\n", "calld", tint_begin(TINT_GOOD, style.color), tint_end(TINT_GOOD, style.color), uptime);
        print_text("sandbox", json_text(status, "sandbox"));
        printf("%12s: %s", "keyd", tint_begin(tint, style.color));
        text_print(stdout, keyd ? keyd : "unknown");
        printf("%s, configuration revision %" PRIu64 "\n", tint_end(tint, style.color), number(status, "revision"));
        printf("%12s: %" PRIu64 "\n", "profiles", number(status, "n_profiles"));
        printf("%12s: %" PRIu64 "\n", "connections", number(status, "n_connections"));
        printf("%12s: %" PRIu64 " under way; at most %" PRIu64 ", of one user %" PRIu64 "\n", "calls", number(status, "n_calls"),
               number(status, "max_calls"), number(status, "max_calls_per_user"));
        if (json_is_false(json_object_get(status, "enforce")))
                printf("%12s: %snot enforced%s: whoever may not call is recorded, and may all the same (Enforce=no)\n", "access",
                       tint_begin(TINT_BAD, style.color), tint_end(TINT_BAD, style.color));
}

int verb_status(const Options *o) {
        _cleanup_(json_decrefp) json_t *status = NULL;
        const char *keyd;
        int r;

        r = client_get_json(o, "GET", "/status", &status);
        if (r != 0)
                return r;

        if (o->json != JSON_MODE_OFF)
                output_json(o, status);
        else
                print_status(o, status);

        keyd = json_text(status, "keyd");
        if (keyd && strcmp(keyd, "up") == 0)
                return EXIT_GOOD;
        return output_error("see systemctl status midtls-keyd.service", "keyd does not answer: no call that needs a new handshake can be made");
}
