/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/policy.h"

#include "loading.h"

#include <jansson.h>

static int load(const char *const *json, size_t n, struct site **ret, struct report *r) {
    static const char *const files[] = { "site.json", "10.json", "20.json" };
    struct source sources[ARRAY_SIZE(files)];
    char *texts[ARRAY_SIZE(files)];
    int result;

    for (size_t i = 0; i < n; i++) {
        texts[i] = json_text(json[i]);
        sources[i] = (struct source){ files[i], texts[i], strlen(texts[i]) };
    }
    result = site_load(sources, n, ret, r);
    for (size_t i = 0; i < n; i++)
        free(texts[i]); /* what was loaded doesn't need them */
    return result;
}

static void assert_all_refused(const char *const *json, size_t n, const char *message) {
    _cleanup_(freep) char *text = NULL;
    struct report r = REPORT_INIT;
    _cleanup_(site_freep) struct site *s = NULL;

    assert_int_equal(load(json, n, &s, &r), LOAD_E_INVALID);
    assert_true(!s || s->is_draft);
    text = report_take_text(&r);
    assert_string_equal(text, message);
}

static struct site *assert_all_load(const char *const *json, size_t n) {
    struct report r = REPORT_INIT;
    struct site *s = NULL;

    if (load(json, n, &s, &r) != 0)
        fail_msg("%s", report_take_text(&r));
    assert_true(report_is_empty(&r));
    assert_false(s->is_draft);
    return s;
}

#define HEAD(sections) "{'format':1,'site':'s',\n" sections "}"
#define HOST           "'hosts':{'h':{'addresses':['10.0.0.1']}}"
#define FLOWS(flows)   HEAD(HOST ",'flows':[\n" flows "]")

/* --- what is there --- */

static const char whole[] =
    "{'format': 1, 'site': 'berlin', 'ingress': 'audit', 'egress': 'off',\n"
    " 'deny': {'ingress': 'reject', 'egress': 'drop'}, 'policy_updates': 'hold',\n"
    " 'management': ['10.0.0.0/24', '2001:db8::/64'],\n"
    " 'products': {'acd': {'features': {'ha': true, 'tts': false}, 'ports': {'rest': 8092},\n"
    "                      'peers': {'support': ['203.0.113.0/28'], 'web': 'any', 'x': []}},\n"
    "              'host-baseline': {}},\n"
    " 'hosts': {'lb2': {'roles': ['acd/LB', 'acd/DB'], 'addresses': ['10.1.0.12', "
    "'2001:db8:1::12']},\n"
    "           'lb1': {'addresses': ['10.1.0.11'], 'os': 'windows'}},\n"
    " 'flows': [{'id': 'm', 'from': ['10.0.0.64/28', 'host:lb1', 'acd/LB', 'fd00::/8', 'any'],\n"
    "            'to': ['all', 'self', 'management', 'os:linux', '10.0.0.7'],\n"
    "            'services': ['tcp/9100']}]}";

static struct site *whole_load(void) {
    return assert_all_load((const char *const[]){ whole }, 1);
}

static void test_head(_unused_ void **state) {
    _cleanup_(site_freep) struct site *s = whole_load();

    assert_string_equal(s->file, "site.json");
    assert_string_equal(s->name, "berlin");
    assert_int_equal(s->ingress, MODE_AUDIT);
    assert_int_equal(s->egress, MODE_OFF);
    assert_int_equal(s->deny_ingress, DENY_REJECT);
    assert_int_equal(s->deny_egress, DENY_DROP);
    assert_int_equal(s->updates, UPDATES_HOLD);
    assert_int_equal(s->management.n, 2);
    assert_int_equal(s->management.items[1].family, FAMILY_IPV6);
}

static void test_defaults(_unused_ void **state) {
    _cleanup_(site_freep) struct site *s = assert_all_load((const char *const[]){ HEAD(HOST) }, 1);

    assert_int_equal(s->ingress, MODE_ENFORCE);
    assert_int_equal(s->egress, MODE_ENFORCE);
    assert_int_equal(s->deny_ingress, DENY_DROP);
    assert_int_equal(s->deny_egress, DENY_REJECT);
    assert_int_equal(s->updates, UPDATES_APPLY);
    assert_int_equal(s->hosts[0].os, OS_LINUX);
    assert_int_equal(s->hosts[0].roles.n, 0);
    assert_int_equal(s->management.n + s->n_products + s->n_flows, 0);
}

