/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/run.h"

#include <openssl/evp.h>
#include <string.h>

#include "common/chan.h"
#include "common/log.h"
#include "common/msg-hello.h"
#include "keyd/loader/age.h"
#include "keyd/loader/file.h"
#include "keyd/loader/grant.h"
#include "keyd/loader/secrets/handed-on.h"
#include "keyd/loader/instance.h"
#include "keyd/loader/publish.h"
#include "keyd/loader/record.h"
#include "keyd/loader/store.h"
#include "keyd/loader/tell.h"
#include "keyd/loader/secrets/vault.h"
#include "keyd/loader/watchlist.h"

#define REQUEST_USEC (10 * USEC_PER_SEC)
#define SIGNER_USEC (5 * USEC_PER_SEC)
#define SEND_USEC (10 * USEC_PER_SEC)
#define VAULT_USEC (20 * USEC_PER_SEC) /* for all profiles together: the supervisor kills a load after 30 seconds of nobody's time */
#define FIRST_VAULT_USEC (2 * USEC_PER_SEC)
#define PROGRESS_MAX (TELL_PROGRESS_MAX * GENERATIONS_MAX + 1) /* those of each profile and one behind the last */
#define OTHERS_MAX (ROLE_STORES + 2U)                          /* FETCHER, RETRY, REFRESH */
#define KEEPS_MAX 1025U

typedef struct Run {
        const char *config_dir;
        LoadRequest request;
        Config *config;
        Problems problems;
        Vault vault;
        ProfileResult *results;
        size_t n_results;
        RecordList *extra;    /* WATCH, REPORT */
        RecordList *snapshot; /* without SNAPSHOT_END */
} Run;

static void run_done(Run *run) {
        for (size_t i = 0; i < run->n_results; i++)
                profile_result_done(&run->results[i]);
        free(run->results);
        vault_done(&run->vault);
        config_free(run->config);
        problems_done(&run->problems);
        request_done(&run->request);
        record_list_unref(run->extra);
        record_list_unref(run->snapshot);
}

static Publication publication(const Run *run) {
        return (Publication) {.config = run->config, .request = &run->request, .results = run->results, .n_results = run->n_results};
}

/* to the supervisor */

static int send_list(const RecordList *list, size_t *n_sent) {
        for (; *n_sent < record_list_count(list); ++*n_sent) {
                int r = chan_send(ROLE_FD_CONTROL, record_list_get(list, *n_sent), deadline_after(SEND_USEC));

                if (r < 0)
                        return log_errno(r, "Cannot speak to the supervisor");
        }
        return 0;
}

static int send_end(void) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        int r;

        r = msg_empty_encode(&record, MSG_SNAPSHOT_END);
        if (r >= 0)
                r = chan_send(ROLE_FD_CONTROL, buf_span(&record), deadline_after(SEND_USEC));

        return r < 0 ? log_errno(r, "Cannot speak to the supervisor") : 0;
}

/* profiles */

/* A chain that a PROFILE cannot hold, a key that a KEY cannot. */
static bool fits_protocol(ProfileResult *r) {
        size_t n_bytes = 0;

        for (size_t i = 0; i < r->key->n_chain; i++)
                n_bytes += r->key->chain[i].size + 3;

        return r->key->n_chain <= PROTO_CHAIN_MAX && n_bytes <= PROTO_CHAIN_BYTES_MAX && r->key->chain[0].size <= PROTO_CERTIFICATE_MAX;
}

/* @k: what a load function returned. Return: 0 or -errno; *ret_failed: whether there is a failure, which is kept if it is the first */
static int note(ProfileResult *r, int k, const LoadFailure *failure, bool *ret_failed) {
        if (k < 0)
                return k;

        *ret_failed = k > 0;
        if (k > 0 && !r->failure.detail[0])
                r->failure = *failure;
        return 0;
}

static int load_parts(ProfileResult *r, Vault *vault) {
        LoadFailure failure;
        int k;

        k = load_key(r->config, vault, &r->key, &failure);
        if (k == 0 && !fits_protocol(r))
                k = load_failure(&failure, VERDICT_LIMIT, "10 certificates and 96 KiB at most: leave out what the server has itself",
                                 "the certificate chain of profile %s is too long", r->config->name);
        k = note(r, k, &failure, &r->key_failed);
        if (k < 0)
                return k;

        k = note(r, load_ca_set(r->config, &r->ca, &failure), &failure, &r->ca_failed);
        if (k < 0)
                return k;

        r->crls = (Buf) BUF_INIT(ROLE_CRL_BYTES_MAX);
        return note(r, load_crls(r->config, &r->crls, &failure), &failure, &r->crls_failed);
}

