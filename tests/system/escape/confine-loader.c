/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/confine.h"
#include "tests/system/escape/escape.h"

int escape_confine(void) {
        return confine(/* sandbox_off= */ false, /* supervised= */ true);
}
