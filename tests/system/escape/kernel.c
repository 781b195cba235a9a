/* SPDX-License-Identifier: Apache-2.0 */

/* The kernel: parts with a history, rights, and what belongs to the administrator */

#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>

#include "tests/system/escape/escape.h"

static int try_io_uring(const char *argument _unused_) {
        unsigned char parameters[120] = {};

        return try_fd(syscall(SYS_io_uring_setup, 1, parameters));
}

static int try_bpf(const char *argument _unused_) {
        union bpf_attr a = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

        return try_fd(syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a)));
}

static int try_perf(const char *argument _unused_) {
        struct perf_event_attr a = {.type = PERF_TYPE_SOFTWARE, .size = sizeof(a), .config = PERF_COUNT_SW_DUMMY, .exclude_kernel = 1};

        return try_fd(syscall(SYS_perf_event_open, &a, 0, -1, -1, 0));
}

static int try_add_key(const char *argument _unused_) {
        return try_result(syscall(SYS_add_key, "user", "midtls-escape", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

static int try_keyring(const char *argument _unused_) {
        return try_result(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1));
}

static int try_module(const char *argument _unused_) {
        char nothing[8] = "";

        return try_passed(syscall(SYS_init_module, nothing, sizeof(nothing), ""), ENOEXEC);
}

static int try_unload(const char *argument _unused_) {
        return try_passed(syscall(SYS_delete_module, "midtls_escape", 0), ENOENT);
}

static int try_kexec(const char *argument _unused_) {
        return try_passed(syscall(SYS_kexec_load, 0UL, 0UL, NULL, ~0UL), EINVAL);
}

static int try_unshare_user(const char *argument _unused_) {
        return try_result(unshare(CLONE_NEWUSER));
}

static int try_unshare_net(const char *argument _unused_) {
        return try_result(unshare(CLONE_NEWNET));
}

static int try_clone_user(const char *argument _unused_) {
        long pid = syscall(SYS_clone, CLONE_NEWUSER | 17 /* SIGCHLD */, NULL, NULL, NULL, NULL);

        if (pid == 0)
                _exit(0);
        return try_result(pid);
}

/* There is no such file system: who hears so may mount. */
static int try_mount(const char *argument _unused_) {
        return try_passed(mount("none", "/", "midtls-escape", 0, NULL), ENODEV);
}

static int try_unmount(const char *argument _unused_) {
        return try_passed(umount2("/proc/self", 0), EINVAL);
}

static int try_new_mount(const char *argument _unused_) {
        return try_fd(syscall(SYS_fsopen, "tmpfs", 0));
}

static int try_chroot(const char *path) {
        return try_result(chroot(path));
}

static int try_setuid(const char *argument _unused_) {
        return try_result(setresuid(0, 0, 0));
}

static int try_setgroups(const char *argument _unused_) {
        gid_t root = 0;

        return try_result(setgroups(1, &root));
}

static int try_capabilities(const char *argument _unused_) {
        struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct d[2] = {};

        d[CAP_SYS_ADMIN / 32].effective = d[CAP_SYS_ADMIN / 32].permitted = 1U << (CAP_SYS_ADMIN % 32);
        return try_result(syscall(SYS_capset, &h, d));
}

static int try_clock(const char *argument _unused_) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return try_result(clock_settime(CLOCK_REALTIME, &now));
}

static int try_tune_clock(const char *argument _unused_) {
        struct timex t = {.modes = ADJ_SETOFFSET};

        return try_result(adjtimex(&t) < 0 ? -1 : 0);
}

static int try_hostname(const char *argument _unused_) {
        char name[65];

        return gethostname(name, sizeof(name)) < 0 ? -errno : try_result(sethostname(name, __builtin_strlen(name)));
}

/* The right is looked at before the order, which is none. */
static int try_reboot(const char *argument _unused_) {
        return try_passed(reboot(1), EINVAL);
}

static int try_swap(const char *argument _unused_) {
        return try_passed(swapon("/run/midtls-escape", 0), ENOENT);
}

static int try_kernel_log(const char *argument _unused_) {
        return try_result(klogctl(10 /* size */, NULL, 0) < 0 || klogctl(9 /* unread */, NULL, 0) < 0 ? -1 : 0);
}

static int try_type(const char *argument _unused_) {
        return try_result(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}

static int try_fanotify(const char *argument _unused_) {
        return try_fd(fanotify_init(FAN_CLASS_CONTENT, 0));
}

static int try_inotify(const char *path) {
        int fd = inotify_init1(IN_CLOEXEC);

        return fd < 0 ? -errno : try_result(inotify_add_watch(fd, path, IN_CREATE));
}

static int try_dumpable(const char *argument _unused_) {
        return try_result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

#ifdef SYS_iopl
static int try_ports(const char *argument _unused_) {
        return try_result(syscall(SYS_iopl, 3));
}
#endif

static const Try tries[] = {
        {"io-uring", try_io_uring, NULL},
        {"bpf", try_bpf, NULL},
        {"perf", try_perf, NULL},
        {"add-key", try_add_key, NULL},
        {"keyring", try_keyring, NULL},
        {"load-module", try_module, NULL},
        {"unload-module", try_unload, NULL},
        {"kexec", try_kexec, NULL},
        {"user-namespace", try_unshare_user, NULL},
        {"network-namespace", try_unshare_net, NULL},
        {"clone-namespace", try_clone_user, NULL},
        {"mount", try_mount, NULL},
        {"unmount", try_unmount, NULL},
        {"new-mount", try_new_mount, NULL},
        {"chroot", try_chroot, "/tmp"},
        {"become-root", try_setuid, NULL},
        {"take-group", try_setgroups, NULL},
        {"take-capability", try_capabilities, NULL},
        {"set-clock", try_clock, NULL},
        {"tune-clock", try_tune_clock, NULL},
        {"set-hostname", try_hostname, NULL},
        {"reboot", try_reboot, NULL},
        {"swap", try_swap, NULL},
        {"kernel-log", try_kernel_log, NULL},
        {"type-for-others", try_type, NULL},
        {"fanotify", try_fanotify, NULL},
        {"inotify", try_inotify, "/"},
        {"be-dumpable", try_dumpable, NULL},
#ifdef SYS_iopl
        {"hardware-ports", try_ports, NULL},
#endif
};

TryList escape_kernel(void) {
        return (TryList) {tries, ARRAY_SIZE(tries)};
}
