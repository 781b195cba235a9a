/* SPDX-License-Identifier: Apache-2.0 */

/* The client, with the resolver's end of the channel in the test's hands */

#include "calld/resolver/client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/chan-pass.h"
#include "common/msg-hello.h"
#include "tests/unit/lib/unit.h"

#define SOON_USEC (20 * USEC_PER_MSEC)
#define LATER_USEC (5 * USEC_PER_SEC)

typedef struct Fixture {
        sd_event *loop;
        ResolverClient *client;
        int peer;
        Buf record;
        bool ended;
        unsigned n_answers;
        ResolveResult result;
        char text[64];
        size_t n_addresses;
        ResolverLookup *to_cancel; /* when an answer comes */
} Fixture;

static void on_end(void *userdata) {
        Fixture *f = userdata;

        f->ended = true;
}

static void on_answer(void *userdata, const MsgAnswer *a) {
        Fixture *f = userdata;

        f->n_answers++;
        f->result = a->result;
        f->n_addresses = a->n_addresses;
        snprintf(f->text, sizeof(f->text), "%.*s", (int) a->text.size, (const char *) a->text.data);
        f->to_cancel = resolver_cancel(f->to_cancel);
}

static int set_up(void **state) {
        Fixture *f = calloc(1, sizeof(*f));
        int fds[2];

        assert_non_null(f);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        assert_true(sd_event_new(&f->loop) >= 0);
        assert_int_equal(resolver_client_new(f->loop, fds[0], geteuid(), on_end, f, &f->client), 0);
        f->peer = fds[1];
        f->record = (Buf) BUF_INIT(RESOLVE_RECORD_MAX);
        *state = f;
        return 0;
}

static int tear_down(void **state) {
        Fixture *f = *state;

        resolver_client_free(f->client);
        close_fdp(&f->peer);
        buf_done(&f->record);
        sd_event_unref(f->loop);
        free(f);
        return 0;
}

static void run(Fixture *f) {
        while (sd_event_run(f->loop, 0) > 0)
                ;
}

static ResolverLookup *find(Fixture *f, const char *name, uint64_t timeout_usec) {
        ResolverLookup *l = NULL;

        assert_int_equal(resolver_find_host(f->client, span_from_string(name), deadline_after(timeout_usec), on_answer, f, &l), 0);
        assert_non_null(l);
        return l;
}

/* What the client asked; its name points into the record. */
static MsgLookup asked(Fixture *f) {
        uint8_t type;
        MsgLookup m;
        Span body;

        assert_int_equal(chan_receive(f->peer, &f->record, 0), 0);
        assert_int_equal(msg_split(buf_span(&f->record), &type, &body), 0);
        assert_int_equal(type, RESOLVE_LOOKUP);
        assert_int_equal(msg_lookup_decode(body, &m), 0);
        return m;
}

static bool asked_nothing(Fixture *f) {
        return chan_receive(f->peer, &f->record, 0) == -EAGAIN;
}

static void answer_with(Fixture *f, const MsgAnswer *a, int passed) {
        _cleanup_(buf_done) Buf record = BUF_INIT(RESOLVE_RECORD_MAX);

        assert_int_equal(msg_answer_encode(&record, a), 0);
        assert_int_equal(chan_send_with(f->peer, buf_span(&record), passed), 0);
}

static void answer(Fixture *f, uint64_t id) {
        MsgAnswer a = {.id = id, .n_addresses = 1, .addresses = {{.bytes = {127, 0, 0, 1}}}};

        answer_with(f, &a, -1);
}

static void test_answer(void **state) {
        Fixture *f = *state;
        MsgLookup m;

        (void) find(f, "far.test", LATER_USEC);
        m = asked(f);
        assert_int_equal(m.kind, RESOLVE_HOST);
        assert_true(span_is(m.name, "far.test"));
        assert_true(m.deadline_usec > now_usec());
        run(f);
        assert_int_equal(f->n_answers, 0);
        answer(f, m.id);
        run(f);
        assert_int_equal(f->n_answers, 1);
        assert_int_equal(f->result, RESOLVE_OK);
        assert_int_equal(f->n_addresses, 1);
}

/* One question for several callers; another name is another question. */
static void test_shared(void **state) {
        Fixture *f = *state;
        uint64_t id;

        (void) find(f, "far.test", LATER_USEC);
        (void) find(f, "far.test", SOON_USEC);
        (void) find(f, "near.test", LATER_USEC);
        id = asked(f).id;
        assert_true(span_is(asked(f).name, "near.test"));
        assert_true(asked_nothing(f));
        answer(f, id);
        run(f);
        assert_int_equal(f->n_answers, 2);
}

