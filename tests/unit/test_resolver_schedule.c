/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/resolver/schedule.h"

#include "daemon/resolver/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEC ((uint64_t)1000000)

static int setup(void **state) {
    *state = calloc(1, sizeof(struct schedule));
    return *state ? 0 : -1;
}

static int teardown(void **state) {
    schedule_clear(*state);
    free(*state);
    return 0;
}

#define NEED(s, now, ...)                                                                          \
    do {                                                                                           \
        const char *const _names[] = { __VA_ARGS__ };                                              \
        assert_int_equal(schedule_need((s), _names, ARRAY_SIZE(_names), (now)), 0);                \
    } while (0)

static struct entry *need_one(struct schedule *s) {
    NEED(s, 0, "a.x");
    return schedule_find(s, "a.x");
}

/* A whole answer, or one that failed. */
static void answer(struct entry *e, uint32_t ttl, uint64_t now) {
    struct outcome o = { 0 };

    entry_begin(e);
    answer_set(&o.answers[FAMILY_IPV4], &(struct address){ { 192, 0, 2, 1 } }, 1, ttl);
    answer_set(&o.answers[FAMILY_IPV6], NULL, 0, 0);
    outcome_judge(&o);
    entry_end(e, &o, now);
}

static void miss(struct entry *e, uint64_t now) {
    struct outcome o = { 0 };

    entry_begin(e);
    outcome_fail(&o, "NXDOMAIN");
    entry_end(e, &o, now);
}

static void test_names(void **state) {
    struct schedule *s = *state;
    struct entry *b;

    assert_int_equal(schedule_wake(s), UINT64_MAX);
    assert_null(schedule_find(s, "a.x"));
    NEED(s, 5, "c.x", "a.x", "b.x", "a.x");
    assert_int_equal(s->n, 3);
    b = schedule_find(s, "b.x");
    answer(b, 60, 6);
    NEED(s, 7, "d.x", "b.x", "a.a");
    assert_int_equal(s->n, 3);
    assert_ptr_equal(schedule_find(s, "b.x"), b);
    assert_int_equal(b->due_usec, 6 + 60 * SEC);
    assert_null(schedule_find(s, "a.x"));
    assert_int_equal(schedule_find(s, "d.x")->due_usec, 7);
    assert_int_equal(schedule_need(s, NULL, 0, 8), 0);
    assert_int_equal(s->n, 0);
}

static void test_due(void **state) {
    struct schedule *s = *state;
    struct entry *e;

    NEED(s, 10, "b.x");
    NEED(s, 11, "a.x", "b.x");
    assert_null(schedule_due(s, 9));
    assert_int_equal(schedule_wake(s), 10);
    e = schedule_due(s, 20);
    assert_string_equal(e->name, "b.x");
    entry_begin(e);
    e = schedule_due(s, 20);
    assert_string_equal(e->name, "a.x");
    entry_begin(e);
    assert_null(schedule_due(s, 20));
    assert_int_equal(schedule_wake(s), UINT64_MAX);
}

static void test_ttl(void **state) {
    static const struct {
        uint32_t ttl;
        uint64_t sec;
    } rows[] = {
        { 0, 2 }, { 2, 2 }, { 3, 3 }, { 3600, 3600 }, { 3601, 3600 }, { INT32_MAX, 3600 }
    };
    struct entry *e = need_one(*state);

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        answer(e, rows[i].ttl, SEC);
        assert_int_equal(e->due_usec, SEC + rows[i].sec * SEC);
    }
}

/* 2 s, doubling up to a minute; only an answer that portd took makes it short again. */
static void test_failures(void **state) {
    static const uint64_t waits[] = { 2, 4, 8, 16, 32, 60, 60 };
    struct entry *e = need_one(*state);

    for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
        miss(e, 100 * SEC);
        entry_taken(e);
        assert_int_equal(e->due_usec, (100 + waits[i]) * SEC);
    }
    answer(e, 300, 100 * SEC);
    entry_refused(e, "bad", 101 * SEC);
    assert_int_equal(e->due_usec, (101 + 60) * SEC);
    answer(e, 300, 100 * SEC);
    entry_taken(e);
    assert_int_equal(e->due_usec, (100 + 300) * SEC);
    miss(e, 100 * SEC);
    assert_int_equal(e->due_usec, 102 * SEC);
}