static void test_products(_unused_ void **state) {
    _cleanup_(site_freep) struct site *s = whole_load();
    const struct site_product *p = s->products;
    char buf[RANGE_TEXT_MAX];

    assert_int_equal(s->n_products, 2);
    assert_string_equal(p[0].name.text, "acd");
    assert_int_equal(p[0].n_features, 2);
    assert_true(p[0].features[0].on);
    assert_false(p[0].features[1].on);
    assert_string_equal(p[0].ports[0].name.text, "rest");
    assert_int_equal(p[0].ports[0].number, 8092);
    assert_int_equal(p[0].n_peers, 3);
    assert_false(p[0].peers[0].any);
    assert_int_equal(p[0].peers[0].prefixes.n, 1);
    assert_true(p[0].peers[1].any);
    assert_int_equal(p[0].peers[1].prefixes.n, 2);
    assert_string_equal(range_format(&p[0].peers[1].prefixes.items[0].range, FAMILY_IPV4, buf),
                        "0.0.0.0/0");
    assert_string_equal(range_format(&p[0].peers[1].prefixes.items[1].range, FAMILY_IPV6, buf),
                        "::/0");
    assert_int_equal(p[0].peers[2].prefixes.n, 0); /* bound to nobody */
    assert_int_equal(p[1].n_features + p[1].n_ports + p[1].n_peers, 0);
}

static void test_hosts(_unused_ void **state) {
    _cleanup_(site_freep) struct site *s = whole_load();

    assert_int_equal(s->n_hosts, 2);
    assert_string_equal(s->hosts[0].name, "lb2"); /* as in the file */
    assert_string_equal(s->hosts[0].roles.items[1].text, "acd/DB");
    assert_int_equal(s->hosts[0].addresses.n, 2);
    assert_int_equal(s->hosts[0].node->line, 7);
    assert_int_equal(s->hosts[1].os, OS_WINDOWS);
    assert_ptr_equal(site_host(s, "lb1"), &s->hosts[1]);
    assert_ptr_equal(site_host(s, "lb2"), &s->hosts[0]);
    assert_null(site_host(s, "lb"));
    assert_null(site_host(s, "LB1"));
}

static void test_flows(_unused_ void **state) {
    _cleanup_(site_freep) struct site *s = whole_load();

    assert_int_equal(s->n_flows, 1);
    assert_int_equal(s->flows[0].from.n, 5);
    assert_string_equal(s->flows[0].title, "");
    assert_null(s->flows[0].ref);
}

static void test_words(_unused_ void **state) {
    assert_string_equal(mode_name(MODE_ENFORCE), "enforce");
    assert_string_equal(deny_name(DENY_REJECT), "reject");
    assert_string_equal(os_name(OS_WINDOWS), "windows");
    assert_string_equal(updates_name(UPDATES_HOLD), "hold");
}

/* --- drop-ins --- */

static void test_drop_ins(_unused_ void **state) {
    static const char *const json[] = {
        "{'format':1,'site':'s','management':['10.0.0.0/24'],\n"
        "'hosts':{'a':{'addresses':['10.0.0.1'],'roles':['p/A']}},\n"
        "'flows':[{'id':'one','from':['all'],'to':['self'],'services':['tcp/1']}]}",
        ("{'hosts':{'b':{'addresses':['10.0.0.2']}},'management':['10.1.0.0/24','10.2.0.0/24'],\n"
         "'flows':[{'id':'two','from':['all'],'to':['self'],'services':['tcp/2']}]}"),
        "{'hosts':{'a':{'os':'windows','addresses':['10.0.0.9']}},\n'ingress':'audit'}",
    };
    _cleanup_(site_freep) struct site *s = assert_all_load(json, 3);
    char buf[RANGE_TEXT_MAX];

    assert_int_equal(s->n_hosts, 2);
    assert_string_equal(s->hosts[0].name, "a");
    assert_int_equal(s->hosts[0].roles.n, 1);
    assert_int_equal(s->hosts[0].os, OS_WINDOWS);
    assert_int_equal(s->hosts[0].addresses.n, 1);
    assert_string_equal(range_format(&s->hosts[0].addresses.items[0].range, FAMILY_IPV4, buf),
                        "10.0.0.9");
    assert_int_equal(s->management.n, 2);
    assert_int_equal(s->n_flows, 2);
    assert_string_equal(s->flows[1].node->file, "10.json");
    assert_int_equal(s->ingress, MODE_AUDIT);
}

