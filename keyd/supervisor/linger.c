/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Loaders that have ended, and are not reaped yet
 *
 * The journal looks up by its pid to which unit a record belongs, when it reads the record. A loader has often ended by then; as long as it is
 * not reaped, its cgroup can still be read, and `journalctl -u` shows that a key was loaded.
 */

#include <string.h>
#include <sys/wait.h>

#include "keyd/supervisor/supervisor-internal.h"

#define LINGER_USEC (3 * USEC_PER_SEC)

static void reap_oldest(Supervisor *s) {
        ignore_result(waitpid(s->lingering[0].pid, NULL, 0), "it was ours and has ended");
        memmove(&s->lingering[0], &s->lingering[1], --s->n_lingering * sizeof(s->lingering[0]));
}

static int on_time(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Supervisor *s = userdata;
        uint64_t now = now_usec();

        while (s->n_lingering > 0 && s->lingering[0].until_usec <= now)
                reap_oldest(s);
        if (s->n_lingering > 0)
                supervisor_arm(s->linger_source, s->lingering[0].until_usec - now);

        return 0;
}

int linger_start(Supervisor *s) {
        return supervisor_add_timer(s, on_time, s, &s->linger_source);
}

void linger_add(Supervisor *s, pid_t pid) {
        if (s->n_lingering == LINGERING_MAX)
                reap_oldest(s);

        s->lingering[s->n_lingering++] = (Lingering) {.pid = pid, .until_usec = deadline_after(LINGER_USEC)};
        if (s->n_lingering == 1)
                supervisor_arm(s->linger_source, LINGER_USEC);
}

void linger_stop(Supervisor *s) {
        s->linger_source = sd_event_source_disable_unref(s->linger_source);
        while (s->n_lingering > 0)
                reap_oldest(s);
}
