#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What the loader gives up before it reads anything: it opens files to read them, and nothing else */

#include "common/def.h"

/* @sandbox_off: no syscall filter. Return: 0 or -errno */
int confine(bool sandbox_off) _must_check_;
