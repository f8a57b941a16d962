/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_GRANT_H
#define PORTD_ENGINE_GRANT_H

#include "engine/explain.h"
#include "engine/ruleset.h"

/* An opening beside the policy that ends by itself: one service with one address. In the kernel it
 * is an element with a timeout, in a set that the rules ask last before they deny. */

#define GRANTS_MAX        64U
#define GRANT_SECONDS_MIN 5
#define GRANT_SECONDS_MAX 86400
#define GRANT_REASON_SIZE 256U
#define GRANT_BY_SIZE     64U

struct grant {
    struct query what;
    uint64_t until_msec;   /* CLOCK_MONOTONIC, which the kernel's timeouts go by */
    uint64_t granted_usec; /* CLOCK_REALTIME */
    char by[GRANT_BY_SIZE];
    char reason[GRANT_REASON_SIZE];
};

struct grants {
    struct grant items[GRANTS_MAX];
    size_t n;
};

/* Whether it can be granted at all; else a sentence (static). */
const char *grant_fault(const struct query *what);
/* NULL when a reason can be kept: not empty, not too long, no control characters; else a sentence
 * (static). */
const char *grant_reason_fault(const char *reason);

/* The grant of exactly that, or NULL. */
struct grant *grants_find(struct grants *g, const struct query *what);
const struct grant *grants_look(const struct grants *g, const struct query *what);
/* In the place of one of exactly that. False: there are too many. */
bool grants_add(struct grants *g, const struct grant *grant);
void grants_remove(struct grants *g, struct grant *grant);
/* Removes one that is over at `now_msec` and hands it out; false: none is. */
bool grants_expire(struct grants *g, uint64_t now_msec, struct grant *ret);
/* When the next one ends; 0: there is none. */
uint64_t grants_next(const struct grants *g);

/* The elements of the sets of a compiled ruleset, in the place of those that are there. 0 or
 * -ENOMEM. */
int grants_put(const struct grants *g, struct ruleset *rules);

/* What is kept on disk: of no use after a boot, when CLOCK_MONOTONIC and the kernel's elements
 * begin anew. GRANTS_E_INVALID: it can't be understood. *ret is empty then.
 * GRANTS_E_OTHER_BOOT: grants were lost by a
 * boot. NULL, -ENOMEM without memory. */
enum { GRANTS_E_INVALID = 1, GRANTS_E_OTHER_BOOT = 2 };
json_t *grants_save_json(const struct grants *g, const char *boot);
int grants_parse(const json_t *saved, const char *boot, struct grants *ret);

#endif
