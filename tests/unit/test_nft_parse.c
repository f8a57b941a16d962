/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages and back without a kernel: what the emitter writes is what the parser reads, and
 * whatever else comes is foreign, broken or of no interest, but never ours. */
#include "nft/attr.h"
#include "nft/emit.h"
#include "nft/parse.h"

#include "nft_sample.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

/* All that makes a ruleset out of nothing. */
static void emit_all(const struct ruleset *r, struct batch *b) {
    struct ruleset *nothing = sample_nothing();
    const struct plan_op *culprit;
    struct plan *plan;

    assert_int_equal(ruleset_diff(r, nothing, &plan), 0);
    batch_init(b, PORTD_TABLE, 1);
    assert_int_equal(emit_plan(b, plan, 1, &culprit), 0);
    plan_free(plan);
    ruleset_free(nothing);
}

static int feed_all(struct parser *p, const void *bytes, size_t n_bytes) {
    const struct nlmsghdr *nlh = bytes;
    int left = (int)n_bytes, r;

    for (; message_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
        r = parser_feed(p, nlh);
        if (r < 0)
            return r;
    }
    return 0;
}

static struct ruleset *parse_all(const void *bytes, size_t n_bytes) {
    struct parser *p = parser_new(PORTD_TABLE);
    struct ruleset *r;

    assert_non_null(p);
    assert_int_equal(feed_all(p, bytes, n_bytes), 0);
    assert_int_equal(parser_finish(p, &r), 0);
    parser_free(p);
    return r;
}

static void test_what_is_emitted_is_parsed(void **state) {
    struct ruleset *want = sample_new(), *have;
    struct batch b;

    (void)state;
    emit_all(want, &b);
    have = parse_all(b.bytes, b.n_bytes);
    assert_same(want, have);
    assert_same(have, want);
    batch_clear(&b);
    ruleset_free(have);
    ruleset_free(want);
}

/* No length may be taken on trust: each message is cut at every byte, with its header's length
 * lowered and without. */
static void test_no_cut_is_harmful(void **state) {
    struct ruleset *want = sample_new();
    const struct nlmsghdr *nlh;
    struct batch b;
    int left;

    (void)state;
    emit_all(want, &b);
    left = (int)b.n_bytes;
    for (nlh = (const void *)b.bytes; message_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
        for (uint32_t n = MNL_NLMSG_HDRLEN; n < nlh->nlmsg_len; n++) {
            struct parser *p = parser_new(PORTD_TABLE);
            struct nlmsghdr *cut = malloc(n); /* exactly, so that ASan sees a byte too far */
            struct ruleset *r;

            assert_non_null(cut);
            memcpy(cut, nlh, n);
            cut->nlmsg_len = n;
            if (parser_feed(p, cut) == 0 && parser_finish(p, &r) == 0)
                ruleset_free(r);
            free(cut);
            parser_free(p);
        }
    batch_clear(&b);
    ruleset_free(want);
}

static void test_elements_come_in_pieces(void **state) {
    struct ruleset *want = ruleset_new(), *have;
    struct set *set;
    const struct nlmsghdr *nlh;
    struct batch b;
    unsigned n_pieces = 0;
    int left;

    (void)state;
    want->exists = true;
    set = sample_set(want, "m", SET_SERVICE, false, true);
    for (unsigned i = 0; i < 60000; i++)
        sample_service(want, set, PROTOCOL_TCP, (uint16_t)i, VERDICT_GOTO,
                       "a_long_name_of_a_chain");
    assert_int_equal(ruleset_index(want), 0);
    emit_all(want, &b);
    left = (int)b.n_bytes;
    for (nlh = (const void *)b.bytes; message_is_whole(nlh, left);
         nlh = mnl_nlmsg_next(nlh, &left)) {
        n_pieces += (nlh->nlmsg_type & 0xff) == NFT_MSG_NEWSETELEM;
        assert_true(nlh->nlmsg_len < UINT16_MAX);
    }
    assert_int_equal(left, 0);
    assert_true(n_pieces > 60);
    have = parse_all(b.bytes, b.n_bytes);
    assert_same(want, have);
    batch_clear(&b);
    ruleset_free(have);
    ruleset_free(want);
}

/* Messages made by hand, as no nft of today makes them. */
struct pen {
    uint8_t bytes[4096] __attribute__((aligned(8)));
    size_t n;
};

static struct nlmsghdr *message(struct pen *pen, uint16_t type) {
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(pen->bytes + pen->n);
    struct nfgenmsg *nfg;

    nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
    nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
    nfg->nfgen_family = NFPROTO_INET;
    mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, PORTD_TABLE);
    return nlh;
}

