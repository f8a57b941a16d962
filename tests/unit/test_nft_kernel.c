/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel layer against a real kernel, each test in a network namespace of its own, with nft
 * as a witness from outside. */
#include "nft_sample.h"

#include "tampers.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define DISTURBED_SEC 120 /* at most */

struct scene {
    struct kernel *kernel, *other; /* two netlink ports of this process */
    struct ruleset *want;          /* the sample; in the kernel already */
    uint32_t generation;           /* that its commit made */
};

static int scene_open(void **state) {
    struct scene *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    netns_enter();
    s->kernel = sample_kernel();
    s->other = sample_kernel();
    s->want = sample_new();
    s->generation = sample_apply(s->kernel, s->want);
    *state = s;
    return 0;
}

static int scene_close(void **state) {
    struct scene *s = *state;

    kernel_free(s->kernel);
    kernel_free(s->other);
    ruleset_free(s->want);
    free(s);
    return 0;
}

static struct ruleset *read_all(struct kernel *k, uint32_t *ret_generation) {
    struct ruleset *have;

    assert_int_equal(kernel_read(k, &have, ret_generation), 0);
    return have;
}

static struct plan *diff(const struct ruleset *want, const struct ruleset *have) {
    struct plan *plan;

    assert_int_equal(ruleset_diff(want, have, &plan), 0);
    return plan;
}

static void test_reads_back_what_it_wrote(void **state) {
    struct scene *s = *state;

    assert_kernel_is(s->kernel, s->want);
}

/* UPDATE_GOLDEN=1 in the environment writes the file anew, to be looked at in the diff. */
static void test_nft_lists_what_we_mean(void **state) {
    static const char golden[] = SOURCE_DIR "/tests/golden/nft/sample.nft";
    char *listing = shell("nft -s list table inet portd | sed -E 's/ timeout [0-9a-z]+//'");
    char *expected = shell("cat %s", golden);

    (void)state;
    if (getenv("UPDATE_GOLDEN")) {
        FILE *f = fopen(golden, "we");

        assert_non_null(f);
        fputs(listing, f);
        fclose(f);
    } else {
        assert_string_equal(listing, expected);
    }
    free(listing);
    free(expected);
}

/* What nft makes of its own listing is what we made: expression by expression. */
static void test_listing_loads_again_as_the_same(void **state) {
    struct scene *s = *state;
    struct kernel *fresh;

    shell_quiet("nft list ruleset > /tmp/portd-test-$PPID.nft");
    netns_enter();
    shell_quiet("nft -f /tmp/portd-test-$PPID.nft; r=$?; rm /tmp/portd-test-$PPID.nft; exit $r");
    fresh = sample_kernel();
    assert_kernel_is(fresh, s->want);
    kernel_free(fresh);
}

static void test_no_table_reads_as_nothing(void **state) {
    struct kernel *k;
    struct ruleset *have;
    uint32_t generation;

    (void)state;
    netns_enter();
    k = sample_kernel();
    shell_quiet("nft add table ip portd; nft add chain ip portd c");
    have = read_all(k, &generation);
    assert_false(have->exists);
    assert_int_equal(have->n_chains, 0);
    ruleset_free(have);
    kernel_free(k);
}

/* The same as in a dump of all, and nothing but them. */
static void test_counters_are_read_alone(void **state) {
    struct scene *s = *state;
    struct ruleset *have, *counters;
    const struct counter *c;
    uint32_t generation;

    shell_quiet("nft add counter inet portd busy '{ packets 7 bytes 900; }'");
    have = read_all(s->kernel, &generation);
    assert_int_equal(kernel_read_counters(s->kernel, &counters), 0);
    assert_int_equal(counters->n_counters, have->n_counters);
    assert_int_equal(counters->n_chains + counters->n_sets, 0);
    for (size_t i = 0; i < have->n_counters; i++)
        assert_non_null(ruleset_counter(counters, have->counters[i].name));
    c = ruleset_counter(counters, "busy");
    assert_int_equal(c->packets, 7);
    assert_int_equal(c->bytes, 900);
    ruleset_free(have);
    ruleset_free(counters);

    shell_quiet("nft delete table inet portd");
    assert_int_equal(kernel_read_counters(s->kernel, &counters), 0);
    assert_int_equal(counters->n_counters, 0);
    ruleset_free(counters);
}

