/* SPDX-License-Identifier: Apache-2.0 */

/* What the far server has sent on a connection before anything was asked */

#include <arpa/inet.h>
#include <openssl/err.h>

#include "calld/call/call-internal.h"

static int port_of(int fd) {
        union {
                struct sockaddr any;
                struct sockaddr_in v4;
                struct sockaddr_in6 v6;
        } address = {};
        socklen_t size = sizeof(address);

        if (getsockname(fd, &address.any, &size) < 0)
                return -1;
        return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

void call_find_socket(Call *c, int local_port) {
        /* a kept connection's is known already */
        if (!c->handshake || c->handshake->fd >= 0)
                return;

        for (size_t i = 0; i < MIN_OF(c->n_sockets, (size_t) CALL_SOCKETS_MAX); i++)
                if (c->sockets[i] >= 0 && port_of(c->sockets[i]) == local_port)
                        c->handshake->fd = c->sockets[i];
}

/*
 * Both ways through the socket itself: libcurl's BIO must not be called from within a callback of libcurl, and reading may mean to write too, an
 * alert about what came or the answer to a KeyUpdate (RFC 8446, 4.6.3).
 */
static bool take_over(SSL *ssl, int fd, BIO **ret_rbio, BIO **ret_wbio) {
        BIO *own = BIO_new_socket(fd, BIO_NOCLOSE), *rbio = SSL_get_rbio(ssl), *wbio = SSL_get_wbio(ssl);

        /* four references: one for each side that libssl gives away, one for each that it takes */
        if (!own || BIO_up_ref(own) != 1 || BIO_up_ref(rbio) != 1 || BIO_up_ref(wbio) != 1) {
                BIO_free(own);
                return false;
        }
        SSL_set0_rbio(ssl, own);
        SSL_set0_wbio(ssl, own);
        *ret_rbio = rbio;
        *ret_wbio = wbio;
        return true;
}

int call_peek(const Handshake *h, SSL *ssl) {
        BIO *rbio, *wbio;
        char byte;
        int error;

        if (h->fd < 0 || !take_over(ssl, h->fd, &rbio, &wbio))
                return SSL_ERROR_WANT_READ;

        /* SSL_get_error(3) takes an error that another connection has left for this one's. */
        ERR_clear_error();
        error = SSL_get_error(ssl, SSL_peek(ssl, &byte, 1));
        SSL_set0_rbio(ssl, rbio);
        SSL_set0_wbio(ssl, wbio);
        ERR_clear_error();
        return error;
}
