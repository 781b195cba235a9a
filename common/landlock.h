#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Landlock, see landlock(7): files, TCP ports, and signals and abstract Unix sockets of other processes
 *
 * What a kernel does not know yet is left out: files since Linux 5.13, TCP ports since 6.7 (ABI 4), scopes since 6.12 (ABI 6). It holds for the
 * calling thread and for those that it makes afterwards, and for its children; it can be made tighter only.
 */

#include "common/def.h"

typedef enum LandlockTcp {
        LANDLOCK_TCP_NONE,
        LANDLOCK_TCP_CONNECT, /* to any port; none is listened at */
        LANDLOCK_TCP_DNS,     /* to port 53 */
} LandlockTcp;

typedef struct LandlockRules {
        int (*allow_files)(int ruleset); /* NULL: no file is opened; else one of those below */
        LandlockTcp tcp;
} LandlockRules;

#define LANDLOCK_TEXT_MAX 96U

/*
 * Before: no new privileges. After: @rules hold as far as the kernel goes.
 *
 * @ret_text: LANDLOCK_TEXT_MAX bytes: what was reached, for the record: "Landlock ABI 4: files, TCP", "no Landlock"
 * Return: the ABI, 0 when the kernel has none, -errno when it has one and refuses
 */
int landlock_confine(const LandlockRules *rules, char *ret_text) _must_check_;

/* landlock-files.c, apart because it opens files: all may be read; all may be read and executed, and /dev/null be written. Return: 0 or -errno */
int landlock_allow_read(int ruleset) _must_check_;
int landlock_allow_execute(int ruleset) _must_check_;

/* As the last one, and files below $STATE_DIRECTORY, where there is one, may be made, written and removed. Return: 0 or -errno */
int landlock_allow_keep(int ruleset) _must_check_;
