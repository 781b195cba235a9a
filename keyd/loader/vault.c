/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/vault.h"

#include <string.h>
#include <sys/socket.h>

#include "common/chan.h"
#include "common/log.h"
#include "common/msg-hello.h"
#include "common/msg-load.h"
#include "keyd/crypto/fetch.h"
#include "keyd/loader/cyberark-id.h"
#include "keyd/loader/encode.h"
#include "keyd/loader/file.h"
#include "keyd/loader/tell.h"

#define SEND_USEC (5 * USEC_PER_SEC)
#define END_USEC (500 * USEC_PER_MSEC)
#define GRACE_USEC USEC_PER_SEC /* the fetcher's own time-out comes first */
#define HINT_LATER "nothing to do at first: it is tried again by itself, at growing intervals"

void vault_init(Vault *v, const CyberArkConfig *config, int control_fd, int fetch_fd, uint64_t budget_usec) {
        *v = (Vault) {.config = config, .control_fd = control_fd, .fetch_fd = fetch_fd, .profile = "", .deadline_usec = deadline_after(budget_usec)};
}

/* The fetcher sees that there is no more to come, wipes what it has and ends; if it is not soon, the supervisor ends it with the load. */
void vault_done(Vault *v) {
        uint64_t deadline_usec = deadline_after(END_USEC);
        int r = 0;

        if (!v->is_open || shutdown(v->fetch_fd, SHUT_WR) < 0)
                return;
        while (r == 0) {
                _cleanup_(secret_freep) Secret *late = NULL;

                r = fetch_receive(v->fetch_fd, deadline_usec, &late);
        }
        v->is_open = false;
}

void vault_want_retry(Vault *v, uint32_t after_sec) {
        v->wants_retry = true;
        v->retry_after_sec = MAX_OF(v->retry_after_sec, after_sec);
}

int vault_tell_retry(const Vault *v) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const MsgRetry m = {.after_sec = v->retry_after_sec};
        int r;

        if (!v->wants_retry)
                return 0;
        r = msg_retry_encode(&record, &m);
        if (r >= 0)
                r = chan_send(v->control_fd, buf_span(&record), deadline_after(SEND_USEC));

        return r < 0 ? log_errno(r, "Cannot speak to the supervisor") : 0;
}

/* failures */

/* That holds for all that comes in this load. */
static int fail_for_all(Vault *v, LoadFailure *f) {
        v->is_down = true;
        v->down = *f;
        return 1;
}

static int fail_away(Vault *v, const char *what, LoadFailure *f) {
        load_failure(f, VERDICT_IO, HINT_LATER, "CyberArk could not be asked: %s [retry]", what);
        vault_want_retry(v, 0);
        return fail_for_all(v, f);
}

static int take_failure(Vault *v, const FetchAnswer *a, LoadFailure *f) {
        load_failure(f, a->class == FETCH_ALERT ? VERDICT_POLICY : VERDICT_IO, a->hint, "%s [%s]", a->detail, fetch_class_to_string(a->class));
        f->is_alert = a->class == FETCH_ALERT;
        if (a->class == FETCH_RETRY || a->class == FETCH_RETRY_ALL)
                vault_want_retry(v, a->retry_after_sec);

        return a->class == FETCH_RETRY_ALL ? fail_for_all(v, f) : 1;
}

/* the channel */

/* Return: 0, 1 with *f filled when the fetcher does not answer as it should, -errno */
static int receive_answer(Vault *v, uint64_t deadline_usec, FetchAnswer *ret, LoadFailure *f) {
        _cleanup_(secret_freep) Secret *record = NULL;
        int r;

        r = fetch_receive(v->fetch_fd, deadline_usec, &record);
        if (r == 0)
                r = fetch_parse_answer(record, ret);
        if (r == -ETIMEDOUT)
                return fail_away(v, "there was no answer in time", f);
        if (r == -ENOMEM)
                return r;

        return r != 0 ? fail_away(v, "the fetcher has failed", f) : 0;
}

/* What could not be sent: an endpoint or a certificate that is too long is the configuration's fault. */
static int explain_send(Vault *v, int r, LoadFailure *f) {
        if (r >= 0 || r == -ENOMEM)
                return r;
        if (r == -EMSGSIZE) {
                load_failure(f, VERDICT_LIMIT, "128 KiB of certificates at most", "what [CyberArk] names is too large to be used [configuration]");
                return fail_for_all(v, f);
        }

        return fail_away(v, "the fetcher has failed", f);
}

static int send_ca(Vault *v, LoadFailure *f) {
        const ProfileConfig p = {.name = (char *) "CyberArk", .ca_file = v->config->ca_file};
        _cleanup_(ca_set_freep) CaSet *set = NULL;
        _cleanup_(buf_done) Buf pem = BUF_INIT(FETCH_CA_BYTES_MAX);
        int r;

        r = load_ca_set(&p, &set, f);
        if (r != 0)
                return r;
        for (size_t i = 0; r >= 0 && i < set->n_certificates; i++)
                r = encode_certificate_pem(&set->certificates[i], &pem);
        for (size_t done = 0; r >= 0 && done < pem.size;) {
                size_t n = MIN_OF(pem.size - done, (size_t) FETCH_CA_PART_MAX);

                r = fetch_send_ca(v->fetch_fd, span_make(pem.data + done, n), deadline_after(SEND_USEC));
                done += n;
        }

        return explain_send(v, r, f);
}

