/* SPDX-License-Identifier: Apache-2.0 */

/* Answers of secret stores: a byte for the store, one for the status, then the body */

#include "keyd/fetcher/ccp.h"
#include "keyd/fetcher/conjur.h"
#include "keyd/fetcher/instance.h"
#include "keyd/fetcher/kv.h"
#include "tests/fuzz/fuzz.h"

static const FetchAsk asked = {.container = (char *) "safe", .folder = (char *) "", .object = (char *) "account", .part = (char *) "password"};
static const FetchAsk records = {.container = (char *) "", .folder = (char *) "", .object = (char *) "table", .part = (char *) "a b c d e f g"};

static const long statuses[] = {200, 204, 302, 307, 400, 401, 403, 404, 429, 500, 503};

/* A value or a reason, which is a sentence; never both. */
static void check(FetchAnswer *a, bool may_be_empty) {
        CHECK((unsigned) a->class < _FETCH_CLASS_MAX);
        CHECK((a->class == FETCH_OK) == (a->content != NULL));
        CHECK((a->class == FETCH_OK) == (a->detail[0] == 0));
        CHECK(!a->content || (secret_size(a->content) <= FETCH_CONTENT_MAX && (may_be_empty || secret_size(a->content) > 0)));
        for (const char *p = a->detail; *p; p++)
                CHECK((unsigned char) *p >= 0x20 && *p != 0x7f);
        fetch_answer_done(a);
}

/* No line but those that this process writes */
static void check_lines(const Secret *text) {
        const char *p = (const char *) secret_data(text), *end = p + secret_size(text);

        while (p < end) {
                const char *line_end = memchr(p, '\n', (size_t) (end - p));

                CHECK(line_end);
                CHECK(*p == '=' || *p == '!' || strncmp(p, "KeystorePath=", 13) == 0 || strncmp(p, "ExternalCredentialStore=", 24) == 0 ||
                      strncmp(p, "Password=", 9) == 0 || strncmp(p, "DefaultPort=", 12) == 0 || strncmp(p, "AppliesTo=specific\n", 19) == 0 ||
                      strncmp(p, "MidServers=", 11) == 0);
                p = line_end + 1;
        }
}

static void read_login(long status, const Secret *body, const SessionReply *reply) {
        _cleanup_(secret_freep) Secret *token = NULL, *other = NULL;
        FetchAnswer a;

        CHECK(kv_read_login(status, body, &token, &a) == 0);
        CHECK((token != NULL) == (a.detail[0] == 0));
        for (size_t i = 0; token && i < secret_size(token); i++)
                CHECK(secret_data(token)[i] > 0x20 && secret_data(token)[i] < 0x7f);
        CHECK(conjur_read_login(reply, &other, &a) == 0);
        CHECK((other != NULL) == (a.detail[0] == 0));
        CHECK(!kv_read_age(status, body) || status == 200);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(session_reply_done) SessionReply reply = {};
        FetchAnswer a;

        if (size < 2)
                return 0;
        reply.status = statuses[data[1] % ARRAY_SIZE(statuses)];
        reply.is_html = data[1] & 0x80;
        CHECK(secret_new_from(data + 2, size - 2, &reply.body) == 0);

        switch (data[0] % 5) {
        case 0:
                CHECK(ccp_read(&asked, reply.status, reply.body, &a) == 0);
                check(&a, false);
                return 0;
        case 1:
        case 2:
                CHECK(kv_read_value(&asked, data[0] % 5 == 1, reply.status, reply.body, &a) == 0);
                check(&a, false);
                return 0;
        case 3:
                CHECK(conjur_read_value(&asked, &reply, &a) == 0);
                check(&a, false);
                read_login(reply.status, reply.body, &reply);
                return 0;
        default:
                CHECK(instance_read(&records, &reply, &a) == 0);
                if (a.content)
                        check_lines(a.content);
                check(&a, true);
                return 0;
        }
}