static void test_drop_in_mistakes(_unused_ void **state) {
    static const char *const json[] = {
        HEAD("'hosts':{'a':{'addresses':['10.0.0.300']}},"
             "'flows':[{'id':'one','from':['all'],'to':['self'],'services':['tcp/1']}]"),
        ("{'format':2,'hosts':{'b':{'adresses':['10.0.0.2']}},\n"
         "'flows':[{'id':'one','from':['all'],'to':['self'],'services':['tcp/0']}]}"),
        "{'deny':{'ingress':'x'},'deny':{}}",
    };

    assert_all_refused(
        json, 3,
        "10.json:1:11: /format: format 2 is unknown: this version reads format 1\n"
        "10.json:1:26: /hosts/b: \"addresses\" is missing: add it, as in \"addresses\": "
        "[\"10.1.0.21\"]\n"
        "10.json:1:38: /hosts/b/adresses: \"adresses\" is no member here; did you mean "
        "\"addresses\"? (there are: roles, addresses and os)\n"
        "10.json:2:10: /flows/0: the id \"one\" is taken by the flow at site.json:2: choose "
        "another\n"
        "10.json:2:63: /flows/0/services/0: \"tcp/0\": a port is a number from 1 to 65535 without "
        "leading zeros, a range is two, as in 5701-5801\n"
        "20.json:1:20: /deny/ingress: \"x\" is no way to deny (there are: drop and reject)\n"
        "20.json:1:32: /deny: stands twice, first in line 1 column 9: remove one\n"
        "site.json:2:28: /hosts/a/addresses/0: \"10.0.0.300\" is not an IPv4 or IPv6 prefix: write "
        "an address, as in 10.1.0.21 or 2001:db8::21, or a network, as in 10.1.0.0/24 (at most "
        "/32) or 2001:db8::/64 (at most /128)\n");
}

/* Where a file can't be parsed, the others are still, but what they say together is not judged. */
static void test_drop_in_that_is_no_json(_unused_ void **state) {
    static const char *const json[] = { HEAD("'hosts':{}"), "{", "[]" };

    assert_all_refused(json, 3,
                       "10.json:1:2: not JSON: a name in quotation marks is missing at the end of "
                       "the file: was it cut?\n"
                       "20.json:1:1: must be an object, not an array\n");
}

/* --- what is refused, with its place --- */

