/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict on purpose: whatever has an attribute, flag or expression that no line here expects is
 * kept as foreign, so that a comparison can't mistake it for ours. A comparison must not stop at
 * it either: an intruder's odd object would then blind us to everything else. */
#include "nft/parse.h"

#include "nft/elements.h"
#include "nft/rule.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/* What has to be known of a set or a chain besides its value in the ruleset. */
struct set_state {
    struct element_point *points;
    size_t n_points;
};

struct chain_state {
    bool is_bound;
};

struct parser {
    const char *table;
    struct ruleset *ruleset;
    struct arena *arena;        /* the ruleset's */
    struct set_state *sets;     /* by the index in ruleset->sets */
    struct chain_state *chains; /* by the index in ruleset->chains */
    size_t n_set_states, n_chain_states;
    size_t last_chain, last_set; /* messages come in runs */
    bool has_bound;              /* an anonymous set or a bound chain */
};

struct parser *parser_new(const char *table) {
    struct parser *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->table = table;
    p->ruleset = ruleset_new();
    if (!p->ruleset)
        return parser_free(p);
    p->arena = p->ruleset->arena;
    return p;
}

struct parser *parser_free(struct parser *p) {
    if (!p)
        return NULL;
    ruleset_free(p->ruleset);
    free(p);
    return NULL;
}

void parser_begin(struct parser *p, uint64_t now_msec) {
    p->ruleset->read_msec = now_msec;
}

const char *parser_next_set(const struct parser *p, size_t *index) {
    const struct ruleset *r = p->ruleset;

    while (*index < r->n_sets) {
        size_t i = (*index)++;

        if (!r->sets[i].foreign)
            return r->sets[i].name;
    }
    return NULL;
}

static struct chain *chain_find(struct parser *p, const char *name, size_t *ret_index) {
    struct ruleset *r = p->ruleset;

    for (size_t n = 0; name && n < r->n_chains; n++) {
        size_t i = (p->last_chain + n) % r->n_chains;

        if (strcmp(r->chains[i].name, name) == 0) {
            *ret_index = p->last_chain = i;
            return &r->chains[i];
        }
    }
    return NULL;
}

static struct set *set_find(struct parser *p, const char *name, size_t *ret_index) {
    struct ruleset *r = p->ruleset;

    for (size_t n = 0; name && n < r->n_sets; n++) {
        size_t i = (p->last_set + n) % r->n_sets;

        if (strcmp(r->sets[i].name, name) == 0) {
            *ret_index = p->last_set = i;
            return &r->sets[i];
        }
    }
    return NULL;
}

/* A copy of a name that must be there. */
static int name_parse(struct parser *p, const struct nlattr *a, const char **ret) {
    const char *name = attr_text(a);

    if (!name || name[0] == '\0' || strlen(name) >= NFT_NAME_MAXLEN)
        return -EBADMSG;
    *ret = arena_strdup(p->arena, name);
    return *ret ? 0 : -ENOMEM;
}

static int parse_table(struct parser *p, const struct attrs *a) {
    struct ruleset *r = p->ruleset;

    r->exists = true;
    r->flags = attr_u32_or(a->by_type[NFTA_TABLE_FLAGS], 0);
    r->owner = attr_u32_or(a->by_type[NFTA_TABLE_OWNER], 0);
    return 0;
}

static const char *chain_foreign(struct parser *p, const struct attrs *a,
                                 const struct attrs *hook) {
    const char *type = attr_text(a->by_type[NFTA_CHAIN_TYPE]);
    uint32_t flags = attr_u32_or(a->by_type[NFTA_CHAIN_FLAGS], 0);

    if (a->by_type[NFTA_CHAIN_HOOK] && (!type || strcmp(type, "filter") != 0))
        return arena_printf(p->arena, "a base chain of type %s", type ? type : "?");
    if (hook->by_type[NFTA_HOOK_DEV] || hook->by_type[NFTA_HOOK_DEVS])
        return "a base chain of a device";
    if (flags & ~(uint32_t)(NFT_CHAIN_BASE | NFT_CHAIN_BINDING))
        return "a chain with flags";
    return "";
}

static bool hook_parse(const struct attrs *hook, struct chain *c) {
    uint32_t priority;

    if (!attr_u32(hook->by_type[NFTA_HOOK_HOOKNUM], &c->hook) ||
        !attr_u32(hook->by_type[NFTA_HOOK_PRIORITY], &priority))
        return false;
    c->priority = (int32_t)priority;
    return true;
}

/* A foreign text of "" is none; NULL is a lack of memory. */
static int foreign_set(const char *text, const char **ret) {
    if (!text)
        return -ENOMEM;
    *ret = text[0] != '\0' ? text : NULL;
    return 0;
}

