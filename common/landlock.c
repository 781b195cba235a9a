/* SPDX-License-Identifier: Apache-2.0 */

#include "common/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>

/* Newer than some <linux/landlock.h>; their numbers are the kernel's for ever. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define ACCESS_EXECUTE (1ULL << 0)
#define ACCESS_WRITE_FILE (1ULL << 1)
#define ACCESS_READ_FILE (1ULL << 2)
#define ACCESS_READ_DIR (1ULL << 3)
#define NET_BIND_TCP (1ULL << 0)
#define NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT 2
#define PORT_DNS 53

#define ABI_TCP 4
#define ABI_SCOPES 6

/* As of ABI 6; a kernel takes a struct that is shorter than its own. */
typedef struct Ruleset {
        uint64_t files, tcp, scopes;
} Ruleset;

typedef struct PathBeneath {
        uint64_t allowed;
        int32_t parent;
} __attribute__((packed)) PathBeneath;

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

static int add_rule(int fd, int kind, const void *rule) {
        return syscall(SYS_landlock_add_rule, fd, kind, rule, 0) < 0 ? -errno : 0;
}

static int allow_path(int ruleset, const char *path, uint64_t allowed) {
        PathBeneath rule = {.allowed = allowed};
        _cleanup_fd_ int fd = open(path, O_PATH | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        rule.parent = fd;
        return add_rule(ruleset, RULE_PATH_BENEATH, &rule);
}

static int allow_files(int ruleset, LandlockFiles files) {
        uint64_t execute = files == LANDLOCK_FILES_EXECUTE ? ACCESS_EXECUTE : 0;
        int r;

        if (files == LANDLOCK_FILES_NONE)
                return 0;
        r = allow_path(ruleset, "/", ACCESS_READ_FILE | ACCESS_READ_DIR | execute);
        return r < 0 || !execute ? r : allow_path(ruleset, "/dev/null", ACCESS_READ_FILE | ACCESS_WRITE_FILE);
}

static int allow_tcp(int ruleset, LandlockTcp tcp, int abi) {
        static const NetPort dns = {.allowed = NET_CONNECT_TCP, .port = PORT_DNS};

        return tcp == LANDLOCK_TCP_DNS && abi >= ABI_TCP ? add_rule(ruleset, RULE_NET_PORT, &dns) : 0;
}

static int restrict_self(const LandlockRules *rules, int abi) {
        Ruleset s = make_ruleset(rules, abi);
        size_t size = abi >= ABI_SCOPES ? sizeof(s) : abi >= ABI_TCP ? offsetof(Ruleset, scopes) : offsetof(Ruleset, tcp);
        _cleanup_fd_ int ruleset = -1;
        int r;

        ruleset = (int) syscall(SYS_landlock_create_ruleset, &s, size, 0);
        if (ruleset < 0)
                return -errno;
        r = allow_files(ruleset, rules->files);
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
