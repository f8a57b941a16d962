/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_TEXT_H
#define PORTD_ENGINE_TEXT_H

#include "engine/plan.h"
#include "engine/ruleset.h"

/* The rulesets and plans as text, malloc'ed; NULL when memory is out. */

/* nft's own syntax: `nft -f` loads it. */
char *ruleset_text(const struct ruleset *r);
/* One rule as `nft list` prints it, without the comment. */
char *rule_text(const struct rule *r);
char *element_text(const struct element *e, const struct set *of);

/* A line an operation, in the words of the policy: what was found, what is put right. With
 * `is_drift` the lines say what somebody did (rule "jtel-acd/rest" deleted from in_tcp_8091: …),
 * else what a plan does (add rule "jtel-acd/rest" to in_tcp_8091: …). */
char **plan_lines(const struct plan *p, bool is_drift,
                  size_t *ret_n); /* NULL-terminated; lines_free() */
char **lines_free(char **lines);
DEFINE_CLEANUP(char **, lines_free);

#endif
