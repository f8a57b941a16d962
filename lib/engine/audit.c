/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk of a probe through a base chain is that of the kernel, but for rules that hold for some
 * packets or for who knows which: there both ways are gone. What would have let the packets pass on
 * one of them makes every finding behind it uncertain. */
#include "engine/audit.h"

#include "engine/findings.h"
#include "engine/probe.h"

#include <errno.h>

#define DEPTH_MAX 16U               /* NFT_JUMP_STACK_SIZE of the kernel's nf_tables.h */
#define STEPS_MAX ((size_t)2000000) /* rules and elements looked at: a fraction of a second */

#define PRIORITY_CONNTRACK (-200) /* NF_IP_PRI_CONNTRACK of linux/netfilter_ipv4.h */

/* How a walk through a chain ended for all packets of the probe. */
enum end {
    END_FELL, /* behind the last rule, or returned */
    END_PASSED,
    END_DENIED,
};

struct walk {
    struct findings *out;
    const struct intent *intent;
    const struct foreign *foreign;
    const char *own_table;
    size_t n_steps;
    /* of one probe in one base chain */
    struct probe probe;
    const struct foreign_chain *base;
    bool is_unsure;  /* the probe may not have come here … */
    bool may_passed; /* … or have passed already */
};

static void found(struct walk *w, enum finding_code code, const struct foreign_chain *chain,
                  const struct foreign_rule *rule, enum foreign_action action, enum fit fit) {
    const struct finding_key key = {
        .code = code,
        .chain = chain,
        .base = w->base,
        .rule = rule,
        .action = action,
        .is_certain = code == FINDING_PUBLISHED || /* whoever it concerns, it is there */
                      (fit != FIT_UNKNOWN && !w->is_unsure && !w->may_passed),
    };

    w->n_steps += w->out->n_keys / 8; /* they are searched */
    findings_add(w->out, &key, &w->probe);
}

static void found_effects(struct walk *w, const struct foreign_chain *chain,
                          const struct foreign_rule *rule, enum fit fit) {
    if (rule->effects & EFFECT_NOTRACK)
        found(w, FINDING_UNTRACKED, chain, rule, rule->action, fit);
    if (rule->effects & EFFECT_REWRITE)
        found(w, FINDING_REDIRECTS, chain, rule, ACTION_NONE, fit);
}

static enum end walk_chain(struct walk *w, const struct foreign_chain *chain, unsigned depth);

/* Both ways are gone when the jump isn't for all. */
static enum end walk_jump(struct walk *w, const struct foreign_chain *to, enum fit fit,
                          unsigned depth) {
    bool was_unsure = w->is_unsure;
    enum end end;

    if (!to || depth >= DEPTH_MAX) {
        w->may_passed = true;
        return END_FELL;
    }
    w->is_unsure |= fit == FIT_UNKNOWN;
    end = walk_chain(w, to, depth + 1);
    w->is_unsure = was_unsure;
    if (fit == FIT_ALL)
        return end;
    w->may_passed |= fit == FIT_UNKNOWN && end == END_PASSED;
    return END_FELL;
}

static enum finding_code denial_or_detour(const struct walk *w, enum foreign_action action) {
    if (action == ACTION_DROP || action == ACTION_REJECT)
        return FINDING_DENIES;
    if (action == ACTION_QUEUE)
        return FINDING_QUEUES;
    if (action == ACTION_DNAT && w->base->hook == FOREIGN_PREROUTING)
        return FINDING_PUBLISHED;
    return FINDING_REDIRECTS;
}

/* An action on the packets that a condition lets through. *ret_stop: none are left behind it. */
static enum end walk_action(struct walk *w, const struct foreign_chain *chain,
                            const struct foreign_rule *rule, enum foreign_action action,
                            const struct foreign_chain *to, enum fit fit, unsigned depth,
                            bool *ret_stop) {
    enum end end = END_FELL;

    *ret_stop = fit == FIT_ALL;
    switch (action) {
    case ACTION_NONE:
    case ACTION_MAX:
    case ACTION_MAP:
        *ret_stop = false;
        break;
    case ACTION_JUMP:
        end = walk_jump(w, to, fit, depth);
        *ret_stop = end != END_FELL;
        break;
    case ACTION_GOTO:
        end = walk_jump(w, to, fit, depth);
        w->is_unsure |= fit == FIT_UNKNOWN;
        break;
    case ACTION_RETURN:
        w->is_unsure |= fit == FIT_UNKNOWN;
        break;
    case ACTION_ACCEPT:
    case ACTION_UNREAD:
        w->may_passed |= fit == FIT_UNKNOWN || action == ACTION_UNREAD;
        *ret_stop = *ret_stop && action == ACTION_ACCEPT;
        end = *ret_stop ? END_PASSED : END_FELL;
        break;
    case ACTION_DROP:
    case ACTION_REJECT:
    case ACTION_QUEUE:
    case ACTION_SNAT:
    case ACTION_MASQUERADE:
    case ACTION_DNAT:
    case ACTION_REDIRECT:
    case ACTION_TPROXY:
        found(w, denial_or_detour(w, action), chain, rule, action, fit);
        end = *ret_stop ? END_DENIED : END_FELL;
        break;
    }
    return end;
}