static const struct {
    const char *json, *message;
} bad[] = {
    { "7", "site.json:1:1: not JSON: '{' is missing before \"7\"\n" },
    { "[]", "site.json:1:1: must be an object, not an array\n" },
    { "{}", "site.json:1:1: \"format\" is missing: add it, as in \"format\": 1\n"
            "site.json:1:1: \"hosts\" is missing: add it, as in \"hosts\": { \"acd-lb1\": { "
            "\"addresses\": [\"10.1.0.21\"] } }\n"
            "site.json:1:1: \"site\" is missing: add it, as in \"site\": \"berlin\"\n" },
    { "{'format':0,'site':'s','hosts':{'h':{'addresses':['10.0.0.1']}}}",
      "site.json:1:11: /format: format 0 is unknown: this version reads format 1\n" },
    { "{'format':1,'site':'a b','hosts':{'h':{'addresses':['10.0.0.1']}}}",
      "site.json:1:20: /site: \"a b\" is not a name: 1 to 63 letters, digits, '.' and '-', the "
      "first a letter or digit\n" },
    { "{'format':1,'site':7,'hosts':{'h':{'addresses':['10.0.0.1']}},'host':{}}",
      "site.json:1:20: /site: must be a string, as in \"berlin\", not an integer\n"
      "site.json:1:70: /host: \"host\" is no member here; did you mean \"hosts\"? (there are: "
      "format, site, ingress, egress, deny, audit, seal, policy_updates, management, products, "
      "hosts and "
      "flows)\n" },
    { HEAD("'hosts':{}"), "site.json:2:9: /hosts: must not be empty: name the hosts of the site, "
                          "as in { \"acd-lb1\": { \"addresses\": [\"10.1.0.21\"] } }\n" },
    { HEAD("'hosts':[]"), "site.json:2:9: /hosts: must be an object, as in { \"acd-lb1\": { "
                          "\"addresses\": [\"10.1.0.21\"] } }, not an array\n" },
    { HEAD("'hosts':{'h':{'addresses':['10.0.0.1']},'h':{'addresses':['10.0.0.2']}}"),
      "site.json:2:45: /hosts/h: stands twice, first in line 2 column 14: remove one\n" },
    { HEAD("'hosts':{'h_1':{'addresses':['10.0.0.1']}}"),
      "site.json:2:16: /hosts/h_1: \"h_1\" is not a name: 1 to 63 letters, digits, '.' and '-', "
      "the first a letter or digit\n" },
    { HEAD("'hosts':{'h':{},'i':{'addresses':[]},'j':{'addresses':'10.0.0.1'},'k':7}"),
      "site.json:2:14: /hosts/h: \"addresses\" is missing: add it, as in \"addresses\": "
      "[\"10.1.0.21\"]\n"
      "site.json:2:34: /hosts/i/addresses: must not be empty: give at least one address, as in "
      "\"10.1.0.21\"\n"
      "site.json:2:55: /hosts/j/addresses: must be an array, as in [\"10.1.0.21\"], not a string\n"
      "site.json:2:71: /hosts/k: must be an object, not an integer\n" },
    { HEAD("'hosts':{'h':{'addresses':['10.1.0.300','10.0.0.1/24','2001:db8::1/"
           "64','fe80::1%eth0',7,'acd-lb1']}}"),
      "site.json:2:28: /hosts/h/addresses/0: \"10.1.0.300\" is not an IPv4 or IPv6 prefix: write "
      "an address, as in 10.1.0.21 or 2001:db8::21, or a network, as in 10.1.0.0/24 (at most /32) "
      "or 2001:db8::/64 (at most /128)\n"
      "site.json:2:41: /hosts/h/addresses/1: \"10.0.0.1/24\" has bits set behind its prefix "
      "length: write 10.0.0.0/24 for the network, or 10.0.0.1\n"
      "site.json:2:55: /hosts/h/addresses/2: \"2001:db8::1/64\" has bits set behind its prefix "
      "length: write 2001:db8::/64 for the network, or 2001:db8::1\n"
      "site.json:2:72: /hosts/h/addresses/3: \"fe80::1%eth0\" is not an IPv4 or IPv6 prefix: write "
      "an address, as in 10.1.0.21 or 2001:db8::21, or a network, as in 10.1.0.0/24 (at most /32) "
      "or 2001:db8::/64 (at most /128)\n"
      "site.json:2:87: /hosts/h/addresses/4: must be a string, as in \"10.1.0.21\", not an "
      "integer\n"
      "site.json:2:89: /hosts/h/addresses/5: \"acd-lb1\" is not an IPv4 or IPv6 prefix: write an "
      "address, as in 10.1.0.21 or 2001:db8::21, or a network, as in 10.1.0.0/24 (at most /32) or "
      "2001:db8::/64 (at most /128)\n" },
    { HEAD("'hosts':{'h':{'addresses':['10.0.0.1'],'os':'Linux'},'i':{'addresses':['10.0.0.2'],'os'"
           ":'bsd'}}"),
      "site.json:2:45: /hosts/h/os: \"Linux\" is no operating system; did you mean \"linux\"? "
      "(there are: linux and windows)\n"
      "site.json:2:89: /hosts/i/os: \"bsd\" is no operating system (there are: linux and "
      "windows)\n" },
    { HEAD("'hosts':{'h':{'addresses':['10.0.0.1'],'roles':['ACD-LB','p/A','p/A','1/A','p/','/"
           "A','p/A/B',7]}}"),
      "site.json:2:49: /hosts/h/roles/0: \"ACD-LB\" is no role: write product/ROLE, as in "
      "jtel-acd/ACD-LB\n"
      "site.json:2:64: /hosts/h/roles/2: \"p/A\" stands twice in this list: remove one\n"
      "site.json:2:70: /hosts/h/roles/3: \"1/A\" is no role: write product/ROLE, as in "
      "jtel-acd/ACD-LB\n"
      "site.json:2:76: /hosts/h/roles/4: \"p/\" is no role: write product/ROLE, as in "
      "jtel-acd/ACD-LB\n"
      "site.json:2:81: /hosts/h/roles/5: \"/A\" is no role: write product/ROLE, as in "
      "jtel-acd/ACD-LB\n"
      "site.json:2:86: /hosts/h/roles/6: \"p/A/B\" is no role: write product/ROLE, as in "
      "jtel-acd/ACD-LB\n"
      "site.json:2:94: /hosts/h/roles/7: must be a string, as in \"jtel-acd/ACD-LB\", not an "
      "integer\n" },
    { HEAD("'hosts':{'h':{'addresses':['10.0.0.1'],'role':['p/A']}}"),
      "site.json:2:47: /hosts/h/role: \"role\" is no member here; did you mean \"roles\"? (there "
      "are: roles, addresses and os)\n" },
    { HEAD("'hosts':{'h':{'addresses':['10.0.0.1']}},'ingress':'on','egress':'Audit'"),
      "site.json:2:52: /ingress: \"on\" is no mode (there are: enforce, audit and off)\n"
      "site.json:2:66: /egress: \"Audit\" is no mode; did you mean \"audit\"? (there are: enforce, "
      "audit and off)\n" },
    { HEAD("'hosts':{'h':{'addresses':['10.0.0.1']}},'ingress':true"),
      "site.json:2:52: /ingress: must be a string, as in \"enforce\", not true or false\n" },
    { HEAD("'hosts':{'h':{'addresses':['10.0.0.1']}},'deny':'drop'"),
      "site.json:2:49: /deny: must be an object, as in { \"ingress\": \"drop\" }, not a string\n" },
    { HEAD("'hosts':{'h':{'addresses':['10.0.0.1']}},'deny':{'ingress':'enforce','egres':'drop'}"),
      "site.json:2:60: /deny/ingress: \"enforce\" is no way to deny (there are: drop and reject)\n"
      "site.json:2:78: /deny/egres: \"egres\" is no member here; did you mean \"egress\"? (there "
      "are: ingress and egress)\n" },
    { HEAD("'hosts':{'h':{'addresses':['10.0.0.1']}},'management':['10.0.0.0/8','10.0.0.1/"
           "8'],'products':[]"),
      "site.json:2:69: /management/1: \"10.0.0.1/8\" has bits set behind its prefix length: write "
      "10.0.0.0/8 for the network, or 10.0.0.1\n"
      "site.json:2:94: /products: must be an object, as in { \"jtel-acd\": {} }, not an array\n" },
    { HEAD("'hosts':{'h':{'addresses':['10.0.0.1']}},'management':'any'"),
      "site.json:2:55: /management: must be an array, as in [\"10.0.0.0/24\"], not a string\n" },
    { HEAD("'hosts':{'h':{'addresses':['10.0.0.1']}},'products':{'p':{'feature':{},'features':{'on'"
           ":1},'ports':{'web':'80','rest':0},'peers':{'X':'none','Y':{},'Z':['any']}}}"),
      "site.json:2:69: /products/p/feature: \"feature\" is no member here; did you mean "
      "\"features\"? (there are: features, ports and peers)\n"
      "site.json:2:89: /products/p/features/on: must be true or false, not an integer\n"
      "site.json:2:107: /products/p/ports/web: must be an integer, as in 8091, not a string\n"
      "site.json:2:119: /products/p/ports/rest: 0 is not a port: 1 to 65535 are\n"
      "site.json:2:135: /products/p/peers/X: must be a list of addresses, networks and host "
      "names, as in [\"10.9.0.0/24\", \"sip.example.net\"], or \"any\"\n"
      "site.json:2:146: /products/p/peers/Y: must be a list of addresses, networks and host "
      "names, as in [\"10.9.0.0/24\", \"sip.example.net\"], or \"any\"\n"
      "site.json:2:154: /products/p/peers/Z/0: \"any\" stands for itself: write it without the "
      "brackets of a list\n" },
    { HEAD("'hosts':{'h':{'addresses':['10.0.0.1']}},\n'products':{'p':{'peers':{'X':['10.1.0.300',"
           "'Mail.example','*.example.net','bad.cafe.','cafe',7,'10.9.0.0/24',"
           "'mail.example']}}}"),
      "site.json:3:32: /products/p/peers/X/0: \"10.1.0.300\" is not an IPv4 or IPv6 prefix: write "
      "an address, as in 10.1.0.21 or 2001:db8::21, or a network, as in 10.1.0.0/24 (at most /32) "
      "or 2001:db8::/64 (at most /128)\n"
      "site.json:3:45: /products/p/peers/X/1: \"Mail.example\" has capital letters: write host "
      "names in lower case\n"
      "site.json:3:60: /products/p/peers/X/2: \"*.example.net\" has a '*': a wildcard can't be "
      "resolved, name each host\n"
      "site.json:3:76: /products/p/peers/X/3: \"bad.cafe.\" ends with a dot: leave it out\n"
      "site.json:3:88: /products/p/peers/X/4: \"cafe\" is no host name: write all its labels, as "
      "in sip.example.net\n"
      "site.json:3:95: /products/p/peers/X/5: must be a string, as in \"10.1.0.21\", not an "
      "integer\n" },
    { FLOWS("{'id':'f','from':['internal'],'to':['self'],'services':['tcp/1']}"),
      "site.json:3:19: /flows/0/from/0: \"internal\" means the hosts of one product: write all or "
      "product/role\n" },
    { FLOWS("{'id':'f','from':['ACD-LB'],'to':['self'],'services':['tcp/1']}"),
      "site.json:3:19: /flows/0/from/0: \"ACD-LB\" can't be selected in a site: write a prefix, "
      "product/role, product/peer, host:NAME, all, self, any, management, os:linux or "
      "os:windows\n" },
    { FLOWS("{'id':'f','from':['host:'],'to':['host:a b'],'services':['tcp/1']}"),
      "site.json:3:19: /flows/0/from/0: \"host:\" can't be selected in a site: write a prefix, "
      "product/role, product/peer, host:NAME, all, self, any, management, os:linux or os:windows\n"
      "site.json:3:34: /flows/0/to/0: \"host:a b\" can't be selected in a site: write a prefix, "
      "product/role, product/peer, host:NAME, all, self, any, management, os:linux or "
      "os:windows\n" },
    { FLOWS("{'id':'f','from':['10.0.0.1/8'],'to':['10.0.0.0/33'],'services':['tcp/1']}"),
      "site.json:3:19: /flows/0/from/0: \"10.0.0.1/8\" has bits set behind its prefix length: "
      "write 10.0.0.0/8 for the network, or 10.0.0.1\n"
      "site.json:3:39: /flows/0/to/0: \"10.0.0.0/33\" can't be selected in a site: write a prefix, "
      "product/role, product/peer, host:NAME, all, self, any, management, os:linux or "
      "os:windows\n" },
    { FLOWS("{'id':'f','from':['os:bsd'],'to':['any','any'],'services':['tcp/1']}"),
      "site.json:3:19: /flows/0/from/0: \"os:bsd\" can't be selected in a site: write a prefix, "
      "product/role, product/peer, host:NAME, all, self, any, management, os:linux or os:windows\n"
      "site.json:3:41: /flows/0/to/1: \"any\" stands twice in this list: remove one\n" },
    { FLOWS("{'id':'f','from':['all'],'to':['self'],'services':['tcp/$web','tcp/0']}"),
      "site.json:3:52: /flows/0/services/0: a site's own rows have no named ports: write the "
      "number\n"
      "site.json:3:63: /flows/0/services/1: \"tcp/0\": a port is a number from 1 to 65535 without "
      "leading zeros, a range is two, as in 5701-5801\n" },
    { FLOWS("{'id':'f','from':['all'],'to':['self'],'services':['tcp/1'],'when':['on']}"),
      "site.json:3:68: /flows/0/when: \"when\" is no member here (there are: id, from, to, "
      "services, broadcast, title, ref and note)\n" },
    { FLOWS("{'id':'f','from':['all'],'to':['self'],'services':['tcp/1'],'title':''}"),
      "site.json:3:69: /flows/0/title: must not be empty: write a line of text\n" },
    { FLOWS("{'id':'f','from':[],'to':['self'],'services':[]}"),
      "site.json:3:18: /flows/0/from: must not be empty: say who, as in \"any\", or remove the "
      "flow\n"
      "site.json:3:46: /flows/0/services: must not be empty: give at least one service, as in "
      "\"tcp/443\"\n" },
    { FLOWS("{'id':'f','from':['all'],'to':['self'],'services':['tcp/1']},\n"
            "{'id':'f','from':['all'],'to':['self'],'services':['tcp/1']}"),
      "site.json:4:1: /flows/1: the id \"f\" is taken by the flow at site.json:3: choose "
      "another\n" },
};

