/* SPDX-License-Identifier: Apache-2.0 */

/* Folders that matter: a change there, once it is followed by silence, is a reason to load */

#include <string.h>
#include <sys/inotify.h>

#include "common/log.h"
#include "keyd/supervisor/supervisor-internal.h"

#define WATCHES_MAX 8192U
#define EVENTS (IN_CREATE | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define EVENTS_OF_FOLDER (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)

static Watch *watch_free(Watch *w) {
        if (!w)
                return NULL;

        sd_event_source_disable_unref(w->source);
        free(w->folder);
        free(w->name);
        free(w);
        return NULL;
}
DEFINE_CLEANUP(Watch *, watch_free)

static int on_silence(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Supervisor *s = userdata;

        s->first_change_usec = 0;
        load_request(s, LOAD_CHANGE, false);
        return 0;
}

/* Silence after the last change, but not for ever when there is none: a busy folder is loaded all the same. */
static void wait_for_silence(Supervisor *s) {
        uint64_t now = now_usec(), waited;

        if (s->first_change_usec == 0)
                s->first_change_usec = now;
        waited = now - s->first_change_usec;

        supervisor_arm(s->debounce_source, waited >= s->p->debounce_max_usec ? 0 : MIN_OF(s->p->debounce_usec, s->p->debounce_max_usec - waited));
}

/* What a load that begins now reads anyway is no reason for another one. */
void watch_forget_changes(Supervisor *s) {
        s->first_change_usec = 0;
        ignore_result(sd_event_source_set_enabled(s->debounce_source, SD_EVENT_OFF), "a load more does no harm");
}

static int on_change(sd_event_source *source _unused_, const struct inotify_event *event, void *userdata) {
        Watch *w = userdata;

        if (event->mask & EVENTS_OF_FOLDER)
                w->gone = true;
        else if (!(event->mask & IN_Q_OVERFLOW) && *w->name && (event->len == 0 || strcmp(event->name, w->name) != 0))
                return 0;

        wait_for_silence(w->supervisor);
        return 0;
}

static Watch *find(Supervisor *s, const char *folder, const char *name) {
        for (Watch *w = s->watches; w; w = w->next)
                if (strcmp(w->folder, folder) == 0 && strcmp(w->name, name) == 0)
                        return w;

        return NULL;
}

void watch_begin_round(Supervisor *s) {
        s->watch_round++;
}

static int watch_again(Watch *w) {
        Supervisor *s = w->supervisor;
        int r;

        w->source = sd_event_source_disable_unref(w->source);
        w->gone = false;

        r = sd_event_add_inotify(s->loop, &w->source, w->folder, EVENTS, on_change, w);
        if (r < 0)
                return r;
        /* before a request to reload that came after the change: watch_forget_changes() */
        return sd_event_source_set_priority(w->source, SD_EVENT_PRIORITY_IMPORTANT);
}

int watch_add(Supervisor *s, Span folder, Span name) {
        _cleanup_(watch_freep) Watch *w = calloc(1, sizeof(*w));
        Watch *known;
        int r;

        if (!w)
                return -ENOMEM;
        r = span_to_string(folder, &w->folder);
        if (r >= 0)
                r = span_to_string(name, &w->name);
        if (r < 0)
                return r;

        known = find(s, w->folder, w->name);
        if (known) {
                known->round = s->watch_round;
                if (!known->gone)
                        return 0;
        } else {
                if (s->n_watches >= WATCHES_MAX)
                        return -E2BIG;
                w->supervisor = s;
                w->round = s->watch_round;
                w->next = s->watches;
                known = s->watches = TAKE_PTR(w);
                s->n_watches++;
        }

        r = watch_again(known);
        if (r < 0) {
                /* Gone already, not ours to read, no watches left: what it would have told, the refresh finds. */
                known->gone = true;
                log_message(PRIORITY_WARNING, "Cannot watch %s: %s; changes there are seen at the next refresh", known->folder, strerrordesc_np(-r));
        }
        return 0;
}

void watch_end_round(Supervisor *s) {
        Watch **link = &s->watches;

        while (*link) {
                Watch *w = *link;

                if (w->round == s->watch_round) {
                        link = &w->next;
                        continue;
                }
                *link = w->next;
                s->n_watches--;
                watch_free(w);
        }
}

void watch_done(Supervisor *s) {
        s->watch_round++;
        watch_end_round(s);
}

int watch_start(Supervisor *s) {
        return supervisor_add_timer(s, on_silence, s, &s->debounce_source);
}
