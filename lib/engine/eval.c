/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel does with a packet, done with the value that the kernel got: the statements are
 * walked as nf_tables walks its expressions, so that the compiler can be wrong about neither
 * without a test that compares this with real packets seeing it. */
#include "engine/eval.h"

/* NF_TABLES allows 16 nested jumps (NFT_JUMP_STACK_SIZE of net/netfilter/nf_tables.h). */
#define JUMP_DEPTH_MAX 16

struct walk {
    const struct ruleset *rules;
    const struct packet *packet;
    struct decision decision;
};

enum step {
    STEP_NEXT_RULE, /* a match failed */
    STEP_CONTINUE,  /* matched: on to the next statement */
    STEP_DECIDED,
    STEP_RETURN, /* back to the calling chain */
};

static enum step walk_chain(struct walk *w, const struct chain *c, unsigned depth);

static enum step step_if(bool matches) {
    return matches ? STEP_CONTINUE : STEP_NEXT_RULE;
}

static enum step decide(struct walk *w, const struct rule *rule, bool accepted, bool rejected) {
    w->decision.accepted = accepted;
    w->decision.rejected = rejected;
    w->decision.rule = rule;
    if (rule->comment)
        w->decision.match = rule;
    return STEP_DECIDED;
}

static enum step follow(struct walk *w, const struct rule *rule, enum verdict v, const char *name,
                        unsigned depth) {
    const struct chain *c;
    enum step step;

    switch (v) {
    case VERDICT_ACCEPT:
    case VERDICT_DROP:
        return decide(w, rule, v == VERDICT_ACCEPT, false);
    case VERDICT_RETURN:
        return STEP_RETURN;
    case VERDICT_GOTO:
    case VERDICT_JUMP:
        break;
    case VERDICT_MAX:
        return STEP_NEXT_RULE;
    }
    c = ruleset_chain(w->rules, name);
    if (!c || depth >= JUMP_DEPTH_MAX)
        return STEP_NEXT_RULE;
    if (rule->comment)
        w->decision.match = rule;
    step = walk_chain(w, c, depth + 1);
    if (step == STEP_DECIDED)
        return step;
    return v == VERDICT_GOTO ? STEP_RETURN : STEP_NEXT_RULE;
}

static bool set_contains(const struct set *s, const struct address *a) {
    size_t lo = 0, hi = s ? s->n_elements : 0;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (address_compare(a, &s->elements[mid].range.lo) < 0)
            hi = mid;
        else if (address_compare(a, &s->elements[mid].range.hi) > 0)
            lo = mid + 1;
        else
            return true;
    }
    return false;
}

