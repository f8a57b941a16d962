/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Grants as a list, on disk, in the rules, and in time: which end is a difference, and which isn't.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/build.h"
#include "engine/eval.h"
#include "engine/grant.h"
#include "engine/plan.h"

#define NOW   ((uint64_t)1000000)
#define UNTIL (NOW + 60000)

static struct grant grant_of(const char *direction, const char *service, const char *address,
                             uint64_t until_msec) {
    struct grant g = { .until_msec = until_msec, .granted_usec = 7, .by = "root", .reason = "why" };
    char *why = NULL;

    assert_int_equal(query_parse(direction, service, address, &g.what, &why), 0);
    return g;
}

static void test_one_of_each(void **state) {
    struct grant a = grant_of("in", "tcp/22", "192.0.2.1", 30), ended;
    struct grant b = grant_of("in", "tcp/22", "192.0.2.2", 20);
    struct grants g = { 0 };

    (void)state;
    assert_int_equal(grants_next(&g), 0);
    assert_true(grants_add(&g, &a));
    assert_true(grants_add(&g, &b));
    a.until_msec = 10;
    assert_true(grants_add(&g, &a));
    assert_int_equal(g.n, 2);
    assert_int_equal(grants_next(&g), 10);
    assert_false(grants_expire(&g, 9, &ended));
    assert_true(grants_expire(&g, 10, &ended));
    assert_int_equal(ended.until_msec, 10);
    assert_null(grants_look(&g, &a.what));
    assert_ptr_equal(grants_look(&g, &b.what), &g.items[0]);
    grants_remove(&g, grants_find(&g, &b.what));
    assert_int_equal(g.n, 0);
}

static void test_not_too_many(void **state) {
    struct grants g = { 0 };

    (void)state;
    for (unsigned i = 0; i < GRANTS_MAX; i++) {
        struct grant one = grant_of("in", "tcp/22", "192.0.2.1", NOW);

        one.what.other.bytes[3] = (uint8_t)i;
        assert_true(grants_add(&g, &one));
    }
    assert_false(grants_add(&g, &(struct grant){ .until_msec = NOW }));
    assert_true(grants_add(&g, &g.items[3]));
}

static void test_faults(void **state) {
    char longest[GRANT_REASON_SIZE + 1];
    struct grant icmp = grant_of("in", "icmp/echo-request", "192.0.2.1", NOW);

    (void)state;
    assert_non_null(grant_fault(&icmp.what));
    assert_non_null(grant_reason_fault(NULL));
    assert_non_null(grant_reason_fault(""));
    assert_non_null(grant_reason_fault("a\nb"));
    assert_non_null(grant_reason_fault("a\x1b[1m"));
    memset(longest, 'x', sizeof(longest));
    longest[GRANT_REASON_SIZE] = '\0';
    assert_non_null(grant_reason_fault(longest));
    longest[GRANT_REASON_SIZE - 1] = '\0';
    assert_null(grant_reason_fault(longest));
}

static void test_saved_and_read_back(void **state) {
    const struct grant all[] = { grant_of("in", "tcp/22", "192.0.2.1", UNTIL),
                                 grant_of("out", "udp/53", "2001:db8::1", UNTIL + 1) };
    struct grants g = { 0 }, back = { 0 };
    json_t *saved;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        assert_true(grants_add(&g, &all[i]));
    saved = grants_save_json(&g, "boot-1");
    assert_int_equal(grants_parse(saved, "boot-1", &back), 0);
    assert_int_equal(back.n, 2);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        const struct grant *found = grants_look(&back, &all[i].what);

        assert_non_null(found);
        assert_int_equal(found->until_msec, all[i].until_msec);
        assert_int_equal(found->granted_usec, 7);
        assert_string_equal(found->by, "root");
        assert_string_equal(found->reason, "why");
    }
    assert_int_equal(grants_parse(saved, "boot-2", &back), GRANTS_E_OTHER_BOOT);
    assert_int_equal(back.n, 0);
    json_decref(saved);
}

static void test_what_cant_be_read_is_none(void **state) {
    static const char *const wrong[] = {
        "[]",
        "{}",
        "{\"format\": 2, \"boot\": \"b\", \"grants\": []}",
        "{\"format\": 1, \"grants\": []}",
        "{\"format\": 1, \"boot\": \"b\", \"grants\": {}}",
        "{\"format\": 1, \"boot\": \"b\", \"grants\": [{}]}",
        "{\"format\": 1, \"boot\": \"b\", \"grants\": [{\"direction\": \"in\", \"service\": "
        "\"icmp/8\","
        " \"address\": \"192.0.2.1\", \"until_msec\": 9, \"granted_usec\": 1, \"by\": \"root\","
        " \"reason\": \"r\"}]}",
        "{\"format\": 1, \"boot\": \"b\", \"grants\": [{\"direction\": \"in\", \"service\": "
        "\"tcp/22\","
        " \"address\": \"192.0.2.1\", \"until_msec\": -9, \"granted_usec\": 1, \"by\": \"root\","
        " \"reason\": \"r\"}]}",
    };
    struct grants g;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        json_t *saved = json_loads(wrong[i], 0, NULL);

        g.n = 9;
        assert_non_null(saved);
        assert_int_equal(grants_parse(saved, "b", &g), GRANTS_E_INVALID);
        assert_int_equal(g.n, 0);
        json_decref(saved);
    }
    assert_int_equal(grants_parse(NULL, "b", &g), GRANTS_E_INVALID);
}

