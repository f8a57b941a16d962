/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intent -> ruleset. For each direction a hash of (protocol, port) leads to the one chain whose
 * rules compare the other end's address, so the cost of a packet doesn't grow with the number of
 * ports; a range too wide to be spelled out in the hash is a rule of its own.
 *
 * Only packets in reply direction pass as answers, and those meet the policy of the other
 * direction by source port and peer: an entry that somebody put into the connection table opens
 * nothing, and a revoked flow is cut both ways. Names are stable: a chain is called after the
 * first port of its class, so that one more flow elsewhere moves nothing here. */
#include "engine/compile.h"

#include "engine/granted.h"
#include "engine/published.h"

#include <errno.h>
#include <stdio.h>

#define LO_IFINDEX          1U
#define ICMP_ECHO_REQUEST   8 /* RFC 792 */
#define ICMP_ECHO_REPLY     0
#define ICMPV6_ECHO_REQUEST 128 /* RFC 4443 */
#define ICMPV6_ECHO_REPLY   129
#define TCP_SYN             2 /* RFC 9293 section 3.1 */
#define TCP_RST             4
#define TCP_ACK             16

/* The names and ends that differ between the two directions. */
struct side_words {
    const char *base, *deny, *answer, *service_map, *answer_map;
    const char *granted, *granted_answer;
    uint32_t hook;
    enum stmt_type interface;
    enum side other; /* which end of a packet the other host is */
};

static const struct side_words words[] = {
    [DIRECTION_IN] = { "input", "deny_in", "answer_in", "in_service", "in_answer", "granted_in",
                       "granted_answer_in", HOOK_INPUT, STMT_IIF, SIDE_SOURCE },
    [DIRECTION_OUT] = { "output", "deny_out", "answer_out", "out_service", "out_answer",
                        "granted_out", "granted_answer_out", HOOK_OUTPUT, STMT_OIF,
                        SIDE_DESTINATION },
};
static_assert(ARRAY_SIZE(words) == DIRECTION_MAX, "a direction has no words");

static const uint8_t portless[] = { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_IGMP };

static enum direction opposite(enum direction d) {
    return d == DIRECTION_IN ? DIRECTION_OUT : DIRECTION_IN;
}

static bool party_has(const struct party *p, enum family f, enum origin o) {
    return o == ORIGIN_DNS ? p->n_hostnames > 0 : p->ranges[f].n > 0;
}

static void dns_elements(struct compiler *c, const struct party *p, enum family f) {
    struct address *addresses = NULL;
    size_t n = 0;

    if (c->names &&
        resolved_gather(c->names, p->hostnames, p->n_hostnames, f, c->scratch, &addresses, &n) < 0)
        c->build.error = -ENOMEM;
    for (size_t i = 0; i < n; i++)
        build_element(&c->build, (struct element){ .range = { addresses[i], addresses[i] } });
}

const char *party_set_name(const struct party *p, enum origin o, enum family f,
                           char buf[static SET_NAME_MAX]) {
    snprintf(buf, SET_NAME_MAX, "%s_%s%s", p->name, o == ORIGIN_DNS ? "dns_" : "",
             f == FAMILY_IPV4 ? "4" : "6");
    return buf;
}

/* The set of a party's addresses, made at first use. */
static void party_set(struct compiler *c, const struct party *p, enum family f, enum origin o,
                      char ret[static NAME_MAX_LENGTH]) {
    struct build *b = &c->build;

    if (build_has_set(b, party_set_name(p, o, f, ret)))
        return;
    build_set(b, ret, f == FAMILY_IPV4 ? SET_IPV4 : SET_IPV6, false);
    if (o == ORIGIN_DNS)
        dns_elements(c, p, f);
    else
        for (size_t i = 0; i < p->ranges[f].n; i++)
            build_element(b, (struct element){ .range = p->ranges[f].items[i] });
}

/* What comes before the address and what after it in the rules of one flow. */
struct rule_shape {
    const struct stmt *before;
    size_t n_before;
    bool counts;
    enum side other;
};

