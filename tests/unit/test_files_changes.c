/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What changes_find() says of two sites is what their compiled rules do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/changes.h"

#include "example.h"
#include "loading.h"

#define PROBES_A_FLOW 40U

static struct intent *load(const char *policy, const char *site) {
    _cleanup_(freep) char *policy_text = json_text(policy), *site_text = json_text(site);
    const struct source policies = { "p.json", policy_text, strlen(policy_text) };
    const struct source sites = { "site.json", site_text, strlen(site_text) };
    struct report mistakes = REPORT_INIT;
    struct loaded loaded = { 0 };
    struct intent *intent;
    int r = sources_load(&policies, 1, &sites, 1, &loaded, &mistakes);

    report_print(&mistakes, stderr);
    assert_int_equal(r, 0);
    intent = example_intent(&loaded, "a");
    loaded_clear(&loaded);
    return intent;
}

#define POLICY(flows)                                                                              \
    "{'format': 1, 'product': 'p', 'title': 'P', 'source': 'x', 'roles': {'A': {'title': 'A'}, "   \
    "'B': {'title': 'B'}}, 'peers': {'lic': {'title': 'L', 'hostnames': ['a.example.net']}, "      \
    "'two': {'title': 'L', 'hostnames': ['b.example.net', 'a.example.net']}}, 'features': {}, "    \
    "'ports': {}, 'flows': [" flows "]}"
#define ROW(id, from, to, service)                                                                 \
    "{'id': '" id "', 'from': ['" from "'], 'to': ['" to "'], 'services': ['" service              \
    "'], 'title': 't', 'ref': 'r'}"

static const char site[] =
    "{'format': 1, 'site': 's', 'hosts': {'a': {'roles': ['p/A'], 'addresses': ['10.0.0.1', "
    "'2001:db8::1']}, 'b': {'roles': ['p/B'], 'addresses': ['10.0.0.2']}, 'b2': {'roles': ['p/B'], "
    "'addresses': ['10.0.0.9', '2001:db8::9']}}}";

static void append_texts(char *text, const char *what, const struct flow_change *c, size_t n) {
    for (size_t i = 0; i < n; i++) {
        _cleanup_(freep) char *line = change_text(&c[i]);

        assert_non_null(line);
        strcat(strcat(strcat(text, what), line), "\n");
    }
}

static void expect(const char *then_policy, const char *now_policy, const char *want) {
    _cleanup_(intent_freep) struct intent *then = load(then_policy, site),
                                          *now = load(now_policy, site);
    _cleanup_(changes_freep) struct changes *c = NULL;
    char text[4096] = "";

    assert_int_equal(changes_find(then, now, &c), 0);
    append_texts(text, "+ ", c->opened, c->n_opened);
    append_texts(text, "- ", c->closed, c->n_closed);
    assert_string_equal(text, want);
}

static void test_texts(void **state _unused_) {
    const char *one = POLICY(ROW("x", "B", "A", "tcp/80"));

    expect(one, one, "");
    expect(one, POLICY(ROW("y", "B", "A", "tcp/80")), "");
    expect(one, POLICY(ROW("x", "B", "A", "tcp/80") "," ROW("y", "B", "A", "tcp/80")), "");
    expect(one, POLICY(ROW("x", "B", "A", "tcp/81")),
           "+ tcp/81 from 10.0.0.2, 10.0.0.9, 2001:db8::9 (p/x)\n"
           "- tcp/80 from 10.0.0.2, 10.0.0.9, 2001:db8::9 (p/x)\n");
    expect(one, POLICY(ROW("x", "A", "B", "tcp/80")),
           "+ tcp/80 to 10.0.0.2, 10.0.0.9, 2001:db8::9 (p/x)\n"
           "- tcp/80 from 10.0.0.2, 10.0.0.9, 2001:db8::9 (p/x)\n");
    expect(one, POLICY(ROW("x", "any", "A", "tcp/80")),
           "+ tcp/80 from 0.0.0.0-10.0.0.1, 10.0.0.3-10.0.0.8, 10.0.0.10-255.255.255.255, "
           "::-2001:db8::8 and 1 more (p/x)\n");
    expect(POLICY(ROW("x", "any", "A", "icmp")), one,
           "+ tcp/80 from 10.0.0.2, 10.0.0.9, 2001:db8::9 (p/x)\n"
           "- icmp from any (p/x)\n");
}

