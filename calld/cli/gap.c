/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>

#include "calld/cli/reconcile.h"
#include "calld/cli/when.h"

static const char *const kinds[_GAP_MAX] = {
        [GAP_NO_CALL] = "signature-without-call",
        [GAP_NO_SIGNATURE] = "call-without-signature",
        [GAP_NOT_COUNTED] = "signature-not-counted",
        [GAP_UNSIGNED] = "call-unsigned",
        [GAP_DIFFERENT] = "call-differs",
        [GAP_LOST] = "records-lost",
        [GAP_INVALID] = "record-unreadable",
};

const char *gap_to_string(GapKind kind) {
        return kinds[kind];
}

static void print_sentence(const Gap *g, FILE *f) {
        switch (g->kind) {
        case GAP_NO_CALL:
                fprintf(f, "keyd signed %" PRIu64 ", no call is recorded", g->n_recorded);
                break;

        case GAP_NO_SIGNATURE:
        case GAP_NOT_COUNTED:
                fprintf(f, "the call counts %" PRIu64 ", keyd recorded %" PRIu64, g->n_counted, g->n_recorded);
                break;

        case GAP_UNSIGNED:
                fputs("the call went over a connection of its own without a signature", f);
                break;

        case GAP_DIFFERENT:
                fputs("signature and call name another alias or destination", f);
                break;

        case GAP_LOST:
                fprintf(f, "%" PRIu64 " records could not be written before this time", g->n_recorded);
                break;

        case GAP_INVALID:
        case _GAP_MAX:
        default:
                fputs("a record cannot be read", f);
                break;
        }
}

static void print_detail(FILE *f, const char *label, const char *value) {
        if (!value)
                return;
        fprintf(f, " %s=", label);
        text_print(f, value);
}

void gap_print(const Gap *g, FILE *f, bool color) {
        char when[32] = "-";

        if (g->usec > 0)
                when_format(g->usec, when);
        fprintf(f, "%-19s %s%-22s%s ", when, tint_begin(TINT_BAD, color), kinds[g->kind], tint_end(TINT_BAD, color));
        print_sentence(g, f);
        print_detail(f, g->kind == GAP_LOST ? "daemon" : "alias", g->alias);
        print_detail(f, "destination", g->destination);
        print_detail(f, "call", g->call_id);
        fputc('\n', f);
}

json_t *gap_to_json(const Gap *g) {
        return json_pack("{s:s, s:I, s:s?, s:s?, s:s?, s:I, s:I}", "gap", kinds[g->kind], "realtime_usec", (json_int_t) g->usec, "call_id",
                         g->call_id, g->kind == GAP_LOST ? "daemon" : "alias", g->alias, "destination", g->destination, "n_recorded",
                         (json_int_t) g->n_recorded, "n_counted", (json_int_t) g->n_counted);
}
