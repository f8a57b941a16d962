/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watching a real kernel, each test in a network namespace of its own. */
#include "nft/watch.h"

#include "nft_sample.h"

#include <poll.h>
#include <sys/socket.h>

#define TABLE_COMMITS 2 /* a table comes and goes in two, see engine/plan.h */

struct scene {
    struct kernel *own, *other; /* two netlink ports of this process */
    struct watch *watch;
    struct ruleset *with, *without; /* our table with its sample content; no table */
};

static int scene_open(void **state) {
    struct scene *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    netns_enter();
    s->own = sample_kernel();
    s->other = sample_kernel();
    assert_int_equal(watch_open(kernel_port_id(s->own), &s->watch), 0);
    s->with = sample_new();
    s->without = sample_nothing();
    *state = s;
    return 0;
}

static int scene_close(void **state) {
    struct scene *s = *state;

    watch_free(s->watch);
    kernel_free(s->own);
    kernel_free(s->other);
    ruleset_free(s->with);
    ruleset_free(s->without);
    free(s);
    return 0;
}

static bool is_readable(const struct watch *w) {
    struct pollfd p = { .fd = watch_fd(w), .events = POLLIN };

    return poll(&p, 1, 0) == 1;
}

static struct watch_news drain(struct scene *s) {
    struct watch_news news;

    assert_int_equal(watch_drain(s->watch, &news), 0);
    assert_false(is_readable(s->watch));
    return news;
}

static void test_own_commits_are_silent(void **state) {
    struct scene *s = *state;
    struct watch_news news;

    sample_apply(s->own, s->with);
    sample_apply(s->own, s->without);
    assert_false(is_readable(s->watch));
    news = drain(s);
    assert_false(news.any);
    assert_false(news.overflow);
}

static void test_foreign_commit_is_told(void **state) {
    struct scene *s = *state;
    struct watch_news news;
    uint32_t generation;

    sample_apply(s->own, s->with);
    shell_quiet("nft add rule inet portd in_1 counter");
    assert_true(is_readable(s->watch));
    news = drain(s);
    assert_true(news.any);
    assert_int_equal(news.n_commits, 1);
    assert_int_equal(news.n_touching, 1);
    assert_true(news.last.touches_table);
    assert_string_equal(news.last.command, "nft");
    assert_true(news.last.pid > 1);
    assert_int_equal(kernel_generation(s->own, &generation), 0);
    assert_int_equal(news.last.generation, generation);
    assert_false(drain(s).any);
}

static void test_the_pid_is_the_committers(void **state) {
    struct scene *s = *state;
    char *pid = shell("sh -c 'echo $$; exec nft add table inet elsewhere'");
    struct watch_news news = drain(s);

    assert_int_equal(news.last.pid, atoi(pid));
    assert_false(news.last.touches_table);
    free(pid);
}

static void test_what_touches_is_kept(void **state) {
    struct scene *s = *state;
    struct watch_news news;
    uint32_t at;

    shell_quiet("nft add table inet elsewhere");
    at = sample_apply(s->other, s->with);
    shell_quiet("nft add table ip portd"); /* another family */
    shell_quiet("nft delete table inet elsewhere");
    news = drain(s);
    assert_int_equal(news.n_commits, 3 + TABLE_COMMITS);
    assert_int_equal(news.n_touching, TABLE_COMMITS);
    assert_true(news.last.touches_table);
    assert_int_equal(news.last.generation, at);
    shell_quiet("nft flush ruleset");
    assert_true(drain(s).last.touches_table);
}

static void test_many_commits_are_counted(void **state) {
    struct scene *s = *state;
    struct watch_news news;

    for (unsigned i = 0; i < 150; i++) {
        sample_apply(s->other, s->with);
        sample_apply(s->other, s->without);
    }
    news = drain(s);
    assert_false(news.overflow);
    assert_int_equal(news.n_commits, 300 * TABLE_COMMITS);
    assert_int_equal(news.n_touching, 300 * TABLE_COMMITS);
}

static void test_overflow_is_told_once(void **state) {
    struct scene *s = *state;
    struct watch_news news;
    int size = 0;

    assert_int_equal(setsockopt(watch_fd(s->watch), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
    for (unsigned i = 0; i < 20; i++) {
        sample_apply(s->other, s->with);
        sample_apply(s->other, s->without);
    }
    assert_true(is_readable(s->watch));
    news = drain(s);
    assert_true(news.overflow);
    assert_true(news.n_commits < 40);
    sample_apply(s->other, s->with);
    news = drain(s);
    assert_false(news.overflow);
    assert_int_equal(news.n_touching, TABLE_COMMITS);
}

#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_open, scene_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_own_commits_are_silent),    SCENE_TEST(test_foreign_commit_is_told),
        SCENE_TEST(test_the_pid_is_the_committers), SCENE_TEST(test_what_touches_is_kept),
        SCENE_TEST(test_many_commits_are_counted),  SCENE_TEST(test_overflow_is_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