static const struct element *map_find(const struct set *s, uint8_t protocol, uint16_t port) {
    const struct element key = { .service = { protocol, port } };
    size_t lo = 0, hi = s ? s->n_elements : 0;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = element_compare_key(&key, &s->elements[mid], SET_SERVICE);

        if (order == 0)
            return &s->elements[mid];
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

static uint16_t packet_port(const struct packet *p, enum side side) {
    return side == SIDE_SOURCE ? p->source_port : p->destination_port;
}

static bool address_matches(const struct walk *w, const struct stmt *s) {
    const struct packet *p = w->packet;

    return p->family == s->address.family &&
           set_contains(ruleset_set(w->rules, s->address.set),
                        s->address.side == SIDE_SOURCE ? &p->source : &p->destination);
}

/* Whoever is in it is granted: to take those out whose time is over is the kernel's affair. */
static bool granted_matches(const struct walk *w, const struct stmt *s) {
    const struct set *set = ruleset_set(w->rules, s->granted.set);
    const struct packet *p = w->packet;
    const struct address *a = s->granted.address == SIDE_SOURCE ? &p->source : &p->destination;
    const struct element key = { .service = { p->protocol, packet_port(p, s->granted.port) },
                                 .range = { *a, *a } };

    if (!set || p->family != s->granted.family || !protocol_has_ports(p->protocol))
        return false;
    for (size_t i = 0; i < set->n_elements; i++)
        if (element_compare_key(&key, &set->elements[i], set->type) == 0)
            return true;
    return false;
}

static bool port_matches(const struct packet *p, const struct stmt *s) {
    uint16_t port = packet_port(p, s->port.side);

    return p->protocol == s->port.protocol && port >= s->port.lo && port <= s->port.hi;
}

/* ICMP counts only in IPv4 and ICMPv6 only in IPv6, as nft's own rules have it. */
static bool icmp_matches(const struct packet *p, const struct stmt *s) {
    enum family family = s->icmp.protocol == PROTOCOL_ICMP ? FAMILY_IPV4 : FAMILY_IPV6;

    return p->family == family && p->protocol == s->icmp.protocol && p->icmp_type == s->icmp.type;
}

static enum step look_up(struct walk *w, const struct rule *rule, const struct stmt *s,
                         unsigned depth) {
    const struct packet *p = w->packet;
    const struct element *e;

    if (!protocol_has_ports(p->protocol))
        return STEP_NEXT_RULE;
    e = map_find(ruleset_set(w->rules, s->vmap.map), p->protocol, packet_port(p, s->vmap.side));
    return e ? follow(w, rule, e->verdict, e->chain, depth) : STEP_NEXT_RULE;
}

static bool is_tracked(const struct packet *p) {
    return p->ct_state != CT_STATE_UNTRACKED && p->ct_state != CT_STATE_INVALID;
}

static enum step look_up_original(struct walk *w, const struct rule *rule, const struct stmt *s,
                                  unsigned depth) {
    const struct element *e = NULL;

    if (is_tracked(w->packet))
        e = map_find(ruleset_set(w->rules, s->ct_vmap), 0, w->packet->original_port);
    return e ? follow(w, rule, e->verdict, e->chain, depth) : STEP_NEXT_RULE;
}

static enum step walk_stmt(struct walk *w, const struct rule *rule, const struct stmt *s,
                           unsigned depth) {
    const struct packet *p = w->packet;

    switch (s->type) {
    case STMT_IIF:
        return step_if(p->direction == DIRECTION_IN && p->is_loopback && s->ifindex == 1);
    case STMT_OIF:
        return step_if(p->direction == DIRECTION_OUT && p->is_loopback && s->ifindex == 1);
    case STMT_CT_STATE:
        return step_if(p->ct_state & s->ct_state);
    case STMT_CT_DIRECTION:
        return step_if(is_tracked(p) && p->ct_direction == s->ct_direction);
    case STMT_CT_STATUS:
        return step_if(is_tracked(p) && p->ct_status & s->ct_status);
    case STMT_CT_PORT:
        return step_if(is_tracked(p) && p->original_port >= s->ct_port.lo &&
                       p->original_port <= s->ct_port.hi);
    case STMT_CT_VMAP:
        return look_up_original(w, rule, s, depth);
    case STMT_L4PROTO:
        return step_if(p->protocol == s->protocol);
    case STMT_ICMP_TYPE:
        return step_if(icmp_matches(p, s));
    case STMT_PORT:
        return step_if(port_matches(p, s));
    case STMT_ADDRESS:
        return step_if(address_matches(w, s));
    case STMT_FIB_TYPE:
        return step_if(p->destination_type == s->fib_type);
    case STMT_TCP_FLAGS:
        return step_if(p->protocol == PROTOCOL_TCP &&
                       (p->tcp_flags & s->tcp_flags.mask) == s->tcp_flags.value);
    case STMT_VMAP:
        return look_up(w, rule, s, depth);
    case STMT_GRANTED:
        return step_if(granted_matches(w, s));
    case STMT_COUNTER:
    case STMT_LIMIT:
    case STMT_LOG:
        return STEP_CONTINUE;
    case STMT_REJECT:
        return decide(w, rule, false, true);
    case STMT_VERDICT:
        return follow(w, rule, s->verdict.verdict, s->verdict.chain, depth);
    case STMT_TYPE_MAX:
        break;
    }
    return STEP_NEXT_RULE;
}

static enum step walk_rule(struct walk *w, const struct rule *rule, unsigned depth) {
    if (rule->foreign)
        return STEP_NEXT_RULE;
    for (size_t i = 0; i < rule->n_stmts; i++) {
        enum step step = walk_stmt(w, rule, &rule->stmts[i], depth);

        if (step != STEP_CONTINUE)
            return step;
    }
    return STEP_NEXT_RULE;
}

static enum step walk_chain(struct walk *w, const struct chain *c, unsigned depth) {
    for (size_t i = 0; i < c->n_rules; i++) {
        enum step step = walk_rule(w, &c->rules[i], depth);

        if (step != STEP_NEXT_RULE)
            return step;
    }
    return STEP_RETURN;
}

static const struct chain *base_chain(const struct ruleset *rules, uint32_t hook) {
    for (size_t i = 0; i < rules->n_chains; i++)
        if (rules->chains[i].is_base && !rules->chains[i].foreign && rules->chains[i].hook == hook)
            return &rules->chains[i];
    return NULL;
}

static uint32_t hook_of(const struct packet *p) {
    if (p->is_forwarded)
        return HOOK_FORWARD;
    return p->direction == DIRECTION_IN ? HOOK_INPUT : HOOK_OUTPUT;
}

struct decision ruleset_eval(const struct ruleset *rules, const struct packet *packet) {
    struct walk w = { .rules = rules, .packet = packet, .decision.accepted = true };
    const struct chain *c;

    if (!rules->exists || rules->flags & TABLE_DORMANT)
        return w.decision;
    c = base_chain(rules, hook_of(packet));
    if (c && walk_chain(&w, c, 0) != STEP_DECIDED)
        w.decision.accepted = c->policy == CHAIN_ACCEPT;
    return w.decision;
}
