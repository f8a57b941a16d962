/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/resolved.h"

#include "loading.h"

static const char *const both[] = { "a.example", "b.example" };

static json_t *json_of(const char *text) {
    _cleanup_(freep) char *quoted = json_text(text);
    json_t *o = json_loads(quoted, 0, NULL);

    assert_non_null(o);
    return o;
}

/* What resolved_take() says of the parameters of Resolved. */
static int take(struct resolved *r, const char *text, uint64_t now) {
    json_t *o = json_of(text);
    struct resolution answer;
    char *why = NULL;
    int result = resolution_parse(o, &answer, &why);

    assert_null(why);
    assert_int_equal(result, 0);
    result = resolved_take(r, &answer, now);
    json_decref(o);
    return result;
}

static void assert_addresses(const struct resolved *r, const char *name, const char *expected) {
    json_t *addresses = resolved_addresses_json(resolved_find(r, name));
    char *text = json_dumps(addresses, JSON_COMPACT);

    assert_string_equal(text, expected);
    free(text);
    json_decref(addresses);
}

static void test_answers(_unused_ void **state) {
    struct resolved r = { 0 };
    const struct resolved_name *a;

    assert_int_equal(resolved_need(&r, both, 2), 1);
    assert_int_equal(resolved_need(&r, both, 2), 0);
    assert_int_equal(take(&r,
                          "{'name':'a.example','ipv4':{'addresses':['10.0.0.2','10.0.0.1',"
                          "'10.0.0.2'],'ttl':30},'ipv6':{'addresses':['2001:db8::1'],'ttl':20}}",
                          5),
                     1);
    a = resolved_find(&r, "a.example");
    assert_addresses(&r, "a.example", "[\"10.0.0.1\",\"10.0.0.2\",\"2001:db8::1\"]");
    assert_int_equal(a->ttl, 20);
    assert_int_equal(a->answered_usec, 5);

    /* the same again, in another order */
    assert_int_equal(take(&r,
                          "{'name':'a.example','ipv4':{'addresses':['10.0.0.2','10.0.0.1'],"
                          "'ttl':7},'ipv6':{'addresses':['2001:db8:0::1'],'ttl':9}}",
                          6),
                     0);
    assert_int_equal(a->ttl, 7);

    /* a name that nobody asked for */
    assert_int_equal(take(&r, "{'name':'c.example','error':'x'}", 7), RESOLVED_E_UNKNOWN);
    /* one family alone is gone: the other's answer says so */
    assert_int_equal(take(&r,
                          "{'name':'a.example','ipv4':{'addresses':['10.0.0.3'],'ttl':7},"
                          "'ipv6':{'addresses':[],'ttl':9}}",
                          8),
                     1);
    assert_addresses(&r, "a.example", "[\"10.0.0.3\"]");
    resolved_clear(&r);
}

static void test_failures_keep_the_last(_unused_ void **state) {
    struct resolved r = { 0 };
    const struct resolved_name *a;

    assert_int_equal(resolved_need(&r, both, 2), 1);
    a = resolved_find(&r, "a.example");
    take(&r,
         "{'name':'a.example','ipv4':{'addresses':['10.0.0.1'],'ttl':2},"
         "'ipv6':{'addresses':['2001:db8::1'],'ttl':2}}",
         10);
    assert_int_equal(take(&r, "{'name':'a.example','error':'NXDOMAIN'}", 20), 0);
    assert_int_equal(take(&r, "{'name':'a.example','error':'SERVFAIL'}", 30), 0);
    assert_string_equal(a->error, "SERVFAIL");
    assert_int_equal(a->failing_usec, 20);
    assert_int_equal(a->answered_usec, 10);
    assert_addresses(&r, "a.example", "[\"10.0.0.1\",\"2001:db8::1\"]");

    /* one family was answered, with none, and the other wasn't: not enough to close the name */
    assert_int_equal(take(&r,
                          "{'name':'a.example','ipv4':{'addresses':[],'ttl':2},"
                          "'error':'no answer'}",
                          40),
                     0);
    assert_addresses(&r, "a.example", "[\"10.0.0.1\",\"2001:db8::1\"]");
    /* one family moved, the other wasn't answered */
    assert_int_equal(take(&r,
                          "{'name':'a.example','ipv4':{'addresses':['10.0.0.9'],'ttl':2},"
                          "'error':'no answer'}",
                          50),
                     1);
    assert_addresses(&r, "a.example", "[\"10.0.0.9\",\"2001:db8::1\"]");
    assert_int_equal(a->failing_usec, 20);
    take(&r,
         "{'name':'a.example','ipv4':{'addresses':['10.0.0.9'],'ttl':2},"
         "'ipv6':{'addresses':['2001:db8::1'],'ttl':2}}",
         60);
    assert_null(a->error);
    assert_int_equal(a->failing_usec, 0);
    resolved_clear(&r);
}

