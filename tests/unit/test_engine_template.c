/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/template.h"

#include "loading.h"

static const char *const policies_json[] = {
    ("{'format':1,'product':'p','title':'t','roles':{'A':{'title':'The first'},'B':{}},\n"
     "'peers':{'open':{'default':'any'},'named':{'hostnames':['a.example.net','b.example.net']},\n"
     "'names':{'hostnames_only':true},'X':{'title':'Them'}},\n"
     "'features':{'on':{'default':true,'title':'It is on'},'off':{}},\n"
     "'ports':{'rest':{'default':8091},'fixed':{'default':1,'fixed':true},'own':{},\n"
     "'smtp':{'default':25,'choices':[25,465]},'imap':{'title':'Mail','choices':[143,993]}},\n"
     "'flows':[{'id':'f','from':['os:windows'],'to':['A'],'services':['tcp/1'],\n"
     "'title':'t','ref':'r'}]}"),
    ("{'format':1,'product':'q','title':'t','roles':{'A':{},'C':{'title':'The third'}},\n"
     "'flows':[]}"),
    "{'format':1,'product':'empty','title':'t','flows':[]}",
    "{'format':1,'product':'host-baseline','title':'t','features':{'ping':{}},'flows':[]}",
};
#define N_POLICIES ARRAY_SIZE(policies_json)

static struct policy *policies[N_POLICIES];

static int setup(_unused_ void **state) {
    for (size_t i = 0; i < N_POLICIES; i++) {
        _cleanup_(freep) char *text = json_text(policies_json[i]);
        const struct source source = { "p.json", text, strlen(text) };
        struct report r = REPORT_INIT;

        assert_int_equal(policy_load(&source, &policies[i], &r), 0);
    }
    return 0;
}

static int teardown(_unused_ void **state) {
    for (size_t i = 0; i < N_POLICIES; i++)
        policy_free(policies[i]);
    return 0;
}

/* Splits at blanks, in place. */
static size_t split(char *text, const char *ret[static 8]) {
    size_t n = 0;

    for (char *word; (word = strsep(&text, " "));)
        if (*word)
            ret[n++] = word;
    return n;
}

static int build(const char *products, const char *hosts, const struct site *site,
                 struct template *ret, struct report *r) {
    _cleanup_(freep) char *product_text = strdup(products), *host_text = strdup(hosts);
    const char *product_words[8], *host_words[8];
    const struct template_request request = { .products = product_words,
                                              .n_products = split(product_text, product_words),
                                              .hosts = host_words,
                                              .n_hosts = split(host_text, host_words),
                                              .site = site };

    return template_build(&request, (const struct policy *const *)policies, N_POLICIES, ret, r);
}

static struct site *site_make(const char *json) {
    _cleanup_(freep) char *text = json_text(json);
    const struct source source = { "site.json", text, strlen(text) };
    struct report r = REPORT_INIT;
    struct site *s = NULL;

    if (site_load(&source, 1, &s, &r) != 0)
        fail_msg("%s", report_take_text(&r));
    return s;
}

/* One member of what is built, and all the notes. */
static void assert_built(const char *products, const char *hosts, const char *site_json,
                         const char *member, const char *expected, const char *expected_notes) {
    _cleanup_(site_freep) struct site *site = site_json ? site_make(site_json) : NULL;
    _cleanup_(freep) char *wanted = json_text(expected), *got = NULL, *notes = NULL;
    struct report r = REPORT_INIT;
    struct template t;

    if (build(products, hosts, site, &t, &r) != 0)
        fail_msg("%s", report_take_text(&r));
    got = json_dumps(*member ? json_object_get(t.site, member) : t.site, JSON_COMPACT);
    assert_string_equal(got ? got : "nothing", wanted);
    if (expected_notes) {
        _cleanup_(freep) char *wanted_notes = json_text(expected_notes);

        notes = json_dumps(t.notes, JSON_COMPACT);
        assert_string_equal(notes, wanted_notes);
    }
    template_clear(&t);
}

#define HEAD                                                                                       \
    "{'format':1,'site':'<the name of the site, as in berlin>','ingress':'audit',"                 \
    "'egress':'audit','deny':{'ingress':'drop','egress':'reject'},"                                \
    "'management':['<networks from which hosts are administered, as in 10.0.0.0/24>'],"
#define AUDIT_NOTE                                                                                 \
    "'ingress and egress are \\'audit\\': nothing is denied yet; portd-ctl status says what "      \
    "would "                                                                                       \
    "be, and when it has been quiet for long enough to write \\'enforce\\''"
#define ADDRESS(of) "'addresses':['<an address of " of ", as in 10.1.0.21>']"

static void test_whole(_unused_ void **state) {
    assert_built("q", "", NULL, "",
                 HEAD "'products':{'q':{}},"
                      "'hosts':{'<the name of a host, A>':{'roles':['q/A']," ADDRESS(
                          "this host") "},'<the name of a host, C: The "
                                       "third>':{'roles':['q/C']," ADDRESS("this host") "}}}",
                 "['host-baseline features: ping off'," AUDIT_NOTE "]");
    assert_built("empty", "", NULL, "",
                 HEAD "'products':{'empty':{}},"
                      "'hosts':{'<the name of a host>':{" ADDRESS("this host") "}}}",
                 NULL);
}

