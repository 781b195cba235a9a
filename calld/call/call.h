#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One call: from a request to the far server's answer or to an error of our own
 *
 * Everything runs on the one event loop. Callbacks are made from the loop, never from within call_start() or call_cancel().
 * The gateway is the only user; it never sees libcurl.
 */

#include <systemd/sd-event.h>

#include "calld/call/directory.h"
#include "calld/call/error.h"
#include "calld/call/turn.h"
#include "calld/call/watch.h"

typedef struct Caller Caller; /* libcurl's home: multi handles on the loop, the provider, the key client */

/*
 * @resolver: for names, and for connections to keyd; NULL: no call can be started. @watch: to answer keyd-unavailable at once while keyd is away.
 * Both outlive it. Return: 0 or -errno
 */
int caller_new(sd_event *loop, ResolverClient *resolver, Watch *watch, Caller **ret) _must_check_;

/* After what calls have left in the directory is gone. */
Caller *caller_free(Caller *c);
DEFINE_CLEANUP(Caller *, caller_free)

/* For the thread that runs the loop, before it does: it uses this Caller's OpenSSL. NULL: the process's again. */
void caller_enter(const Caller *c);

/* Of its loop; borrowed. */
Turn *caller_turn(Caller *c);

typedef struct Call Call;

typedef struct CallHeader {
        const char *name;
        const char *value;
} CallHeader;

/* What a call reports of itself: for the record and for `midtls test`. Valid in and after on_done. */
typedef struct CallReport {
        unsigned status;              /* the far server's; 0: none came */
        uint64_t bytes_out, bytes_in; /* bodies */
        uint64_t duration_usec;
        unsigned attempts;          /* times that the request was tried; bytes and steps are those of the last */
        bool reused;                /* went over a kept connection: no handshake */
        bool resumed;               /* TLS session resumption: no signature */
        bool resolved, connected;   /* steps reached */
        bool server_hello;          /* the server spoke TLS */
        bool server_certificate_ok; /* chain and name verified */
        bool certificate_requested; /* the server asked for a client certificate */
        bool signed_by_keyd;
        unsigned n_signatures;          /* that keyd made for this call's handshakes, in all attempts */
        unsigned n_unanswered;          /* that it was asked for without an answer: it may have made them */
        unsigned n_asked;               /* how often keyd was asked */
        uint64_t sign_usec;             /* what it took to answer, in all attempts */
        uint64_t keyd_usec, queue_usec; /* of the signatures that were made: keyd's work, and the rest */
        bool refused;                   /* keyd refused: refusal_code */
        uint8_t refusal_code;           /* RefusalCode */
        bool handshake_done;
        uint16_t tls_version; /* TLS_VERSION_*, 0: none */
        char cipher[64];
        char address[64]; /* the address connected to */
        char server_subject[256];
        uint64_t dns_usec, connect_usec, tls_usec, first_byte_usec; /* since the start of the call */
} CallReport;

typedef enum CallBodyState {
        CALL_BODY_DATA, /* bytes were given */
        CALL_BODY_WAIT, /* none now: call_resume_upload() later */
        CALL_BODY_END,
        CALL_BODY_ABORT, /* the caller went away */
} CallBodyState;

typedef struct CallOps {
        /* The request body's next bytes; at most @size into @buffer. NULL: no body. */
        CallBodyState (*read_body)(void *userdata, uint8_t *buffer, size_t size, size_t *ret_size);

        /*
         * Status and headers of the far server's final answer, in order, duplicates kept, hop-by-hop headers left out. Valid during the callback.
         * @content_length: -1 when not known.
         */
        void (*on_head)(void *userdata, unsigned status, const CallHeader *headers, size_t n_headers, int64_t content_length);

        /* A part of the answer's body. Return: true when taken; false: ask again after call_resume_download() (all or nothing). */
        bool (*on_body)(void *userdata, const uint8_t *data, size_t size);

        /* The end, exactly once unless call_cancel() came first. @error->code is CALL_OK when the answer was whole. The call is freed by the callee with call_free(). */
        void (*on_done)(void *userdata, const CallError *error, const CallReport *report);
} CallOps;

typedef struct CallRequest {
        Connection *connection;    /* a reference is taken */
        const char *method;        /* GET POST PUT PATCH DELETE HEAD OPTIONS */
        const char *path;          /* path and query behind the base path, "" or beginning with "/" or "?"; already checked */
        const CallHeader *headers; /* end-to-end headers of the caller, in order; copied */
        size_t n_headers;
        bool has_body;
        int64_t body_size;     /* -1: chunked */
        uint64_t timeout_usec; /* already the lesser of the connection's and the caller's */
        const char *call_id;
        bool retry_off;            /* the caller wants one attempt */
        bool fresh;                /* on a connection of its own with a full handshake: for `midtls test`; made once */
        struct CallDetail *detail; /* outlives the call, which fills it in; may be NULL */
} CallRequest;

/* Starts a call. Return: 0 with *ret set; 1 with *ret_error filled (no callback will come); -errno */
int call_start(Caller *c, const CallRequest *request, const CallOps *ops, void *userdata, Call **ret, CallError *ret_error) _must_check_;

void call_resume_upload(Call *c);
void call_resume_download(Call *c);

/* What there is to report by now: for a call that is about to be ended by call_free(). Valid until then. */
const CallReport *call_report(Call *c);

/* Ends a call that is under way; no callback comes afterwards. Frees it. Also frees a call that is done. Takes NULL. Returns NULL. */
Call *call_free(Call *c);
