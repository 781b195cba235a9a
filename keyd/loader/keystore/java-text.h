#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Java's two spellings of text: modified UTF-8 for names, UTF-16 code units for passwords */

#include "keyd/loader/keystore/java-reader.h"

enum {
        _JAVA_TEXT_E_SUCCESS,
        JAVA_TEXT_E_MALFORMED,
};

/*
 * Modified UTF-8 (The Java Virtual Machine Specification, 4.4.7) to UTF-8, owned by the caller (free). U+0000 becomes U+FFFD and sets
 * *ret_has_nul. A surrogate without its other half has no UTF-8 and is malformed here.
 *
 * Return: 0, JAVA_TEXT_E_MALFORMED, -ENOMEM
 */
int java_text_to_utf8(JavaBytes modified, char **ret, bool *ret_has_nul) _must_check_;

/* The same for what is UTF-8 already. Return: as above */
int java_text_copy_utf8(JavaBytes utf8, char **ret, bool *ret_has_nul) _must_check_;

/*
 * @password (UTF-8; NULL is the empty one) as UTF-16BE code units without terminator: nothing trimmed, nothing normalised. Bytes that
 * are not UTF-8 are taken as ISO 8859-1, which is what a password file of an older host then holds.
 *
 * Return: 0 or -errno
 */
int java_password_to_utf16(const Secret *password, Secret **ret) _must_check_;
