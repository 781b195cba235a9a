/* SPDX-License-Identifier: Apache-2.0 */

/* The fetchers of a load: started when the loader wishes, gone when the load is over; and the patience with a vault */

#include <signal.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "common/log.h"
#include "keyd/supervisor/spawn.h"
#include "keyd/supervisor/supervisor-internal.h"

#define DOUBLINGS_MAX 16U

int fetcher_prepare(Fetcher *f) {
        int pair[2], r;

        *f = (Fetcher) {.loader_fd = -1, .fetcher_fd = -1};
        r = spawn_pair(pair);
        if (r < 0)
                return r;

        f->loader_fd = pair[0];
        f->fetcher_fd = pair[1];
        return 0;
}

int fetcher_start(Supervisor *s, bool by_program, Fetcher *f) {
        SpawnRequest q = {
                .folder = s->p->executables,
                .name = by_program ? "keyd-runner" : "keyd-fetcher",
                .log = s->p->log,
                .sandbox_off = s->p->sandbox_off,
        };
        int r;

        spawn_set_fds(&q, f->fetcher_fd, -1, -1);
        r = spawn_role(&q, &f->pid);

        /* So that the loader sees its end. */
        close_fdp(&f->fetcher_fd);
        return r < 0 ? log_errno(r, "Cannot start a fetcher") : 0;
}

/* It is killed, so it is gone at once; that the loop has ended already does not matter. */
void fetcher_stop(Fetcher *f) {
        close_fdp(&f->loader_fd);
        close_fdp(&f->fetcher_fd);
        if (f->pid == 0)
                return;

        kill(f->pid, SIGKILL);
        ignore_result(waitpid(f->pid, NULL, 0), "it was ours and has ended");
        f->pid = 0;
}

/* From three quarters to five quarters of it: hosts that lost the vault together do not come back together. */
static uint64_t jitter(uint64_t usec) {
        uint32_t chance = UINT32_MAX / 2;

        ignore_result(getrandom(&chance, sizeof(chance), GRND_NONBLOCK), "then in the middle");
        return usec - usec / 4 + usec / 2 * chance / UINT32_MAX;
}

void fetcher_arm_retry(Supervisor *s, uint32_t after_sec) {
        uint64_t backoff = s->p->retry_usec << MIN_OF(s->n_retries, DOUBLINGS_MAX);

        supervisor_arm(s->retry_source, MIN_OF(MAX_OF(jitter(backoff), after_sec * USEC_PER_SEC), s->p->refresh_usec));
}
