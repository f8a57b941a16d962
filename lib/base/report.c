/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report owns copies of all strings, since it outlives the file whose mistakes it lists: the
 * half-loaded policy or site is freed before anybody prints why. What it prints may quote outside
 * text, so nothing but printable characters leaves report_entry_text(). */
#include "base/report.h"

#include "base/quote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

static void entry_clear(struct report_entry *e) {
    free((char *)e->place.file);
    free((char *)e->place.pointer);
    free((char *)e->text);
}

/* Takes the entry, whose strings must be malloc'ed. */
static void report_take(struct report *r, struct report_entry *e) {
    size_t n = r->n_entries;

    if (n >= REPORT_MAX)
        goto drop;
    if ((n & (n - 1)) == 0) { /* full at 0 and the powers of two */
        void *grown = reallocarray(r->entries, n ? n * 2 : 1, sizeof(*r->entries));

        if (!grown)
            goto drop;
        r->entries = grown;
    }
    r->entries[r->n_entries++] = *e;
    return;
drop:
    r->n_dropped++;
    entry_clear(e);
}

static bool copy(const char *s, const char **ret) {
    *ret = s ? strdup(s) : NULL;
    return *ret || !s;
}

void report_add(struct report *r, struct place place, const char *format, ...) {
    struct report_entry e = { .place = { .line = place.line, .column = place.column } };
    char *text = NULL;
    va_list ap;
    int n;

    if (r->n_entries >= REPORT_MAX) {
        r->n_dropped++;
        return;
    }
    va_start(ap, format);
    n = vasprintf(&text, format, ap);
    va_end(ap);
    e.text = n < 0 ? NULL : text;
    if (!e.text || !copy(place.file, &e.place.file) || !copy(place.pointer, &e.place.pointer)) {
        r->n_dropped++;
        entry_clear(&e);
        return;
    }
    report_take(r, &e);
}

bool report_is_empty(const struct report *r) {
    return r->n_entries == 0 && r->n_dropped == 0;
}

bool report_is_full(const struct report *r) {
    return r->n_entries >= REPORT_MAX;
}

void report_append(struct report *to, struct report *from) {
    for (size_t i = 0; i < from->n_entries; i++)
        report_take(to, &from->entries[i]);
    to->n_dropped += from->n_dropped;
    free(from->entries);
    *from = REPORT_INIT;
}

static int text_compare(const char *a, const char *b) {
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

static int number_compare(uint32_t a, uint32_t b) {
    return (a > b) - (a < b);
}

/* Pointer and text last, so that equal places come in one order, too. */
static int entry_compare(const void *x, const void *y) {
    const struct report_entry *a = x, *b = y;
    int c = text_compare(a->place.file, b->place.file);

    c = c ? c : number_compare(a->place.line, b->place.line);
    c = c ? c : number_compare(a->place.column, b->place.column);
    c = c ? c : text_compare(a->place.pointer, b->place.pointer);
    return c ? c : text_compare(a->text, b->text);
}

void report_sort(struct report *r) {
    if (r->n_entries > 1)
        qsort(r->entries, r->n_entries, sizeof(*r->entries), entry_compare);
}

char *report_entry_text(const struct report_entry *e) {
    const struct place *p = &e->place;
    bool has_pointer = p->pointer && *p->pointer;
    _cleanup_(freep) char *text = NULL;
    char numbers[32] = "";

    if (p->file && p->line)
        snprintf(numbers, sizeof(numbers), ":%" PRIu32 ":%" PRIu32, p->line, p->column);
    if (asprintf(&text, "%s%s%s%s%s%s", p->file ? p->file : "", numbers, p->file ? ": " : "",
                 has_pointer ? p->pointer : "", has_pointer ? ": " : "", e->text) < 0) {
        text = NULL; /* undefined after a failed asprintf() */
        return NULL;
    }
    return text_escape(text);
}

void report_print(const struct report *r, FILE *f) {
    for (size_t i = 0; i < r->n_entries; i++) {
        _cleanup_(freep) char *text = report_entry_text(&r->entries[i]);

        fprintf(f, "%s\n", text ? text : r->entries[i].text);
    }
    if (r->n_dropped > 0)
        fprintf(f, "... and %zu more\n", r->n_dropped);
}

void report_clear(struct report *r) {
    for (size_t i = 0; i < r->n_entries; i++)
        entry_clear(&r->entries[i]);
    free(r->entries);
    *r = REPORT_INIT;
}

int refuse_text(int outcome, char **reterr, const char *format, ...) {
    va_list ap;
    int n;

    va_start(ap, format);
    n = vasprintf(reterr, format, ap);
    va_end(ap);
    if (n < 0) {
        *reterr = NULL;
        return -ENOMEM;
    }
    return outcome;
}
