# SPDX-License-Identifier: Apache-2.0
"""What the loader takes no key from: (verdict, text, replacement, tests that must notice, more edits)

Left out: the sum of all iterations of a PKCS #12 store is bounded twice, before the first (pkcs12.c) and at each (pbe.c). With both bounds gone a
test would have to do the work that they forbid.
"""

ROWS = {
    "keyd/loader/file.c": [
        ("policy", "policy != FILE_POLICY_ANY && (st->st_mode & (S_IWGRP | S_IWOTH))", "0", "loader-file"),
        ("policy", "(S_IWGRP | S_IWOTH)", "S_IWGRP", "loader-file"),
        ("policy", "(S_IWGRP | S_IWOTH)", "S_IWOTH", "loader-file"),
        ("policy", "policy == FILE_POLICY_SECRET && (st->st_mode & S_IROTH)", "0", "loader-file"),
        ("io", "if (!S_ISREG(st->st_mode))", "if (0)", "loader-file"),
        ("limit", "if (st->st_size > FILE_SIZE_MAX)", "if (0)", "loader-file"),
    ],
    "keyd/crypto/keytype.c": [
        ("policy", "bits < RSA_BITS_MIN ? KEYTYPE_E_POLICY : ", "", "loader-verdicts"),
        ("limit", "bits > RSA_BITS_MAX ? KEYTYPE_E_LIMIT : 0", "0", "loader-verdicts"),
        ("unsupported", "strcmp(encoding, OSSL_PKEY_EC_ENCODING_EXPLICIT) == 0", "0", "loader-verdicts"),
    ],
    "keyd/loader/fit.c": [
        ("format", "!rsa_parts_fit(key)", "0", "loader-verdicts"),
        ("mismatch", "r = try_signature(key, public);", "r = 0;", "loader-verdicts"),
        ("mismatch", "if (!public || X509_check_private_key(leaf, key) != 1)", "if (!public)", "loader-chain", [
            ("keyd/loader/fit.c", "r = try_signature(key, public);", "r = 0;")]),
    ],
    "keyd/loader/keystore/pbe-kdf.c": [
        ("limit", "!get_positive(i, ret) || *ret > KEYSTORE_ITERATIONS_MAX", "!get_positive(i, ret)", "loader-verdicts"),
        ("limit", "(size_t) n > KEYSTORE_SALT_MAX", "(size_t) n > 256 * KEYSTORE_SALT_MAX", "loader-verdicts"),
    ],
    "keyd/loader/keystore/bcfks-kdf.c": [
        ("limit", "if (iterations > KEYSTORE_ITERATIONS_MAX)", "if (0)", "bcfks-parameters"),
    ],
    "keyd/loader/keystore/jceks-protector.c": [
        ("limit", "if (iterations > KEYSTORE_ITERATIONS_MAX)", "if (0)", "jceks"),
    ],
}