static void test_refusals(_unused_ void **state) {
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "{}", "the answer to which name?" },
        { "{'name':7}", "the answer to which name?" },
        { "{'name':'a.example'}", "a family is left out and nothing says why" },
        { "{'name':'a.example','ipv4':{'addresses':['10.0.0.1'],'ttl':1}}",
          "a family is left out and nothing says why" },
        { "{'name':'a.example','error':''}", "an error is one line of at most 200 bytes" },
        { "{'name':'a.example','error':'a\\nb'}", "an error is one line of at most 200 bytes" },
        { "{'name':'a.example','error':7}", "an error is one line of at most 200 bytes" },
        { "{'name':'a.example','ipv4':{'addresses':[],'ttl':1},'ipv6':{'addresses':[],'ttl':1}}",
          "the name has no address at all" },
        { "{'name':'a.example','ipv4':[],'error':'x'}", "an answer has addresses and a ttl" },
        { "{'name':'a.example','ipv4':{'addresses':['10.0.0.1']},'error':'x'}",
          "an answer has addresses and a ttl" },
        { "{'name':'a.example','ipv4':{'addresses':['10.0.0.1'],'ttl':1,'tll':1},'error':'x'}",
          "an answer has addresses and a ttl" },
        { "{'name':'a.example','ipv4':{'addresses':['10.0.0.1'],'ttl':1},"
          "'ipv6':{'addresses':[],'ttl':1},'error':'x'}",
          "an error, and yet no family is left out" },
        { "{'name':'a.example','ipv4':{'addresses':['10.0.0.1'],'ttl':-1},'error':'x'}",
          "-1 is no time to live" },
        { "{'name':'a.example','ipv4':{'addresses':['10.0.0.1'],'ttl':2147483648},'error':'x'}",
          "2147483648 is no time to live" },
        { "{'name':'a.example','ipv4':{'addresses':['2001:db8::1'],'ttl':1},'error':'x'}",
          "\"2001:db8::1\" is no IPv4 address" },
        { "{'name':'a.example','ipv6':{'addresses':['10.0.0.1'],'ttl':1},'error':'x'}",
          "\"10.0.0.1\" is no IPv6 address" },
        { "{'name':'a.example','ipv4':{'addresses':['10.0.0.0/8'],'ttl':1},'error':'x'}",
          "\"10.0.0.0/8\" is no IPv4 address" },
        { "{'name':'a.example','ipv4':{'addresses':[7],'ttl':1},'error':'x'}",
          "an address is no string" },
    };
    static const char *const nowhere[] = { "0.0.0.0",   "0.1.2.3",         "127.0.0.1", "224.0.0.1",
                                           "240.0.0.1", "255.255.255.255", "::",        "::1",
                                           "ff02::1",   "::ffff:10.0.0.1", "fe80::1",   "febf::1" };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *o = json_of(cases[i].text);
        struct resolution answer;
        char *why = NULL;

        assert_int_equal(resolution_parse(o, &answer, &why), RESOLVED_E_INVALID);
        assert_string_equal(why, cases[i].why);
        free(why);
        json_decref(o);
    }
    for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++) {
        json_t *o = json_pack("{s:s, s:{s:[s,s], s:i}, s:s}", "name", "a.example",
                              strchr(nowhere[i], ':') ? "ipv6" : "ipv4", "addresses",
                              strchr(nowhere[i], ':') ? "2001:db8::1" : "10.0.0.1", nowhere[i],
                              "ttl", 1, "error", "x");
        struct resolution answer;
        char *why = NULL;

        assert_int_equal(resolution_parse(o, &answer, &why), RESOLVED_E_INVALID);
        assert_non_null(strstr(why, "is no address of a host"));
        free(why);
        json_decref(o);
    }
}