/* To go on without CRLs that the profile wishes for is no way to leave it out. */
static void leave_out(ProfileResult *r, const MsgQuarantine *m) {
        r->left_out = true;
        r->put_off = m->put_off;
        r->key_failed = r->ca_failed = true;
        r->crls_failed = r->had_crls || r->config->crl_file;
        r->failure.verdict = VERDICT_LIMIT;
        span_copy_text(m->sentence, r->failure.detail, sizeof(r->failure.detail));
        span_copy_text(m->hint, r->failure.hint, sizeof(r->failure.hint));
}

static bool had_crls(const LoadRequest *q, const char *profile) {
        size_t cursor = 0;
        Span record, body;
        MsgCrl m;

        while (request_next(q->previous, ROLE_CRL, &cursor, &record, &body))
                if (msg_crl_decode(body, &m) == 0 && span_is(m.profile, profile))
                        return true;

        return false;
}

/*
 * One profile; whatever is wrong with it stays with it. Our own failure counts as one of the profile's.
 *
 * Return: 0, or -errno (logged) when the supervisor cannot be told
 */
static int load_profile(Run *run, ProfileResult *r) {
        const ProfileConfig *config = r->config;
        MsgQuarantine quarantine;
        int k = 0;

        r->has_previous = request_find_profile(&run->request, config->name, &r->previous);
        r->last_generation = generations_last(&run->request.generations, span_from_string(config->name));
        r->had_crls = had_crls(&run->request, config->name);

        if (config->broken) {
                r->key_failed = true;
                snprintf(r->failure.detail, sizeof(r->failure.detail), "%s", config->reason ? config->reason : "its file is broken");
                /* What the file wanted is not known: to go on with the old key might be less than it demands. */
                r->previous.generation = 0;
        } else if (request_find_left_out(&run->request, config->name, &quarantine))
                leave_out(r, &quarantine);
        else if (age_is_young(&run->vault, &run->request.load, r))
                leave_out(r, &(MsgQuarantine) {.put_off = true});
        else {
                run->vault.profile = config->name;
                k = tell_progress(ROLE_FD_CONTROL, config->name);
                if (k < 0)
                        return k;
                k = load_parts(r, &run->vault);
        }

        if (k < 0) {
                log_errno(k, "Cannot load profile %s", config->name);
                r->key_failed = true;
                r->failure = (LoadFailure) {.verdict = VERDICT_IO, .hint = "see the journal; it is tried again"};
                snprintf(r->failure.detail, sizeof(r->failure.detail), "loading failed inside keyd: %s", strerrordesc_np(-k));
        }

        decide_profile(r, &run->request.load);
        return 0;
}

static int load_some(Run *run, bool of_vault) {
        int r = 0;

        for (size_t i = 0; i < run->n_results && r >= 0; i++)
                if (store_asks_vault(run->results[i].config) == of_vault)
                        r = load_profile(run, &run->results[i]);

        return r;
}

/* Those of secret stores last: a load that begins anew, because files of another take long, has not asked one in vain. */
static int load_profiles(Run *run) {
        const Config *c = run->config;
        int r;

        /* Nobody has a key yet that would work meanwhile: the other profiles shall not wait long for the vault's. */
        vault_init(&run->vault, c, ROLE_FD_CONTROL, run->request.load.previous_realtime == 0 ? FIRST_VAULT_USEC : VAULT_USEC);
        age_note(&run->vault, &run->request.load);
        run->results = calloc(c->n_profiles + 1, sizeof(*run->results));
        if (!run->results)
                return -ENOMEM;

        for (size_t i = 0; i < c->n_profiles; i++)
                if (c->profiles[i]->applies)
                        run->results[run->n_results++].config = c->profiles[i];

        r = load_some(run, false);
        if (r >= 0)
                r = load_some(run, true);
        if (r >= 0)
                r = tell_progress(ROLE_FD_CONTROL, "");
        if (r >= 0 && !run->request.load.dry_run)
                r = instance_sync(&run->vault, c, run->request.load.quiet, &run->problems);
        if (r >= 0)
                r = vault_tell_retry(&run->vault);
        return r < 0 ? r : age_tell_refresh(&run->vault, run->results, run->n_results);
}

/* stages */