static int parse_chain(struct parser *p, const struct attrs *a) {
    struct ruleset *r = p->ruleset;
    struct chain c = { .handle = attr_u64_or(a->by_type[NFTA_CHAIN_HANDLE], 0) }, *slot;
    struct chain_state *state;
    struct attrs hook;
    int e;

    e = name_parse(p, a->by_type[NFTA_CHAIN_NAME], &c.name);
    if (e < 0)
        return e;
    c.is_base = attrs_of_nest(a->by_type[NFTA_CHAIN_HOOK], &hook);
    if (c.is_base && !hook_parse(&hook, &c))
        return -EBADMSG;
    c.policy = attr_u32_or(a->by_type[NFTA_CHAIN_POLICY], NF_ACCEPT) == NF_DROP ? CHAIN_DROP
                                                                                : CHAIN_ACCEPT;
    e = foreign_set(chain_foreign(p, a, &hook), &c.foreign);
    if (e < 0)
        return e;

    slot = ARENA_APPEND(p->arena, r->chains, r->n_chains);
    state = slot ? ARENA_APPEND(p->arena, p->chains, p->n_chain_states) : NULL;
    if (!state)
        return -ENOMEM;
    *slot = c;
    state->is_bound = attr_u32_or(a->by_type[NFTA_CHAIN_FLAGS], 0) & NFT_CHAIN_BINDING;
    p->has_bound |= state->is_bound;
    return 0;
}

/* Refers to something that the ruleset leaves out, see parse.h. */
static bool stmt_is_bound(struct parser *p, const struct stmt *s) {
    const char *set = stmt_set(s);
    const char *chain = s->type == STMT_VERDICT ? s->verdict.chain : NULL;
    const struct set *found;
    size_t i;

    if (!p->has_bound)
        return false;
    found = set_find(p, set, &i);
    return (found && found->is_anonymous) || (chain_find(p, chain, &i) && p->chains[i].is_bound);
}

static int parse_rule(struct parser *p, const struct attrs *a) {
    struct chain *c;
    struct rule rule = { 0 }, *slot;
    size_t i;
    int r;

    c = chain_find(p, attr_text(a->by_type[NFTA_RULE_CHAIN]), &i);
    if (!c)
        return -EBADMSG;
    r = rule_parse(a, p->arena, &rule);
    for (size_t n = 0; r == 0 && n < rule.n_stmts; n++)
        if (stmt_is_bound(p, &rule.stmts[n]))
            r = rule_make_foreign(a, p->arena, &rule);
    if (r < 0)
        return r;
    slot = ARENA_APPEND(p->arena, c->rules, c->n_rules);
    if (!slot)
        return -ENOMEM;
    *slot = rule;
    return 0;
}

/* Flags that a set of ours never has, in nft's words. NFT_SET_EXPR is newer than some headers. */
static const struct {
    uint32_t flag;
    const char *text;
} set_flags[] = {
    { NFT_SET_EVAL, "a dynamic set" },
    { NFT_SET_OBJECT, "a map of objects" },
    { NFT_SET_CONCAT, "a set of concatenated ranges" },
    { NFT_SET_EXPR, "a set with counters or other expressions" },
    { NFT_SET_CONSTANT, "a constant set" },
};

static const struct {
    int attr;
    const char *text;
} set_extras[] = {
    { NFTA_SET_POLICY, "a set with a policy" },
    { NFTA_SET_TIMEOUT, "a set with a timeout" },
    { NFTA_SET_GC_INTERVAL, "a set with a gc-interval" },
    { NFTA_SET_OBJ_TYPE, "a map of objects" },
    { NFTA_SET_EXPR, "a set with counters or other expressions" },
    { NFTA_SET_EXPRESSIONS, "a set with counters or other expressions" },
};

/* The kernel writes an empty description even if it was given none. */
static const char *set_desc_foreign(const struct nlattr *a) {
    struct attrs desc;

    if (!attrs_of_nest(a, &desc))
        return NULL;
    if (desc.by_type[NFTA_SET_DESC_SIZE])
        return "a set with a size";
    return desc.by_type[NFTA_SET_DESC_CONCAT] ? "a set of concatenated ranges" : NULL;
}

static bool set_type_parse(const struct attrs *a, enum set_type *ret) {
    uint32_t type = attr_u32_or(a->by_type[NFTA_SET_KEY_TYPE], 0);
    uint32_t size = attr_u32_or(a->by_type[NFTA_SET_KEY_LEN], 0);

    for (unsigned i = 0; i < SET_TYPE_MAX; i++)
        if (set_key((enum set_type)i)->type == type && set_key((enum set_type)i)->size == size) {
            *ret = (enum set_type)i;
            return true;
        }
    return false;
}

