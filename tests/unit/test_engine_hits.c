/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at the counters of two flows: `web` opens something in one direction, `dns` in both. */
#include "engine/hits.h"

#include "loading.h"

static struct intent_flow flows[] = {
    { .id = "a/web", .state = { [DIRECTION_OUT] = FLOW_NOT_MINE } },
    { .id = "a/dns" },
};
static const struct intent intent = { .flows = flows, .n_flows = ARRAY_SIZE(flows) };

struct scene {
    struct hits hits;
    uint64_t now;
};

/* A look at these numbers, later than the one before. */
static int look(struct scene *s, uint64_t web, uint64_t dns_in, uint64_t dns_out) {
    struct ruleset *have = ruleset_new();
    static const char *const names[] = { "in/a/web", "in/a/dns", "out/a/dns" };
    const uint64_t packets[] = { web, dns_in, dns_out };
    int r;

    assert_non_null(have);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct counter *c = ARENA_APPEND(have->arena, have->counters, have->n_counters);

        assert_non_null(c);
        c->name = names[i];
        c->packets = packets[i];
    }
    assert_int_equal(ruleset_index(have), 0);
    s->now += 60;
    r = hits_take(&s->hits, &intent, have, s->now);
    assert_true(r >= 0);
    ruleset_free(have);
    return r;
}

static void holds(const struct scene *s, const struct intent_flow *f, uint64_t last,
                  uint64_t since) {
    uint64_t got_last = 0, got_since = 0;

    assert_int_equal(hits_of(&s->hits, f, &got_last, &got_since), since != 0);
    assert_int_equal(got_last, last);
    assert_int_equal(got_since, since);
}

static void counters_that_rise(void **state _unused_) {
    struct scene s = { 0 };

    holds(&s, &flows[0], 0, 0);
    assert_int_equal(look(&s, 0, 0, 0), 1);
    holds(&s, &flows[0], 0, 60);
    holds(&s, &flows[1], 0, 60);
    assert_int_equal(look(&s, 0, 0, 0), 0);
    assert_int_equal(look(&s, 0, 0, 4), 1);
    holds(&s, &flows[0], 0, 60);
    holds(&s, &flows[1], 180, 60);
    look(&s, 0, 1, 4);
    holds(&s, &flows[1], 240, 60);
    assert_int_equal(look(&s, 0, 1, 4), 0);
    holds(&s, &flows[1], 240, 60);
    hits_clear(&s.hits);
}

/* The table was made anew. */
static void counters_that_fall(void **state _unused_) {
    struct scene s = { 0 };

    look(&s, 9, 0, 0);
    holds(&s, &flows[0], 60, 60);
    look(&s, 0, 0, 0);
    holds(&s, &flows[0], 60, 60);
    look(&s, 9, 0, 0);
    holds(&s, &flows[0], 180, 60);
    look(&s, 3, 0, 0);
    holds(&s, &flows[0], 240, 60);
    hits_clear(&s.hits);
}

/* What a flow was hit before it was closed is remembered; that it was closed is, too. */
static void flows_that_close(void **state _unused_) {
    struct scene s = { 0 };

    look(&s, 9, 0, 0);
    flows[0].state[DIRECTION_IN] = flows[1].state[DIRECTION_OUT] = FLOW_UNBOUND;
    look(&s, 0, 0, 0);
    assert_int_equal(s.hits.n, 2); /* out/a/dns was never hit */
    holds(&s, &flows[0], 0, 0);
    holds(&s, &flows[1], 0, 60);
    flows[0].state[DIRECTION_IN] = flows[1].state[DIRECTION_OUT] = FLOW_ACTIVE;
    look(&s, 0, 0, 0);
    holds(&s, &flows[0], 60, 180);
    holds(&s, &flows[1], 0, 180);
    hits_clear(&s.hits);
}

static void restart(struct scene *s, uint64_t before, uint64_t after) {
    json_t *o = hits_json(&s->hits, before);
    struct hits copy = { 0 };

    assert_non_null(o);
    assert_int_equal(hits_parse(o, after, &copy), 0);
    assert_int_equal(copy.n, s->hits.n);
    json_decref(o);
    hits_clear(&s->hits);
    s->hits = copy;
}

/* In a new boot the same number is another. */
static void restarts(void **state _unused_) {
    struct scene s = { 0 };

    look(&s, 9, 5, 0);
    restart(&s, 100, 100);
    assert_int_equal(look(&s, 9, 5, 0), 0);
    holds(&s, &flows[0], 60, 60);
    restart(&s, 100, 99);
    look(&s, 9, 0, 0);
    holds(&s, &flows[0], 180, 60);
    holds(&s, &flows[1], 60, 60);
    hits_clear(&s.hits);
}

static void files_of_others(void **state _unused_) {
    static const char *const texts[] = {
        "[]",
        "{}",
        "{'format': 2, 'uptime_usec': 1, 'flows': {}}",
        "{'format': 1, 'flows': {}}",
        "{'format': 1, 'uptime_usec': 1, 'flows': []}",
        "{'format': 1, 'uptime_usec': 1, 'flows': {'in/a': 1}}",
        "{'format': 1, 'uptime_usec': 1, 'flows': {'in/a': {'packets': 1, 'last_usec': 1}}}",
        "{'format': 1, 'uptime_usec': 1, 'flows': {'in/a': {'packets': 1, 'last_usec': 1, "
        "'since_usec': -1}}}",
    };
    struct scene s = { 0 };

    look(&s, 9, 0, 0);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        _cleanup_(freep) char *text = json_text(texts[i]);
        json_t *o = json_loads(text, 0, NULL);

        assert_non_null(o);
        assert_int_equal(hits_parse(o, 1, &s.hits), HITS_E_INVALID);
        json_decref(o);
    }
    assert_int_equal(hits_parse(NULL, 1, &s.hits), HITS_E_INVALID);
    holds(&s, &flows[0], 60, 60);
    hits_clear(&s.hits);
}

/* Those that are no longer there make room. */
static void bounds(void **state _unused_) {
    struct scene s = { .hits = { .items = calloc(HITS_MAX, sizeof(struct hit)), .n = HITS_MAX } };

    assert_non_null(s.hits.items);
    for (size_t i = 0; i < HITS_MAX; i++) {
        s.hits.items[i].last_usec = 1;
        assert_true(asprintf(&s.hits.items[i].counter, "in/b/%05zu", i) > 0);
    }
    look(&s, 1, 0, 0);
    assert_int_equal(s.hits.n, 3);
    holds(&s, &flows[0], 60, 60);
    hits_clear(&s.hits);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_that_rise), cmocka_unit_test(counters_that_fall),
        cmocka_unit_test(flows_that_close),   cmocka_unit_test(restarts),
        cmocka_unit_test(files_of_others),    cmocka_unit_test(bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
