/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/scope.h"

#include <string.h>

bool scope_has(const struct scope *s, const char *name) {
    for (size_t i = 0; i < s->n_names; i++)
        if (strcmp(s->names[i], name) == 0)
            return true;
    return s->is_all;
}

void scope_add(struct scope *s, const char *name) {
    size_t size = strlen(name) + 1;

    if (scope_has(s, name))
        return;
    if (s->n_names == SCOPE_NAMES_MAX || size > SCOPE_NAME_SIZE)
        s->is_all = true;
    else
        memcpy(s->names[s->n_names++], name, size);
}

void scope_merge(struct scope *to, const struct scope *from) {
    to->is_all |= from->is_all;
    for (size_t i = 0; i < from->n_names; i++)
        scope_add(to, from->names[i]);
}

static bool chain_fill(struct chain *have, const struct chain *want) {
    if (!want || have->foreign)
        return false;
    have->rules = want->rules;
    have->n_rules = want->n_rules;
    return true;
}

static bool set_fill(struct set *have, const struct set *want) {
    if (!want || have->foreign || have->type != want->type || have->is_map != want->is_map ||
        have->is_interval != want->is_interval)
        return false;
    have->elements = want->elements;
    have->n_elements = want->n_elements;
    return true;
}

bool scope_fill(const struct scope *s, struct ruleset *have, const struct ruleset *want) {
    for (size_t i = 0; i < have->n_chains; i++) {
        struct chain *c = &have->chains[i];

        if (!scope_has(s, c->name) && !chain_fill(c, ruleset_chain(want, c->name)))
            return false;
    }
    for (size_t i = 0; i < have->n_sets; i++) {
        struct set *e = &have->sets[i];

        if (!scope_has(s, e->name) && !set_fill(e, ruleset_set(want, e->name)))
            return false;
    }
    return true;
}
