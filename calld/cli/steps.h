#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Steps: the result of POST /test/ALIAS, a line for each step */

#include "calld/cli/output.h"

/* Whether every step was good, by "ok" and by the steps themselves. */
bool steps_good(const json_t *test);

/* @utf8: ticks and crosses can be shown; else words stand for them. */
void steps_print(const json_t *test, FILE *f, const TableStyle *style, bool utf8);
