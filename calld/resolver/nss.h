#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* One lookup by the C library: in a process of its own, since what answers is foreign code and foreign bytes, and may take as long as it likes */

#include "common/msg-resolve.h"

/* Return: 0 with the ANSWER in @record, or -errno */
int nss_answer(const MsgLookup *m, Buf *record) _must_check_;
