/* SPDX-License-Identifier: Apache-2.0 */

#include "common/landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>

/* Newer than some <linux/landlock.h>; their numbers are the kernel's for ever. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define NET_BIND_TCP (1ULL << 0)
#define NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)
#define RULE_NET_PORT 2
#define PORT_DNS 53

#define ABI_TCP 4
#define ABI_SCOPES 6

/* As of ABI 6; a kernel takes a struct that is shorter than its own. */
typedef struct Ruleset {
        uint64_t files, tcp, scopes;
} Ruleset;

typedef struct NetPort {
        uint64_t allowed, port;
} NetPort;

/* The rights that an ABI knows: LANDLOCK_ACCESS_FS_*, one after the other. */
static uint64_t all_files(int abi) {
        static const unsigned n_rights[] = {0, 13, 14, 15, 15, 16};

        return (UINT64_C(1) << n_rights[MIN_OF(abi, (int) ARRAY_SIZE(n_rights) - 1)]) - 1;
}

/* $NOTIFY_SOCKET may be an abstract one, which has to be reached. */
static uint64_t all_scopes(void) {
        const char *manager = getenv("NOTIFY_SOCKET");

        return SCOPE_SIGNAL | (manager && manager[0] == '@' ? 0 : SCOPE_ABSTRACT_UNIX_SOCKET);
}

static Ruleset make_ruleset(const LandlockRules *rules, int abi) {
        Ruleset s = {.files = all_files(abi)};

        if (abi >= ABI_TCP)
                s.tcp = NET_BIND_TCP | (rules->tcp == LANDLOCK_TCP_CONNECT ? 0 : NET_CONNECT_TCP);
        if (abi >= ABI_SCOPES)
                s.scopes = all_scopes();
        return s;
}

static int allow_port(int ruleset, const NetPort *rule) {
        return syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, rule, 0) < 0 ? -errno : 0;
}

static int allow_tcp(int ruleset, LandlockTcp tcp, int abi) {
        static const NetPort dns = {.allowed = NET_CONNECT_TCP, .port = PORT_DNS};

        return tcp == LANDLOCK_TCP_DNS && abi >= ABI_TCP ? allow_port(ruleset, &dns) : 0;
}

static int restrict_self(const LandlockRules *rules, int abi) {
        Ruleset s = make_ruleset(rules, abi);
        size_t size = abi >= ABI_SCOPES ? sizeof(s) : abi >= ABI_TCP ? offsetof(Ruleset, scopes) : offsetof(Ruleset, tcp);
        _cleanup_fd_ int ruleset = -1;
        int r;

        ruleset = (int) syscall(SYS_landlock_create_ruleset, &s, size, 0);
        if (ruleset < 0)
                return -errno;
        r = rules->allow_files ? rules->allow_files(ruleset) : 0;
        if (r >= 0)
                r = allow_tcp(ruleset, rules->tcp, abi);
        if (r < 0)
                return r;
        return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}

int landlock_confine(const LandlockRules *rules, char *ret_text) {
        long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
        int r;

        snprintf(ret_text, LANDLOCK_TEXT_MAX, "no Landlock");
        if (abi < 0)
                return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;

        r = restrict_self(rules, (int) abi);
        if (r < 0)
                return r;

        snprintf(ret_text, LANDLOCK_TEXT_MAX, "Landlock ABI %d: files%s%s", (int) abi, abi >= ABI_TCP ? ", TCP" : "",
                 abi >= ABI_SCOPES ? ", scopes" : "");
        return (int) abi;
}
