/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of a line is compared byte by byte, not parsed as JSON: one meaning has one spelling,
 * and nothing that isn't under the digest can differ. */
#include "engine/chain.h"

#include "base/macros.h"

#include <inttypes.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>

#define HEX_SIZE (CHAIN_DIGEST_SIZE - 1)

static const char begins[] = "0000000000000000000000000000000000000000000000000000000000000000";
static_assert(sizeof(begins) == CHAIN_DIGEST_SIZE, "not a digest");

static const char seam[] = ",\"chain\":\"", end[] = "\"}";
#define TAIL_SIZE (sizeof(seam) - 1 + HEX_SIZE + sizeof(end) - 1)

struct chain_link chain_begin(uint64_t number) {
    struct chain_link at = { .number = number };

    memcpy(at.digest, begins, sizeof(begins));
    return at;
}

bool chain_is_begin(const struct chain_link *at) {
    return strcmp(at->digest, begins) == 0;
}

static void digest(const char *bytes, size_t size, char ret[static CHAIN_DIGEST_SIZE]) {
    SHA2_CTX ctx;

    SHA256Init(&ctx);
    SHA256Update(&ctx, (const uint8_t *)bytes, size);
    SHA256End(&ctx, ret);
}

/* The line without its tail. */
static char *body_text(const struct chain_link *at, const char *record) {
    char *body;
    size_t n = strlen(record);

    if (n < 3 || record[0] != '{')
        return NULL;
    if (asprintf(&body, "{\"number\":%" PRIu64 ",\"previous\":\"%s\",%.*s", at->number + 1,
                 at->digest, (int)(n - 2), record + 1) < 0)
        return NULL;
    return body;
}

char *chain_line(struct chain_link *at, json_t *record) {
    _cleanup_(freep) char *text = json_dumps(record, JSON_COMPACT | JSON_ENSURE_ASCII);
    _cleanup_(freep) char *body = text ? body_text(at, text) : NULL;
    struct chain_link next = { .number = at->number + 1 };
    char *line;

    if (!body)
        return NULL;
    digest(body, strlen(body), next.digest);
    if (asprintf(&line, "%s%s%s%s\n", body, seam, next.digest, end) < 0)
        return NULL;
    *at = next;
    return line;
}

/* --- reading --- */

/* Steps over `text`. */
static bool take(const char **p, const char *stop, const char *text) {
    size_t n = strlen(text);

    if ((size_t)(stop - *p) < n || memcmp(*p, text, n) != 0)
        return false;
    *p += n;
    return true;
}

/* As it is written: without a sign, a zero in front, or more than there is room for. */
static bool take_number(const char **p, const char *stop, uint64_t *ret) {
    const char *start = *p;
    uint64_t n = 0;

    while (*p < stop && **p >= '0' && **p <= '9' && *p - start < 18)
        n = n * 10 + (uint64_t)(*(*p)++ - '0');
    *ret = n;
    return *p > start && *start != '0';
}

static bool take_digest(const char **p, const char *stop, char ret[static CHAIN_DIGEST_SIZE]) {
    if ((size_t)(stop - *p) < HEX_SIZE)
        return false;
    memcpy(ret, *p, HEX_SIZE);
    ret[HEX_SIZE] = '\0';
    *p += HEX_SIZE;
    return strspn(ret, "0123456789abcdef") == HEX_SIZE;
}

bool chain_line_read(const char *line, size_t size, struct chain_link *ret_previous,
                     struct chain_link *ret) {
    const char *p = line, *body_end = size > TAIL_SIZE ? line + size - TAIL_SIZE : line;
    const char *tail = body_end, *stop = line + size;
    struct chain_link previous, own;
    char counted[CHAIN_DIGEST_SIZE];

    if (!take(&p, body_end, "{\"number\":") || !take_number(&p, body_end, &own.number) ||
        !take(&p, body_end, ",\"previous\":\"") || !take_digest(&p, body_end, previous.digest) ||
        !take(&p, body_end, "\","))
        return false;
    if (!take(&tail, stop, seam) || !take_digest(&tail, stop, own.digest) ||
        !take(&tail, stop, end))
        return false;
    digest(line, (size_t)(body_end - line), counted);
    if (strcmp(counted, own.digest) != 0)
        return false;
    previous.number = own.number - 1;
    *ret_previous = previous;
    *ret = own;
    return true;
}

static bool link_equal(const struct chain_link *a, const struct chain_link *b) {
    return a->number == b->number && strcmp(a->digest, b->digest) == 0;
}

static void breaks(struct chain_check *c, uint64_t number, const char *why) {
    c->verdict = CHAIN_BROKEN;
    c->number = number;
    c->why = why;
}

/* Whether `at` is the place that is known, or not the place that has its number. */
static bool agrees(struct chain_check *c, const struct chain_link *at,
                   const struct chain_link *known, bool *met) {
    if (at->number != known->number)
        return true;
    *met = link_equal(at, known);
    if (!*met)
        breaks(c, at->number, "it is another line than portd wrote");
    return *met;
}

/* One whole line; false: it is at fault. */
static bool check_line(struct chain_check *c, const char *line, size_t size,
                       const struct chain_link *known, bool *met) {
    struct chain_link previous, own;

    if (!chain_line_read(line, size, &previous, &own)) {
        breaks(c, c->n_lines ? c->last.number + 1 : 0, "the line was changed");
        return false;
    }
    if (c->n_lines && !link_equal(&previous, &c->last)) {
        breaks(c, c->last.number + 1, "it doesn't follow from the line before it");
        return false;
    }
    if ((!c->n_lines && !agrees(c, &previous, known, met)) || !agrees(c, &own, known, met))
        return false;
    if (!c->n_lines)
        c->first = own.number;
    c->last = own;
    c->n_lines++;
    c->n_bytes += size + 1;
    return true;
}

/* The oldest line, which has to begin the chain unless others were dropped. */
static bool is_begun(const char *bytes, size_t size) {
    const char *newline = memchr(bytes, '\n', size);
    struct chain_link previous, own;

    return newline && chain_line_read(bytes, (size_t)(newline - bytes), &previous, &own) &&
           chain_is_begin(&previous);
}

void chain_check(const char *bytes, size_t size, const struct chain_link *known, size_t n_kept,
                 struct chain_check *ret) {
    struct chain_check c = { .last = *known };
    const char *p = bytes, *stop = bytes + size, *newline;
    bool met = false;

    while (p < stop && (newline = memchr(p, '\n', (size_t)(stop - p)))) {
        if (!check_line(&c, p, (size_t)(newline - p), known, &met)) {
            *ret = c;
            return;
        }
        p = newline + 1;
    }
    if (c.n_lines && c.n_lines < n_kept && !is_begun(bytes, size))
        breaks(&c, c.first, "lines before it are missing");
    else if (c.n_lines && !met)
        breaks(&c, c.first > known->number ? c.first : c.last.number + 1,
               c.first > known->number ? "lines before it are missing"
                                       : "the newest lines are missing");
    else if (!c.n_lines && !chain_is_begin(known))
        breaks(&c, known->number, "the newest lines are missing");
    else if (p < stop)
        c.verdict = CHAIN_TORN;
    *ret = c;
}
