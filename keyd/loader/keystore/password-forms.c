/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/password-forms.h"

bool utf8_next(const uint8_t *data, size_t size, uint32_t *ret, size_t *ret_n) {
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        uint32_t c;
        size_t n;

        if (size == 0)
                return false;

        c = data[0];
        n = c < 0x80 ? 1 : (c & 0xe0) == 0xc0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : (c & 0xf8) == 0xf0 ? 4 : 0;
        if (n == 0 || n > size)
                return false;
        if (n > 1)
                c &= 0x7fU >> n;
        for (size_t i = 1; i < n; i++) {
                if ((data[i] & 0xc0) != 0x80)
                        return false;
                c = c << 6 | (data[i] & 0x3fU);
        }
        if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return false;

        *ret = c;
        *ret_n = n;
        return true;
}

size_t utf8_put(uint32_t c, uint8_t *ret) {
        if (c < 0x80) {
                ret[0] = (uint8_t) c;
                return 1;
        }
        if (c < 0x800) {
                ret[0] = (uint8_t) (0xc0 | c >> 6);
                ret[1] = (uint8_t) (0x80 | (c & 0x3f));
                return 2;
        }
        if (c < 0x10000) {
                ret[0] = (uint8_t) (0xe0 | c >> 12);
                ret[1] = (uint8_t) (0x80 | (c >> 6 & 0x3f));
                ret[2] = (uint8_t) (0x80 | (c & 0x3f));
                return 3;
        }
        ret[0] = (uint8_t) (0xf0 | c >> 18);
        ret[1] = (uint8_t) (0x80 | (c >> 12 & 0x3f));
        ret[2] = (uint8_t) (0x80 | (c >> 6 & 0x3f));
        ret[3] = (uint8_t) (0x80 | (c & 0x3f));
        return 4;
}

/* What the bytes are as text: decides which other forms there can be. */
typedef struct Text {
        bool ascii;
        bool utf8;
        bool latin1; /* UTF-8, with no character above U+00FF */
} Text;

static Text text_of(const Secret *s) {
        Text t = {.ascii = true, .utf8 = true, .latin1 = true};
        size_t n;
        uint32_t c;

        for (size_t i = 0; i < secret_size(s); i += n) {
                if (!utf8_next(secret_data(s) + i, secret_size(s) - i, &c, &n))
                        return (Text) {};
                t.ascii = t.ascii && c < 0x80;
                t.latin1 = t.latin1 && c < 0x100;
        }
        return t;
}

/* Each byte taken as a character of its own. */
static int widen(const Secret *s, Secret **ret) {
        Secret *w;
        size_t size = 0;
        int r;

        r = secret_new(2 * secret_size(s), &w);
        if (r < 0)
                return r;

        for (size_t i = 0; i < secret_size(s); i++)
                size += utf8_put(secret_data(s)[i], secret_writable(w) + size);
        secret_set_size(w, size);
        *ret = w;
        return 0;
}

/* Before: text_of(@s) said latin1. */
static int to_latin1(const Secret *s, Secret **ret) {
        size_t size = 0, n;
        uint32_t c;
        Secret *l;
        int r;

        r = secret_new(secret_size(s), &l);
        if (r < 0)
                return r;

        for (size_t i = 0; i < secret_size(s) && utf8_next(secret_data(s) + i, secret_size(s) - i, &c, &n); i += n)
                secret_writable(l)[size++] = (uint8_t) c;
        secret_set_size(l, size);
        *ret = l;
        return 0;
}

static int copy(const Secret *s, Secret **ret) {
        return secret_new_from(secret_data(s), secret_size(s), ret);
}

void password_forms_done(PasswordForms *f) {
        for (size_t i = 0; i < f->n_items; i++)
                f->items[i] = secret_free(f->items[i]);
        f->n_items = 0;
}

int password_forms_bmp(const Secret *password, PasswordForms *ret) {
        Text t = password ? text_of(password) : (Text) {};
        int r;

        *ret = (PasswordForms) {};
        if (!password || secret_size(password) == 0) {
                /* Two zero bytes or nothing: writers do either for an empty password. */
                r = secret_new(0, &ret->items[password ? 0 : 1]);
                if (r >= 0)
                        ret->n_items = 2;
                return r;
        }

        if (t.utf8) {
                r = copy(password, &ret->items[ret->n_items]);
                if (r < 0)
                        return r;
                ret->n_items++;
        }
        if (!t.ascii) {
                r = widen(password, &ret->items[ret->n_items]);
                if (r < 0)
                        return r;
                ret->n_items++;
        }
        return 0;
}

int password_forms_bytes(const Secret *password, PasswordForms *ret) {
        Text t;
        int r = 0;

        *ret = (PasswordForms) {};
        if (!password) {
                ret->n_items = 1;
                return 0;
        }

        t = text_of(password);
        r = copy(password, &ret->items[0]);
        if (r < 0)
                return r;
        ret->n_items = 1;
        if (t.ascii || (t.utf8 && !t.latin1))
                return 0;

        r = t.latin1 ? to_latin1(password, &ret->items[1]) : widen(password, &ret->items[1]);
        if (r >= 0)
                ret->n_items = 2;
        return r;
}
