/* SPDX-License-Identifier: Apache-2.0 */

/*
 * keyd-signer: the role that holds the keys
 *
 * No file, no network, no child, one thread. It reads verdicts and keys from its neighbours in keyd, and ends when the supervisor does.
 */

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <poll.h>
#include <signal.h>

#include "common/chan.h"
#include "common/jail.h"
#include "common/log.h"
#include "common/role-process.h"
#include "keyd/crypto/arena.h"
#include "keyd/signer/intake.h"
#include "keyd/signer/verdict.h"

#define ARENA_SIZE_MAX ((size_t) 16 * 1024 * 1024)
#define SEND_USEC USEC_PER_SEC

static Table table;
static Replay replay;

/* Should: everything that opens a file or a socket, or is made at first use. Must not: read from a peer. */
static int prepare_openssl(void) {
        uint8_t byte;

        /* A configuration file could load foreign code. */
        if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 || RAND_bytes(&byte, 1) != 1)
                return -EIO;

        return 0;
}

static int confine(const ArenaStatus *memory, bool sandbox_off) {
        char text[256];

        snprintf(text, sizeof(text), "keys in %s, %zu KiB, %s dumps, %s children", arena_level_to_string(memory->level), memory->size / 1024,
                 memory->not_dumped ? "not in" : "in", memory->not_forked ? "not in" : "in");
        return role_confine("Signer", text, memory->level == ARENA_UNLOCKED, sandbox_off);
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
        if (r == HANDOVER_E_VIOLATION) {
                intake_violation(&table);
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
static void log_verifier(const char *what) {
        static uint64_t n_left_out, last_usec;
        uint64_t now = now_usec();

        if (now - last_usec < USEC_PER_SEC) {
                n_left_out++;
                return;
        }

        log_message(PRIORITY_WARNING, "The verifier %s (%llu more before)", what, (unsigned long long) n_left_out);
        last_usec = now;
        n_left_out = 0;
}

/* Return: as on_keys */
static int on_verdict(Buf *record) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(VERDICT_ANSWER_MAX);
        int r;

        r = chan_receive(ROLE_FD_VERDICTS, record, 0);
        if (r == -EAGAIN)
                return 0;
        if (r == CHAN_E_VIOLATION) {
                log_verifier("sent a record that is too long, or has a descriptor");
                return 0;
        }
        if (r != 0)
                return r;

        r = verdict_answer(&table, &replay, buf_span(record), &answer);
        if (r == VERDICT_E_MALFORMED) {
                log_verifier("sent a record that is no verdict");
                return 0;
        }
        if (r < 0)
                return r;

        /* It asks for less at a time than there is room for, so one that does not read is not waited for: loads must go on. */
        if (chan_send(ROLE_FD_VERDICTS, buf_span(&answer), 0) < 0)
                log_verifier("does not take its answer");
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
        RoleOptions options;
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

        if (role_options_parse(argc, argv, &options) != 0)
                return 2;
        role_open_log("keyd-signer", options.log);

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
