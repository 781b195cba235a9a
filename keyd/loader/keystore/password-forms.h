#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The byte strings that one typed password may have become inside a PKCS#12 or PKCS#8 file
 *
 * Writers disagree: a BMPString of the characters, of the bytes widened, the bytes themselves, ISO 8859-1; an empty string or none.
 */

#include "keyd/crypto/secret.h"

#define PASSWORD_FORMS_MAX 2U

typedef struct PasswordForms {
        Secret *items[PASSWORD_FORMS_MAX]; /* NULL: no password at all */
        size_t n_items;
} PasswordForms;

void password_forms_done(PasswordForms *f);

/*
 * For the key derivation of PKCS #12 (RFC 7292, appendix B): UTF-8, whose characters make the BMPString. @password NULL: none.
 *
 * Return: 0 or -errno
 */
int password_forms_bmp(const Secret *password, PasswordForms *ret) _must_check_;

/* For PKCS #5 (RFC 8018, section 3), which takes bytes and leaves open which. Return: 0 or -errno */
int password_forms_bytes(const Secret *password, PasswordForms *ret) _must_check_;

/* The character at the start of @size bytes of UTF-8 (RFC 3629, section 3); *ret_n: its bytes. Return: false when malformed or @size is 0 */
bool utf8_next(const uint8_t *data, size_t size, uint32_t *ret, size_t *ret_n);

/* Writes @c (a Unicode scalar value) as UTF-8 to @ret, which has room for 4 bytes. Return: how many */
size_t utf8_put(uint32_t c, uint8_t *ret);