static void done(struct pen *pen, const struct nlmsghdr *nlh) {
    pen->n += MNL_ALIGN(nlh->nlmsg_len);
}

static void put_chain(struct pen *pen, const char *name) {
    struct nlmsghdr *nlh = message(pen, NFT_MSG_NEWCHAIN);

    mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
    done(pen, nlh);
}

static void put_set(struct pen *pen, const char *name, uint32_t flags) {
    struct nlmsghdr *nlh = message(pen, NFT_MSG_NEWSET);

    mnl_attr_put_strz(nlh, NFTA_SET_NAME, name);
    mnl_attr_put_u32(nlh, NFTA_SET_FLAGS, htonl(flags));
    mnl_attr_put_u32(nlh, NFTA_SET_KEY_TYPE, htonl(7));
    mnl_attr_put_u32(nlh, NFTA_SET_KEY_LEN, htonl(4));
    done(pen, nlh);
}

/* An element of a set; `extra` is one more attribute of its own, 0 for none. */
static void put_element(struct pen *pen, const char *set, const char *address, uint32_t flags,
                        uint16_t extra) {
    struct nlmsghdr *nlh = message(pen, NFT_MSG_NEWSETELEM);
    struct nlattr *list, *element, *key;
    struct address a;
    enum family f;

    assert_int_equal(address_parse(address, &f, &a), 0);
    mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
    list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
    element = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
    key = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
    mnl_attr_put(nlh, NFTA_DATA_VALUE, family_size(f), a.bytes);
    mnl_attr_nest_end(nlh, key);
    if (flags)
        mnl_attr_put_u32(nlh, NFTA_SET_ELEM_FLAGS, htonl(flags));
    if (extra)
        mnl_attr_put_u64(nlh, extra, 0);
    mnl_attr_nest_end(nlh, element);
    mnl_attr_nest_end(nlh, list);
    done(pen, nlh);
}

static void test_points_make_ranges(void **state) {
    struct pen pen = { 0 };
    struct ruleset *have;
    const struct set *s;
    char buf[RANGE_TEXT_MAX];

    (void)state;
    put_set(&pen, "s", NFT_SET_INTERVAL);
    /* descending, as the kernel shows them; two touch, the last has no end */
    put_element(&pen, "s", "224.0.0.0", 0, 0);
    put_element(&pen, "s", "10.0.3.0", NFT_SET_ELEM_INTERVAL_END, 0);
    put_element(&pen, "s", "10.0.2.0", 0, 0);
    put_element(&pen, "s", "10.0.2.0", NFT_SET_ELEM_INTERVAL_END, 0);
    put_element(&pen, "s", "10.0.0.9", 0, 0);
    put_element(&pen, "s", "0.0.0.0", NFT_SET_ELEM_INTERVAL_END, 0); /* nft's mark at the bottom */
    have = parse_all(pen.bytes, pen.n);
    s = ruleset_set(have, "s");
    assert_null(s->foreign);
    assert_int_equal(s->n_elements, 3);
    assert_string_equal(range_format(&s->elements[0].range, FAMILY_IPV4, buf),
                        "10.0.0.9-10.0.1.255");
    assert_string_equal(range_format(&s->elements[1].range, FAMILY_IPV4, buf), "10.0.2.0/24");
    assert_string_equal(range_format(&s->elements[2].range, FAMILY_IPV4, buf), "224.0.0.0/3");
    ruleset_free(have);
}

