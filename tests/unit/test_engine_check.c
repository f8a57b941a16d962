/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/intent.h"

#include "loading.h"

#include <errno.h>

static const char policy_p[] =
    "{'format':1,'product':'p','title':'t','roles':{'A':{},'B':{}},'peers':{'X':{},'Y':{}},\n"
    "'features':{'redundant':{},'tts':{}},\n"
    "'ports':{'rest':{'default':8091},'web':{'default':443,'fixed':true},\n"
    "         'smtp':{'default':25,'choices':[25,465,587]}},'flows':[]}";
static const char policy_q[] = "{'format':1,'product':'q','title':'t','roles':{'C':{}},'flows':[]}";
static const char policy_p_again[] = "{'format':1,\n'product':'p','title':'t','flows':[]}";

static struct policy *policy_make(const char *json, const char *file) {
    _cleanup_(freep) char *text = json_text(json);
    struct source source = { file, text, strlen(text) };
    struct report r = REPORT_INIT;
    struct policy *p;

    assert_int_equal(policy_load(&source, &p, &r), 0);
    return p;
}

static struct site *site_make(const char *json) {
    _cleanup_(freep) char *text = json_text(json);
    struct source source = { "site.json", text, strlen(text) };
    struct report r = REPORT_INIT;
    struct site *s;

    if (site_load(&source, 1, &s, &r) != 0)
        fail_msg("%s", report_take_text(&r));
    return s;
}

/* Checks a site against p and q. */
static void assert_check(const char *json, const char *message) {
    _cleanup_(policy_freep) struct policy *p = policy_make(policy_p, "p.json");
    _cleanup_(policy_freep) struct policy *q = policy_make(policy_q, "q.json");
    _cleanup_(site_freep) struct site *s = site_make(json);
    const struct policy *policies[] = { p, q };
    _cleanup_(freep) char *text = NULL;
    struct report r = REPORT_INIT;
    int result = site_check(s, policies, ARRAY_SIZE(policies), &r);

    text = report_take_text(&r);
    assert_string_equal(text, message);
    assert_int_equal(result, *message ? LOAD_E_INVALID : 0);
}

#define SITE(sections) "{'format':1,'site':'s',\n" sections "}"
#define HOSTS(hosts)   SITE("'hosts':{\n" hosts "}")
#define HOST           "'hosts':{'h':{'addresses':['10.0.0.1']}},"
#define PRODUCTS(of)   SITE(HOST "'products':{\n" of "}")
#define FLOW(selectors)                                                                            \
    SITE(HOST "'flows':[{'id':'f','to':['all'],'services':['tcp/1'],'from':[\n" selectors "]}]")

static void test_good(_unused_ void **state) {
    assert_check(SITE("'products':{'p':{'features':{'tts':true},'peers':{'X':'any','Y':[]},"
                      "'ports':{'rest':1,'smtp':465}},'q':{}},"
                      "'hosts':{'a':{'roles':['p/A','p/B','q/C'],'addresses':['10.0.0.1','::1']},"
                      "'b':{'addresses':['10.0.0.2','10.0.1.0/24']}},"
                      "'flows':[{'id':'f','from':['p/A','p/X','q/C','host:b'],'to':['all'],"
                      "'services':['tcp/1']}]"),
                 "");
}