static void test_an_empty_plan_sends_nothing(void **state) {
    struct scene *s = *state;
    uint32_t before, after;

    assert_int_equal(kernel_generation(s->kernel, &before), 0);
    assert_int_equal(sample_apply(s->kernel, s->want), before);
    assert_int_equal(kernel_generation(s->kernel, &after), 0);
    assert_int_equal(before, after);
}

static void test_generation_is_that_of_our_commit(void **state) {
    struct scene *s = *state;
    struct ruleset *nothing = sample_nothing();
    uint32_t now, ours;

    assert_int_equal(kernel_generation(s->kernel, &now), 0);
    assert_int_equal(s->generation, now);
    ours = sample_apply(s->kernel, nothing);
    assert_int_equal(ours, now + 2); /* what hooks goes first */
    ruleset_free(nothing);
}

static void test_a_stale_plan_changes_nothing(void **state) {
    struct scene *s = *state;
    struct report report = REPORT_INIT;
    struct ruleset *nothing = sample_nothing(), *have;
    uint32_t generation, after = 7;
    struct plan *plan;

    have = read_all(s->kernel, &generation);
    plan = diff(nothing, have);
    shell_quiet("nft add table inet elsewhere");
    assert_int_equal(kernel_apply(s->kernel, plan, generation, &after, &report), KERNEL_E_STALE);
    assert_int_equal(after, 7);
    assert_true(report_is_empty(&report));
    assert_kernel_is(s->kernel, s->want);
    plan_free(plan);
    ruleset_free(have);
    ruleset_free(nothing);
}

/* Two rules to nowhere: each is told, by its comment, and nothing is changed. */
static void test_a_refusal_names_its_rules(void **state) {
    struct scene *s = *state;
    struct report report = REPORT_INIT;
    struct ruleset *want = sample_new(), *have;
    uint32_t generation, after;
    struct chain *c;
    struct plan *plan;

    c = sample_chain(want, "in_2");
    SAMPLE_RULE(want, c, "good", S_ACCEPT);
    SAMPLE_RULE(want, c, "jtel-acd/bad", S_TO(VERDICT_GOTO, "missing"));
    SAMPLE_RULE(want, c, NULL, S_ADDRESS(FAMILY_IPV4, SIDE_SOURCE, "missing"), S_ACCEPT);
    assert_int_equal(ruleset_index(want), 0);
    have = read_all(s->kernel, &generation);
    plan = diff(want, have);
    assert_int_equal(kernel_apply(s->kernel, plan, generation, &after, &report), KERNEL_E_REFUSED);
    assert_int_equal(report.n_entries, 2);
    assert_string_equal(report.entries[0].text,
                        "jtel-acd/bad: the kernel refuses to add the rule in chain in_2: "
                        "No such file or directory");
    assert_string_equal(report.entries[1].text,
                        "in_2: the kernel refuses to add the rule in chain in_2: "
                        "No such file or directory");
    assert_kernel_is(s->kernel, s->want);
    report_clear(&report);
    plan_free(plan);
    ruleset_free(have);
    ruleset_free(want);
}

/* More answers than the socket holds: some are lost, the outcome is not. */
static void test_many_refusals_are_a_refusal(void **state) {
    struct scene *s = *state;
    struct report report = REPORT_INIT;
    struct ruleset *want = sample_new(), *have;
    uint32_t generation, after;
    struct chain *c;
    struct plan *plan;

    c = sample_chain(want, "in_2");
    for (unsigned i = 0; i < 20000; i++)
        SAMPLE_RULE(want, c, "bad", S_TO(VERDICT_GOTO, "missing"));
    assert_int_equal(ruleset_index(want), 0);
    have = read_all(s->kernel, &generation);
    plan = diff(want, have);
    assert_int_equal(kernel_apply(s->kernel, plan, generation, &after, &report), KERNEL_E_REFUSED);
    assert_int_equal(report.n_entries, REPORT_MAX);
    assert_true(report.n_entries + report.n_dropped < 20000);
    assert_kernel_is(s->kernel, s->want);
    report_clear(&report);
    plan_free(plan);
    ruleset_free(have);
    ruleset_free(want);
}

