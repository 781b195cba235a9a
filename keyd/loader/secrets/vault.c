/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/secrets/vault.h"

#include <sys/socket.h>

#include "common/chan.h"
#include "common/log.h"
#include "common/msg-load.h"
#include "keyd/crypto/fetch.h"
#include "keyd/loader/file.h"
#include "keyd/loader/tell.h"

#define SEND_USEC (5 * USEC_PER_SEC)
#define END_USEC (500 * USEC_PER_MSEC)
#define GRACE_USEC USEC_PER_SEC /* the fetcher's own time-out comes first */
#define HINT_LATER "nothing to do at first: it is tried again by itself, at growing intervals"

void vault_init(Vault *v, const Config *c, int control_fd, uint64_t budget_usec) {
        *v = (Vault) {
                .configs = c->stores,
                .host_key_folder = c->host_key_folder,
                .control_fd = control_fd,
                .profile = "",
                .deadline_usec = deadline_after(budget_usec),
        };
        for (size_t i = 0; i < ROLE_STORES; i++)
                v->channels[i].fd = ROLE_FD_FETCH + (int) i;
}

/* A fetcher sees that there is no more to come, takes leave of its store, wipes what it has and ends; if it is not soon, the supervisor ends it. */
void vault_done(Vault *v) {
        uint64_t deadline_usec = deadline_after(END_USEC);

        for (size_t i = 0; i < ROLE_STORES; i++)
                if (v->channels[i].is_open)
                        ignore_result(shutdown(v->channels[i].fd, SHUT_WR), "then it is gone already");

        for (size_t i = 0; i < ROLE_STORES; i++) {
                int r = v->channels[i].is_open ? 0 : 1;

                while (r == 0) {
                        _cleanup_(secret_freep) Secret *late = NULL;

                        r = fetch_receive(v->channels[i].fd, deadline_usec, &late);
                }
                v->channels[i].is_open = false;
        }
}

bool vault_is_young(const Vault *v, const ProfileConfig *p) {
        const char *const values[] = {p->password, p->key_password};
        RoleStore store;

        for (size_t i = 0; i < ARRAY_SIZE(values); i++)
                if (account_find(values[i], &store, NULL) && !v->channels[store].is_young)
                        return false;

        return true;
}

uint32_t vault_refresh_sec(const Vault *v, const ProfileConfig *p) {
        const char *const values[] = {p->password, p->key_password};
        uint64_t least = UINT32_MAX;
        RoleStore store;

        for (size_t i = 0; i < ARRAY_SIZE(values); i++)
                if (account_find(values[i], &store, NULL) && !v->configs[store].problem)
                        least = MIN_OF(least, v->configs[store].refresh_usec / USEC_PER_SEC);

        return (uint32_t) least;
}

void vault_want_retry(Vault *v, uint32_t after_sec) {
        v->wants_retry = true;
        v->retry_after_sec = MAX_OF(v->retry_after_sec, after_sec);
}

static int tell(const Vault *v, const Buf *record) {
        int r = chan_send(v->control_fd, buf_span(record), deadline_after(SEND_USEC));

        return r < 0 ? log_errno(r, "Cannot speak to the supervisor") : 0;
}

int vault_tell_retry(const Vault *v) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        int r;

        if (!v->wants_retry)
                return 0;
        r = msg_retry_encode(&record, &(MsgRetry) {.after_sec = v->retry_after_sec});

        return r < 0 ? r : tell(v, &record);
}

/* failures */

/* That holds for all that comes of this store in this load. */
static int fail_for_all(VaultChannel *c, const LoadFailure *f) {
        c->is_down = true;
        c->down = *f;
        return 1;
}

static int fail_away(Vault *v, RoleStore store, const char *what, LoadFailure *f) {
        load_failure(f, VERDICT_IO, HINT_LATER, "%s could not be asked: %s [retry]", account_store_name(store), what);
        vault_want_retry(v, 0);
        return fail_for_all(&v->channels[store], f);
}

static int take_failure(Vault *v, RoleStore store, const FetchAnswer *a, LoadFailure *f) {
        load_failure(f, a->class == FETCH_ALERT ? VERDICT_POLICY : VERDICT_IO, a->hint, "%s [%s]", a->detail, fetch_class_to_string(a->class));
        f->is_alert = a->class == FETCH_ALERT;
        if (a->class == FETCH_RETRY || a->class == FETCH_RETRY_ALL)
                vault_want_retry(v, a->retry_after_sec);

        return a->class == FETCH_RETRY_ALL ? fail_for_all(&v->channels[store], f) : 1;
}

/* the channel */

