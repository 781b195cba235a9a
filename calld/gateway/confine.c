/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/confine.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "common/jail.h"
#include "common/landlock.h"

/*
 * TCP to far servers, records to keyd and the resolver, callers. No file is opened, nothing is started, no thread is made, no memory becomes code.
 * A Unix socket is made for libcurl's own wake-up alone, as a connected pair of a type that cannot be connected to anything else.
 * Libraries that look for a file they can do without are told that there is none for them: the C library for the time zone and the memory
 * policy.
 */
/* clang-format off */
static const JailRule syscalls[] = {
        /* network */
        {.name = "accept"},
        {.name = "accept4"},
        {.name = "bind",       .action = JAIL_ERRNO, .error = EACCES},
        {.name = "connect"},
        {.name = "getpeername"},
        {.name = "getsockname"},
        {.name = "getsockopt"},
        {.name = "recvfrom"},
        {.name = "recvmsg"},
        {.name = "sendmmsg"},
        {.name = "sendmsg"},
        {.name = "sendto"},
        {.name = "setsockopt"},
        {.name = "shutdown"},
        {.name = "socket",     .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = AF_INET},
        {.name = "socket",     .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = AF_INET6},
        {.name = "socketpair", .has_argument = true, .argument = 1, .mask = 0xf, .value = SOCK_STREAM},

        /* bytes and events */
        {.name = "close"},
        {.name = "epoll_create1"},
        {.name = "epoll_ctl"},
        {.name = "epoll_pwait"},
        {.name = "epoll_pwait2"},
        {.name = "epoll_wait"},
        {.name = "eventfd2"},
        {.name = "fcntl",      .has_argument = true, .argument = 1, .mask = UINT32_MAX, .value = F_GETFD},
        {.name = "fcntl",      .has_argument = true, .argument = 1, .mask = UINT32_MAX, .value = F_SETFD},
        {.name = "fcntl",      .has_argument = true, .argument = 1, .mask = UINT32_MAX, .value = F_GETFL},
        {.name = "fcntl",      .has_argument = true, .argument = 1, .mask = UINT32_MAX, .value = F_SETFL},
        {.name = "fcntl",      .has_argument = true, .argument = 1, .mask = UINT32_MAX, .value = F_DUPFD_CLOEXEC},
        {.name = "ioctl",      .action = JAIL_ERRNO, .error = ENOTTY},
        {.name = "pipe2"},
        {.name = "poll"},
        {.name = "ppoll"},
        {.name = "read"},
        {.name = "readv"},
        {.name = "signalfd4"},
        {.name = "timerfd_create"},
        {.name = "timerfd_settime"},
        {.name = "write"},
        {.name = "writev"},

        /* files */
        {.name = "access",     .action = JAIL_ERRNO, .error = EACCES},
        {.name = "faccessat",  .action = JAIL_ERRNO, .error = EACCES},
        {.name = "faccessat2", .action = JAIL_ERRNO, .error = EACCES},
        {.name = "fstat"},
        {.name = "lstat",      .action = JAIL_ERRNO, .error = EACCES},
        {.name = "newfstatat", .has_argument = true, .argument = 3, .mask = AT_EMPTY_PATH, .value = AT_EMPTY_PATH}, /* fstat() */
        {.name = "newfstatat", .has_argument = true, .argument = 3, .mask = AT_EMPTY_PATH, .value = 0, .action = JAIL_ERRNO, .error = EACCES},
        {.name = "open",       .action = JAIL_ERRNO, .error = EACCES},
        {.name = "openat",     .action = JAIL_ERRNO, .error = EACCES},
        {.name = "readlink",   .action = JAIL_ERRNO, .error = EACCES},
        {.name = "readlinkat", .action = JAIL_ERRNO, .error = EACCES},
        {.name = "stat",       .action = JAIL_ERRNO, .error = EACCES},
        {.name = "statfs",     .action = JAIL_ERRNO, .error = EACCES},
        {.name = "statx",      .action = JAIL_ERRNO, .error = EACCES},

        /* memory */
        {.name = "brk"},
        {.name = "madvise"},
        {.name = "mmap",       .has_argument = true, .argument = 2, .mask = PROT_EXEC, .value = 0},
        {.name = "mprotect",   .has_argument = true, .argument = 2, .mask = PROT_EXEC, .value = 0},
        {.name = "mremap"},
        {.name = "munmap"},

        /* time, chance, itself */
        {.name = "clock_getres"},
        {.name = "clock_gettime"},
        {.name = "clock_nanosleep"},
        {.name = "exit"},
        {.name = "exit_group"},
        {.name = "futex"},
        {.name = "getegid"},
        {.name = "geteuid"},
        {.name = "getgid"},
        {.name = "getpid"},
        {.name = "getrandom"},
        {.name = "gettid"},
        {.name = "gettimeofday"},
        {.name = "getuid"},
        {.name = "nanosleep"},
        {.name = "restart_syscall"},
        {.name = "rseq"},            /* a worker that was made just before */
        {.name = "rt_sigaction"},
        {.name = "rt_sigprocmask"},
        {.name = "rt_sigreturn"},
        {.name = "sched_getaffinity"},
        {.name = "sched_yield"},
        {.name = "set_robust_list"}, /* likewise */
        {.name = "sysinfo"},
        {.name = "time"},
};
/* clang-format on */

/*
 * Not the ports of the connections alone: a reload brings new ones, and what Landlock has taken away does not come back. What the unit permits of the
 * network (IPAddressAllow=) and what each connection's handshake proves bounds them.
 */
int confine_calld_files(char *ret_text) {
        static const LandlockRules rules = {.tcp = LANDLOCK_TCP_CONNECT};
        int r;

        r = landlock_confine(&rules, ret_text);
        return r < 0 ? r : 0;
}

/* With the one row that is not constant: abort() signals this process; others of its user run beside it. */
int confine_calld(void) {
        JailRule rules[ARRAY_SIZE(syscalls) + 1];

        memcpy(rules, syscalls, sizeof(syscalls));
        rules[ARRAY_SIZE(syscalls)] =
                (JailRule) {.name = "tgkill", .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = (uint64_t) getpid()};
        return jail_seccomp(rules, ARRAY_SIZE(rules));
}
