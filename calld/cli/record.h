#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* A record of the audit trail as one readable line */

#include "calld/cli/output.h"

/* The events of the contract, as MIDTLS_EVENT has them. Ends with NULL. */
extern const char *const record_events[];

/* @record is what journalctl -o json prints. Times are local ones. */
void record_print(const json_t *record, FILE *f, bool color);
