/* SPDX-License-Identifier: Apache-2.0 */

/*
 * keyd-runner: the role that asks CyberArk's Credential Provider by running its program
 *
 * Started only when Program= is set in [CyberArk]; lives for one load. The one process of midtls that runs a program which is not its own: the
 * fetcher faces the network, the loader opens keystores, and the supervisor lives long, so it is none of them. It should hold nothing but the value
 * that is on its way; it must not speak to anybody but the loader and the program. It installs no filter of its own, because that would bind the
 * program too, of whose calls nothing is known; the unit's filter holds for both, and so does Landlock: what the supervisor may keep on disk, the
 * program may not write. NoExecPaths= forbids the program until an administrator allows it.
 */

#include <poll.h>

#include "common/jail.h"
#include "common/landlock.h"
#include "common/log.h"
#include "common/role-process.h"
#include "keyd/runner/run.h"

#define EXIT_USAGE 2
#define IDLE_USEC (60 * USEC_PER_SEC)
#define SEND_USEC (5 * USEC_PER_SEC)
#define CHANGE_PAUSE_MSEC 1500 /* between two questions while a password is being changed */

#define HINT_LATE "see whether the Credential Provider on this host is up; Timeout= in [CyberArk] says how long it may take"

/* Return: 0, 1 at the end, -errno */
static int receive(Secret **ret) {
        *ret = secret_free(*ret);
        return fetch_receive(ROLE_FD_CONTROL, deadline_after(IDLE_USEC), ret);
}

static int answer(const FetchAnswer *a) {
        return fetch_send_answer(ROLE_FD_CONTROL, a, deadline_after(SEND_USEC));
}

/* Return: 0 with *ret filled, or -errno */
static int ask_once(const FetchOpen *open, const FetchAsk *ask, uint64_t deadline_usec, FetchAnswer *ret) {
        _cleanup_(provider_arguments_done) ProviderArguments arguments = {};
        _cleanup_(provider_result_done) ProviderResult result = {};
        int r;

        *ret = (FetchAnswer) {};
        r = run_check_program(open->endpoint, ret);
        if (r == 0)
                r = provider_make_arguments(open, ask, &arguments, ret);
        if (r != 0)
                return MIN_OF(r, 0);

        r = run_program(arguments.items, deadline_usec, &result);
        if (r == RUN_E_LATE)
                fetch_fail(ret, FETCH_RETRY_ALL, HINT_LATE, "CyberArk's program did not answer in time");
        else if (r == RUN_E_LARGE)
                fetch_fail(ret, FETCH_CONFIGURATION, "see Program= in [CyberArk]", "CyberArk's program wrote more than 160 KiB");
        if (r != 0)
                return MIN_OF(r, 0);

        return provider_read(ask, &result, ret);
}

static bool is_changing(const FetchAnswer *a) {
        return a->is_changing || (a->class == FETCH_RETRY && a->code[0]);
}

/* While the password is being changed: again, as long as there is time. */
static int ask_patiently(const FetchOpen *open, const FetchAsk *ask, FetchAnswer *ret) {
        uint64_t deadline_usec = deadline_after(ask->timeout_usec);
        int r;

        for (;;) {
                r = ask_once(open, ask, deadline_usec, ret);
                if (r < 0 || !is_changing(ret) || now_usec() + 2 * CHANGE_PAUSE_MSEC * USEC_PER_MSEC >= deadline_usec)
                        return r;

                fetch_answer_done(ret);
                ignore_result(poll(NULL, 0, CHANGE_PAUSE_MSEC), "then it was shorter");
        }
}

static int serve(const FetchOpen *open) {
        _cleanup_(secret_freep) Secret *record = NULL;
        int r;

        do {
                _cleanup_(fetch_ask_done) FetchAsk ask = {};
                _cleanup_(fetch_answer_done) FetchAnswer a = {};

                r = receive(&record);
                if (r == 0)
                        r = fetch_parse_ask(record, &ask);
                if (r == 0)
                        r = ask_patiently(open, &ask, &a);
                if (r == 0)
                        r = answer(&a);
        } while (r == 0);

        return r;
}

static int work(void) {
        _cleanup_(secret_freep) Secret *record = NULL;
        _cleanup_(fetch_open_done) FetchOpen open = {};
        _cleanup_(fetch_answer_done) FetchAnswer opened = {};
        int r;

        r = receive(&record);
        if (r == 0)
                r = fetch_parse_open(record, &open);
        if (r != 0)
                return r;

        r = run_check_program(open.endpoint, &opened);
        r = answer(&opened);
        if (r < 0 || opened.class != FETCH_OK)
                return r;

        return serve(&open);
}

static int confine(bool sandbox_off) {
        static const LandlockRules rules = {.allow_files = landlock_allow_execute, .tcp = LANDLOCK_TCP_CONNECT};
        char text[LANDLOCK_TEXT_MAX];
        int r;

        r = sandbox_off ? 0 : landlock_confine(&rules, text);
        return r < 0 ? log_errno(r, "Cannot confine the runner by Landlock") : 0;
}

int main(int argc, char *argv[]) {
        RoleOptions o;
        int r;

        r = jail_prepare();
        if (r >= 0)
                r = role_options_parse(argc, argv, &o);
        if (r != 0)
                return EXIT_USAGE;
        role_open_log("keyd-runner", o.log);

        if (confine(o.sandbox_off) < 0)
                return EXIT_FAILURE;

        /* That the channel was closed is how it ends. */
        return work() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
