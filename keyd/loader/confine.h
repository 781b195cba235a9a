#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What the loader gives up before it reads anything: it opens files to read them, and nothing else */

#include "common/def.h"

/* @sandbox_off: no syscall filter. @supervised: keyd bounds the time of each profile; else the kernel bounds that of the process. Return: 0 or -errno */
int confine(bool sandbox_off, bool supervised) _must_check_;