static const struct {
    const char *json, *message;
} bad[] = {
    { PRODUCTS("'pp':{},'r':{}"),
      "site.json:3:6: /products/pp: \"pp\" is no product that has a policy; did you mean \"p\"? "
      "(there are: p and q)\n"
      "site.json:3:13: /products/r: \"r\" is no product that has a policy (there are: p and q)\n" },
    { PRODUCTS("'p':{'features':{'<a>':true},'ports':{'<a>':1},'peers':{'<a>':[]}},'<the product>':"
               "{}"),
      "site.json:3:24: /products/p/features/<a>: still to be filled in: a\n"
      "site.json:3:45: /products/p/ports/<a>: still to be filled in: a\n"
      "site.json:3:63: /products/p/peers/<a>: still to be filled in: a\n"
      "site.json:3:84: /products/<the product>: still to be filled in: the product\n" },
    { PRODUCTS("'p':{'features':{'redundat':true,'x':false}}"),
      "site.json:3:29: /products/p/features/redundat: \"redundat\" is no feature of this product; "
      "did you mean \"redundant\"? (there are: redundant and tts)\n"
      "site.json:3:38: /products/p/features/x: \"x\" is no feature of this product (there are: "
      "redundant and tts)\n" },
    { PRODUCTS("'p':{'peers':{'A':[],'x':'any'}}"),
      "site.json:3:19: /products/p/peers/A: \"A\" is no peer of this product (there are: X and Y)\n"
      "site.json:3:26: /products/p/peers/x: \"x\" is no peer of this product; did you mean \"X\"? "
      "(there are: X and Y)\n" },
    { SITE("'hosts':{'h':{'addresses':['10.0.0.1']}},'audit':['p','q/C','r/A','q/x','site/x']"),
      "site.json:2:61: /audit/2: \"r\" is no product that has a policy (there are: p and q)\n"
      "site.json:2:67: /audit/3: \"x\" is no flow and no role of q (there are: C)\n"
      "site.json:2:73: /audit/4: \"x\" is no flow and no role of site (there are: none)\n" },
    { PRODUCTS("'q':{'peers':{'X':[]}}"),
      "site.json:3:19: /products/q/peers/X: \"X\" is no peer of this product (there are: none)\n" },
    { PRODUCTS("'p':{'ports':{'resd':1,'web':444,'smtp':26}}"),
      "site.json:3:22: /products/p/ports/resd: \"resd\" is no port of this product; did you mean "
      "\"rest\"? (there are: rest, smtp and web)\n"
      "site.json:3:30: /products/p/ports/web: the vendor fixes the port web at 443: remove this "
      "line\n"
      "site.json:3:41: /products/p/ports/smtp: the vendor leaves no choice of 26 for the port "
      "smtp, only of 25, 465 and 587\n" },
    { HOSTS("'h':{'addresses':['10.0.0.1'],'roles':['p/A','p/D','q/A','r/A','p/X']}"),
      "site.json:3:46: /hosts/h/roles/1: \"D\" is no role of p (there are: A and B)\n"
      "site.json:3:52: /hosts/h/roles/2: \"A\" is no role of q (there are: C)\n"
      "site.json:3:58: /hosts/h/roles/3: \"r\" is no product that has a policy (there are: p and "
      "q)\n"
      "site.json:3:64: /hosts/h/roles/4: \"X\" is no role of p (there are: A and B)\n" },
    { FLOW("'p/a','p/Z','r/A','host:g','host:acd','p/Y'"),
      "site.json:3:1: /flows/0/from/0: \"a\" is no role and no peer of p; did you mean \"A\"? "
      "(there are: A, B, X and Y)\n"
      "site.json:3:7: /flows/0/from/1: \"Z\" is no role and no peer of p (there are: A, B, X and "
      "Y)\n"
      "site.json:3:13: /flows/0/from/2: \"r\" is no product that has a policy (there are: p and "
      "q)\n"
      "site.json:3:19: /flows/0/from/3: \"g\" is no host of this site (there are: h)\n"
      "site.json:3:28: /flows/0/from/4: \"acd\" is no host of this site (there are: h)\n" },
    { HOSTS("'a':{'addresses':['10.0.0.1','2001:db8::1']},\n"
            "'b':{'addresses':['10.0.0.2','10.0.0.1']},\n"
            "'c':{'addresses':['2001:DB8:0::1']}"),
      "site.json:4:30: /hosts/b/addresses/1: the hosts a (site.json:3) and b both have 10.0.0.1: "
      "leave it to one of them; a virtual address of a cluster is a host of its own with the "
      "cluster's role\n"
      "site.json:5:19: /hosts/c/addresses/0: the hosts a (site.json:3) and c both have "
      "2001:db8::1: leave it to one of them; a virtual address of a cluster is a host of its own "
      "with the cluster's role\n" },
    { HOSTS("'a':{'addresses':['10.0.0.0/24']},\n'b':{'addresses':['10.0.0.0']},\n"
            "'c':{'addresses':['10.0.0.255','10.0.1.0']},\n'd':{'addresses':['10.0.0.128/25']}"),
      "site.json:4:19: /hosts/b/addresses/0: 10.0.0.0 overlaps 10.0.0.0/24 of the host a at "
      "site.json:3: an address belongs to one host, so make one of them narrower\n"
      "site.json:5:19: /hosts/c/addresses/0: 10.0.0.255 overlaps 10.0.0.0/24 of the host a at "
      "site.json:3: an address belongs to one host, so make one of them narrower\n"
      "site.json:6:19: /hosts/d/addresses/0: 10.0.0.128/25 overlaps 10.0.0.0/24 of the host a at "
      "site.json:3: an address belongs to one host, so make one of them narrower\n" },
    { HOSTS("'a':{'addresses':['10.0.0.7']},\n'b':{'addresses':['::/0','10.0.0.0/8']}"),
      "site.json:4:26: /hosts/b/addresses/1: 10.0.0.0/8 overlaps 10.0.0.7 of the host a at "
      "site.json:3: an address belongs to one host, so make one of them narrower\n" },
    { HOSTS("'a':{'addresses':['10.0.0.7','10.0.0.7','10.0.0.0/24']}"),
      "site.json:3:19: /hosts/a/addresses/0: 10.0.0.7 overlaps 10.0.0.0/24 of the same host: "
      "remove one\n"
      "site.json:3:30: /hosts/a/addresses/1: 10.0.0.7 overlaps 10.0.0.0/24 of the same host: "
      "remove one\n" },
};