/* The first element that has the packets' key is the one; an element for all other keys is the
 * last. */
static enum end walk_map(struct walk *w, const struct foreign_chain *chain,
                         const struct foreign_rule *rule, enum fit fit, unsigned depth,
                         bool *ret_stop) {
    const struct foreign_match *by = &rule->matches[rule->n_matches - 1];
    enum end end = END_FELL;

    *ret_stop = false;
    if (!by->set || !by->set->is_whole) {
        w->may_passed = true;
        return END_FELL;
    }
    for (size_t i = 0; i < by->set->n_elements && !*ret_stop; i++) {
        const struct foreign_element *e = &by->set->elements[i];
        enum fit hit = probe_element(&w->probe, by, &e->key);

        w->n_steps++;
        if (hit == FIT_NONE)
            continue;
        if (fit == FIT_UNKNOWN || hit == FIT_ALL)
            hit = fit;
        end = walk_action(w, chain, rule, e->action, e->chain, hit, depth, ret_stop);
        if (hit == FIT_ALL)
            break;
    }
    return end;
}

static enum end walk_chain(struct walk *w, const struct foreign_chain *chain, unsigned depth) {
    bool was_unsure = w->is_unsure, is_over = false;
    enum end end = END_FELL;

    for (size_t i = 0; i < chain->n_rules && !is_over && w->n_steps < STEPS_MAX; i++) {
        const struct foreign_rule *r = &chain->rules[i];
        enum fit fit = probe_rule(&w->probe, r);

        w->n_steps++;
        if (fit == FIT_NONE)
            continue;
        found_effects(w, chain, r, fit);
        if (r->action == ACTION_MAP)
            end = walk_map(w, chain, r, fit, depth, &is_over);
        else
            end = walk_action(w, chain, r, r->action, r->chain, fit, depth, &is_over);
    }
    w->is_unsure = was_unsure;
    return is_over ? end : END_FELL;
}

static bool hook_is_met(const struct probe *p, const struct foreign_chain *c) {
    bool is_incoming =
        c->hook == FOREIGN_INGRESS || c->hook == FOREIGN_PREROUTING || c->hook == FOREIGN_INPUT;

    if (c->hook == FOREIGN_FORWARD || (c->is_nat && p->is_answer))
        return false;
    return is_incoming == probe_is_incoming(p);
}

static bool family_is_met(const struct probe *p, enum foreign_family f) {
    return f == FOREIGN_INET || f == FOREIGN_NETDEV ||
           f == (p->family == FAMILY_IPV4 ? FOREIGN_IP : FOREIGN_IP6);
}

static bool is_ours(const struct walk *w, const struct foreign_table *t) {
    return t->family == FOREIGN_INET && strcmp(t->name, w->own_table) == 0;
}

/* A chain of a device sees the packets of that device alone. */
static void walk_base(struct walk *w, const struct foreign_chain *c) {
    bool has_device = c->hook == FOREIGN_INGRESS || c->hook == FOREIGN_EGRESS;
    bool is_first = c->hook == FOREIGN_PREROUTING || c->hook == FOREIGN_OUTPUT;
    enum end end;

    w->base = c;
    w->probe.is_untracked =
        c->hook == FOREIGN_INGRESS || (is_first && c->priority <= PRIORITY_CONNTRACK);
    w->is_unsure = has_device;
    w->may_passed = false;
    end = walk_chain(w, c, 0);
    if (end == END_FELL && c->policy == CHAIN_DROP)
        found(w, FINDING_DENIES, c, NULL, ACTION_DROP, FIT_ALL);
}

static void walk_probe(const struct probe *p, void *userdata) {
    struct walk *w = userdata;

    w->probe = *p;
    for (size_t i = 0; i < w->foreign->n_tables; i++) {
        const struct foreign_table *t = w->foreign->tables[i];

        if (t->is_dormant || is_ours(w, t) || !family_is_met(p, t->family))
            continue;
        for (size_t j = 0; j < t->n_chains && w->n_steps < STEPS_MAX; j++)
            if (t->chains[j]->is_base && hook_is_met(p, t->chains[j]))
                walk_base(w, t->chains[j]);
    }
}

