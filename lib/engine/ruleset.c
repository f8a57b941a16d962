/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table as a value: indexes, equality, digest. Objects stand in the order in which they
 * should be read; look-ups and comparisons go by name, so that the kernel's order (creation) and
 * ours (meaning) need not agree. */
#include "engine/ruleset.h"

#include "engine/text.h"

#include <errno.h>
#include <sha2.h>
#include <stdio.h>

static const char *const verdict_names[] = {
    [VERDICT_ACCEPT] = "accept", [VERDICT_DROP] = "drop",     [VERDICT_GOTO] = "goto",
    [VERDICT_JUMP] = "jump",     [VERDICT_RETURN] = "return",
};
static_assert(ARRAY_SIZE(verdict_names) == VERDICT_MAX, "a verdict has no name");

const char *verdict_name(enum verdict v) {
    return verdict_names[v];
}

static const char *const hook_names[] = { "prerouting", "input",       "forward",
                                          "output",     "postrouting", "ingress" };
static_assert(ARRAY_SIZE(hook_names) == HOOK_MAX, "a hook has no name");

const char *hook_name(uint32_t hook) {
    return hook < HOOK_MAX ? hook_names[hook] : "?";
}

static const char *const set_type_names[] = {
    [SET_IPV4] = "ipv4_addr",
    [SET_IPV6] = "ipv6_addr",
    [SET_SERVICE] = "inet_proto . inet_service",
    [SET_PORT] = "inet_service",
    [SET_GRANTED4] = "inet_proto . inet_service . ipv4_addr",
    [SET_GRANTED6] = "inet_proto . inet_service . ipv6_addr",
};
static_assert(ARRAY_SIZE(set_type_names) == SET_TYPE_MAX, "a set type has no name");

const char *set_type_name(enum set_type t) {
    return set_type_names[t];
}

bool set_type_has_addresses(enum set_type t) {
    return t == SET_IPV4 || t == SET_IPV6;
}

bool set_type_is_granted(enum set_type t) {
    return t == SET_GRANTED4 || t == SET_GRANTED6;
}

const char *granted_set_name(enum direction d, enum family f, char buf[static GRANTED_NAME_MAX]) {
    snprintf(buf, GRANTED_NAME_MAX, "granted_%s_%s", direction_name(d),
             f == FAMILY_IPV4 ? "4" : "6");
    return buf;
}

struct ruleset *ruleset_new(void) {
    _cleanup_(arena_freep) struct arena *arena = arena_new();
    struct ruleset *r;

    if (!arena)
        return NULL;
    r = arena_alloc(arena, sizeof(*r));
    if (!r)
        return NULL;
    r->arena = TAKE_PTR(arena);
    return r;
}

struct ruleset *ruleset_free(struct ruleset *r) {
    if (r)
        arena_free(r->arena);
    return NULL;
}

static int key_service_compare(const struct element *a, const struct element *b) {
    if (a->service.protocol != b->service.protocol)
        return a->service.protocol < b->service.protocol ? -1 : 1;
    return (a->service.port > b->service.port) - (a->service.port < b->service.port);
}

int element_compare_key(const struct element *a, const struct element *b, enum set_type type) {
    int r;

    switch (type) {
    case SET_IPV4:
    case SET_IPV6:
        return address_compare(&a->range.lo, &b->range.lo);
    case SET_SERVICE:
    case SET_PORT:
        return key_service_compare(a, b);
    case SET_GRANTED4:
    case SET_GRANTED6:
        r = key_service_compare(a, b);
        return r ? r : address_compare(&a->range.lo, &b->range.lo);
    case SET_TYPE_MAX:
        break;
    }
    return 0;
}