static void test_products(_unused_ void **state) {
    assert_built("q p", "", NULL, "products",
                 "{'q':{},'p':{'features':{'on':true,'off':false},"
                 "'ports':{'own':'<own: a number without quotation marks, 1 to 65535>','smtp':25,"
                 "'imap':'<Mail: one of 143 and 993, without quotation marks>'},"
                 "'peers':{'names':['<names, as in licence.example.net>'],"
                 "'X':['<Them, as in 10.9.0.0/24>']}}}",
                 "['p features: on on (It is on), off off',"
                 "'p ports, of which the vendor leaves a choice: smtp 25 and 465, "
                 "imap 143 and 993 (Mail)','p peers, any address unless bound: open',"
                 "'p peers, by these names unless bound: named a.example.net and b.example.net',"
                 "'p os of a host: linux or windows, each has rows of its own',"
                 "'host-baseline features: ping off'," AUDIT_NOTE "]");
}

static void test_hosts(_unused_ void **state) {
    /* Products in the order of the request; a role that two have is told with its product. */
    assert_built(
        "q p", "", NULL, "hosts",
        "{'<the name of a host, q A>':{'roles':['q/A']," ADDRESS(
            "this host") "},"
                         "'<the name of a host, C: The third>':{'roles':['q/C']," ADDRESS(
                             "this host") "},"
                                          "'<the name of a host, p A: The "
                                          "first>':{'roles':['p/A']," ADDRESS(
                                              "this host") ",'os':'linux'},'<the name of a host, "
                                                           "B>':{'roles':['p/B']," ADDRESS(
                                                               "this "
                                                               "host") ",'os':'linux'}}",
        NULL);
    assert_built(
        "q p", "b=p/A,C a=C z", NULL, "hosts",
        "{'b':{'roles':['p/A','q/C']," ADDRESS(
            "b") ",'os':'linux'},"
                 "'a':{'roles':['q/C']," ADDRESS(
                     "a") "},"
                          "'z':{'roles':['<what z is, one of q/A, q/C, p/A, p/B>']," ADDRESS(
                              "z") ",'os':'linux'}}",
        NULL);
    assert_built("empty", "z", NULL, "hosts", "{'z':{" ADDRESS("z") "}}", NULL);
}

/* Of what the site has already nothing is said again. */
static void test_drop_in(_unused_ void **state) {
#define SITE(products, roles)                                                                      \
    "{'format':1,'site':'s','products':{" products "},'hosts':{'h':{'addresses':['10.0.0.1'],"     \
    "'roles':[" roles "]}}}"
    static const char hosts[] = "{'n':{'roles':['q/C']," ADDRESS("n") "}}";

    assert_built("q p", "n=C", SITE("'p':{},'q':{}", ""), "hosts", hosts, "[]");
    assert_built("q p", "n=C", SITE("'p':{}", "'q/A'"), "products", "nothing", "[]");
    assert_built("q", "n=C", SITE("'p':{}", "'p/A','qq/A'"), "products", "{'q':{}}", "[]");
    assert_built("q", "n=C", SITE("", ""), "format", "nothing", NULL);
}

static const struct {
    const char *products, *hosts, *site, *message;
} bad[] = {
    { "pp x host-baseline p p", "", NULL,
      "\"pp\" is no product that has a policy; did you mean \"p\"? (there are: p, q and empty)\n"
      "\"x\" is no product that has a policy (there are: p, q and empty)\n"
      "host-baseline applies to every host without being named: leave it out\n"
      "the product p is named twice\n" },
    { "host-baseline", "a=b", NULL,
      "host-baseline applies to every host without being named: leave it out\n" },
    { "p q", "a=A,B,B b=p/C,r/A,C/ a a_b <a>=B, =B", NULL,
      "host a: several products have a role A: write product/ROLE, as in p/A\n"
      "host a: p/B is named twice\n"
      "host b: \"C\" is no role of p (there are: A and B)\n"
      "host b: \"r\" is no product that was named (there are: p and q)\n"
      "host b: \"C\" is no product that was named (there are: p and q)\n"
      "host a: it is named twice: give it all its roles at once, as in a=A,B\n"
      "host \"a_b\": this is not a name: 1 to 63 letters, digits, '.' and '-', the first a letter "
      "or digit\n"
      "host \"<a>\": this is not a name: 1 to 63 letters, digits, '.' and '-', the first a letter "
      "or digit\n"
      "host \"<a>\": \"\" is no role of these products (there are: A, B and C)\n"
      "host \"\": this is not a name: 1 to 63 letters, digits, '.' and '-', the first a letter or "
      "digit\n" },
    { "empty", "a=A", NULL, "host a: \"A\" is no role of empty (there are: none)\n" },
    { "q", "a h=C", SITE("", ""),
      "site.json:1:51: the host h is in the site already: change it here\n" },
};

static void test_mistakes(_unused_ void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        _cleanup_(site_freep) struct site *site = bad[i].site ? site_make(bad[i].site) : NULL;
        _cleanup_(freep) char *text = NULL;
        struct report r = REPORT_INIT;
        struct template t;

        assert_int_equal(build(bad[i].products, bad[i].hosts, site, &t, &r), TEMPLATE_E_INVALID);
        text = report_take_text(&r);
        assert_string_equal(text, bad[i].message);
    }
}

static void test_blanks(_unused_ void **state) {
    static const struct {
        const char *json;
        size_t n;
    } cases[] = {
        { "7", 0 },
        { "'<a>'", 1 },
        { "'<>'", 0 },
        { "['<a>','<a>',['<b>']]", 3 },
        { "{'<a>':'<b>','c':{'<d>':1}}", 3 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(freep) char *text = json_text(cases[i].json);
        json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

        assert_int_equal(template_blanks(value), cases[i].n);
        json_decref(value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),    cmocka_unit_test(test_products),
        cmocka_unit_test(test_hosts),    cmocka_unit_test(test_drop_in),
        cmocka_unit_test(test_mistakes), cmocka_unit_test(test_blanks),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