static void test_refusals(_unused_ void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_check(bad[i].json, bad[i].message);
}

static void test_two_policies_of_one_product(_unused_ void **state) {
    _cleanup_(policy_freep) struct policy *p = policy_make(policy_p, "p.json");
    _cleanup_(policy_freep) struct policy *again = policy_make(policy_p_again, "again.json");
    _cleanup_(site_freep) struct site *s =
        site_make(HOSTS("'h':{'addresses':['10.0.0.1'],'roles':['p/A']}"));
    const struct policy *policies[] = { p, again };
    _cleanup_(freep) char *text = NULL;
    struct report r = REPORT_INIT;

    assert_int_equal(site_check(s, policies, 2, &r), LOAD_E_INVALID);
    text = report_take_text(&r);
    assert_string_equal(text, "again.json:2:11: /product: the product p has a policy already, at "
                              "p.json:1: an override has the same file name\n");
}

static void test_no_policies(_unused_ void **state) {
    _cleanup_(site_freep) struct site *s =
        site_make(HOSTS("'h':{'addresses':['10.0.0.1'],'roles':['p/A']}"));
    _cleanup_(freep) char *text = NULL;
    struct report r = REPORT_INIT;

    assert_int_equal(site_check(s, NULL, 0, &r), LOAD_E_INVALID);
    text = report_take_text(&r);
    assert_string_equal(text, "site.json:3:40: /hosts/h/roles/0: \"p\" is no product that has a "
                              "policy (there are: none)\n");
}

/* A list of names that nobody would read is cut. */
static void test_long_lists_are_cut(_unused_ void **state) {
    _cleanup_(site_freep) struct site *s = NULL;
    _cleanup_(freep) char *json = NULL, *text = NULL;
    struct report r = REPORT_INIT;
    size_t size;
    FILE *f = open_memstream(&json, &size);

    fprintf(f, "{'format':1,'site':'s','hosts':{");
    for (unsigned i = 0; i < 1000; i++)
        fprintf(f, "%s'h%03u':{'addresses':['10.0.%u.%u']}", i ? "," : "", i, i >> 8, i & 255);
    fprintf(f, "},\n'flows':[{'id':'f','from':['host:x'],'to':['self'],'services':['igmp']}]}");
    fclose(f);
    s = site_make(json);
    assert_int_equal(site_check(s, NULL, 0, &r), LOAD_E_INVALID);
    text = report_take_text(&r);
    assert_string_equal(text, "site.json:2:28: /flows/0/from/0: \"x\" is no host of this site "
                              "(there are: h000, h001, h002, h003, h004, h005, h006, h007, h008, "
                              "h009, h010, h011 and 988 more)\n");
}

/* --- files with mistakes: everything at once, and nothing that only follows from another --- */

#define POLICY(sections) "{'format':1,'product':'p','title':'t',\n" sections "}"
#define ROW(id, party)                                                                             \
    "{'id':'" id "','from':['" party "'],'to':['self'],'services':['tcp/"                          \
    "1'],'title':'t','ref':'r'}"
