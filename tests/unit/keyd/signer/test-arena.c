/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "keyd/crypto/arena.h"
#include "keyd/crypto/secret.h"
#include "tests/unit/keyd/roles/role-process.h"

#define SLOTS 512

static ArenaStatus status;

static bool is_zero(const uint8_t *p, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (p[i] != 0)
                        return false;
        return true;
}

static bool is_filled(const uint8_t *p, size_t size, uint8_t value) {
        for (size_t i = 0; i < size; i++)
                if (p[i] != value)
                        return false;
        return true;
}

static void test_status(void **state _unused_) {
        assert_true(arena_is_open());
        assert_in_range(status.size, 1024 * 1024, 4 * 1024 * 1024);
        assert_true(status.level == ARENA_UNLOCKED || (status.not_dumped && status.not_forked));
        assert_int_equal(arena_used(), 0);
}

/* Sizes, alignment, zeroes, and that no block is another's. */
static void test_blocks(void **state _unused_) {
        static uint8_t *blocks[2000];

        for (size_t i = 1; i < ARRAY_SIZE(blocks); i++) {
                blocks[i] = arena_allocate(i);
                if (!blocks[i])
                        break;
                assert_int_equal((uintptr_t) blocks[i] % 16, 0);
                assert_true(is_zero(blocks[i], i));
                memset(blocks[i], (int) (i & 0xff), i);
        }
        for (size_t i = 1; i < ARRAY_SIZE(blocks) && blocks[i]; i++)
                assert_true(is_filled(blocks[i], i, (uint8_t) i));
        for (size_t i = 1; i < ARRAY_SIZE(blocks); i++)
                arena_release(blocks[i]);
        assert_int_equal(arena_used(), 0);
}

static void test_nothing(void **state _unused_) {
        assert_null(arena_allocate(0));
        assert_null(arena_allocate(status.size));
        assert_null(arena_allocate(SIZE_MAX));
        assert_null(arena_allocate(SIZE_MAX - 8));
        arena_release(NULL);
        assert_int_equal(arena_used(), 0);
}

/* What was freed joins again: the largest block that ever fit fits after any mess. */
static void test_coalescing(void **state _unused_) {
        size_t largest = status.size - 32;
        void *p = arena_allocate(largest), *parts[8];

        assert_non_null(p);
        assert_null(arena_allocate(1));
        assert_true(arena_is_nearly_full());
        arena_release(p);
        assert_false(arena_is_nearly_full());

        /* every order of freeing two neighbours of a third */
        for (unsigned order = 0; order < 6; order++) {
                static const size_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

                for (size_t i = 0; i < 3; i++)
                        assert_non_null(parts[i] = arena_allocate(100 + i));
                for (size_t i = 0; i < 3; i++)
                        arena_release(parts[orders[order][i]]);
                p = arena_allocate(largest);
                assert_non_null(p);
                assert_true(is_zero(p, largest));
                arena_release(p);
        }
}

static void test_wiped(void **state _unused_) {
        uint8_t *p = arena_allocate(4096);

        assert_non_null(p);
        memset(p, 0x5a, 4096);
        arena_release(p);
        /* The list's links lie in the first bytes. */
        assert_true(is_zero(p + 16, 4096 - 16));

        p = arena_allocate(4096);
        memset(p, 0x5a, 4096);
        assert_ptr_equal(arena_resize(p, 100), p);
        assert_true(is_zero(p + 100, 4096 - 100));
        assert_ptr_equal(arena_resize(p, 4096), p);
        assert_true(is_filled(p, 100, 0x5a));
        assert_true(is_zero(p + 100, 4096 - 100));
        arena_release(p);
}

static void test_resize(void **state _unused_) {
        uint8_t *p = arena_resize(NULL, 10), *old;

        assert_non_null(p);
        memset(p, 7, 10);
        old = p;
        p = arena_resize(p, 100000);
        assert_true(is_filled(p, 10, 7));
        assert_true(is_zero(p + 10, 100000 - 10));
        assert_true(old == p || is_zero(old + 16, 0));
        assert_null(arena_resize(p, SIZE_MAX));
        assert_true(is_filled(p, 10, 7));
        assert_null(arena_resize(p, 0));
        assert_int_equal(arena_used(), 0);
}

static uint32_t next_random(uint32_t *seed) {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 17;
        *seed ^= *seed << 5;
        return *seed;
}

