/* SPDX-License-Identifier: Apache-2.0 */

/* Other processes: seen, read, stopped; and programs run */

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "tests/system/escape/escape.h"

/* Of /proc/VICTIM */
static int try_read(const char *name) {
        char path[64], byte;
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/%s", escape_victim, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        /* Nothing lies at address 0 of a process that may be read. */
        return strcmp(name, "mem") == 0 ? try_fd(fd) : try_result(read(fd, &byte, 1));
}

static int try_ptrace(const char *argument _unused_) {
        return try_result(ptrace(PTRACE_SEIZE, escape_victim, 0, 0));
}

static int try_vm_read(const char *argument _unused_) {
        char byte;
        struct iovec to = {&byte, 1}, from = {(void *) 8, 1};

        return try_passed(process_vm_readv(escape_victim, &to, 1, &from, 1, 0), EFAULT);
}

static int try_take_fd(const char *argument _unused_) {
        _cleanup_fd_ int pid_fd = (int) syscall(SYS_pidfd_open, escape_victim, 0);

        return pid_fd < 0 ? -errno : try_fd(syscall(SYS_pidfd_getfd, pid_fd, 0, 0));
}

/* Signal 0 is checked as any other. */
static int try_signal(const char *argument _unused_) {
        return try_result(kill(escape_victim, 0));
}

static int try_slow_down(const char *argument _unused_) {
        return try_result(setpriority(PRIO_PROCESS, (id_t) escape_victim, getpriority(PRIO_PROCESS, (id_t) escape_victim)));
}

static int try_realtime(const char *argument _unused_) {
        struct sched_param p = {.sched_priority = 1};

        return try_result(sched_setscheduler(0, SCHED_FIFO, &p));
}

static int try_limit(const char *argument _unused_) {
        struct rlimit l;

        if (getrlimit(RLIMIT_CORE, &l) < 0)
                return -errno;
        l.rlim_max = l.rlim_cur = RLIM_INFINITY;
        return try_result(setrlimit(RLIMIT_CORE, &l));
}

static int try_fork(const char *argument _unused_) {
        pid_t pid = fork();

        if (pid < 0)
                return -errno;
        if (pid == 0)
                _exit(0);
        return try_result(waitpid(pid, NULL, 0));
}

/* execve() returns only when it was refused; so the program's own end tells. */
static int try_execute(const char *path) {
        char *const nothing[] = {NULL}, *const arguments[] = {(char *) path, NULL};

        execve(path, arguments, nothing);
        return -errno;
}

/* A program that was never a file */
static int try_execute_memory(const char *argument _unused_) {
        static const char script[] = "#!/bin/true\n";
        char *const nothing[] = {NULL}, *const arguments[] = {(char *) "x", NULL};
        int fd = memfd_create("escape", 0);

        if (fd < 0 || write(fd, script, sizeof(script) - 1) < 0)
                return -errno;
        fexecve(fd, arguments, nothing);
        return -errno;
}

static const Try tries[] = {
        {"see-processes", try_read, "status"},
        {"read-environment", try_read, "environ"},
        {"read-memory", try_read, "mem"},
        {"read-mappings", try_read, "maps"},
        {"ptrace", try_ptrace, NULL},
        {"read-memory-vm", try_vm_read, NULL},
        {"take-descriptor", try_take_fd, NULL},
        {"signal", try_signal, NULL},
        {"slow-down", try_slow_down, NULL},
        {"be-realtime", try_realtime, NULL},
        {"raise-limit", try_limit, NULL},
        {"fork", try_fork, NULL},
        {"execute-shell", try_execute, "/bin/sh"},
        {"execute-true", try_execute, "/usr/bin/true"},
        {"execute-memory", try_execute_memory, NULL},
};

TryList escape_processes(void) {
        return (TryList) {tries, ARRAY_SIZE(tries)};
}
