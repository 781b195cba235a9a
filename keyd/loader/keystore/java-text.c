/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/java-text.h"

#include "keyd/loader/keystore/password-forms.h"

#define REPLACEMENT 0xfffdU

static bool is_continuation(uint8_t b) {
        return (b & 0xc0) == 0x80;
}

static bool is_surrogate(uint32_t c) {
        return c >= 0xd800 && c <= 0xdfff;
}

/* One code unit in its shortest form, or U+0000 in either of its two. False when there is none. */
static bool modified_get_unit(JavaReader *r, uint32_t *ret) {
        uint8_t lead = java_get_u8(r);
        size_t n = lead < 0x80 ? 0 : (lead & 0xe0) == 0xc0 ? 1 : (lead & 0xf0) == 0xe0 ? 2 : 3;
        uint32_t c = n == 0 ? lead : n == 1 ? lead & 0x1fU : lead & 0x0fU;

        if (n == 3)
                return false;

        for (size_t i = 0; i < n; i++) {
                uint8_t b = java_get_u8(r);

                if (r->failed || !is_continuation(b))
                        return false;
                c = c << 6 | (b & 0x3fU);
        }

        *ret = c;
        return !r->failed && (n == 0 || c >= (n == 1 ? 0x80U : 0x800U) || (n == 1 && c == 0));
}

/* A character: one code unit, or two surrogates. */
static bool modified_get_character(JavaReader *r, uint32_t *ret) {
        uint32_t high, low;

        if (!modified_get_unit(r, &high))
                return false;
        *ret = high;
        if (!is_surrogate(high))
                return true;
        if (high >= 0xdc00 || !modified_get_unit(r, &low) || low < 0xdc00 || low > 0xdfff)
                return false;

        *ret = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return true;
}

/* RFC 3629, section 3. False when it is none. */
static bool utf8_get(JavaReader *r, uint32_t *ret) {
        size_t n;

        if (!utf8_next(r->rest.data, r->rest.size, ret, &n))
                return false;

        java_get_fixed(r, n);
        return true;
}

/* Reads a character. False when there is none. */
typedef bool (*GetCharacter)(JavaReader *r, uint32_t *ret);

static int text_convert(JavaBytes in, GetCharacter get, char **ret, bool *ret_has_nul) {
        _cleanup_free_ uint8_t *text = NULL;
        bool has_nul = false;
        size_t n = 0;
        JavaReader r;

        /* U+FFFD for a single zero byte is the most that one byte becomes. */
        text = malloc(3 * in.size + 1);
        if (!text)
                return -ENOMEM;

        java_reader_init(&r, in);
        while (r.rest.size > 0) {
                uint32_t c;

                if (!get(&r, &c))
                        return JAVA_TEXT_E_MALFORMED;
                has_nul = has_nul || c == 0;
                n += utf8_put(c == 0 ? REPLACEMENT : c, text + n);
        }
        text[n] = 0;

        *ret = (char *) TAKE_PTR(text);
        *ret_has_nul = has_nul;
        return 0;
}

int java_text_to_utf8(JavaBytes modified, char **ret, bool *ret_has_nul) {
        return text_convert(modified, modified_get_character, ret, ret_has_nul);
}

int java_text_copy_utf8(JavaBytes utf8, char **ret, bool *ret_has_nul) {
        return text_convert(utf8, utf8_get, ret, ret_has_nul);
}

static size_t utf16_put(uint8_t *to, uint32_t c) {
        if (c >= 0x10000)
                return utf16_put(to, 0xd800 + ((c - 0x10000) >> 10)) + utf16_put(to + 2, 0xdc00 + (c & 0x3ff));

        to[0] = (uint8_t) (c >> 8);
        to[1] = (uint8_t) c;
        return 2;
}

/* Return: false when @utf8 is not UTF-8 */
static bool convert_utf8(JavaBytes utf8, uint8_t *to, size_t *ret_size) {
        JavaReader r;
        uint32_t c;

        java_reader_init(&r, utf8);
        for (*ret_size = 0; r.rest.size > 0; *ret_size += utf16_put(to + *ret_size, c))
                if (!utf8_get(&r, &c))
                        return false;

        return true;
}

int java_password_to_utf16(const Secret *password, Secret **ret) {
        JavaBytes bytes = password ? java_bytes_from_secret(password) : (JavaBytes) {};
        _cleanup_(secret_freep) Secret *s = NULL;
        size_t size;
        int r;

        if (bytes.size > SIZE_MAX / 4)
                return -ENOMEM;

        r = secret_new(2 * bytes.size, &s);
        if (r < 0)
                return r;

        if (!convert_utf8(bytes, secret_writable(s), &size))
                for (size = 0; size < 2 * bytes.size; size += 2)
                        utf16_put(secret_writable(s) + size, bytes.data[size / 2]);
        secret_set_size(s, size);

        *ret = TAKE_PTR(s);
        return 0;
}