#define GOOD_SITE HOSTS("'h':{'addresses':['10.0.0.1'],'roles':['p/A']}")

static const struct {
    const char *policy, *site, *message;
} drafts[] = {
    { policy_p,
      SITE("'products':{'p':{'ports':{'rest':65536,'rset':1}}},\n"
           "'hosts':{'h':{'addresses':['10.0.0.300'],'roles':['p/a','p/A']},\n"
           "'i':{'addresses':['10.0.0.400'],'roles':['1/A','x']}},\n"
           "'flows':[{'id':'a b','from':['p/x','host:j'],'to':['host:i'],'services':['tcp/0']}]"),
      "site.json:2:34: /products/p/ports/rest: 65536 is not a port: 1 to 65535 are\n"
      "site.json:2:47: /products/p/ports/rset: \"rset\" is no port of this product; did you mean "
      "\"rest\"? (there are: rest, smtp and web)\n"
      "site.json:3:28: /hosts/h/addresses/0: \"10.0.0.300\" is not an IPv4 or IPv6 prefix: write "
      "an address, as in 10.1.0.21 or 2001:db8::21, or a network, as in 10.1.0.0/24 (at most /32) "
      "or 2001:db8::/64 (at most /128)\n"
      "site.json:3:51: /hosts/h/roles/0: \"a\" is no role of p; did you mean \"A\"? (there are: A "
      "and B)\n"
      "site.json:4:19: /hosts/i/addresses/0: \"10.0.0.400\" is not an IPv4 or IPv6 prefix: write "
      "an address, as in 10.1.0.21 or 2001:db8::21, or a network, as in 10.1.0.0/24 (at most /32) "
      "or 2001:db8::/64 (at most /128)\n"
      "site.json:4:42: /hosts/i/roles/0: \"1/A\" is no role: write product/ROLE, as in "
      "jtel-acd/ACD-LB\n"
      "site.json:4:48: /hosts/i/roles/1: \"x\" is no role: write product/ROLE, as in "
      "jtel-acd/ACD-LB\n"
      "site.json:5:16: /flows/0/id: \"a b\" is not a name: 1 to 63 letters, digits, '.' and '-', "
      "the first a letter or digit\n"
      "site.json:5:30: /flows/0/from/0: \"x\" is no role and no peer of p; did you mean \"X\"? "
      "(there are: A, B, X and Y)\n"
      "site.json:5:36: /flows/0/from/1: \"j\" is no host of this site (there are: h and i)\n"
      "site.json:5:74: /flows/0/services/0: \"tcp/0\": a port is a number from 1 to 65535 without "
      "leading zeros, a range is two, as in 5701-5801\n" },
    { policy_p,
      SITE("'hosts':[],'flows':[{'id':'f','from':['host:h','p/Z'],'to':['all'],"
           "'services':['tcp/1']}]"),
      "site.json:2:9: /hosts: must be an object, as in { \"acd-lb1\": { \"addresses\": "
      "[\"10.1.0.21\"] } }, not an array\n"
      "site.json:2:48: /flows/0/from/1: \"Z\" is no role and no peer of p (there are: A, B, X and "
      "Y)\n" },
    { policy_p,
      SITE("'host':{},'flows':[{'id':'f','from':['host:h'],'to':['all'],"
           "'services':['tcp/1']}]"),
      "site.json:1:1: \"hosts\" is missing: add it, as in \"hosts\": { \"acd-lb1\": { "
      "\"addresses\": [\"10.1.0.21\"] } }\n"
      "site.json:2:8: /host: \"host\" is no member here; did you mean \"hosts\"? (there are: "
      "format, site, ingress, egress, deny, audit, seal, policy_updates, management, products, "
      "hosts and "
      "flows)\n" },
    { POLICY("'roles':{'A':{},'f':{}},'flows':[" ROW("f", "A") "]"),
      SITE(HOST
           "'audit':['p','p/A','p/flow:f','p/role:f','p/f','p/a','p/flow:A','q','site/x','A b']"),
      "site.json:2:83: /audit/4: f is a role and a flow of p: write \"p/role:f\" or \"p/flow:f\"\n"
      "site.json:2:89: /audit/5: \"a\" is no flow and no role of p; did you mean \"A\"? (there "
      "are: "
      "A and f)\n"
      "site.json:2:95: /audit/6: \"A\" is no flow of p (there are: f)\n"
      "site.json:2:119: /audit/9: \"A b\" is nothing that can be audited: write a product, "
      "product/flow or product/ROLE, as in jtel-acd/rest\n" },
    { policy_p, HOSTS("'h':{'addresses':['10.0.0.1']},'h':{'addresses':['10.0.0.1']}"),
      "site.json:3:36: /hosts/h: stands twice, first in line 3 column 5: remove one\n" },
    { policy_p, SITE(HOST "'products':{'p':{'ports':{'smtp':0,'web':0}}}"),
      "site.json:2:75: /products/p/ports/smtp: 0 is not a port: 1 to 65535 are\n"
      "site.json:2:83: /products/p/ports/web: 0 is not a port: 1 to 65535 are\n"
      "site.json:2:83: /products/p/ports/web: the vendor fixes the port web at 443: remove this "
      "line\n" },
    { POLICY("'roles':{'A':{}},'flows':[" ROW("a b", "A") "," ROW("f", "B") "]"),
      HOSTS("'h':{'addresses':['10.0.0.1'],'roles':['p/A','p/B','q/C','q/D']}"),
      "p.json:2:33: /flows/0/id: \"a b\" is not a name: 1 to 63 letters, digits, '.' and '-', the "
      "first a letter or digit\n"
      "p.json:2:128: /flows/1/from/0: \"B\" is no role and no peer of this policy (there are: A)\n"
      "site.json:3:46: /hosts/h/roles/1: \"B\" is no role of p (there are: A)\n"
      "site.json:3:58: /hosts/h/roles/3: \"D\" is no role of q (there are: C)\n" },
    { POLICY("'roles':[],'flows':[]"), GOOD_SITE,
      "p.json:2:9: /roles: must be an object, as in { \"ACD-LB\": { \"title\": \"Load balancers\" "
      "} }, not an array\n" },
    { POLICY("'role':{'A':{}},'flows':[" ROW("f", "A") "]"), GOOD_SITE,
      "p.json:2:8: /role: \"role\" is no member here; did you mean \"roles\"? (there are: format, "
      "product, title, source, notes, roles, peers, features, ports and flows)\n" },
    { POLICY("'roles':{'A':7},'flows':7"), GOOD_SITE,
      "p.json:2:14: /roles/A: must be an object, not an integer\n"
      "p.json:2:25: /flows: must be an array, as in [], not an integer\n" },
    { POLICY("'roles':{'A':{}},'peers':7,'features':7,'ports':7,'flows':[]"),
      SITE(HOST "'products':{'p':{'peers':{'X':[]},'features':{'x':true},'ports':{'x':1}}},"
                "'flows':[{'id':'f','from':['p/X'],'to':['all'],'services':['tcp/1']}]"),
      "p.json:2:26: /peers: must be an object, as in { \"voice-peers\": { \"title\": \"Telephone "
      "exchanges\" } }, not an integer\n"
      "p.json:2:39: /features: must be an object, as in { \"redundant\": { \"default\": false } }, "
      "not an integer\n"
      "p.json:2:49: /ports: must be an object, as in { \"rest\": { \"default\": 8091 } }, not an "
      "integer\n" },
    { POLICY("'ports':{'a':{'default':25,'choices':[25,0]},'b':{'default':0,'fixed':true}},"
             "'flows':[]"),
      SITE(HOST "'products':{'p':{'ports':{'a':587,'b':1,'c':2}}}"),
      "p.json:2:42: /ports/a/choices/1: 0 is not a port: 1 to 65535 are\n"
      "p.json:2:61: /ports/b/default: 0 is not a port: 1 to 65535 are\n"
      "site.json:2:86: /products/p/ports/c: \"c\" is no port of this product (there are: a and "
      "b)\n" },
    { "{'format':1,'product':'p q','title':'t','roles':{},'flows':[]}",
      HOSTS("'h':{'addresses':['10.0.0.1'],'roles':['p/A','q/D']}"),
      "p.json:1:23: /product: \"p q\" is not a product's name: 1 to 63 letters, digits, '.' and "
      "'-', the first a letter\n"
      "site.json:3:46: /hosts/h/roles/1: \"D\" is no role of q (there are: C)\n" },
    { "{'format':1,}", HOSTS("'h':{'addresses':['10.0.0.1'],'roles':['p/A','q/D']}"),
      "p.json:1:12: not JSON: nothing follows this comma: remove it\n"
      "site.json:3:46: /hosts/h/roles/1: \"D\" is no role of q (there are: C)\n" },
    { "", "",
      "p.json:1:1: the file is empty: was it cut? Restore it, or remove it\n"
      "site.json:1:1: the file is empty: was it cut? Restore it, or remove it\n" },
    { POLICY("'roles':{'B':{}},'flows':[]"), "{'hosts':{'h':{'roles':['p/A']}},}",
      "site.json:1:33: not JSON: nothing follows this comma: remove it\n" },
};