/* An answer that others wait for, too, must not bring back who was cancelled by the first. */
static void test_cancelled_by_another(void **state) {
        Fixture *f = *state;
        ResolverLookup *first;

        first = find(f, "far.test", LATER_USEC);
        (void) find(f, "far.test", LATER_USEC);
        f->to_cancel = first;
        answer(f, asked(f).id);
        run(f);
        assert_int_equal(f->n_answers, 1);
}

static void test_cancelled(void **state) {
        Fixture *f = *state;
        ResolverLookup *l;
        uint64_t id;

        l = find(f, "far.test", LATER_USEC);
        id = asked(f).id;
        assert_null(resolver_cancel(l));
        answer(f, id);
        run(f);
        assert_int_equal(f->n_answers, 0);

        /* and who asks afterwards has a question of their own */
        (void) find(f, "far.test", LATER_USEC);
        assert_int_not_equal(asked(f).id, id);
        answer(f, id);
        run(f);
        assert_int_equal(f->n_answers, 0);
}

static void test_silence(void **state) {
        Fixture *f = *state;
        uint64_t started = now_usec();

        (void) find(f, "far.test", SOON_USEC);
        while (f->n_answers == 0)
                assert_true(sd_event_run(f->loop, LATER_USEC) > 0);
        assert_int_equal(f->result, RESOLVE_SILENT);
        assert_true(now_usec() - started >= SOON_USEC);
        answer(f, asked(f).id);
        run(f);
        assert_int_equal(f->n_answers, 1);
        assert_false(f->ended);
}

static void test_end(void **state) {
        Fixture *f = *state;

        (void) find(f, "far.test", LATER_USEC);
        close_fdp(&f->peer);
        run(f);
        assert_int_equal(f->n_answers, 1);
        assert_int_equal(f->result, RESOLVE_FAILED);
        assert_string_equal(f->text, "the resolver of midtls has ended");
        assert_true(f->ended);

        (void) find(f, "far.test", LATER_USEC);
        run(f);
        assert_int_equal(f->n_answers, 2);
}

/* A resolver that is stopped: what no longer fits is answered at once, nothing grows. */
static void test_full(void **state) {
        Fixture *f = *state;
        char name[16];

        for (unsigned i = 0; f->n_answers == 0; i++) {
                assert_true(i < 100000);
                snprintf(name, sizeof(name), "n%u", i);
                (void) find(f, name, LATER_USEC);
                run(f);
        }
        assert_int_equal(f->result, RESOLVE_FAILED);
        assert_string_equal(f->text, "the resolver of midtls does not answer");
        assert_false(f->ended);
}

/* Anything but an answer ends the channel. */
static void test_violation(void **state) {
        Fixture *f = *state;

        (void) find(f, "far.test", LATER_USEC);
        assert_int_equal(chan_send(f->peer, SPAN_LITERAL("\x62\0\0"), 0), 0);
        run(f);
        assert_int_equal(f->result, RESOLVE_FAILED);
        assert_true(f->ended);
}

static void test_id(void **state) {
        Fixture *f = *state;
        uint32_t id = 0;

        /* answered before the question: they count up */
        answer_with(f, &(MsgAnswer) {.id = 1, .number = 42}, -1);
        assert_int_equal(resolver_find_id(f->client, RESOLVE_USER, SPAN_LITERAL("joe"), deadline_after(LATER_USEC), &id), 0);
        assert_int_equal(id, 42);
        assert_int_equal(asked(f).kind, RESOLVE_USER);
        answer_with(f, &(MsgAnswer) {.id = 2, .result = RESOLVE_UNKNOWN}, -1);
        assert_int_equal(resolver_find_id(f->client, RESOLVE_GROUP, SPAN_LITERAL("joe"), deadline_after(LATER_USEC), &id), RESOLVER_E_UNKNOWN);
        assert_int_equal(asked(f).kind, RESOLVE_GROUP);
        answer_with(f, &(MsgAnswer) {.id = 3, .result = RESOLVE_FAILED}, -1);
        assert_int_equal(resolver_find_id(f->client, RESOLVE_USER, SPAN_LITERAL("jim"), deadline_after(LATER_USEC), &id), RESOLVER_E_FAILED);
        assert_int_equal(resolver_find_id(f->client, RESOLVE_USER, SPAN_LITERAL("jon"), deadline_after(SOON_USEC), &id), RESOLVER_E_FAILED);
}

