/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/rulejson.h"

#include "base/quote.h"
#include "engine/jsonlist.h"
#include "engine/text.h"

static const char *const op_names[] = {
    [PLAN_TABLE_DELETE] = "delete-table",
    [PLAN_TABLE_ADD] = "add-table",
    [PLAN_TABLE_CLAIM] = "claim-table",
    [PLAN_TABLE_FLAGS] = "wake-table",
    [PLAN_CHAIN_FLUSH] = "flush-chain",
    [PLAN_RULE_DELETE] = "delete-rule",
    [PLAN_ELEMENTS_DELETE] = "delete-elements",
    [PLAN_SET_DELETE] = "delete-set",
    [PLAN_CHAIN_DELETE] = "delete-chain",
    [PLAN_COUNTER_DELETE] = "delete-object",
    [PLAN_CHAIN_ADD] = "add-chain",
    [PLAN_CHAIN_POLICY] = "set-policy",
    [PLAN_COUNTER_ADD] = "add-counter",
    [PLAN_SET_ADD] = "add-set",
    [PLAN_ELEMENTS_ADD] = "add-elements",
    [PLAN_RULE_ADD] = "add-rule",
};
static_assert(ARRAY_SIZE(op_names) == PLAN_OP_MAX, "a plan operation has no name");

/* Text that somebody else may have put into the kernel, safe for JSON; takes `text`. */
static json_t *safe_string(const char *text) {
    _cleanup_(freep) char *safe = text ? text_escape(text) : NULL;

    return safe ? json_string(safe) : NULL;
}

static int set_text(json_t *o, const char *key, const char *text) {
    return text ? json_object_set_new(o, key, safe_string(text)) : 0;
}

static json_t *counter_item(const void *owner, size_t i) {
    const struct counter *c = &((const struct ruleset *)owner)->counters[i];
    json_t *o = json_pack("{s:o}", "name", safe_string(c->name));

    return json_whole(o, o ? set_text(o, "foreign", c->foreign) : 0);
}

static json_t *element_item(const void *owner, size_t i) {
    const struct set *s = owner;
    _cleanup_(freep) char *text = element_text(&s->elements[i], s);

    return text ? safe_string(text) : NULL;
}

static json_t *set_item(const void *owner, size_t i) {
    const struct set *s = &((const struct ruleset *)owner)->sets[i];
    json_t *o = json_pack("{s:o, s:s, s:b, s:b, s:o}", "name", safe_string(s->name), "type",
                          set_type_name(s->type), "interval", s->is_interval, "map", s->is_map,
                          "elements", json_list(s, s->foreign ? 0 : s->n_elements, element_item));

    return json_whole(o, o ? set_text(o, "foreign", s->foreign) : 0);
}

static json_t *rule_item(const void *owner, size_t i) {
    const struct rule *r = &((const struct chain *)owner)->rules[i];
    _cleanup_(freep) char *text = rule_text(r);
    json_t *o = text ? json_pack("{s:o}", "text", safe_string(text)) : NULL;
    int e = 0;

    if (o)
        e = set_text(o, "comment", r->comment);
    if (o && e == 0)
        e = set_text(o, "foreign", r->foreign);
    return json_whole(o, e);
}

static int set_base(json_t *o, const struct chain *c) {
    int r = json_object_set_new(o, "hook", json_string(hook_name(c->hook)));

    if (r == 0)
        r = json_object_set_new(o, "priority", json_integer(c->priority));
    if (r == 0)
        r = json_object_set_new(o, "policy",
                                json_string(c->policy == CHAIN_ACCEPT ? "accept" : "drop"));
    return r;
}

static json_t *chain_item(const void *owner, size_t i) {
    const struct chain *c = &((const struct ruleset *)owner)->chains[i];
    json_t *o = json_pack("{s:o, s:o}", "name", safe_string(c->name), "rules",
                          json_list(c, c->n_rules, rule_item));
    int r = 0;

    if (o && c->is_base && !c->foreign)
        r = set_base(o, c);
    if (o && r == 0)
        r = set_text(o, "foreign", c->foreign);
    return json_whole(o, r);
}

json_t *ruleset_json(const struct ruleset *r) {
    return json_pack(
        "{s:s, s:b, s:b, s:o, s:o, s:o}", "table", PORTD_TABLE, "exists", r->exists, "dormant",
        (r->flags & TABLE_DORMANT) != 0, "counters", json_list(r, r->n_counters, counter_item),
        "sets", json_list(r, r->n_sets, set_item), "chains", json_list(r, r->n_chains, chain_item));
}

struct changes {
    const struct plan *plan;
    char **lines;
};

static json_t *change_item(const void *owner, size_t i) {
    const struct changes *c = owner;
    const struct plan_op *op = &c->plan->ops[i];
    json_t *o = json_pack("{s:s, s:s}", "operation", op_names[op->type], "text", c->lines[i]);

    return json_whole(o, o ? set_text(o, "subject", plan_op_subject(op)) : 0);
}

json_t *plan_json(const struct plan *p) {
    size_t n = 0;
    _cleanup_(lines_freep) char **lines = plan_lines(p, false, &n);

    return lines ? json_list(&(struct changes){ p, lines }, n, change_item) : NULL;
}
