/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/calld/gateway/check.h"

void assert_body(const HttpAnswer *a, const void *data, size_t size) {
        assert_false(a->cut);
        assert_int_equal(a->body.size, size);
        if (size > 0)
                assert_memory_equal(a->body.data, data, size);
}

bool head_has(const HttpAnswer *a, const char *text) {
        return a->head.data && strstr((const char *) a->head.data, text);
}

bool body_has(const HttpAnswer *a, const char *text) {
        return a->body.size > 0 && memmem(a->body.data, a->body.size, text, strlen(text));
}

void assert_problem(Rig *r, const HttpAnswer *a, unsigned status, const char *code, const char *proxy_error) {
        char type[96], reason[96], proxy[96];

        snprintf(type, sizeof(type), "\"urn:midtls:error:%s\"", code);
        snprintf(reason, sizeof(reason), "\"MIDTLS_REASON\":\"%s\"", code);
        snprintf(proxy, sizeof(proxy), "Proxy-Status: midtls; error=%s; ", proxy_error);
        if (a->status != status || !body_has(a, type) || !head_has(a, proxy))
                print_error("status %u, head %s, body %.*s\n", a->status, (const char *) a->head.data, (int) a->body.size,
                            (const char *) a->body.data);
        assert_int_equal(a->status, status);
        assert_true(body_has(a, type));
        assert_true(head_has(a, proxy));
        assert_true(head_has(a, "Content-Type: application/problem+json\r\n"));
        rig_wait_log(r, http_field(a, "Midtls-Call-Id", 0), reason);
}

uint8_t *pattern(size_t size) {
        uint8_t *data = malloc(size + 1);

        ASSERT(data);
        for (size_t i = 0; i < size; i++)
                data[i] = (uint8_t) (i * 7 + i / 251);
        return data;
}

void send_chunks(int fd, const uint8_t *data, size_t size) {
        while (size > 0) {
                size_t n = MIN_OF(size, 30000U);

                http_send_text(fd, "%zx\r\n", n);
                http_send(fd, data, n);
                http_send_text(fd, "\r\n");
                data += n;
                size -= n;
        }
        http_send_text(fd, "0\r\n\r\n");
}
