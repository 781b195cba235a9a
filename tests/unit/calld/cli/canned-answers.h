#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What a calld with two connections and two profiles answers, one of each broken */

#include "tests/unit/calld/cli/fake-calld.h"

extern const CannedAnswer canned_answers[];
