/* SPDX-License-Identifier: Apache-2.0 */

/* keyd: the supervisor. --check, --inspect and --make-host-key are the loader's; it stands beside us. */

#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include "common/daemon-options.h"
#include "common/daemon.h"
#include "common/jail.h"
#include "common/landlock.h"
#include "common/log.h"
#include "keyd/supervisor/spawn.h"
#include "keyd/supervisor/supervisor.h"

#define EXIT_USAGE 2
#define PURPOSE "Holds client keys and signs TLS handshakes for midtls-calld."

static const DaemonOption options[] = {
        DAEMON_ROW_CONFIG_DIR, DAEMON_ROW_LOG,       DAEMON_ROW_CHECK,    DAEMON_ROW_ROOT,
        DAEMON_ROW_INSPECT,    DAEMON_ROW_KEY_ALIAS, DAEMON_ROW_HOST_KEY, DAEMON_ROW_SANDBOX,
};

/* Options that say something about another one. */
static bool are_consistent(const DaemonOptions *o) {
        const char *missing = o->root && !o->check ? "--root needs --check" : o->key_alias && !o->inspect ? "--key-alias needs --inspect" : NULL;

        if (missing)
                fprintf(stderr, "keyd: %s; see keyd --help\n", missing);
        return !missing;
}

/* The folder of our own executable, where the roles' are. Return: 0 or -errno */
static int find_executables(char ret[static PATH_MAX]) {
        ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX - 1);
        char *slash;

        if (n < 0)
                return -errno;
        ret[n] = 0;

        slash = strrchr(ret, '/');
        if (!slash)
                return -ENOENT;
        *slash = 0;
        return 0;
}

static int run_loader(const char *folder, char *argv[]) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/keyd-loader", folder) < 0)
                return log_errno(-ENOMEM, "Cannot run the loader");

        argv[0] = path;
        execv(path, argv);
        return log_errno(-errno, "Cannot run %s", path);
}

static int take_sockets(SupervisorParameters *p) {
        int r;

        r = daemon_take_socket("keyd", SOCK_SEQPACKET, &p->listen_fd);
        if (r < 0)
                return log_errno(r, "No listening socket named keyd was passed (systemd starts this program, see midtls-keyd.socket)");

        r = daemon_take_socket("keyd-admin", SOCK_SEQPACKET, &p->admin_fd);
        if (r < 0 && r != -ENOENT)
                return log_errno(r, "The socket keyd-admin cannot be used");

        /* A lone socket without a name is taken for both. */
        if (p->admin_fd == p->listen_fd)
                p->admin_fd = -1;
        return 0;
}

/* The socket is handed on to the roles, so that none of them has to make one. */
static void open_log(LogTarget target) {
        int fd;

        log_open("keyd", target);
        if (!log_is_journal())
                return;
        fd = log_open_journal(SPAWN_FD_MIN);
        if (fd >= 0)
                log_set_journal(fd, LOG_JOURNAL_PATH);
}

/* Roles inherit it, so it permits what one of them needs. */
static int confine(bool sandbox_off) {
        static const LandlockRules rules = {.allow_files = landlock_allow_keep, .tcp = LANDLOCK_TCP_CONNECT};
        char text[LANDLOCK_TEXT_MAX] = "no Landlock";
        LogRecord rec;
        int r;

        r = sandbox_off ? 0 : landlock_confine(&rules, text);
        if (r < 0)
                return log_errno(r, "Cannot confine the supervisor by Landlock");

        log_record_init(&rec, sandbox_off ? PRIORITY_WARNING : PRIORITY_INFO, EVENT_SANDBOX);
        log_record_send(&rec, "Supervisor: %s", text);
        return 0;
}

static int serve(const char *folder, const DaemonOptions *o) {
        SupervisorParameters p;
        int r;

        supervisor_parameters_init(&p);
        p.executables = folder;
        p.config_dir = o->config_dir;
        p.log = o->log;
        p.sandbox_off = o->sandbox_off;

        r = take_sockets(&p);
        if (r >= 0)
                r = confine(o->sandbox_off);
        if (r < 0)
                return r;

        return supervisor_run(&p);
}

int main(int argc, char *argv[]) {
        char folder[PATH_MAX];
        DaemonOptions o;
        int r;

        r = jail_prepare();
        if (r < 0) {
                log_errno(r, "Cannot give up what is not needed");
                return EXIT_FAILURE;
        }
        r = daemon_options_parse("keyd", PURPOSE, options, ARRAY_SIZE(options), argc, argv, &o);
        if (r != 0)
                return r == DAEMON_OPTIONS_E_DONE ? EXIT_SUCCESS : EXIT_USAGE;
        if (!are_consistent(&o))
                return EXIT_USAGE;
        open_log(o.log ? log_target_from_string(o.log) : LOG_TARGET_AUTO);

        r = find_executables(folder);
        if (r < 0)
                log_errno(r, "Cannot find my own folder");
        else
                r = o.check || o.inspect || o.make_host_key ? run_loader(folder, argv) : serve(folder, &o);

        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
