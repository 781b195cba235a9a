#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What libFuzzer calls, and how a target says that a property does not hold */

#include "common/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The fuzzer keeps the input that got here. */
#define CHECK(expr) ASSERT(expr)
