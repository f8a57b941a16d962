/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_TESTS_RANDOM_SITE_H
#define PORTD_TESTS_RANDOM_SITE_H

/* Sites with random hosts, roles, addresses, features, ports, peers, rows and modes, the same in
 * every run. To be included after cmocka.h. */

#include "example.h"
#include "loading.h"

/* All services of these sites are among these ports, and two stretches are free of any. */
#define PORT_FIRST 1000U
#define PORT_COUNT 24U
#define HOSTS      5U

static const char random_policy[] =
    "{'format': 1, 'product': 'p', 'title': 'P', 'source': 'x', 'roles': {'A': {'title': 'A'}, "
    "'B': {'title': 'B'}, 'C': {'title': 'C'}}, 'peers': {'near': {'title': 'N'}, 'far': {'title': "
    "'F', 'default': 'any'}, 'named': {'title': 'L', 'hostnames': ['a.example.net']}}, 'features': "
    "{'x': {'title': 'X', 'default': false}, 'y': {'title': 'Y', 'default': true}}, 'ports': "
    "{'one': {'title': 'O', 'default': 1003}, 'free': {'title': 'T'}}, 'flows': ["
    "{'id': 'a', 'from': ['A'], 'to': ['B'], 'services': ['tcp/$one', 'udp/1005-1009'], 'title': "
    "'t', 'ref': 'r'},"
    "{'id': 'b', 'from': ['internal'], 'to': ['A', 'C'], 'services': ['tcp/1002-1012'], 'when': "
    "['x'], 'title': 't', 'ref': 'r'},"
    "{'id': 'c', 'from': ['near', 'B'], 'to': ['internal'], 'services': ['tcp+udp/1007'], 'when': "
    "['y'], 'title': 't', 'ref': 'r'},"
    "{'id': 'd', 'from': ['C', 'A'], 'to': ['far'], 'services': ['tcp/$free', 'icmp'], 'title': "
    "'t', 'ref': 'r'},"
    "{'id': 'e', 'from': ['far'], 'to': ['B'], 'services': ['udp/$free', 'icmpv6/echo-request'], "
    "'title': 't', 'ref': 'r'},"
    "{'id': 'f', 'from': ['A'], 'to': ['named', 'near'], 'services': ['tcp/1010-1014'], 'title': "
    "'t', 'ref': 'r'}]}";

static inline size_t random_below(uint32_t *seed, size_t n) {
    return random_next(seed) % n;
}

static inline const char *random_mode(uint32_t *seed) {
    static const char *const all[] = { "enforce", "enforce", "enforce", "audit", "off" };

    return all[random_below(seed, ARRAY_SIZE(all))];
}

static inline void random_hosts(FILE *f, uint32_t *seed) {
    static const char *const roles[] = { "'p/A'", "'p/B'", "'p/C'", "'p/A', 'p/C'", "" };

    for (size_t i = 0; i < HOSTS; i++) {
        unsigned last = (unsigned)(2 * i + random_below(seed, 2) + 1);

        fprintf(f, "%s'h%zu': {'roles': [%s], 'addresses': ['10.0.0.%u'", i ? ", " : "", i,
                roles[random_below(seed, ARRAY_SIZE(roles) - (i == 0))], last);
        if (random_below(seed, 2))
            fprintf(f, ", '2001:db8::%x'", last);
        fprintf(f, "]}");
    }
}

static inline const char *random_prefix(uint32_t *seed) {
    static const char *const all[] = { "10.0.0.0/29",    "10.0.0.8/30",     "10.0.0.0/24",
                                       "10.0.0.5",       "192.0.2.0/25",    "192.0.2.128/26",
                                       "2001:db8::/125", "2001:db8::/64",   "2001:db8::6",
                                       "0.0.0.0/0",      "2001:db8:1::/64", "::/1" };

    return all[random_below(seed, ARRAY_SIZE(all))];
}

