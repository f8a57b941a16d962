/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_TESTS_LOADING_H
#define PORTD_TESTS_LOADING_H

#include "base/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

/* JSON in C: a copy of `text` with every ' made a ". */
static inline _unused_ char *json_text(const char *text) {
    char *copy = strdup(text);

    assert_non_null(copy);
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    return copy;
}

/* What report_print() writes; the report is empty afterwards. */
static inline _unused_ char *report_take_text(struct report *r) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    report_print(r, f);
    assert_int_equal(fclose(f), 0);
    report_clear(r);
    return text;
}

/* xorshift32: the same numbers in every run. */
static inline _unused_ uint32_t random_next(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

#endif
