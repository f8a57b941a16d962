/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows as RFC 4180 has it, every field between quotation marks. A spreadsheet takes a cell
 * that begins with =, +, -, @, a tab or a return for a formula, quoted or not; such a text gets
 * an apostrophe before it, which spreadsheets show as text. No name, service or address begins
 * so: only titles, notes and references can. */
#include "matrix.h"
#include "print.h"

#include "base/macros.h"
#include "failure.h"

#include <string.h>

#define LINE_END "\r\n"

static void put_field(const char *text) {
    fputc('"', stdout);
    if (*text && strchr("=+-@\t\r", *text))
        fputc('\'', stdout);
    for (const char *c = text; *c; c++) {
        if (*c == '"')
            fputc('"', stdout);
        fputc(*c, stdout);
    }
    fputc('"', stdout);
}

static void put_member(json_t *row, const char *key) {
    json_t *value = json_object_get(row, key);
    _cleanup_(freep) char *list = json_is_array(value) ? member_list(row, key, "; ") : NULL;

    if (json_is_array(value) && !list)
        exit(failure_memory());
    put_field(list ? list : json_is_true(value) ? "true" : member_text(row, key));
}

void print_matrix_csv(json_t *answer) {
    static const char *const keys[] = { "product", "flow",  "from", "to",  "services",
                                        "when",    "title", "note", "ref", "broadcast" };
    json_t *row;
    size_t i;

    for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
        printf("%s%s", k ? "," : "", keys[k]);
    fputs(LINE_END, stdout);
    json_array_foreach(json_object_get(answer, "rows"), i, row) {
        for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
            if (k > 0)
                fputc(',', stdout);
            put_member(row, keys[k]);
        }
        fputs(LINE_END, stdout);
    }
}
