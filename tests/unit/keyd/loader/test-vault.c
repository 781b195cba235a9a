/* SPDX-License-Identifier: Apache-2.0 */

/* How an account is named, what its value is, and what becomes of a vault that cannot be asked */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sys/socket.h>

#include "common/chan.h"
#include "common/msg-hello.h"
#include "common/msg-load.h"
#include "common/msg-quarantine.h"
#include "keyd/crypto/fetch.h"
#include "keyd/loader/secrets/vault.h"

#define N180                                                                                         \
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_id(void **state _unused_) {
        static const struct {
                const char *text, *safe, *object, *platform;
        } cases[] = {
                {"id", "", "id", ""},
                {" id ", "", "id", ""},
                {"safe:id", "safe", "id", ""},
                {"safe:id:platform", "safe", "id", "platform"},
                {"safe:id:", "safe", "id", ""},
                {"safe: an id with blanks ", "safe", "an id with blanks", ""},
                {" id=x, type=basic", "", "x", ""},
                {":id=x,type=basic", "", "x", ""},
                {"type=basic, id=a b", "", "a b", ""},
                {"id=x", "", "x", ""},
                {N180, "", N180, ""},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *text = strdup(cases[i].text);
                AccountId id;

                assert_non_null(text);
                assert_int_equal(account_parse(ROLE_STORE_CYBERARK, text, &id), 0);
                assert_string_equal(id.container, cases[i].safe);
                assert_string_equal(id.object, cases[i].object);
                assert_string_equal(id.part, cases[i].platform);
        }
}

static void test_id_refused(void **state _unused_) {
        static const char *const cases[] = {
                "",    " ",          ":",           "::",         "safe:",        ":id",     "::platform", "safe::platform", "a:b:c:d",
                "id=", "id=a, id=b", "id=a, key=b", "type=basic", "id=a,,type=b", "a\tb\nc", N180 "a",     "safe:" N180 "a",
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *text = strdup(cases[i]);
                AccountId id;

                assert_non_null(text);
                if (account_parse(ROLE_STORE_CYBERARK, text, &id) != 1)
                        fail_msg("\"%s\" is taken for an ID", text);
        }
}

