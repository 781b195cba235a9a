/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "common/landlock.h"

#ifndef SYS_landlock_add_rule
#define SYS_landlock_add_rule 445
#endif

static int allow_path(int ruleset, const char *path, uint64_t allowed) {
        struct landlock_path_beneath_attr rule = {.allowed_access = allowed};
        _cleanup_fd_ int fd = open(path, O_PATH | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        rule.parent_fd = fd;
        return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
}

int landlock_allow_read(int ruleset) {
        return allow_path(ruleset, "/", LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR);
}

int landlock_allow_execute(int ruleset) {
        int r;

        r = allow_path(ruleset, "/", LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE);
        return r < 0 ? r : allow_path(ruleset, "/dev/null", LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE);
}

int landlock_allow_keep(int ruleset) {
        const uint64_t change = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE;
        const char *folder = getenv("STATE_DIRECTORY");
        int r;

        r = landlock_allow_execute(ruleset);
        return r < 0 || !folder || folder[0] != '/' ? r : allow_path(ruleset, folder, change);
}
