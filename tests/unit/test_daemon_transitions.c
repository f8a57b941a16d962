/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of any host of the example, in any mode, taken to those of any other in a running
 * kernel, without the table ever being deleted: what is read back is what was wanted, nft lists
 * the same as where nothing was before, and counters go on. */
#include "nft_sample.h"

#include "example.h"
#include "listing.h"
#include "loading.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <sys/socket.h>

#define EXAMPLE     POLICY_DIR "/examples/jtel-acd.site.json"
#define SEED        4711U
#define TRANSITIONS 300U

/* Changes of the example site, merged over it. */
static const char *const changes[] = {
    "{}",
    "{'ingress':'audit'}",
    "{'egress':'audit'}",
    "{'ingress':'off'}",
    "{'egress':'off'}",
    "{'ingress':'off','egress':'off'}",
    "{'deny':{'ingress':'reject'}}",
    "{'deny':{'egress':'drop'}}",
    "{'products':{'jtel-acd':{'features':{'redundant':false,'tts':false}}}}",
    "{'products':{'host-baseline':{'features':{'ping':false,'dhcp':false,'dns':false,"
    "'ntp':false,'ssh':false,'packages':false}}}}",
    "{'products':{'jtel-acd':{'ports':{'rest':8092,'sip':5070,'haproxy':7778}}}}",
    /* single addresses where there were prefixes, and the other way round: sets made anew */
    "{'products':{'jtel-acd':{'peers':{'reporting-users':['10.20.0.9'],"
    "'voice-peers':['10.9.0.1','2001:db8:9::1'],'jtel-support':[]}}}}",
    "{'products':{'host-baseline':{'peers':{'resolvers':['10.0.0.0/28'],'mirrors':[]}}}}",
    "{'products':{'jtel-acd':{'peers':{'web-users':['10.30.0.0/16','10.32.0.0/16']}}}}",
    "{'hosts':{'acd-jb1':{'addresses':['10.1.0.99']},'acd-lb1':{'addresses':['10.1.0.98',"
    "'2001:db8:1::98']}}}",
    "{'flows':[],'management':['10.0.0.7']}",
};

static json_t *json_of(const char *text) {
    json_error_t error;
    char *copy = json_text(text);
    json_t *o = json_loads(copy, JSON_REJECT_DUPLICATES, &error);

    if (!o)
        fail_msg("%s: %s", copy, error.text);
    free(copy);
    return o;
}

struct wanted {
    struct ruleset *rules;
    char name[256]; /* for messages: host and changes */
};

static struct ruleset *compile_changed(const char *host, const char *const *merged, size_t n) {
    struct loaded loaded = { 0 };
    struct ruleset *rules;
    json_t *site = json_load_file(EXAMPLE, 0, NULL);
    char *text;

    assert_non_null(site);
    for (size_t i = 0; i < n; i++) {
        json_t *change = json_of(merged[i]);

        assert_int_equal(json_object_update_recursive(site, change), 0);
        json_decref(change);
    }
    text = json_dumps(site, 0);
    json_decref(site);
    example_load_text(text, &loaded);
    free(text);
    rules = example_compile(&loaded, host);
    loaded_clear(&loaded);
    return rules;
}

static const char *const hosts[] = {
    "acd-lb1",    "acd-lb2",   "acd-lb",    "acd-jb1",   "acd-jb2",   "acd-tel1",
    "acd-tel2",   "acd-dbm1",  "acd-dbm2",  "acd-dbs1",  "acd-dbs2",  "acd-store1",
    "acd-store2", "acd-chat1", "acd-chat2", "acd-rest1", "acd-rest2",
};

static struct wanted random_wanted(uint32_t *seed) {
    const char *host = hosts[random_next(seed) % ARRAY_SIZE(hosts)];
    const char *merged[2];
    struct wanted w;

    for (size_t i = 0; i < ARRAY_SIZE(merged); i++)
        merged[i] = changes[random_next(seed) % ARRAY_SIZE(changes)];
    w.rules = compile_changed(host, merged, ARRAY_SIZE(merged));
    snprintf(w.name, sizeof(w.name), "%s %s %s", host, merged[0], merged[1]);
    return w;
}

static int netns_open(void) {
    int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static char *listing(void) {
    return listing_sort(shell("nft -s list table inet portd"));
}

/* As nft lists it where nothing was before. Leaves the namespace as it was. */
static char *listing_of_fresh(const struct ruleset *want) {
    int home = netns_open();
    struct kernel *k;
    char *text;

    netns_enter();
    k = sample_kernel();
    sample_apply(k, want);
    text = listing();
    kernel_free(k);
    assert_int_equal(setns(home, CLONE_NEWNET), 0);
    close(home);
    return text;
}

static void test_every_host(void **state) {
    struct loaded loaded = { 0 };

    (void)state;
    netns_enter();
    example_load(EXAMPLE, &loaded);
    assert_int_equal(loaded.site->n_hosts, ARRAY_SIZE(hosts));
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        struct ruleset *want = example_compile(&loaded, hosts[i]);
        struct kernel *k;

        netns_enter();
        k = sample_kernel();
        sample_apply(k, want);
        assert_kernel_is(k, want);
        kernel_free(k);
        ruleset_free(want);
    }
    loaded_clear(&loaded);
}