static char *draft_messages(const char *policy_json, const char *site_json) {
    _cleanup_(freep) char *policy_text = json_text(policy_json), *site_text = json_text(site_json);
    struct source policy = { "p.json", policy_text, strlen(policy_text) };
    struct source site = { "site.json", site_text, strlen(site_text) };
    _cleanup_(policy_freep) struct policy *p = NULL, *q = policy_make(policy_q, "q.json");
    _cleanup_(site_freep) struct site *s = NULL;
    struct report r = REPORT_INIT;

    assert_in_range(policy_load(&policy, &p, &r), 0, LOAD_E_INVALID);
    assert_in_range(site_load(&site, 1, &s, &r), 0, LOAD_E_INVALID);
    if (s)
        assert_in_range(site_check(s, (const struct policy *const[]){ p, q }, 2, &r), 0,
                        LOAD_E_INVALID);
    report_sort(&r);
    return report_take_text(&r);
}

static void test_drafts(_unused_ void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(drafts); i++) {
        _cleanup_(freep) char *text = draft_messages(drafts[i].policy, drafts[i].site);

        assert_string_equal(text, drafts[i].message);
    }
}

static int resolve(const struct policy *p, const struct site *s) {
    _cleanup_(intent_freep) struct intent *intent = NULL;
    struct report r = REPORT_INIT;
    int result = intent_resolve(&p, 1, s, (const char *const[]){ "h" }, 1, &intent, &r);

    assert_true(report_is_empty(&r));
    return result;
}

