#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Listening AF_UNIX sockets, as a .socket unit makes them */

#include <stdbool.h>
#include <stddef.h>

#define LISTEN_MAX 4U

typedef struct ListenSocket {
        const char *name; /* for LISTEN_FDNAMES */
        const char *path;
        int type; /* SOCK_STREAM or SOCK_SEQPACKET */
        int fd;
} ListenSocket;

/* Binds and listens, mode 0660. The path appears only when connecting to it works. Return: 0 or -errno */
int listen_socket_open(ListenSocket *s);

/* "keyd:keyd-admin" for LISTEN_FDNAMES. Return: false when @size is too small */
bool listen_socket_names(const ListenSocket *sockets, size_t n_sockets, char *buffer, size_t size);
