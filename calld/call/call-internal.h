#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A call as its own files see it: call.c (life), call-setup.c (options), call-resolve.c (name), call-connect.c (connection), call-head.c,
 * call-body.c, call-retry.c, call-proxy.c, call-error.c
 */

#include "calld/call/call.h"
#include "calld/call/gate.h"
#include "calld/call/pool.h"
#include "calld/keyprov/keyclient.h"
#include "calld/keyprov/library.h"
#include "calld/resolver/client.h"

/* All response headers of one answer; libcurl stops at 300 KiB by itself. */
#define CALL_HEAD_MAX (512U * 1024)
#define CALL_HEADERS_MAX 1024U
#define CALL_INTERIM_MAX 10U
#define CALL_TRAILERS_MAX 100U
#define CALL_SOCKETS_MAX 8U

/* How long a new connection may use addresses that were looked up for another; the resolver keeps them longer, and sees when they change. */
#define CALL_PINNED_SEC 2L

/* A request body up to here can be sent again. */
#define CALL_REPLAY_MAX (64U * 1024)

struct Caller {
        sd_event *loop;
        Watch *watch;             /* borrowed */
        ResolverClient *resolver; /* borrowed */
        Turn *turn;
        Library *library;
        KeyClient *client;
        Gate gate;
        unsigned n_calls;
};

struct Call {
        Caller *caller;
        Connection *connection;
        CallOps ops;
        void *userdata;
        char call_id[PROTO_CALL_ID_MAX + 1];
        uint64_t started_usec;
        uint64_t timeout_usec;

        CURL *easy; /* NULL when done */
        struct curl_slist *headers;
        char *url, *target;
        char curl_text[CURL_ERROR_SIZE];

        struct CallDetail *detail;     /* borrowed; NULL: not wanted */
        Handshake *handshake;          /* of the connection it opened or took over */
        GateTicket ticket;             /* for the handshake */
        bool checked;                  /* call_on_connected() has run */
        int sockets[CALL_SOCKETS_MAX]; /* opened last, some of them closed again: libcurl tries several addresses */
        size_t n_sockets;

        /* the answer's head: lines in one buffer, offsets until it is whole */
        Buf head;
        size_t name_offsets[CALL_HEADERS_MAX], value_offsets[CALL_HEADERS_MAX];
        size_t n_headers;
        int64_t content_length; /* -1: not said */
        unsigned status;
        unsigned n_interim, n_trailers;
        bool head_done;
        bool is_http2; /* as TLS negotiated it, whatever the answer says */
        bool is_chunked;
        bool ends_by_close; /* neither length nor chunks: the answer ends with the connection */

        int64_t body_size; /* of the request, -1: chunked */
        bool is_head;      /* its answer has no body, whatever its Content-Length */
        bool upload_paused, download_paused;
        bool resume_upload, resume_download;
        TurnItem later; /* what must wait until libcurl is done */
        bool dead;      /* call_free() came while libcurl was running */

        sd_event_source *early_timer; /* NULL: the answer is not whole, or nothing is sent any more */
        uint64_t early_bytes_out;

        /* trying again */
        bool is_idempotent, retry_off;
        uint32_t n_retries;           /* by [Retry] */
        sd_event_source *retry_timer; /* NULL: none was planned */
        bool discarding;              /* the answer is not handed on: the call is made again */
        bool waiting;                 /* not with libcurl: the timer brings it back */
        Buf sent;                     /* what was read of the request's body, as long as it can be sent again */
        size_t sent_offset;           /* what libcurl has of it this time */
        bool sent_lost;               /* more was read than is kept */
        unsigned n_connections;       /* the request went to, in this attempt */
        long n_sent;                  /* of the request's header, up to the last of them */
        bool resent;                  /* something of it was, in this attempt */
        bool stale;                   /* a kept connection is not to be used: another one is taken */
        unsigned n_stale;

        /* the name of whom libcurl connects to */
        bool needs_name;             /* libcurl wanted it, and its attempt was ended */
        ResolverLookup *lookup;      /* NULL: none is under way */
        char *peer_host, *peer_port; /* libcurl's; whom it is for */
        struct curl_slist *pinned;   /* the answer, as libcurl takes it */
        unsigned n_lookups;          /* in this attempt */
        uint64_t lookup_started_usec;
        uint64_t lookup_usec; /* how long the last one took */