/* "": not foreign. Fills in the set's type. */
static const char *set_foreign(struct parser *p, const struct attrs *a, uint32_t flags,
                               struct set *s) {
    const char *desc = set_desc_foreign(a->by_type[NFTA_SET_DESC]);

    if (s->is_anonymous)
        return "an anonymous set";
    for (size_t i = 0; i < ARRAY_SIZE(set_flags); i++)
        if (flags & set_flags[i].flag)
            return set_flags[i].text;
    if (flags & ~(uint32_t)(NFT_SET_INTERVAL | NFT_SET_MAP | NFT_SET_TIMEOUT))
        return arena_printf(p->arena, "a set with flags 0x%x", flags);
    for (size_t i = 0; i < ARRAY_SIZE(set_extras); i++)
        if (a->by_type[set_extras[i].attr])
            return set_extras[i].text;
    if (desc)
        return desc;
    if (!set_type_parse(a, &s->type))
        return arena_printf(p->arena, "a set of type %u",
                            attr_u32_or(a->by_type[NFTA_SET_KEY_TYPE], 0));
    if (s->is_map && attr_u32_or(a->by_type[NFTA_SET_DATA_TYPE], 0) != NFT_DATA_VERDICT)
        return "a map of something else than verdicts";
    if (set_type_is_granted(s->type) != ((flags & NFT_SET_TIMEOUT) != 0))
        return flags & NFT_SET_TIMEOUT ? "a set with timeouts" : "a set without timeouts";
    return s->is_interval && !set_type_has_addresses(s->type) ? "a set of ranges of ports" : "";
}

static int parse_set(struct parser *p, const struct attrs *a) {
    struct ruleset *r = p->ruleset;
    struct set s = { .handle = attr_u64_or(a->by_type[NFTA_SET_HANDLE], 0) }, *slot;
    uint32_t flags = attr_u32_or(a->by_type[NFTA_SET_FLAGS], 0);
    struct set_state *state;
    int e;

    e = name_parse(p, a->by_type[NFTA_SET_NAME], &s.name);
    if (e < 0)
        return e;
    s.is_interval = flags & NFT_SET_INTERVAL;
    s.is_map = flags & NFT_SET_MAP;
    s.is_anonymous = flags & NFT_SET_ANONYMOUS;
    e = foreign_set(set_foreign(p, a, flags, &s), &s.foreign);
    if (e < 0)
        return e;

    slot = ARENA_APPEND(p->arena, r->sets, r->n_sets);
    state = slot ? ARENA_APPEND(p->arena, p->sets, p->n_set_states) : NULL;
    if (!state)
        return -ENOMEM;
    *slot = s;
    p->has_bound |= s.is_anonymous;
    return 0;
}

static int parse_element(struct parser *p, const struct nlattr *attr, struct set *s,
                         struct set_state *state) {
    struct element_point point, *slot;
    const char *foreign;
    int r;

    r = element_parse(attr, s, p->arena, &point, &foreign);
    if (r < 0)
        return r;
    if (set_type_is_granted(s->type) && point.element.until_msec != ELEMENT_FOR_EVER)
        point.element.until_msec += p->ruleset->read_msec;
    if (r == ELEMENT_E_FOREIGN) {
        s->foreign = foreign;
        return 0;
    }
    slot = ARENA_APPEND(p->arena, state->points, state->n_points);
    if (!slot)
        return -ENOMEM;
    *slot = point;
    return 0;
}

