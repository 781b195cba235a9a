/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The JKS reader on arbitrary bytes
 *
 * A digest would stop all but the sound inputs. Where the first walk finds the end, the right digest is put in its place, so that the
 * decoding behind it is reached; keys that come out are recovered.
 */

#include "tests/fuzz/fuzz-java.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        return fuzz_java_store(&jks_format, jks_open, data, size);
}
