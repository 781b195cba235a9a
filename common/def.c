/* SPDX-License-Identifier: Apache-2.0 */

#include "common/def.h"

#include <limits.h>

int deadline_to_poll_ms(uint64_t deadline_usec) {
        uint64_t now, left_ms;

        if (deadline_usec == USEC_INFINITY)
                return -1;

        now = now_usec();
        if (deadline_usec <= now)
                return 0;

        left_ms = (deadline_usec - now - 1) / USEC_PER_MSEC + 1;
        return left_ms > INT_MAX ? INT_MAX : (int) left_ms;
}
