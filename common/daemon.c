/* SPDX-License-Identifier: Apache-2.0 */

#include "common/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "common/notify.h"

static void names_freep(char ***names) {
        for (size_t i = 0; *names && (*names)[i]; i++)
                free((*names)[i]);
        free(*names);
}

static int prepare_fd(int fd) {
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return -errno;

        return 0;
}

static int take_socket(const char *name, int family, int socket_type, int *ret_fd) {
        _cleanup_(names_freep) char **names = NULL;
        int n, r;

        n = sd_listen_fds_with_names(/* unset_environment= */ 0, &names);
        if (n < 0)
                return n;

        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i;

                /* systemd calls a descriptor "unknown" when nobody named it. */
                if (strcmp(names[i], name) != 0 && !(n == 1 && strcmp(names[i], "unknown") == 0))
                        continue;

                r = sd_is_socket(fd, family, socket_type, /* listening= */ 1);
                if (r < 0)
                        return r;
                if (r == 0)
                        return -EINVAL;
                r = prepare_fd(fd);
                if (r < 0)
                        return r;

                *ret_fd = fd;
                return 0;
        }

        return -ENOENT;
}

int daemon_take_socket(const char *name, int socket_type, int *ret_fd) {
        return take_socket(name, AF_UNIX, socket_type, ret_fd);
}

int daemon_take_tcp_socket(const char *name, int *ret_fd) {
        int r;

        r = take_socket(name, AF_INET, SOCK_STREAM, ret_fd);
        return r == -EINVAL ? take_socket(name, AF_INET6, SOCK_STREAM, ret_fd) : r;
}

static int on_watchdog(sd_event_source *source, uint64_t usec, void *userdata) {
        uint64_t *interval_usec = userdata;

        (void) usec;
        notify_send("WATCHDOG=1");
        sd_event_source_set_time_relative(source, *interval_usec);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* As sd_event_set_watchdog(3), over the socket that is open already. */
static int start_watchdog(sd_event *loop) {
        static uint64_t interval_usec;
        sd_event_source *source;
        int r;

        r = sd_watchdog_enabled(0, &interval_usec);
        if (r <= 0)
                return r;
        interval_usec /= 2;

        notify_send("WATCHDOG=1");
        r = sd_event_add_time_relative(loop, &source, CLOCK_MONOTONIC, interval_usec, interval_usec / 4, on_watchdog, &interval_usec);
        if (r < 0)
                return r;
        r = sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
        return r < 0 ? r : 0;
}

int daemon_prepare_loop(sd_event *loop) {
        /* Without a handler a signal source ends the loop. */
        return daemon_prepare_loop_with(loop, NULL, NULL);
}

int daemon_prepare_loop_with(sd_event *loop, sd_event_signal_handler_t on_end, void *userdata) {
        static const int ends[] = {SIGTERM, SIGINT};
        sigset_t mask;
        int r;

        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;

        sigemptyset(&mask);
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
                sigaddset(&mask, ends[i]);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;

        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                r = sd_event_add_signal(loop, NULL, ends[i], on_end, userdata);
                if (r < 0)
                        return r;
        }

        r = notify_open();
        return r < 0 ? r : start_watchdog(loop);
}

static void _printf_(2, 0) notify(const char *state, const char *status_format, va_list ap) {
        char text[512];
        int n;

        n = snprintf(text, sizeof(text), "%sSTATUS=", state);
        vsnprintf(text + n, sizeof(text) - (size_t) n, status_format, ap);
        notify_send(text);
}

void daemon_notify_ready(const char *status_format, ...) {
        va_list ap;

        va_start(ap, status_format);
        notify("READY=1\n", status_format, ap);
        va_end(ap);
}

void daemon_notify_reloading(void) {
        char text[64];

        snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long) now_usec());
        notify_send(text);
}

void daemon_notify_status(const char *status_format, ...) {
        va_list ap;

        va_start(ap, status_format);
        notify("", status_format, ap);
        va_end(ap);
}

void daemon_notify_stopping(void) {
        notify_send("STOPPING=1");
}
