#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What a load says: records in the journal, and reports for root */

#include "common/problem.h"
#include "keyd/loader/publish.h"

/* config-error: one for each problem; config-loaded */
void record_configuration(const Config *c, const Problems *problems);

/* key-loaded, key-load-failed, key-expiring, for what has changed since the last load; key-removed */
void record_keys(const Publication *p);

/* Adds REPORT records: one a profile, those included that are gone, and one for each error of the configuration that no profile's report tells. */
int record_add_reports(const Publication *p, const Problems *problems, RecordList *ret) _must_check_;