/* Return: 0, 1 with *f filled when the fetcher does not answer as it should, -errno */
static int receive_answer(Vault *v, RoleStore store, uint64_t deadline_usec, FetchAnswer *ret, LoadFailure *f) {
        _cleanup_(secret_freep) Secret *record = NULL;
        int r;

        r = fetch_receive(v->channels[store].fd, deadline_usec, &record);
        if (r == 0)
                r = fetch_parse_answer(record, ret);
        if (r == -ETIMEDOUT)
                return fail_away(v, store, "there was no answer in time", f);
        if (r == -ENOMEM)
                return r;

        return r != 0 ? fail_away(v, store, "the fetcher has failed", f) : 0;
}

/* What could not be sent: an endpoint or a certificate that is too long is the configuration's fault. */
static int explain_send(Vault *v, RoleStore store, int r, LoadFailure *f) {
        if (r >= 0 || r == -ENOMEM)
                return r;
        if (r == -EMSGSIZE) {
                load_failure(f, VERDICT_LIMIT, "128 KiB of certificates at most",
                             "what midtls.conf names for %s is too large to be used [configuration]", account_store_name(store));
                return fail_for_all(&v->channels[store], f);
        }

        return fail_away(v, store, "the fetcher has failed", f);
}

static int start_fetcher(const Vault *v, RoleStore store) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        int r = msg_fetcher_encode(
                &record, &(MsgFetcher) {.store = (uint8_t) store, .program = v->configs[store].program, .whole = !v->channels[store].is_young});

        return r < 0 ? r : tell(v, &record);
}

static int open_channel(Vault *v, RoleStore store, LoadFailure *f) {
        _cleanup_(fetch_answer_done) FetchAnswer a = {};
        int r;

        v->channels[store].is_open = true;
        r = start_fetcher(v, store);
        if (r == 0)
                r = explain_send(v, store, vault_send_open(v, store, SEND_USEC, f), f);
        if (r == 0)
                r = receive_answer(v, store, v->deadline_usec, &a, f);
        if (r == 0 && a.class != FETCH_OK)
                r = take_failure(v, store, &a, f);

        return r > 0 ? fail_for_all(&v->channels[store], f) : r;
}

static const char *first_of(const char *a, const char *b) {
        return a[0] ? a : b ? b : "";
}

static int ask(Vault *v, RoleStore store, const AccountId *id, FetchAnswer *ret, LoadFailure *f) {
        const StoreConfig *c = &v->configs[store];
        uint64_t now = now_usec();
        FetchAsk a = {
                .container = (char *) first_of(id->container, c->container),
                .folder = (char *) first_of("", c->folder),
                .object = (char *) id->object,
                .part = (char *) first_of(id->part, c->field),
        };
        int r;

        if (now >= v->deadline_usec)
                return fail_away(v, store, "there was no time left in this load", f);
        a.timeout_usec = MIN_OF(c->timeout_usec, v->deadline_usec - now);

        r = explain_send(v, store, fetch_send_ask(v->channels[store].fd, &a, deadline_after(SEND_USEC)), f);
        return r == 0 ? receive_answer(v, store, now + a.timeout_usec + GRACE_USEC, ret, f) : r;
}

/* That a store is slow is not the fault of the profile: so long it is nobody's time. */
static int ask_patiently(Vault *v, RoleStore store, const AccountId *id, FetchAnswer *ret, LoadFailure *f) {
        int r, k;

        r = tell_progress(v->control_fd, "");
        if (r == 0 && !v->channels[store].is_open)
                r = open_channel(v, store, f);
        if (r == 0)
                r = ask(v, store, id, ret, f);
        if (r < 0)
                return r;

        k = tell_progress(v->control_fd, v->profile);
        return k < 0 ? k : r;
}

int vault_fetch(Vault *v, RoleStore store, const char *id, Secret **ret, bool *ret_is_changing, LoadFailure *ret_failure) {
        _cleanup_(fetch_answer_done) FetchAnswer a = {};
        const StoreConfig *c = v && v->configs ? &v->configs[store] : NULL;
        const char *name = account_store_name(store);
        AccountId parsed;
        int r = 0;

        if (!c || c->problem)
                return load_failure(ret_failure, VERDICT_UNSUPPORTED, c ? c->problem : "see its section in midtls.conf(5)",
                                    "%s cannot be asked here [configuration]", name);
        if (account_parse(store, id, &parsed) != 0 || (store == ROLE_STORE_CYBERARK && !parsed.container[0] && !c->container))
                return load_failure(ret_failure, VERDICT_IO, account_form(store), "the account's ID in %s cannot be used [configuration]", name);

        if (!v->channels[store].is_down)
                r = ask_patiently(v, store, &parsed, &a, ret_failure);
        if (v->channels[store].is_down) {
                *ret_failure = v->channels[store].down;
                return 1;
        }
        if (r == 0 && a.class != FETCH_OK)
                r = take_failure(v, store, &a, ret_failure);
        if (r == 0 && !a.content)
                r = fail_away(v, store, "the fetcher has failed", ret_failure);
        if (r != 0)
                return r;

        *ret_is_changing = a.is_changing;
        *ret = TAKE_PTR(a.content);
        return 0;
}
