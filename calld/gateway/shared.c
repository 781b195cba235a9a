/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/shared.h"

#include <sys/resource.h>

#define CONNECTIONS_MIN 16U
#define CONNECTIONS_MAX 16384U

static void lock(Shared *s) {
        ASSERT(pthread_mutex_lock(&s->lock) == 0);
}

static void unlock(Shared *s) {
        ASSERT(pthread_mutex_unlock(&s->lock) == 0);
}

/* Three quarters of the descriptors are for callers, the others for far servers and the rest: not all who are connected have a call under way. */
static unsigned find_max_connections(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return CONNECTIONS_MIN;
        limit.rlim_cur = limit.rlim_max;
        ignore_result(setrlimit(RLIMIT_NOFILE, &limit), "with fewer descriptors there are fewer callers");
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return CONNECTIONS_MIN;
        if (limit.rlim_cur == RLIM_INFINITY)
                return CONNECTIONS_MAX;
        return (unsigned) MAX_OF(MIN_OF(limit.rlim_cur / 4 * 3, (rlim_t) CONNECTIONS_MAX), (rlim_t) CONNECTIONS_MIN);
}

void shared_init(Shared *s) {
        *s = (Shared) {
                .max_connections = find_max_connections(),
                .lock = PTHREAD_MUTEX_INITIALIZER,
                .started_usec = now_usec(),
                .quiet_since_usec = now_usec(),
        };
}

void shared_done(Shared *s) {
        users_done(&s->users);
        metrics_done(&s->metrics);
        pthread_mutex_destroy(&s->lock);
}

void shared_set_sandbox(Shared *s, bool has_filter, const char *landlock) {
        snprintf(s->sandbox, sizeof(s->sandbox), "%s; %s", has_filter ? "syscall filter" : "no syscall filter", landlock);
}

bool shared_add_connection(Shared *s, uid_t uid, unsigned min) {
        /* whoever only waits costs little, so that one program may keep many; another user finds room all the same */
        unsigned max = MAX_OF(s->max_connections / 4 * 3, min);
        UserCount *count;
        bool ok;

        lock(s);
        s->n_connections++;
        count = users_get(&s->users, uid);
        ok = count && ++count->n_connections <= max;
        unlock(s);
        return ok;
}

void shared_remove_connection(Shared *s, uid_t uid) {
        UserCount *count;

        lock(s);
        if (--s->n_connections == 0)
                s->quiet_since_usec = now_usec();
        count = users_get(&s->users, uid);
        if (count && count->n_connections > 0)
                count->n_connections--;
        users_tidy(&s->users, uid);
        unlock(s);
}

uint64_t shared_quiet_since(Shared *s) {
        uint64_t since;

        lock(s);
        since = s->n_connections > 0 ? 0 : s->quiet_since_usec;
        unlock(s);
        return since;
}

uint64_t shared_idle_exit(const Shared *s) {
        uint64_t longest = 0;

        for (size_t i = 0; i < s->n_watches; i++) {
                uint64_t usec = s->watches[i].idle_exit_usec;

                if (usec == 0)
                        return 0;
                longest = MAX_OF(longest, usec);
        }
        return longest;
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

void shared_count(Shared *s, Span alias, CallCode code, const CallReport *report, uint64_t duration_usec) {
        lock(s);
        metrics_count(&s->metrics, alias, code, report, duration_usec);
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

unsigned shared_draining(const Shared *s) {
        unsigned n = 0;

        for (size_t i = 0; i < s->n_watches; i++)
                n += s->watches[i].n_draining;
        return n;
}

uint64_t shared_configuration_usec(const Shared *s) {
        uint64_t last = 0;

        for (size_t i = 0; i < s->n_watches; i++) {
                if (s->watches[i].changed_usec == 0)
                        return 0;
                last = MAX_OF(last, s->watches[i].changed_usec);
        }
        return last;
}

unsigned shared_n_calls(Shared *s) {
        unsigned n;

        lock(s);
        n = s->n_calls;
        unlock(s);
        return n;
}

int shared_read(Shared *s, Metrics *ret) {
        int r;

        lock(s);
        r = metrics_copy(&s->metrics, ret);
        unlock(s);
        return r;
}
