/* SPDX-License-Identifier: Apache-2.0 */

/* Files and folders: what is secret, what is others', and where something could be left */

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/system/escape/escape.h"

static int try_read(const char *path) {
        _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        char byte;

        return fd < 0 ? -errno : try_result(read(fd, &byte, 1));
}

static int try_stat(const char *path) {
        struct stat st;

        return try_result(stat(path, &st));
}

/* A folder that is empty to us has nothing to say. */
static int try_list(const char *path) {
        DIR *d = opendir(path);
        struct dirent *e;
        int n = 0;

        if (!d)
                return -errno;
        while ((e = readdir(d)))
                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                        n++;
        closedir(d);
        return n > 0 ? 0 : -ENOENT;
}

/* What others have there: a service's root has the name of keyd's folder. */
static int try_list_others(const char *path) {
        DIR *d = opendir(path);
        struct dirent *e;
        int n = 0;

        if (!d)
                return -errno;
        while ((e = readdir(d)))
                if (e->d_name[0] != '.' && strcmp(e->d_name, "midtls") != 0)
                        n++;
        closedir(d);
        return n > 0 ? 0 : -ENOENT;
}

/* A file in folder @path, which goes again where that is not refused too */
static int try_create(const char *path) {
        char name[256];
        int fd;

        snprintf(name, sizeof(name), "%s/midtls-escape", path);
        fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        close(fd);
        unlink(name);
        return 0;
}

static int try_open_write(const char *path) {
        return try_fd(open(path, O_WRONLY | O_CLOEXEC));
}

static int try_open_rw(const char *path) {
        return try_fd(open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
}

static int try_mknod(const char *path) {
        int r = try_result(mknod(path, S_IFCHR | 0600, (1 << 8) | 1));

        if (r == 0)
                unlink(path);
        return r;
}

static int try_handle(const char *path) {
        struct {
                struct file_handle handle;
                unsigned char bytes[128];
        } h = {.handle = {.handle_bytes = 128}};
        int mount_id;

        if (name_to_handle_at(AT_FDCWD, path, &h.handle, &mount_id, 0) < 0)
                return -errno;
        return try_fd(open_by_handle_at(AT_FDCWD, &h.handle, O_RDONLY));
}

static const Try tries[] = {
        /* keyd's */
        {"read-keystore", try_read, "/etc/midtls/keys/plain.p12"},
        {"stat-keystore", try_stat, "/etc/midtls/keys/plain.p12"},
        {"list-keystores", try_list, "/etc/midtls/keys"},
        {"read-host-key", try_read, "/etc/midtls/host.key"},
        {"read-configuration", try_read, "/etc/midtls/midtls.conf"},
        {"list-configuration", try_list, "/etc/midtls"},
        {"write-configuration", try_create, "/etc/midtls"},
        {"write-state", try_create, "/var/lib/midtls"},
        {"read-credential", try_read, "/run/credentials/midtls-keyd.service/plain"},
        {"list-credentials", try_list, "/run/credentials"},

        /* others' */
        {"read-password", try_read, "/etc/passwords/plain"},
        {"read-shadow", try_read, "/etc/shadow"},
        {"read-passwd", try_read, "/etc/passwd"},
        {"read-machine-id", try_read, "/etc/machine-id"},
        {"list-etc", try_list, "/etc"},
        {"list-root", try_list, "/root"},
        {"list-home", try_list, "/home"},
        {"list-var", try_list_others, "/var/lib"},
        {"list-journal", try_list, "/var/log/journal"},
        {"read-journal-socket", try_stat, "/run/systemd/private"},

        /* to leave something */
        {"write-etc", try_create, "/etc"},
        {"write-usr", try_create, "/usr"},
        {"write-var", try_create, "/var/lib"},
        {"write-run", try_create, "/run"},
        {"write-tmp", try_create, "/tmp"},
        {"write-var-tmp", try_create, "/var/tmp"},
        {"write-shm", try_create, "/dev/shm"},
        {"write-root", try_create, ""},
        {"write-executables", try_create, "/usr/libexec/midtls"},
        {"write-own-executable", try_open_write, "/proc/self/exe"},
        {"write-cgroup", try_create, "/sys/fs/cgroup"},
        {"make-device", try_mknod, "/tmp/midtls-escape"},

        /* devices and what the kernel shows */
        {"open-memory", try_open_rw, "/dev/mem"},
        {"open-kmsg", try_open_rw, "/dev/kmsg"},
        {"open-disk", try_open_rw, "/dev/nvme0n1"},
        {"open-terminal", try_open_rw, "/dev/ptmx"},
        {"read-sysctl", try_read, "/proc/sys/kernel/ostype"},
        {"read-kernel-log", try_read, "/proc/kmsg"},
        {"write-core-pattern", try_open_write, "/proc/sys/kernel/core_pattern"},
        {"write-sysrq", try_open_write, "/proc/sysrq-trigger"},
        {"list-sys", try_list, "/sys/kernel"},
        {"open-by-handle", try_handle, "/"},
};

TryList escape_files(void) {
        return (TryList) {tries, ARRAY_SIZE(tries)};
}
