/* SPDX-License-Identifier: Apache-2.0 */

/* The DER cursor: shortest forms only, and nothing beyond what is there */

#include "tests/unit/keyd/loader/java/java-check.h"

#include "keyd/loader/keystore/bcfks-asn1.h"

static JavaReader reader(const char *bytes, size_t n, uint8_t **ret_exact) {
        JavaReader r;

        *ret_exact = malloc(n);
        memcpy(*ret_exact, bytes, n);
        java_reader_init(&r, java_bytes_make(*ret_exact, n));
        return r;
}

static void check_uint(const char *bytes, size_t n, bool good, uint64_t value) {
        _cleanup_free_ uint8_t *exact = NULL;
        JavaReader r = reader(bytes, n, &exact);
        uint64_t v = der_get_uint(&r);

        assert_int_equal(!r.failed, good);
        if (good)
                assert_true(v == value && der_end(&r));
}

#define UINT(bytes, good, value) check_uint(bytes, sizeof(bytes) - 1, good, value)

static void test_numbers(void **state _unused_) {
        UINT("\x02\x01\x00", true, 0);
        UINT("\x02\x01\x7f", true, 127);
        UINT("\x02\x02\x00\x80", true, 128);
        UINT("\x02\x08\x7f\xff\xff\xff\xff\xff\xff\xff", true, INT64_MAX);
        UINT("\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff", true, UINT64_MAX);
        UINT("\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x01", true, UINT64_MAX);
        UINT("\x02\x0a\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01", true, UINT64_MAX);
        UINT("\x02\x00", false, 0);
        UINT("\x02\x01\xff", false, 0);     /* negative */
        UINT("\x02\x02\x00\x7f", false, 0); /* too long */
        UINT("\x02\x02\x01", false, 0);
        UINT("\x03\x01\x01", false, 0);
        UINT("", false, 0);
}

static void check_length(const char *bytes, size_t n, bool good, size_t size) {
        _cleanup_free_ uint8_t *exact = NULL;
        JavaReader r = reader(bytes, n, &exact), whole = r;
        JavaBytes content = der_get(&r, DER_OCTET_STRING);

        assert_int_equal(!r.failed, good);
        assert_int_equal(content.size, good ? size : 0);
        content = der_get_whole(&whole, DER_OCTET_STRING);
        assert_int_equal(content.size, good ? n : 0);
        assert_int_equal(r.failed, whole.failed);
}

#define LENGTH(bytes, good, size) check_length(bytes, sizeof(bytes) - 1, good, size)
#define TEN "0123456789"
#define HUNDRED_THIRTY TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void test_lengths(void **state _unused_) {
        LENGTH("\x04\x00", true, 0);
        LENGTH("\x04\x01x", true, 1);
        LENGTH("\x04\x81\x82" HUNDRED_THIRTY, true, 130);
        LENGTH("\x04\x81\x0a" TEN, false, 0); /* not the shortest form (X.690, 10.1) */
        LENGTH("\x04\x82\x00\x82" HUNDRED_THIRTY, false, 0);
        LENGTH("\x04\x84\x00\x00\x00\x82" HUNDRED_THIRTY, false, 0);
        LENGTH("\x04\x80"
               "x\x00\x00",
               false, 0); /* indefinite */
        LENGTH("\x04\x85\x01\x00\x00\x00\x00" TEN, false, 0);
        LENGTH("\x04\x84\xff\xff\xff\xff" TEN, false, 0);
        LENGTH("\x04\x02x", false, 0);
        LENGTH("\x04\x82\x01", false, 0);
        LENGTH("\x04\x81", false, 0);
        LENGTH("\x04", false, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_lengths),
        };

        return cmocka_run_group_tests_name("bcfks-asn1", tests, NULL, NULL);
}
