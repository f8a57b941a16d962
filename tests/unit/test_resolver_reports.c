/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/resolver/reports.h"

#include "base/quote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

#include "fake_portd.h"

#define CALL "{\"method\":\"io.portd.Resolved\",\"parameters\":{\"name\":\"a.x\"}}"

struct fixture {
    struct fake_portd portd;
    struct reports *reports;
    unsigned n_calls;
    enum report_fate fate;
};

static void on_report(const char *name, enum report_fate fate, const char *why, void *userdata) {
    struct fixture *f = userdata;

    assert_string_equal(name, "a.x");
    assert_true((fate == REPORT_REFUSED) == (why != NULL));
    assert_true(!why || (*why && text_is_printable(why)));
    f->n_calls++;
    f->fate = fate;
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));

    fake_init(&f->portd);
    fake_listen(&f->portd);
    assert_int_equal(reports_new(f->portd.event, f->portd.path, on_report, f, &f->reports), 0);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;

    reports_free(f->reports);
    fake_clear(&f->portd);
    free(f);
    return 0;
}

static void send_one(struct fixture *f) {
    assert_true(reports_are_idle(f->reports));
    reports_send(f->reports, "a.x", json_pack("{ss}", "name", "a.x"));
}

static void expect_call(struct fixture *f, int fd) {
    char call[128];

    assert_false(reports_are_idle(f->reports));
    fake_hear(&f->portd, fd, call, sizeof(call));
    assert_string_equal(call, CALL);
}

/* Turns the loop until the handler has heard, and yields what. */
static enum report_fate heard(struct fixture *f) {
    for (int i = 0; i < 500 && f->n_calls == 0; i++)
        fake_turn(&f->portd);
    assert_int_equal(f->n_calls, 1);
    f->n_calls = 0;
    return f->fate;
}

/* Several calls on one connection, until there is nothing more to tell. */
static void test_fates(void **state) {
    static const struct {
        const char *reply;
        enum report_fate fate;
    } rows[] = {
        { "{\"parameters\":{}}", REPORT_TAKEN },
        { "{}", REPORT_TAKEN },
        { "{\"error\":\"io.portd.NotNeeded\",\"parameters\":{\"name\":\"a.x\"}}", REPORT_UNNEEDED },
        { "{\"error\":\"io.portd.BadAnswer\",\"parameters\":{\"text\":\"bad\\u001b\"}}",
          REPORT_REFUSED },
        { "{\"error\":\"org.varlink.service.PermissionDenied\"}", REPORT_REFUSED },
        { "{\"error\":\"io.portd.BadAnswer\",\"parameters\":{\"text\":7}}", REPORT_REFUSED },
    };
    struct fixture *f = *state;
    int fd = -1;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        send_one(f);
        fd = fd < 0 ? fake_accept(&f->portd) : fd;
        expect_call(f, fd);
        fake_say(fd, rows[i].reply);
        assert_int_equal(heard(f), rows[i].fate);
        assert_true(reports_are_idle(f->reports));
    }
    reports_rest(f->reports);
    assert_true(fake_is_left(&f->portd, fd));
    fd_close(fd);
}

static void await_idle(struct fixture *f) {
    for (int i = 0; i < 500 && !reports_are_idle(f->reports); i++)
        fake_turn(&f->portd);
    assert_true(reports_are_idle(f->reports));
}

/* Lost, then not idle for a while, then as before. */
static void test_lost(void **state) {
    static const char *const texts[] = { NULL, "nonsense", "{\"parameters\":[]}" };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        int fd;

        send_one(f);
        fd = fake_accept(&f->portd);
        expect_call(f, fd);
        if (texts[i])
            fake_say(fd, texts[i]);
        else
            shutdown(fd, SHUT_RDWR);
        assert_int_equal(heard(f), REPORT_LOST);
        assert_false(reports_are_idle(f->reports));
        await_idle(f);
        fd_close(fd);
    }
}

/* Nobody listens: known before reports_send() returns. */
static void test_nobody(void **state) {
    struct fixture *f = *state;

    fake_close(&f->portd);
    send_one(f);
    assert_int_equal(heard(f), REPORT_LOST);
    await_idle(f);
}

/* portd speaks out of turn. */
static void test_unasked_reply(void **state) {
    struct fixture *f = *state;
    int fd;

    send_one(f);
    fd = fake_accept(&f->portd);
    expect_call(f, fd);
    fake_say(fd, "{}");
    fake_say(fd, "{}");
    assert_int_equal(heard(f), REPORT_TAKEN);
    assert_true(fake_is_left(&f->portd, fd));
    assert_int_equal(f->n_calls, 0);
    fd_close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_fates),
        TEST(test_lost),
        TEST(test_nobody),
        TEST(test_unasked_reply),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
