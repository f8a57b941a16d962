/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_EXPLAIN_H
#define PORTD_ENGINE_EXPLAIN_H

#include "engine/eval.h"
#include "engine/intent.h"

#include <jansson.h>

/* "Would this host let it pass, and why?" */
struct query {
    enum direction direction;
    struct service service; /* lo == hi */
    enum family family;
    struct address other; /* the address on the other end */
};

/* "in", "tcp/3306", "10.20.0.9" → query. 0, or EXPLAIN_E_INVALID with a sentence (malloc'ed). */
enum { EXPLAIN_E_INVALID = 1 };
int query_parse(const char *direction, const char *service, const char *address, struct query *ret,
                char **reterr);

/* JSON shapes are those of the Varlink interface io.portd (lib/varlink/io.portd.varlink).
 * All return a new reference, or NULL when memory is out. */

/* type Explanation; `rules` of a table that doesn't exist: portd is off. */
json_t *explain_json(const struct intent *in, const struct ruleset *rules, const struct query *q);
/* []Flow; `have` gives the counters and may be NULL. */
json_t *flows_json(const struct intent *in, const struct ruleset *have);
/* []Denied, by the counters of `have`. */
json_t *denied_json(const struct ruleset *have);
json_t *report_json(const struct report *r);    /* []Mistake */
json_t *warnings_json(const struct intent *in); /* []Warning */

#endif
