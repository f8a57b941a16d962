/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/service.h"

#include "loading.h"

static const struct {
    const char *text;
    size_t n_protocols;
    uint8_t protocols[2];
    const char *port_name;
    uint16_t lo, hi;
} good[] = {
    { "tcp/443", 1, { PROTOCOL_TCP }, NULL, 443, 443 },
    { "tcp/1", 1, { PROTOCOL_TCP }, NULL, 1, 1 },
    { "tcp/65535", 1, { PROTOCOL_TCP }, NULL, 65535, 65535 },
    { "udp/5701-5801", 1, { PROTOCOL_UDP }, NULL, 5701, 5801 },
    { "udp/7-7", 1, { PROTOCOL_UDP }, NULL, 7, 7 },
    { "udp/1-65535", 1, { PROTOCOL_UDP }, NULL, 1, 65535 },
    { "sctp/2905", 1, { PROTOCOL_SCTP }, NULL, 2905, 2905 },
    { "tcp+udp/53", 2, { PROTOCOL_TCP, PROTOCOL_UDP }, NULL, 53, 53 },
    { "udp+sctp/1-2", 2, { PROTOCOL_UDP, PROTOCOL_SCTP }, NULL, 1, 2 },
    { "tcp/$rest", 1, { PROTOCOL_TCP }, "rest", 0, 0 },
    { "tcp+udp/$a.b-1", 2, { PROTOCOL_TCP, PROTOCOL_UDP }, "a.b-1", 0, 0 },
    { "icmp", 1, { PROTOCOL_ICMP }, NULL, 0, 255 },
    { "icmpv6", 1, { PROTOCOL_ICMPV6 }, NULL, 0, 255 },
    { "icmp/echo-request", 1, { PROTOCOL_ICMP }, NULL, 8, 8 },
    { "icmpv6/echo-request", 1, { PROTOCOL_ICMPV6 }, NULL, 128, 128 },
    { "icmpv6/135", 1, { PROTOCOL_ICMPV6 }, NULL, 135, 135 },
    { "icmp/0", 1, { PROTOCOL_ICMP }, NULL, 0, 0 },
    { "icmp/255", 1, { PROTOCOL_ICMP }, NULL, 255, 255 },
    { "icmpv6/mld-listener-reduction", 1, { PROTOCOL_ICMPV6 }, NULL, 132, 132 },
    { "igmp", 1, { PROTOCOL_IGMP }, NULL, 0, 0 },
};

#define PROTOCOL "the protocol must be tcp, udp, sctp, icmp, icmpv6 or igmp, as in tcp/443"
#define PAIR     "only two different protocols with ports can be joined, as in tcp+udp/53"
#define MISSING                                                                                    \
    "the port is missing: write a number, a range or the name of a port, as in tcp/443, "          \
    "udp/5701-5801 or tcp/$rest"
#define PORT                                                                                       \
    "a port is a number from 1 to 65535 without leading zeros, a range is two, as in 5701-5801"
#define BACKWARD "the range runs backward: write the lower port first"
#define NAME                                                                                       \
    "behind $ stands the name of a port: a letter or digit, then letters, digits, '.' and '-'"
#define TYPE                                                                                       \
    "the type must be a number from 0 to 255 or a name that nft knows, as in icmp/echo-request"
#define IGMP "igmp has neither ports nor types: write igmp alone"

static const struct {
    const char *text, *sentence;
} bad[] = {
    { "", PROTOCOL },
    { "/", PROTOCOL },
    { "443", PROTOCOL },
    { "443/tcp", PROTOCOL },
    { "TCP/443", PROTOCOL },
    { "tpc/443", PROTOCOL },
    { " tcp/443", PROTOCOL },
    { "tcp+/443", PROTOCOL },
    { "+tcp/443", PROTOCOL },
    { "tcp+udp+sctp/443", PROTOCOL },
    { "tcp+tcp/443", PAIR },
    { "tcp+icmp/8", PAIR },
    { "icmp+icmpv6", PAIR },
    { "igmp+tcp/1", PAIR },
    { "tcp", MISSING },
    { "tcp/", MISSING },
    { "tcp+udp", MISSING },
    { "tcp/0", PORT },
    { "tcp/65536", PORT },
    { "tcp/4294967739", PORT }, /* 443 in 32 bits */
    { "tcp/99999999999999999999", PORT },
    { "tcp/0443", PORT },
    { "tcp/+443", PORT },
    { "tcp/-443", PORT },
    { "tcp/443 ", PORT },
    { "tcp/443x", PORT },
    { "tcp/https", PORT },
    { "tcp/443,80", PORT },
    { "tcp/443/80", PORT },
    { "tcp/1-", PORT },
    { "tcp/1-2-3", PORT },
    { "tcp/0-5", PORT },
    { "tcp/5-65536", PORT },
    { "tcp/*", PORT },
    { "udp/5801-5701", BACKWARD },
    { "tcp/$", NAME },
    { "tcp/$-a", NAME },
    { "tcp/$a b", NAME },
    { "tcp/$a-$b", NAME },
    { "icmp/", TYPE },
    { "icmp/256", TYPE },
    { "icmp/08", TYPE },
    { "icmp/3-5", TYPE },
    { "icmp/nd-neighbor-solicit", TYPE },
    { "icmpv6/redirect", TYPE },
    { "igmp/", IGMP },
    { "igmp/17", IGMP },
};

