/* SPDX-License-Identifier: Apache-2.0 */

/* Memory that becomes code, and memory that is shared with others */

#include <fcntl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/system/escape/escape.h"

#define PAGE 4096

static int try_map(const char *argument _unused_) {
        return mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -errno : 0;
}

static int try_protect(const char *argument _unused_) {
        void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return p == MAP_FAILED ? -errno : try_result(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
}

static int map_code(int fd) {
        if (ftruncate(fd, PAGE) < 0)
                return -errno;

        return mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -errno : 0;
}

/* Written first, then mapped: never writable and executable at once */
static int try_map_memfd(const char *argument _unused_) {
        int fd = memfd_create("escape", 0);

        return fd < 0 ? -errno : map_code(fd);
}

static int try_map_file(const char *path) {
        _cleanup_fd_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0700);
        int r;

        if (fd < 0)
                return -errno;
        r = map_code(fd);
        unlink(path);
        return r;
}

static int try_personality(const char *argument _unused_) {
        return try_result(personality(PER_LINUX | READ_IMPLIES_EXEC));
}

static int try_write_self(const char *argument _unused_) {
        return try_fd(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
}

static int try_shm(const char *argument _unused_) {
        int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);

        return id < 0 ? -errno : try_result(shmctl(id, IPC_RMID, NULL));
}

static int try_shm_open(const char *name) {
        int fd = shm_open(name, O_RDWR | O_CREAT, 0600);

        if (fd < 0)
                return -errno;
        close(fd);
        return try_result(shm_unlink(name));
}

static int try_queue(const char *name) {
        mqd_t q = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);

        if (q < 0)
                return -errno;
        mq_close(q);
        return try_result(mq_unlink(name));
}

static int try_message_queue(const char *argument _unused_) {
        int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

        return id < 0 ? -errno : try_result(msgctl(id, IPC_RMID, NULL));
}

static int try_userfaultfd(const char *argument _unused_) {
        return try_fd(syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */));
}

static int try_lock_all(const char *argument _unused_) {
        return try_result(mlockall(MCL_CURRENT | MCL_FUTURE));
}

static const Try tries[] = {
        {"map-writable-code", try_map, NULL},   {"data-to-code", try_protect, NULL},
        {"memfd-to-code", try_map_memfd, NULL}, {"file-to-code", try_map_file, "/tmp/midtls-escape-code"},
        {"all-is-code", try_personality, NULL}, {"write-own-code", try_write_self, NULL},
        {"shared-memory", try_shm, NULL},       {"shared-memory-name", try_shm_open, "/midtls-escape"},
        {"queue", try_queue, "/midtls-escape"}, {"message-queue", try_message_queue, NULL},
        {"userfaultfd", try_userfaultfd, NULL}, {"lock-all-memory", try_lock_all, NULL},
};

TryList escape_memory(void) {
        return (TryList) {tries, ARRAY_SIZE(tries)};
}
