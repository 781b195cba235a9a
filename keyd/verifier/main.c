/* SPDX-License-Identifier: Apache-2.0 */

/*
 * keyd-verifier: the role that faces calld
 *
 * No key, no file, no network, no child, one thread. It reads what strangers sent to calld, and asks the signer for what has passed the check.
 */

#include <getopt.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <poll.h>
#include <signal.h>

#include "common/chan.h"
#include "common/jail.h"
#include "common/log.h"
#include "common/msg-load.h"
#include "keyd/verifier/control.h"
#include "keyd/verifier/signer-channel.h"

#define READY_USEC USEC_PER_SEC

typedef struct Options {
        LogTarget log;
        bool sandbox_off;
} Options;

/* Return: 0, 1 for a mistake in usage */
static int parse_options(int argc, char **argv, Options *ret) {
        static const struct option options[] = {{"log", required_argument, NULL, 'l'}, {"sandbox", required_argument, NULL, 's'}, {}};
        int c;

        *ret = (Options) {.log = LOG_TARGET_AUTO};
        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                if (c == 'l')
                        ret->log = log_target_from_string(optarg);
                else if (c == 's' && strcmp(optarg, "off") == 0)
                        ret->sandbox_off = true;
                else
                        return 1;
        }

        return optind < argc || ret->log == _LOG_TARGET_INVALID;
}

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

/* What remains when hostile bytes are here: records and their answers, memory, time, randomness, the log, the end. */
static const JailRule syscalls[] = {
        {.name = "brk"},
        {.name = "clock_gettime"},
        {.name = "close"},
        {.name = "exit"},
        {.name = "exit_group"},
        {.name = "futex"},
        {.name = "getpid"}, /* OpenSSL's generator asks whether it was forked */
        {.name = "getrandom"},
        {.name = "madvise"},
        {.name = "memfd_create", .action = JAIL_ERRNO, .error = EPERM}, /* sd_journal_sendv() when the journal's queue is full */
        {.name = "mmap", .has_argument = true, .argument = 2, .mask = 0x4 /* PROT_EXEC */, .value = 0},
        {.name = "mremap"},
        {.name = "munmap"},
        {.name = "poll"},
        {.name = "ppoll"}, /* poll() where there is no such call */
        {.name = "prctl", .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = 16 /* PR_GET_NAME: the same */},
        {.name = "recvmsg"},
        {.name = "restart_syscall"},
        {.name = "rt_sigreturn"},
        {.name = "sendmsg"},
        {.name = "sendto"},
        {.name = "write"},
};

static int send_ready(const char *text) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_TEXT_MAX + 64);
        MsgReady m = {.text = span_from_string(text)};
        int r;

        r = msg_ready_encode(&record, &m);
        return r < 0 ? r : chan_send(ROLE_FD_CONTROL, buf_span(&record), deadline_after(READY_USEC));
}

/* After: the filter holds, and the supervisor knows what was reached. */
static int confine(bool sandbox_off) {
        const char *text = sandbox_off ? "no syscall filter" : "syscall filter";
        LogRecord rec;
        int r;

        /* Also opens the journal's socket. */
        log_record_init(&rec, sandbox_off ? PRIORITY_WARNING : PRIORITY_INFO, EVENT_SANDBOX);
        log_record_send(&rec, "Verifier: %s", text);

        if (!sandbox_off) {
                r = jail_seccomp(syscalls, ARRAY_SIZE(syscalls));
                if (r < 0)
                        return log_errno(r, "Cannot install the syscall filter");
        }

        r = send_ready(text);
        return r < 0 ? log_errno(r, "Cannot tell the supervisor") : 0;
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
}

int main(int argc, char **argv) {
        static Verifier verifier;
        Options options;
        int r;

        if (jail_prepare() < 0)
                return EXIT_FAILURE;
        if (parse_options(argc, argv, &options) != 0) {
                fprintf(stderr, "Usage: %s [--log=auto|journal|console|json] [--sandbox=off]\n", argv[0]);
                return 2;
        }
        log_open("keyd-verifier", options.log);

        prepare_sessions(&verifier);
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || prepare_libraries(&verifier) < 0) {
                log_message(PRIORITY_ERROR, "Cannot prepare OpenSSL");
                return EXIT_FAILURE;
        }

        r = confine(options.sandbox_off);
        if (r == 0)
                r = run(&verifier);

        verifier_done(&verifier);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
