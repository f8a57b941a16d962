/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of the policy in audit mode, within a direction that is enforced: what their chains don't
 * accept is recorded as the deny chain of an audited direction does it, and passes. Its answers
 * pass, too: enforced, there would be none. */
#include "engine/compile.h"

#include "engine/granted.h"

#include <stdio.h>

bool compile_flow_is_audited(const struct compiler *c, const struct intent_flow *f,
                             enum direction d) {
    return c->intent->modes[d] == MODE_ENFORCE && f->audit[d];
}

bool compile_class_is_audited(const struct compiler *c, const struct port_class *class,
                              enum direction d) {
    for (size_t i = 0; i < class->n_flows; i++)
        if (compile_flow_is_audited(c, class->flows[i], d))
            return true;
    return false;
}

bool compile_answers_pass(const struct compiler *c, const struct port_class *class,
                          enum direction d) {
    return compile_class_is_any(class, d) || compile_class_is_audited(c, class, d);
}

static const char *audit_chain_name(enum direction d) {
    return d == DIRECTION_IN ? "audit_in" : "audit_out";
}

static const char *would_chain_name(enum direction d) {
    return d == DIRECTION_IN ? "would_deny_in" : "would_deny_out";
}

void compile_class_end(struct compiler *c, const struct port_class *class, enum direction d,
                       const char *deny) {
    compile_goto(c, NULL, compile_class_is_audited(c, class, d) ? audit_chain_name(d) : deny);
}

/* Whether all types of the protocol are meant: IGMP has none in services. */
static bool is_whole(const struct service *s) {
    return s->protocol == PROTOCOL_IGMP || service_width(s) == 256;
}

static void type_rule(struct compiler *c, const struct intent_flow *f, const struct stmt *matches,
                      size_t n, const char *chain) {
    build_rule(&c->build, f->id);
    for (size_t i = 0; i < n; i++)
        build_stmt(&c->build, matches[i]);
    build_verdict(&c->build, chain ? VERDICT_GOTO : VERDICT_ACCEPT, chain);
}

void compile_audit_types(struct compiler *c, const struct intent_flow *f, const struct service *s,
                         enum direction d) {
    struct stmt match = { .type = STMT_ICMP_TYPE, .icmp = { .protocol = s->protocol } };
    uint32_t last = is_whole(s) ? s->lo : s->hi;

    for (uint32_t type = s->lo; type <= last; type++) {
        match.icmp.type = (uint8_t)type;
        type_rule(c, f, &match, !is_whole(s), audit_chain_name(d));
    }
}

void compile_audit_echo(struct compiler *c, const struct intent_flow *f, uint8_t protocol,
                        uint8_t reply) {
    const struct stmt matches[] = {
        { .type = STMT_CT_DIRECTION, .ct_direction = CT_REPLY },
        { .type = STMT_ICMP_TYPE, .icmp = { protocol, reply } },
    };

    type_rule(c, f, matches, ARRAY_SIZE(matches), NULL);
}

static bool is_needed(const struct compiler *c, enum direction d) {
    for (size_t i = 0; i < c->intent->n_flows; i++)
        if (compile_flow_is_audited(c, &c->intent->flows[i], d))
            return true;
    return false;
}

/* Whoever is granted it would not be denied. */
void compile_audit_chains(struct compiler *c, enum direction d, enum side other) {
    char counter[NAME_MAX_LENGTH];

    if (!is_needed(c, d))
        return;
    granted_chain(c, d, audit_chain_name(d), would_chain_name(d), other);
    build_chain(&c->build, would_chain_name(d));
    snprintf(counter, sizeof(counter), "audit/%s", direction_name(d));
    compile_would(c, counter);
}