static const char *foreign_of_points(uint32_t first_flags, uint32_t second_flags) {
    struct pen pen = { 0 };
    struct ruleset *have;
    const char *foreign;

    put_set(&pen, "s", NFT_SET_INTERVAL);
    put_element(&pen, "s", "10.0.0.1", first_flags, 0);
    put_element(&pen, "s", "10.0.0.2", second_flags, 0);
    have = parse_all(pen.bytes, pen.n);
    foreign = ruleset_set(have, "s")->foreign; /* static */
    assert_true(!foreign || ruleset_set(have, "s")->n_elements == 0);
    ruleset_free(have);
    return foreign;
}

static void test_loose_points_are_foreign(void **state) {
    (void)state;
    assert_null(foreign_of_points(0, NFT_SET_ELEM_INTERVAL_END));
    assert_non_null(foreign_of_points(0, 0));
    assert_non_null(foreign_of_points(NFT_SET_ELEM_INTERVAL_END, 0));
    assert_non_null(foreign_of_points(0, NFT_SET_ELEM_CATCHALL));
    assert_non_null(foreign_of_points(0, 8));
}

static void test_odd_elements_are_foreign(void **state) {
    static const uint16_t extras[] = { NFTA_SET_ELEM_TIMEOUT,
                                       NFTA_SET_ELEM_EXPIRATION,
                                       NFTA_SET_ELEM_USERDATA,
                                       NFTA_SET_ELEM_EXPR,
                                       NFTA_SET_ELEM_OBJREF,
                                       NFTA_SET_ELEM_KEY_END,
                                       NFTA_SET_ELEM_EXPRESSIONS,
                                       20,
                                       40 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(extras); i++) {
        struct pen pen = { 0 };
        struct ruleset *have;

        put_set(&pen, "s", 0);
        put_element(&pen, "s", "10.0.0.1", 0, extras[i]);
        have = parse_all(pen.bytes, pen.n);
        assert_non_null(ruleset_set(have, "s")->foreign);
        ruleset_free(have);
    }
}

static void test_a_flowtable_is_foreign(void **state) {
    struct pen pen = { 0 };
    struct nlmsghdr *nlh = message(&pen, NFT_MSG_NEWFLOWTABLE);
    struct ruleset *have;

    (void)state;
    mnl_attr_put_strz(nlh, NFTA_FLOWTABLE_NAME, "offload");
    done(&pen, nlh);
    have = parse_all(pen.bytes, pen.n);
    assert_int_equal(have->n_counters, 1);
    assert_string_equal(have->counters[0].foreign, "flowtable");
    assert_int_equal(have->counters[0].foreign_type, 0);
    ruleset_free(have);
}

/* `meta load l4proto; cmp eq tcp` with one more attribute in the comparison, of which nobody
 * knows what it does. */
static void put_rule(struct pen *pen, uint16_t extra, const void *userdata, uint16_t n_userdata) {
    struct nlmsghdr *nlh = message(pen, NFT_MSG_NEWRULE);
    struct nlattr *list, *element, *data, *value;

    mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, "c");
    list = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);
    element = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
    mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, "meta");
    data = mnl_attr_nest_start(nlh, NFTA_EXPR_DATA);
    mnl_attr_put_u32(nlh, NFTA_META_KEY, htonl(NFT_META_L4PROTO));
    mnl_attr_put_u32(nlh, NFTA_META_DREG, htonl(NFT_REG_1));
    mnl_attr_nest_end(nlh, data);
    mnl_attr_nest_end(nlh, element);
    element = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
    mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, "cmp");
    data = mnl_attr_nest_start(nlh, NFTA_EXPR_DATA);
    mnl_attr_put_u32(nlh, NFTA_CMP_SREG, htonl(NFT_REG_1));
    mnl_attr_put_u32(nlh, NFTA_CMP_OP, htonl(NFT_CMP_EQ));
    value = mnl_attr_nest_start(nlh, NFTA_CMP_DATA);
    mnl_attr_put_u8(nlh, NFTA_DATA_VALUE, PROTOCOL_TCP);
    mnl_attr_nest_end(nlh, value);
    if (extra)
        mnl_attr_put_u32(nlh, extra, 1);
    mnl_attr_nest_end(nlh, data);
    mnl_attr_nest_end(nlh, element);
    mnl_attr_nest_end(nlh, list);
    if (n_userdata)
        mnl_attr_put(nlh, NFTA_RULE_USERDATA, n_userdata, userdata);
    done(pen, nlh);
}