/* The text of a ruleset is the same ruleset to nft. */
static void test_text_of_every_host_loads(void **state) {
    struct loaded loaded = { 0 };

    (void)state;
    netns_enter();
    example_load(EXAMPLE, &loaded);
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        struct ruleset *want = example_compile(&loaded, hosts[i]);
        char *text = ruleset_text(want);
        struct kernel *k;
        FILE *nft;

        netns_enter();
        nft = popen("nft -f -", "we");
        assert_non_null(nft);
        fputs(text, nft);
        assert_int_equal(pclose(nft), 0);
        k = sample_kernel();
        assert_kernel_is(k, want);
        kernel_free(k);
        free(text);
        ruleset_free(want);
    }
    loaded_clear(&loaded);
}

static void test_any_to_any(void **state) {
    uint32_t seed = SEED;
    struct kernel *k;

    (void)state;
    print_message("seed %u, %u transitions\n", SEED, TRANSITIONS);
    netns_enter();
    k = sample_kernel();
    for (unsigned i = 0; i < TRANSITIONS; i++) {
        struct wanted w = random_wanted(&seed);
        char *here, *fresh;

        sample_apply(k, w.rules);
        assert_kernel_is(k, w.rules);
        here = listing();
        fresh = listing_of_fresh(w.rules);
        if (strcmp(here, fresh) != 0) {
            fprintf(stderr, "--- here\n%s--- fresh\n%s", here, fresh);
            fail_msg("transition %u to %s", i, w.name);
        }
        free(here);
        free(fresh);
        ruleset_free(w.rules);
    }
    kernel_free(k);
}

/* The counters of `rules` with figures of their own, before anything else is there. */
static void seed_counters(const struct ruleset *rules) {
    FILE *nft = popen("nft -f -", "we");

    assert_non_null(nft);
    fputs("table inet portd {\n", nft);
    for (size_t i = 0; i < rules->n_counters; i++)
        fprintf(nft, "\tcounter %s {\n\t\tpackets %zu bytes %zu\n\t}\n", rules->counters[i].name,
                i + 1, 100 * (i + 1));
    fputs("}\n", nft);
    assert_int_equal(pclose(nft), 0);
}

/* A counter of both says what it said, a new one begins with nothing. Returns how many are in
 * both. */
static size_t assert_counters(struct kernel *k, const struct ruleset *before) {
    struct ruleset *have;
    uint32_t generation;
    size_t n = 0;

    assert_int_equal(kernel_read(k, &have, &generation), 0);
    for (size_t i = 0; i < have->n_counters; i++) {
        const struct counter *now = &have->counters[i], *c = ruleset_counter(before, now->name);

        n += c != NULL;
        assert_int_equal(now->packets, c ? (size_t)(c - before->counters) + 1 : 0);
        assert_int_equal(now->bytes, now->packets * 100);
    }
    ruleset_free(have);
    return n;
}

static void test_counters_go_on(void **state) {
    uint32_t seed = SEED;
    size_t n = 0;

    (void)state;
    netns_enter();
    for (unsigned i = 0; i < 30; i++) {
        struct wanted from = random_wanted(&seed), to = random_wanted(&seed);
        struct kernel *k;

        netns_enter();
        seed_counters(from.rules);
        k = sample_kernel();
        sample_apply(k, from.rules);
        assert_int_equal(assert_counters(k, from.rules), from.rules->n_counters);
        sample_apply(k, to.rules);
        n += assert_counters(k, from.rules);
        kernel_free(k);
        ruleset_free(from.rules);
        ruleset_free(to.rules);
    }
    assert_true(n > 100);
}

static void send_question(const char *server) {
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(inet_pton(AF_INET, server, &to.sin_addr), 1);
    assert_int_equal(sendto(fd, "?", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    close(fd);
}

static void assert_counted(struct kernel *k, const char *name, uint64_t packets) {
    struct ruleset *have;
    const struct counter *c;
    uint32_t generation;

    assert_int_equal(kernel_read(k, &have, &generation), 0);
    c = ruleset_counter(have, name);
    assert_non_null(c);
    assert_int_equal(c->packets, packets);
    ruleset_free(have);
}

/* With packets: the rules of acd-lb1 change to those of acd-tel1 between two questions to the
 * resolver, and by a change that makes the resolvers' set anew. */
static void test_packets_are_counted_on(void **state) {
    static const char name[] = "out/host-baseline/dns";
    struct ruleset *wants[3];
    struct kernel *k;

    (void)state;
    netns_enter();
    wants[0] = compile_changed("acd-lb1", NULL, 0);
    wants[1] = compile_changed("acd-tel1", NULL, 0);
    wants[2] = compile_changed(
        "acd-tel1",
        (const char *const[]){
            "{'products':{'host-baseline':{'peers':{'resolvers':['10.0.0.0/26']}}}}" },
        1);
    shell_quiet("ip link add test0 type veth peer name test1 && ip link set test1 up &&"
                "ip link set test0 up && ip addr add 10.0.0.9/24 dev test0 &&"
                "ip neigh add 10.0.0.53 lladdr 02:00:00:00:00:01 dev test0");
    k = sample_kernel();
    for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
        sample_apply(k, wants[i]);
        send_question("10.0.0.53");
        assert_counted(k, name, i + 1);
    }
    kernel_free(k);
    for (size_t i = 0; i < ARRAY_SIZE(wants); i++)
        ruleset_free(wants[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_host),
        cmocka_unit_test(test_text_of_every_host_loads),
        cmocka_unit_test(test_any_to_any),
        cmocka_unit_test(test_counters_go_on),
        cmocka_unit_test(test_packets_are_counted_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