/* Rows that are cut and put together otherwise. */
static void test_pieces(void **state _unused_) {
    const char *split =
        POLICY(ROW("x", "B", "A", "tcp/100-149") "," ROW("y", "B", "A", "tcp/150-200"));

    expect(split, POLICY(ROW("x", "B", "A", "tcp/100-200")), "");
    expect(POLICY(ROW("x", "B", "A", "tcp/100-200")), split, "");
    expect(split, POLICY(ROW("x", "B", "A", "tcp/90-210")),
           "+ tcp/90-99 from 10.0.0.2, 10.0.0.9, 2001:db8::9 (p/x)\n"
           "+ tcp/201-210 from 10.0.0.2, 10.0.0.9, 2001:db8::9 (p/x)\n");
    expect(split, POLICY(ROW("x", "B", "A", "tcp/120-180")),
           "- tcp/100-119 from 10.0.0.2, 10.0.0.9, 2001:db8::9 (p/x)\n"
           "- tcp/181-200 from 10.0.0.2, 10.0.0.9, 2001:db8::9 (p/y)\n");
    expect(split, POLICY(ROW("x", "B", "A", "udp/100-200")),
           "+ udp/100-200 from 10.0.0.2, 10.0.0.9, 2001:db8::9 (p/x)\n"
           "- tcp/100-149 from 10.0.0.2, 10.0.0.9, 2001:db8::9 (p/x)\n"
           "- tcp/150-200 from 10.0.0.2, 10.0.0.9, 2001:db8::9 (p/y)\n");
    expect(POLICY(ROW("x", "B", "A", "tcp/65535")), POLICY(ROW("x", "B", "A", "tcp/1-65535")),
           "+ tcp/1-65534 from 10.0.0.2, 10.0.0.9, 2001:db8::9 (p/x)\n");
}

static void test_hostnames(void **state _unused_) {
    expect(POLICY(ROW("x", "A", "lic", "tcp/80")), POLICY(ROW("x", "A", "two", "tcp/80")),
           "+ tcp/80 to b.example.net (p/x)\n");
    expect(POLICY(ROW("x", "A", "two", "tcp/80")), POLICY(ROW("x", "A", "lic", "tcp/80-81")),
           "+ tcp/81 to a.example.net (p/x)\n- tcp/80 to b.example.net (p/x)\n");
    expect(POLICY(ROW("x", "A", "any", "tcp/80")),
           POLICY(ROW("x", "A", "any", "tcp/80") "," ROW("y", "A", "lic", "tcp/80")), "");
}

/* --- against the evaluator --- */

struct pair {
    struct loaded then, now;
};

static void load_variant(const char *drop_in, struct loaded *ret) {
    static const char *const dirs[] = { POLICY_DIR };
    const char *path = POLICY_DIR "/examples/jtel-acd.site.json";
    _cleanup_(files_freep) struct files *files = NULL;
    _cleanup_(freep) char *text = json_text(drop_in);
    struct report mistakes = REPORT_INIT;
    struct source sources[2];

    assert_int_equal(files_read(path, dirs, ARRAY_SIZE(dirs), &files, &mistakes), 0);
    sources[0] = files->site.sources[0];
    sources[1] = (struct source){ "drop-in.json", text, strlen(text) };
    assert_int_equal(
        sources_load(files->policies.sources, files->policies.n, sources, 2, ret, &mistakes), 0);
}

static bool concerns(const struct flow_change *c, size_t n, enum direction d, uint8_t protocol,
                     uint16_t port, enum family f, const struct address *other) {
    for (size_t i = 0; i < n; i++)
        if (change_concerns(&c[i], d, protocol, port, f, other))
            return true;
    return false;
}