static void test_refusals(_unused_ void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_all_refused(&bad[i].json, 1, bad[i].message);
}

/* --- blanks --- */

static void test_blanks(_unused_ void **state) {
    static const char json[] =
        HEAD("'products':{'p':{'ports':{'web':'<a port, as in 80>'},'peers':{'x':['<who>']}}},\n"
             "'hosts':{'<the name of a web server>':{'roles':['<p/A or p/B>','<p/A or p/B>'],\n"
             "'addresses':['<its address, as in 10.1.0.21>','10.0.0.300']}},\n"
             "'flows':[{'id':'f','from':['host:web1'],'to':['self'],'services':['tcp/1'],\n"
             "'title':'<>'}]");

    assert_all_refused(
        (const char *const[]){ json }, 1,
        "site.json:2:33: /products/p/ports/web: still to be filled in: a port, as in 80\n"
        "site.json:2:69: /products/p/peers/x/0: still to be filled in: who\n"
        "site.json:3:39: /hosts/<the name of a web server>: still to be filled in: the name of a "
        "web server\n"
        "site.json:3:49: /hosts/<the name of a web server>/roles/0: still to be filled in: p/A or "
        "p/B\n"
        "site.json:3:64: /hosts/<the name of a web server>/roles/1: still to be filled in: p/A or "
        "p/B\n"
        "site.json:4:14: /hosts/<the name of a web server>/addresses/0: still to be filled in: its "
        "address, as in 10.1.0.21\n"
        "site.json:4:47: /hosts/<the name of a web server>/addresses/1: \"10.0.0.300\" is not an "
        "IPv4 or IPv6 prefix: write an address, as in 10.1.0.21 or 2001:db8::21, or a network, as "
        "in 10.1.0.0/24 (at most /32) or 2001:db8::/64 (at most /128)\n");
}

