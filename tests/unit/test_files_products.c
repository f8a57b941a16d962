/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shipped policies, each with its example site: no row that opens nothing, and verdicts that
 * follow from sentences of the vendors' pages. The lab compares every port with tables written by
 * hand; this is what shows without root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/text.h"

#include "example.h"

#include <glob.h>

#define EXAMPLE(name) POLICY_DIR "/examples/" name ".site.json"

static void compile_twice(const char *example) {
    struct loaded loaded = { 0 };

    example_load(example, &loaded);
    for (size_t i = 0; i < loaded.site->n_hosts; i++) {
        const char *host = loaded.site->hosts[i].name;
        _cleanup_(ruleset_freep) struct ruleset *a = example_compile(&loaded, host);
        _cleanup_(ruleset_freep) struct ruleset *b = example_compile(&loaded, host);
        _cleanup_(plan_freep) struct plan *plan = NULL;
        char one[DIGEST_TEXT_SIZE], two[DIGEST_TEXT_SIZE];

        assert_int_equal(ruleset_digest(a, one), 0);
        assert_int_equal(ruleset_digest(b, two), 0);
        assert_string_equal(one, two);
        assert_int_equal(ruleset_diff(a, b, &plan), 0);
        assert_true(plan_is_empty(plan));
    }
    loaded_clear(&loaded);
}

static void test_every_host_compiles_the_same_twice(_unused_ void **state) {
    glob_t examples;

    assert_int_equal(glob(EXAMPLE("*"), 0, NULL, &examples), 0);
    assert_in_range(examples.gl_pathc, 5, 1000);
    for (size_t i = 0; i < examples.gl_pathc; i++)
        compile_twice(examples.gl_pathv[i]);
    globfree(&examples);
}

/* Whether the row opens something on a host of the site. */
static bool row_opens(const struct loaded *loaded, const char *id) {
    bool opens = false;

    for (size_t i = 0; i < loaded->site->n_hosts && !opens; i++) {
        _cleanup_(intent_freep) struct intent *in =
            example_intent(loaded, loaded->site->hosts[i].name);
        const struct intent_flow *f = intent_flow_find(in, id);

        assert_non_null(f);
        opens = f->state[DIRECTION_IN] == FLOW_ACTIVE || f->state[DIRECTION_OUT] == FLOW_ACTIVE;
    }
    return opens;
}

static void rows_open(const char *product) {
    struct loaded loaded = { 0 };
    const struct policy *p;
    char path[512], id[256];

    snprintf(path, sizeof(path), EXAMPLE("%s"), product);
    example_load(path, &loaded);
    p = policy_find(loaded_policies(&loaded), loaded.n_policies, product);
    assert_non_null(p);
    for (size_t i = 0; i < p->n_flows; i++) {
        snprintf(id, sizeof(id), "%s/%s", product, p->flows[i].id);
        if (!row_opens(&loaded, id))
            fail_msg("%s opens nothing on any host of %s", id, path);
    }
    loaded_clear(&loaded);
}

/* Each product has an example site of its name. */
static void test_every_row_opens_something(_unused_ void **state) {
    struct loaded loaded = { 0 };
    size_t n_products = 0;

    example_load(EXAMPLE("mixed"), &loaded);
    for (size_t i = 0; i < loaded.n_policies; i++)
        if (strcmp(loaded.policies[i]->product, PRODUCT_BASELINE) != 0) {
            rows_open(loaded.policies[i]->product);
            n_products++;
        }
    assert_int_equal(n_products, 4);
    loaded_clear(&loaded);
}

/* `flow` NULL: it is denied. */
struct probe {
    const char *host;
    enum direction direction;
    uint8_t protocol;
    uint16_t port;
    const char *other;
    const char *flow;
};

#define IN(host, port, other, flow)                                                                \
    { host, DIRECTION_IN, PROTOCOL_TCP, port, other, flow }
#define OUT(host, port, other, flow)                                                               \
    { host, DIRECTION_OUT, PROTOCOL_TCP, port, other, flow }