static void rule_begin(struct compiler *c, const struct intent_flow *f,
                       const struct rule_shape *shape) {
    build_rule(&c->build, f->id);
    for (size_t i = 0; i < shape->n_before; i++)
        build_stmt(&c->build, shape->before[i]);
}

static void rule_end(struct compiler *c, const struct intent_flow *f, enum direction d,
                     const struct rule_shape *shape) {
    char counter[NAME_MAX_LENGTH];

    if (shape->counts) {
        snprintf(counter, sizeof(counter), "%s/%s", direction_name(d), f->id);
        build_counter(&c->build, counter);
    }
    build_verdict(&c->build, VERDICT_ACCEPT, NULL);
}

static void address_rule(struct compiler *c, const struct intent_flow *f, enum direction d,
                         const struct rule_shape *shape, enum family family, const char *set) {
    rule_begin(c, f, shape);
    build_stmt(&c->build,
               (struct stmt){ .type = STMT_ADDRESS, .address = { family, shape->other, set } });
    rule_end(c, f, d, shape);
}

/* One rule a family: `ip saddr @jtel-acd_ACD-LB_4 counter name … accept`, and one a family for
 * what DNS says. `d` is the flow's direction. */
static void party_rules(struct compiler *c, const struct intent_flow *f, enum direction d,
                        const struct party *p, const struct rule_shape *shape) {
    char set[NAME_MAX_LENGTH];

    for (enum origin o = 0; o < ORIGIN_MAX; o++)
        for (enum family family = 0; family < FAMILY_MAX; family++)
            if (party_has(p, family, o)) {
                party_set(c, p, family, o, set);
                address_rule(c, f, d, shape, family, set);
            }
}

static void flow_rules(struct compiler *c, const struct intent_flow *f, enum direction d,
                       const struct rule_shape *shape) {
    size_t n;
    struct party **others = flow_others(f, d, &n);

    for (size_t i = 0; i < n; i++) {
        if (others[i]->any) {
            rule_begin(c, f, shape);
            rule_end(c, f, d, shape);
            return;
        }
    }
    for (size_t i = 0; i < n; i++)
        if (!others[i]->is_self)
            party_rules(c, f, d, others[i], shape);
}

static void broadcast_rule(struct compiler *c, const struct intent_flow *f) {
    const struct stmt fib = { .type = STMT_FIB_TYPE, .fib_type = ADDRESS_TYPE_BROADCAST };
    const struct rule_shape shape = { .before = &fib, .n_before = 1, .counts = true };

    rule_begin(c, f, &shape);
    rule_end(c, f, DIRECTION_OUT, &shape);
}

void compile_goto(struct compiler *c, const char *comment, const char *chain) {
    build_rule(&c->build, comment);
    build_verdict(&c->build, VERDICT_GOTO, chain);
}

/* The chains that compare addresses, for the flows of `d`: asking packets meet them in the hook
 * of `d`, answers in the other one. */
static void class_chains(struct compiler *c, enum direction d) {
    for (size_t i = 0; i < c->classes[d].n; i++) {
        const struct port_class *class = &c->classes[d].items[i];
        const struct rule_shape shape = { .counts = true, .other = words[d].other };
        char name[NAME_MAX_LENGTH];

        compile_class_name(class, direction_name(d), name);
        build_chain(&c->build, name);
        for (size_t j = 0; j < class->n_flows; j++) {
            flow_rules(c, class->flows[j], d, &shape);
            if (class->flows[j]->broadcast && d == DIRECTION_OUT && !compile_class_is_any(class, d))
                broadcast_rule(c, class->flows[j]);
        }
        compile_class_end(c, class, d, words[d].granted);
    }
}

/* `d` is the flows' direction; the answers come through the hook of the other. */
static void answer_chains(struct compiler *c, enum direction d) {
    const struct side_words *back = &words[opposite(d)];

    for (size_t i = 0; i < c->classes[d].n; i++) {
        const struct port_class *class = &c->classes[d].items[i];
        const struct rule_shape shape = { .other = back->other };
        char name[NAME_MAX_LENGTH];

        if (compile_answers_pass(c, class, d))
            continue;
        compile_class_name(class, back->answer_map, name);
        build_chain(&c->build, name);
        for (size_t j = 0; j < class->n_flows; j++)
            flow_rules(c, class->flows[j], d, &shape);
        compile_goto(c, NULL, back->granted_answer);
    }
}

