/* SPDX-License-Identifier: Apache-2.0 */

/*
 * keyd-fetcher: the role that asks a secret store over the network
 *
 * Lives for one load: started by the supervisor when the loader wishes, ended by it, or by the loader's end of the channel being closed. It
 * should hold no more than what proves to its one store who asks, and the value that is on its way; it must not open a file once the store's
 * name is resolved, listen, start anything, or speak to anybody but the store and the loader.
 */

#include "common/jail.h"
#include "common/log.h"
#include "common/role-process.h"
#include "keyd/fetcher/confine.h"
#include "keyd/fetcher/stores.h"
#include "keyd/fetcher/wiping.h"

#define EXIT_USAGE 2
#define IDLE_USEC (60 * USEC_PER_SEC)
#define SEND_USEC (5 * USEC_PER_SEC)

/* Return: 0, 1 at the end, -errno */
static int receive(Secret **ret) {
        *ret = secret_free(*ret);
        return fetch_receive(ROLE_FD_CONTROL, deadline_after(IDLE_USEC), ret);
}

static int answer(const FetchAnswer *a) {
        return fetch_send_answer(ROLE_FD_CONTROL, a, deadline_after(SEND_USEC));
}

/* FETCH_CA* FETCH_OPEN. Return: 0, 1 when there is none or it is malformed, -errno */
static int receive_open(Session *s) {
        _cleanup_(secret_freep) Secret *record = NULL;
        int r;

        for (;;) {
                r = receive(&record);
                if (r != 0)
                        return r;
                if (fetch_type(record) == ROLE_FETCH_OPEN)
                        return fetch_parse_open(record, &s->open);

                r = fetch_parse_ca(record, &s->ca);
                if (r != 0)
                        return r;
        }
}

static int serve_one(const Store *store, Session *s, const Secret *record) {
        _cleanup_(fetch_ask_done) FetchAsk ask = {};
        _cleanup_(fetch_answer_done) FetchAnswer a = {};
        int r;

        r = fetch_parse_ask(record, &ask);
        if (r == 0)
                r = store->ask(s, &ask, deadline_after(ask.timeout_usec), &a);

        return r != 0 ? r : answer(&a);
}

static int serve(const Store *store, Session *s) {
        _cleanup_(secret_freep) Secret *record = NULL;
        int r;

        do {
                r = receive(&record);
                if (r == 0)
                        r = serve_one(store, s, record);
        } while (r == 0);

        return r;
}

static int work(bool sandbox_off) {
        _cleanup_(session_done) Session s = {.ca = {.max = FETCH_CA_BYTES_MAX}};
        _cleanup_(fetch_answer_done) FetchAnswer opened = {};
        const Store *store;
        int r;

        r = receive_open(&s);
        if (r != 0)
                return r;
        store = store_find(s.open.store);
        if (!store)
                return -EOPNOTSUPP;
        s.words = &store->words;
        r = session_open(&s, &opened);
        if (r < 0)
                return log_errno(r, "Cannot prepare to ask %s", s.words->name);
        r = confine(sandbox_off);
        if (r < 0)
                return log_errno(r, "Cannot confine the fetcher");
        r = answer(&opened);
        if (r < 0 || opened.class != FETCH_OK)
                return r;

        r = serve(store, &s);
        if (store->end)
                store->end(&s);
        return r;
}

int main(int argc, char *argv[]) {
        RoleOptions o;
        int r;

        r = jail_prepare();
        if (r >= 0)
                r = role_options_parse(argc, argv, &o);
        if (r != 0)
                return EXIT_USAGE;
        role_open_log("keyd-fetcher", o.log);

        r = wiping_install();
        if (r < 0) {
                log_errno(r, "Cannot prepare the libraries");
                return EXIT_FAILURE;
        }
        /* That the channel was closed is how it ends. */
        r = work(o.sandbox_off);
        curl_global_cleanup();

        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
