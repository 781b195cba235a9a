/* SPDX-License-Identifier: Apache-2.0 */

/* The head of an answer that calld gives, and how it says that the body ends */

#include "calld/cli/http.h"
#include "tests/fuzz/fuzz.h"

static void check_head(const HttpHead *head) {
        HttpFraming framing;
        uint64_t length;
        int r;

        CHECK(head->status >= 100 && head->status <= 999);
        for (size_t i = 0; i < head->n_fields; i++) {
                CHECK(head->fields[i].name[0] && !strpbrk(head->fields[i].name, " \t\r\n:"));
                CHECK(!strpbrk(head->fields[i].value, "\r\n"));
                CHECK(http_head_find(head, head->fields[i].name));
        }

        r = http_head_framing(head, false, &framing, &length);
        CHECK(r == 0 || r == HTTP_MALFORMED);
        if (r == 0 && framing != HTTP_FRAMING_LENGTH)
                CHECK(length == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(http_head_done) HttpHead head = HTTP_HEAD_INIT;
        int r;

        if (size == 0 || size + 4 > HTTP_HEAD_MAX)
                return 0;

        /* The reader hands over what ends with an empty line; here in a block of exactly its size. */
        head.text.data = malloc(size + 4);
        CHECK(head.text.data);
        memcpy(head.text.data, data, size);
        memcpy(head.text.data + size, "\r\n\r\n", 4);
        head.text.size = head.text.allocated = size + 4;

        r = http_head_parse(&head);
        CHECK(r == 0 || r == HTTP_MALFORMED || r == HTTP_TOO_LARGE);
        if (r == 0)
                check_head(&head);
        return 0;
}
