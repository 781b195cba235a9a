/* SPDX-License-Identifier: Apache-2.0 */

/* The JCEKS reader on arbitrary bytes, with its secret keys; as fuzz-jks.c */

#include "tests/fuzz/fuzz-java.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        return fuzz_java_store(&jceks_format, jceks_open, data, size);
}