static inline void random_product(FILE *f, uint32_t *seed) {
    fprintf(f, "'features': {'x': %s, 'y': %s}, 'ports': {'one': %zu",
            random_below(seed, 2) ? "true" : "false", random_below(seed, 2) ? "true" : "false",
            PORT_FIRST + random_below(seed, PORT_COUNT));
    if (random_below(seed, 2))
        fprintf(f, ", 'free': %zu", PORT_FIRST + random_below(seed, PORT_COUNT));
    fprintf(f, "}, 'peers': {'near': ['%s']", random_prefix(seed));
    if (random_below(seed, 2))
        fprintf(f, ", 'far': ['%s']", random_prefix(seed));
    fprintf(f, "}");
}

static inline void random_selector(FILE *f, uint32_t *seed, size_t number) {
    static const char *const words[] = { "self", "all", "any", "p/A", "p/B" };

    if (number == 0 && random_below(seed, 2))
        fprintf(f, "'%s'", words[random_below(seed, ARRAY_SIZE(words))]);
    else if (random_below(seed, 2))
        fprintf(f, "'host:h%zu'", random_below(seed, HOSTS / 2) + number * (HOSTS / 2));
    else
        fprintf(f, "'%s%s'", number ? "203.0.113." : "", number ? "7" : random_prefix(seed));
}

static inline void random_end(FILE *f, uint32_t *seed, const char *name) {
    fprintf(f, "'%s': [", name);
    random_selector(f, seed, 0);
    if (random_below(seed, 2)) {
        fprintf(f, ", ");
        random_selector(f, seed, 1);
    }
    fprintf(f, "], ");
}

static inline void random_flow(FILE *f, uint32_t *seed, size_t i) {
    static const char *const protocols[] = { "tcp", "udp", "tcp+udp" };
    size_t lo = PORT_FIRST + random_below(seed, PORT_COUNT), hi = lo + random_below(seed, 6);

    fprintf(f, "%s{'id': 'f%zu', ", i ? ", " : "", i);
    random_end(f, seed, "from");
    random_end(f, seed, "to");
    if (random_below(seed, 8) == 0)
        fprintf(f, "'services': ['icmp/echo-request']}");
    else
        fprintf(f, "'services': ['%s/%zu-%zu']}",
                protocols[random_below(seed, ARRAY_SIZE(protocols))], lo, hi + 1);
}

static inline char *random_site_text(uint32_t *seed) {
    char *text = NULL;
    size_t size, n = random_below(seed, 5);
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    fprintf(f, "{'format': 1, 'site': 's', 'ingress': '%s', ", random_mode(seed));
    fprintf(f, "'egress': '%s', 'hosts': {", random_mode(seed));
    random_hosts(f, seed);
    fprintf(f, "}, 'products': {'p': {");
    random_product(f, seed);
    fprintf(f, "}}, 'flows': [");
    for (size_t i = 0; i < n; i++)
        random_flow(f, seed, i);
    fprintf(f, "]}");
    assert_int_equal(fclose(f), 0);
    return text;
}

/* Some are refused, such as one with a row that means nobody: then another is made. */
static inline void random_site(uint32_t *seed, struct loaded *ret) {
    _cleanup_(freep) char *policy = json_text(random_policy);
    const struct source policies = { "p.json", policy, strlen(policy) };
    int r = FILES_E_INVALID;

    for (unsigned i = 0; i < 50 && r != 0; i++) {
        _cleanup_(freep) char *quoted = random_site_text(seed), *text = json_text(quoted);
        const struct source site = { "site.json", text, strlen(text) };
        struct report mistakes = REPORT_INIT;

        r = sources_load(&policies, 1, &site, 1, ret, &mistakes);
        if (r != 0 && i == 49)
            report_print(&mistakes, stderr);
        report_clear(&mistakes);
    }
    assert_int_equal(r, 0);
}

#endif