/* The client certificate is opened as a profile's keystore is, with the same rules and the same words for what is wrong. */
static int load_certificate(const CyberArkConfig *c, LoadedKey **ret, LoadFailure *f) {
        const ProfileConfig p = {
                .name = (char *) "CyberArk",
                .file = c->file,
                .keystore_path = c->cert_file,
                .key_file = c->key_file,
                .password = c->cert_password && strncmp(c->cert_password, CYBERARK_PREFIX, strlen(CYBERARK_PREFIX)) != 0 ? c->cert_password : NULL,
        };
        char detail[sizeof(f->detail)];
        int r;

        r = load_key(&p, NULL, ret, f);
        if (r > 0) {
                memcpy(detail, f->detail, sizeof(detail));
                snprintf(f->detail, sizeof(f->detail), "the client certificate for CyberArk: %.400s [configuration]", detail);
        }
        return r;
}

static int send_open(Vault *v, LoadFailure *f) {
        _cleanup_(loaded_key_freep) LoadedKey *key = NULL;
        _cleanup_(secret_freep) Secret *pkcs8 = NULL;
        _cleanup_(buf_done) Buf chain = BUF_INIT(FETCH_CHAIN_MAX);
        FetchOpen o = {.endpoint = v->config->endpoint, .app_id = v->config->app_id};
        int r;

        r = load_certificate(v->config, &key, f);
        if (r != 0)
                return r;
        r = encode_private_key(key->key, &pkcs8);
        for (size_t i = 0; r >= 0 && i < key->n_chain; i++)
                r = encode_certificate_pem(&key->chain[i], &chain);
        if (r >= 0)
                r = buf_append(&chain, "", 1);
        if (r < 0)
                return explain_send(v, r, f);

        o.chain = (char *) chain.data;
        o.key = pkcs8;
        return explain_send(v, fetch_send_open(v->fetch_fd, &o, deadline_after(SEND_USEC)), f);
}

static int start_fetcher(const Vault *v) {
        const uint8_t record = ROLE_FETCHER;
        int r = chan_send(v->control_fd, span_make(&record, sizeof(record)), deadline_after(SEND_USEC));

        return r < 0 ? log_errno(r, "Cannot speak to the supervisor") : 0;
}

static int open_channel(Vault *v, LoadFailure *f) {
        _cleanup_(fetch_answer_done) FetchAnswer a = {};
        int r;

        v->is_open = true;
        r = start_fetcher(v);
        if (r == 0)
                r = send_ca(v, f);
        if (r == 0)
                r = send_open(v, f);
        if (r == 0)
                r = receive_answer(v, v->deadline_usec, &a, f);
        if (r == 0 && a.class != FETCH_OK)
                r = take_failure(v, &a, f);

        return r > 0 ? fail_for_all(v, f) : r;
}

static int ask(Vault *v, const CyberArkId *id, FetchAnswer *ret, LoadFailure *f) {
        const char *safe = id->safe[0] ? id->safe : v->config->safe;
        const char *folder = v->config->folder ? v->config->folder : "";
        uint64_t now = now_usec();
        FetchAsk a = {.safe = (char *) safe, .folder = (char *) folder, .object = (char *) id->object, .platform = (char *) id->platform};
        int r;

        if (now >= v->deadline_usec)
                return fail_away(v, "there was no time left in this load", f);
        a.timeout_usec = MIN_OF(v->config->timeout_usec, v->deadline_usec - now);

        r = explain_send(v, fetch_send_ask(v->fetch_fd, &a, deadline_after(SEND_USEC)), f);
        return r == 0 ? receive_answer(v, now + a.timeout_usec + GRACE_USEC, ret, f) : r;
}

/* That the vault is slow is not the fault of the profile: so long it is nobody's time. */
static int ask_patiently(Vault *v, const CyberArkId *id, FetchAnswer *ret, LoadFailure *f) {
        int r, k;

        r = tell_progress(v->control_fd, "");
        if (r == 0 && !v->is_open)
                r = open_channel(v, f);
        if (r == 0)
                r = ask(v, id, ret, f);
        if (r < 0)
                return r;

        k = tell_progress(v->control_fd, v->profile);
        return k < 0 ? k : r;
}

int vault_fetch(Vault *v, const char *id, Secret **ret, bool *ret_is_changing, LoadFailure *ret_failure) {
        _cleanup_(fetch_answer_done) FetchAnswer a = {};
        CyberArkId parsed;
        int r = 0;

        if (!v || !v->config || v->config->problem)
                return load_failure(ret_failure, VERDICT_UNSUPPORTED, "see [CyberArk] in midtls.conf(5)",
                                    "CyberArk cannot be asked here [configuration]");
        if (cyberark_id_parse(id, &parsed) != 0 || (!parsed.safe[0] && !v->config->safe))
                return load_failure(ret_failure, VERDICT_IO, "write SAFE:ID, or ID with Safe= in [CyberArk]",
                                    "the account's ID in CyberArk cannot be used [configuration]");

        if (!v->is_down)
                r = ask_patiently(v, &parsed, &a, ret_failure);
        if (v->is_down) {
                *ret_failure = v->down;
                return 1;
        }
        if (r == 0 && a.class != FETCH_OK)
                r = take_failure(v, &a, ret_failure);
        if (r == 0 && !a.content)
                r = fail_away(v, "the fetcher has failed", ret_failure);
        if (r != 0)
                return r;

        *ret_is_changing = a.is_changing;
        *ret = TAKE_PTR(a.content);
        return 0;
}