#define IN_UDP(host, port, other, flow)                                                            \
    { host, DIRECTION_IN, PROTOCOL_UDP, port, other, flow }
#define OUT_UDP(host, port, other, flow)                                                           \
    { host, DIRECTION_OUT, PROTOCOL_UDP, port, other, flow }

static void probe_check(const struct loaded *loaded, const struct probe *probe) {
    _cleanup_(ruleset_freep) struct ruleset *rules = example_compile(loaded, probe->host);
    const struct packet packet =
        example_packet(probe->direction, probe->protocol, probe->port, probe->other);
    const struct decision d = ruleset_eval(rules, &packet);
    const char *got = d.accepted && d.match ? d.match->comment : "denied";

    if (strcmp(got, probe->flow ? probe->flow : "denied") != 0)
        fail_msg("%s %s %u/%u %s: %s, not %s", probe->host, direction_name(probe->direction),
                 probe->protocol, probe->port, probe->other, got,
                 probe->flow ? probe->flow : "denied");
}

static void probes_check(const char *example, const struct probe *probes, size_t n) {
    struct loaded loaded = { 0 };

    example_load(example, &loaded);
    for (size_t i = 0; i < n; i++)
        probe_check(&loaded, &probes[i]);
    loaded_clear(&loaded);
}

#define TM "theatre-manager/"
#define MS "mailstore-spe/"
#define TF "therefore/"

/* The rows that hang on features; all others apply to every system. */
static const struct {
    const char *flow, *when;
} conditions[] = {
    { TM "rest-api", "rest-api" },
    { TM "pop3", "facility-management" },
    { TM "terminal-server", "remote-access" },
    { MS "pairing", "pairing" },
    { TF "http-internet", "mobile-internet" },
    { TF "https-internet", "mobile-internet" },
    { TF "xml", "on-premises" },
    { TF "mfp-web", "on-premises" },
    { TF "mfp-transfer", "on-premises" },
    { TF "mobile", "on-premises" },
    { TF "mobile-internet", "on-premises mobile-internet" },
    { TF "online-xml", "online" },
    { TF "online-mfp-web", "online" },
    { TF "online-mfp-transfer", "online" },
};

static const char *condition_of(const char *flow) {
    for (size_t i = 0; i < ARRAY_SIZE(conditions); i++)
        if (strcmp(conditions[i].flow, flow) == 0)
            return conditions[i].when;
    return "";
}

static void test_conditions(_unused_ void **state) {
    static const char *const sites[] = { EXAMPLE("theatre-manager"), EXAMPLE("mixed") };

    for (size_t i = 0; i < ARRAY_SIZE(sites); i++) {
        struct loaded loaded = { 0 };
        _cleanup_(intent_freep) struct intent *in = NULL;

        example_load(sites[i], &loaded);
        in = example_intent(&loaded, loaded.site->hosts[0].name);
        for (size_t j = 0; j < in->n_flows; j++) {
            const struct intent_flow *f = &in->flows[j];
            char when[256] = "";

            for (size_t k = 0; k < f->when.n; k++)
                snprintf(when + strlen(when), sizeof(when) - strlen(when), "%s%s", k ? " " : "",
                         f->when.items[k].text);
            if (strcmp(f->product, PRODUCT_BASELINE) != 0)
                assert_string_equal(when, condition_of(f->id));
        }
        loaded_clear(&loaded);
    }
}

