/* SPDX-License-Identifier: Apache-2.0 */

/* Each thing that Landlock takes away is tried in a child, with it and without it, so that a test goes red when the layer is off. */

#include "common/landlock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/lib/unit.h"

#define NOT_HERE 77

static char folder[64], file[96];
static uint16_t port;
static int listener = -1, abstract = -1;
static struct sockaddr_un abstract_address = {.sun_family = AF_UNIX};
static socklen_t abstract_size;

static int try_read(void) {
        return open(file, O_RDONLY | O_CLOEXEC);
}

static int try_list(void) {
        return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int try_write(void) {
        return open(file, O_WRONLY | O_CLOEXEC);
}

static int try_make(void) {
        char path[128];

        snprintf(path, sizeof(path), "%s/new", folder);
        return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

/* A child of its own, which is not let in: it ends with 1 if it cannot be executed. */
static int try_execute(void) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                execl("/bin/true", "true", NULL);
                _exit(1);
        }
        return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int try_null(void) {
        return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int try_connect(void) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return connect(fd, (struct sockaddr *) &address, sizeof(address));
}

/* Nobody is there; what matters is who refuses. */
static int try_dns(void) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0 || errno == ECONNREFUSED ? 0 : -1;
}

static int try_bind(void) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        address.sin_port = htons((uint16_t) (port ^ 1));
        return bind(fd, (struct sockaddr *) &address, sizeof(address)) == 0 || errno == EADDRINUSE ? 0 : -1;
}

static int try_signal(void) {
        return kill(getppid(), 0);
}

static int try_abstract(void) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return connect(fd, (struct sockaddr *) &abstract_address, abstract_size);
}

static int attempt(const LandlockRules *rules, int (*try)(void), int abi) {
        char text[LANDLOCK_TEXT_MAX];
        int status, r;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                if (rules) {
                        r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : landlock_confine(rules, text);
                        if (r < 0)
                                _exit(2);
                        if (r < abi)
                                _exit(NOT_HERE);
                }
                _exit(try() >= 0 ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

typedef struct Row {
        const char *name;
        int (*try)(void);
        int abi; /* that knows it */
        LandlockRules rules;
        bool allowed;
} Row;

#define NONE NULL
#define READ landlock_allow_read
#define EXECUTE landlock_allow_execute

static const Row rows[] = {
        {"read a file", try_read, 1, {NONE, LANDLOCK_TCP_NONE}, false},
        {"list a folder", try_list, 1, {NONE, LANDLOCK_TCP_NONE}, false},
        {"read a file", try_read, 1, {READ, LANDLOCK_TCP_NONE}, true},
        {"list a folder", try_list, 1, {READ, LANDLOCK_TCP_NONE}, true},
        {"write a file", try_write, 1, {READ, LANDLOCK_TCP_NONE}, false},
        {"make a file", try_make, 1, {READ, LANDLOCK_TCP_NONE}, false},
        {"execute", try_execute, 1, {READ, LANDLOCK_TCP_NONE}, false},
        {"execute", try_execute, 1, {EXECUTE, LANDLOCK_TCP_NONE}, true},
        {"write to /dev/null", try_null, 1, {EXECUTE, LANDLOCK_TCP_NONE}, true},
        {"write a file", try_write, 1, {EXECUTE, LANDLOCK_TCP_NONE}, false},
        {"connect", try_connect, 4, {NONE, LANDLOCK_TCP_NONE}, false},
        {"connect", try_connect, 4, {NONE, LANDLOCK_TCP_CONNECT}, true},
        {"listen", try_bind, 4, {NONE, LANDLOCK_TCP_CONNECT}, false},
        {"connect", try_connect, 4, {NONE, LANDLOCK_TCP_DNS}, false},
        {"connect to DNS", try_dns, 4, {NONE, LANDLOCK_TCP_DNS}, true},
        {"connect to DNS", try_dns, 4, {NONE, LANDLOCK_TCP_NONE}, false},
        {"signal another process", try_signal, 6, {NONE, LANDLOCK_TCP_NONE}, false},
        {"connect to an abstract socket", try_abstract, 6, {NONE, LANDLOCK_TCP_NONE}, false},
};

static void test_rows(void **state) {
        size_t n_tried = 0;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                int got = attempt(&rows[i].rules, rows[i].try, rows[i].abi);

                if (attempt(NULL, rows[i].try, 0) != 0)
                        fail_msg("%s: does not even work without Landlock", rows[i].name);
                if (got == NOT_HERE)
                        continue;
                n_tried++;
                if (got != (rows[i].allowed ? 0 : 1))
                        fail_msg("row %zu, %s: %d", i, rows[i].name, got);
        }
        if (n_tried == 0)
                skip();
}

/* What was reached is said. */
static void test_text(void **state) {
        static const LandlockRules nothing = {};
        char text[LANDLOCK_TEXT_MAX];
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                char want[32] = "no Landlock";
                int abi = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -1 : landlock_confine(&nothing, text);

                if (abi > 0)
                        snprintf(want, sizeof(want), "Landlock ABI %d: files", abi);
                _exit(abi >= 0 && strncmp(text, want, strlen(want)) == 0 && !strstr(text, "TCP") == (abi < 4) ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static int make_listener(const struct sockaddr *address, socklen_t size) {
        int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, address, size), 0);
        assert_int_equal(listen(fd, 64), 0);
        return fd;
}

static int set_up(void **state) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(address);
        int fd;

        snprintf(folder, sizeof(folder), "/tmp/midtls-landlock-XXXXXX");
        if (!mkdtemp(folder))
                return -1;
        snprintf(file, sizeof(file), "%s/file", folder);
        fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return -1;
        close(fd);

        listener = make_listener((struct sockaddr *) &address, sizeof(address));
        assert_int_equal(getsockname(listener, (struct sockaddr *) &address, &size), 0);
        port = ntohs(address.sin_port);

        /* unix(7), autobind: an abstract name that nobody has */
        abstract = make_listener((struct sockaddr *) &abstract_address, sizeof(sa_family_t));
        abstract_size = sizeof(abstract_address);
        assert_int_equal(getsockname(abstract, (struct sockaddr *) &abstract_address, &abstract_size), 0);
        return 0;
}

static int tear_down(void **state) {
        char path[128];

        snprintf(path, sizeof(path), "%s/new", folder);
        unlink(path);
        unlink(file);
        rmdir(folder);
        close(listener);
        close(abstract);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_text),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
