/* SPDX-License-Identifier: Apache-2.0 */

/*
 * escape [--confine] [--victim=PID] [--exec=PATH] [NAME...]: tries what a daemon that was taken over would try, from the daemon's place
 *
 * Each try has a process of its own, which confines itself first with --confine. A line each: NAME RESULT, where RESULT is "ok", the errno's
 * name, or the signal's. --exec runs PATH instead, with the options and names that follow it, as a role of keyd is run by keyd.
 */

#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/parse.h"
#include "tests/system/escape/escape.h"

#define TRY_USEC (5 * USEC_PER_SEC)
#define EXIT_UNCONFINED 255

pid_t escape_victim;
static bool confined;

/* An errno is an exit status: all are below 255. */
static _noreturn_ void be_tried(const Try *t) {
        int r;

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || (confined && escape_confine() < 0))
                _exit(EXIT_UNCONFINED);

        r = t->run(t->argument);
        _exit(r < 0 ? -r : 0);
}

/* Return: false when it has not ended in time, and was killed */
static bool wait_for(pid_t pid) {
        struct pollfd p = {.fd = (int) syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
        int n = p.fd < 0 ? 0 : poll(&p, 1, TRY_USEC / USEC_PER_MSEC);

        if (n != 1)
                kill(pid, SIGKILL);
        close_fdp(&p.fd);
        return n == 1;
}

static const char *describe(int status, bool in_time) {
        const char *name;

        if (!in_time)
                return "timeout";
        if (WIFSIGNALED(status))
                name = sigabbrev_np(WTERMSIG(status));
        else if (WEXITSTATUS(status) == EXIT_UNCONFINED)
                name = "unconfined";
        else
                name = WEXITSTATUS(status) == 0 ? "ok" : strerrorname_np(WEXITSTATUS(status));

        return name ? name : "?";
}

/* Return: whether it could be tried */
static bool run_try(const Try *t) {
        pid_t pid = fork();
        bool in_time;
        int status;

        if (pid < 0)
                return false;
        if (pid == 0)
                be_tried(t);

        in_time = wait_for(pid);
        if (waitpid(pid, &status, 0) != pid)
                return false;
        return printf("%s %s\n", t->name, describe(status, in_time)) > 0;
}

static bool is_wanted(const char *name, char **names) {
        for (char **n = names; *n; n++)
                if (strcmp(*n, name) == 0)
                        return true;

        return !*names;
}

static int run_all(char **names) {
        const TryList lists[] = {escape_files(), escape_processes(), escape_memory(), escape_kernel(), escape_network()};

        for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
                for (size_t j = 0; j < lists[i].n_items; j++)
                        if (is_wanted(lists[i].items[j].name, names) && (!run_try(&lists[i].items[j]) || fflush(stdout) != 0))
                                return EXIT_FAILURE;

        return puts("end") > 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                {"confine", no_argument, NULL, 'c'}, {"exec", required_argument, NULL, 'e'}, {"victim", required_argument, NULL, 'v'}, {}};
        uint64_t victim = 1;
        int c;

        while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
                if (c == 'e') {
                        argv[optind - 1] = optarg;
                        execv(optarg, argv + optind - 1);
                        fprintf(stderr, "Cannot run %s: %m\n", optarg);
                        return EXIT_FAILURE;
                }
                if (c == 'c')
                        confined = true;
                else if (c != 'v' || parse_uint(optarg, 1, INT_MAX, &victim) != 0)
                        return 2;
        }

        escape_victim = (pid_t) victim;
        return run_all(argv + optind);
}