/* What was understood of a file with mistakes can't be enforced. */
static void test_drafts_are_not_resolved(_unused_ void **state) {
    _cleanup_(freep) char *text = json_text(POLICY("'roles':{'A':{}},'flow':[],'flows':[]"));
    _cleanup_(freep) char *site_text =
        json_text(HOSTS("'h':{'addresses':['10.0.0.1'],'roles':['p/A']},'i':{}"));
    _cleanup_(policy_freep) struct policy *p = policy_make(policy_p, "p.json"), *draft = NULL;
    _cleanup_(site_freep) struct site *s = site_make(GOOD_SITE), *site_draft = NULL;
    struct report r = REPORT_INIT;

    assert_int_equal(policy_load(&(struct source){ "p", text, strlen(text) }, &draft, &r),
                     LOAD_E_INVALID);
    assert_int_equal(
        site_load(&(struct source){ "s", site_text, strlen(site_text) }, 1, &site_draft, &r),
        LOAD_E_INVALID);
    report_clear(&r);
    assert_int_equal(resolve(p, s), 0);
    assert_int_equal(resolve(draft, s), -EINVAL);
    assert_int_equal(resolve(p, site_draft), -EINVAL);
}

/* --- what may not be meant --- */

static const char *warning_find(const struct intent *in, const char *code) {
    for (size_t i = 0; i < in->n_warnings; i++)
        if (strcmp(in->warnings[i].code, code) == 0)
            return in->warnings[i].text;
    return NULL;
}

