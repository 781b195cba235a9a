/* SPDX-License-Identifier: Apache-2.0 */

/* midtls test: try connections step by step */

#include <string.h>

#include "calld/cli/client.h"
#include "calld/cli/pager.h"
#include "calld/cli/steps.h"
#include "calld/cli/verbs.h"
#include "common/parse.h"

/* The worst of several: a step that failed says more than an alias that could not be tried. */
static int worse(int a, int b) {
        return MAX_OF(a, b);
}

static int test_one(const Options *o, const char *alias, bool first, json_t *all) {
        json_t *test;
        Options people = *o; /* why it could not be tried is for them: there is one JSON document */
        _cleanup_free_ char *path = NULL;
        TableStyle style = output_style(o);
        bool good;
        int r;

        if (!alias_name_valid(alias))
                return output_error("see midtls list", "\"%s\" cannot be an alias", alias);
        if (asprintf(&path, "/test/%s", alias) < 0) {
                path = NULL;
                return output_error(NULL, "%s", strerror(ENOMEM));
        }

        people.json = JSON_MODE_OFF;
        r = client_get_json(&people, "POST", path, &test);
        if (r != 0) {
                json_array_append_new(all, json_pack("{s:s, s:b, s:[]}", "alias", alias, "ok", 0, "steps"));
                return r;
        }

        good = steps_good(test);
        if (o->json == JSON_MODE_OFF) {
                if (!first)
                        putchar('\n');
                steps_print(test, stdout, &style, pager_is_terminal() && output_is_utf8());
                fflush(stdout);
        }
        if (json_array_append_new(all, test) < 0)
                return output_error(NULL, "%s", strerror(ENOMEM));
        return good ? EXIT_GOOD : EXIT_STEP_FAILED;
}

static int test_all(const Options *o, json_t *all) {
        _cleanup_(json_decrefp) json_t *document = NULL;
        const json_t *array;
        int r, status = EXIT_GOOD;

        r = client_get_json(o, "GET", "/connections", &document);
        if (r != 0)
                return r;

        array = json_object_get(document, "connections");
        for (size_t i = 0; i < json_array_size(array); i++) {
                const char *name = json_text(json_array_get(array, i), "name");

                status = worse(status, test_one(o, name ? name : "", i == 0, all));
        }
        if (json_array_size(array) == 0)
                return output_error("write ALIAS.connection in /etc/midtls, see midtls.connection(5)", "there are no connections");
        return status;
}

int verb_test(const Options *o) {
        _cleanup_(json_decrefp) json_t *all = json_array(), *document = NULL;
        int status = EXIT_GOOD;

        if (!all)
                return output_error(NULL, "%s", strerror(ENOMEM));

        if (o->n_arguments == 0)
                status = test_all(o, all);
        for (size_t i = 0; i < o->n_arguments; i++)
                status = worse(status, test_one(o, o->arguments[i], i == 0, all));
        if (o->json == JSON_MODE_OFF)
                return status;

        document = json_pack("{s:O}", "tests", all);
        if (!document)
                return output_error(NULL, "%s", strerror(ENOMEM));
        output_json(o, document);
        return status;
}
