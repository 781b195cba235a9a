/* SPDX-License-Identifier: Apache-2.0 */

/* midtls reload: keyd reads configuration and keys again, and tells what became of each */

#include <string.h>

#include "calld/cli/output.h"
#include "calld/cli/verbs.h"
#include "common/chan.h"
#include "common/msg-admin.h"
#include "common/msg-hello.h"

#define ADMIN_SOCKET "/run/midtls/keyd-admin.sock"
#define CONNECT_TIMEOUT_USEC (5 * USEC_PER_SEC)
/* A load has a deadline of its own in keyd, and another may be under way. */
#define REPORT_TIMEOUT_USEC (5 * USEC_PER_MINUTE)

/* Outcomes, besides 0: more is to come */
#define RELOAD_ENDED 1
#define RELOAD_VIOLATION 2

typedef struct Reload {
        const Options *o;
        json_t *reports; /* with --json */
        uint32_t n_failed;
} Reload;

static int connect_error(const char *path, int error) {
        const char *hint = "is midtls-keyd.socket running? try: systemctl start midtls-keyd.socket";

        if (error == EACCES || error == EPERM)
                hint = "reload is for root: try sudo midtls reload";
        return output_error(hint, "cannot connect to %s: %s", path, strerror(error));
}

static int exchange_error(int r) {
        const char *hint = "see systemctl status midtls-keyd.service";

        if (r == CHAN_E_CLOSED)
                return output_error("reload is for root; else see journalctl -u midtls-keyd.service", "keyd closed the connection");
        if (r > 0)
                return output_error("are command and keyd of the same version?", "keyd sent what is no report");
        return output_error(hint, "no answer from keyd: %s", strerror(-r));
}

static int keep_report(Reload *l, const MsgAdminReport *m) {
        json_t *report = json_pack("{s:s%,s:s,s:s%,s:s%}", "profile", m->profile.data, m->profile.size, "what", admin_what_to_string(m->what),
                                   "sentence", m->sentence.data, m->sentence.size, "hint", m->hint.data, m->hint.size);

        return report && json_array_append_new(l->reports, report) == 0 ? 0 : -ENOMEM;
}

static int print_report(const Reload *l, const MsgAdminReport *m) {
        _cleanup_free_ char *profile = NULL, *sentence = NULL, *hint = NULL;
        bool failed = admin_what_is_failure(m->what), color = output_style(l->o).color;
        Tint tint = failed ? TINT_BAD : m->what == ADMIN_WHAT_LOADED ? TINT_GOOD : TINT_NONE;
        int r;

        r = span_to_string(m->profile, &profile);
        if (r == 0)
                r = span_to_string(m->sentence, &sentence);
        if (r == 0)
                r = span_to_string(m->hint, &hint);
        if (r < 0)
                return r;

        text_print(stdout, *profile ? profile : "configuration");
        printf(": %s%s%s%s", tint_begin(tint, color), admin_what_to_string(m->what), tint_end(tint, color), *sentence ? ": " : "");
        text_print(stdout, sentence);
        if (*hint) {
                fputs("\n  hint: ", stdout);
                text_print(stdout, hint);
        }
        putchar('\n');
        fflush(stdout);
        return 0;
}

static int take_report(Reload *l, Span body) {
        MsgAdminReport m;

        if (msg_admin_report_decode(body, &m) != 0)
                return RELOAD_VIOLATION;

        return l->reports ? keep_report(l, &m) : print_report(l, &m);
}

static int take_reloaded(Reload *l, Span body) {
        MsgAdminReloaded m;

        if (msg_admin_reloaded_decode(body, &m) != 0)
                return RELOAD_VIOLATION;

        l->n_failed = m.n_failed;
        return RELOAD_ENDED;
}

typedef struct AnswerRow {
        uint8_t type;
        int (*take)(Reload *l, Span body);
} AnswerRow;

static const AnswerRow answers[] = {
        {ADMIN_REPORT, take_report},
        {ADMIN_RELOADED, take_reloaded},
};

/* Return: 0, RELOAD_ENDED, RELOAD_VIOLATION, -errno */
static int take(Reload *l, Span record) {
        uint8_t type;
        Span body;

        if (msg_split(record, &type, &body) != 0)
                return RELOAD_VIOLATION;

        for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
                if (answers[i].type == type)
                        return answers[i].take(l, body);

        return RELOAD_VIOLATION;
}

/* Return: 0, or the exit status (the user has been told) */
static int exchange(Reload *l, int fd) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const MsgAdminReload request = {.dry_run = l->o->dry_run};
        int r;

        r = msg_admin_reload_encode(&record, &request);
        if (r == 0)
                r = chan_send(fd, buf_span(&record), deadline_after(CONNECT_TIMEOUT_USEC));
        if (r != 0)
                return exchange_error(r);

        do {
                buf_clear(&record);
                r = chan_receive(fd, &record, deadline_after(REPORT_TIMEOUT_USEC));
                if (r != 0)
                        return exchange_error(r);
                r = take(l, buf_span(&record));
        } while (r == 0);

        return r == RELOAD_ENDED ? 0 : exchange_error(r == RELOAD_VIOLATION ? CHAN_E_VIOLATION : r);
}

static int finish(Reload *l) {
        _cleanup_(json_decrefp) json_t *document = NULL;

        if (l->reports) {
                document = json_pack("{s:O,s:I}", "reports", l->reports, "n_failed", (json_int_t) l->n_failed);
                if (!document)
                        return output_error(NULL, "%s", strerror(ENOMEM));
                output_json(l->o, document);
        }

        if (l->n_failed == 0)
                return EXIT_GOOD;
        return output_error(NULL, "%u of what was read cannot be used%s", (unsigned) l->n_failed,
                            l->o->dry_run ? "" : "; keys that were loaded before stay in use");
}

int verb_reload(const Options *o) {
        const char *path = o->socket ? o->socket : ADMIN_SOCKET;
        _cleanup_(json_decrefp) json_t *reports = o->json != JSON_MODE_OFF ? json_array() : NULL;
        Reload l = {.o = o, .reports = reports};
        _cleanup_fd_ int fd = -1;
        int r;

        if (o->json != JSON_MODE_OFF && !reports)
                return output_error(NULL, "%s", strerror(ENOMEM));

        r = chan_connect(path, deadline_after(CONNECT_TIMEOUT_USEC), &fd);
        if (r < 0)
                return connect_error(path, -r);

        r = exchange(&l, fd);
        return r != 0 ? r : finish(&l);
}