static void test_theatre_manager(_unused_ void **state) {
    static const struct probe probes[] = {
        /* Workstations send no mail; the site picked one of three ports. */
        OUT("tm-srv", 587, "10.2.250.25", TM "smtp"),
        OUT("tm-srv", 25, "10.2.250.25", NULL),
        OUT("tm-ws1", 587, "10.2.250.25", NULL),
        /* The time server, not NTP; every machine but the printer, which is a device. */
        OUT("tm-term", 37, "10.2.250.37", TM "time"),
        OUT("tm-print", 37, "10.2.250.37", NULL),
        OUT_UDP("tm-db", 37, "2001:db8:2:a::37", TM "time"),
        OUT_UDP("tm-db", 123, "10.2.250.37", NULL),
        /* Web sales come in to the web server only. */
        IN("tm-web", 443, "198.51.100.7", TM "https"),
        IN("tm-web", 80, "2001:db8:ffff::7", TM "http"),
        IN("tm-srv", 443, "198.51.100.7", NULL),
        IN("tm-srv", 443, "10.2.0.31", TM "rest-api"),
        IN("tm-svc1", 80, "198.51.100.7", NULL),
        /* Cards and mail boxes: workstations and TM Server. */
        OUT("tm-ws2", 443, "203.0.113.65", TM "card"),
        OUT("tm-web", 443, "203.0.113.65", NULL),
        OUT("tm-srv", 110, "198.51.100.110", TM "pop3"),
        OUT("tm-ws1", 5938, "198.51.100.129", TM "teamviewer"),
        OUT("tm-ws1", 80, "198.51.100.129", TM "teamviewer"),
        OUT("tm-srv", 5938, "198.51.100.129", NULL),
        /* Internal rows. */
        IN("tm-svc2", 5000, "10.2.0.41", TM "web-services"),
        IN("tm-svc2", 5000, "10.2.0.51", NULL),
        IN("tm-web", 8111, "10.2.0.32", TM "web-templates"),
        IN("tm-web", 8111, "198.51.100.7", NULL),
        IN("tm-cache", 8201, "2001:db8:2::52", TM "cache"),
        IN("tm-cache", 8201, "10.2.0.41", NULL),
        IN("tm-db", 5432, "10.2.0.51", TM "postgres"),
        IN("tm-db", 5432, "10.2.0.41", NULL),
        IN("tm-print", 10001, "10.2.0.31", TM "ticket-printer"),
        IN("tm-print", 10001, "10.2.0.11", NULL),
        OUT("tm-print", 10001, "10.2.0.31", NULL),
        /* The way in for box offices, and no more than that. */
        IN("tm-term", 3389, "192.0.2.40", TM "terminal-server"),
        IN("tm-term", 3389, "192.0.2.48", NULL),
        OUT("tm-term", 5432, "10.2.0.21", NULL),
    };

    probes_check(EXAMPLE("theatre-manager"), probes, ARRAY_SIZE(probes));
}

static void test_mailstore(_unused_ void **state) {
    static const struct probe probes[] = {
        /* ANY as a target opens the way out only. */
        OUT("ih1", 143, "198.51.100.7", MS "imap"),
        OUT("ih2", 4040, "198.51.100.7", MS "kerio"),
        IN("ih1", 143, "198.51.100.7", NULL),
        OUT("cas1", 110, "198.51.100.7", NULL),
        IN("cas2", 143, "2001:db8:ffff::7", MS "client-imap"),
        IN("cas1", 389, "198.51.100.7", NULL),
        /* As a source it is everybody, the site's own hosts too. */
        OUT("mgmt1", 993, "10.3.0.21", MS "client-imaps"),
        OUT("ih2", 80, "203.0.113.17", MS "revocation"),
        OUT("ih2", 80, "203.0.113.32", NULL),
        /* The licence server is nobody while its name is not resolved. */
        OUT("mgmt1", 443, "203.0.113.80", NULL),
        OUT("mgmt1", 587, "198.51.100.7", MS "management-smtp"),
        OUT("cas1", 587, "198.51.100.7", NULL),
        /* Internal rows and administrators. */
        IN("mgmt1", 8470, "10.3.100.5", MS "console"),
        IN("mgmt1", 8470, "10.3.0.21", NULL),
        IN("mgmt1", 8471, "10.3.0.32", MS "management"),
        IN("ih1", 8472, "10.3.0.22", MS "instance-host"),
        IN("ih1", 8472, "10.3.0.32", NULL),
        IN("cas1", 8473, "2001:db8:3::11", MS "client-access"),
        IN("cas1", 8473, "10.3.0.31", NULL),
        IN("mgmt1", 8474, "10.3.100.5", MS "api"),
        IN("mgmt1", 8474, "10.3.0.31", MS "pairing"),
        IN("mgmt1", 8474, "10.3.250.5", NULL),
    };

    probes_check(EXAMPLE("mailstore-spe"), probes, ARRAY_SIZE(probes));
}

