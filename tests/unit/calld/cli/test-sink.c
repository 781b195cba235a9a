/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "calld/cli/sink.h"

/* What a terminal gets when a body comes in pieces of @piece bytes. */
static char *show(const char *body, size_t size, size_t piece) {
        char *text = NULL;
        size_t shown;
        Sink s = {.terminal = true, .file = open_memstream(&text, &shown)};

        for (size_t done = 0; done < size; done += piece)
                assert_int_equal(sink_write(&s, body + done, MIN_OF(piece, size - done)), 0);
        assert_int_equal(sink_finish(&s), 0);
        fclose(s.file);
        return text;
}

static void check(const char *body, size_t size, const char *expected) {
        for (size_t piece = 1; piece <= size; piece++) {
                _cleanup_free_ char *text = show(body, size, piece);

                assert_string_equal(text, expected);
        }
}

#define CHECK(body, expected) check(body, sizeof(body) - 1, expected)

static void test_terminal(void **state _unused_) {
        CHECK("{\"a\":1}", "{\"a\":1}\n");
        CHECK("a\tb\r\n", "a\tb\n");
        CHECK("\x1b[2J\x07\x7f\n", "\\x1b[2J\\x07\\x7f\n");
        CHECK("gr\xc3\xbcn\xc2\xa7\n", "gr\xc3\xbcn\xc2\xa7\n");
        CHECK("\xc2\x9b"
              "2J\n",
              "\\xc2\\x9b"
              "2J\n");
        CHECK("\xc2\xc2\x85\n", "\xc2\\xc2\\x85\n");
        CHECK("x\xc2", "x\xc2\n");
        CHECK("a\0b\n", "a\\x00"
                        "b\n");
}

static void test_file(void **state _unused_) {
        static const char body[] = "\x1b\0raw";
        char path[] = "/tmp/test-sink-XXXXXX", data[16];
        int fd = mkstemp(path);
        Sink s;

        sink_init(&s, path);
        assert_false(s.terminal);
        assert_int_equal(sink_write(&s, body, sizeof(body)), 0);
        assert_int_equal(sink_finish(&s), 0);
        sink_done(&s);
        assert_int_equal(read(fd, data, sizeof(data)), sizeof(body));
        assert_memory_equal(data, body, sizeof(body));
        close(fd);
        unlink(path);
}

/* An empty body makes an empty file. */
static void test_empty(void **state _unused_) {
        char path[] = "/tmp/test-sink-XXXXXX";
        int fd = mkstemp(path);
        struct stat st;
        Sink s;

        assert_int_equal(write(fd, "old", 3), 3);
        close(fd);
        sink_init(&s, path);
        assert_int_equal(sink_finish(&s), 0);
        sink_done(&s);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, 0);
        unlink(path);
}

static void test_errors(void **state _unused_) {
        Sink s, full;

        sink_init(&s, "/nonexistent/file");
        assert_int_equal(sink_write(&s, "x", 1), -ENOENT);
        sink_done(&s);

        sink_init(&full, "/dev/full");
        assert_int_equal(sink_write(&full, "x", 1), 0);
        assert_int_equal(sink_finish(&full), -ENOSPC);
        sink_done(&full);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_terminal),
                cmocka_unit_test(test_file),
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
