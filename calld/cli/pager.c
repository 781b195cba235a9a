/* SPDX-License-Identifier: Apache-2.0 */

/* The only state is whether there is one: a command has one standard output. */

#include "calld/cli/pager.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "calld/cli/verbs.h"

#define PAGED (VERB_LIST | VERB_SHOW | VERB_CERTS | VERB_LOG)
#define WORDS_MAX 16U

static pid_t pager_pid;
static size_t width;
static bool is_terminal;

static const char *choose(void) {
        const char *pager = secure_getenv("SYSTEMD_PAGER");

        if (!pager)
                pager = secure_getenv("PAGER");
        return pager ? pager : "less";
}

/* No shell: words that blanks part. @text is changed. Return: false when nothing is to be started */
static bool split(char *text, char *words[WORDS_MAX]) {
        size_t n = 0;
        char *state = NULL;

        for (char *word = strtok_r(text, " \t", &state); word && n + 1 < WORDS_MAX; word = strtok_r(NULL, " \t", &state))
                words[n++] = word;
        words[n] = NULL;
        return n > 0 && strcmp(words[0], "cat") != 0;
}

/* Return: 0, or an errno: then nothing has changed */
static int start(char *const words[]) {
        posix_spawn_file_actions_t actions;
        int ends[2], r;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return errno;

        r = posix_spawn_file_actions_init(&actions);
        if (r == 0) {
                r = posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
                if (r == 0)
                        r = posix_spawnp(&pager_pid, words[0], &actions, NULL, words, environ);
                posix_spawn_file_actions_destroy(&actions);
        }
        close(ends[0]);
        if (r == 0 && dup2(ends[1], STDOUT_FILENO) < 0)
                r = errno;
        close(ends[1]);
        return r;
}

static void find_width(void) {
        struct winsize size = {};

        is_terminal = isatty(STDOUT_FILENO);
        if (is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
                width = size.ws_col;
}

void pager_open(const Options *o) {
        const char *term = secure_getenv("TERM");
        _cleanup_free_ char *text = NULL;
        char *words[WORDS_MAX];

        find_width();
        if (!is_terminal || o->no_pager || o->json != JSON_MODE_OFF || o->follow || !(o->verb->verb & PAGED) || (term && strcmp(term, "dumb") == 0))
                return;

        text = strdup(choose());
        if (!text || !split(text, words))
                return;

        /* quit when it fits, keep what was shown, pass colours, end with ^C */
        setenv("LESS", "FRSXMK", 0);
        if (start(words) != 0) {
                pager_pid = 0;
                return;
        }
        signal(SIGPIPE, SIG_IGN); /* who has seen enough is no failure */
        signal(SIGINT, SIG_IGN);  /* for the pager */
}

bool pager_is_terminal(void) {
        return is_terminal;
}

size_t pager_width(void) {
        return width;
}

bool pager_wait(void) {
        pid_t pid = pager_pid;

        while (pid > 0 && waitpid(pid, NULL, 0) < 0)
                if (errno != EINTR)
                        break;
        pager_pid = 0;
        return pid > 0;
}