/* The site with one value exchanged: the file is refused for that blank, and nothing else. */
static void assert_blank(const json_t *site) {
    _cleanup_(freep) char *text = json_dumps(site, JSON_INDENT(1));
    const struct source source = { "site.json", text, strlen(text) };
    _cleanup_(site_freep) struct site *s = NULL;
    struct report r = REPORT_INIT;
    uint32_t line = 1;

    assert_int_equal(site_load(&source, 1, &s, &r), LOAD_E_INVALID);
    assert_int_equal(r.n_entries, 1);
    assert_string_equal(r.entries[0].text, "still to be filled in: what \xc3\xbc is");
    for (const char *c = text; c < strstr(text, "<what"); c++)
        line += *c == '\n';
    assert_int_equal(r.entries[0].place.line, line);
    report_clear(&r);
}

/* Exchanges every value below `parent`, one at a time. Returns how many there were. */
static size_t blank_each(json_t *site, json_t *parent) {
    static const char blank[] = "<what \xc3\xbc is>";
    json_t *child;
    const char *key;
    size_t i, n = 0;
    void *next;

    json_array_foreach(parent, i, child) {
        json_incref(child);
        json_array_set_new(parent, i, json_string(blank));
        assert_blank(site);
        json_array_set_new(parent, i, child);
        n += 1 + blank_each(site, child);
    }
    json_object_foreach_safe(parent, next, key, child) {
        json_incref(child);
        json_object_set_new(parent, key, json_string(blank));
        assert_blank(site);
        json_object_set_new(parent, key, child);
        n += 1 + blank_each(site, child);
    }
    return n;
}

