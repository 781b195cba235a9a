/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/roles/role-process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/chan.h"
#include "common/jail.h"
#include "common/msg-hello.h"
#include "common/msg-load.h"

#define FD_APART 32 /* clear of the numbers that the role wants */
#define LOG_MAX (1024 * 1024)

bool role_can_be_confined(void) {
        return !SANITIZED;
}

static void make_pair(int *ret_ours, int *ret_theirs) {
        int pair[2];

        ASSERT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
        *ret_ours = fcntl(pair[0], F_DUPFD_CLOEXEC, FD_APART);
        *ret_theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, FD_APART);
        ASSERT(*ret_ours >= 0 && *ret_theirs >= 0);
        close(pair[0]);
        close(pair[1]);
}

static _noreturn_ void become_role(const char *path, bool confined, const int theirs[3], int log) {
        char *arguments[] = {(char *) path, (char *) "--log=json", confined ? NULL : (char *) "--sandbox=off", NULL};

        dup2(log, STDERR_FILENO);
        for (int i = 0; i < 3; i++)
                dup2(theirs[i], ROLE_FD_CONTROL + i);
        execv(path, arguments);
        _exit(127);
}

void role_start(RoleProcess *p, const char *path, bool confined) {
        _cleanup_(buf_done) Buf record = BUF_INIT(4096);
        int theirs[3], log[2];
        MsgReady ready;
        uint8_t type;
        Span body;

        make_pair(&p->control, &theirs[0]);
        make_pair(&p->verdicts, &theirs[1]);
        make_pair(&p->keys, &theirs[2]);
        ASSERT(pipe2(log, O_CLOEXEC | O_NONBLOCK) == 0);
        ignore_result(fcntl(log[1], F_SETPIPE_SZ, LOG_MAX), "it is large enough for most tests as it is");
        p->log = log[0];
        p->logged = (Buf) BUF_INIT(LOG_MAX);

        p->pid = fork();
        ASSERT(p->pid >= 0);
        if (p->pid == 0)
                become_role(path, confined, theirs, log[1]);
        close(log[1]);
        for (size_t i = 0; i < ARRAY_SIZE(theirs); i++)
                close(theirs[i]);

        peer_receive(p->control, &record);
        ASSERT(msg_split(buf_span(&record), &type, &body) == 0 && type == ROLE_READY && msg_ready_decode(body, &ready) == 0);
        snprintf(p->ready, sizeof(p->ready), "%.*s", (int) ready.text.size, (const char *) ready.text.data);
}

int role_wait(RoleProcess *p) {
        int status = -1;

        ASSERT(waitpid(p->pid, &status, 0) == p->pid);
        close_fdp(&p->control);
        close_fdp(&p->verdicts);
        close_fdp(&p->keys);
        close_fdp(&p->log);
        buf_done(&p->logged);
        return status;
}

int role_stop(RoleProcess *p) {
        close_fdp(&p->control);
        return role_wait(p);
}

/* Return: false at the end of the log */
static bool read_log(RoleProcess *p) {
        uint8_t chunk[4096];
        ssize_t n;

        while ((n = read(p->log, chunk, sizeof(chunk))) > 0)
                ASSERT(buf_append(&p->logged, chunk, (size_t) n) == 0);

        return n < 0 && errno == EAGAIN;
}

static size_t count(const Buf *text, const char *part) {
        size_t n = 0, size = strlen(part);
        const uint8_t *at = text->data, *end = text->data + text->size;

        while (text->size > 0 && (at = memmem(at, (size_t) (end - at), part, size))) {
                at += size;
                n++;
        }

        return n;
}

bool role_log_has(RoleProcess *p, const char *text, size_t n) {
        struct pollfd f = {.fd = p->log, .events = POLLIN};
        uint64_t deadline = deadline_after(TEST_USEC);
        bool more;

        do {
                more = read_log(p);
                if (count(&p->logged, text) >= n)
                        return true;
        } while (more && poll(&f, 1, deadline_to_poll_ms(deadline)) > 0);

        return false;
}

void role_log_clear(RoleProcess *p) {
        read_log(p);
        buf_clear(&p->logged);
}

void peer_send(int fd, Span record) {
        ASSERT(chan_send(fd, record, deadline_after(TEST_USEC)) == 0);
}

void peer_receive(int fd, Buf *ret) {
        ASSERT(chan_receive(fd, ret, deadline_after(TEST_USEC)) == 0);
}

void peer_send_fds(int fd, Span record, int passed, size_t n) {
        union {
                struct cmsghdr header;
                uint8_t bytes[CMSG_SPACE(8 * sizeof(int))];
        } control = {};
        struct iovec iov = {.iov_base = (void *) record.data, .iov_len = record.size};
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(n * sizeof(int))};

        ASSERT(n > 0 && n <= 8);
        control.header = (struct cmsghdr) {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(n * sizeof(int))};
        for (size_t i = 0; i < n; i++)
                memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &passed, sizeof(int));

        ASSERT(sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t) record.size);
}

bool peer_is_closed(int fd) {
        _cleanup_(buf_done) Buf record = BUF_INIT(1024 * 1024);
        int r;

        do
                r = chan_receive(fd, &record, deadline_after(TEST_USEC));
        while (r == 0);

        return r == CHAN_E_CLOSED || r == -ECONNRESET;
}
