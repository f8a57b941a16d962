/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unlike parse.c this needs no proof that nothing was missed: what it can't read is a condition
 * that may hold. */
#include "nft/collect.h"

#include "nft/reading.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

struct point {
    struct foreign_element element;
    bool is_end;
};

struct collector {
    struct foreign *foreign;
    struct arena *arena; /* the foreign's */
    size_t n_sets, n_elements;
    size_t next_table, next_set;
    struct point *points; /* of the set whose elements come */
    size_t n_points;
    struct foreign_chain *last_chain; /* rules come in runs */
};

struct collector *collector_new(void) {
    struct collector *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->foreign = foreign_new();
    if (!c->foreign)
        return collector_free(c);
    c->arena = c->foreign->arena;
    return c;
}

struct collector *collector_free(struct collector *c) {
    if (!c)
        return NULL;
    foreign_free(c->foreign);
    free(c);
    return NULL;
}

static bool family_of(const struct nlmsghdr *nlh, enum foreign_family *ret) {
    const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

    switch (nfg->nfgen_family) {
    case NFPROTO_INET:
        *ret = FOREIGN_INET;
        return true;
    case NFPROTO_IPV4:
        *ret = FOREIGN_IP;
        return true;
    case NFPROTO_IPV6:
        *ret = FOREIGN_IP6;
        return true;
    case NFPROTO_NETDEV:
        *ret = FOREIGN_NETDEV;
        return true;
    default:
        return false;
    }
}

/* A copy of a name that must be there. */
static int name_copy(struct collector *c, const struct nlattr *a, const char **ret) {
    const char *name = attr_text(a);

    if (!name || name[0] == '\0' || strlen(name) >= NFT_NAME_MAXLEN)
        return -EBADMSG;
    *ret = arena_strdup(c->arena, name);
    return *ret ? 0 : -ENOMEM;
}

static int take_table(struct collector *c, enum foreign_family family, const struct attrs *a) {
    struct foreign_table *t = arena_alloc(c->arena, sizeof(*t)), **slot;
    int r;

    if (!t)
        return -ENOMEM;
    r = name_copy(c, a->by_type[NFTA_TABLE_NAME], &t->name);
    if (r < 0)
        return r;
    t->family = family;
    t->is_dormant = attr_u32_or(a->by_type[NFTA_TABLE_FLAGS], 0) & NFT_TABLE_F_DORMANT;
    t->owner = attr_u32_or(a->by_type[NFTA_TABLE_OWNER], 0);
    slot = ARENA_APPEND(c->arena, c->foreign->tables, c->foreign->n_tables);
    if (!slot)
        return -ENOMEM;
    *slot = t;
    return 0;
}

/* NF_INET_* and NF_NETDEV_* count apart from each other. */
static bool hook_of(enum foreign_family family, uint32_t number, enum foreign_hook *ret) {
    static const enum foreign_hook inet[] = {
        [NF_INET_PRE_ROUTING] = FOREIGN_PREROUTING,   [NF_INET_LOCAL_IN] = FOREIGN_INPUT,
        [NF_INET_FORWARD] = FOREIGN_FORWARD,          [NF_INET_LOCAL_OUT] = FOREIGN_OUTPUT,
        [NF_INET_POST_ROUTING] = FOREIGN_POSTROUTING, [NF_INET_INGRESS] = FOREIGN_INGRESS,
    };

    if (family == FOREIGN_NETDEV) {
        *ret = number == 0 ? FOREIGN_INGRESS : FOREIGN_EGRESS;
        return number <= 1;
    }
    if (number >= ARRAY_SIZE(inet))
        return false;
    *ret = inet[number];
    return true;
}

/* False: no base chain that portd knows. */
static bool base_parse(enum foreign_family family, const struct attrs *a,
                       struct foreign_chain *ch) {
    const char *type = attr_text(a->by_type[NFTA_CHAIN_TYPE]);
    struct attrs hook;
    uint32_t number;

    if (!attrs_of_nest(a->by_type[NFTA_CHAIN_HOOK], &hook) ||
        !attr_u32(hook.by_type[NFTA_HOOK_HOOKNUM], &number) || !hook_of(family, number, &ch->hook))
        return false;
    ch->priority = (int32_t)attr_u32_or(hook.by_type[NFTA_HOOK_PRIORITY], 0);
    ch->is_nat = type && strcmp(type, "nat") == 0;
    ch->policy = attr_u32_or(a->by_type[NFTA_CHAIN_POLICY], NF_ACCEPT) == NF_DROP ? CHAIN_DROP
                                                                                  : CHAIN_ACCEPT;
    return true;
}

