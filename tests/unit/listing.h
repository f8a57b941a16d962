/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_TESTS_LISTING_H
#define PORTD_TESTS_LISTING_H

/* What `nft -s list` prints, made comparable: a line an object, rule or element, behind the name
 * of what it is in, sorted. Rules are numbered, so that their order is a difference; the order of
 * objects, and of elements in a hash, is none. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline int listing_compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void listing_lines(char *text, FILE *f) {
    char block[512] = "", *line;
    bool is_chain = false;
    unsigned number = 0;

    while ((line = strsep(&text, "\n"))) {
        line += strspn(line, "\t ");
        if (*line == '\0' || strcmp(line, "}") == 0)
            continue;
        if (strncmp(line, "chain ", 6) == 0 || strncmp(line, "set ", 4) == 0 ||
            strncmp(line, "map ", 4) == 0 || strncmp(line, "counter ", 8) == 0) {
            is_chain = line[0] == 'c' && line[1] == 'h';
            /* a rule may begin with `counter name …`, but no object is called `name "` */
            if (line[strlen(line) - 1] == '{') {
                snprintf(block, sizeof(block), "%s", line);
                number = 0;
                fprintf(f, "%s\n", block);
                continue;
            }
            is_chain = strncmp(block, "chain ", 6) == 0;
        }
        if (is_chain) {
            fprintf(f, "%s %04u %s\n", block, number++, line);
            continue;
        }
        if (strncmp(line, "elements = { ", 13) == 0)
            line += 13;
        for (char *part; (part = strsep(&line, ","));) {
            part += strspn(part, " ");
            part[strcspn(part, "}")] = '\0';
            while (*part && part[strlen(part) - 1] == ' ')
                part[strlen(part) - 1] = '\0';
            if (*part)
                fprintf(f, "%s %s\n", block, part);
        }
    }
}

/* Takes the listing, returns the sorted lines; both malloc'ed. */
static inline char *listing_sort(char *listing) {
    char *text = NULL, *sorted = NULL, *rest, *line, **lines = NULL;
    size_t size, n = 0;
    FILE *f = open_memstream(&text, &size);

    listing_lines(listing, f);
    fclose(f);
    free(listing);
    rest = text;
    while ((line = strsep(&rest, "\n"))) {
        lines = reallocarray(lines, n + 1, sizeof(*lines));
        lines[n++] = line;
    }
    qsort(lines, n, sizeof(*lines), listing_compare);
    f = open_memstream(&sorted, &size);
    for (size_t i = 0; i < n; i++)
        if (*lines[i])
            fprintf(f, "%s\n", lines[i]);
    fclose(f);
    free(lines);
    free(text);
    return sorted;
}

#endif
