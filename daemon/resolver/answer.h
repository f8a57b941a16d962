/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_RESOLVER_ANSWER_H
#define PORTD_RESOLVER_ANSWER_H

#include "engine/address.h"

#include <stddef.h>
#include <stdint.h>

/* What came of the question for the addresses of one name in one family. Pure: bytes in, value
 * out. */

#define ANSWER_ADDRESSES_MAX 256U /* portd takes no more of a name, both families together */
#define ANSWER_ALIASES_MAX   16U  /* CNAME records that lead from the name to its addresses */
#define ANSWER_TTL_MAX       ((uint32_t)INT32_MAX) /* RFC 2181 section 8 */
#define ANSWER_ERROR_MAX     80U

enum answer_kind {
    ANSWER_FAILED,    /* nothing is known; `error` says why */
    ANSWER_NONE,      /* the name exists and has no address of this family */
    ANSWER_ADDRESSES, /* at least one */
};

struct answer {
    enum answer_kind kind;
    struct address *items; /* sorted, each once, at most ANSWER_ADDRESSES_MAX */
    size_t n;
    uint32_t ttl; /* seconds: the least of the records that were used, CNAMEs among them */
    char error[ANSWER_ERROR_MAX];
};

/* Zeroed it failed for no reason. The functions below replace what `ret` held. */
void answer_clear(struct answer *a);
void answer_fail(struct answer *ret, const char *format, ...) _printf_(2, 3);

/* A DNS message (RFC 1035 section 4.1) that answers the question for `name`. Only the addresses of
 * the name itself are taken, or of that to which the message's own CNAMEs lead from it, whatever
 * else it holds and in whichever order. Never fails otherwise than by an answer that says so. */
void answer_parse(const uint8_t *bytes, size_t size, const char *name, enum family f,
                  struct answer *ret);

/* Addresses from elsewhere: sorted here, duplicates go. At most ANSWER_ADDRESSES_MAX distinct
 * ones; with none it becomes ANSWER_NONE. */
void answer_set(struct answer *ret, const struct address *items, size_t n, uint32_t ttl);

#endif