/* An address of one of the parties of a flow, or one beside it. */
static bool any_address(const struct intent_flow *flow, enum direction d, enum family f,
                        uint32_t *seed, struct address *ret) {
    size_t n;
    struct party **others = flow_others(flow, d, &n);
    const struct party *p = n ? others[random_next(seed) % n] : NULL;

    if (!p || p->ranges[f].n == 0)
        return false;
    *ret = p->ranges[f].items[random_next(seed) % p->ranges[f].n].lo;
    if (random_next(seed) % 4 == 0)
        ret->bytes[family_size(f) - 1]++;
    return true;
}

static size_t probe(const struct changes *c, const struct ruleset *then, const struct ruleset *now,
                    const struct intent_flow *flow, enum direction d, uint32_t *seed) {
    enum family f = random_next(seed) % FAMILY_MAX;
    const struct service *s = &flow->services[random_next(seed) % flow->n_services];
    struct packet p = { .direction = d,
                        .family = f,
                        .protocol = s->protocol,
                        .source_port = 40000,
                        .ct_state = CT_STATE_NEW,
                        .destination_type = ADDRESS_TYPE_UNICAST };
    struct address other;
    bool was, is;

    if (!protocol_has_ports(s->protocol) || !any_address(flow, d, f, seed, &other))
        return 0;
    p.destination_port = (uint16_t)(s->lo + random_next(seed) % (s->hi - s->lo + 2U));
    *(d == DIRECTION_IN ? &p.source : &p.destination) = other;
    was = ruleset_eval(then, &p).accepted;
    is = ruleset_eval(now, &p).accepted;
    assert_int_equal(concerns(c->opened, c->n_opened, d, p.protocol, p.destination_port, f, &other),
                     is && !was);
    assert_int_equal(concerns(c->closed, c->n_closed, d, p.protocol, p.destination_port, f, &other),
                     was && !is);
    return was != is;
}

static size_t agree(const struct loaded *a, const struct loaded *b, const char *host,
                    uint32_t *seed) {
    _cleanup_(intent_freep) struct intent *then = example_intent(a, host),
                                          *now = example_intent(b, host);
    _cleanup_(ruleset_freep) struct ruleset *old = example_compile(a, host),
                                            *new = example_compile(b, host);
    _cleanup_(changes_freep) struct changes *c = NULL;
    size_t n = 0;

    assert_int_equal(changes_find(then, now, &c), 0);
    for (size_t i = 0; i < then->n_flows * PROBES_A_FLOW; i++)
        n += probe(c, old, new, &then->flows[i % then->n_flows], i % 2, seed);
    for (size_t i = 0; i < now->n_flows * PROBES_A_FLOW; i++)
        n += probe(c, old, new, &now->flows[i % now->n_flows], i % 2, seed);
    return n;
}

static void test_as_the_rules_do(void **state _unused_) {
    static const char *const drop_ins[] = {
        "{}",
        "{'products': {'jtel-acd': {'features': {'redundant': false, 'tts': false}}}}",
        "{'products': {'jtel-acd': {'ports': {'rest': 8095}}}, 'management': ['10.9.9.0/24'], "
        "'flows': [{'id': 'wide', 'from': ['10.1.0.0/16'], 'to': ['all'], 'services': "
        "['tcp/8000-8999'], 'title': 'Wide'}]}",
    };
    uint32_t seed = 1;

    for (size_t i = 0; i < ARRAY_SIZE(drop_ins); i++)
        for (size_t j = 0; j < ARRAY_SIZE(drop_ins); j++) {
            struct pair p;
            size_t n = 0;

            load_variant(drop_ins[i], &p.then);
            load_variant(drop_ins[j], &p.now);
            for (size_t k = 0; k < p.then.site->n_hosts; k++)
                n += agree(&p.then, &p.now, p.then.site->hosts[k].name, &seed);
            assert_int_equal(n > 0, i != j);
            loaded_clear(&p.then);
            loaded_clear(&p.now);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_hostnames),
        cmocka_unit_test(test_as_the_rules_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