/* What nftables has no words for is refused before anything is sent. */
static void test_the_unsayable_is_not_sent(void **state) {
    static const struct stmt unsayable[] = {
        S_PORT(PROTOCOL_TCP, SIDE_SOURCE, 2, 1),
        S_ICMP(PROTOCOL_TCP, 1),
        S_TO(VERDICT_GOTO, NULL),
        S_COUNTER(""),
        { .type = STMT_LIMIT, .limit = { 200, 0 } },
        { .type = STMT_LIMIT, .limit = { 0, 5 } },
    };
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_SIZE(unsayable); i++) {
        struct report report = REPORT_INIT;
        struct ruleset *want = sample_new(), *have;
        uint32_t generation, after;
        struct plan *plan;

        sample_rule(want, sample_chain(want, "in_2"), "odd", &unsayable[i], 1);
        assert_int_equal(ruleset_index(want), 0);
        have = read_all(s->kernel, &generation);
        plan = diff(want, have);
        assert_int_equal(kernel_apply(s->kernel, plan, generation, &after, &report),
                         KERNEL_E_REFUSED);
        assert_int_equal(report.n_entries, 1);
        assert_memory_equal(report.entries[0].text, "odd: ", 5);
        assert_int_equal(kernel_generation(s->kernel, &after), 0);
        assert_int_equal(after, generation);
        report_clear(&report);
        plan_free(plan);
        ruleset_free(have);
        ruleset_free(want);
    }
}

/* NULL: seen and repaired; else what went wrong. */
static const char *tamper_try(struct scene *s, const char *command) {
    struct report report = REPORT_INIT;
    const char *problem = NULL;
    struct ruleset *have;
    uint32_t generation;
    struct plan *plan;

    if (system(command) != 0)
        return "nft doesn't take it";
    have = read_all(s->kernel, &generation);
    plan = diff(s->want, have);
    if (plan_is_empty(plan))
        problem = "not seen";
    else if (kernel_apply(s->kernel, plan, generation, &generation, &report) != 0)
        problem = report.n_entries ? "refused" : "not applied";
    report_print(&report, stderr);
    report_clear(&report);
    plan_free(plan);
    ruleset_free(have);
    have = read_all(s->kernel, &generation);
    plan = diff(s->want, have);
    if (!problem && !plan_is_empty(plan))
        problem = "not repaired";
    plan_free(plan);
    ruleset_free(have);
    return problem;
}

static void test_tampering_is_seen_and_repaired(void **state) {
    struct scene *s = *state;
    unsigned n_problems = 0;

    for (size_t i = 0; i < ARRAY_SIZE(tampers); i++) {
        const char *problem = tamper_try(s, tampers[i]);

        if (!problem)
            continue;
        print_error("%s: %s\n", problem, tampers[i]);
        shell_quiet("nft flush ruleset");
        sample_apply(s->kernel, s->want);
        n_problems++;
    }
    assert_int_equal(n_problems, 0);
    assert_kernel_is(s->kernel, s->want);
}

/* An admin's addition beside a range is deleted alone; the range itself never leaves the set. */
static void test_touching_ranges_stay_apart(void **state) {
    struct scene *s = *state;
    struct ruleset *have;
    uint32_t generation;
    struct plan *plan;

    shell_quiet("nft 'add element inet portd nets_4 { 10.2.0.0/16 }'");
    have = read_all(s->kernel, &generation);
    plan = diff(s->want, have);
    assert_int_equal(plan->n_ops, 1);
    assert_int_equal(plan->ops[0].type, PLAN_ELEMENTS_DELETE);
    assert_int_equal(plan->ops[0].n_elements, 1);
    plan_free(plan);
    ruleset_free(have);
}

