/* SPDX-License-Identifier: Apache-2.0 */

#include "common/role-process.h"

#include <fcntl.h>
#include <getopt.h>
#include <string.h>

#include "common/chan.h"
#include "common/jail.h"
#include "common/landlock.h"
#include "common/msg-load.h"

#define READY_USEC USEC_PER_SEC

int role_options_parse(int argc, char **argv, RoleOptions *ret) {
        static const struct option options[] = {{"log", required_argument, NULL, 'l'}, {"sandbox", required_argument, NULL, 's'}, {}};
        bool is_right = true;
        int c;

        *ret = (RoleOptions) {.log = LOG_TARGET_AUTO};
        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                if (c == 'l')
                        ret->log = log_target_from_string(optarg);
                else if (c == 's' && strcmp(optarg, "off") == 0)
                        ret->sandbox_off = true;
                else
                        is_right = false;
        }

        if (is_right && optind == argc && ret->log != _LOG_TARGET_INVALID)
                return 0;

        fprintf(stderr, "Usage: %s [--log=auto|journal|console|json] [--sandbox=off]\n", argv[0]);
        return 1;
}

void role_open_log(const char *identifier, LogTarget target) {
        log_open(identifier, target);
        if (fcntl(ROLE_FD_JOURNAL, F_GETFD) >= 0)
                log_set_journal(ROLE_FD_JOURNAL, LOG_JOURNAL_PATH);
}

/* What remains when keys or hostile bytes are here: records and their answers, memory, time, randomness, the log, the end. */
static const JailRule syscalls[] = {
        {.name = "brk"},
        {.name = "clock_gettime"},
        {.name = "close"},
        {.name = "exit"},
        {.name = "exit_group"},
        {.name = "futex"},
        {.name = "getpid"}, /* OpenSSL's generator asks whether it was forked */
        {.name = "getrandom"},
        {.name = "madvise"},
        {.name = "mmap", .has_argument = true, .argument = 2, .mask = 0x4 /* PROT_EXEC */, .value = 0},
        {.name = "mremap"},
        {.name = "munmap"},
        {.name = "poll"},
        {.name = "ppoll"}, /* poll() where there is no such call */
        {.name = "recvmsg"},
        {.name = "restart_syscall"},
        {.name = "rt_sigreturn"},
        {.name = "sendmsg"},
        {.name = "sendto"},
        {.name = "write"},
};

int role_install_filter(void) {
        return jail_seccomp(syscalls, ARRAY_SIZE(syscalls));
}

static int send_ready(const char *text) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_TEXT_MAX + 64);
        MsgReady m = {.text = span_from_string(text)};
        int r;

        r = msg_ready_encode(&record, &m);
        return r < 0 ? r : chan_send(ROLE_FD_CONTROL, buf_span(&record), deadline_after(READY_USEC));
}

int role_confine(const char *title, const char *text, bool is_weak, bool sandbox_off) {
        static const LandlockRules nothing = {.tcp = LANDLOCK_TCP_NONE};
        char reached[PROTO_TEXT_MAX], landlock[LANDLOCK_TEXT_MAX] = "no Landlock";
        LogRecord rec;
        int r;

        r = sandbox_off ? 0 : landlock_confine(&nothing, landlock);
        if (r < 0)
                return log_errno(r, "Cannot confine the role by Landlock");
        snprintf(reached, sizeof(reached), "%s%s%s; %s", text, *text ? "; " : "", sandbox_off ? "no syscall filter" : "syscall filter", landlock);

        log_record_init(&rec, sandbox_off || is_weak ? PRIORITY_WARNING : PRIORITY_INFO, EVENT_SANDBOX);
        log_record_send(&rec, "%s: %s", title, reached);

        if (!sandbox_off) {
                r = role_install_filter();
                if (r < 0)
                        return log_errno(r, "Cannot install the syscall filter");
        }

        r = send_ready(reached);
        return r < 0 ? log_errno(r, "Cannot tell the supervisor") : 0;
}
