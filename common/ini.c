/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A pass over lines that are changed in place, so that nothing of a password is copied: the text is the caller's to wipe.
 */

#include "common/ini.h"

#include <string.h>

#define LINE_MAX_SIZE (64U * 1024)
#define TEXT_MAX_SIZE (1024U * 1024)
#define PROBLEMS_MAX 1000U /* of one file: whoever has more has given another file by mistake */
#define BLANKS " \t\r"

/* Where a key was seen first: for duplicates. */
typedef struct Seen {
        const IniRow *row;
        unsigned line;
} Seen;

typedef struct Reader {
        IniContext c;
        const IniRow *rows;
        size_t n_rows;
        Seen *seen; /* n_rows of them */
        bool section_known;
} Reader;

static char *strip(char *s) {
        size_t size;

        s += strspn(s, BLANKS);
        size = strlen(s);
        while (size > 0 && strchr(BLANKS, s[size - 1]))
                size--;
        s[size] = 0;

        return s;
}

static bool section_is_known(const Reader *r, const char *section) {
        for (size_t i = 0; i < r->n_rows; i++)
                if (strcmp(r->rows[i].section, section) == 0)
                        return true;

        return false;
}

static int take_section(Reader *r, char *line) {
        size_t size = strlen(line);

        if (size < 3 || line[size - 1] != ']') {
                r->c.section = NULL;
                return problems_add(r->c.problems, r->c.file, r->c.line, false, "write [Section]", "a section's line does not end with ]");
        }

        line[size - 1] = 0;
        r->c.section = line + 1;
        r->section_known = section_is_known(r, r->c.section);
        if (r->section_known)
                return 0;

        return problems_add(r->c.problems, r->c.file, r->c.line, false, "see the manual page for the sections of this file", "unknown section [%s]",
                            r->c.section);
}

static size_t find_row(const Reader *r) {
        size_t any = r->n_rows;

        for (size_t i = 0; i < r->n_rows; i++) {
                if (strcmp(r->rows[i].section, r->c.section) != 0)
                        continue;
                if (!r->rows[i].key)
                        any = i;
                else if (strcmp(r->rows[i].key, r->c.key) == 0)
                        return i;
        }

        return any;
}

static int take_value(Reader *r) {
        size_t i = find_row(r);
        const IniRow *row = &r->rows[i];

        if (i == r->n_rows)
                return problems_add(r->c.problems, r->c.file, r->c.line, false, "see the manual page for the keys of this section",
                                    "unknown key %s= in [%s]", r->c.key, r->c.section);
        if (row->key && r->seen[i].row)
                return problems_add(r->c.problems, r->c.file, r->c.line, false, "keep one of the two", "%s= was set already in line %u", r->c.key,
                                    r->seen[i].line);

        r->seen[i] = (Seen) {.row = row, .line = r->c.line};
        return row->parser(&r->c, (uint8_t *) r->c.userdata + row->offset);
}

static int take_line(Reader *r, char *line) {
        char *equals;

        line = strip(line);
        if (!*line || *line == '#' || *line == ';')
                return 0;
        if (*line == '[')
                return take_section(r, line);

        equals = strchr(line, '=');
        if (!equals || equals == line)
                return problems_add(r->c.problems, r->c.file, r->c.line, false, "write Key=Value, [Section], or a comment that begins with #",
                                    "neither a section, an assignment nor a comment");
        if (!r->c.section)
                return problems_add(r->c.problems, r->c.file, r->c.line, false, "put it below a line [Section]",
                                    "an assignment stands in no section");
        if (!r->section_known)
                return 0; /* told with the section */

        *equals = 0;
        r->c.key = strip(line);
        r->c.value = strip(equals + 1);
        return take_value(r);
}

/*
 * Cuts the next logical line off *text: joins lines whose last character is a backslash. *ret_n_lines: how many lines of the file it takes.
 */
static char *next_line(char **text, unsigned *ret_n_lines) {
        char *start = *text, *p = start;
        const char *first = start + strspn(start, BLANKS);
        bool comment = *first == '#' || *first == ';';

        if (!*start)
                return NULL;

        for (*ret_n_lines = 1;; (*ret_n_lines)++) {
                char *end = strchr(p, '\n');
                char *last;

                if (!end) {
                        *text = p + strlen(p);
                        return start;
                }
                last = end > p && end[-1] == '\r' ? end - 1 : end;
                if (last == p || last[-1] != '\\' || comment) {
                        *end = 0;
                        *text = end + 1;
                        return start;
                }
                /* The backslash and what ends the line become blanks, as in systemd. */
                memset(last - 1, ' ', (size_t) (end - last) + 2);
                p = end + 1;
        }
}

int ini_parse(const char *file, char *text, const IniRow *rows, size_t n_rows, Problems *problems, void *userdata) {
        _cleanup_free_ Seen *seen = NULL;
        Reader r = {
                .c = {.file = file, .problems = problems, .userdata = userdata},
                .rows = rows,
                .n_rows = n_rows,
        };
        size_t n_before = problems->n_items;
        unsigned n_lines = 0;
        char *line;
        int k;

        if (strlen(text) > TEXT_MAX_SIZE)
                return problems_add(problems, file, 0, false, "1 MiB at most", "the file is too large");

        r.seen = seen = calloc(n_rows + 1, sizeof(*seen));
        if (!seen)
                return -ENOMEM;

        /* A UTF-8 byte order mark, as Windows editors write it */
        if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
                text += 3;

        for (unsigned at = 1; (line = next_line(&text, &n_lines)); at += n_lines) {
                r.c.line = at;
                if (problems->n_items - n_before >= PROBLEMS_MAX)
                        return problems_add(problems, file, at, false, "see whether it is the right file", "too much is wrong; the rest is not read");
                if (strlen(line) > LINE_MAX_SIZE)
                        k = problems_add(problems, file, at, false, "64 KiB at most", "the line is too long");
                else
                        k = take_line(&r, line);
                if (k < 0)
                        return k;
        }

        return 0;
}
