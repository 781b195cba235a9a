#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An exchange: one request of a caller and its answer
 *
 * Begins with the request line and ends when both libmicrohttpd and the call are done with it; then the record is written. Either side may go
 * first: a caller that goes away ends its call; a call whose last bytes are on their way to the caller is left to end by itself, so that its
 * connection is kept.
 */

#include "calld/gateway/client.h"
#include "calld/gateway/gateway-internal.h"
#include "calld/gateway/request.h"
#include "calld/gateway/target.h"

#define CALL_ID_SIZE 37U

/* Who called, as the record says it; the connection may be gone by then. */
typedef struct CallerIdentity {
        bool known;
        uid_t uid;
        gid_t gid;
        pid_t pid;
        char unit[256];
        char context[256];
} CallerIdentity;

struct Exchange {
        Gateway *gateway;
        Listener *listener;
        Client *client;                    /* NULL when libmicrohttpd is done */
        struct MHD_Connection *connection; /* the same */
        Exchange *previous, *next;

        char call_id[CALL_ID_SIZE];
        CallerIdentity identity;
        uint64_t started_usec;
        char *target_text; /* as sent */
        Target target;     /* points into target_text and the Host field */
        char method[16];
        Request request;
        Connection *destination;        /* NULL when there is none */
        char alias[PROTO_HOST_MAX + 1]; /* as asked for */

        bool begun;     /* the header is there */
        bool finished;  /* the whole request is there */
        bool suspended; /* libmicrohttpd waits for us */
        bool queued;    /* the answer's header is on its way: nothing of it can be taken back */
        bool aborted;   /* the caller's connection is to be cut */
        bool quiet;     /* leaves no record of a call: the reserved authority */

        /* the call */
        Call *call;
        bool counted; /* in MaxCalls= */
        CallError error;
        CallReport report;
        struct CallDetail *detail; /* for a test; owned */

        /* the request's body on its way out */
        Buf upload;
        size_t upload_offset; /* what the call has of it */
        bool upload_open;     /* what comes is wanted */
        bool upload_wanted;   /* the call waits for more */
        uint64_t n_dropped;

        /* the answer */
        struct AnswerHead *head;       /* the far server's, until the answer is made of it; or NULL */
        struct MHD_Response *response; /* a reference of ours, until the end */
        unsigned status;
        Buf download;
        bool download_full; /* the call waits until there is room */
        bool download_end;
        bool too_large;    /* a SOAP answer */
        bool in_one_piece; /* the answer's head and body go out in one system call */

        bool is_soap;
        CallHeader *soap_headers; /* the request's fields with those of SOAP; texts below and libmicrohttpd's */
        char soap_type[4096], soap_action[4096];
};

/* For MHD_OPTION_URI_LOG_CALLBACK, the access handler, MHD_OPTION_NOTIFY_COMPLETED */
void *exchange_on_target(void *userdata, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_on_request(void *userdata, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                                    const char *data, size_t *size, void **context);
void exchange_on_completed(void *userdata, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code);

/* The caller closed its connection. */
void exchange_on_hangup(Exchange *e);

/* Ends whatever is under way; the caller's connection is cut. For the daemon's end. */
void exchange_abort(Exchange *e);

/* A whole HTTP answer for a request whose header did not come in time, also recorded. Return: its size, 0 when it does not fit */
int exchange_format_timeout(Client *c, char *ret, size_t size);

/* Goes on where libmicrohttpd was made to wait. */
void exchange_wake(Exchange *e);
void exchange_suspend(Exchange *e);

/* Both sides are done: writes the record and frees it. */
void exchange_end(Exchange *e);

/* exchange-call.c: finds the connection and checks who may use it. Return: false when it failed; e->error says why */
bool exchange_find(Exchange *e);

/* The same, then starts the call; answers with an error if that fails. */
void exchange_start(Exchange *e);
void exchange_cancel_call(Exchange *e);

/* Starts a call for @e. Return: false when it failed; e->error says why */
bool exchange_launch(Exchange *e, const CallRequest *request, const CallOps *ops);
void exchange_on_head(void *userdata, unsigned status, const CallHeader *headers, size_t n_headers, int64_t content_length);
CallBodyState exchange_read_body(void *userdata, uint8_t *buffer, size_t size, size_t *ret_size);

/* The call is over; the answer is made or ended according to @error. */
void exchange_end_call(Exchange *e, const CallError *error, const CallReport *report);

/* exchange-answer.c: makes e->response unless one is queued already; then wakes. */
void exchange_answer_error(Exchange *e);
void exchange_answer_text(Exchange *e, unsigned status, const char *type, Span text);

/* A far server's status and fields. */
typedef struct AnswerHead {
        unsigned status;
        int64_t content_length; /* -1: not said */
        size_t n_headers;
        CallHeader headers[]; /* texts behind them */
} AnswerHead;

/* Copies all. NULL without memory */
AnswerHead *answer_head_new(unsigned status, const CallHeader *headers, size_t n_headers, int64_t content_length);

/* Makes e->response of e->head: with the body where all of it is there, so that it goes out in one piece; else the body follows as it comes. */
void exchange_answer_far(Exchange *e);

void exchange_add_header(struct MHD_Response *response, const char *name, const char *value);
void exchange_add_far_headers(struct MHD_Response *response, const CallHeader *headers, size_t n_headers);
void exchange_set_response(Exchange *e, unsigned status, struct MHD_Response *response);

/* exchange-soap.c */
void exchange_soap_begin(Exchange *e);  /* header is there: collects the body */
void exchange_soap_launch(Exchange *e); /* the body is there: wraps it and calls */
void exchange_soap_done(Exchange *e);   /* the call ended well */
void exchange_soap_free(Exchange *e);

/* exchange-body.c */
enum MHD_Result exchange_take_body(Exchange *e, const char *data, size_t *size);

/* record.c */
void record_call(const Exchange *e);
void record_denied(const Exchange *e, bool report_only);
void call_id_new(char ret[CALL_ID_SIZE]);

/* reserved.c: GET http://midtls/... */
void reserved_answer(Exchange *e);

/* reserved-test.c: POST http://midtls/test/ALIAS */
void reserved_test(Exchange *e, Span alias);