static void test_a_blank_anywhere(_unused_ void **state) {
    _cleanup_(freep) char *text = json_text(whole);
    json_t *site = json_loads(text, 0, NULL);

    assert_non_null(site);
    assert_true(blank_each(site, site) > 50);
    json_decref(site);
}

/* --- limits --- */

static void prefixes_print(FILE *f, unsigned first, unsigned n) {
    for (unsigned i = first; i < first + n; i++)
        fprintf(f, "%s'%u.%u.%u.%u'", i > first ? "," : "", 10 + (i >> 24), i >> 16 & 255,
                i >> 8 & 255, i & 255);
}

static char *many(unsigned n_hosts, unsigned n_prefixes, unsigned n_flows) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    fprintf(f, "{'format':1,'site':'s','management':[");
    prefixes_print(f, 0, n_prefixes);
    fprintf(f, "],\n'hosts':{");
    for (unsigned i = 0; i < n_hosts; i++) {
        fprintf(f, "%s'h%u':{'addresses':[", i ? ",\n" : "", i);
        prefixes_print(f, i, 1);
        fprintf(f, "],'roles':['p/A','p/B']}");
    }
    fprintf(f, "},\n'flows':[");
    for (unsigned i = 0; i < n_flows; i++)
        fprintf(f, "%s{'id':'f%u','from':['all'],'to':['self'],'services':['tcp/1']}", i ? "," : "",
                i);
    fprintf(f, "]}");
    fclose(f);
    return text;
}

