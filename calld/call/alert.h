#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* TLS alerts by number */

#include "common/def.h"

/* "bad_certificate", or "unknown". Static storage. */
const char *alert_to_string(int description);

/* True when a server says by it that it does not like the client's certificate. */
bool alert_rejects_certificate(int description);
