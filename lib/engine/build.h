/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_BUILD_H
#define PORTD_ENGINE_BUILD_H

#include "engine/ruleset.h"

/* Puts a ruleset together. The first error sticks and every later call does nothing, so that a
 * compiler reads like the table it makes; build_finish() tells. All strings are copied. */
struct build {
    struct ruleset *ruleset;
    int error; /* 0 or -errno */
};

void build_chain(struct build *b, const char *name);
void build_base_chain(struct build *b, const char *name, uint32_t hook, enum chain_policy policy);
/* Rules and statements go to the chain and rule begun last. */
void build_rule(struct build *b, const char *comment);
void build_stmt(struct build *b, struct stmt stmt);
void build_verdict(struct build *b, enum verdict v, const char *chain);
void build_counter(struct build *b, const char *name); /* also makes the counter */

void build_set(struct build *b, const char *name, enum set_type type, bool is_map);
bool build_has_set(const struct build *b, const char *name);
void build_element(struct build *b, struct element e); /* to the set begun last */

/* Indexes the ruleset. 0 or the error that stuck. */
int build_finish(struct build *b);

#endif