static int read_request(Run *run) {
        int r;

        r = request_receive(ROLE_FD_CONTROL, deadline_after(REQUEST_USEC), &run->request);
        if (r != 0)
                return log_errno(r > 0 ? -EPROTO : r, "The supervisor's request cannot be read");

        r = record_list_new(ROLE_EXTRA_RECORDS_MAX - PROGRESS_MAX - OTHERS_MAX - KEEPS_MAX, ROLE_SNAPSHOT_BYTES_MAX, &run->extra);
        if (r >= 0)
                r = record_list_new(ROLE_SNAPSHOT_RECORDS_MAX - 1, ROLE_SNAPSHOT_BYTES_MAX - 1, &run->snapshot);

        return r < 0 ? log_errno(r, "Cannot begin") : 0;
}

/* Folders are watched before they are read, so that a change meanwhile is seen. */
static int read_configuration(Run *run, size_t *n_sent) {
        int r;

        r = watchlist_add_folders(run->config_dir, run->extra);
        if (r < 0)
                return log_errno(r, "Cannot list the folders of the configuration");
        r = send_list(run->extra, n_sent);
        if (r < 0)
                return r;
        r = config_load(run->config_dir, NULL, &run->config, &run->problems);
        if (r < 0)
                return log_errno(r, "Cannot read the configuration");
        r = watchlist_add_files(run->config, run->extra);
        if (r < 0)
                return log_errno(r, "Cannot list the folders of the keys");

        return send_list(run->extra, n_sent);
}

static int read_handed_on(Run *run) {
        Config *c = run->config;
        int r;

        r = tcp_token_read(c, &run->problems);
        for (size_t i = 0; i < c->n_connections && r >= 0; i++)
                if (c->connections[i]->applies)
                        r = proxy_password_read(c->connections[i], c->host_key_folder, &run->problems);

        return r < 0 ? log_errno(r, "Cannot read the secrets that calld is told") : 0;
}

static int give_keys(const Run *run) {
        const Publication p = publication(run);
        uint32_t n_missing = 0;
        int r;

        if (run->request.load.dry_run)
                return 0;

        /* Loaders come one after the other, so the time names the load. */
        r = grant_send(&p, ROLE_FD_KEYS, now_usec(), deadline_after(SIGNER_USEC), &n_missing);
        if (r != 0)
                return log_errno(r > 0 ? -EPROTO : r, "The signer does not take the keys");
        if (n_missing == 0)
                return 0;

        /* To fail is to have all keys sent again. When they were, one that the signer does not take must not stop the others. */
        log_message(PRIORITY_ERROR, "The signer does not hold the keys of %u profiles", n_missing);
        return run->request.load.resend_keys ? 0 : -ESTALE;
}

/* The same but for the revision */
static bool is_unchanged(const Run *run) {
        const RecordList *old = run->request.previous, *new = run->snapshot;

        if (record_list_count(old) != record_list_count(new) + 1)
                return false;
        for (size_t i = 1; i < record_list_count(new); i++)
                if (!span_equal(record_list_get(old, i), record_list_get(new, i)))
                        return false;

        return true;
}

static void record_all(const Run *run) {
        const Publication p = publication(run);

        if (run->request.load.dry_run)
                return;
        if (!run->request.load.quiet || !is_unchanged(run))
                record_configuration(run->config, &run->problems);
        record_keys(&p);
}

static int publish(Run *run, size_t *n_sent) {
        const Publication p = publication(run);
        size_t n_snapshot = 0;
        int r;

        r = publish_snapshot(&p, run->snapshot);
        if (r >= 0)
                r = record_add_reports(&p, &run->problems, run->extra);
        if (r < 0)
                return log_errno(r, "The configuration cannot be handed on");

        r = send_list(run->extra, n_sent);
        if (r >= 0)
                r = send_list(run->snapshot, &n_snapshot);

        return r;
}

int run_load(const char *config_dir) {
        _cleanup_(run_done) Run run = {.config_dir = config_dir};
        size_t n_sent = 0;
        int r;

        r = read_request(&run);
        if (r >= 0)
                r = read_configuration(&run, &n_sent);
        if (r >= 0)
                r = read_handed_on(&run);
        if (r >= 0)
                r = load_profiles(&run);
        if (r >= 0)
                r = publish(&run, &n_sent);
        if (r < 0)
                return r;

        /* The end tells the supervisor that the snapshot may be shown to calld: not before the signer can sign with what it names. */
        r = give_keys(&run);
        if (r < 0)
                return r;
        record_all(&run);

        return send_end();
}
