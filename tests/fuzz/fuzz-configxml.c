/* SPDX-License-Identifier: Apache-2.0 */

/* A MID Server's config.xml */

#include "keyd/loader/config/configxml.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(problems_done) Problems problems = {};
        _cleanup_(configxml_freep) ConfigXml *x = NULL;
        _cleanup_(secret_freep) Secret *text = NULL;

        CHECK(secret_new_from(data, size, &text) == 0);
        CHECK(configxml_parse("f", text, &x, &problems) == 0);
        for (size_t i = 0; x && i < x->n_protocols; i++)
                CHECK(configxml_find(x, x->protocols[i].name) == &x->protocols[i]);
        return 0;
}