/* A long random life against a model: content is kept, nothing overlaps, nothing is lost. */
static void test_random(void **state _unused_) {
        static struct {
                uint8_t *p;
                size_t size;
                uint8_t value;
        } slots[SLOTS];
        uint32_t seed = 2463534242;

        for (unsigned round = 0; round < 200000; round++) {
                size_t i = next_random(&seed) % SLOTS, size = next_random(&seed) % (round % 50 == 0 ? 60000 : 700);

                if (slots[i].p) {
                        assert_true(is_filled(slots[i].p, MIN_OF(slots[i].size, (size_t) 64), slots[i].value));
                        assert_true(is_filled(slots[i].p + slots[i].size - 1, 1, slots[i].value));
                        arena_release(slots[i].p);
                        slots[i].p = NULL;
                        continue;
                }

                slots[i].p = arena_allocate(size);
                slots[i].size = size;
                slots[i].value = (uint8_t) next_random(&seed);
                if (slots[i].p) {
                        assert_true(is_zero(slots[i].p, size));
                        memset(slots[i].p, slots[i].value, size);
                }
        }

        for (size_t i = 0; i < SLOTS; i++)
                arena_release(slots[i].p);
        assert_int_equal(arena_used(), 0);
        test_coalescing(NULL);
}

/* misuse: in a process of its own, which has an arena of its own */

static void use_well(void) {
        arena_release(arena_allocate(64));
}

static void free_twice(void) {
        void *p = arena_allocate(64);

        arena_release(p);
        arena_release(p);
}

static void free_foreign(void) {
        static uint8_t foreign[64];

        arena_release(foreign + 16);
}

static void free_inside(void) {
        uint8_t *p = arena_allocate(64);

        arena_release(p + 16);
}

static void (*const uses[])(void) = {use_well, free_twice, free_foreign, free_inside};

/* Return: as waitpid() says of a process that did uses[i] */
static int end_of_use(size_t i) {
        char number[2] = {(char) ('0' + i), 0};
        pid_t pid = fork();
        int end = 0;

        assert_true(pid >= 0);
        if (pid == 0) {
                ignore_result(freopen("/dev/null", "w", stderr), "the assertion's text is not wanted");
                execl("/proc/self/exe", "test-arena", number, NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &end, 0), pid);
        return end;
}

static void test_misuse(void **state _unused_) {
        assert_int_equal(end_of_use(0), 0);
        for (size_t i = 1; i < ARRAY_SIZE(uses); i++) {
                int end = end_of_use(i);

                assert_true(WIFSIGNALED(end) && WTERMSIG(end) == SIGABRT);
        }
}

/* where the best memory is not to be had */

/* As on Linux 6.1: memfd_secret(2) says ENOSYS. */
static void without_memfd_secret(void) {
        struct sock_filter rules[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_secret, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {.len = ARRAY_SIZE(rules), .filter = rules};

        ASSERT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void with_memlock(rlim_t limit) {
        ASSERT(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit) {limit, limit}) == 0);
        ASSERT(geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
}

/* Return: the level, or 100 when the memory is not as it should be */
static int level_in(const char *environment) {
        uint8_t *p;

        if (*environment == 'L')
                without_memfd_secret();
        else
                with_memlock(*environment == 'U' ? 0 : 2 * 1024 * 1024);

        if (arena_open((size_t) 4 * 1024 * 1024, &status) < 0 || !status.not_dumped || !status.not_forked)
                return 100;
        if (*environment == 'S' && status.size > 2 * 1024 * 1024)
                return 100;
        p = arena_allocate(status.size - 32);
        return p && is_zero(p, status.size - 32) ? (int) status.level : 100;
}

static int run_in(const char *environment) {
        pid_t pid = fork();
        int end = 0;

        assert_true(pid >= 0);
        if (pid == 0) {
                execl("/proc/self/exe", "test-arena", environment, NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &end, 0), pid);
        assert_true(WIFEXITED(end));
        return WEXITSTATUS(end);
}

static void test_levels(void **state _unused_) {
        /* A sanitizer's mlock() does nothing and says that all is well. */
        if (!role_can_be_confined())
                skip();

        assert_int_equal(run_in("U"), ARENA_UNLOCKED);
        if (status.level != ARENA_SECRET)
                skip();
        assert_int_equal(run_in("L"), ARENA_LOCKED);
        assert_int_equal(run_in("S"), ARENA_SECRET);
}

static void test_secrets_lie_here(void **state _unused_) {
        Secret *s = NULL;
        size_t before = arena_used();

        assert_int_equal(secret_new(1000, &s), 0);
        assert_true(arena_used() >= before + 1000);
        memset(secret_writable(s), 'x', 1000);
        secret_set_size(s, 1000);
        assert_int_equal(secret_data(s)[1000], 0);
        secret_free(s);
        assert_int_equal(arena_used(), before);
        assert_int_equal(secret_new(status.size, &s), -ENOMEM);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_status),           cmocka_unit_test(test_blocks), cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_coalescing),       cmocka_unit_test(test_wiped),  cmocka_unit_test(test_resize),
                cmocka_unit_test(test_random),           cmocka_unit_test(test_misuse), cmocka_unit_test(test_levels),
                cmocka_unit_test(test_secrets_lie_here),
        };

        if (argc == 2 && argv[1][0] > '9')
                return level_in(argv[1]);

        ASSERT(arena_open((size_t) 4 * 1024 * 1024, &status) == 0);
        if (argc == 2) {
                uses[argv[1][0] - '0']();
                return 0;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
