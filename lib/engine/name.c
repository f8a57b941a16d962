/* SPDX-License-Identifier: GPL-2.0-or-later */
/* References are looked up in sorted arrays: a site of 100,000 hosts asks a million times. The
 * nearest name is looked for only when a message needs it. */
#include "engine/name.h"

#include "base/quote.h"
#include "engine/policy.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool name_is_valid(const char *name) {
    size_t n = 0;

    while (is_letter(name[n]) || is_digit(name[n]) || (n > 0 && (name[n] == '.' || name[n] == '-')))
        n++;
    return n > 0 && n <= NAME_LENGTH_MAX && !name[n];
}

bool product_name_is_valid(const char *name) {
    return is_letter(name[0]) && name_is_valid(name);
}

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

/* One label: 1 to 63 letters, digits and '-', neither end a '-'. Its length, or 0. */
static size_t label_length(const char *text) {
    size_t n = 0;

    while (is_lower(text[n]) || is_digit(text[n]) || text[n] == '-')
        n++;
    return n > 0 && n <= 63 && text[0] != '-' && text[n - 1] != '-' ? n : 0;
}

bool hostname_is_valid(const char *text) {
    const char *label = text;
    size_t n = label_length(label), n_labels = 1;

    if (strnlen(text, HOSTNAME_LENGTH_MAX + 1) > HOSTNAME_LENGTH_MAX)
        return false;
    while (n > 0 && label[n] == '.') {
        label += n + 1;
        n = label_length(label);
        n_labels++;
    }
    return n > 0 && !label[n] && n_labels > 1 && strspn(label, "0123456789") < n;
}

const char *hostname_mistake(const char *text) {
    size_t n = strlen(text);

    if (hostname_is_valid(text))
        return NULL;
    if (strcmp(text, "any") == 0)
        return "stands for itself: write it without the brackets of a list";
    if (strchr(text, '*'))
        return "has a '*': a wildcard can't be resolved, name each host";
    if (strpbrk(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        return "has capital letters: write host names in lower case";
    if (n > 0 && text[n - 1] == '.')
        return "ends with a dot: leave it out";
    return "is no host name: write all its labels, as in sip.example.net";
}

static bool is_one_of(const char *name, const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, words[i]) == 0)
            return true;
    return false;
}

bool name_is_reserved(const char *name) {
    static const char *const reserved[] = { "any", "internal", "self", "all", "management" };

    return is_one_of(name, reserved, ARRAY_SIZE(reserved));
}

bool product_name_is_reserved(const char *name) {
    static const char *const reserved[] = { "host", "net", "site" };

    return is_one_of(name, reserved, ARRAY_SIZE(reserved));
}

bool party_name_is_reserved(const char *name) {
    static const char *const reserved[] = { "os-linux", "os-windows" };

    return is_one_of(name, reserved, ARRAY_SIZE(reserved));
}

int names_collect(struct names *names, struct arena *a, const void *records, size_t n,
                  size_t size) {
    for (size_t i = 0; i < n; i++) {
        const char **slot = ARENA_APPEND(a, names->items, names->n);

        if (!slot)
            return -ENOMEM;
        *slot = *(const char *const *)((const char *)records + i * size);
    }
    return 0;
}

