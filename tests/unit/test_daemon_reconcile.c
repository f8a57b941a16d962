/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drift is repaired whatever is said of where it is: in one commit when that is true. */
#include "daemon/reconcile.h"

#include "nft/watch.h"
#include "nft_sample.h"
#include "tampers.h"

struct scene {
    struct kernel *kernel;
    struct watch *watch;
    struct ruleset *want; /* the sample; in the kernel already */
};

static int scene_open(void **state) {
    struct scene *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    netns_enter();
    s->kernel = sample_kernel();
    assert_int_equal(watch_open(kernel_port_id(s->kernel), &s->watch), 0);
    s->want = sample_new();
    sample_apply(s->kernel, s->want);
    *state = s;
    return 0;
}

static int scene_close(void **state) {
    struct scene *s = *state;

    watch_free(s->watch);
    kernel_free(s->kernel);
    ruleset_free(s->want);
    free(s);
    return 0;
}

static struct scope told(struct scene *s) {
    struct watch_news news;

    assert_int_equal(watch_drain(s->watch, &news), 0);
    assert_int_equal(news.n_touching, 1);
    return news.scope;
}

/* How many commits that took. */
static size_t repair(struct scene *s, const struct scope *drift) {
    struct report report = REPORT_INIT;
    struct reconciled done;
    size_t n;

    assert_int_equal(reconcile(s->kernel, s->want, drift, &done, &report), 0);
    assert_int_equal(report.n_entries, 0);
    assert_true(done.n_commits == 0 || done.n_lines > 0);
    assert_kernel_is(s->kernel, s->want);
    n = done.n_commits;
    reconciled_clear(&done);
    return n;
}

static void test_what_the_watch_tells(void **state) {
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_SIZE(tampers); i++) {
        struct scope drift;

        shell_quiet(tampers[i]);
        drift = told(s);
        if (repair(s, &drift) != 1)
            fail_msg("more than one commit for: %s", tampers[i]);
    }
}

/* Objects are always looked at; the rules only where they are said to have changed. */
static void test_another_place(void **state) {
    static const struct scope nowhere, everywhere = { .is_all = true };
    const struct scope there = { .n_names = 1, .names = { "deny_in" } };
    const struct scope *const wrong[] = { &nowhere, &there, &everywhere };
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        shell_quiet("nft 'add rule inet portd in_1 accept'");
        assert_int_equal(repair(s, wrong[i]), 1);
        shell_quiet(
            "nft 'add rule inet portd in_1 accept; chain inet portd input { policy accept; }'");
        assert_int_equal(repair(s, wrong[i]), wrong[i]->is_all ? 1 : 2);
        assert_int_equal(repair(s, wrong[i]), 0);
    }
}

/* What leads to it has to be made anew, and goes by handles that were not read. */
static void test_a_chain_by_another_name(void **state) {
    struct scene *s = *state;
    struct scope drift;

    shell_quiet("nft 'rename chain inet portd deny_in denied'");
    drift = told(s);
    assert_false(drift.is_all);
    assert_int_equal(repair(s, &drift), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_the_watch_tells, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_another_place, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_a_chain_by_another_name, scene_open, scene_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