/* Only the host itself is told that it has no role. */
static void test_no_roles(_unused_ void **state) {
    static const struct {
        const char *flows, *host, *text;
    } cases[] = {
        { "[]", "h", "host h has no role: only host-baseline applies" },
        { "[]", "i", NULL },
        { "[{'id':'f','from':['all'],'to':['all'],'services':['tcp/1']}]", "h",
          "host h has no role: only host-baseline and the site's own flows apply" },
    };
    _cleanup_(policy_freep) struct policy *p = policy_make(policy_p, "p.json");

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(intent_freep) struct intent *intent = NULL;
        _cleanup_(site_freep) struct site *s = NULL;
        _cleanup_(freep) char *json = NULL;
        struct report r = REPORT_INIT;
        const char *text;

        assert_true(asprintf(&json,
                             "{'format':1,'site':'s','hosts':{'h':{'addresses':['10.0.0.1']},"
                             "'i':{'addresses':['10.0.0.2'],'roles':['p/A']}},'flows':%s}",
                             cases[i].flows) > 0);
        s = site_make(json);
        assert_int_equal(intent_resolve((const struct policy *const[]){ p }, 1, s, &cases[i].host,
                                        1, &intent, &r),
                         0);
        text = warning_find(intent, "no-roles");
        if (cases[i].text)
            assert_string_equal(text, cases[i].text);
        else
            assert_null(text);
    }
}

/* --- overlaps, against every pair --- */

static bool overlap(const struct prefix *a, const struct prefix *b) {
    return a->family == b->family && address_compare(&a->range.lo, &b->range.hi) <= 0 &&
           address_compare(&b->range.lo, &a->range.hi) <= 0;
}

static bool any_pair_overlaps(const struct site *s) {
    for (size_t i = 0; i < s->n_hosts; i++)
        for (size_t j = 0; j < i; j++)
            if (overlap(&s->hosts[i].addresses.items[0], &s->hosts[j].addresses.items[0]))
                return true;
    return false;
}

static void test_overlaps_are_found(_unused_ void **state) {
    uint32_t seed = 3;
    unsigned n_found = 0;

    for (unsigned round = 0; round < 400; round++) {
        _cleanup_(site_freep) struct site *s = NULL;
        _cleanup_(freep) char *json = NULL;
        struct report r = REPORT_INIT;
        size_t size;
        bool expected;
        FILE *f = open_memstream(&json, &size);

        fprintf(f, "{'format':1,'site':'s','hosts':{");
        for (unsigned i = 0; i < 8; i++) {
            unsigned length = 32 - random_next(&seed) % 5;

            fprintf(f, "%s'h%u':{'addresses':['10.0.0.%u/%u']}", i ? "," : "", i,
                    random_next(&seed) % 256 & ~((1U << (32 - length)) - 1), length);
        }
        fprintf(f, "}}");
        fclose(f);
        s = site_make(json);
        expected = any_pair_overlaps(s);
        n_found += expected;
        assert_int_equal(site_check(s, NULL, 0, &r), expected ? LOAD_E_INVALID : 0);
        assert_int_equal(report_is_empty(&r), !expected);
        report_clear(&r);
    }
    assert_in_range(n_found, 50, 350); /* both outcomes are common */
}

/* --- size --- */

/* Nothing may be looked up by walking over all hosts: that would take minutes here. */
static void test_a_site_of_100000_hosts(_unused_ void **state) {
    _cleanup_(freep) char *json = NULL;
    size_t size;
    FILE *f = open_memstream(&json, &size);

    fprintf(f, "{'format':1,'site':'s','hosts':{");
    for (unsigned i = 0; i < HOSTS_MAX; i++)
        fprintf(f, "%s\n'h%06u':{'addresses':['10.%u.%u.%u'],'roles':['p/A','q/C']}", i ? "," : "",
                i, i >> 16, i >> 8 & 255, i & 255);
    fprintf(f, "},'flows':[");
    for (unsigned i = 0; i < FLOWS_MAX; i++)
        fprintf(f, "%s{'id':'f%u','from':['host:h%06u'],'to':['p/B'],'services':['tcp/1']}",
                i ? "," : "", i, HOSTS_MAX - 1 - i);
    fprintf(f, "]}");
    fclose(f);
    alarm(120);
    assert_check(json, "");
    alarm(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_two_policies_of_one_product),
        cmocka_unit_test(test_no_policies),
        cmocka_unit_test(test_long_lists_are_cut),
        cmocka_unit_test(test_no_roles),
        cmocka_unit_test(test_drafts),
        cmocka_unit_test(test_drafts_are_not_resolved),
        cmocka_unit_test(test_overlaps_are_found),
        cmocka_unit_test(test_a_site_of_100000_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
