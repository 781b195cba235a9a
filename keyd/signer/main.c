/* SPDX-License-Identifier: Apache-2.0 */

/*
 * keyd-signer: the role that holds the keys
 *
 * No file, no network, no child, one thread. It reads verdicts and keys from its neighbours in keyd, and ends when the supervisor does.
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
#include "keyd/crypto/arena.h"
#include "keyd/signer/intake.h"
#include "keyd/signer/verdict.h"

#define ARENA_SIZE_MAX ((size_t) 16 * 1024 * 1024)
#define SEND_USEC USEC_PER_SEC

typedef struct Options {
        LogTarget log;
        bool sandbox_off;
} Options;

static Table table;
static Replay replay;

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

/* Should: everything that opens a file or a socket, or is made at first use. Must not: read from a peer. */
static int prepare_openssl(void) {
        uint8_t byte;

        /* A configuration file could load foreign code. */
        if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 || RAND_bytes(&byte, 1) != 1)
                return -EIO;

        return 0;
}

/* What remains when keys are here: records and their answers, memory, time, randomness, the log, the end. */
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
        return r < 0 ? r : chan_send(ROLE_FD_CONTROL, buf_span(&record), deadline_after(SEND_USEC));
}

/* After: the filter holds, and the supervisor knows what was reached. */
static int confine(const ArenaStatus *memory, bool sandbox_off) {
        char text[256];
        LogRecord rec;
        int r;

        snprintf(text, sizeof(text), "keys in %s, %zu KiB, %s dumps, %s children; %s", arena_level_to_string(memory->level), memory->size / 1024,
                 memory->not_dumped ? "not in" : "in", memory->not_forked ? "not in" : "in", sandbox_off ? "no syscall filter" : "syscall filter");

        /* Also opens the journal's socket. */
        log_record_init(&rec, sandbox_off || memory->level == ARENA_UNLOCKED ? PRIORITY_WARNING : PRIORITY_INFO, EVENT_SANDBOX);
        log_record_send(&rec, "Signer: %s", text);

        if (!sandbox_off) {
                r = jail_seccomp(syscalls, ARRAY_SIZE(syscalls));
                if (r < 0)
                        return log_errno(r, "Cannot install the syscall filter");
        }

        r = send_ready(text);
        return r < 0 ? log_errno(r, "Cannot tell the supervisor") : 0;
}

/* Return: 0, 1 when the channel has ended, -errno */
static int on_keys(void) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(64);
        _cleanup_(secret_freep) Secret *record = NULL;
        MsgKeysTaken taken;
        int r;

        r = key_handover_receive(ROLE_FD_KEYS, &record);
        if (r == -EAGAIN)
                return 0;
        if (r == -ENOMEM) {
                log_errno(r, "A record on the keys channel is lost: nothing of this load is taken");
                table_abandon(&table);
                return 0;
        }
        if (r != 0)
                return r;

        r = intake_record(&table, record, now_usec(), &taken);
        if (r != INTAKE_E_TAKEN)
                return r;

        r = msg_keys_taken_encode(&answer, &taken);
        if (r < 0)
                return r;

        r = chan_send(ROLE_FD_KEYS, buf_span(&answer), deadline_after(SEND_USEC));
        if (r < 0)
                log_errno(r, "Cannot tell the loader that its keys are taken");
        return 0;
}

/* Not more than one a second: the verifier may have been taken over. */
static void log_violation(const char *what) {
        static uint64_t n_left_out, last_usec;
        uint64_t now = now_usec();

        if (now - last_usec < USEC_PER_SEC) {
                n_left_out++;
                return;
        }

        log_message(PRIORITY_WARNING, "The verifier sent a record that is %s (%llu more before)", what, (unsigned long long) n_left_out);
        last_usec = now;
        n_left_out = 0;
}

/* Return: as on_keys */
static int on_verdict(Buf *record) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(VERDICT_ANSWER_MAX);
        uint64_t deadline_usec;
        int r;

        r = chan_receive(ROLE_FD_VERDICTS, record, 0);
        if (r == -EAGAIN)
                return 0;
        if (r == CHAN_E_VIOLATION) {
                log_violation("too long, or has a descriptor");
                return 0;
        }
        if (r != 0)
                return r;

        r = verdict_answer(&table, &replay, buf_span(record), &answer, &deadline_usec);
        if (r == VERDICT_E_MALFORMED) {
                log_violation("no verdict");
                return 0;
        }
        if (r < 0)
                return r;

        r = chan_send(ROLE_FD_VERDICTS, buf_span(&answer), MIN_OF(deadline_usec, deadline_after(SEND_USEC)));
        if (r < 0)
                log_errno(r, "An answer to the verifier is lost");
        return 0;
}

/* Return: 0 when the supervisor has gone, -errno */
static int run(void) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        struct pollfd p[] = {
                {.fd = ROLE_FD_CONTROL, .events = POLLIN},
                {.fd = ROLE_FD_KEYS, .events = POLLIN},
                {.fd = ROLE_FD_VERDICTS, .events = POLLIN},
        };
        int r;

        for (;;) {
                uint64_t next_usec = table_expire(&table, now_usec());

                if (poll(p, ARRAY_SIZE(p), deadline_to_poll_ms(next_usec)) < 0) {
                        if (errno == EINTR)
                                continue;
                        return log_errno(-errno, "Cannot wait");
                }

                /* The supervisor says nothing: this is its end. */
                if (p[0].revents)
                        return 0;

                r = p[1].revents ? on_keys() : 0;
                if (r == 0 && p[2].revents)
                        r = on_verdict(&record);
                if (r != 0)
                        return log_errno(r < 0 ? r : -ECONNRESET, "A channel has broken");
        }
}

int main(int argc, char **argv) {
        ArenaStatus memory;
        Options options;
        int r;

        r = jail_prepare();
        if (r == 0)
                r = arena_open(ARENA_SIZE_MAX, &memory);
        if (r == 0)
                r = arena_use_for_openssl();
        if (r < 0) {
                log_errno(r, "Cannot get memory for keys");
                return EXIT_FAILURE;
        }

        if (parse_options(argc, argv, &options) != 0) {
                fprintf(stderr, "Usage: %s [--log=auto|journal|console|json] [--sandbox=off]\n", argv[0]);
                return 2;
        }
        log_open("keyd-signer", options.log);

        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || prepare_openssl() < 0) {
                log_message(PRIORITY_ERROR, "Cannot prepare OpenSSL");
                return EXIT_FAILURE;
        }

        r = confine(&memory, options.sandbox_off);
        if (r == 0)
                r = run();

        table_done(&table);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
