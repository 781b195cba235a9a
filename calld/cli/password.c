/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/password.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "calld/cli/text.h"

/* What is entered ends when nobody is there. */
#define ENTRY_TIMEOUT_USEC (5 * USEC_PER_MINUTE)

/* A line; the signals in @signals are looked at only, so that they are still pending when they are let through again. */
static ssize_t read_line(int signals, char *ret) {
        struct pollfd p[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
        uint64_t deadline = deadline_after(ENTRY_TIMEOUT_USEC);
        size_t size = 0;

        while (size < PASSWORD_MAX) {
                ssize_t n;
                int r;

                r = poll(p, ARRAY_SIZE(p), deadline_to_poll_ms(deadline));
                if (r < 0 && errno == EINTR)
                        continue;
                if (r <= 0)
                        return r < 0 ? -errno : -ETIMEDOUT;
                if (p[1].revents)
                        return -EINTR;

                n = read(STDIN_FILENO, ret + size, PASSWORD_MAX - size);
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -ECANCELED;
                size += (size_t) n;
                if (ret[size - 1] == '\n')
                        return (ssize_t) size;
        }

        return -EMSGSIZE;
}

static ssize_t ask_quietly(int signals, const char *prompt, char *ret) {
        struct termios before, quiet;
        ssize_t n;

        if (tcgetattr(STDIN_FILENO, &before) < 0)
                return -errno;
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t) ECHO;
        quiet.c_lflag |= ICANON | ECHONL;
        if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) < 0)
                return -errno;

        text_print(stderr, prompt);
        fflush(stderr);
        n = read_line(signals, ret);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        if (n < 0)
                fputc('\n', stderr);
        return n;
}

ssize_t password_ask(const char *prompt, char *ret) {
        static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
        _cleanup_fd_ int signals = -1;
        sigset_t blocked, before;
        ssize_t n;

        sigemptyset(&blocked);
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                sigaddset(&blocked, numbers[i]);
        if (sigprocmask(SIG_BLOCK, &blocked, &before) < 0)
                return -errno;

        signals = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
        n = signals < 0 ? -errno : ask_quietly(signals, prompt, ret);
        /* A signal that came is delivered here. */
        sigprocmask(SIG_SETMASK, &before, NULL);
        return n;
}