static const struct {
    const char *command, *foreign;
} foreigners[] = {
    { "nft 'add set inet portd extra { type ether_addr; }'", "a set of type 9" },
    { "nft 'add set inet portd extra { type ipv4_addr; flags timeout; }'", "a set with timeouts" },
    { "nft 'add set inet portd extra { type ipv4_addr; size 5; }'", "a set with a size" },
    { "nft 'add map inet portd extra { type ipv4_addr : mark; }'",
      "a map of something else than verdicts" },
    { "nft 'add set inet portd extra { type inet_service; flags interval; }'",
      "a set of ranges of ports" },
    { "nft 'add set inet portd extra { type ipv4_addr; }; "
      "add element inet portd extra { 1.1.1.1 comment \"x\" }'",
      "an element with a comment" },
    { "nft 'add set inet portd extra { type ipv4_addr; }; "
      "add element inet portd extra { * }'",
      "a catch-all element" },
};

static void test_foreign_sets_say_what_they_are(void **state) {
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_SIZE(foreigners); i++) {
        struct ruleset *have;
        uint32_t generation;

        shell_quiet(foreigners[i].command);
        have = read_all(s->kernel, &generation);
        assert_non_null(ruleset_set(have, "extra"));
        assert_non_null(ruleset_set(have, "extra")->foreign);
        assert_string_equal(ruleset_set(have, "extra")->foreign, foreigners[i].foreign);
        ruleset_free(have);
        shell_quiet("nft delete set inet portd extra || nft delete map inet portd extra");
    }
}

static void test_foreign_objects_say_what_they_are(void **state) {
    struct scene *s = *state;
    struct ruleset *have;
    uint32_t generation;
    const struct chain *c;

    shell_quiet("nft 'add quota inet portd extra { over 5 mbytes }; "
                "add chain inet portd odd { type nat hook prerouting priority 5; }; "
                "add rule inet portd in_1 meta mark 1 counter accept'");
    have = read_all(s->kernel, &generation);
    assert_string_equal(ruleset_counter(have, "extra")->foreign, "quota");
    assert_int_equal(ruleset_counter(have, "extra")->foreign_type, 2); /* NFT_OBJECT_QUOTA */
    assert_string_equal(ruleset_chain(have, "odd")->foreign, "a base chain of type nat");
    c = ruleset_chain(have, "in_1");
    assert_int_equal(c->n_rules, 3);
    assert_null(c->rules[1].foreign);
    assert_string_equal(c->rules[2].foreign, "meta, cmp, counter, immediate");
    ruleset_free(have);
}

static void test_a_policy_changes_in_place(void **state) {
    struct scene *s = *state;
    struct ruleset *before, *after;
    uint32_t generation;

    before = read_all(s->kernel, &generation);
    shell_quiet("nft 'chain inet portd input { policy accept; }'");
    sample_apply(s->kernel, s->want);
    after = read_all(s->kernel, &generation);
    assert_int_equal(ruleset_chain(after, "input")->policy, CHAIN_DROP);
    assert_int_equal(ruleset_chain(after, "input")->handle, ruleset_chain(before, "input")->handle);
    ruleset_free(before);
    ruleset_free(after);
}

/* Adds a set and a counter in one transaction and deletes them in another, as long as we live. */
static pid_t disturber_start(void) {
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("sh", "sh", "-c",
               "while nft 'add set inet portd both { type ipv4_addr; };"
               " add counter inet portd both' &&"
               " nft 'delete set inet portd both; delete counter inet portd both'; do :; done",
               NULL);
        _exit(1);
    }
    return pid;
}

/* Sets and counters are dumps of their own: whoever sees one without the other has read across a
 * commit. */