static int parse_elements(struct parser *p, const struct attrs *a) {
    const struct nlattr *list = a->by_type[NFTA_SET_ELEM_LIST_ELEMENTS], *attr;
    struct set *s;
    size_t i;
    int r;

    s = set_find(p, attr_text(a->by_type[NFTA_SET_ELEM_LIST_SET]), &i);
    if (!s)
        return -EBADMSG;
    if (!list)
        return 0;
    if (!attr_list_is_whole(list))
        return -EBADMSG;
    mnl_attr_for_each_nested(attr, list) {
        if (s->foreign)
            return 0;
        r = parse_element(p, attr, s, &p->sets[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

/* NFT_OBJECT_* in nft's words. */
static const char *const object_names[] = {
    [NFT_OBJECT_QUOTA] = "quota",       [NFT_OBJECT_CT_HELPER] = "ct helper",
    [NFT_OBJECT_LIMIT] = "limit",       [NFT_OBJECT_CONNLIMIT] = "ct count",
    [NFT_OBJECT_TUNNEL] = "tunnel",     [NFT_OBJECT_CT_TIMEOUT] = "ct timeout",
    [NFT_OBJECT_SECMARK] = "secmark",   [NFT_OBJECT_CT_EXPECT] = "ct expectation",
    [NFT_OBJECT_SYNPROXY] = "synproxy",
};

static const char *object_foreign(struct parser *p, uint32_t type) {
    if (type == NFT_OBJECT_COUNTER)
        return "";
    if (type < ARRAY_SIZE(object_names) && object_names[type])
        return object_names[type];
    return arena_printf(p->arena, "object of type %u", type);
}

static int counter_append(struct parser *p, const struct counter *c) {
    struct ruleset *r = p->ruleset;
    struct counter *slot = ARENA_APPEND(p->arena, r->counters, r->n_counters);

    if (!slot)
        return -ENOMEM;
    *slot = *c;
    return 0;
}

static int parse_object(struct parser *p, const struct attrs *a) {
    struct counter c = { .handle = attr_u64_or(a->by_type[NFTA_OBJ_HANDLE], 0) };
    struct attrs data;
    uint32_t type;
    int r;

    r = name_parse(p, a->by_type[NFTA_OBJ_NAME], &c.name);
    if (r < 0)
        return r;
    if (!attr_u32(a->by_type[NFTA_OBJ_TYPE], &type) || type == NFT_OBJECT_UNSPEC)
        return -EBADMSG;
    r = foreign_set(object_foreign(p, type), &c.foreign);
    if (r < 0)
        return r;
    if (c.foreign) {
        c.foreign_type = type;
    } else if (attrs_of_nest(a->by_type[NFTA_OBJ_DATA], &data)) {
        c.packets = attr_u64_or(data.by_type[NFTA_COUNTER_PACKETS], 0);
        c.bytes = attr_u64_or(data.by_type[NFTA_COUNTER_BYTES], 0);
    }
    return counter_append(p, &c);
}

static int parse_flowtable(struct parser *p, const struct attrs *a) {
    struct counter c = { .handle = attr_u64_or(a->by_type[NFTA_FLOWTABLE_HANDLE], 0),
                         .foreign = "flowtable" };
    int r;

    r = name_parse(p, a->by_type[NFTA_FLOWTABLE_NAME], &c.name);
    return r < 0 ? r : counter_append(p, &c);
}

static int (*const parsers[NFT_MSG_MAX])(struct parser *, const struct attrs *) = {
    [NFT_MSG_NEWTABLE] = parse_table,         [NFT_MSG_NEWCHAIN] = parse_chain,
    [NFT_MSG_NEWRULE] = parse_rule,           [NFT_MSG_NEWSET] = parse_set,
    [NFT_MSG_NEWSETELEM] = parse_elements,    [NFT_MSG_NEWOBJ] = parse_object,
    [NFT_MSG_NEWFLOWTABLE] = parse_flowtable,
};

int parser_feed(struct parser *p, const struct nlmsghdr *nlh) {
    unsigned type = nlh->nlmsg_type & 0xff;
    const struct nfgenmsg *nfg;
    const char *table;
    struct attrs attrs;

    if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || type >= NFT_MSG_MAX || !parsers[type])
        return 0;
    if (!attrs_of_message(nlh, &attrs))
        return -EBADMSG;
    nfg = mnl_nlmsg_get_payload(nlh);
    table = attr_text(attrs.by_type[NFTA_TABLE_NAME]); /* one number in all kinds, see emit.c */
    if (nfg->nfgen_family != NFPROTO_INET || !table || strcmp(table, p->table) != 0)
        return 0;
    return parsers[type](p, &attrs);
}

static int sets_finish(struct parser *p) {
    for (size_t i = 0; i < p->ruleset->n_sets; i++) {
        struct set *s = &p->ruleset->sets[i];
        int r;

        if (s->foreign)
            continue;
        r = elements_join(s, p->arena, p->sets[i].points, p->sets[i].n_points);
        if (r < 0)
            return r;
        if (r == ELEMENT_E_FOREIGN) {
            s->foreign = "an interval without beginning or end";
            s->n_elements = 0;
        }
    }
    return 0;
}

static void chains_finish(struct parser *p) {
    struct ruleset *r = p->ruleset;
    size_t kept = 0;

    for (size_t i = 0; i < r->n_chains; i++)
        if (!p->chains[i].is_bound)
            r->chains[kept++] = r->chains[i];
    r->n_chains = kept;
}

int parser_finish(struct parser *p, struct ruleset **ret) {
    int r;

    r = sets_finish(p);
    if (r < 0)
        return r;
    chains_finish(p);
    r = ruleset_index(p->ruleset);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p->ruleset);
    return 0;
}
