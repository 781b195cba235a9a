#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What the fetcher gives up once the vault's name is resolved: files, other processes, every socket but those of the Internet */

#include "common/def.h"

/* Before: nothing has come from the vault. Return: 0 or -errno */
int confine(bool sandbox_off) _must_check_;
