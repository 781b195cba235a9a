/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/resolver/confine.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "common/jail.h"
#include "common/landlock.h"

#define SOCKET_FAMILY(family) \
        { .name = "socket", .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = (family) }

/*
 * A lookup: files to be read, servers to be asked over UDP, TCP and Unix sockets, modules of NSS to be loaded. Code comes from files alone, and
 * no memory that can be written becomes code. Nothing is started, nothing listens.
 */
/* clang-format off */
static const JailRule lookup_calls[] = {
        /* files */
        {.name = "access"},
        {.name = "close"},
        {.name = "faccessat"},
        {.name = "faccessat2"},
        {.name = "fcntl",    .has_argument = true, .argument = 1, .mask = UINT32_MAX, .value = F_GETFD},
        {.name = "fcntl",    .has_argument = true, .argument = 1, .mask = UINT32_MAX, .value = F_SETFD},
        {.name = "fcntl",    .has_argument = true, .argument = 1, .mask = UINT32_MAX, .value = F_GETFL},
        {.name = "fcntl",    .has_argument = true, .argument = 1, .mask = UINT32_MAX, .value = F_SETFL},
        {.name = "fstat"},
        {.name = "fstatfs"},
        {.name = "getdents64"},
        {.name = "lseek"},
        {.name = "lstat"},
        {.name = "newfstatat"},
        {.name = "open",     .has_argument = true, .argument = 1, .mask = O_ACCMODE | O_CREAT | O_TRUNC, .value = O_RDONLY},
        {.name = "openat",   .has_argument = true, .argument = 2, .mask = O_ACCMODE | O_CREAT | O_TRUNC, .value = O_RDONLY},
        {.name = "pread64"},
        {.name = "read"},
        {.name = "readlink"},
        {.name = "readlinkat"},
        {.name = "readv"},
        {.name = "stat"},
        {.name = "statfs"},
        {.name = "statx"},

        /* servers; that there is no netlink tells the C library no more than that it cannot ask which addresses this host has */
        SOCKET_FAMILY(AF_UNIX),
        SOCKET_FAMILY(AF_INET),
        SOCKET_FAMILY(AF_INET6),
        {.name = "socket",   .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = AF_NETLINK, .action = JAIL_ERRNO, .error = EAFNOSUPPORT},
        {.name = "connect"},
        {.name = "epoll_create1"},
        {.name = "epoll_ctl"},
        {.name = "epoll_pwait"},
        {.name = "epoll_wait"},
        {.name = "getpeername"},
        {.name = "getsockname"},
        {.name = "getsockopt"},
        {.name = "ioctl",    .has_argument = true, .argument = 1, .mask = UINT32_MAX, .value = FIONREAD},
        {.name = "ioctl",    .has_argument = true, .argument = 1, .mask = UINT32_MAX, .value = TCGETS, .action = JAIL_ERRNO, .error = ENOTTY},
        {.name = "poll"},
        {.name = "ppoll"},
        {.name = "recvfrom"},
        {.name = "recvmsg"},
        {.name = "sendmmsg"},
        {.name = "sendmsg"},
        {.name = "sendto"},
        {.name = "setsockopt"},
        {.name = "shutdown"},
        {.name = "write"},
        {.name = "writev"},

        /* memory */
        {.name = "brk"},
        {.name = "madvise"},
        {.name = "mmap",     .has_argument = true, .argument = 2, .mask = PROT_EXEC, .value = 0},
        {.name = "mmap",     .has_argument = true, .argument = 2, .mask = PROT_EXEC | PROT_WRITE, .value = PROT_EXEC},
        {.name = "mprotect", .has_argument = true, .argument = 2, .mask = PROT_EXEC, .value = 0},
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
        {.name = "getppid"},
        {.name = "getrandom"},
        {.name = "gettid"},
        {.name = "gettimeofday"},
        {.name = "getuid"},
        {.name = "nanosleep"},
        {.name = "prctl",    .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = PR_CAPBSET_READ}, /* libcap asks when it is loaded */
        {.name = "restart_syscall"},
        {.name = "rseq"},
        {.name = "rt_sigaction"},
        {.name = "rt_sigprocmask"},
        {.name = "rt_sigreturn"},
        {.name = "sched_yield"},
        {.name = "set_robust_list"},
        {.name = "time"},
        {.name = "uname"},
};

/* The resolver itself: starts lookups, by a fork that shares nothing, and ends them. */
static const JailRule resolver_calls[] = {
        {.name = "clone",      .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD},
        {.name = "clone3",     .action = JAIL_ERRNO, .error = ENOSYS}, /* its flags lie in memory */
        {.name = "close_range"},
        {.name = "dup2"},
        {.name = "dup3"},
        {.name = "kill",       .has_argument = true, .argument = 1, .mask = UINT32_MAX, .value = SIGKILL},
        {.name = "prctl",      .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = PR_SET_PDEATHSIG},
        {.name = "prctl",      .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = PR_SET_NO_NEW_PRIVS}, /* libseccomp */
        {.name = "seccomp"},
        {.name = "socketpair", .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = AF_UNIX},
        {.name = "wait4"},
};
/* clang-format on */

int confine_resolver(bool sandbox_off, char *ret_text) {
        static const LandlockRules landlock = {.allow_files = landlock_allow_read, .tcp = LANDLOCK_TCP_DNS};
        JailRule rules[ARRAY_SIZE(lookup_calls) + ARRAY_SIZE(resolver_calls)];
        int r;

        snprintf(ret_text, LANDLOCK_TEXT_MAX, "no Landlock");
        if (sandbox_off || SANITIZED)
                return 0;

        r = landlock_confine(&landlock, ret_text);
        if (r < 0)
                return r;
        memcpy(rules, lookup_calls, sizeof(lookup_calls));
        memcpy(rules + ARRAY_SIZE(lookup_calls), resolver_calls, sizeof(resolver_calls));
        return jail_seccomp(rules, ARRAY_SIZE(rules));
}

int confine_lookup(bool sandbox_off) {
        return sandbox_off || SANITIZED ? 0 : jail_seccomp(lookup_calls, ARRAY_SIZE(lookup_calls));
}