/* A table that asks the set, with those elements, read at NOW for so long. */
static struct ruleset *rules_of(const struct grants *g, uint64_t took_msec) {
    struct build b = { .ruleset = ruleset_new() };

    assert_non_null(b.ruleset);
    b.ruleset->exists = true;
    build_set(&b, "granted_in_4", SET_GRANTED4, false);
    build_base_chain(&b, "input", HOOK_INPUT, CHAIN_DROP);
    build_rule(&b, "granted");
    build_stmt(&b, (struct stmt){
                       .type = STMT_GRANTED,
                       .granted = { FAMILY_IPV4, SIDE_DESTINATION, SIDE_SOURCE, "granted_in_4" } });
    build_verdict(&b, VERDICT_ACCEPT, NULL);
    assert_int_equal(build_finish(&b), 0);
    assert_int_equal(grants_put(g, b.ruleset), 0);
    b.ruleset->read_msec = NOW;
    b.ruleset->read_took_msec = took_msec;
    return b.ruleset;
}

static void test_who_is_granted_gets_in(void **state) {
    const struct grant one = grant_of("in", "tcp/22", "192.0.2.1", UNTIL);
    struct grants g = { 0 };
    struct ruleset *rules;
    struct packet p = { .direction = DIRECTION_IN,
                        .family = FAMILY_IPV4,
                        .protocol = PROTOCOL_TCP,
                        .destination_port = 22,
                        .ct_state = CT_STATE_NEW,
                        .source = one.what.other };

    (void)state;
    assert_true(grants_add(&g, &one));
    rules = rules_of(&g, 0);
    assert_true(ruleset_eval(rules, &p).accepted);
    p.destination_port = 23;
    assert_false(ruleset_eval(rules, &p).accepted);
    p.destination_port = 22;
    p.protocol = PROTOCOL_UDP;
    assert_false(ruleset_eval(rules, &p).accepted);
    p.protocol = PROTOCOL_TCP;
    p.source.bytes[3]++;
    assert_false(ruleset_eval(rules, &p).accepted);
    p.source.bytes[3]--;
    p.family = FAMILY_IPV6;
    assert_false(ruleset_eval(rules, &p).accepted);
    ruleset_free(rules);
}

/* The number of operations from a HAVE whose element ends then (0: it is none) to a WANT. */
static size_t n_changes(uint64_t want_msec, uint64_t have_msec, uint64_t took_msec) {
    const struct grant want_one = grant_of("in", "tcp/22", "192.0.2.1", want_msec);
    const struct grant have_one = grant_of("in", "tcp/22", "192.0.2.1", have_msec);
    struct grants wanted = { 0 }, there = { 0 };
    struct ruleset *want, *have;
    struct plan *plan;
    size_t n;

    if (want_msec)
        assert_true(grants_add(&wanted, &want_one));
    if (have_msec)
        assert_true(grants_add(&there, &have_one));
    want = rules_of(&wanted, 0);
    have = rules_of(&there, took_msec);
    assert_int_equal(ruleset_diff(want, have, &plan), 0);
    n = plan->n_ops;
    plan_free(plan);
    ruleset_free(want);
    ruleset_free(have);
    return n;
}

static void test_which_end_is_a_difference(void **state) {
    (void)state;
    assert_int_equal(n_changes(UNTIL, UNTIL, 0), 0);
    assert_int_equal(n_changes(UNTIL, UNTIL + 900, 0), 0);
    assert_int_equal(n_changes(UNTIL, UNTIL - 900, 0), 0);
    assert_int_equal(n_changes(UNTIL, UNTIL + 1100, 0), 2);
    assert_int_equal(n_changes(UNTIL, UNTIL - 1100, 0), 2);
    assert_int_equal(n_changes(UNTIL, ELEMENT_FOR_EVER, 0), 2);
    /* Who reads for long knows less. */
    assert_int_equal(n_changes(UNTIL, UNTIL - 4900, 4000), 0);
    assert_int_equal(n_changes(UNTIL, UNTIL - 5100, 4000), 2);
    assert_int_equal(n_changes(UNTIL, UNTIL + 1100, 4000), 2);
}

static void test_what_runs_out_is_none(void **state) {
    (void)state;
    assert_int_equal(n_changes(UNTIL, 0, 0), 1);
    assert_int_equal(n_changes(0, UNTIL, 0), 1);
    assert_int_equal(n_changes(NOW + 900, 0, 0), 0);
    assert_int_equal(n_changes(NOW - 900, 0, 0), 0);
    assert_int_equal(n_changes(NOW + 1100, 0, 0), 1);
    assert_int_equal(n_changes(NOW + 900, UNTIL, 0), 1); /* prolonged: it goes, and stays away */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_of_each),
        cmocka_unit_test(test_not_too_many),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_saved_and_read_back),
        cmocka_unit_test(test_what_cant_be_read_is_none),
        cmocka_unit_test(test_who_is_granted_gets_in),
        cmocka_unit_test(test_which_end_is_a_difference),
        cmocka_unit_test(test_what_runs_out_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
