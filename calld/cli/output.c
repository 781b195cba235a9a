/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/output.h"

#include <langinfo.h>
#include <stdarg.h>
#include <string.h>

#include "calld/cli/pager.h"

int output_error(const char *hint, const char *format, ...) {
        _cleanup_free_ char *message = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&message, format, ap);
        va_end(ap);
        if (n < 0)
                message = NULL;

        fputs("midtls: ", stderr);
        text_print(stderr, message ? message : "no memory");
        if (hint) {
                fputs("\nhint: ", stderr);
                text_print(stderr, hint);
        }
        fputc('\n', stderr);
        return EXIT_FAILED;
}

const char *json_text(const json_t *object, const char *name) {
        return json_string_value(json_object_get(object, name));
}

int output_problem(const Options *o, const json_t *problem) {
        const char *title = json_text(problem, "title"), *detail = json_text(problem, "detail");
        const char *call_id = json_text(problem, "call_id");

        if (o->json != JSON_MODE_OFF)
                output_json(o, problem);
        output_error(json_text(problem, "hint"), "%s%s%s", title ? title : "midtls could not make the call", detail ? ": " : "",
                     detail ? detail : "");
        if (call_id) {
                fputs("call: ", stderr);
                text_print(stderr, call_id);
                fputc('\n', stderr);
        }
        return EXIT_FAILED;
}

bool output_is_utf8(void) {
        return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

TableStyle output_style(const Options *o) {
        const char *no_color = secure_getenv("NO_COLOR"), *term = secure_getenv("TERM");
        TableStyle style = {.legend = !o->no_legend, .width = pager_width()};

        /* no-color.org: any value but the empty one */
        style.color = pager_is_terminal() && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
        if (o->color != COLOR_MODE_AUTO)
                style.color = o->color == COLOR_MODE_ALWAYS;

        return style;
}

void output_json(const Options *o, const json_t *document) {
        size_t flags = o->json == JSON_MODE_PRETTY ? JSON_INDENT(2) : JSON_COMPACT;

        /* A terminal gets nothing that it could take for a command. */
        if (isatty(STDOUT_FILENO))
                flags |= JSON_ENSURE_ASCII;
        ignore_result(json_dumpf(document, stdout, flags | JSON_ENCODE_ANY), "main() checks standard output at the end");
        fputc('\n', stdout);
}

Tint output_state_tint(const char *state) {
        if (!state)
                return TINT_NONE;
        if (strcmp(state, "ready") == 0 || strcmp(state, "ok") == 0 || strcmp(state, "up") == 0)
                return TINT_GOOD;

        return strcmp(state, "skipped") == 0 ? TINT_FAINT : strcmp(state, "not-yet-valid") == 0 ? TINT_WARNING : TINT_BAD;
}