/* What is there whether it meets a flow of ours or not. */
static void look_at_rule(struct walk *w, const struct foreign_chain *c,
                         const struct foreign_rule *r) {
    struct finding_key key = {
        .chain = c, .base = w->base, .rule = r, .action = r->action, .is_certain = true
    };

    if (r->action == ACTION_DNAT && w->base->hook == FOREIGN_PREROUTING) {
        key.code = FINDING_PUBLISHED;
        findings_add(w->out, &key, NULL);
    }
    if (r->effects & EFFECT_OFFLOAD) {
        key.code = FINDING_FLOWTABLE;
        findings_add(w->out, &key, NULL);
    }
}

static void look_at_chain(struct walk *w, const struct foreign_chain *c, bool *seen) {
    if (!c || seen[c->index])
        return;
    seen[c->index] = true;
    for (size_t i = 0; i < c->n_rules; i++) {
        const struct foreign_rule *r = &c->rules[i];
        const struct foreign_set *map =
            r->action == ACTION_MAP ? r->matches[r->n_matches - 1].set : NULL;

        look_at_rule(w, c, r);
        look_at_chain(w, r->chain, seen);
        for (size_t j = 0; map && j < map->n_elements; j++)
            look_at_chain(w, map->elements[j].chain, seen);
    }
}

/* A chain that prerouting leads to is looked at as that, whatever else leads there. */
static void look_from(struct walk *w, const struct foreign_table *t, bool is_prerouting,
                      bool *seen) {
    for (size_t i = 0; i < t->n_chains; i++) {
        w->base = t->chains[i];
        if (w->base->is_base && (w->base->hook == FOREIGN_PREROUTING) == is_prerouting)
            look_at_chain(w, w->base, seen);
    }
}

static int look_at_table(struct walk *w, const struct foreign_table *t) {
    static const char name[] = PORTD_TABLE;
    struct finding_key key = { .code = t->owner ? FINDING_HOSTILE : FINDING_OTHER_PORTD,
                               .table = t,
                               .is_certain = true };
    bool *seen = arena_alloc(w->out->audit->arena, w->foreign->n_chains + 1);

    if (!seen)
        return -ENOMEM;
    if (is_ours(w, t) || t->is_dormant)
        return 0;
    if (t->family == FOREIGN_INET && strncmp(t->name, name, strlen(name)) == 0)
        findings_add(w->out, &key, NULL);
    look_from(w, t, true, seen);
    look_from(w, t, false, seen);
    return 0;
}

static int look_around(struct walk *w) {
    int r = 0;

    for (size_t i = 0; i < w->foreign->n_tables && r == 0; i++)
        r = look_at_table(w, w->foreign->tables[i]);
    for (size_t i = 0; i < w->foreign->n_legacy && r == 0; i++)
        findings_add(w->out,
                     &(struct finding_key){ .code = FINDING_LEGACY,
                                            .legacy = &w->foreign->legacy[i],
                                            .is_certain = true },
                     NULL);
    return r;
}

static void name_blind(struct walk *w) {
    const struct foreign *f = w->foreign;
    size_t n_unread = 0;

    for (size_t i = 0; i < f->n_tables; i++)
        if (!is_ours(w, f->tables[i]) && !f->tables[i]->is_dormant)
            n_unread += f->tables[i]->n_unread;
    if (n_unread)
        findings_blind(w->out,
                       "%zu %s of others %s conditions that portd can't read; where that matters a "
                       "finding is not certain",
                       n_unread, n_unread == 1 ? "rule" : "rules", n_unread == 1 ? "has" : "have");
    if (f->is_cut || w->n_steps >= STEPS_MAX || w->out->is_full)
        findings_blind(w->out, "there is too much to look at: not all rules of others were judged");
    if (f->legacy_unknown)
        findings_blind(w->out, "whether there are tables of the older iptables can't be told: look "
                               "with iptables-legacy-save and ip6tables-legacy-save");
}

int audit_run(const struct intent *in, const struct foreign *foreign, const char *own_table,
              struct audit **ret) {
    struct findings out = { 0 };
    struct walk w = { .out = &out, .intent = in, .foreign = foreign, .own_table = own_table };
    int r = findings_begin(&out, in);

    if (r < 0)
        return r;
    probes_each(in, walk_probe, &w);
    r = look_around(&w);
    name_blind(&w);
    return findings_end(&out, r, ret);
}