static int take_chain(struct collector *c, struct foreign_table *t, const struct attrs *a) {
    struct foreign_chain *ch, **slot;
    int r;

    if (c->foreign->n_chains >= COLLECT_CHAINS_MAX) {
        c->foreign->is_cut = true;
        return 0;
    }
    ch = arena_alloc(c->arena, sizeof(*ch));
    if (!ch)
        return -ENOMEM;
    r = name_copy(c, a->by_type[NFTA_CHAIN_NAME], &ch->name);
    if (r < 0)
        return r;
    ch->handle = attr_u64_or(a->by_type[NFTA_CHAIN_HANDLE], 0);
    ch->table = t;
    ch->index = c->foreign->n_chains++;
    ch->is_base = base_parse(t->family, a, ch);
    slot = ARENA_APPEND(c->arena, t->chains, t->n_chains);
    if (!slot)
        return -ENOMEM;
    *slot = ch;
    return 0;
}

static int take_set(struct collector *c, struct foreign_table *t, const struct attrs *a) {
    uint32_t flags = attr_u32_or(a->by_type[NFTA_SET_FLAGS], 0);
    struct foreign_set *s, **slot;
    int r;

    if (c->n_sets >= COLLECT_SETS_MAX) {
        c->foreign->is_cut = true;
        return 0;
    }
    s = arena_alloc(c->arena, sizeof(*s));
    if (!s)
        return -ENOMEM;
    r = name_copy(c, a->by_type[NFTA_SET_NAME], &s->name);
    if (r < 0)
        return r;
    s->key_size = attr_u32_or(a->by_type[NFTA_SET_KEY_LEN], 0);
    s->is_interval = flags & NFT_SET_INTERVAL;
    s->is_map = flags & NFT_SET_MAP;
    slot = ARENA_APPEND(c->arena, t->sets, t->n_sets);
    if (!slot)
        return -ENOMEM;
    *slot = s;
    c->n_sets++;
    return 0;
}

static int take_rule(struct collector *c, struct foreign_table *t, const struct attrs *a) {
    const char *name = attr_text(a->by_type[NFTA_RULE_CHAIN]);
    struct foreign_chain *ch = c->last_chain;
    struct foreign_rule rule, *slot;
    bool is_unread = false;
    int r;

    if (!name)
        return -EBADMSG;
    if (c->foreign->n_rules >= COLLECT_RULES_MAX) {
        c->foreign->is_cut = true;
        return 0;
    }
    if (!ch || ch->table != t || strcmp(ch->name, name) != 0)
        ch = foreign_chain(t, name);
    c->last_chain = ch;
    if (!ch)
        return 0;
    r = reading_rule(a, t, c->arena, &rule, &is_unread);
    if (r < 0)
        return r;
    slot = ARENA_APPEND(c->arena, ch->rules, ch->n_rules);
    if (!slot)
        return -ENOMEM;
    *slot = rule;
    c->foreign->n_rules++;
    t->n_unread += is_unread;
    return 0;
}

static bool key_parse(const struct nlattr *a, uint32_t size, struct address *ret) {
    struct attrs data;

    *ret = (struct address){ 0 };
    if (!attrs_of_nest(a, &data) || !data.by_type[NFTA_DATA_VALUE] || size > sizeof(ret->bytes) ||
        mnl_attr_get_payload_len(data.by_type[NFTA_DATA_VALUE]) != size)
        return false;
    memcpy(ret->bytes, mnl_attr_get_payload(data.by_type[NFTA_DATA_VALUE]), size);
    return true;
}

static int take_element(struct collector *c, const struct foreign_set *s,
                        const struct nlattr *list) {
    struct point p = { 0 }, *slot;
    struct attrs a;
    uint32_t flags;
    int r = 0;

    if (!attrs_of_nest(list, &a))
        return -EBADMSG;
    flags = attr_u32_or(a.by_type[NFTA_SET_ELEM_FLAGS], 0);
    p.is_end = flags & NFT_SET_ELEM_INTERVAL_END;
    if (flags & NFT_SET_ELEM_CATCHALL)
        memset(p.element.key.hi.bytes, 0xff, s->key_size);
    else if (!key_parse(a.by_type[NFTA_SET_ELEM_KEY], s->key_size, &p.element.key.lo))
        return -EBADMSG;
    else
        p.element.key.hi = p.element.key.lo;
    if (s->is_map && !p.is_end)
        r = reading_verdict(a.by_type[NFTA_SET_ELEM_DATA], c->arena, &p.element.action,
                            &p.element.chain_name);
    if (r < 0)
        return r;
    slot = ARENA_APPEND(c->arena, c->points, c->n_points);
    if (!slot)
        return -ENOMEM;
    *slot = p;
    return 0;
}

