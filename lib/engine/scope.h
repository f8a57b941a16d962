/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_SCOPE_H
#define PORTD_ENGINE_SCOPE_H

#include "engine/ruleset.h"

#define SCOPE_NAMES_MAX 4U
#define SCOPE_NAME_SIZE 256U /* NFT_NAME_MAXLEN of linux/netfilter/nf_tables.h */

/* The chains whose rules and the sets whose elements a change may be about. A hint: it saves
 * reading the others first, and proves nothing about them. */
struct scope {
    bool is_all; /* unknown, or too many to name */
    size_t n_names;
    char names[SCOPE_NAMES_MAX][SCOPE_NAME_SIZE];
};

void scope_add(struct scope *s, const char *name);
void scope_merge(struct scope *to, const struct scope *from);
bool scope_has(const struct scope *s, const char *name);

/* `have` was read without the rules and elements of what is not in scope: borrows them from
 * `want`, which has to outlive it. False: there is no telling, because `want` has no such object.
 */
bool scope_fill(const struct scope *s, struct ruleset *have, const struct ruleset *want);

#endif
