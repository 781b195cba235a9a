/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/shared.h"

static void lock(Shared *s) {
        ASSERT(pthread_mutex_lock(&s->lock) == 0);
}

static void unlock(Shared *s) {
        ASSERT(pthread_mutex_unlock(&s->lock) == 0);
}

void shared_init(Shared *s) {
        *s = (Shared) {.lock = PTHREAD_MUTEX_INITIALIZER, .started_usec = now_usec()};
}

void shared_done(Shared *s) {
        users_done(&s->users);
        pthread_mutex_destroy(&s->lock);
}

bool shared_add_connection(Shared *s, uid_t uid, unsigned max) {
        UserCount *count;
        bool ok;

        lock(s);
        count = users_get(&s->users, uid);
        ok = count && ++count->n_connections <= max;
        unlock(s);
        return ok;
}

void shared_remove_connection(Shared *s, uid_t uid) {
        UserCount *count;

        lock(s);
        count = users_get(&s->users, uid);
        if (count && count->n_connections > 0)
                count->n_connections--;
        users_tidy(&s->users, uid);
        unlock(s);
}

static int add_call(Shared *s, uid_t uid, unsigned max_calls, unsigned max_calls_per_user, unsigned *ret_n) {
        UserCount *user = users_get(&s->users, uid);

        *ret_n = s->n_calls;
        if (s->n_calls >= max_calls)
                return SHARED_E_CALLS;

        *ret_n = user ? user->n_calls : 0;
        if (!user || user->n_calls >= max_calls_per_user)
                return SHARED_E_CALLS_PER_USER;

        s->n_calls++;
        user->n_calls++;
        return 0;
}

int shared_add_call(Shared *s, uid_t uid, unsigned max_calls, unsigned max_calls_per_user, unsigned *ret_n) {
        int r;

        lock(s);
        r = add_call(s, uid, max_calls, max_calls_per_user, ret_n);
        unlock(s);
        return r;
}

void shared_remove_call(Shared *s, uid_t uid) {
        UserCount *user;

        lock(s);
        s->n_calls--;
        user = users_get(&s->users, uid);
        if (user && user->n_calls > 0)
                user->n_calls--;
        users_tidy(&s->users, uid);
        unlock(s);
}

void shared_count(Shared *s, CallCode code, const CallReport *report, uint64_t duration_usec) {
        lock(s);
        metrics_count(&s->metrics, code, report, duration_usec);
        unlock(s);
}

bool shared_keyd_is_up(const Shared *s) {
        for (size_t i = 0; i < s->n_watches; i++)
                if (!s->watches[i].up)
                        return false;
        return true;
}

uint64_t shared_revision(const Shared *s) {
        uint64_t least = UINT64_MAX;

        for (size_t i = 0; i < s->n_watches; i++)
                least = MIN_OF(least, s->watches[i].revision);
        return least;
}

unsigned shared_read(Shared *s, Metrics *ret) {
        unsigned n_calls;

        lock(s);
        *ret = s->metrics;
        n_calls = s->n_calls;
        unlock(s);
        return n_calls;
}