        bool never_again; /* whatever the code: another attempt would end the same way */
        bool failed;      /* error was set by us, before libcurl noticed anything */
        CallError error;  /* also an address that was refused, as long as another one may do */
        CallReport report;
};

/* Marks the call failed for a reason that libcurl will not know; the first one stands. Returns the error to be filled in, or NULL. */
CallError *call_fail(Call *c);

/* call-setup.c. Return: 0, 1 with *ret_error filled, -errno */
int call_setup(Call *c, const CallRequest *request, CallError *ret_error) _must_check_;

/* call-proxy.c. Return: 0, 1 with *ret_error filled, -errno */
int call_setup_proxy(Call *c, CallError *ret_error) _must_check_;

/* What became of a call whose proxy made no tunnel. Return: false when that was not the reason */
bool call_explain_proxy(Call *c, CURLcode result);

/* call-resolve.c: libcurl needs a name, which it is not to look up itself */
int call_on_resolve(void *resolver, void *reserved, void *userdata);

/* After c->needs_name, with the transfer ended. Return: true when the name is being looked up and the transfer begins anew */
bool call_resolve(Call *c);
void call_unpin(Call *c);
void call_forget_peer(Call *c);

/* call-connect.c: what libcurl asks while it connects */
curl_socket_t call_on_open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *address);
CURLcode call_on_ssl_ctx(CURL *easy, void *ssl_ctx, void *userdata);
int call_on_prereq(void *userdata, char *remote_ip, char *local_ip, int remote_port, int local_port);

bool call_is_connecting(CURL *easy);
bool call_may_go_on(CURL *easy);

/* Whoever needs a new connection needs keyd. Return: false when it is not there; the call has failed then */
bool call_keyd_is_up(Call *c);

/* Return: false when the connection must not be used; the call has failed then */
bool call_on_connected(Call *c);

/* call-peek.c: notes in c->handshake which of the sockets opened is its own, by the port that libcurl says */
void call_find_socket(Call *c, int local_port);

/*
 * Reads as far as the first byte that is meant for HTTP, and leaves that. Return: SSL_ERROR_NONE when there is one, SSL_ERROR_WANT_READ when
 * nothing is there (or the socket is not known), otherwise the connection has ended
 */
int call_peek(const Handshake *h, SSL *ssl) _must_check_;

/* call-early.c: after each part of an answer: whether it is whole while the request's body is not */
void call_watch_upload(Call *c);

/* call-head.c, call-body.c */
size_t call_on_header(char *data, size_t size, size_t n, void *userdata);
size_t call_on_write(char *data, size_t size, size_t n, void *userdata);
size_t call_on_read(char *buffer, size_t size, size_t n, void *userdata);
int call_on_seek(void *userdata, curl_off_t offset, int origin);

/* call-setup.c */
void call_set_timeout(Call *c, uint64_t timeout_usec);
void call_set_connect_timeout(Call *c, uint64_t timeout_usec);

/* call.c: from the loop, with the easy handle out of the multi handle already */
void call_finish(Call *c, CURLcode result);

/* call.c: lets go of c->handshake; what came of its signature stays in the report. */
void call_drop_handshake(Call *c);

/* call-retry.c: an answer whose head is there, a failure that was explained. Return: true when the call is made again */
bool call_retry_answer(Call *c);
bool call_retry_failure(Call *c);

/* Body bytes of an answer that is not handed on. Return: as a write callback */
size_t call_discard(Call *c, size_t n_bytes);

/* Before the request goes to a connection. Return: false when it must not; the call has failed then */
bool call_may_resend(Call *c);

/* After c->stale. Return: true when the call goes to another connection */
bool call_replace_connection(Call *c);

/* A kept connection ended without an answer, and the request is not sent again. */
void call_fail_kept(Call *c);

/* call-error.c: says in c->error what became of the call; c->report is filled in, c->easy still there. */
void call_explain(Call *c, CURLcode result);

/* call-tls-error.c: a handshake that failed, or an alert after it. Return: false when TLS was not the reason */
bool call_explain_handshake(Call *c, CURLcode result);
