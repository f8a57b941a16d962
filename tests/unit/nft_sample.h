/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_TESTS_NFT_SAMPLE_H
#define PORTD_TESTS_NFT_SAMPLE_H

/* A table with every kind of object, set, element and statement, the network namespaces to try
 * it in, and nft as a witness from outside. */

#include "base/macros.h"
#include "engine/plan.h"
#include "engine/ruleset.h"
#include "engine/text.h"
#include "nft/kernel.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

static inline struct chain *sample_chain(struct ruleset *r, const char *name) {
    struct chain *c = ARENA_APPEND(r->arena, r->chains, r->n_chains);

    assert_non_null(c);
    c->name = name;
    return c;
}

static inline struct chain *sample_base_chain(struct ruleset *r, const char *name, uint32_t hook) {
    struct chain *c = sample_chain(r, name);

    c->is_base = true;
    c->hook = hook;
    c->priority = INT32_MAX - 1;
    c->policy = CHAIN_DROP;
    return c;
}

static inline void sample_rule(struct ruleset *r, struct chain *c, const char *comment,
                               const struct stmt *stmts, size_t n) {
    struct rule *rule = ARENA_APPEND(r->arena, c->rules, c->n_rules);

    assert_non_null(rule);
    rule->comment = comment;
    rule->stmts = arena_alloc(r->arena, (n + 1) * sizeof(*stmts));
    assert_non_null(rule->stmts);
    memcpy(rule->stmts, stmts, n * sizeof(*stmts));
    rule->n_stmts = n;
}

#define SAMPLE_RULE(r, c, comment, ...)                                                            \
    do {                                                                                           \
        const struct stmt _stmts[] = { __VA_ARGS__ };                                              \
        sample_rule((r), (c), (comment), _stmts, ARRAY_SIZE(_stmts));                              \
    } while (0)

static inline struct set *sample_set(struct ruleset *r, const char *name, enum set_type type,
                                     bool is_interval, bool is_map) {
    struct set *s = ARENA_APPEND(r->arena, r->sets, r->n_sets);

    assert_non_null(s);
    s->name = name;
    s->type = type;
    s->is_interval = is_interval;
    s->is_map = is_map;
    return s;
}

static inline struct element *sample_element(struct ruleset *r, struct set *s) {
    struct element *e = ARENA_APPEND(r->arena, s->elements, s->n_elements);

    assert_non_null(e);
    return e;
}

static inline struct element *sample_range(struct ruleset *r, struct set *s, const char *lo,
                                           const char *hi) {
    struct element *e = sample_element(r, s);
    enum family f;

    assert_int_equal(address_parse(lo, &f, &e->range.lo), 0);
    assert_int_equal(address_parse(hi ? hi : lo, &f, &e->range.hi), 0);
    return e;
}

static inline struct element *sample_service(struct ruleset *r, struct set *s, uint8_t protocol,
                                             uint16_t port, enum verdict v, const char *chain) {
    struct element *e = sample_element(r, s);

    e->service.protocol = protocol;
    e->service.port = port;
    e->verdict = v;
    e->chain = chain;
    return e;
}

/* For ten minutes from now on. */
static inline void sample_granted(struct ruleset *r, struct set *s, uint8_t protocol, uint16_t port,
                                  const char *address) {
    struct element *e = sample_range(r, s, address, NULL);
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    e->service.protocol = protocol;
    e->service.port = port;
    e->until_msec = (uint64_t)now.tv_sec * 1000 + 600000;
}

static inline void sample_counter(struct ruleset *r, const char *name) {
    struct counter *c = ARENA_APPEND(r->arena, r->counters, r->n_counters);

    assert_non_null(c);
    c->name = name;
}

#define S_VERDICT(v)                                                                               \
    { .type = STMT_VERDICT, .verdict.verdict = (v) }
#define S_TO(v, c)                                                                                 \
    {                                                                                              \
        .type = STMT_VERDICT, .verdict = {(v), (c) }                                               \
    }
#define S_ACCEPT S_VERDICT(VERDICT_ACCEPT)
#define S_ADDRESS(f, s, n)                                                                         \
    {                                                                                              \
        .type = STMT_ADDRESS, .address = {(f), (s), (n) }                                          \
    }
#define S_GRANTED(f, p, a, n)                                                                      \
    {                                                                                              \
        .type = STMT_GRANTED, .granted = {(f), (p), (a), (n) }                                     \
    }
#define S_PORT(p, s, l, h)                                                                         \
    {                                                                                              \
        .type = STMT_PORT, .port = {(p), (s), (l), (h) }                                           \
    }
#define S_ICMP(p, t)                                                                               \
    {                                                                                              \
        .type = STMT_ICMP_TYPE, .icmp = {(p), (t) }                                                \
    }
