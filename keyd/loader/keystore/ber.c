/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/ber.h"

#define TAG_NUMBER_MASK 0x1fU
#define TAG_CONSTRUCTED 0x20U
#define CHILDREN_ELEMENTS_MAX 300000U

/* A constructed element that has not ended yet. */
typedef struct Level {
        size_t end; /* no byte of it lies behind */
        bool indefinite;
} Level;

static size_t identifier_size(BerBytes in) {
        size_t n = 1;

        if (in.size == 0)
                return 0;
        if ((in.data[0] & TAG_NUMBER_MASK) != TAG_NUMBER_MASK)
                return 1;

        /* X.690, 8.1.2.4: the number goes on while the top bit is set. Four octets are more than any format uses. */
        for (; n <= 4 && n < in.size; n++)
                if (!(in.data[n] & 0x80))
                        return n + 1;

        return 0;
}

int ber_read_header(BerBytes in, BerHeader *ret) {
        size_t n = identifier_size(in), n_length;
        BerHeader h = {};

        if (n == 0 || n >= in.size)
                return BER_E_MALFORMED;

        h.tag = in.data[0];
        n_length = in.data[n++];
        if (n_length == 0x80) {
                /* X.690, 8.1.3.2: the indefinite form is for constructed encodings only. */
                if (!(h.tag & TAG_CONSTRUCTED))
                        return BER_E_MALFORMED;
                h.indefinite = true;
        } else if (n_length < 0x80)
                h.size = n_length;
        else {
                n_length -= 0x80;
                if (n_length > 4 || n_length > in.size - n)
                        return BER_E_MALFORMED;
                for (; n_length > 0; n_length--)
                        h.size = h.size << 8 | in.data[n++];
        }

        if (h.size > in.size - n)
                return BER_E_MALFORMED;
        h.header_size = n;
        *ret = h;
        return 0;
}

int ber_measure(BerBytes in, size_t elements_max, size_t *ret_size) {
        Level levels[BER_DEPTH_MAX];
        size_t depth = 0, n_elements = 0, position = 0;

        do {
                size_t end = depth > 0 ? levels[depth - 1].end : in.size;
                BerHeader h;

                if (ber_read_header((BerBytes) {.data = in.data + position, .size = end - position}, &h) != 0)
                        return BER_E_MALFORMED;
                if (++n_elements > elements_max)
                        return BER_E_LIMIT;
                position += h.header_size;

                if (h.tag == 0) {
                        /* End-of-contents octets close an indefinite element and stand nowhere else. */
                        if (h.size != 0 || depth == 0 || !levels[depth - 1].indefinite)
                                return BER_E_MALFORMED;
                        depth--;
                } else if (h.tag & TAG_CONSTRUCTED) {
                        if (depth == BER_DEPTH_MAX)
                                return BER_E_MALFORMED;
                        levels[depth++] = (Level) {.end = h.indefinite ? end : position + h.size, .indefinite = h.indefinite};
                } else
                        position += h.size;

                while (depth > 0 && !levels[depth - 1].indefinite && position == levels[depth - 1].end)
                        depth--;
        } while (depth > 0);

        *ret_size = position;
        return 0;
}

int ber_check(BerBytes in, size_t elements_max) {
        size_t size;
        int r;

        r = ber_measure(in, elements_max, &size);
        if (r != 0)
                return r;

        return size == in.size ? 0 : BER_E_MALFORMED;
}

int ber_children(BerBytes in, uint8_t *ret_tags, size_t max, size_t *ret_n, BerBytes *ret_first) {
        BerHeader h;
        size_t size;
        int r;

        *ret_n = 0;
        *ret_first = (BerBytes) {};
        r = ber_read_header(in, &h);
        if (r != 0)
                return r;

        in.data += h.header_size;
        in.size = h.indefinite ? in.size - h.header_size : h.size;
        while (*ret_n < max && in.size > 0 && !(h.indefinite && in.data[0] == 0)) {
                ret_tags[(*ret_n)++] = in.data[0];
                if (*ret_n == 1)
                        *ret_first = in;
                r = ber_measure(in, CHILDREN_ELEMENTS_MAX, &size);
                if (r != 0)
                        return r;
                if (*ret_n == 1)
                        ret_first->size = size;
                in.data += size;
                in.size -= size;
        }

        return 0;
}
