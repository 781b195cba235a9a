/* SPDX-License-Identifier: Apache-2.0 */

/* Sockets: families, what listens on this host, and other hosts' ports */

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/parse.h"
#include "tests/system/escape/escape.h"

#define CONNECT_MSEC 1000

static struct sockaddr_in loopback(const char *port) {
        uint16_t number = 0;

        ignore_result(parse_port(port, &number), "it is one of the list below");
        return (struct sockaddr_in) {.sin_family = AF_INET, .sin_port = htons(number), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int try_family(int family, int type, int protocol) {
        return try_fd(socket(family, type | SOCK_CLOEXEC, protocol));
}

static int try_inet(const char *argument _unused_) {
        return try_family(AF_INET, SOCK_STREAM, 0);
}

static int try_inet6(const char *argument _unused_) {
        return try_family(AF_INET6, SOCK_STREAM, 0);
}

static int try_raw(const char *argument _unused_) {
        return try_family(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int try_ping(const char *argument _unused_) {
        return try_family(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}

static int try_packet(const char *argument _unused_) {
        return try_family(AF_PACKET, SOCK_RAW, 0);
}

static int try_netlink(const char *argument _unused_) {
        return try_family(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static int try_audit(const char *argument _unused_) {
        return try_family(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
}

static int try_vsock(const char *argument _unused_) {
        return try_family(AF_VSOCK, SOCK_STREAM, 0);
}

static int try_alg(const char *argument _unused_) {
        return try_family(AF_ALG, SOCK_SEQPACKET, 0);
}

static int try_unix(const char *argument _unused_) {
        return try_family(AF_UNIX, SOCK_STREAM, 0);
}

static int connect_unix(const char *path, int type) {
        _cleanup_fd_ int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        socklen_t size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(path));

        if (fd < 0)
                return -errno;
        memcpy(a.sun_path, path, strlen(path));
        if (*path == '@')
                a.sun_path[0] = 0;

        return try_passed(connect(fd, (struct sockaddr *) &a, *path == '@' ? size : size + 1), EAGAIN);
}

static int try_stream(const char *path) {
        return connect_unix(path, SOCK_STREAM);
}

static int try_seqpacket(const char *path) {
        return connect_unix(path, SOCK_SEQPACKET);
}

static int try_datagram(const char *path) {
        return connect_unix(path, SOCK_DGRAM);
}

/* Return: 0, -errno; -EHOSTUNREACH when nothing came back, as of a packet that was dropped */
static int wait_for_connection(int fd) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        socklen_t size = sizeof(int);
        int error;

        if (poll(&p, 1, CONNECT_MSEC) != 1)
                return -EHOSTUNREACH;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                return -errno;
        return -error;
}

/* The host refuses when nothing listens: whoever hears that got through. */
static int try_connect(const char *port) {
        _cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_in a = loopback(port);
        int r;

        if (fd < 0)
                return -errno;
        r = try_result(connect(fd, (struct sockaddr *) &a, sizeof(a)));
        if (r == -EINPROGRESS)
                r = wait_for_connection(fd);
        return r == -ECONNREFUSED ? 0 : r;
}

static int try_send(const char *port) {
        _cleanup_fd_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in a = loopback(port);

        return fd < 0 ? -errno : try_result(sendto(fd, "x", 1, 0, (struct sockaddr *) &a, sizeof(a)));
}

static int try_listen(const char *port) {
        _cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in a = loopback(port);

        if (fd < 0 || bind(fd, (struct sockaddr *) &a, sizeof(a)) < 0)
                return -errno;
        return try_result(listen(fd, 1));
}

static int try_listen_unix(const char *name) {
        _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un a = {.sun_family = AF_UNIX};

        if (fd < 0)
                return -errno;
        memcpy(a.sun_path + 1, name, strlen(name));
        if (bind(fd, (struct sockaddr *) &a, (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))) < 0)
                return -errno;
        return try_result(listen(fd, 1));
}

static const Try tries[] = {
        {"inet", try_inet, NULL},
        {"inet6", try_inet6, NULL},
        {"raw", try_raw, NULL},
        {"ping", try_ping, NULL},
        {"packet", try_packet, NULL},
        {"netlink", try_netlink, NULL},
        {"audit", try_audit, NULL},
        {"vsock", try_vsock, NULL},
        {"kernel-crypto", try_alg, NULL},
        {"unix", try_unix, NULL},

        {"connect-keyd", try_seqpacket, "/run/midtls/keyd.sock"},
        {"connect-keyd-admin", try_seqpacket, "/run/midtls/keyd-admin.sock"},
        {"connect-calld", try_stream, "/run/midtls/calld.sock"},
        {"connect-manager", try_stream, "/run/systemd/private"},
        {"connect-dbus", try_stream, "/run/dbus/system_bus_socket"},
        {"connect-journal", try_datagram, "/run/systemd/journal/socket"},
        {"connect-notify", try_datagram, "/run/systemd/notify"},
        {"connect-abstract", try_stream, "@midtls-escape-target"},
        {"listen-abstract", try_listen_unix, "midtls-escape-own"},

        {"connect-smtp", try_connect, "25"},
        {"connect-ssh", try_connect, "22"},
        {"connect-https", try_connect, "443"},
        {"send-dns", try_send, "53"},
        {"send-other", try_send, "9999"},
        {"listen-tcp", try_listen, "8443"},
};

TryList escape_network(void) {
        return (TryList) {tries, ARRAY_SIZE(tries)};
}
