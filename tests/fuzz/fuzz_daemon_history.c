/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A history file that anybody may have written. What is found intact in it are lines that follow
 * from each other, and the same is found again in that part alone; and whatever the input is, a
 * line made of it is intact until one of its bits is another. */
#include "daemon/history.h"

#include "base/macros.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool is_so) {
    if (!is_so)
        abort();
}

static struct chain_check check(const char *bytes, size_t size, const struct chain_link *known) {
    struct chain_check c;

    chain_check(bytes, size, known, 3, &c);
    require(c.n_bytes <= size && c.n_lines <= size);
    require((c.verdict == CHAIN_BROKEN) == (c.why != NULL));
    require(c.verdict != CHAIN_INTACT || c.n_bytes == size);
    return c;
}

static void read_lines(const char *bytes, const struct chain_check *c) {
    const char *p = bytes, *stop = bytes + c->n_bytes;

    for (size_t i = 0; i < c->n_lines; i++) {
        const char *newline = memchr(p, '\n', (size_t)(stop - p));
        struct chain_link previous, own;

        require(newline && chain_line_read(p, (size_t)(newline - p), &previous, &own));
        require(own.number == c->first + i && previous.number + 1 == own.number);
        json_decref(history_line_json(p, (size_t)(newline - p)));
        p = newline + 1;
    }
    require(p == stop);
}

/* The last two bytes say which bit. */
static void flip_a_bit(const uint8_t *bytes, size_t size) {
    struct chain_link begin = chain_begin(size), at = begin;
    json_t *record = json_pack("{s:s%}", "changes", bytes, size);
    char *line = record ? chain_line(&at, record) : NULL; /* NULL: no UTF-8 */
    size_t n = line ? strlen(line) : 0;

    if (line) {
        size_t bit = (size_t)(bytes[size - 1] << 8 | bytes[size - 2]) % ((n - 1) * 8);

        require(check(line, n, &at).verdict == CHAIN_INTACT);
        require(check(line, n, &begin).verdict == CHAIN_INTACT);
        line[bit / 8] = (char)(line[bit / 8] ^ (1 << bit % 8));
        require(check(line, n, &at).verdict == CHAIN_BROKEN);
    }
    json_decref(record);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct chain_link known = chain_begin(0);
    struct chain_check c = check((const char *)bytes, size, &known), again;

    read_lines((const char *)bytes, &c);
    if (c.n_lines > 0) {
        again = check((const char *)bytes, c.n_bytes, &c.last);
        require(again.n_lines == c.n_lines && again.first == c.first);
    }
    json_decref(history_line_json((const char *)bytes, size));
    if (size >= 2)
        flip_a_bit(bytes, size);
    return 0;
}
