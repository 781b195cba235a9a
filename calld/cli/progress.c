/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/progress.h"

#define FIRST_USEC USEC_PER_SEC
#define NEXT_USEC (200 * USEC_PER_MSEC)
#define CLEAR_LINE "\r\x1b[K"

void progress_init(Progress *p, bool on, const char *what, uint64_t total) {
        *p = (Progress) {.what = what, .total = total, .started_usec = now_usec(), .on = on && isatty(STDERR_FILENO)};
}

static void format_bytes(double n, char ret[24]) {
        static const char units[] = {'K', 'M', 'G', 'T'};
        size_t i = 0;

        if (n < 1024) {
                snprintf(ret, 24, "%.0f bytes", n);
                return;
        }
        for (n /= 1024; n >= 1024 && i + 1 < ARRAY_SIZE(units); i++)
                n /= 1024;
        snprintf(ret, 24, "%.1f%c", n, units[i]);
}

void progress_format(const Progress *p, uint64_t now_usec, char ret[96]) {
        uint64_t usec = MAX_OF(now_usec - p->started_usec, (uint64_t) 1);
        char done[24], total[24], speed[24];

        format_bytes((double) p->done, done);
        format_bytes((double) p->total, total);
        format_bytes((double) p->done * USEC_PER_SEC / (double) usec, speed);
        if (p->total > 0)
                snprintf(ret, 96, "%s of %s %s (%.0f%%), %s/s", done, total, p->what, 100 * (double) p->done / (double) p->total, speed);
        else
                snprintf(ret, 96, "%s %s, %s/s", done, p->what, speed);
}

void progress_add(Progress *p, size_t n_bytes) {
        uint64_t now = now_usec();
        char text[96];

        p->done += n_bytes;
        if (!p->on || now - p->started_usec < FIRST_USEC || now - p->shown_usec < NEXT_USEC)
                return;

        p->shown_usec = now;
        progress_format(p, now, text);
        fprintf(stderr, CLEAR_LINE "%s", text);
        fflush(stderr);
}

void progress_end(Progress *p) {
        if (p->shown_usec > 0)
                fputs(CLEAR_LINE, stderr);
        p->shown_usec = 0;
        p->on = false;
}
