/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_FUZZ_LOADED_H
#define PORTD_FUZZ_LOADED_H

#include "engine/policy.h"

#include <string.h>

/* What a load gave, as text: so two loads can be compared. */

static inline _unused_ void oracle(bool holds) {
    if (!holds)
        abort();
}

/* A copy with a NUL behind it, as a file's text has. */
static inline _unused_ char *text_copy(const void *bytes, size_t size) {
    char *copy = malloc(size + 1);

    oracle(copy);
    if (size)
        memcpy(copy, bytes, size);
    copy[size] = '\0';
    return copy;
}

/* A refusal says why, and nothing else does. */
static inline _unused_ void outcome_check(int r, const struct report *report) {
    oracle(r == 0 || r == LOAD_E_INVALID);
    oracle((r == LOAD_E_INVALID) == !report_is_empty(report));
    for (size_t i = 0; i < report->n_entries; i++)
        oracle(report->entries[i].place.file && *report->entries[i].text);
}

/* What is loaded has no blank in it. */
static inline _unused_ const char *filled(const char *text) {
    oracle(!text_is_blank(text));
    return text;
}

static inline _unused_ void flows_print(const struct flow *flows, size_t n, FILE *f) {
    for (size_t i = 0; i < n; i++) {
        const struct words *all[] = { &flows[i].from, &flows[i].to, &flows[i].when };

        oracle(flows[i].from.n > 0 && flows[i].to.n > 0 && flows[i].n_services > 0);
        fprintf(f, "%s|%s|%s|%s|%d", filled(flows[i].id), filled(flows[i].title),
                filled(flows[i].ref ? flows[i].ref : "-"),
                filled(flows[i].note ? flows[i].note : "-"), flows[i].broadcast);
        for (size_t j = 0; j < ARRAY_SIZE(all); j++)
            for (size_t k = 0; k < all[j]->n; k++)
                fprintf(f, "|%s", filled(all[j]->items[k].text));
        for (size_t j = 0; j < flows[i].n_services; j++) {
            const struct service_spec *s = &flows[i].services[j].spec;

            oracle(s->n_protocols > 0 && s->lo <= s->hi);
            fprintf(f, "|%d+%d/%d-%d%s", s->protocols[0], s->protocols[1], s->lo, s->hi,
                    s->port_name ? s->port_name : "");
        }
        fputc('\n', f);
    }
}

static inline _unused_ void prefixes_print(const struct prefixes *p, FILE *f) {
    for (size_t i = 0; i < p->n; i++) {
        char buf[RANGE_TEXT_MAX];

        fprintf(f, "|%s", range_format(&p->items[i].range, p->items[i].family, buf));
    }
    fputc('\n', f);
}

#endif