static void test_addresses_of_hosts(_unused_ void **state) {
    static const char *const somewhere[] = { "1.0.0.1",     "126.0.0.1", "128.0.0.1",
                                             "169.254.1.1", "fe7f::1",   "fec0::1",
                                             "fd00::1",     "2::",       "223.255.255.255" };

    for (size_t i = 0; i < ARRAY_SIZE(somewhere); i++) {
        json_t *o = json_pack("{s:s, s:{s:[s], s:i}, s:s}", "name", "a.example",
                              strchr(somewhere[i], ':') ? "ipv6" : "ipv4", "addresses",
                              somewhere[i], "ttl", 1, "error", "x");
        struct resolution answer;
        char *why = NULL;

        assert_int_equal(resolution_parse(o, &answer, &why), 0);
        json_decref(o);
    }
}

static void test_too_many(_unused_ void **state) {
    for (unsigned n = RESOLVED_ADDRESSES_MAX; n <= RESOLVED_ADDRESSES_MAX + 1; n++) {
        json_t *o = json_of("{'name':'a.example','ipv4':{'addresses':[],'ttl':1},'ipv6':{"
                            "'addresses':['2001:db8::1'],'ttl':1}}");
        json_t *addresses = json_object_get(json_object_get(o, "ipv4"), "addresses");
        struct resolution answer;
        char *why = NULL;

        for (unsigned i = 0; i + 1 < n; i++) {
            char text[16];

            snprintf(text, sizeof(text), "10.0.%u.%u", i / 256, i % 256);
            json_array_append_new(addresses, json_string(text));
        }
        if (n <= RESOLVED_ADDRESSES_MAX) {
            assert_int_equal(resolution_parse(o, &answer, &why), 0);
        } else {
            assert_int_equal(resolution_parse(o, &answer, &why), RESOLVED_E_INVALID);
            assert_string_equal(why, "more than the 256 addresses that are taken of a name");
        }
        free(why);
        json_decref(o);
    }
}

/* With more addresses than that, who moves them all at once makes the kernel take gigabytes. */
static void test_too_many_together(_unused_ void **state) {
    enum { N = RESOLVED_TOTAL_MAX / RESOLVED_ADDRESSES_MAX };
    struct resolution answer = { .is_answered = { true, true }, .ttl = 1 };
    static char texts[N + 1][16];
    const char *names[N + 1];
    struct resolved r = { 0 };

    for (size_t i = 0; i <= N; i++) {
        snprintf(texts[i], sizeof(texts[i]), "n%03zu.example", i);
        names[i] = texts[i];
    }
    resolved_need(&r, names, N + 1);
    for (size_t i = 0; i < RESOLVED_ADDRESSES_MAX; i++)
        answer.addresses[FAMILY_IPV4][i] = (struct address){ { 10, 0, 0, (uint8_t)i } };
    answer.n_addresses[FAMILY_IPV4] = RESOLVED_ADDRESSES_MAX;
    for (size_t i = 0; i < N; i++) {
        answer.name = names[i];
        assert_int_equal(resolved_take(&r, &answer, 1), 1);
    }
    answer.name = names[N];
    answer.n_addresses[FAMILY_IPV4] = 1;
    assert_int_equal(resolved_take(&r, &answer, 1), RESOLVED_E_FULL);
    assert_addresses(&r, names[N], "[]");
    assert_int_equal(take(&r, "{'name':'n064.example','error':'x'}", 2), 0);

    answer.name = names[0]; /* one less makes room */
    answer.n_addresses[FAMILY_IPV4] = RESOLVED_ADDRESSES_MAX - 1;
    assert_int_equal(resolved_take(&r, &answer, 1), 1);
    answer.name = names[N];
    answer.n_addresses[FAMILY_IPV4] = 1;
    assert_int_equal(resolved_take(&r, &answer, 1), 1);
    resolved_clear(&r);
}

