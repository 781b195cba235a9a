/* SPDX-License-Identifier: Apache-2.0 */

/* Of the verifier and the signer */

#include "common/jail.h"
#include "common/role-process.h"
#include "tests/system/escape/escape.h"

int escape_confine(void) {
        int r = jail_prepare();

        return r < 0 ? r : role_install_filter();
}