static void test_paths(void **state _unused_) {
        static const struct {
                RoleStore store;
                const char *text, *object, *part;
        } good[] = {
                {ROLE_STORE_VAULT, "partner", "partner", ""},        {ROLE_STORE_VAULT, " a/b c/d#f ", "a/b c/d", "f"},
                {ROLE_STORE_VAULT, "a:b/..c#x y", "a:b/..c", "x y"}, {ROLE_STORE_CONJUR, "app/db pw", "app/db pw", ""},
                {ROLE_STORE_CONJUR, "a:b#c//d", "a:b#c//d", ""},
        };
        static const struct {
                RoleStore store;
                const char *text;
        } bad[] = {
                {ROLE_STORE_VAULT, ""},       {ROLE_STORE_VAULT, "#f"},  {ROLE_STORE_VAULT, "a#"},   {ROLE_STORE_VAULT, "a#b#c"},
                {ROLE_STORE_VAULT, "/a"},     {ROLE_STORE_VAULT, "a/"},  {ROLE_STORE_VAULT, "a//b"}, {ROLE_STORE_VAULT, ".."},
                {ROLE_STORE_VAULT, "a/../b"}, {ROLE_STORE_VAULT, "./a"}, {ROLE_STORE_VAULT, "a\nb"}, {ROLE_STORE_CONJUR, " "},
                {ROLE_STORE_CONJUR, "a\rb"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                AccountId id;

                assert_int_equal(account_parse(good[i].store, good[i].text, &id), 0);
                assert_string_equal(id.object, good[i].object);
                assert_string_equal(id.part, good[i].part);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                AccountId id;

                if (account_parse(bad[i].store, bad[i].text, &id) != 1)
                        fail_msg("\"%s\" is taken for an ID", bad[i].text);
        }
}

/* @n bytes that begin with @begin, as base64 with @every characters a line (0: one line) */
static Secret *encoded(const char *begin, size_t n_begin, size_t n, size_t every) {
        uint8_t data[1024] = {}, text[2048];
        Secret *s = NULL;
        size_t size, used = 0;

        memcpy(data, begin, n_begin);
        size = (size_t) EVP_EncodeBlock(text, data, (int) n);
        assert_int_equal(secret_new(2 * size, &s), 0);
        for (size_t i = 0; i < size; i++) {
                secret_writable(s)[used++] = text[i];
                if (every && (i + 1) % every == 0)
                        secret_writable(s)[used++] = '\n';
        }
        secret_set_size(s, used);
        return s;
}

/* Return: the size of the keystore that @value is, 0 for a password */
static size_t keystore_size(Secret *value) {
        _cleanup_(secret_freep) Secret *owned = value, *keystore = NULL;

        assert_int_equal(vault_value_as_keystore(owned, &keystore), 0);
        return keystore ? secret_size(keystore) : 0;
}

static Secret *text(const char *s) {
        Secret *ret = NULL;

        assert_int_equal(secret_new_from(s, strlen(s), &ret), 0);
        return ret;
}

static void test_value(void **state _unused_) {
        static const char pem[] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

        assert_int_equal(keystore_size(encoded("\x30\x82", 2, 500, 0)), 500);
        assert_int_equal(keystore_size(encoded("\x30\x80", 2, 501, 64)), 501);
        assert_int_equal(keystore_size(encoded("\xfe\xed\xfe\xed", 4, 502, 76)), 502);
        assert_int_equal(keystore_size(encoded("\xce\xce\xce\xce", 4, 200, 76)), 200);
        assert_int_equal(keystore_size(text(pem)), strlen(pem));
}

static void test_value_password(void **state _unused_) {
        static const char *const passwords[] = {"", "changeit", "MIIB", "MIIBAAAA====", "====", "=", "a b", "-----BEGIN", "MIIB\xc3\xa4"};

        for (size_t i = 0; i < ARRAY_SIZE(passwords); i++)
                assert_int_equal(keystore_size(text(passwords[i])), 0);
        assert_int_equal(keystore_size(encoded("\x30\x82", 2, 199, 0)), 0);
        assert_int_equal(keystore_size(encoded("\x31\x82", 2, 500, 0)), 0);
        assert_int_equal(keystore_size(encoded("\x30\x10", 2, 500, 0)), 0);
}

/* Nobody, no configuration, a fetcher that is not there: told at once, and asked for no more. */
static void test_not_asked(void **state _unused_) {
        Config config = {.stores[ROLE_STORE_CYBERARK].problem = (char *) "empty"};
        LoadFailure f = {};
        Secret *value = NULL;
        bool is_changing;
        Vault v;

        assert_int_equal(vault_fetch(NULL, ROLE_STORE_CYBERARK, "safe:id", &value, &is_changing, &f), 1);
        assert_non_null(strstr(f.detail, "[configuration]"));
        vault_init(&v, &config, -1, 0);
        assert_int_equal(vault_fetch(&v, ROLE_STORE_CYBERARK, "safe:id", &value, &is_changing, &f), 1);
        assert_non_null(strstr(f.detail, "[configuration]"));
        assert_false(v.wants_retry);
        config.stores[ROLE_STORE_CYBERARK].problem = NULL;
        assert_int_equal(vault_fetch(&v, ROLE_STORE_CYBERARK, "id", &value, &is_changing, &f), 1);
        assert_non_null(strstr(f.detail, "cannot be used"));
        assert_int_equal(vault_tell_retry(&v), 0);
        vault_done(&v);
}

/* Nobody's time while the vault is waited for, then again the profile's: @n_waits times, and nothing else is said. */
static void assert_told(int fd, unsigned n_waits) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);

        for (unsigned i = 0; i < 2 * n_waits; i++) {
                MsgProgress m;
                uint8_t type;
                Span body;

                assert_int_equal(chan_receive(fd, &record, deadline_after(USEC_PER_SEC)), 0);
                assert_int_equal(msg_split(buf_span(&record), &type, &body), 0);
                assert_int_equal(type, ROLE_PROGRESS);
                assert_int_equal(msg_progress_decode(body, &m), 0);
                assert_true(span_is(m.profile, i % 2 == 0 ? "" : "own"));
        }
        assert_int_not_equal(chan_receive(fd, &record, deadline_after(0)), 0);
}

