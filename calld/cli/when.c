/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/when.h"

#include <string.h>

#include "common/parse.h"

#define SECONDS_MAX (UINT64_MAX / USEC_PER_SEC)

uint64_t when_now(void) {
        struct timespec t;

        ASSERT(clock_gettime(CLOCK_REALTIME, &t) == 0);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

void when_format(uint64_t realtime_usec, char ret[32]) {
        time_t t = (time_t) (realtime_usec / USEC_PER_SEC);
        struct tm tm;

        snprintf(ret, 32, "-");
        if (localtime_r(&t, &tm))
                ignore_result(strftime(ret, 32, "%Y-%m-%d %H:%M:%S", &tm), "32 bytes hold it");
}

static int to_usec(time_t seconds, uint64_t *ret_usec) {
        if (seconds < 0)
                return -EINVAL;

        *ret_usec = (uint64_t) seconds * USEC_PER_SEC;
        return 0;
}

/* The day that began @n_days before today's. */
static int parse_day(uint64_t now_usec, int n_days, uint64_t *ret_usec) {
        time_t now = (time_t) (now_usec / USEC_PER_SEC);
        struct tm tm;

        if (!localtime_r(&now, &tm))
                return -EINVAL;

        tm.tm_mday -= n_days;
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_isdst = -1;
        return to_usec(mktime(&tm), ret_usec);
}

static int parse_calendar(const char *s, uint64_t *ret_usec) {
        static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"};

        for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
                struct tm tm = {.tm_isdst = -1};
                const char *end = strptime(s, formats[i], &tm);

                if (end && !*end)
                        return to_usec(strchr(formats[i], 'T') ? timegm(&tm) : mktime(&tm), ret_usec);
        }
        return -EINVAL;
}

int when_parse(const char *s, uint64_t now_usec, uint64_t *ret_usec) {
        uint64_t v;

        if (strcmp(s, "now") == 0) {
                *ret_usec = now_usec;
                return 0;
        }
        if (strcmp(s, "today") == 0)
                return parse_day(now_usec, 0, ret_usec);
        if (strcmp(s, "yesterday") == 0)
                return parse_day(now_usec, 1, ret_usec);
        if (s[0] == '@') {
                if (parse_uint(s + 1, 0, SECONDS_MAX, &v) < 0)
                        return -EINVAL;
                *ret_usec = v * USEC_PER_SEC;
                return 0;
        }
        if (parse_timespan(s, &v) == 0) {
                *ret_usec = v < now_usec ? now_usec - v : 0;
                return 0;
        }

        return parse_calendar(s, ret_usec);
}
