/* SPDX-License-Identifier: Apache-2.0 */

/* midtls call, midtls soap */

#include <string.h>

#include "calld/cli/answer.h"
#include "calld/cli/target.h"
#include "calld/cli/upload.h"
#include "calld/cli/verbs.h"

/* calld ends a call by the connection's timeout; this is for a calld that is stuck. */
#define CALL_IDLE_USEC (60 * USEC_PER_MINUTE)
#define TIMEOUT_MARGIN_USEC (10 * USEC_PER_SEC)
/* The user's, and ours below. */
#define HEADERS_MAX (OPTIONS_HEADERS_MAX + 4)

typedef struct Headers {
        const char *items[HEADERS_MAX];
        char *ours[4];
        size_t n_items, n_ours;
} Headers;

static void headers_done(Headers *h) {
        for (size_t i = 0; i < h->n_ours; i++)
                free(h->ours[i]);
}

static void headers_add_user(Headers *h, const Options *o) {
        for (size_t i = 0; i < o->n_headers; i++)
                h->items[h->n_items++] = o->headers[i];
}

/* @value has no control characters: the option's setter has seen to it. Return: 0 or -ENOMEM */
static int headers_add(Headers *h, const char *name, const char *value) {
        char *line;

        ASSERT(h->n_ours < ARRAY_SIZE(h->ours));
        if (asprintf(&line, "%s: %s", name, value) < 0)
                return -ENOMEM;

        h->ours[h->n_ours++] = line;
        h->items[h->n_items++] = line;
        return 0;
}

static uint64_t idle_usec(const Options *o) {
        return o->timeout ? MIN_OF(o->timeout_usec, CALL_IDLE_USEC) + TIMEOUT_MARGIN_USEC : CALL_IDLE_USEC;
}

static int run(const Options *o, const Target *target, const char *method, const Headers *headers, const Upload *upload) {
        _cleanup_(http_done) Http http = {.fd = -1};
        _cleanup_(http_head_done) HttpHead head = HTTP_HEAD_INIT;
        const ClientRequest request = {
                .method = method,
                .target = target->target,
                .authority = target->authority,
                .headers = headers->items,
                .n_headers = headers->n_items,
                .upload = *upload,
                .idle_usec = idle_usec(o),
        };
        int r;

        r = client_request(o, &request, &http, &head);
        return r != 0 ? r : answer_show(o, &http, &head);
}

static int usage_error(const char *wrong) {
        output_error(wrong, "the command line is wrong");
        return EXIT_USAGE;
}

int verb_call(const Options *o) {
        _cleanup_(headers_done) Headers headers = {};
        _cleanup_(upload_done) Upload upload = {.fd = -1};
        const char *wrong;
        Target target;
        int r = 0;

        wrong = target_parse(o->arguments, o->n_arguments, &target);
        if (wrong)
                return usage_error(wrong);

        headers_add_user(&headers, o);
        if (o->timeout && headers_add(&headers, "Midtls-Timeout", o->timeout) < 0)
                return output_error(NULL, "%s", strerror(ENOMEM));
        if (o->data)
                r = upload_open(o->data, &upload);
        if (r != 0)
                return r;

        return run(o, &target, target.method ? target.method : upload.given ? "POST" : "GET", &headers, &upload);
}

int verb_soap(const Options *o) {
        _cleanup_(headers_done) Headers headers = {};
        _cleanup_(upload_done) Upload upload = {.fd = -1};
        const char *wrong;
        Target target;
        int r;

        wrong = target_parse(o->arguments, o->n_arguments, &target);
        if (wrong)
                return usage_error(wrong);
        if (target.method)
                return usage_error("write midtls soap ALIAS PATH --action URI");
        if (!o->action)
                return usage_error("say which action: --action URI");

        headers_add_user(&headers, o);
        r = headers_add(&headers, "Midtls-Soap", o->soap ? o->soap : "1.1");
        if (r == 0)
                r = headers_add(&headers, "Midtls-Soap-Action", o->action);
        if (r == 0 && o->addressing)
                r = headers_add(&headers, "Midtls-Soap-Addressing", "1.0");
        if (r == 0 && o->timeout)
                r = headers_add(&headers, "Midtls-Timeout", o->timeout);
        if (r < 0)
                return output_error(NULL, "%s", strerror(-r));

        r = upload_open(o->data ? o->data : "-", &upload);
        return r != 0 ? r : run(o, &target, "POST", &headers, &upload);
}
