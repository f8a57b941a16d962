/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read of logged packets, and what of packets that say less, or lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nflog_sample.h"

#include "nft/attr.h"

#include <errno.h>
#include <sched.h>

static struct nflog_packet packet_of(struct sample *s, bool knows_connections) {
    struct nflog_packet p;

    assert_int_equal(nflog_parse(s->nlh, knows_connections, &p), 0);
    return p;
}

static struct nflog_packet payload_of(uint8_t family, const void *payload, size_t n) {
    struct sample s;

    sample_begin(&s, family, 20548, SAMPLE_IN);
    sample_payload(&s, payload, n);
    return packet_of(&s, false);
}

static void test_tcp(void **state) {
    static const uint8_t source[16] = { 198, 51, 100, 7 }, destination[16] = { 10, 1, 0, 81 };
    struct nflog_packet p;
    struct sample s;

    (void)state;
    sample_begin(&s, AF_INET, 20549, SAMPLE_OUT);
    mnl_attr_put_u32(s.nlh, NFULA_IFINDEX_INDEV, htonl(3));
    mnl_attr_put_u32(s.nlh, NFULA_IFINDEX_OUTDEV, htonl(4));
    sample_sequence(&s, 77);
    sample_payload(&s, sample_tcp4, sizeof(sample_tcp4));
    p = packet_of(&s, false);
    assert_int_equal(p.group, 20549);
    assert_int_equal(p.hook, SAMPLE_OUT);
    assert_int_equal(p.family, FAMILY_IPV4);
    assert_memory_equal(p.source.bytes, source, sizeof(source));
    assert_memory_equal(p.destination.bytes, destination, sizeof(destination));
    assert_int_equal(p.in_interface, 3);
    assert_int_equal(p.out_interface, 4);
    assert_int_equal(p.protocol, 6);
    assert_false(p.is_fragment);
    assert_true(p.has_ports && p.has_tcp_flags && p.has_sequence);
    assert_false(p.has_type || p.has_asked_port);
    assert_int_equal(p.source_port, 40000);
    assert_int_equal(p.destination_port, 3306);
    assert_int_equal(p.tcp_flags, 2);
    assert_int_equal(p.length, 40);
    assert_int_equal(p.sequence, 77);
    assert_int_equal(p.connection, NFLOG_ASKING);
}

static void test_connections(void **state) {
    static const struct {
        uint32_t info;
        enum nflog_connection connection;
    } rows[] = {
        { IP_CT_NEW, NFLOG_ASKING },
        { IP_CT_ESTABLISHED, NFLOG_ASKING },
        { IP_CT_RELATED, NFLOG_ASKING },
        { IP_CT_ESTABLISHED_REPLY, NFLOG_ANSWERING },
        { IP_CT_RELATED_REPLY, NFLOG_ANSWERING },
        { 7, NFLOG_ASKING }, /* untracked */
        { UINT32_MAX, NFLOG_ASKING },
    };
    struct nflog_packet p;
    struct sample s;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        sample_begin(&s, AF_INET, 20548, SAMPLE_IN);
        sample_payload(&s, sample_tcp4, sizeof(sample_tcp4));
        sample_connection(&s, rows[i].info, 8091);
        p = packet_of(&s, true);
        assert_int_equal(p.connection, rows[i].connection);
        assert_true(p.has_asked_port);
        assert_int_equal(p.asked_port, 8091);
    }
    sample_begin(&s, AF_INET, 20548, SAMPLE_IN);
    sample_payload(&s, sample_tcp4, sizeof(sample_tcp4));
    assert_int_equal(packet_of(&s, true).connection, NFLOG_UNKNOWN);
}

/* However much of it is there, nothing is made up. */
static void test_cut_short(void **state) {
    (void)state;
    for (size_t n = 20; n < sizeof(sample_tcp4); n++) {
        struct nflog_packet p = payload_of(AF_INET, sample_tcp4, n);

        assert_int_equal(p.protocol, 6);
        assert_int_equal(p.has_ports, n >= 24);
        assert_int_equal(p.destination_port, n >= 24 ? 3306 : 0);
        assert_int_equal(p.has_tcp_flags, n >= 34);
    }
}

static void test_ipv4_options(void **state) {
    uint8_t bytes[64] = { 0 };
    struct nflog_packet p;

    (void)state;
    memcpy(bytes, sample_tcp4, 20);
    bytes[0] = 0x4f; /* 60 bytes of header */
    memcpy(bytes + 60, sample_tcp4 + 20, 4);
    p = payload_of(AF_INET, bytes, sizeof(bytes));
    assert_true(p.has_ports && !p.has_tcp_flags);
    assert_int_equal(p.destination_port, 3306);
    p = payload_of(AF_INET, bytes, 50); /* cut within the options */
    assert_false(p.has_ports);
}

static void test_fragments(void **state) {
    uint8_t bytes[sizeof(sample_tcp4)], ip6[72];
    struct nflog_packet p;

    (void)state;
    memcpy(bytes, sample_tcp4, sizeof(bytes));
    bytes[6] = 0x20; /* the first of several */
    p = payload_of(AF_INET, bytes, sizeof(bytes));
    assert_true(p.has_ports && !p.is_fragment);
    bytes[7] = 1; /* from the eighth byte on */
    p = payload_of(AF_INET, bytes, sizeof(bytes));
    assert_true(p.is_fragment && !p.has_ports && !p.has_tcp_flags);

    memcpy(ip6, sample_ip6, sizeof(sample_ip6));
    ip6[6] = 44;
    memset(ip6 + 40, 0, 8);
    ip6[40] = 6;
    memcpy(ip6 + 48, sample_tcp4 + 20, 20);
    p = payload_of(AF_INET6, ip6, 68);
    assert_true(p.has_ports && !p.is_fragment);
    assert_int_equal(p.destination_port, 3306);
    ip6[43] = 8;
    p = payload_of(AF_INET6, ip6, 68);
    assert_true(p.is_fragment && !p.has_ports);
    assert_int_equal(p.protocol, 6);
}