/* An address that comes while an id is waited for is handed out later, from the loop. */
static void test_no_callback_while_waiting(void **state) {
        Fixture *f = *state;
        uint32_t id = 0;

        (void) find(f, "far.test", LATER_USEC);
        answer(f, 1);
        answer_with(f, &(MsgAnswer) {.id = 2, .number = 42}, -1);
        assert_int_equal(resolver_find_id(f->client, RESOLVE_USER, SPAN_LITERAL("joe"), deadline_after(LATER_USEC), &id), 0);
        assert_int_equal(f->n_answers, 0);
        run(f);
        assert_int_equal(f->n_answers, 1);
}

/* A listener and a connection to it, both of this user. */
static int make_connection(int type) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        socklen_t size = sizeof(address);
        _cleanup_fd_ int listener = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        assert_true(listener >= 0 && fd >= 0);
        assert_int_equal(bind(listener, (struct sockaddr *) &address, sizeof(sa_family_t)), 0);
        assert_int_equal(listen(listener, 1), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *) &address, &size), 0);
        assert_int_equal(connect(fd, (struct sockaddr *) &address, size), 0);
        return fd;
}

static void test_keyd(void **state) {
        Fixture *f = *state;
        _cleanup_fd_ int connection = make_connection(SOCK_SEQPACKET), got = -1;

        answer_with(f, &(MsgAnswer) {.id = 1}, connection);
        assert_int_equal(resolver_connect_keyd(f->client, deadline_after(LATER_USEC), &got), 0);
        assert_int_equal(fcntl(got, F_GETFD), FD_CLOEXEC);
        assert_true(fcntl(got, F_GETFL) & O_NONBLOCK);
        assert_int_equal(asked(f).kind, RESOLVE_KEYD);
        answer_with(f, &(MsgAnswer) {.id = 2, .result = RESOLVE_FAILED}, -1);
        assert_int_equal(resolver_connect_keyd(f->client, deadline_after(LATER_USEC), &got), -ECONNREFUSED);
        answer_with(f, &(MsgAnswer) {.id = 3, .result = RESOLVE_SILENT}, -1);
        assert_int_equal(resolver_connect_keyd(f->client, deadline_after(LATER_USEC), &got), -ETIMEDOUT);
        assert_int_equal(resolver_connect_keyd(f->client, deadline_after(SOON_USEC), &got), -ETIMEDOUT);
        assert_false(f->ended);
}

static void refuses(Fixture *f, int passed) {
        int got = -1;

        answer_with(f, &(MsgAnswer) {.id = 1}, passed);
        assert_int_equal(resolver_connect_keyd(f->client, deadline_after(LATER_USEC), &got), -ECONNREFUSED);
        assert_int_equal(got, -1);
        run(f);
        assert_true(f->ended);
}

static void test_keyd_not_a_socket(void **state) {
        _cleanup_fd_ int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        refuses(*state, fd);
}

static void test_keyd_other_type(void **state) {
        _cleanup_fd_ int fd = make_connection(SOCK_STREAM);

        refuses(*state, fd);
}

static void test_keyd_other_family(void **state) {
        _cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        refuses(*state, fd);
}

static void test_keyd_listener(void **state) {
        _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(sa_family_t)), 0);
        assert_int_equal(listen(fd, 1), 0);
        refuses(*state, fd);
}

static void test_keyd_other_user(void **state) {
        _cleanup_fd_ int fd = make_connection(SOCK_SEQPACKET);
        Fixture *f = *state;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        resolver_client_free(f->client);
        close_fdp(&f->peer);
        assert_int_equal(resolver_client_new(f->loop, fds[0], geteuid() + 1, on_end, f, &f->client), 0);
        f->peer = fds[1];
        refuses(f, fd);
}

/* A descriptor with an answer to another question. */
static void test_descriptor_unasked(void **state) {
        _cleanup_fd_ int fd = make_connection(SOCK_SEQPACKET);
        Fixture *f = *state;

        (void) find(f, "far.test", LATER_USEC);
        answer_with(f, &(MsgAnswer) {.id = 1}, fd);
        run(f);
        assert_int_equal(f->result, RESOLVE_FAILED);
        assert_true(f->ended);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_answer),
                TEST(test_shared),
                TEST(test_cancelled_by_another),
                TEST(test_cancelled),
                TEST(test_silence),
                TEST(test_end),
                TEST(test_full),
                TEST(test_violation),
                TEST(test_id),
                TEST(test_no_callback_while_waiting),
                TEST(test_keyd),
                TEST(test_keyd_not_a_socket),
                TEST(test_keyd_other_type),
                TEST(test_keyd_other_family),
                TEST(test_keyd_listener),
                TEST(test_keyd_other_user),
                TEST(test_descriptor_unasked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