static void test_gather(_unused_ void **state) {
    static const char *const names[] = { "b.example", "c.example", "a.example" };
    _cleanup_(arena_freep) struct arena *arena = arena_new();
    struct resolved r = { 0 };
    struct address *all;
    size_t n;

    resolved_need(&r, both, 2);
    assert_int_equal(resolved_gather(&r, names, 3, FAMILY_IPV4, arena, &all, &n), 0);
    assert_int_equal(n, 0);
    take(&r,
         "{'name':'a.example','ipv4':{'addresses':['10.0.0.1','10.0.0.3'],'ttl':2},'error':'x'}",
         1);
    take(&r,
         "{'name':'b.example','ipv4':{'addresses':['10.0.0.2','10.0.0.3'],'ttl':2},'error':'x'}",
         1);
    assert_int_equal(resolved_gather(&r, names, 3, FAMILY_IPV4, arena, &all, &n), 0);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(all[i].bytes[3], i + 1);
    assert_int_equal(resolved_gather(&r, names, 3, FAMILY_IPV6, arena, &all, &n), 0);
    assert_int_equal(n, 0);
    resolved_clear(&r);
}

static void test_need_keeps_what_is_known(_unused_ void **state) {
    static const char *const other[] = { "b.example", "c.example" };
    struct resolved r = { 0 };

    resolved_need(&r, both, 2);
    take(&r,
         "{'name':'b.example','ipv4':{'addresses':['10.0.0.1'],'ttl':2},"
         "'ipv6':{'addresses':[],'ttl':2}}",
         10);
    assert_int_equal(resolved_need(&r, other, 2), 1);
    assert_null(resolved_find(&r, "a.example"));
    assert_addresses(&r, "b.example", "[\"10.0.0.1\"]");
    assert_addresses(&r, "c.example", "[]");
    assert_int_equal(resolved_need(&r, NULL, 0), 1);
    assert_int_equal(r.n, 0);
    resolved_clear(&r);
}

static void test_twins(_unused_ void **state) {
    struct resolved r = { 0 }, back = { 0 };
    json_t *saved;

    resolved_need(&r, both, 2);
    take(&r,
         "{'name':'b.example','ipv4':{'addresses':['10.0.0.1','10.0.0.2'],'ttl':2},"
         "'ipv6':{'addresses':['2001:db8::2'],'ttl':3}}",
         1234567);
    saved = resolved_json(&r);
    assert_int_equal(resolved_parse(saved, &back), 0);
    assert_int_equal(back.n, 1); /* what has no address needs no remembering */
    assert_addresses(&back, "b.example", "[\"10.0.0.1\",\"10.0.0.2\",\"2001:db8::2\"]");
    assert_int_equal(back.items[0].answered_usec, 1234567);
    assert_int_equal(back.items[0].ttl, 2);
    json_decref(saved);
    resolved_clear(&r);
    resolved_clear(&back);
}

static void test_damaged_files_give_what_is_whole(_unused_ void **state) {
    static const struct {
        const char *text;
        size_t n;
    } cases[] = {
        { "[]", 0 },
        { "{'format':1,'names':{}}", 0 },
        { "{'format':2,'names':[{'name':'a.example','addresses':['10.0.0.1'],'answered_usec':1,"
          "'ttl':1}]}",
          0 },
        { "{'format':1}", 0 },
        { "{'format':1,'names':[{},7,{'name':'b','addresses':[],'answered_usec':1,'ttl':1},"
          "{'name':'a.example','addresses':['10.0.0.1'],'answered_usec':1,'ttl':1}]}",
          1 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *o = json_of(cases[i].text);
        struct resolved r = { 0 };

        assert_int_equal(resolved_parse(o, &r), RESOLVED_E_INVALID);
        assert_int_equal(r.n, cases[i].n);
        json_decref(o);
        resolved_clear(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),  cmocka_unit_test(test_failures_keep_the_last),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_addresses_of_hosts),
        cmocka_unit_test(test_too_many), cmocka_unit_test(test_too_many_together),
        cmocka_unit_test(test_gather),   cmocka_unit_test(test_need_keeps_what_is_known),
        cmocka_unit_test(test_twins),    cmocka_unit_test(test_damaged_files_give_what_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
