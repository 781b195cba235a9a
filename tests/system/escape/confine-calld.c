/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/confine.h"
#include "common/jail.h"
#include "common/landlock.h"
#include "tests/system/escape/escape.h"

int escape_confine(void) {
        char text[LANDLOCK_TEXT_MAX];
        int r = jail_prepare();

        if (r >= 0)
                r = confine_calld_files(text);
        return r < 0 ? r : confine_calld();
}
