/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/record-export.h"

#include <string.h>

#include "calld/cli/record-source.h"

/* journald takes no field that is longer. */
#define VALUE_MAX (768U * 1024 * 1024)

static int set_field(json_t *record, const char *name, const char *value, size_t size) {
        json_t *text = json_stringn(value, size);

        /* bytes that are no text */
        if (!text)
                return 0;
        return json_object_set_new(record, name, text) < 0 ? RECORD_E_INVALID : 0;
}

/* After a line that is a name alone: a length, 64 bits, little-endian, so many bytes, and a line's end. */
static int read_binary(FILE *f, json_t *record, const char *name) {
        _cleanup_free_ char *value = NULL;
        uint8_t bytes[8];
        uint64_t size = 0;

        if (fread(bytes, sizeof(bytes), 1, f) != 1)
                return RECORD_E_INVALID;
        for (size_t i = 0; i < sizeof(bytes); i++)
                size |= (uint64_t) bytes[i] << (8 * i);
        if (size > VALUE_MAX)
                return RECORD_E_INVALID;

        value = malloc((size_t) size + 1);
        if (!value || fread(value, (size_t) size + 1, 1, f) != 1 || value[size] != '\n')
                return RECORD_E_INVALID;
        return set_field(record, name, value, (size_t) size);
}

static int read_field(FILE *f, json_t *record, char *line, size_t size) {
        char *value = memchr(line, '=', size);

        if (!value)
                return read_binary(f, record, line);

        *value++ = '\0';
        return set_field(record, line, value, size - (size_t) (value - line));
}

int record_export_read(FILE *f, char **line, size_t *allocated, json_t **ret) {
        _cleanup_(json_decrefp) json_t *record = json_object();
        int r = record ? 0 : RECORD_E_INVALID;

        while (r == 0) {
                ssize_t n = getline(line, allocated, f);

                /* the last record may end with the file */
                if (n <= 0 || (*line)[n - 1] != '\n')
                        break;
                (*line)[--n] = '\0';
                if (n > 0)
                        r = read_field(f, record, *line, (size_t) n);
                else if (json_object_size(record) > 0)
                        break;
        }

        if (r != 0)
                return r;
        if (json_object_size(record) == 0)
                return RECORD_E_END;
        *ret = TAKE_PTR(record);
        return 0;
}