static void portless_name(uint8_t protocol, enum direction d, char ret[static NAME_MAX_LENGTH]) {
    snprintf(ret, NAME_MAX_LENGTH, "%s_%s", direction_name(d), protocol_name(protocol));
}

void compile_portless(struct compiler *c, enum direction d) {
    for (size_t i = 0; i < ARRAY_SIZE(portless); i++) {
        char name[NAME_MAX_LENGTH];

        portless_name(portless[i], d, name);
        build_rule(&c->build, NULL);
        build_stmt(&c->build, (struct stmt){ .type = STMT_L4PROTO, .protocol = portless[i] });
        build_verdict(&c->build, VERDICT_GOTO, name);
    }
}

static void icmp_rules(struct compiler *c, const struct intent_flow *f, const struct service *s,
                       enum direction d) {
    struct stmt match = { .type = STMT_ICMP_TYPE, .icmp = { .protocol = s->protocol } };
    const struct rule_shape shape = {
        .before = &match,
        .n_before = service_width(s) == 256 || s->protocol == PROTOCOL_IGMP ? 0 : 1,
        .counts = true,
        .other = words[d].other
    };
    uint32_t last = shape.n_before ? s->hi : s->lo;

    for (uint32_t type = s->lo; type <= last; type++) {
        match.icmp.type = (uint8_t)type;
        flow_rules(c, f, d, &shape);
    }
}

static bool has_echo(const struct service *s) {
    uint8_t request = s->protocol == PROTOCOL_ICMP ? ICMP_ECHO_REQUEST : ICMPV6_ECHO_REQUEST;

    return s->protocol != PROTOCOL_IGMP && s->lo <= request && s->hi >= request;
}

static uint8_t echo_reply(uint8_t protocol) {
    return protocol == PROTOCOL_ICMP ? ICMP_ECHO_REPLY : ICMPV6_ECHO_REPLY;
}

/* Echo replies come back to whoever may ask. */
static void echo_reply_rules(struct compiler *c, const struct intent_flow *f,
                             const struct service *s, enum direction d) {
    const struct stmt match[] = {
        { .type = STMT_CT_DIRECTION, .ct_direction = CT_REPLY },
        { .type = STMT_ICMP_TYPE, .icmp = { s->protocol, echo_reply(s->protocol) } },
    };
    const struct rule_shape shape = { .before = match,
                                      .n_before = ARRAY_SIZE(match),
                                      .other = words[opposite(d)].other };

    if (has_echo(s))
        flow_rules(c, f, d, &shape);
}

/* What the flows in audit mode add: answers first, for they are recorded with their requests. */
static void portless_audit(struct compiler *c, uint8_t protocol, enum direction d) {
    for (int is_answer = 1; is_answer >= 0; is_answer--)
        for (size_t i = 0; i < c->intent->n_flows; i++) {
            const struct intent_flow *f = &c->intent->flows[i];
            enum direction of = is_answer ? opposite(d) : d;

            for (size_t j = 0; j < f->n_services && compile_flow_is_audited(c, f, of); j++)
                if (f->services[j].protocol != protocol)
                    continue;
                else if (!is_answer)
                    compile_audit_types(c, f, &f->services[j], d);
                else if (has_echo(&f->services[j]))
                    compile_audit_echo(c, f, protocol, echo_reply(protocol));
        }
}

static void portless_chain(struct compiler *c, uint8_t protocol, enum direction d) {
    const struct intent *in = c->intent;
    char name[NAME_MAX_LENGTH];

    portless_name(protocol, d, name);
    build_chain(&c->build, name);
    for (size_t i = 0; i < in->n_flows; i++)
        for (size_t j = 0; j < in->flows[i].n_services; j++) {
            const struct intent_flow *f = &in->flows[i];

            if (f->services[j].protocol != protocol)
                continue;
            if (f->state[d] == FLOW_ACTIVE)
                icmp_rules(c, f, &f->services[j], d);
            if (f->state[opposite(d)] == FLOW_ACTIVE)
                echo_reply_rules(c, f, &f->services[j], opposite(d));
        }
    portless_audit(c, protocol, d);
    compile_goto(c, NULL, words[d].deny);
}