static int name_compare(const void *x, const void *y) {
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

void names_sort(struct names *names) {
    size_t n = 0;

    if (names->n < 2)
        return;
    qsort(names->items, names->n, sizeof(*names->items), name_compare);
    for (size_t i = 1; i < names->n; i++)
        if (strcmp(names->items[n], names->items[i]) != 0)
            names->items[++n] = names->items[i];
    names->n = n + 1;
}

bool names_have(const struct names *names, const char *name) {
    return names->n > 0 &&
           bsearch(&name, names->items, names->n, sizeof(*names->items), name_compare);
}

bool names_lack(const struct names *names, const char *name) {
    return !names->is_open && !names_have(names, name);
}

static size_t smallest(size_t a, size_t b, size_t c) {
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

static bool is_same_letter(char a, char b) {
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* How many letters must be added, dropped, changed or swapped with the next to make `a` of `b`
 * (optimal string alignment, case ignored), or `limit` + 1 when that is more. Both at most
 * NAME_LENGTH_MAX bytes. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b, size_t limit) {
    size_t rows[3][NAME_LENGTH_MAX + 1];

    for (size_t j = 0; j <= n_b; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        const size_t *before = rows[(i + 1) % 3], *above = rows[(i - 1) % 3];
        size_t *row = rows[i % 3], least = row[0] = i;

        for (size_t j = 1; j <= n_b; j++) {
            row[j] = smallest(above[j] + 1, row[j - 1] + 1,
                              above[j - 1] + !is_same_letter(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && is_same_letter(a[i - 1], b[j - 2]) &&
                is_same_letter(a[i - 2], b[j - 1]))
                row[j] = smallest(row[j], before[j - 2] + 1, row[j]);
            least = row[j] < least ? row[j] : least;
        }
        if (least > limit + 1) /* a swap may still undo one */
            return limit + 1;
    }
    return rows[n_a % 3][n_b];
}

/* The only name that begins with these letters, or NULL. */
static const char *names_completed(const struct names *names, const char *name, size_t n) {
    enum { LETTERS_MIN = 3 };
    const char *found = NULL;

    if (n < LETTERS_MIN)
        return NULL;
    for (size_t i = 0; i < names->n; i++) {
        if (strncasecmp(names->items[i], name, n) != 0)
            continue;
        if (found)
            return NULL;
        found = names->items[i];
    }
    return found;
}

const char *names_nearest(const struct names *names, const char *name) {
    size_t n = strnlen(name, NAME_LENGTH_MAX + 1), limit = n < 4 ? 1 : n < 9 ? 2 : 3;
    const char *nearest = NULL;

    if (n > NAME_LENGTH_MAX)
        return NULL;
    for (size_t i = 0; i < names->n && limit != SIZE_MAX; i++) {
        const char *candidate = names->items[i];
        size_t length = strnlen(candidate, NAME_LENGTH_MAX + 1), d;

        if (length > NAME_LENGTH_MAX || length > n + limit || n > length + limit)
            continue;
        d = distance(name, n, candidate, length, limit);
        if (d > limit || d >= n)
            continue;
        nearest = candidate;
        limit = d - 1; /* only a nearer one from now on; SIZE_MAX: there can be none */
    }
    return nearest ? nearest : names_completed(names, name, n);
}

const char *names_list(const struct names *names, struct arena *a) {
    enum { SHOWN_MAX = 12 };
    const char *list = names->n > 0 ? names->items[0] : "none";
    size_t n = names->n < SHOWN_MAX ? names->n : SHOWN_MAX;

    for (size_t i = 1; i < n && list; i++)
        list = arena_printf(a, "%s%s%s", list, i + 1 < names->n ? ", " : " and ", names->items[i]);
    if (list && names->n > n)
        list = arena_printf(a, "%s and %zu more", list, names->n - n);
    return list;
}

const char *numbers_list(const uint16_t *numbers, size_t n, struct arena *a) {
    struct names texts = { 0 };

    for (size_t i = 0; i < n; i++) {
        const char *number = arena_printf(a, "%u", numbers[i]);

        if (!number || names_collect(&texts, a, &number, 1, sizeof(number)) < 0)
            return NULL;
    }
    return names_list(&texts, a);
}

const char *names_unknown(const struct names *names, const char *name, const char *what,
                          struct arena *a) {
    const char *nearest = names_nearest(names, name), *list = names_list(names, a);
    char quoted[QUOTE_TEXT_MAX], meant[QUOTE_TEXT_MAX];

    if (!list)
        return NULL;
    return arena_printf(a, "%s is no %s%s%s%s (there are: %s)", text_quote(name, quoted), what,
                        nearest ? "; did you mean " : "", nearest ? text_quote(nearest, meant) : "",
                        nearest ? "?" : "", list);
}
