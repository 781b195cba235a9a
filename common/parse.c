/* SPDX-License-Identifier: Apache-2.0 */

#include "common/parse.h"

#include <strings.h>

/* Reads digits at *s and moves it behind them; -EINVAL without a digit, -ERANGE beyond 64 bits. */
static int take_uint(const char **s, uint64_t *ret) {
        uint64_t v = 0;
        const char *p = *s;

        if (*p < '0' || *p > '9')
                return -EINVAL;

        for (; *p >= '0' && *p <= '9'; p++) {
                uint64_t digit = (uint64_t) (*p - '0');

                if (v > (UINT64_MAX - digit) / 10)
                        return -ERANGE;
                v = v * 10 + digit;
        }

        *s = p;
        *ret = v;
        return 0;
}

int parse_uint(const char *s, uint64_t min, uint64_t max, uint64_t *ret) {
        uint64_t v;
        int r;

        r = take_uint(&s, &v);
        if (r < 0)
                return r;
        if (*s)
                return -EINVAL;
        if (v < min || v > max)
                return -ERANGE;

        *ret = v;
        return 0;
}

int parse_bool(const char *s, bool *ret) {
        static const char *const yes[] = {"1", "yes", "true", "on", "y", "t"};
        static const char *const no[] = {"0", "no", "false", "off", "n", "f"};

        for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
                if (strcasecmp(s, yes[i]) == 0) {
                        *ret = true;
                        return 0;
                }
                if (strcasecmp(s, no[i]) == 0) {
                        *ret = false;
                        return 0;
                }
        }

        return -EINVAL;
}

int parse_size(const char *s, uint64_t *ret) {
        static const struct {
                char suffix;
                unsigned shift;
        } units[] = {{'K', 10}, {'M', 20}, {'G', 30}};
        uint64_t v;
        unsigned shift = 0;
        int r;

        r = take_uint(&s, &v);
        if (r < 0)
                return r;

        for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                if (*s == units[i].suffix) {
                        shift = units[i].shift;
                        s++;
                        break;
                }
        if (*s)
                return -EINVAL;
        if (v > UINT64_MAX >> shift)
                return -ERANGE;

        *ret = v << shift;
        return 0;
}

typedef struct TimeUnit {
        const char *name;
        uint64_t usec;
} TimeUnit;

/* systemd.time(7); the longer names first, so that "min" is not taken for "m". */
static const TimeUnit time_units[] = {
        {"seconds", USEC_PER_SEC},
        {"second", USEC_PER_SEC},
        {"sec", USEC_PER_SEC},
        {"minutes", USEC_PER_MINUTE},
        {"minute", USEC_PER_MINUTE},
        {"min", USEC_PER_MINUTE},
        {"msec", USEC_PER_MSEC},
        {"ms", USEC_PER_MSEC},
        {"months", 2629800 * USEC_PER_SEC},
        {"month", 2629800 * USEC_PER_SEC},
        {"hours", 60 * USEC_PER_MINUTE},
        {"hour", 60 * USEC_PER_MINUTE},
        {"hr", 60 * USEC_PER_MINUTE},
        {"days", 1440 * USEC_PER_MINUTE},
        {"day", 1440 * USEC_PER_MINUTE},
        {"weeks", 10080 * USEC_PER_MINUTE},
        {"week", 10080 * USEC_PER_MINUTE},
        {"usec", 1},
        {"us", 1},
        {"s", USEC_PER_SEC},
        {"m", USEC_PER_MINUTE},
        {"h", 60 * USEC_PER_MINUTE},
        {"d", 1440 * USEC_PER_MINUTE},
        {"w", 10080 * USEC_PER_MINUTE},
};

/* The factor of the unit at *s, which is moved behind it; a bare number is seconds; 0 for an unknown unit. */
static uint64_t take_unit(const char **s) {
        size_t size = strspn(*s, "abcdefghijklmnopqrstuvwxyz");

        if (size == 0)
                return USEC_PER_SEC;

        for (size_t i = 0; i < ARRAY_SIZE(time_units); i++)
                if (strlen(time_units[i].name) == size && strncmp(*s, time_units[i].name, size) == 0) {
                        *s += size;
                        return time_units[i].usec;
                }

        return 0;
}

int parse_timespan(const char *s, uint64_t *ret_usec) {
        uint64_t sum = 0;

        s += strspn(s, " ");
        if (!*s)
                return -EINVAL;

        while (*s) {
                uint64_t v, unit;
                int r;

                r = take_uint(&s, &v);
                if (r < 0)
                        return r;
                s += strspn(s, " ");
                unit = take_unit(&s);
                if (unit == 0)
                        return -EINVAL;
                if (v > (UINT64_MAX - sum) / unit)
                        return -ERANGE;
                sum += v * unit;
                s += strspn(s, " ");
        }

        *ret_usec = sum;
        return 0;
}

int parse_port(const char *s, uint16_t *ret) {
        uint64_t v;
        int r;

        r = parse_uint(s, 1, UINT16_MAX, &v);
        if (r < 0)
                return r;

        *ret = (uint16_t) v;
        return 0;
}

void hex_encode(const uint8_t *data, size_t size, char *ret) {
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < size; i++) {
                ret[2 * i] = digits[data[i] >> 4];
                ret[2 * i + 1] = digits[data[i] & 15];
        }
        ret[2 * size] = 0;
}