/* The resets that `deny: reject` makes belong to a connection that was never let in; only as
 * such, related and in reply direction, may they leave. */
static void reset_rule(struct compiler *c) {
    build_rule(&c->build, "resets of denied connections");
    build_stmt(&c->build, (struct stmt){ .type = STMT_CT_STATE, .ct_state = CT_STATE_RELATED });
    build_stmt(&c->build,
               (struct stmt){ .type = STMT_TCP_FLAGS, .tcp_flags = { TCP_RST, TCP_RST } });
    build_verdict(&c->build, VERDICT_ACCEPT, NULL);
}

void compile_request(struct compiler *c) {
    build_stmt(&c->build, (struct stmt){ .type = STMT_TCP_FLAGS,
                                         .tcp_flags = { TCP_SYN | TCP_ACK, TCP_SYN } });
}

/* Whom connection tracking takes for answering, though he asks to be connected, was put there by
 * whoever forged its entry; nobody else's connections begin on both sides at once. */
static void request_rule(struct compiler *c, enum direction d) {
    build_rule(&c->build, "requests that pose as answers");
    compile_request(c);
    build_verdict(&c->build, VERDICT_GOTO, words[d].deny);
}

/* Answers through the hook of `d`, to flows of the other direction. The resets come before the
 * ports: a port that is open for others has a chain that denies. */
static void answer_chain(struct compiler *c, enum direction d) {
    if (d == DIRECTION_OUT && c->intent->denies[DIRECTION_IN] == DENY_REJECT)
        reset_rule(c);
    build_rule(&c->build, "answers, by the port that was asked");
    build_stmt(&c->build,
               (struct stmt){ .type = STMT_VMAP, .vmap = { SIDE_SOURCE, words[d].answer_map } });
    compile_ranges(c, opposite(d), PORT_SOURCE, words[d].answer_map, true);
    compile_portless(c, d);
    compile_goto(c, NULL, words[d].granted_answer);
}

/* Where the other direction isn't enforced, whatever it let through may be answered. */
static void open_answer_chain(struct compiler *c, enum direction d) {
    build_rule(&c->build,
               d == DIRECTION_OUT ? "ingress is not enforced" : "egress is not enforced");
    build_verdict(&c->build, VERDICT_ACCEPT, NULL);
}

static void base_chain(struct compiler *c, enum direction d) {
    struct build *b = &c->build;
    const struct side_words *w = &words[d];
    enum mode mode = c->intent->modes[d];

    build_base_chain(b, w->base, w->hook, mode == MODE_ENFORCE ? CHAIN_DROP : CHAIN_ACCEPT);
    if (mode == MODE_OFF)
        return;

    build_rule(b, "loopback");
    build_stmt(b, (struct stmt){ .type = w->interface, .ifindex = LO_IFINDEX });
    build_verdict(b, VERDICT_ACCEPT, NULL);

    build_rule(b, "packets of no connection");
    build_stmt(b, (struct stmt){ .type = STMT_CT_STATE, .ct_state = CT_STATE_INVALID });
    build_verdict(b, VERDICT_GOTO, w->deny);

    build_rule(b, "answers");
    build_stmt(b, (struct stmt){ .type = STMT_CT_DIRECTION, .ct_direction = CT_REPLY });
    build_stmt(b, (struct stmt){ .type = STMT_CT_STATE,
                                 .ct_state = CT_STATE_ESTABLISHED | CT_STATE_RELATED });
    build_verdict(b, VERDICT_GOTO, w->answer);

    build_rule(b, "flows, by port");
    build_stmt(b, (struct stmt){ .type = STMT_VMAP, .vmap = { SIDE_DESTINATION, w->service_map } });
    compile_ranges(c, d, PORT_DESTINATION, direction_name(d), false);
    compile_portless(c, d);
    compile_goto(c, NULL, w->granted);
}

