/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements to expressions and back: a law for every statement, alone and behind every other
 * two, because what stands before decides which tests are left out. */
#include "nft/shape.h"

#include "nft_sample.h"

static const struct stmt statements[] = {
    { .type = STMT_IIF, .ifindex = 1 },
    { .type = STMT_OIF, .ifindex = 70000 },
    { .type = STMT_CT_STATE, .ct_state = CT_STATE_INVALID },
    { .type = STMT_CT_STATE, .ct_state = CT_STATE_NEW | CT_STATE_UNTRACKED },
    { .type = STMT_CT_DIRECTION, .ct_direction = CT_ORIGINAL },
    { .type = STMT_CT_DIRECTION, .ct_direction = CT_REPLY },
    { .type = STMT_CT_STATUS, .ct_status = CT_STATUS_DNAT },
    { .type = STMT_CT_STATUS, .ct_status = CT_STATUS_SNAT | CT_STATUS_DNAT },
    { .type = STMT_CT_PORT, .ct_port = { 8091, 8091 } },
    { .type = STMT_CT_PORT, .ct_port = { 0, 65535 } },
    { .type = STMT_CT_VMAP, .ct_vmap = "m" },
    { .type = STMT_L4PROTO, .protocol = PROTOCOL_TCP },
    { .type = STMT_L4PROTO, .protocol = PROTOCOL_ICMP },
    { .type = STMT_L4PROTO, .protocol = 0 },
    S_ICMP(PROTOCOL_ICMP, 8),
    S_ICMP(PROTOCOL_ICMPV6, 0),
    S_PORT(PROTOCOL_TCP, SIDE_SOURCE, 0, 65535),
    S_PORT(PROTOCOL_TCP, SIDE_DESTINATION, 443, 443),
    S_PORT(PROTOCOL_UDP, SIDE_DESTINATION, 30000, 34999),
    S_PORT(255, SIDE_SOURCE, 0, 0),
    S_ADDRESS(FAMILY_IPV4, SIDE_SOURCE, "a_4"),
    S_ADDRESS(FAMILY_IPV4, SIDE_DESTINATION, "b_4"),
    S_ADDRESS(FAMILY_IPV6, SIDE_SOURCE, "a_6"),
    S_ADDRESS(FAMILY_IPV6, SIDE_DESTINATION, "b_6"),
    { .type = STMT_FIB_TYPE, .fib_type = ADDRESS_TYPE_LOCAL },
    { .type = STMT_TCP_FLAGS, .tcp_flags = { 4, 4 } },
    { .type = STMT_TCP_FLAGS, .tcp_flags = { 18, 2 } },
    { .type = STMT_VMAP, .vmap = { SIDE_SOURCE, "m" } },
    { .type = STMT_VMAP, .vmap = { SIDE_DESTINATION, "m" } },
    S_GRANTED(FAMILY_IPV4, SIDE_DESTINATION, SIDE_SOURCE, "m"),
    S_GRANTED(FAMILY_IPV4, SIDE_SOURCE, SIDE_DESTINATION, "m"),
    S_GRANTED(FAMILY_IPV6, SIDE_DESTINATION, SIDE_SOURCE, "m"),
    S_COUNTER("a/b"),
    { .type = STMT_LIMIT, .limit = { 200, 100 } },
    { .type = STMT_LOG, .log = { 20548, 64, 32 } },
    { .type = STMT_LOG, .log = { 0, 0, 0 } },
    { .type = STMT_REJECT, .reject = REJECT_TCP_RESET },
    { .type = STMT_REJECT, .reject = REJECT_ADMIN_PROHIBITED },
    S_VERDICT(VERDICT_ACCEPT),
    S_VERDICT(VERDICT_DROP),
    S_VERDICT(VERDICT_RETURN),
    S_TO(VERDICT_GOTO, "c"),
    S_TO(VERDICT_JUMP, "c"),
};
#define N ARRAY_SIZE(statements)

