/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/resolver/process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "calld/resolver/confine.h"
#include "calld/resolver/nss.h"
#include "common/chan.h"

#define RESULT_FD 3

/* Standard error stays; of what the resolver has open nothing does. */
static bool keep_only(int fd) {
        if (fd != RESULT_FD && dup2(fd, RESULT_FD) < 0)
                return false;
        return close_range(RESULT_FD + 1, ~0U, 0) == 0;
}

static int look_up(const MsgLookup *m) {
        _cleanup_(buf_done) Buf record = BUF_INIT(RESOLVE_RECORD_MAX);
        int r;

        r = nss_answer(m, &record);
        return r < 0 ? r : chan_send(RESULT_FD, buf_span(&record), m->deadline_usec);
}

static _noreturn_ void become_lookup(const MsgLookup *m, bool sandbox_off, int fd, pid_t parent) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && keep_only(fd) && confine_lookup(sandbox_off) == 0 && look_up(m) == 0)
                _exit(EXIT_SUCCESS);
        _exit(EXIT_FAILURE);
}

int lookup_process_start(const MsgLookup *m, bool sandbox_off, LookupProcess *ret) {
        pid_t parent = getpid(), pid;
        int fds[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;

        pid = fork();
        r = pid < 0 ? -errno : 0;
        if (pid == 0)
                become_lookup(m, sandbox_off, fds[1], parent);
        close(fds[1]);
        if (r < 0) {
                close(fds[0]);
                return r;
        }

        *ret = (LookupProcess) {.pid = pid, .fd = fds[0]};
        return 0;
}

void lookup_process_end(LookupProcess *p) {
        if (p->pid == 0)
                return;

        close_fdp(&p->fd);
        /* not waited for yet, so the number is still its own */
        kill(p->pid, SIGKILL);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        p->pid = 0;
}