static bool text_equal(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool element_equal(const struct element *a, const struct element *b, const struct set *of) {
    if (element_compare_key(a, b, of->type) != 0)
        return false;
    if (set_type_has_addresses(of->type) && address_compare(&a->range.hi, &b->range.hi) != 0)
        return false;
    return !of->is_map || (a->verdict == b->verdict && text_equal(a->chain, b->chain));
}

const char *stmt_set(const struct stmt *s) {
    if (s->type == STMT_ADDRESS)
        return s->address.set;
    if (s->type == STMT_VMAP)
        return s->vmap.map;
    if (s->type == STMT_GRANTED)
        return s->granted.set;
    return s->type == STMT_CT_VMAP ? s->ct_vmap : NULL;
}

bool stmt_equal(const struct stmt *a, const struct stmt *b) {
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case STMT_IIF:
    case STMT_OIF:
        return a->ifindex == b->ifindex;
    case STMT_CT_STATE:
        return a->ct_state == b->ct_state;
    case STMT_CT_DIRECTION:
        return a->ct_direction == b->ct_direction;
    case STMT_CT_STATUS:
        return a->ct_status == b->ct_status;
    case STMT_CT_PORT:
        return a->ct_port.lo == b->ct_port.lo && a->ct_port.hi == b->ct_port.hi;
    case STMT_CT_VMAP:
        return text_equal(a->ct_vmap, b->ct_vmap);
    case STMT_L4PROTO:
        return a->protocol == b->protocol;
    case STMT_ICMP_TYPE:
        return a->icmp.protocol == b->icmp.protocol && a->icmp.type == b->icmp.type;
    case STMT_PORT:
        return a->port.protocol == b->port.protocol && a->port.side == b->port.side &&
               a->port.lo == b->port.lo && a->port.hi == b->port.hi;
    case STMT_ADDRESS:
        return a->address.family == b->address.family && a->address.side == b->address.side &&
               text_equal(a->address.set, b->address.set);
    case STMT_FIB_TYPE:
        return a->fib_type == b->fib_type;
    case STMT_TCP_FLAGS:
        return a->tcp_flags.mask == b->tcp_flags.mask && a->tcp_flags.value == b->tcp_flags.value;
    case STMT_VMAP:
        return a->vmap.side == b->vmap.side && text_equal(a->vmap.map, b->vmap.map);
    case STMT_GRANTED:
        return a->granted.family == b->granted.family && a->granted.port == b->granted.port &&
               a->granted.address == b->granted.address &&
               text_equal(a->granted.set, b->granted.set);
    case STMT_COUNTER:
        return text_equal(a->counter, b->counter);
    case STMT_LIMIT:
        return a->limit.rate == b->limit.rate && a->limit.burst == b->limit.burst;
    case STMT_LOG:
        return a->log.group == b->log.group && a->log.snaplen == b->log.snaplen &&
               a->log.threshold == b->log.threshold;
    case STMT_REJECT:
        return a->reject == b->reject;
    case STMT_VERDICT:
        return a->verdict.verdict == b->verdict.verdict &&
               text_equal(a->verdict.chain, b->verdict.chain);
    case STMT_TYPE_MAX:
        break;
    }
    return false;
}

bool rule_equal(const struct rule *a, const struct rule *b) {
    if (a->foreign || b->foreign || a->n_stmts != b->n_stmts || !text_equal(a->comment, b->comment))
        return false;
    for (size_t i = 0; i < a->n_stmts; i++)
        if (!stmt_equal(&a->stmts[i], &b->stmts[i]))
            return false;
    return true;
}

static int element_compare(const void *a, const void *b, void *of) {
    const struct set *set = of;

    return element_compare_key(a, b, set->type);
}

static int set_sort(struct set *s) {
    if (s->foreign || s->n_elements < 2)
        return 0;
    qsort_r(s->elements, s->n_elements, sizeof(*s->elements), element_compare, s);
    for (size_t i = 1; i < s->n_elements; i++)
        if (element_compare_key(&s->elements[i - 1], &s->elements[i], s->type) == 0)
            return -EEXIST;
    return 0;
}

/* The three kinds of object begin with their name, so that one comparison serves all. */
static_assert(offsetof(struct chain, name) == 0, "chain: name first");
static_assert(offsetof(struct set, name) == 0, "set: name first");
static_assert(offsetof(struct counter, name) == 0, "counter: name first");

static int name_compare(const void *a, const void *b) {
    const char *const *const *x = a, *const *const *y = b;

    return strcmp(**x, **y);
}

/* Sorted pointers to `n` objects of `size` bytes at `objects`; -EEXIST for a name given twice,
 * which among counters other kinds of object may. */
static int names_index(struct arena *a, const void *objects, size_t n, size_t size,
                       void *ret_index) {
    const char ***index = arena_alloc(a, (n + 1) * sizeof(*index));

    if (!index)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        index[i] = (const char **)((const char *)objects + i * size);
    if (n > 1)
        qsort(index, n, sizeof(*index), name_compare);
    memcpy(ret_index, &index, sizeof(index));
    return 0;
}

static int counters_check(const struct ruleset *r) {
    for (size_t i = 1; i < r->n_counters; i++) {
        const struct counter *a = r->counters_by_name[i - 1], *b = r->counters_by_name[i];

        if (!a->foreign && !b->foreign && strcmp(a->name, b->name) == 0)
            return -EEXIST;
    }
    return 0;
}