static void assert_law(const struct stmt *const *stmts, size_t n) {
    struct shape_known known = SHAPE_KNOWN_NOTHING;
    struct expr exprs[3 * SHAPE_MAX];
    struct shape shape;
    size_t n_exprs = 0, at = 0;

    for (size_t i = 0; i < n; i++) {
        assert_true(shape_lower(stmts[i], &known, &shape));
        memcpy(exprs + n_exprs, shape.items, shape.n * sizeof(*exprs));
        n_exprs += shape.n;
    }
    known = SHAPE_KNOWN_NOTHING;
    for (size_t i = 0; i < n; i++) {
        struct stmt back;
        size_t length = shape_lift(exprs + at, n_exprs - at, &known, &back);

        if (length == 0 || !stmt_equal(stmts[i], &back))
            fail_msg("statement %zu of type %d came back as %zu expressions of type %d", i,
                     (int)stmts[i]->type, length, (int)back.type);
        at += length;
    }
    assert_int_equal(at, n_exprs);
}

static void test_every_type_is_tried(void **state) {
    bool seen[STMT_TYPE_MAX] = { false };

    (void)state;
    for (size_t i = 0; i < N; i++)
        seen[statements[i].type] = true;
    for (size_t i = 0; i < STMT_TYPE_MAX; i++)
        assert_true(seen[i]);
}

static void test_law_for_every_three_statements(void **state) {
    (void)state;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            for (size_t k = 0; k < N; k++) {
                const struct stmt *three[] = { &statements[i], &statements[j], &statements[k] };

                assert_law(three, ARRAY_SIZE(three));
            }
}

/* Another expression in any place, and it is another statement or none: never the same one. */
static void test_no_expression_may_differ(void **state) {
    (void)state;
    for (size_t i = 0; i < N; i++) {
        struct shape_known known = SHAPE_KNOWN_NOTHING;
        struct shape shape;

        assert_true(shape_lower(&statements[i], &known, &shape));
        for (size_t j = 0; j < shape.n; j++) {
            static const struct expr strange = { .type = EXPR_META, .meta = { 99, 3 } };
            struct expr exprs[SHAPE_MAX];
            struct stmt back;
            size_t n;

            memcpy(exprs, shape.items, sizeof(exprs));
            exprs[j] = strange;
            known = SHAPE_KNOWN_NOTHING;
            n = shape_lift(exprs, shape.n, &known, &back);
            assert_false(n > 0 && stmt_equal(&back, &statements[i]));
        }
    }
}

static void test_a_missing_end_is_no_statement(void **state) {
    (void)state;
    for (size_t i = 0; i < N; i++) {
        struct shape_known known = SHAPE_KNOWN_NOTHING;
        struct shape shape;

        assert_true(shape_lower(&statements[i], &known, &shape));
        for (size_t n = 0; n < shape.n; n++) {
            struct stmt back;

            known = SHAPE_KNOWN_NOTHING;
            assert_false(shape_lift(shape.items, n, &known, &back) == shape.n);
        }
    }
}

static void test_the_unsayable(void **state) {
    static const struct stmt unsayable[] = {
        S_PORT(PROTOCOL_TCP, SIDE_SOURCE, 2, 1),
        S_ICMP(PROTOCOL_TCP, 1),
        S_TO(VERDICT_GOTO, NULL),
        S_TO(VERDICT_JUMP, ""),
        S_ADDRESS(FAMILY_IPV4, SIDE_SOURCE, NULL),
        { .type = STMT_VMAP },
        S_GRANTED(FAMILY_IPV4, SIDE_SOURCE, SIDE_SOURCE, NULL),
        { .type = STMT_CT_PORT, .ct_port = { 2, 1 } },
        { .type = STMT_CT_VMAP },
        S_COUNTER(NULL),
        { .type = STMT_LIMIT, .limit = { 200, 0 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(unsayable); i++) {
        struct shape_known known = SHAPE_KNOWN_NOTHING;
        struct shape shape;

        assert_false(shape_lower(&unsayable[i], &known, &shape));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_is_tried),
        cmocka_unit_test(test_law_for_every_three_statements),
        cmocka_unit_test(test_no_expression_may_differ),
        cmocka_unit_test(test_a_missing_end_is_no_statement),
        cmocka_unit_test(test_the_unsayable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
