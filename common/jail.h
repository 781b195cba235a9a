#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a process gives up before the first byte from a peer
 */

#include "common/def.h"

/* Whether this is a build for AddressSanitizer or UBSan, whose run-time needs more than a filter permits. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

typedef enum JailAction {
        JAIL_ALLOW,
        JAIL_ERRNO, /* answered with an errno instead of death */
} JailAction;

/* One line of a syscall list; lists stand beside the code that needs them. */
typedef struct JailRule {
        const char *name; /* a name libseccomp knows; a name this platform has not is skipped */
        JailAction action;
        int error; /* for JAIL_ERRNO */
        /* Optional: allowed only if (argument & mask) == value */
        bool has_argument;
        unsigned argument;
        uint64_t mask;
        uint64_t value;
} JailRule;

/* Not dumpable, no core, no new privileges. First thing in main(). Return: 0 or -errno */
int jail_prepare(void) _must_check_;

/* Installs the filter; anything not listed kills the process. Return: 0 or -errno */
int jail_seccomp(const JailRule *rules, size_t n_rules) _must_check_;
