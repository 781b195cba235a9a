/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/confine.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "common/jail.h"
#include "common/landlock.h"

#define CPU_SECONDS_MAX 20U
#define MEMORY_MAX (512UL * 1024 * 1024)

/*
 * Files are opened to be read, and none becomes code: who asks for that (libxml2 does, for an encoding that glibc has as a module) is refused.
 * No socket can be made. What OpenSSL and glibc ask at start is answered or refused.
 */
/* clang-format off */
static const JailRule syscalls[] = {
        /* files */
        {.name = "access"},
        {.name = "close"},
        {.name = "faccessat"},
        {.name = "faccessat2"},
        {.name = "fcntl"},
        {.name = "fstat"},
        {.name = "fstatfs"},
        {.name = "getcwd"},
        {.name = "getdents64"},
        {.name = "lseek"},
        {.name = "lstat"},
        {.name = "newfstatat"},
        {.name = "open",   .has_argument = true, .argument = 1, .mask = O_ACCMODE, .value = O_RDONLY},
        {.name = "openat", .has_argument = true, .argument = 2, .mask = O_ACCMODE, .value = O_RDONLY},
        {.name = "pread64"},
        {.name = "read"},
        {.name = "readlink"},
        {.name = "readlinkat"},
        {.name = "readv"},
        {.name = "stat"},
        {.name = "statfs"},
        {.name = "statx"},

        /* memory */
        {.name = "brk"},
        {.name = "ftruncate"},
        {.name = "madvise"},
        {.name = "memfd_create"},
        {.name = "memfd_secret"},
        {.name = "mlock"},
        {.name = "mlock2"},
        {.name = "mmap",     .has_argument = true, .argument = 2, .mask = PROT_EXEC, .value = 0},
        {.name = "mmap",     .has_argument = true, .argument = 2, .mask = PROT_EXEC, .value = PROT_EXEC, .action = JAIL_ERRNO, .error = EPERM},
        {.name = "mprotect", .has_argument = true, .argument = 2, .mask = PROT_EXEC, .value = 0},
        {.name = "mprotect", .has_argument = true, .argument = 2, .mask = PROT_EXEC, .value = PROT_EXEC, .action = JAIL_ERRNO, .error = EPERM},
        {.name = "mremap"},
        {.name = "munlock"},
        {.name = "munmap"},

        /* records */
        {.name = "poll"},
        {.name = "ppoll"},
        {.name = "recvfrom"},
        {.name = "recvmsg"},
        {.name = "sendmsg"},
        {.name = "sendto"},
        {.name = "shutdown"}, /* of the channel to the fetcher */
        {.name = "write"},
        {.name = "writev"},

        /* time, chance, itself */
        {.name = "clock_getres"},
        {.name = "clock_gettime"},
        {.name = "exit"},
        {.name = "exit_group"},
        {.name = "futex"},
        {.name = "getegid"},
        {.name = "geteuid"},
        {.name = "getgid"},
        {.name = "getpid"},
        {.name = "getrandom"},
        {.name = "getrlimit"},
        {.name = "gettid"},
        {.name = "gettimeofday"},
        {.name = "getuid"},
        {.name = "prlimit64"},
        {.name = "restart_syscall"},
        {.name = "rt_sigaction"},
        {.name = "rt_sigprocmask"},
        {.name = "rt_sigreturn"},
        {.name = "sched_getaffinity"},
        {.name = "sched_yield"},
        {.name = "sysinfo"},
        {.name = "time"},
        {.name = "uname"},
        {.name = "ioctl", .action = JAIL_ERRNO, .error = ENOTTY}, /* stdio asks whether it writes to a terminal */
};
/* clang-format on */

static int limit(int resource, rlim_t value) {
        const struct rlimit l = {.rlim_cur = value, .rlim_max = value};

        return setrlimit(resource, &l) < 0 ? -errno : 0;
}

/* With the one row that is not constant: abort() signals this process; others of its user run beside it. */
static int install_filter(void) {
        JailRule rules[ARRAY_SIZE(syscalls) + 1];

        memcpy(rules, syscalls, sizeof(syscalls));
        rules[ARRAY_SIZE(syscalls)] =
                (JailRule) {.name = "tgkill", .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = (uint64_t) getpid()};

        return jail_seccomp(rules, ARRAY_SIZE(rules));
}

int confine(bool sandbox_off, bool supervised) {
        /* keystores lie where their owners want them */
        static const LandlockRules rules = {.allow_files = landlock_allow_read, .tcp = LANDLOCK_TCP_NONE};
        char text[LANDLOCK_TEXT_MAX];
        int r;

        r = jail_prepare();
        if (r >= 0 && !supervised)
                r = limit(RLIMIT_CPU, CPU_SECONDS_MAX);
        if (r < 0 || SANITIZED)
                return r;

        r = limit(RLIMIT_AS, MEMORY_MAX);
        if (r < 0 || sandbox_off)
                return r;

        r = landlock_confine(&rules, text);
        return r < 0 ? r : install_filter();
}
