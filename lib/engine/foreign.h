/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_FOREIGN_H
#define PORTD_ENGINE_FOREIGN_H

#include "base/arena.h"
#include "engine/ruleset.h"

/* What others have put between the network and us: their nf_tables objects, read for what they do
 * to a packet. Unlike a struct ruleset this can't be written back. What can't be read stays as a
 * condition that may hold or not (FIELD_UNREAD), so that nothing is ever taken for less than it
 * may be. */

/* What a condition looks at. Values are in network order in the first bytes of a struct address,
 * numbers that the kernel keeps in host order (CT_STATE, CT_STATUS, IIF, OIF, DESTINATION_TYPE) in
 * that. */
enum foreign_field {
    FIELD_UNREAD,
    FIELD_FAMILY,   /* NFPROTO_*, one byte */
    FIELD_PROTOCOL, /* one byte */
    FIELD_SOURCE,
    FIELD_DESTINATION,
    FIELD_SOURCE_PORT,
    FIELD_DESTINATION_PORT,
    FIELD_ICMP_TYPE,
    FIELD_IIF,
    FIELD_OIF,
    FIELD_IIFNAME,
    FIELD_OIFNAME,
    FIELD_CT_STATE,
    FIELD_CT_STATUS,
    FIELD_CT_DIRECTION,
    FIELD_DESTINATION_TYPE,
    FIELD_MAX,
};

enum foreign_action {
    ACTION_NONE,
    ACTION_ACCEPT,
    ACTION_DROP,
    ACTION_REJECT,
    ACTION_JUMP,
    ACTION_GOTO,
    ACTION_RETURN,
    ACTION_QUEUE, /* a program decides */
    ACTION_SNAT,
    ACTION_MASQUERADE,
    ACTION_DNAT,
    ACTION_REDIRECT,
    ACTION_TPROXY,
    ACTION_MAP,    /* a map of verdicts */
    ACTION_UNREAD, /* something ends here, and portd doesn't know how */
    ACTION_MAX,
};

/* What a rule does besides. */
enum {
    EFFECT_NOTRACK = 1 << 0,
    EFFECT_REWRITE = 1 << 1, /* of addresses or ports, by hand */
    EFFECT_OFFLOAD = 1 << 2, /* into a flow table */
};

struct foreign_element {
    struct range key;
    enum foreign_action action; /* maps: ACCEPT, DROP, JUMP, GOTO, RETURN, QUEUE, else UNREAD */
    const char *chain_name;
    const struct foreign_chain *chain;
};

struct foreign_set {
    const char *name;
    uint32_t key_size; /* bytes */
    bool is_interval;
    bool is_map;
    bool is_wanted; /* a rule looks something up in it that can be read */
    bool is_whole;  /* the elements are all there */
    bool is_sorted; /* and disjoint */
    struct foreign_element *elements;
    size_t n_elements;
};

/* True of a packet whose field is in the range, is in the set, or (CT_STATE and CT_STATUS
 * alone) has one of the bits of a mask. */
struct foreign_match {
    enum foreign_field field;
    enum family family; /* of addresses */
    bool is_negated;
    uint32_t mask; /* 0: none */
    struct range range;
    const struct foreign_set *set; /* NULL: none */
};

struct foreign_rule {
    uint64_t handle;
    struct foreign_match *matches; /* of a MAP the last is the look-up, which always "holds" */
    size_t n_matches;
    unsigned effects;
    enum foreign_action action;
    const char *chain_name; /* JUMP and GOTO */
    const struct foreign_chain *chain;
};

/* The way of a packet past the base chains, in order. */
enum foreign_hook {
    FOREIGN_INGRESS,
    FOREIGN_PREROUTING,
    FOREIGN_INPUT,
    FOREIGN_FORWARD,
    FOREIGN_OUTPUT,
    FOREIGN_POSTROUTING,
    FOREIGN_EGRESS,
    FOREIGN_HOOK_MAX,
};
const char *foreign_hook_name(enum foreign_hook h);

struct foreign_chain {
    const char *name;
    uint64_t handle;
    bool is_base;
    bool is_nat; /* of type nat: sees the first packet of a connection alone */
    enum foreign_hook hook;
    int32_t priority;
    enum chain_policy policy;
    struct foreign_rule *rules;
    size_t n_rules;
    const struct foreign_table *table;
    size_t index; /* among all chains */
};

enum foreign_family { FOREIGN_INET, FOREIGN_IP, FOREIGN_IP6, FOREIGN_NETDEV, FOREIGN_FAMILY_MAX };
const char *foreign_family_name(enum foreign_family f); /* as nft says it */

struct foreign_table {
    enum foreign_family family;
    const char *name;
    bool is_dormant;
    uint32_t owner; /* the netlink port id of the socket that alone may write to it; 0: anybody */
    struct foreign_chain **chains;
    struct foreign_set **sets;
    size_t n_chains, n_sets;
    size_t n_unread; /* rules with something that portd can't read */
};

/* A table of the older iptables, of which only the name can be told. */
struct foreign_legacy {
    enum family family;
    const char *name;
};

struct foreign {
    struct arena *arena;
    struct foreign_table **tables;
    size_t n_tables, n_chains, n_rules;
    bool is_cut; /* there is more than portd looks at */
    struct foreign_legacy *legacy;
    size_t n_legacy;
    bool legacy_unknown; /* they can't be listed */
};

struct foreign *foreign_new(void);
struct foreign *foreign_free(struct foreign *f);
DEFINE_CLEANUP(struct foreign *, foreign_free);

struct foreign_table *foreign_table(const struct foreign *f, enum foreign_family family,
                                    const char *name);
struct foreign_chain *foreign_chain(const struct foreign_table *t, const char *name);
struct foreign_set *foreign_set(const struct foreign_table *t, const char *name);

/* Once all is added: rules and elements find their chains, elements are sorted. */
void foreign_link(struct foreign *f);

#endif