static void test_limits(_unused_ void **state) {
    static const struct {
        unsigned n_hosts, n_prefixes, n_flows;
        const char *message; /* NULL: just within the limits */
    } cases[] = {
        { HOSTS_MAX, 0, FLOWS_MAX, NULL },
        { 1, PREFIXES_MAX - 1, 0, NULL },
        { 1, 0, FLOWS_MAX + 1,
          "site.json:3:9: /flows: 10001 entries, more than the 10000 that are allowed\n" },
        { HOSTS_MAX + 1, 0, 0,
          "site.json:2:9: /hosts: 100001 entries, more than the 100000 that are allowed\n" },
        { 1, PREFIXES_MAX, 0,
          "site.json:2:28: /hosts/h0/addresses: with these the file has more than the 1000000 "
          "prefixes that are allowed\n" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(freep) char *text = many(cases[i].n_hosts, cases[i].n_prefixes, cases[i].n_flows);

        if (cases[i].message)
            assert_all_refused((const char *const[]){ text }, 1, cases[i].message);
        else
            site_free(assert_all_load((const char *const[]){ text }, 1));
    }
}

static void test_too_large(_unused_ void **state) {
    _cleanup_(freep) char *text = calloc(1, SITE_SIZE_MAX + 2);

    memset(text, ' ', SITE_SIZE_MAX + 1);
    memcpy(text, HEAD(HOST), strlen(HEAD(HOST)));
    assert_all_refused((const char *const[]){ text }, 1,
                       "site.json: larger than the 64 MiB that a site may have\n");
    text[SITE_SIZE_MAX] = '\0';
    site_free(assert_all_load((const char *const[]){ text }, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_flows),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_drop_ins),
        cmocka_unit_test(test_drop_in_mistakes),
        cmocka_unit_test(test_drop_in_that_is_no_json),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_blanks),
        cmocka_unit_test(test_a_blank_anywhere),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