static void test_a_dump_holds_while_others_commit(void **state) {
    struct scene *s = *state;
    pid_t pid = disturber_start();
    unsigned n_with = 0, n_without = 0, n_torn = 0;
    time_t end = time(NULL) + DISTURBED_SEC;

    while (n_with < 50 || n_without < 50 || kernel_retries(s->kernel) < 50) {
        bool has_set, has_counter;
        struct ruleset *have;
        uint32_t generation;
        int r = kernel_read(s->kernel, &have, &generation);

        if (time(NULL) > end)
            fail_msg("%u dumps with, %u without, %" PRIu64 " begun anew", n_with, n_without,
                     kernel_retries(s->kernel));
        if (r == -EAGAIN)
            continue;
        assert_int_equal(r, 0);
        has_set = ruleset_set(have, "both");
        has_counter = ruleset_counter(have, "both");
        n_with += has_set;
        n_without += !has_set;
        n_torn += has_set != has_counter;
        ruleset_free(have);
    }
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    assert_int_equal(n_torn, 0);
}

#define LARGE 100000U

static struct ruleset *large_new(bool is_interval, unsigned stride) {
    struct ruleset *r = ruleset_new();
    struct set *set;

    assert_non_null(r);
    r->exists = true;
    set = sample_set(r, "large", SET_IPV4, is_interval, false);
    for (unsigned i = 0; i < LARGE; i += stride) {
        uint32_t lo = htobe32(0x0a000000U + i * 4), hi = htobe32(0x0a000000U + i * 4 + 1);
        struct element *e = sample_element(r, set);

        memcpy(e->range.lo.bytes, &lo, sizeof(lo));
        memcpy(e->range.hi.bytes, is_interval ? &hi : &lo, sizeof(hi));
    }
    assert_int_equal(ruleset_index(r), 0);
    return r;
}

static void large_test(bool is_interval) {
    struct ruleset *all = large_new(is_interval, 1), *half = large_new(is_interval, 2);
    struct kernel *k;

    netns_enter();
    k = sample_kernel();
    sample_apply(k, all);
    assert_kernel_is(k, all);
    sample_apply(k, half);
    assert_kernel_is(k, half);
    kernel_free(k);
    ruleset_free(all);
    ruleset_free(half);
}

static void test_large_hash_set(void **state) {
    (void)state;
    large_test(false);
}

static void test_large_interval_set(void **state) {
    (void)state;
    large_test(true);
}

static void test_without_rights_it_says_so(void **state) {
    pid_t pid;
    int status;

    (void)state;
    netns_enter();
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct report report = REPORT_INIT;
        struct kernel *k;
        bool is_right = setresuid(65534, 65534, 65534) == 0 &&
                        kernel_open(-1, &k, &report) == KERNEL_E_UNUSABLE &&
                        report.n_entries == 1 && strstr(report.entries[0].text, "CAP_NET_ADMIN");

        _exit(is_right ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_open, scene_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_reads_back_what_it_wrote),
        SCENE_TEST(test_nft_lists_what_we_mean),
        SCENE_TEST(test_listing_loads_again_as_the_same),
        cmocka_unit_test(test_no_table_reads_as_nothing),
        SCENE_TEST(test_counters_are_read_alone),
        SCENE_TEST(test_an_empty_plan_sends_nothing),
        SCENE_TEST(test_generation_is_that_of_our_commit),
        SCENE_TEST(test_a_stale_plan_changes_nothing),
        SCENE_TEST(test_a_refusal_names_its_rules),
        SCENE_TEST(test_many_refusals_are_a_refusal),
        SCENE_TEST(test_the_unsayable_is_not_sent),
        SCENE_TEST(test_tampering_is_seen_and_repaired),
        SCENE_TEST(test_touching_ranges_stay_apart),
        SCENE_TEST(test_foreign_sets_say_what_they_are),
        SCENE_TEST(test_foreign_objects_say_what_they_are),
        SCENE_TEST(test_a_policy_changes_in_place),
        SCENE_TEST(test_a_dump_holds_while_others_commit),
        cmocka_unit_test(test_large_hash_set),
        cmocka_unit_test(test_large_interval_set),
        cmocka_unit_test(test_without_rights_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
