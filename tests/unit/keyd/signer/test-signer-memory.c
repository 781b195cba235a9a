/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Looks for a key's bytes in the signer's memory, as root's debugger would: with memfd_secret there is nothing to be found. The same search
 * finds them in a copy of this process, where the key was made.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/keyd/signer/peer.h"

#define NEEDLE_SIZE 32U
#define NEEDLES_MAX 16U
#define CHUNK ((size_t) 1024 * 1024)

static const char *path;

typedef struct Needles {
        uint8_t bytes[NEEDLES_MAX][NEEDLE_SIZE];
        size_t n;
} Needles;

static void add_needle(Needles *ret, const uint8_t *bytes, bool reversed) {
        ASSERT(ret->n < NEEDLES_MAX);

        for (size_t i = 0; i < NEEDLE_SIZE; i++)
                ret->bytes[ret->n][i] = bytes[reversed ? NEEDLE_SIZE - 1 - i : i];
        ret->n++;
}

/* The first bytes of each secret number, as on the wire and as OpenSSL keeps them in limbs. */
static void find_needles(EVP_PKEY *key, Needles *ret) {
        static const char *const names[] = {OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,      OSSL_PKEY_PARAM_RSA_FACTOR2,
                                            OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, OSSL_PKEY_PARAM_PRIV_KEY};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                uint8_t bytes[1024];
                BIGNUM *number = NULL;
                size_t size;

                if (EVP_PKEY_get_bn_param(key, names[i], &number) == 1 && BN_num_bytes(number) >= (int) NEEDLE_SIZE) {
                        BN_bn2bin(number, bytes);
                        add_needle(ret, bytes, false);
                        add_needle(ret, bytes, true);
                } else if (EVP_PKEY_get_octet_string_param(key, names[i], bytes, sizeof(bytes), &size) == 1 && size >= NEEDLE_SIZE)
                        add_needle(ret, bytes, false);
                BN_clear_free(number);
        }
        ERR_clear_error();
        ASSERT(ret->n > 0);
}

/* Return: how often one is there between @begin and @end of the process's memory, *ret_read grows by what could be read */
static size_t scan_range(int memory, uint64_t begin, uint64_t end, const Needles *needles, size_t *ret_read) {
        static uint8_t chunk[CHUNK + NEEDLE_SIZE];
        size_t n_found = 0;

        for (uint64_t at = begin; at < end; at += CHUNK) {
                ssize_t n = pread(memory, chunk, MIN_OF((size_t) (end - at), CHUNK + NEEDLE_SIZE), (off_t) at);

                if (n <= 0)
                        continue;
                *ret_read += (size_t) n;
                for (size_t i = 0; i < needles->n; i++)
                        if (memmem(chunk, (size_t) n, needles->bytes[i], NEEDLE_SIZE))
                                n_found++;
        }

        return n_found;
}

/* Return: false when it may not be looked at */
static bool scan(pid_t pid, const Needles *needles, size_t *ret_found, size_t *ret_read) {
        char name[64], line[512];
        _cleanup_fclose_ FILE *maps = NULL;
        _cleanup_fd_ int memory = -1;

        *ret_found = *ret_read = 0;
        snprintf(name, sizeof(name), "/proc/%d/mem", (int) pid);
        memory = open(name, O_RDONLY | O_CLOEXEC);
        snprintf(name, sizeof(name), "/proc/%d/maps", (int) pid);
        maps = fopen(name, "re");
        if (memory < 0 || !maps)
                return false;

        while (fgets(line, sizeof(line), maps)) {
                uint64_t begin, end;
                char access[5];

                if (sscanf(line, "%lx-%lx %4s", &begin, &end, access) == 3 && access[0] == 'r' && !strstr(line, "[v"))
                        *ret_found += scan_range(memory, begin, end, needles, ret_read);
        }

        return true;
}

/* Uses the key in every way first, so that every copy is made that is ever made. */
static void use(RoleProcess *p, uint16_t scheme) {
        for (unsigned i = 0; i < 5; i++) {
                MsgVerdict m = test_verdict(1, TLS_VERSION_1_3, scheme, test_hash(32));

                assert_true(ask_signature(p, &m).size > 0);
        }
}

/* A process that has the key in ordinary memory: our own copy. */
static void assert_scan_finds(const Needles *needles) {
        size_t n_found, n_read;
        pid_t pid = fork();
        bool looked;

        assert_true(pid >= 0);
        if (pid == 0)
                for (;;)
                        pause();
        looked = scan(pid, needles, &n_found, &n_read);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_true(looked);
        assert_true(n_found > needles->n); /* more than the needles themselves */
}

static void scan_signer(const char *type, uint16_t scheme, bool confined) {
        size_t n_found, n_read;
        Needles needles = {};
        bool looked, secret;
        EVP_PKEY *key;
        RoleProcess p;
        X509 *leaf;

        /* A sanitizer's shadow is too large to be read. */
        if (!role_can_be_confined())
                skip();

        key = test_key(type);
        leaf = test_certificate("client", key, NULL, NULL, false);
        find_needles(key, &needles);
        assert_scan_finds(&needles);

        role_start(&p, path, confined);
        load_simple(&p, 1, key, leaf);
        use(&p, scheme);
        looked = scan(p.pid, &needles, &n_found, &n_read);
        secret = strstr(p.ready, "memfd_secret");
        assert_int_equal(role_stop(&p), 0);
        X509_free(leaf);
        EVP_PKEY_free(key);

        /* Not root, or an old kernel: nothing can be said. */
        if (!looked || !secret)
                skip();
        assert_true(n_read > CHUNK);
        assert_int_equal(n_found, 0);
}

static void test_rsa(void **state _unused_) {
        scan_signer("rsa-2048", TLS_SCHEME_RSA_PSS_RSAE_SHA256, role_can_be_confined());
}

static void test_p256(void **state _unused_) {
        scan_signer("ec-p256", TLS_SCHEME_ECDSA_SECP256R1_SHA256, role_can_be_confined());
}

static void test_ed25519(void **state _unused_) {
        scan_signer("ed25519", TLS_SCHEME_ED25519, role_can_be_confined());
}

static void test_unconfined(void **state _unused_) {
        scan_signer("rsa-2048", TLS_SCHEME_RSA_PSS_RSAE_SHA256, false);
}

/* Whoever is not root does not get that far: the process is not dumpable. */
static void test_not_dumpable(void **state _unused_) {
        char name[64], line[256];
        _cleanup_fclose_ FILE *limits = NULL;
        bool no_core = false;
        RoleProcess p;

        role_start(&p, path, role_can_be_confined());
        snprintf(name, sizeof(name), "/proc/%d/limits", (int) p.pid);
        limits = fopen(name, "re");
        while (limits && fgets(line, sizeof(line), limits))
                no_core |= strncmp(line, "Max core file size        0                    0", 48) == 0;
        assert_int_equal(role_stop(&p), 0);
        assert_true(no_core);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rsa),        cmocka_unit_test(test_p256),         cmocka_unit_test(test_ed25519),
                cmocka_unit_test(test_unconfined), cmocka_unit_test(test_not_dumpable),
        };

        ASSERT(argc == 2);
        path = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