static int take_elements(struct collector *c, struct foreign_table *t, const struct attrs *a) {
    const struct nlattr *list = a->by_type[NFTA_SET_ELEM_LIST_ELEMENTS], *element;
    const struct foreign_set *s = foreign_set(t, attr_text(a->by_type[NFTA_SET_ELEM_LIST_SET]));
    int r;

    if (!s || !list || s->key_size == 0 || s->key_size > sizeof(struct address))
        return 0;
    if (!attr_list_is_whole(list))
        return -EBADMSG;
    mnl_attr_for_each_nested(element, list) {
        if (c->n_elements >= COLLECT_ELEMENTS_MAX) {
            c->foreign->is_cut = true;
            return 0;
        }
        c->n_elements++;
        r = take_element(c, s, element);
        if (r < 0)
            return r;
    }
    return 0;
}

static const struct {
    uint16_t type;
    uint16_t table; /* the attribute that names it */
    int (*take)(struct collector *c, struct foreign_table *t, const struct attrs *a);
} takers[] = {
    { NFT_MSG_NEWCHAIN, NFTA_CHAIN_TABLE, take_chain },
    { NFT_MSG_NEWSET, NFTA_SET_TABLE, take_set },
    { NFT_MSG_NEWRULE, NFTA_RULE_TABLE, take_rule },
    { NFT_MSG_NEWSETELEM, NFTA_SET_ELEM_LIST_TABLE, take_elements },
};

int collector_feed(struct collector *c, const struct nlmsghdr *nlh) {
    enum foreign_family family;
    struct foreign_table *t;
    struct attrs a;

    if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
        return 0;
    if (!attrs_of_message(nlh, &a))
        return -EBADMSG;
    if (!family_of(nlh, &family))
        return 0;
    if ((nlh->nlmsg_type & 0xff) == NFT_MSG_NEWTABLE)
        return take_table(c, family, &a);
    for (size_t i = 0; i < ARRAY_SIZE(takers); i++)
        if (takers[i].type == (nlh->nlmsg_type & 0xff)) {
            t = foreign_table(c->foreign, family, attr_text(a.by_type[takers[i].table]));
            return t ? takers[i].take(c, t, &a) : 0;
        }
    return 0;
}

struct foreign_set *collector_next_set(struct collector *c,
                                       const struct foreign_table **ret_table) {
    const struct foreign *f = c->foreign;

    for (; c->next_table < f->n_tables; c->next_table++, c->next_set = 0) {
        const struct foreign_table *t = f->tables[c->next_table];

        while (c->next_set < t->n_sets) {
            struct foreign_set *s = t->sets[c->next_set++];

            if (!s->is_wanted)
                continue;
            c->n_points = 0;
            *ret_table = t;
            return s;
        }
    }
    return NULL;
}

/* Ascending; an end goes before the beginning at the same key, where two ranges touch. */
static int point_compare(const void *a, const void *b) {
    const struct point *x = a, *y = b;
    int r = address_compare(&x->element.key.lo, &y->element.key.lo);

    return r ? r : (int)y->is_end - (int)x->is_end;
}

static bool is_everything(const struct point *p, uint32_t size) {
    struct address last = { 0 };

    memset(last.bytes, 0xff, size);
    return !p->is_end && address_compare(&p->element.key.lo, &(struct address){ 0 }) == 0 &&
           address_compare(&p->element.key.hi, &last) == 0;
}

static struct address key_before(const struct address *a, uint32_t size) {
    struct address before = *a;

    for (uint32_t i = size; i-- > 0;)
        if (before.bytes[i]-- != 0)
            break;
    return before;
}

/* The element for all other keys goes behind the others, and no end belongs to it. */
int collector_end_set(struct collector *c, struct foreign_set *s) {
    const struct point *rest = NULL;
    bool is_open = false;

    if (c->n_points)
        qsort(c->points, c->n_points, sizeof(*c->points), point_compare);
    s->elements = arena_alloc(c->arena, (c->n_points + 1) * sizeof(*s->elements));
    if (!s->elements)
        return -ENOMEM;
    for (size_t i = 0; i < c->n_points; i++) {
        const struct point *p = &c->points[i];

        if (is_everything(p, s->key_size)) {
            rest = p;
        } else if (p->is_end) {
            if (is_open)
                s->elements[s->n_elements - 1].key.hi = key_before(&p->element.key.lo, s->key_size);
            is_open = false;
        } else {
            s->elements[s->n_elements++] = p->element;
            is_open = s->is_interval;
            if (is_open)
                memset(s->elements[s->n_elements - 1].key.hi.bytes, 0xff, s->key_size);
        }
    }
    if (rest)
        s->elements[s->n_elements++] = rest->element;
    s->is_whole = !c->foreign->is_cut;
    c->points = NULL;
    c->n_points = 0;
    return 0;
}

struct foreign *collector_finish(struct collector *c) {
    foreign_link(c->foreign);
    return TAKE_PTR(c->foreign);
}
