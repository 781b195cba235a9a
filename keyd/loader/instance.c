/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/instance.h"

#include <string.h>

#include "common/chan.h"
#include "common/log.h"
#include "common/msg-keep.h"
#include "keyd/loader/config/config-internal.h"
#include "keyd/loader/file.h"

#define SEND_USEC (5 * USEC_PER_SEC)

int instance_folder(char **ret) {
        const char *folder = secure_getenv("STATE_DIRECTORY");

        *ret = NULL;
        return folder && folder[0] == '/' && !strchr(folder, ':') ? path_join(folder, "instance", ret) : 0;
}

/* In the journal when nobody waits for an answer. */
static int complain(const StoreConfig *c, bool quiet, const char *what, const char *hint, Problems *problems) {
        if (!quiet)
                return problems_add(problems, c->file, 0, false, hint, "[Instance]: %s; the profiles that it gave before stay", what);

        log_message(PRIORITY_ERROR, "[Instance]: %s; the profiles that it gave before stay; %s", what, hint);
        return 0;
}

static int send_keep(const Vault *v, Span name, Span text) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        int r;

        r = msg_keep_encode(&record, &(MsgKeep) {.profile = name, .text = text});
        return r < 0 ? r : chan_send(v->control_fd, buf_span(&record), deadline_after(SEND_USEC));
}

/* "NAME WHY" */
static int refuse(const Vault *v, const StoreConfig *c, bool quiet, Span line, Problems *problems) {
        const char *blank = memchr(line.data, ' ', line.size);
        size_t size = blank ? (size_t) (blank - (const char *) line.data) : line.size;
        char what[256];
        int r;

        snprintf(what, sizeof(what), "profile %.*s is not taken: %.*s", (int) size, (const char *) line.data, (int) (line.size - size),
                 (const char *) line.data + size);
        r = complain(c, quiet, what, "correct the record there", problems);
        /* Without a text: what is kept of it stays. */
        return r < 0 || size == 0 ? r : send_keep(v, span_make(line.data, size), (Span) {});
}

static Span next_line(Span *rest) {
        const uint8_t *end = memchr(rest->data, '\n', rest->size);
        Span line = span_make(rest->data, end ? (size_t) (end - rest->data) : rest->size);
        size_t used = line.size + (end ? 1 : 0);

        *rest = span_make(rest->data + used, rest->size - used);
        return line;
}

/* The lines up to the next profile */
static Span take_text(Span *rest) {
        const uint8_t *begin = rest->data;

        while (rest->size > 0 && rest->data[0] != '=' && rest->data[0] != '!')
                ignore_result(next_line(rest).size, "it is part of the text");

        return span_make(begin, (size_t) (rest->data - begin));
}

static int keep_all(const Vault *v, const StoreConfig *c, bool quiet, Span rest, Problems *problems) {
        int r = 0;

        while (r >= 0 && rest.size > 0) {
                Span line = next_line(&rest);
                Span rest_of_line = line.size > 0 ? span_make(line.data + 1, line.size - 1) : (Span) {};

                if (line.size > 0 && line.data[0] == '!')
                        r = refuse(v, c, quiet, rest_of_line, problems);
                else if (line.size > 0 && line.data[0] == '=') {
                        Span text = take_text(&rest);

                        r = text.size > 0 ? send_keep(v, rest_of_line, text) : send_keep(v, rest_of_line, SPAN_LITERAL("\n"));
                }
        }
        /* A KEEP for no profile says that these were all. */
        return r < 0 ? r : send_keep(v, (Span) {}, (Span) {});
}

int instance_sync(Vault *v, const Config *c, bool quiet, Problems *problems) {
        const StoreConfig *k = &c->stores[ROLE_STORE_INSTANCE];
        _cleanup_(secret_freep) Secret *value = NULL;
        LoadFailure failure = {};
        _cleanup_free_ char *folder = NULL;
        bool is_changing;
        int r;

        if (!store_config_is_set(k) || k->problem || v->channels[ROLE_STORE_INSTANCE].is_young)
                return 0;

        r = instance_folder(&folder);
        if (r < 0)
                return r;
        if (!folder)
                return complain(k, quiet, "there is no folder where its profiles could be kept", "set StateDirectory= in midtls-keyd.service",
                                problems);

        v->profile = "";
        r = vault_fetch(v, ROLE_STORE_INSTANCE, k->container, &value, &is_changing, &failure);
        if (r > 0)
                return complain(k, quiet, failure.detail, failure.hint, problems);
        if (r < 0)
                return r;

        r = keep_all(v, k, quiet, span_make(secret_data(value), secret_size(value)), problems);
        return r < 0 ? log_errno(r, "Cannot hand on what the instance says") : 0;
}