static void test_good(_unused_ void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct service_spec spec;
        const char *wrong;

        assert_int_equal(service_parse(good[i].text, &spec, &wrong), 0);
        assert_int_equal(spec.n_protocols, good[i].n_protocols);
        assert_memory_equal(spec.protocols, good[i].protocols, sizeof(spec.protocols));
        if (good[i].port_name)
            assert_string_equal(spec.port_name, good[i].port_name);
        else
            assert_null(spec.port_name);
        assert_int_equal(spec.lo, good[i].lo);
        assert_int_equal(spec.hi, good[i].hi);
    }
}

static void test_bad(_unused_ void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct service_spec spec;
        const char *wrong = NULL;

        if (service_parse(bad[i].text, &spec, &wrong) != SERVICE_E_INVALID)
            fail_msg("%s", bad[i].text);
        assert_string_equal(wrong, bad[i].sentence);
    }
}

static void test_nearest(_unused_ void **state) {
    static const struct {
        const char *text, *meant;
    } cases[] = {
        { "icmp/echo", "icmp/echo-request" },
        { "ICMPv6/Ping", "icmpv6/echo-request" },
        { "icmp/destination-unreachabel", "icmp/destination-unreachable" },
        { "icmp/time", NULL }, /* begins more than one */
        { "icmpv6/time", "icmpv6/time-exceeded" },
        { "TCP/443", "tcp/443" },
        { "tpc/$rest", "tcp/$rest" },
        { "443/tcp", "tcp/443" },
        { "5701-5801/UDP", "udp/5701-5801" },
        { "tcp:22", "tcp/22" },
        { "tcp/0", NULL },
        { "tcp", NULL },
        { "443", NULL },
        { "443/", NULL },
        { "http/80", "tcp/80" },
        { "", NULL },
        { "/", NULL },
        { "tcp/11111111111111111111111111111111111111111111111", NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buf[SERVICE_TEXT_MAX] = "";
        bool is_near = service_nearest(cases[i].text, buf);

        if (is_near != (cases[i].meant != NULL))
            fail_msg("%s: %s", cases[i].text, buf);
        if (is_near)
            assert_string_equal(buf, cases[i].meant);
    }
}

static void assert_round_trip(const struct service *s) {
    char buf[SERVICE_TEXT_MAX];
    struct service_spec spec;
    const char *wrong;

    if (service_parse(service_format(s, buf), &spec, &wrong) != 0)
        fail_msg("%s: %s", buf, wrong);
    assert_int_equal(spec.n_protocols, 1);
    assert_int_equal(spec.protocols[0], s->protocol);
    assert_int_equal(spec.lo, s->lo);
    assert_int_equal(spec.hi, s->hi);
}

static void test_format_round_trip(_unused_ void **state) {
    static const uint8_t with_ports[] = { PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP };
    static const uint8_t with_types[] = { PROTOCOL_ICMP, PROTOCOL_ICMPV6 };
    uint32_t seed = 1;

    for (unsigned i = 0; i < 3000; i++) {
        uint16_t a = (uint16_t)(random_next(&seed) % 65535 + 1);
        uint16_t b = (uint16_t)(random_next(&seed) % 65535 + 1);

        assert_round_trip(&(struct service){ with_ports[i % 3], a < b ? a : b, a < b ? b : a });
        assert_round_trip(&(struct service){ with_ports[i % 3], a, a });
    }
    for (unsigned i = 0; i < ARRAY_SIZE(with_types); i++) {
        assert_round_trip(&(struct service){ with_types[i], 0, 255 });
        for (uint16_t type = 0; type < 256; type++)
            assert_round_trip(&(struct service){ with_types[i], type, type });
    }
    assert_round_trip(&(struct service){ PROTOCOL_IGMP, 0, 0 });
}

static void test_names(_unused_ void **state) {
    char buf[SERVICE_TEXT_MAX];

    assert_string_equal(protocol_name(PROTOCOL_ICMPV6), "icmpv6");
    assert_null(protocol_name(50));
    assert_int_equal(protocol_from_name("tcp/443", 3), PROTOCOL_TCP);
    assert_int_equal(protocol_from_name("tcp/443", 4), 0);
    assert_string_equal(icmp_type_name(PROTOCOL_ICMPV6, 132), "mld-listener-done");
    assert_null(icmp_type_name(PROTOCOL_ICMP, 7));
    assert_int_equal(icmp_type_from_name(PROTOCOL_ICMP, "redirect", 8), 5);
    assert_int_equal(icmp_type_from_name(PROTOCOL_ICMP, "redirect", 7), -1);
    assert_string_equal(service_format(&(struct service){ 50, 0, 0 }, buf), "protocol 50");
}

static void test_compare(_unused_ void **state) {
    static const struct service sorted[] = {
        { PROTOCOL_ICMP, 0, 255 },  { PROTOCOL_TCP, 80, 80 }, { PROTOCOL_TCP, 80, 81 },
        { PROTOCOL_TCP, 443, 443 }, { PROTOCOL_UDP, 1, 1 },
    };

    for (int i = 0; i < (int)ARRAY_SIZE(sorted); i++)
        for (int j = 0; j < (int)ARRAY_SIZE(sorted); j++)
            assert_int_equal(service_compare(&sorted[i], &sorted[j]), (i > j) - (i < j));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),    cmocka_unit_test(test_bad),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_format_round_trip),
        cmocka_unit_test(test_compare), cmocka_unit_test(test_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