static void test_therefore(_unused_ void **state) {
    static const struct probe probes[] = {
        /* The domain only, and inbound on servers only. */
        IN("tf-srv", 135, "10.4.99.9", TF "dcom"),
        IN_UDP("tf-sql", 139, "2001:db8:4:99::9", TF "dcom"),
        IN("tf-srv", 135, "10.5.0.1", NULL),
        IN("tf-mfpm", 445, "10.4.99.9", TF "smb"),
        IN_UDP("tf-mfpm", 445, "10.4.99.9", NULL),
        IN("tf-cl1", 445, "10.4.0.11", NULL),
        IN("tf-web", 445, "10.4.99.9", NULL),
        OUT("tf-srv", 445, "10.4.99.9", NULL),
        OUT_UDP("tf-cl2", 389, "10.4.200.10", TF "ldap"),
        IN("tf-srv", 389, "10.4.200.10", NULL),
        OUT("tf-mfp1", 389, "10.4.200.10", NULL),
        IN("tf-sql", 1433, "10.4.0.11", TF "sql"),
        IN("tf-sql", 1433, "10.4.99.9", NULL),
        IN("tf-srv", 8000, "10.4.0.62", TF "xml"),
        IN("tf-srv", 8000, "10.4.99.9", NULL),
        IN("tf-mfpm", 8372, "10.4.0.71", TF "mfp-web"),
        IN("tf-mfpm", 8373, "10.4.0.61", NULL),
        /* The Internet: in over 80 and 443, out to the cloud. */
        IN("tf-web", 443, "198.51.100.7", TF "https-internet"),
        IN("tf-web", 80, "2001:db8:ffff::7", TF "http-internet"),
        IN("tf-mobile", 443, "198.51.100.7", TF "mobile-internet"),
        IN("tf-mobile", 80, "198.51.100.7", NULL),
        IN("tf-srv", 443, "198.51.100.7", NULL),
        OUT("tf-cl1", 443, "203.0.113.129", TF "online-xml"),
        OUT("tf-cl1", 80, "203.0.113.129", NULL),
        OUT("tf-cl1", 8091, "203.0.113.129", NULL),
        OUT("tf-mfp1", 8091, "203.0.113.129", TF "online-mfp-transfer"),
        OUT("tf-mfpm", 443, "203.0.113.129", NULL),
    };

    probes_check(EXAMPLE("therefore"), probes, ARRAY_SIZE(probes));
}

/* Roles of two products add up; features that are off close what they would open. A host with
 * roles of one product has no rows of the other, whatever is open to any. */
static void test_two_products(_unused_ void **state) {
    static const struct probe probes[] = {
        IN("srv1", 8000, "10.5.0.61", TF "xml"),
        IN("srv1", 8470, "10.5.100.1", MS "console"),
        IN("srv1", 443, "198.51.100.7", MS "client-https"),
        IN("srv3", 443, "198.51.100.7", MS "client-https"),
        IN("srv3", 80, "10.5.99.9", TF "http"),
        IN("srv3", 80, "198.51.100.7", NULL),
        IN("srv2", 1433, "10.5.0.11", TF "sql"),
        IN("srv2", 8472, "2001:db8:5::11", MS "instance-host"),
        OUT("srv1", 80, "198.51.100.7", MS "revocation"),
        OUT("ws1", 80, "198.51.100.7", NULL),
        OUT("ws1", 443, "203.0.113.129", NULL),
        IN("ws1", 80, "10.5.0.11", NULL),
    };

    probes_check(EXAMPLE("mixed"), probes, ARRAY_SIZE(probes));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_host_compiles_the_same_twice),
        cmocka_unit_test(test_every_row_opens_something),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_theatre_manager),
        cmocka_unit_test(test_mailstore),
        cmocka_unit_test(test_therefore),
        cmocka_unit_test(test_two_products),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