int ruleset_index(struct ruleset *r) {
    int e;

    for (size_t i = 0; i < r->n_sets; i++) {
        e = set_sort(&r->sets[i]);
        if (e < 0)
            return e;
    }

    e = names_index(r->arena, r->chains, r->n_chains, sizeof(*r->chains), &r->chains_by_name);
    if (e < 0)
        return e;
    e = names_index(r->arena, r->sets, r->n_sets, sizeof(*r->sets), &r->sets_by_name);
    if (e < 0)
        return e;
    e = names_index(r->arena, r->counters, r->n_counters, sizeof(*r->counters),
                    &r->counters_by_name);
    if (e < 0)
        return e;

    for (size_t i = 1; i < r->n_chains; i++)
        if (strcmp(r->chains_by_name[i - 1]->name, r->chains_by_name[i]->name) == 0)
            return -EEXIST;
    for (size_t i = 1; i < r->n_sets; i++)
        if (strcmp(r->sets_by_name[i - 1]->name, r->sets_by_name[i]->name) == 0)
            return -EEXIST;
    return counters_check(r);
}

static const void *name_find(const void *index, size_t n, const char *name) {
    const char *const *key = &name;
    const void *const *found;

    if (n == 0)
        return NULL;
    found = bsearch(&key, index, n, sizeof(void *), name_compare);
    return found ? *found : NULL;
}

const struct chain *ruleset_chain(const struct ruleset *r, const char *name) {
    return name_find(r->chains_by_name, r->n_chains, name);
}

const struct set *ruleset_set(const struct ruleset *r, const char *name) {
    return name_find(r->sets_by_name, r->n_sets, name);
}

/* Objects of other kinds may have the name as well: the counter goes before them. */
const struct counter *ruleset_counter(const struct ruleset *r, const char *name) {
    const struct counter *found = NULL;
    size_t first = 0, end = r->n_counters;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (strcmp(r->counters_by_name[middle]->name, name) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    for (; first < r->n_counters; first++) {
        const struct counter *c = r->counters_by_name[first];

        if (strcmp(c->name, name) != 0)
            break;
        if (!found || !c->foreign)
            found = c;
    }
    return found;
}

static void digest_text(SHA2_CTX *ctx, const char *text) {
    SHA256Update(ctx, (const uint8_t *)text, strlen(text) + 1);
}

static int digest_chain(SHA2_CTX *ctx, const struct chain *c) {
    _cleanup_(freep) char *head = NULL;

    if (asprintf(&head, "chain %s %d %u %d %d", c->name, c->is_base, c->hook, c->priority,
                 (int)c->policy) < 0) {
        head = NULL;
        return -ENOMEM;
    }
    digest_text(ctx, head);
    for (size_t i = 0; i < c->n_rules; i++) {
        _cleanup_(freep) char *text = rule_text(&c->rules[i]);

        if (!text)
            return -ENOMEM;
        digest_text(ctx, text);
        digest_text(ctx, c->rules[i].comment ? c->rules[i].comment : "");
    }
    return 0;
}

static int digest_set(SHA2_CTX *ctx, const struct set *s) {
    _cleanup_(freep) char *head = NULL;

    if (asprintf(&head, "set %s %d %d %d", s->name, (int)s->type, s->is_interval, s->is_map) < 0) {
        head = NULL;
        return -ENOMEM;
    }
    digest_text(ctx, head);
    for (size_t i = 0; i < s->n_elements; i++) {
        _cleanup_(freep) char *text = element_text(&s->elements[i], s);

        if (!text)
            return -ENOMEM;
        digest_text(ctx, text);
    }
    return 0;
}

int ruleset_digest(const struct ruleset *r, char ret[static DIGEST_TEXT_SIZE]) {
    SHA2_CTX ctx;
    int e;

    SHA256Init(&ctx);
    digest_text(&ctx, r->exists ? "table" : "none");
    for (size_t i = 0; i < r->n_chains; i++) {
        e = digest_chain(&ctx, r->chains_by_name[i]);
        if (e < 0)
            return e;
    }
    for (size_t i = 0; i < r->n_sets; i++) {
        e = digest_set(&ctx, r->sets_by_name[i]);
        if (e < 0)
            return e;
    }
    for (size_t i = 0; i < r->n_counters; i++)
        digest_text(&ctx, r->counters_by_name[i]->name);
    SHA256End(&ctx, ret);
    return 0;
}
