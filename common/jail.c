/* SPDX-License-Identifier: Apache-2.0 */

#include "common/jail.h"

#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void filter_releasep(scmp_filter_ctx *f) {
        if (*f)
                seccomp_release(*f);
}

int jail_prepare(void) {
        static const struct rlimit none = {};

        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return -errno;
        if (setrlimit(RLIMIT_CORE, &none) < 0)
                return -errno;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;

        return 0;
}

static int add_rule(scmp_filter_ctx f, const JailRule *rule) {
        uint32_t action = rule->action == JAIL_ERRNO ? SCMP_ACT_ERRNO((uint32_t) rule->error) : SCMP_ACT_ALLOW;
        int number = seccomp_syscall_resolve_name(rule->name);

        /* Not on this architecture, or newer than this libseccomp: then nobody can call it by that number either. */
        if (number == __NR_SCMP_ERROR)
                return 0;
        if (!rule->has_argument)
                return seccomp_rule_add(f, action, number, 0);

        return seccomp_rule_add(f, action, number, 1, SCMP_CMP64(rule->argument, SCMP_CMP_MASKED_EQ, rule->mask, rule->value));
}

int jail_seccomp(const JailRule *rules, size_t n_rules) {
        _cleanup_(filter_releasep) scmp_filter_ctx f = NULL;
        int r;

        f = seccomp_init(SCMP_ACT_KILL_PROCESS);
        if (!f)
                return -ENOMEM;

        for (size_t i = 0; i < n_rules; i++) {
                r = add_rule(f, &rules[i]);
                if (r < 0)
                        return r;
        }

        /* Threads that exist already are filtered too. */
        r = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
        if (r < 0)
                return r;

        return seccomp_load(f);
}
