/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/fetcher/confine.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include "common/jail.h"
#include "common/landlock.h"

/*
 * Connections to the outside, records to the loader, no file: who asks for one is told that there is none, so that a library which looks
 * for a file that need not be there goes on. Nothing listens, nothing is executed, no memory becomes code.
 */
/* clang-format off */
static const JailRule syscalls[] = {
        /* network */
        {.name = "connect"},
        {.name = "getpeername"},
        {.name = "getsockname"},
        {.name = "getsockopt"},
        {.name = "setsockopt"},
        {.name = "shutdown"},
        {.name = "socket",     .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = AF_INET},
        {.name = "socket",     .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = AF_INET6},
        {.name = "socketpair", .has_argument = true, .argument = 0, .mask = UINT32_MAX, .value = AF_UNIX}, /* libcurl wakes itself up */

        /* bytes and records */
        {.name = "close"},
        {.name = "eventfd2"},
        {.name = "fcntl"},
        {.name = "pipe2"},
        {.name = "poll"},
        {.name = "ppoll"},
        {.name = "read"},
        {.name = "recvfrom"},
        {.name = "recvmsg"},
        {.name = "sendmsg"},
        {.name = "sendto"},
        {.name = "write"},
        {.name = "writev"},

        /* files */
        {.name = "access",     .action = JAIL_ERRNO, .error = ENOENT},
        {.name = "faccessat",  .action = JAIL_ERRNO, .error = ENOENT},
        {.name = "newfstatat", .action = JAIL_ERRNO, .error = ENOENT},
        {.name = "open",       .action = JAIL_ERRNO, .error = ENOENT},
        {.name = "openat",     .action = JAIL_ERRNO, .error = ENOENT},
        {.name = "stat",       .action = JAIL_ERRNO, .error = ENOENT},
        {.name = "ioctl",      .action = JAIL_ERRNO, .error = ENOTTY}, /* stdio asks whether it writes to a terminal */

        /* memory */
        {.name = "brk"},
        {.name = "madvise"},
        {.name = "mlock"},
        {.name = "mmap",     .has_argument = true, .argument = 2, .mask = PROT_EXEC, .value = 0},
        {.name = "mprotect", .has_argument = true, .argument = 2, .mask = PROT_EXEC, .value = 0},
        {.name = "mremap"},
        {.name = "munlock"},
        {.name = "munmap"},

        /* time, chance, itself */
        {.name = "clock_gettime"},
        {.name = "exit"},
        {.name = "exit_group"},
        {.name = "futex"},
        {.name = "getpid"},
        {.name = "getrandom"},
        {.name = "gettid"},
        {.name = "restart_syscall"},
        {.name = "rt_sigaction"},
        {.name = "rt_sigprocmask"},
        {.name = "rt_sigreturn"},
        {.name = "sched_yield"},
        {.name = "tgkill"}, /* abort() */
        {.name = "time"},
};
/* clang-format on */

int confine(bool sandbox_off) {
        static const LandlockRules rules = {.tcp = LANDLOCK_TCP_CONNECT};
        char text[LANDLOCK_TEXT_MAX];
        int r;

        if (sandbox_off || SANITIZED)
                return 0;
        r = landlock_confine(&rules, text);
        return r < 0 ? r : jail_seccomp(syscalls, ARRAY_SIZE(syscalls));
}
