/* SPDX-License-Identifier: Apache-2.0 */

/*
 * keyd-verifier: the role that faces calld
 *
 * No key, no file, no network, no child, one thread. It reads what strangers sent to calld, and asks the signer for what has passed the check.
 */

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <poll.h>
#include <signal.h>

#include "common/algorithms.h"
#include "common/chan.h"
#include "common/jail.h"
#include "common/log.h"
#include "common/role-process.h"
#include "keyd/verifier/control.h"
#include "keyd/verifier/signer-channel.h"

static int compare_bytes(const void *a, const void *b) {
        return *(const uint8_t *) a - *(const uint8_t *) b;
}

/*
 * Should: everything that opens a file or a socket, or asks the system, at its first use. Must not: read from a peer.
 */
static int prepare_libraries(Verifier *v) {
        uint8_t many[4096] = {};
        struct tm tm;
        time_t now = time(NULL);

        /* A configuration file could load foreign code. */
        if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
                return -EIO;

        if (algorithms_new(&v->algorithms) < 0)
                return -EIO;
        algorithms_enter(v->algorithms);

        /* A new verifier never uses an id that its forerunner's answers may carry. */
        if (RAND_bytes((uint8_t *) &v->last_id, sizeof(v->last_id)) != 1)
                return -EIO;
        v->last_id >>= 1;

        /* The check of dates reads /etc/localtime, qsort() asks how much memory there is. */
        tzset();
        if (!gmtime_r(&now, &tm))
                return -EIO;
        qsort(many, sizeof(many), 1, compare_bytes);

        return chain_cache_new(&v->cache);
}

static void prepare_sessions(Verifier *v) {
        for (size_t i = 0; i < SESSIONS_MAX; i++)
                v->sessions[i].fd = -1;
        v->record.max = PROTO_RECORD_MAX;
}

static uint64_t next_deadline(const Verifier *v) {
        uint64_t next = USEC_INFINITY;

        for (size_t i = 0; i < SESSIONS_MAX; i++) {
                const Session *s = &v->sessions[i];

                if (!session_is_open(s))
                        continue;
                next = MIN_OF(next, s->deadline_usec);
                if (s->pending.id != 0)
                        next = MIN_OF(next, s->pending.deadline_usec);
        }

        return next;
}

/* What poll() found of a session; it may have been closed or made anew since, then nothing is there. */
static void on_session(Verifier *v, Session *s, const struct pollfd *p) {
        if (!session_is_open(s) || s->fd != p->fd || !p->revents)
                return;

        if (p->events & POLLIN)
                session_read(v, s);
        else if (p->events & POLLOUT)
                session_flush(s);
        else
                session_close(s); /* calld has gone while it waited for its answer */
}

static void expire(Verifier *v) {
        uint64_t now = now_usec();

        signer_channel_expire(v, now);
        for (size_t i = 0; i < SESSIONS_MAX; i++)
                if (session_is_open(&v->sessions[i]))
                        session_expire(&v->sessions[i], now);
}

/* Return: 0 when the supervisor has gone, -errno */
static int run(Verifier *v) {
        struct pollfd p[SESSIONS_MAX + 2];
        int r;

        for (;;) {
                for (size_t i = 0; i < SESSIONS_MAX; i++) {
                        Session *s = &v->sessions[i];

                        if (s->snapshot_due)
                                session_tell_snapshot(v, s);
                        p[i] = (struct pollfd) {.fd = s->fd, .events = session_events(s)};
                }
                p[SESSIONS_MAX] = (struct pollfd) {.fd = ROLE_FD_CONTROL, .events = POLLIN};
                p[SESSIONS_MAX + 1] = (struct pollfd) {
                        .fd = v->signer_gone ? -1 : ROLE_FD_VERDICTS,
                        .events = (short) (POLLIN | (signer_channel_wants_room(v) ? POLLOUT : 0)),
                };

                if (poll(p, ARRAY_SIZE(p), deadline_to_poll_ms(next_deadline(v))) < 0) {
                        if (errno == EINTR)
                                continue;
                        return log_errno(-errno, "Cannot wait");
                }

                if (p[SESSIONS_MAX + 1].revents & ~POLLOUT)
                        signer_channel_read(v);
                if (p[SESSIONS_MAX + 1].revents)
                        signer_channel_flush(v);
                for (size_t i = 0; i < SESSIONS_MAX; i++)
                        on_session(v, &v->sessions[i], &p[i]);
                expire(v);

                r = p[SESSIONS_MAX].revents ? control_read(v) : 0;
                if (r == CONTROL_E_CLOSED)
                        return 0;
                if (r < 0)
                        return log_errno(r, "The control channel has broken");
                control_tell_idle(v);
        }
}

static void verifier_done(Verifier *v) {
        for (size_t i = 0; i < SESSIONS_MAX; i++)
                session_close(&v->sessions[i]);
        policy_free(v->policy);
        policy_free(v->next_policy);
        snapshot_unref(v->snapshot);
        snapshot_unref(v->next_snapshot);
        chain_cache_free(v->cache);
        buf_done(&v->record);
        algorithms_enter(NULL);
        algorithms_free(v->algorithms);
}

int main(int argc, char **argv) {
        static Verifier verifier;
        RoleOptions options;
        int r;

        if (jail_prepare() < 0)
                return EXIT_FAILURE;
        if (role_options_parse(argc, argv, &options) != 0)
                return 2;
        role_open_log("keyd-verifier", options.log);

        prepare_sessions(&verifier);
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || prepare_libraries(&verifier) < 0) {
                log_message(PRIORITY_ERROR, "Cannot prepare OpenSSL");
                return EXIT_FAILURE;
        }

        r = role_confine("Verifier", "", false, options.sandbox_off);
        if (r == 0)
                r = run(&verifier);

        verifier_done(&verifier);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