/* The whole way from @answer as the fetcher sends it */
static int fetch_with(const FetchAnswer *answer, size_t n_answers, Vault *v, Secret **ret, LoadFailure *f) {
        static Config config = {.stores[ROLE_STORE_CYBERARK] = {.container = (char *) "s", .timeout_usec = USEC_PER_SEC}};
        int fds[2], control[2], r = 0;
        bool is_changing;

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0);
        vault_init(v, &config, control[0], 5 * USEC_PER_SEC);
        v->channels[ROLE_STORE_CYBERARK] = (VaultChannel) {.fd = fds[0], .is_open = true};
        v->profile = "own";
        for (size_t i = 0; i < n_answers; i++)
                assert_int_equal(fetch_send_answer(fds[1], answer, deadline_after(USEC_PER_SEC)), 0);
        if (n_answers == 0)
                shutdown(fds[1], SHUT_WR);
        for (size_t i = 0; i < 2; i++) {
                *ret = secret_free(*ret);
                r = vault_fetch(v, ROLE_STORE_CYBERARK, "id", ret, &is_changing, f);
        }
        assert_told(control[1], v->channels[ROLE_STORE_CYBERARK].is_down ? 1 : 2);
        for (size_t i = 0; i < 2; i++) {
                close(fds[i]);
                close(control[i]);
        }
        return r;
}

static void test_classes(void **state _unused_) {
        static const struct {
                FetchClass class;
                bool is_retried, is_down, is_alert;
                const char *word;
        } cases[] = {
                {FETCH_RETRY, true, false, false, "[retry]"},
                {FETCH_RETRY_ALL, true, true, false, "[retry]"},
                {FETCH_CONFIGURATION, false, false, false, "[configuration]"},
                {FETCH_ALERT, false, false, true, "[alert]"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const FetchAnswer a = {.class = cases[i].class, .retry_after_sec = 9, .detail = "why", .hint = "what"};
                LoadFailure f = {};
                Secret *value = NULL;
                Vault v;

                /* With the vault down the second one is not read: it is not asked for. */
                assert_int_equal(fetch_with(&a, cases[i].is_down ? 1 : 2, &v, &value, &f), 1);
                assert_non_null(strstr(f.detail, cases[i].word));
                assert_string_equal(f.hint, "what");
                assert_int_equal(v.wants_retry, cases[i].is_retried);
                assert_int_equal(v.retry_after_sec, cases[i].is_retried ? 9 : 0);
                assert_int_equal(v.channels[ROLE_STORE_CYBERARK].is_down, cases[i].is_down);
                assert_int_equal(f.is_alert, cases[i].is_alert);
        }
}

static void test_fetcher_gone(void **state _unused_) {
        LoadFailure f = {};
        Secret *value = NULL;
        Vault v;

        assert_int_equal(fetch_with(NULL, 0, &v, &value, &f), 1);
        assert_non_null(strstr(f.detail, "the fetcher has failed"));
        assert_true(v.wants_retry && v.channels[ROLE_STORE_CYBERARK].is_down);
}

static void test_good(void **state _unused_) {
        _cleanup_(secret_freep) Secret *content = text("secret"), *value = NULL;
        const FetchAnswer a = {.class = FETCH_OK, .content = content};
        LoadFailure f = {};
        Vault v;

        assert_int_equal(fetch_with(&a, 2, &v, &value, &f), 0);
        assert_int_equal(secret_size(value), 6);
        assert_memory_equal(secret_data(value), "secret", 6);
        assert_false(v.wants_retry);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths),          cmocka_unit_test(test_id),
                cmocka_unit_test(test_id_refused),     cmocka_unit_test(test_value),
                cmocka_unit_test(test_value_password), cmocka_unit_test(test_not_asked),
                cmocka_unit_test(test_classes),        cmocka_unit_test(test_good),
                cmocka_unit_test(test_fetcher_gone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