static void test_ipv6_extensions(void **state) {
    uint8_t bytes[40 + 8 + 12 + 16 + 20];
    struct nflog_packet p;

    (void)state;
    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, sample_ip6, sizeof(sample_ip6));
    bytes[6] = 0;   /* hop by hop, 8 bytes */
    bytes[40] = 51; /* authentication, (1 + 2) * 4 bytes */
    bytes[48] = 60;
    bytes[49] = 1;
    bytes[60] = 6; /* destination options, (1 + 1) * 8 bytes */
    bytes[61] = 1;
    memcpy(bytes + 76, sample_tcp4 + 20, 20);
    p = payload_of(AF_INET6, bytes, sizeof(bytes));
    assert_int_equal(p.protocol, 6);
    assert_int_equal(p.destination_port, 3306);
    assert_int_equal(p.tcp_flags, 2);
    p = payload_of(AF_INET6, bytes, 70); /* what hides the rest names it */
    assert_int_equal(p.protocol, 60);
    assert_false(p.has_ports);
}

/* Headers without end, all of them hop by hop. */
static void test_ipv6_endless(void **state) {
    uint8_t bytes[40 + 8 * 40] = { 0 };
    struct nflog_packet p;

    (void)state;
    memcpy(bytes, sample_ip6, sizeof(sample_ip6));
    bytes[6] = 0;
    p = payload_of(AF_INET6, bytes, sizeof(bytes));
    assert_int_equal(p.protocol, 0);
    assert_false(p.has_ports);
}

static void test_icmp(void **state) {
    uint8_t ip4[28] = { 0x45, [9] = 1, [20] = 8 }, ip6[48];
    struct nflog_packet p = payload_of(AF_INET, ip4, sizeof(ip4));

    (void)state;
    assert_true(p.has_type && !p.has_ports);
    assert_int_equal(p.icmp_type, 8);
    assert_false(payload_of(AF_INET, ip4, 20).has_type);
    memset(ip6, 0, sizeof(ip6));
    memcpy(ip6, sample_ip6, sizeof(sample_ip6));
    ip6[6] = 58;
    ip6[40] = 128;
    p = payload_of(AF_INET6, ip6, sizeof(ip6));
    assert_true(p.has_type);
    assert_int_equal(p.icmp_type, 128);
}

static void expect(struct sample *s, int result) {
    struct nflog_packet p;

    assert_int_equal(nflog_parse(s->nlh, true, &p), result);
}

static void test_broken(void **state) {
    uint8_t bytes[sizeof(sample_tcp4)];
    struct sample s;

    (void)state;
    sample_begin(&s, AF_INET, 1, SAMPLE_IN);
    expect(&s, NFLOG_E_BROKEN); /* no payload */
    sample_payload(&s, sample_tcp4, 19);
    expect(&s, NFLOG_E_BROKEN);
    sample_begin(&s, AF_INET6, 1, SAMPLE_IN);
    sample_payload(&s, sample_tcp4, sizeof(sample_tcp4)); /* another family's */
    expect(&s, NFLOG_E_BROKEN);
    sample_begin(&s, AF_UNIX, 1, SAMPLE_IN);
    sample_payload(&s, sample_tcp4, sizeof(sample_tcp4));
    expect(&s, NFLOG_E_BROKEN);
    memcpy(bytes, sample_tcp4, sizeof(bytes));
    bytes[0] = 0x44; /* a header of 16 bytes */
    sample_begin(&s, AF_INET, 1, SAMPLE_IN);
    sample_payload(&s, bytes, sizeof(bytes));
    expect(&s, NFLOG_E_BROKEN);
    s.nlh->nlmsg_len -= 4; /* the last attribute reaches beyond the message */
    expect(&s, NFLOG_E_BROKEN);
    s.nlh->nlmsg_len = MNL_NLMSG_HDRLEN;
    expect(&s, NFLOG_E_BROKEN);
    s.nlh->nlmsg_type = NLMSG_DONE;
    expect(&s, NFLOG_E_OTHER);
}

/* A real kernel: one reader a group, and it is told to wait for nothing. */
static void test_open(void **state) {
    static const uint16_t groups[] = { 20548, 20549 };
    bool knows;
    int first, second = -1;
    char byte;

    (void)state;
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    assert_int_equal(nflog_open(groups, ARRAY_SIZE(groups), &first, &knows), 0);
    assert_int_equal(recv(first, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(nflog_open(groups + 1, 1, &second, &knows), -EBUSY);
    fd_close(first);
    assert_int_equal(nflog_open(groups + 1, 1, &second, &knows), 0);
    fd_close(second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp),       cmocka_unit_test(test_connections),
        cmocka_unit_test(test_cut_short), cmocka_unit_test(test_ipv4_options),
        cmocka_unit_test(test_fragments), cmocka_unit_test(test_ipv6_extensions),
        cmocka_unit_test(test_icmp),      cmocka_unit_test(test_ipv6_endless),
        cmocka_unit_test(test_broken),    cmocka_unit_test(test_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