#define S_COUNTER(n)                                                                               \
    { .type = STMT_COUNTER, .counter = (n) }

static inline void sample_sets(struct ruleset *r) {
    struct set *s = sample_set(r, "hosts_4", SET_IPV4, false, false);

    sample_range(r, s, "10.0.0.1", NULL);
    sample_range(r, s, "0.0.0.0", NULL);
    sample_range(r, s, "255.255.255.255", NULL);
    s = sample_set(r, "hosts_6", SET_IPV6, false, false);
    sample_range(r, s, "2001:db8::1", NULL);
    sample_range(r, s, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL);
    s = sample_set(r, "nets_4", SET_IPV4, true, false);
    sample_range(r, s, "0.0.0.0", "0.255.255.255");
    sample_range(r, s, "10.1.0.0", "10.1.255.255");
    sample_range(r, s, "10.3.0.9", NULL);
    sample_range(r, s, "10.3.0.11", "10.3.0.13");
    sample_range(r, s, "224.0.0.0", "255.255.255.255");
    s = sample_set(r, "nets_6", SET_IPV6, true, false);
    sample_range(r, s, "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff");
    sample_range(r, s, "fe80::1", NULL);
    s = sample_set(r, "any_4", SET_IPV4, true, false);
    sample_range(r, s, "0.0.0.0", "255.255.255.255");
    s = sample_set(r, "any_6", SET_IPV6, true, false);
    sample_range(r, s, "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    sample_set(r, "empty_4", SET_IPV4, false, false);
    sample_set(r, "empty_6", SET_IPV6, true, false);
    s = sample_set(r, "services", SET_SERVICE, false, false);
    sample_service(r, s, PROTOCOL_UDP, 53, VERDICT_ACCEPT, NULL);
    s = sample_set(r, "in_service", SET_SERVICE, false, true);
    sample_service(r, s, PROTOCOL_TCP, 443, VERDICT_GOTO, "in_1");
    sample_service(r, s, PROTOCOL_TCP, 22, VERDICT_JUMP, "in_1");
    sample_service(r, s, PROTOCOL_UDP, 65535, VERDICT_ACCEPT, NULL);
    sample_service(r, s, PROTOCOL_SCTP, 1, VERDICT_DROP, NULL);
    sample_service(r, s, PROTOCOL_UDP, 0, VERDICT_RETURN, NULL);
    s = sample_set(r, "published_tcp", SET_PORT, false, true);
    sample_service(r, s, 0, 8091, VERDICT_GOTO, "in_1");
    sample_service(r, s, 0, 0, VERDICT_ACCEPT, NULL);
    sample_service(r, s, 0, 65535, VERDICT_DROP, NULL);
    s = sample_set(r, "ports", SET_PORT, false, false);
    sample_service(r, s, 0, 80, VERDICT_ACCEPT, NULL);
    s = sample_set(r, "peers", SET_IPV4, true, true);
    sample_range(r, s, "10.0.0.0", "10.255.255.255")->verdict = VERDICT_DROP;
    sample_range(r, s, "192.0.2.1", NULL)->verdict = VERDICT_ACCEPT;
    s = sample_set(r, "granted_4", SET_GRANTED4, false, false);
    sample_granted(r, s, PROTOCOL_TCP, 22, "198.51.100.7");
    sample_granted(r, s, PROTOCOL_UDP, 65535, "255.255.255.255");
    s = sample_set(r, "granted_6", SET_GRANTED6, false, false);
    sample_granted(r, s, PROTOCOL_SCTP, 1, "2001:db8::7");
    sample_set(r, "granted_none", SET_GRANTED6, false, false);
}

static inline void sample_rules(struct ruleset *r, struct chain *c) {
    SAMPLE_RULE(r, c, NULL, { .type = STMT_IIF, .ifindex = 1 }, S_ACCEPT);
    SAMPLE_RULE(r, c, "invalid", { .type = STMT_CT_STATE, .ct_state = CT_STATE_INVALID },
                S_TO(VERDICT_GOTO, "deny_in"));
    SAMPLE_RULE(r, c, NULL, { .type = STMT_CT_DIRECTION, .ct_direction = CT_REPLY },
                { .type = STMT_CT_STATE, .ct_state = CT_STATE_ESTABLISHED | CT_STATE_RELATED },
                S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, { .type = STMT_CT_DIRECTION, .ct_direction = CT_ORIGINAL },
                { .type = STMT_CT_STATE, .ct_state = CT_STATE_NEW | CT_STATE_UNTRACKED },
                S_VERDICT(VERDICT_RETURN));
    SAMPLE_RULE(r, c, NULL, { .type = STMT_L4PROTO, .protocol = PROTOCOL_IGMP }, S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, S_ICMP(PROTOCOL_ICMP, 8), S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, S_ICMP(PROTOCOL_ICMPV6, 134), S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, S_ADDRESS(FAMILY_IPV4, SIDE_SOURCE, "hosts_4"),
                S_ICMP(PROTOCOL_ICMP, 8), S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, S_ICMP(PROTOCOL_ICMPV6, 128),
                S_ADDRESS(FAMILY_IPV6, SIDE_SOURCE, "nets_6"), S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, S_PORT(PROTOCOL_UDP, SIDE_DESTINATION, 30000, 34999), S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, S_PORT(PROTOCOL_TCP, SIDE_SOURCE, 0, 0), S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, S_PORT(PROTOCOL_SCTP, SIDE_DESTINATION, 1, 65535), S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, S_PORT(PROTOCOL_TCP, SIDE_DESTINATION, 80, 80),
                S_PORT(PROTOCOL_TCP, SIDE_SOURCE, 1024, 65535), S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, S_ADDRESS(FAMILY_IPV6, SIDE_DESTINATION, "any_6"),
                S_PORT(PROTOCOL_TCP, SIDE_DESTINATION, 22, 22), S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, S_ADDRESS(FAMILY_IPV4, SIDE_SOURCE, "nets_4"),
                S_ADDRESS(FAMILY_IPV4, SIDE_DESTINATION, "any_4"), S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, { .type = STMT_FIB_TYPE, .fib_type = ADDRESS_TYPE_BROADCAST },
                S_VERDICT(VERDICT_DROP));
    SAMPLE_RULE(r, c, NULL, { .type = STMT_FIB_TYPE, .fib_type = ADDRESS_TYPE_MULTICAST },
                S_VERDICT(VERDICT_DROP));
    SAMPLE_RULE(r, c, NULL, { .type = STMT_TCP_FLAGS, .tcp_flags = { 4, 4 } }, S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, S_PORT(PROTOCOL_TCP, SIDE_DESTINATION, 25, 25),
                { .type = STMT_TCP_FLAGS, .tcp_flags = { 18, 2 } }, S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, { .type = STMT_VMAP, .vmap = { SIDE_DESTINATION, "in_service" } });
    SAMPLE_RULE(r, c, NULL, { .type = STMT_VMAP, .vmap = { SIDE_SOURCE, "in_service" } });
    SAMPLE_RULE(r, c, NULL, S_GRANTED(FAMILY_IPV4, SIDE_DESTINATION, SIDE_SOURCE, "granted_4"),
                S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, S_GRANTED(FAMILY_IPV6, SIDE_SOURCE, SIDE_DESTINATION, "granted_6"),
                S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, S_ADDRESS(FAMILY_IPV6, SIDE_SOURCE, "nets_6"),
                S_GRANTED(FAMILY_IPV6, SIDE_DESTINATION, SIDE_SOURCE, "granted_none"), S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, S_TO(VERDICT_JUMP, "in_1"));
    SAMPLE_RULE(r, c, "terminal", S_TO(VERDICT_GOTO, "deny_in"));
}

static inline void sample_forward(struct ruleset *r, struct chain *c) {
    c->policy = CHAIN_ACCEPT;
    SAMPLE_RULE(r, c, "answers", { .type = STMT_CT_STATUS, .ct_status = CT_STATUS_DNAT },
                { .type = STMT_CT_DIRECTION, .ct_direction = CT_REPLY }, S_ACCEPT);
    SAMPLE_RULE(r, c, NULL,
                { .type = STMT_CT_STATUS, .ct_status = CT_STATUS_SNAT | CT_STATUS_DNAT },
                S_TO(VERDICT_JUMP, "in_1"));
    SAMPLE_RULE(r, c, NULL, { .type = STMT_L4PROTO, .protocol = PROTOCOL_TCP },
                { .type = STMT_CT_VMAP, .ct_vmap = "published_tcp" });
    SAMPLE_RULE(r, c, NULL, { .type = STMT_L4PROTO, .protocol = PROTOCOL_UDP },
                { .type = STMT_CT_PORT, .ct_port = { 30000, 34999 } }, S_ACCEPT);
    SAMPLE_RULE(r, c, NULL, { .type = STMT_L4PROTO, .protocol = PROTOCOL_SCTP },
                { .type = STMT_CT_PORT, .ct_port = { 1, 1 } }, S_VERDICT(VERDICT_DROP));
}

static inline struct ruleset *sample_new(void) {
    struct ruleset *r = ruleset_new();
    struct chain *c;

    assert_non_null(r);
    r->exists = true;
    sample_counter(r, "jtel-acd/rest");
    sample_counter(r, "dropped");
    sample_sets(r);

    sample_rules(r, sample_base_chain(r, "input", HOOK_INPUT));
    c = sample_base_chain(r, "output", HOOK_OUTPUT);
    c->policy = CHAIN_ACCEPT;
    SAMPLE_RULE(r, c, NULL, { .type = STMT_OIF, .ifindex = 1 }, S_ACCEPT);
    sample_forward(r, sample_base_chain(r, "forward", HOOK_FORWARD));
    c = sample_chain(r, "in_1");
    SAMPLE_RULE(r, c, "jtel-acd/rest", S_ADDRESS(FAMILY_IPV4, SIDE_SOURCE, "hosts_4"),
                S_COUNTER("jtel-acd/rest"), S_ACCEPT);
    SAMPLE_RULE(r, c, "jtel-acd/rest", S_ADDRESS(FAMILY_IPV6, SIDE_SOURCE, "hosts_6"),
                S_COUNTER("jtel-acd/rest"), S_ACCEPT);
    c = sample_chain(r, "deny_in");
    SAMPLE_RULE(r, c, NULL, { .type = STMT_LIMIT, .limit = { 200, 100 } },
                { .type = STMT_LOG, .log = { PORTD_LOG_GROUP, 64, 32 } });
    SAMPLE_RULE(r, c, NULL, { .type = STMT_LOG, .log = { 7, 0, 0 } });
    SAMPLE_RULE(r, c, NULL, { .type = STMT_L4PROTO, .protocol = PROTOCOL_TCP },
                { .type = STMT_REJECT, .reject = REJECT_TCP_RESET });
    SAMPLE_RULE(r, c, NULL, { .type = STMT_REJECT, .reject = REJECT_ADMIN_PROHIBITED });
    SAMPLE_RULE(r, c, NULL, S_COUNTER("dropped"), S_VERDICT(VERDICT_DROP));
    assert_int_equal(ruleset_index(r), 0);
    return r;
}

static inline struct ruleset *sample_nothing(void) {
    struct ruleset *r = ruleset_new();

    assert_non_null(r);
    assert_int_equal(ruleset_index(r), 0);
    return r;
}

/* Nothing in `have` is foreign or lacks, nothing is too much. */
static inline void assert_same(const struct ruleset *want, const struct ruleset *have) {
    struct plan *plan;
    char **lines;
    size_t n;

    assert_int_equal(ruleset_diff(want, have, &plan), 0);
    if (!plan_is_empty(plan)) {
        lines = plan_lines(plan, true, &n);
        for (size_t i = 0; i < n; i++)
            print_error("%s\n", lines[i]);
        lines_free(lines);
        fail_msg("%zu differences", plan->n_ops);
    }
    plan_free(plan);
}

/* From here on the test has a network of its own, with nothing but a loopback that is down. */
static inline void netns_enter(void) {
    if (unshare(CLONE_NEWNET) < 0)
        skip(); /* not root */
}

static inline struct kernel *sample_kernel(void) {
    struct report report = REPORT_INIT;
    struct kernel *k;
    int r = kernel_open(-1, &k, &report);

    if (r != 0) {
        report_print(&report, stderr);
        fail_msg("kernel_open: %d", r);
    }
    report_clear(&report);
    return k;
}

/* Runs a command of the shell in this network namespace; returns what it prints. */
static inline char *shell(const char *format, ...) _printf_(1, 2);
static inline char *shell(const char *format, ...) {
    char *command, *text = NULL;
    size_t size = 0;
    va_list ap;
    FILE *f;

    va_start(ap, format);
    assert_true(vasprintf(&command, format, ap) >= 0);
    va_end(ap);
    f = popen(command, "re");
    assert_non_null(f);
    if (getdelim(&text, &size, '\0', f) < 0) {
        free(text);
        text = strdup("");
    }
    if (pclose(f) != 0)
        fail_msg("failed: %s\n%s", command, text);
    free(command);
    return text;
}

static inline void shell_quiet(const char *command) {
    free(shell("%s", command));
}

/* Takes the kernel from whatever it has to `want`. */
static inline uint32_t sample_apply(struct kernel *k, const struct ruleset *want) {
    struct report report = REPORT_INIT;
    struct ruleset *have;
    uint32_t generation, after;
    struct plan *plan;
    int r;

    assert_int_equal(kernel_read(k, &have, &generation), 0);
    assert_int_equal(ruleset_diff(want, have, &plan), 0);
    r = kernel_apply(k, plan, generation, &after, &report);
    if (r != 0) {
        report_print(&report, stderr);
        fail_msg("kernel_apply: %d", r);
    }
    report_clear(&report);
    plan_free(plan);
    ruleset_free(have);
    return after;
}

static inline void assert_kernel_is(struct kernel *k, const struct ruleset *want) {
    struct ruleset *have;
    uint32_t generation;

    assert_int_equal(kernel_read(k, &have, &generation), 0);
    assert_same(want, have);
    ruleset_free(have);
}

#endif
