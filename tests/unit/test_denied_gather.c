/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logged packets to records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nflog_sample.h"

#include "daemon/denied/gather.h"
#include "engine/ruleset.h"

/* sample_tcp4 with another sender, port and flags. */
struct shape {
    uint8_t sender;
    uint16_t source_port, port;
    uint8_t flags;
};

static void sample_of(struct sample *s, const struct shape *of, uint16_t group, uint8_t hook) {
    uint8_t bytes[sizeof(sample_tcp4)];
    uint16_t ports[] = { htons(of->source_port), htons(of->port) };

    memcpy(bytes, sample_tcp4, sizeof(bytes));
    bytes[15] = of->sender;
    memcpy(bytes + 20, ports, sizeof(ports));
    bytes[33] = of->flags;
    sample_begin(s, AF_INET, group, hook);
    sample_payload(s, bytes, sizeof(bytes));
}

static void take(struct gather *g, const struct sample *s) {
    gather_datagram(g, s->bytes, s->nlh->nlmsg_len);
}

/* The one record that is there, as the daemon takes it. */
static struct record only(struct gather *g) {
    struct record buffer, r;
    const struct record *next = gather_next(g, &buffer);

    assert_non_null(next);
    assert_true(record_take(next, sizeof(*next), &r));
    gather_done(g, next);
    assert_null(gather_next(g, &buffer));
    return r;
}

static void test_adds_up(void **state) {
    const struct shape shape = { 7, 40000, 3306, 2 };
    struct gather g = { 0 };
    struct sample s;
    struct record r;

    (void)state;
    sample_of(&s, &shape, PORTD_LOG_GROUP, SAMPLE_IN);
    for (int i = 0; i < 5; i++)
        take(&g, &s);
    r = only(&g);
    assert_int_equal(r.packets, 5);
    assert_int_equal(r.key.port, 3306);
    assert_int_equal(r.key.direction, DIRECTION_IN);
    assert_int_equal(r.key.kind, DENIED_REQUEST);
    assert_int_equal(r.key.would, 0);
    assert_int_equal(r.key.address[0], 198);
}

