/* SPDX-License-Identifier: Apache-2.0 */

#include "common/jail.h"
#include "keyd/fetcher/confine.h"
#include "tests/system/escape/escape.h"

int escape_confine(void) {
        int r = jail_prepare();

        return r < 0 ? r : confine(false);
}
