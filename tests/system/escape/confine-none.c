/* SPDX-License-Identifier: Apache-2.0 */

/* Of a daemon that has no filter of its own */

#include "common/jail.h"
#include "tests/system/escape/escape.h"

int escape_confine(void) {
        return jail_prepare();
}
