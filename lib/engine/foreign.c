/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/foreign.h"

static const char *const hook_names[] = {
    [FOREIGN_INGRESS] = "ingress", [FOREIGN_PREROUTING] = "prerouting",
    [FOREIGN_INPUT] = "input",     [FOREIGN_FORWARD] = "forward",
    [FOREIGN_OUTPUT] = "output",   [FOREIGN_POSTROUTING] = "postrouting",
    [FOREIGN_EGRESS] = "egress",
};
static_assert(ARRAY_SIZE(hook_names) == FOREIGN_HOOK_MAX, "a hook has no name");

const char *foreign_hook_name(enum foreign_hook h) {
    return hook_names[h];
}

static const char *const family_names[] = {
    [FOREIGN_INET] = "inet",
    [FOREIGN_IP] = "ip",
    [FOREIGN_IP6] = "ip6",
    [FOREIGN_NETDEV] = "netdev",
};
static_assert(ARRAY_SIZE(family_names) == FOREIGN_FAMILY_MAX, "a family has no name");

const char *foreign_family_name(enum foreign_family f) {
    return family_names[f];
}

struct foreign *foreign_new(void) {
    struct foreign *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    f->arena = arena_new();
    return f->arena ? f : foreign_free(f);
}

struct foreign *foreign_free(struct foreign *f) {
    if (!f)
        return NULL;
    arena_free(f->arena);
    free(f);
    return NULL;
}

struct foreign_table *foreign_table(const struct foreign *f, enum foreign_family family,
                                    const char *name) {
    for (size_t i = f->n_tables; name && i-- > 0;)
        if (f->tables[i]->family == family && strcmp(f->tables[i]->name, name) == 0)
            return f->tables[i];
    return NULL;
}

struct foreign_chain *foreign_chain(const struct foreign_table *t, const char *name) {
    for (size_t i = 0; name && i < t->n_chains; i++)
        if (strcmp(t->chains[i]->name, name) == 0)
            return t->chains[i];
    return NULL;
}

struct foreign_set *foreign_set(const struct foreign_table *t, const char *name) {
    for (size_t i = 0; name && i < t->n_sets; i++)
        if (strcmp(t->sets[i]->name, name) == 0)
            return t->sets[i];
    return NULL;
}

/* Of chains that are sorted. */
static const struct foreign_chain *chain_sorted(const struct foreign_table *t, const char *name) {
    size_t lo = 0, hi = t->n_chains;

    while (name && lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        int c = strcmp(t->chains[middle]->name, name);

        if (c == 0)
            return t->chains[middle];
        if (c < 0)
            lo = middle + 1;
        else
            hi = middle;
    }
    return NULL;
}

static int compare_chains(const void *a, const void *b) {
    const struct foreign_chain *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static int compare_elements(const void *a, const void *b) {
    const struct foreign_element *x = a, *y = b;
    int c = address_compare(&x->key.lo, &y->key.lo);

    return c ? c : address_compare(&x->key.hi, &y->key.hi);
}

/* A map keeps its order, in which the element for all other keys is the last. */
static void link_set(const struct foreign_table *t, struct foreign_set *s) {
    if (s->is_map) {
        for (size_t i = 0; i < s->n_elements; i++)
            s->elements[i].chain = chain_sorted(t, s->elements[i].chain_name);
        return;
    }
    if (s->n_elements)
        qsort(s->elements, s->n_elements, sizeof(*s->elements), compare_elements);
    s->is_sorted = true;
    for (size_t i = 1; i < s->n_elements; i++)
        if (address_compare(&s->elements[i].key.lo, &s->elements[i - 1].key.hi) <= 0)
            s->is_sorted = false;
}

void foreign_link(struct foreign *f) {
    for (size_t i = 0; i < f->n_tables; i++) {
        struct foreign_table *t = f->tables[i];

        if (t->n_chains)
            qsort(t->chains, t->n_chains, sizeof(*t->chains), compare_chains);
        for (size_t j = 0; j < t->n_sets; j++)
            link_set(t, t->sets[j]);
        for (size_t j = 0; j < t->n_chains; j++)
            for (size_t k = 0; k < t->chains[j]->n_rules; k++) {
                struct foreign_rule *r = &t->chains[j]->rules[k];

                r->chain = chain_sorted(t, r->chain_name);
            }
    }
}