/* One datagram with several messages and the end of them. */
static void test_batch(void **state) {
    const struct shape shape = { 7, 40000, 3306, 2 };
    uint8_t bytes[3 * SAMPLE_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *done;
    struct gather g = { 0 };
    struct sample s;
    size_t n = 0;

    (void)state;
    sample_of(&s, &shape, PORTD_LOG_GROUP, SAMPLE_IN);
    for (int i = 0; i < 2; i++, n += MNL_ALIGN(s.nlh->nlmsg_len))
        memcpy(bytes + n, s.bytes, MNL_ALIGN(s.nlh->nlmsg_len));
    done = mnl_nlmsg_put_header(bytes + n);
    done->nlmsg_type = NLMSG_DONE;
    gather_datagram(&g, bytes, n + done->nlmsg_len);
    assert_int_equal(only(&g).packets, 2);
    gather_datagram(&g, bytes, n - 1); /* the second of them is torn */
    assert_int_equal(g.losses.unread, 1);
    assert_int_equal(g.records[0].packets, 1);
}

static void test_keys(void **state) {
    static const struct {
        struct shape shape;
        uint16_t group;
        uint8_t hook;
        bool knows;
        uint32_t info; /* UINT32_MAX: no connection */
        struct denied_key want;
    } rows[] = {
#define IN(p, k)                                                                                   \
    { .port = (p), .has_port = (p) > 0, .kind = (k) }
#define OUT(p, k)                                                                                  \
    { .port = (p), .has_port = (p) > 0, .kind = (k), .direction = DIRECTION_OUT }
        /* the kernel tells */
        { { 7, 40000, 80, 2 },
          PORTD_LOG_GROUP,
          SAMPLE_IN,
          true,
          IP_CT_NEW,
          IN(80, DENIED_REQUEST) },
        { { 7, 80, 40000, 16 },
          PORTD_LOG_GROUP,
          SAMPLE_IN,
          true,
          IP_CT_ESTABLISHED_REPLY,
          IN(80, DENIED_ANSWER) },
        { { 7, 80, 40000, 16 },
          PORTD_LOG_GROUP,
          SAMPLE_OUT,
          true,
          IP_CT_ESTABLISHED_REPLY,
          OUT(80, DENIED_ANSWER) },
        { { 7, 40000, 80, 16 }, PORTD_LOG_GROUP, SAMPLE_IN, true, UINT32_MAX, IN(0, DENIED_STRAY) },
        /* on its way to somebody else, and back */
        { { 7, 40000, 8080, 2 }, PORTD_LOG_GROUP, 2, true, IP_CT_NEW, IN(80, DENIED_REQUEST) },
        { { 7, 8080, 40000, 16 },
          PORTD_LOG_GROUP,
          2,
          true,
          IP_CT_ESTABLISHED_REPLY,
          OUT(80, DENIED_ANSWER) },
        { { 7, 80, 40000, 16 }, PORTD_LOG_GROUP, 2, false, UINT32_MAX, OUT(80, DENIED_ANSWER) },
        /* it doesn't */
        { { 7, 40000, 80, 2 },
          PORTD_LOG_GROUP,
          SAMPLE_OUT,
          false,
          UINT32_MAX,
          OUT(80, DENIED_REQUEST) },
        { { 7, 80, 40000, 18 },
          PORTD_LOG_GROUP,
          SAMPLE_OUT,
          false,
          UINT32_MAX,
          OUT(80, DENIED_ANSWER) },
        { { 7, 80, 40000, 16 },
          PORTD_LOG_GROUP,
          SAMPLE_IN,
          false,
          UINT32_MAX,
          IN(80, DENIED_ANSWER) },
        { { 7, 40000, 80, 16 },
          PORTD_LOG_GROUP,
          SAMPLE_IN,
          false,
          UINT32_MAX,
          IN(80, DENIED_REQUEST) },
#undef IN
#undef OUT
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct gather g = { .knows_connections = rows[i].knows };
        struct denied_key key;
        struct sample s;

        sample_of(&s, &rows[i].shape, rows[i].group, rows[i].hook);
        if (rows[i].info != UINT32_MAX)
            sample_connection(&s, rows[i].info, 80);
        take(&g, &s);
        key = only(&g).key;
        assert_int_equal(key.port, rows[i].want.port);
        assert_int_equal(key.has_port, rows[i].want.has_port);
        assert_int_equal(key.kind, rows[i].want.kind);
        assert_int_equal(key.direction, rows[i].want.direction);
        assert_int_equal(key.address[0], rows[i].want.direction == DIRECTION_IN ? 198 : 10);
    }
}

static void test_would(void **state) {
    const struct shape shape = { 7, 40000, 80, 2 };
    struct gather g = { 0 };
    struct sample s;

    (void)state;
    sample_of(&s, &shape, PORTD_LOG_GROUP_WOULD, SAMPLE_IN);
    take(&g, &s);
    assert_int_equal(only(&g).key.would, 1);
}

/* Too many different ones: the first are kept, the others counted, and nothing is lost of that. */
static void test_crowd(void **state) {
    struct record buffer;
    struct gather g = { 0 };
    const struct record *r;
    struct sample s;
    size_t n = 0;

    (void)state;
    for (unsigned i = 0; i < GATHER_RECORDS + 10; i++) {
        const struct shape shape = { (uint8_t)i, 40000, (uint16_t)(1 + i / 256), 2 };

        sample_of(&s, &shape, PORTD_LOG_GROUP, SAMPLE_IN);
        take(&g, &s);
    }
    assert_int_equal(g.losses.crowded, 10);
    for (; (r = gather_next(&g, &buffer)); n++) {
        assert_true(record_take(r, sizeof(*r), &(struct record){ 0 }));
        gather_done(&g, r);
    }
    assert_int_equal(n, GATHER_RECORDS + 1);
    assert_int_equal(g.losses.crowded, 0);
}

/* A gap in the numbers of a group is what the kernel had no room for. */
static void test_sequence(void **state) {
    static const uint32_t numbers[] = { UINT32_MAX, 0, 5, 6 };
    const struct shape shape = { 7, 40000, 80, 2 };
    struct gather g = { 0 };
    struct sample s;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        sample_of(&s, &shape, PORTD_LOG_GROUP, SAMPLE_IN);
        sample_sequence(&s, numbers[i]);
        take(&g, &s);
        sample_of(&s, &shape, PORTD_LOG_GROUP_WOULD, SAMPLE_IN);
        sample_sequence(&s, (uint32_t)i);
        take(&g, &s);
    }
    assert_int_equal(g.losses.missed, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adds_up), cmocka_unit_test(test_batch),
        cmocka_unit_test(test_keys),    cmocka_unit_test(test_would),
        cmocka_unit_test(test_crowd),   cmocka_unit_test(test_sequence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