/* A refusal is told, once, and never puts off what is due sooner anyway. */
static void test_refused(void **state) {
    struct entry *e = need_one(*state);
    char text[200];

    for (int i = 0; i < 8; i++) {
        answer(e, 10, 100 * SEC);
        e->is_unsent = false;
        entry_refused(e, "127.0.0.1 is no host", 100 * SEC);
        assert_true(e->is_unsent);
        assert_string_equal(e->newest.error, "refused by portd: 127.0.0.1 is no host");
        assert_true(e->due_usec <= 110 * SEC);
        e->is_unsent = false;
        entry_refused(e, "I said no", 105 * SEC);
        assert_false(e->is_unsent);
    }
    assert_int_equal(e->due_usec, 110 * SEC);
    answer(e, 10, 100 * SEC);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    entry_refused(e, text, 100 * SEC);
    assert_int_equal(strlen(e->newest.error), ANSWER_ERROR_MAX - 1);
}

/* One family's time counts although the other failed. */
static void test_half(void **state) {
    struct entry *e = need_one(*state);
    struct outcome o = { 0 };

    for (int i = 0; i < 5; i++)
        miss(e, 0);
    answer_set(&o.answers[FAMILY_IPV4], &(struct address){ { 192, 0, 2, 1 } }, 1, 5);
    answer_fail(&o.answers[FAMILY_IPV6], "SERVFAIL");
    outcome_judge(&o);
    entry_end(e, &o, 0);
    assert_int_equal(e->due_usec, 5 * SEC);
}

static void test_unsent(void **state) {
    struct schedule *s = *state;
    struct entry *e = need_one(s);

    assert_null(schedule_unsent(s));
    answer(e, 60, 0);
    assert_ptr_equal(schedule_unsent(s), e);
    e->is_unsent = false;
    assert_null(schedule_unsent(s));
}

/* A new portd: what holds is told again, all else is asked for. */
static void test_start_over(void **state) {
    struct schedule *s = *state;
    struct entry *holds, *ran_out, *failed;

    NEED(s, 0, "failed.x", "holds.x", "new.x", "ranout.x");
    holds = schedule_find(s, "holds.x");
    ran_out = schedule_find(s, "ranout.x");
    failed = schedule_find(s, "failed.x");
    answer(holds, 60, 0);
    answer(ran_out, 5, 0);
    miss(failed, 0);
    miss(failed, 9 * SEC);
    holds->is_unsent = ran_out->is_unsent = failed->is_unsent = false;
    schedule_start_over(s, 10 * SEC);
    assert_ptr_equal(schedule_unsent(s), holds);
    assert_int_equal(holds->due_usec, 60 * SEC);
    assert_false(ran_out->is_unsent || failed->is_unsent);
    assert_int_equal(ran_out->due_usec, 10 * SEC);
    assert_int_equal(failed->due_usec, 10 * SEC);
    assert_int_equal(schedule_find(s, "new.x")->due_usec, 10 * SEC);
    miss(failed, 10 * SEC);
    assert_int_equal(failed->due_usec, 12 * SEC);
}

static void test_all(void **state) {
    struct schedule *s = *state;
    const char **names = calloc(SCHEDULE_NAMES_MAX, sizeof(*names));
    char(*texts)[16] = calloc(SCHEDULE_NAMES_MAX, sizeof(*texts));

    for (size_t i = 0; i < SCHEDULE_NAMES_MAX; i++) {
        snprintf(texts[i], sizeof(texts[i]), "n%zu.x", i);
        names[i] = texts[i];
    }
    assert_int_equal(schedule_need(s, names, SCHEDULE_NAMES_MAX, 0), 0);
    assert_int_equal(s->n, SCHEDULE_NAMES_MAX);
    for (size_t i = 0; i < SCHEDULE_NAMES_MAX; i++)
        assert_non_null(schedule_find(s, names[i]));
    free(texts);
    free(names);
}

static void test_retry(void **state _unused_) {
    assert_int_equal(retry_delay(1, 2, 60), 2);
    assert_int_equal(retry_delay(5, 2, 60), 32);
    assert_int_equal(retry_delay(6, 2, 60), 60);
    assert_int_equal(retry_delay(UINT32_MAX, 2, 60), 60);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_names),   TEST(test_due),
        TEST(test_ttl),     TEST(test_failures),
        TEST(test_refused), TEST(test_half),
        TEST(test_unsent),  TEST(test_start_over),
        TEST(test_all),     cmocka_unit_test(test_retry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
