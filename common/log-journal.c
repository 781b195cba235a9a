/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The journal's native protocol (systemd: docs/JOURNAL_NATIVE_PROTOCOL.md): one datagram is one record
 *
 * Not sd_journal_sendv(): its socket blocks, so a journal that does not read would stop every signature and every call.
 */

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/log-internal.h"

static int add_line(Buf *b, const char *name, const char *value, size_t size) {
        int r;

        r = buf_append(b, name, strlen(name));
        if (r == 0)
                r = buf_append(b, "=", 1);
        if (r == 0)
                r = buf_append(b, value, size);
        return r == 0 ? buf_append(b, "\n", 1) : r;
}

/* "NAME=value", or with a length where the value has a line's end in it */
static int add_field(Buf *b, const char *name, const char *value) {
        uint64_t size = strlen(value);
        uint8_t length[8];
        int r;

        if (!strchr(value, '\n'))
                return add_line(b, name, value, size);

        for (size_t i = 0; i < sizeof(length); i++)
                length[i] = (uint8_t) (size >> (8 * i));
        r = buf_printf(b, "%s\n", name);
        if (r == 0)
                r = buf_append(b, length, sizeof(length));
        if (r == 0)
                r = buf_append(b, value, size);
        return r == 0 ? buf_append(b, "\n", 1) : r;
}

int log_format_journal(const LogRecord *r, const char *identifier, const char *message, Buf *ret) {
        char priority[4];
        int k;

        snprintf(priority, sizeof(priority), "%d", r->priority);
        k = add_field(ret, "MESSAGE", message);
        if (k == 0)
                k = add_field(ret, "PRIORITY", priority);
        if (k == 0)
                k = add_field(ret, "SYSLOG_IDENTIFIER", identifier);
        for (size_t i = 0; k == 0 && i < r->n_fields; i++)
                k = add_field(ret, r->fields[i].name, r->fields[i].value);

        return k;
}

int log_journal_send(int fd, const char *path, Span record) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        size_t size = strlen(path);

        if (size >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, size);

        if (sendto(fd, record.data, record.size, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return 0;
}