static void assert_rule(uint16_t extra, const char *userdata, uint16_t n_userdata,
                        const char *foreign, const char *comment) {
    struct pen pen = { 0 };
    struct ruleset *have;
    const struct rule *rule;

    put_chain(&pen, "c");
    put_rule(&pen, extra, userdata, n_userdata);
    have = parse_all(pen.bytes, pen.n);
    rule = &ruleset_chain(have, "c")->rules[0];
    if (foreign)
        assert_string_equal(rule->foreign, foreign);
    else
        assert_null(rule->foreign);
    if (comment)
        assert_string_equal(rule->comment, comment);
    else
        assert_null(rule->comment);
    assert_int_equal(rule->n_stmts, foreign ? 0 : 1);
    ruleset_free(have);
}

static void test_odd_rules_are_foreign(void **state) {
    (void)state;
    assert_rule(0, NULL, 0, NULL, NULL);
    assert_rule(0, "\0\2x\0", 4, NULL, "x");
    assert_rule(4, NULL, 0, "meta, cmp", NULL);
    assert_rule(40, NULL, 0, "meta, cmp", NULL);
    assert_rule(4, "\0\2x\0", 4, "meta, cmp", "x");
    assert_rule(0, "\1\2x\0", 4, "meta, cmp", NULL); /* not a comment */
    assert_rule(0, "\0\3x\0", 4, "meta, cmp", NULL); /* too long */
    assert_rule(0, "\0\2xy", 4, "meta, cmp", NULL);  /* no end */
    assert_rule(0, "\0\2x\0\1\0", 6, "meta, cmp", NULL);
    assert_rule(0, "\0", 1, "meta, cmp", NULL);
}

static void test_other_tables_are_passed_over(void **state) {
    struct pen pen = { 0 };
    struct nlmsghdr *nlh = message(&pen, NFT_MSG_NEWTABLE);
    struct ruleset *have;

    (void)state;
    ((struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family = NFPROTO_IPV4;
    done(&pen, nlh);
    nlh = message(&pen, NFT_MSG_NEWTABLE);
    memcpy(mnl_attr_get_payload(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg))),
           "other", sizeof("other"));
    done(&pen, nlh);
    have = parse_all(pen.bytes, pen.n);
    assert_false(have->exists);
    ruleset_free(have);
}

static void test_what_comes_twice_is_told(void **state) {
    struct pen pen = { 0 };
    struct parser *p = parser_new(PORTD_TABLE);
    struct ruleset *have;

    (void)state;
    put_set(&pen, "s", 0);
    put_element(&pen, "s", "10.0.0.1", 0, 0);
    put_element(&pen, "s", "10.0.0.1", 0, 0);
    assert_int_equal(feed_all(p, pen.bytes, pen.n), 0);
    assert_int_equal(parser_finish(p, &have), -EEXIST);
    parser_free(p);
}

static void test_orphans_are_refused(void **state) {
    struct pen pen = { 0 };
    struct parser *p = parser_new(PORTD_TABLE);

    (void)state;
    put_rule(&pen, 0, NULL, 0);
    assert_int_equal(feed_all(p, pen.bytes, pen.n), -EBADMSG);
    pen = (struct pen){ 0 };
    put_element(&pen, "s", "10.0.0.1", 0, 0);
    assert_int_equal(feed_all(p, pen.bytes, pen.n), -EBADMSG);
    parser_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_emitted_is_parsed),
        cmocka_unit_test(test_no_cut_is_harmful),
        cmocka_unit_test(test_elements_come_in_pieces),
        cmocka_unit_test(test_points_make_ranges),
        cmocka_unit_test(test_loose_points_are_foreign),
        cmocka_unit_test(test_odd_elements_are_foreign),
        cmocka_unit_test(test_a_flowtable_is_foreign),
        cmocka_unit_test(test_odd_rules_are_foreign),
        cmocka_unit_test(test_other_tables_are_passed_over),
        cmocka_unit_test(test_what_comes_twice_is_told),
        cmocka_unit_test(test_orphans_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