static void log_rule(struct compiler *c, const char *comment, uint16_t group) {
    if (c->intent->is_mute)
        return;
    build_rule(&c->build, comment);
    build_stmt(&c->build, (struct stmt){ .type = STMT_LIMIT, .limit = { 200, 100 } });
    build_stmt(&c->build, (struct stmt){ .type = STMT_LOG, .log = { group, 64, 32 } });
}

void compile_would(struct compiler *c, const char *counter) {
    log_rule(c, "would be denied: log", PORTD_LOG_GROUP_WOULD);
    build_rule(&c->build, "would be denied");
    build_counter(&c->build, counter);
    build_verdict(&c->build, VERDICT_ACCEPT, NULL);
}

static void reject_rules(struct build *b, const char *counter) {
    build_rule(b, "denied: count");
    build_counter(b, counter);
    build_rule(b, "denied: answer");
    build_stmt(b, (struct stmt){ .type = STMT_L4PROTO, .protocol = PROTOCOL_TCP });
    build_stmt(b, (struct stmt){ .type = STMT_REJECT, .reject = REJECT_TCP_RESET });
    build_rule(b, "denied: answer");
    build_stmt(b, (struct stmt){ .type = STMT_REJECT, .reject = REJECT_ADMIN_PROHIBITED });
}

/* Logged at a bounded rate for whoever listens to the group, then denied. */
static void deny_chain(struct compiler *c, enum direction d) {
    struct build *b = &c->build;
    char counter[NAME_MAX_LENGTH];

    snprintf(counter, sizeof(counter), "denied/%s", direction_name(d));
    build_chain(b, words[d].deny);
    if (c->intent->modes[d] == MODE_AUDIT) {
        compile_would(c, counter);
        return;
    }
    log_rule(c, "denied: log", PORTD_LOG_GROUP);
    if (c->intent->denies[d] == DENY_REJECT) {
        reject_rules(b, counter);
        return;
    }
    build_rule(b, "denied");
    build_counter(b, counter);
    build_verdict(b, VERDICT_DROP, NULL);
}

static void compile_direction(struct compiler *c, enum direction d) {
    bool answers_are_judged = c->intent->modes[opposite(d)] == MODE_ENFORCE;

    if (c->intent->modes[d] == MODE_OFF)
        return;
    compile_map(c, d, 0, words[d].service_map, direction_name(d), false);
    if (answers_are_judged)
        compile_map(c, opposite(d), 0, words[d].answer_map, words[d].answer_map, true);
    build_chain(&c->build, words[d].answer);
    request_rule(c, d);
    if (answers_are_judged)
        answer_chain(c, d);
    else
        open_answer_chain(c, d);
    class_chains(c, d);
    if (answers_are_judged)
        answer_chains(c, opposite(d));
    granted_chain(c, d, words[d].granted, words[d].deny, words[d].other);
    if (answers_are_judged)
        granted_answer_chain(c, d, words[d].granted_answer, words[d].deny, words[d].other);
    for (size_t i = 0; i < ARRAY_SIZE(portless); i++)
        portless_chain(c, portless[i], d);
    deny_chain(c, d);
    compile_audit_chains(c, d, words[d].other);
}

static int compile_classes(struct compiler *c) {
    for (enum direction d = 0; d < DIRECTION_MAX; d++) {
        int r = port_classes_make(c->scratch, c->intent, d, &c->classes[d]);

        if (r < 0)
            return r;
    }
    return 0;
}

int policy_compile(const struct intent *in, const struct resolved *names, struct ruleset **ret) {
    _cleanup_(ruleset_freep) struct ruleset *rules = ruleset_new();
    _cleanup_(arena_freep) struct arena *scratch = arena_new();
    struct compiler c = {
        .build.ruleset = rules, .scratch = scratch, .intent = in, .names = names
    };
    int r;

    if (!rules || !scratch)
        return -ENOMEM;
    rules->exists = true;

    r = compile_classes(&c);
    if (r < 0)
        return r;
    base_chain(&c, DIRECTION_IN);
    base_chain(&c, DIRECTION_OUT);
    published_base(&c);
    compile_direction(&c, DIRECTION_IN);
    compile_direction(&c, DIRECTION_OUT);
    published_chains(&c);
    granted_sets(&c);
    r = build_finish(&c.build);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(rules);
    return 0;
}
