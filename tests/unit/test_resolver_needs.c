/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/resolver/needs.h"

#include "daemon/resolver/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

#include "fake_portd.h"

struct fixture {
    struct fake_portd portd;
    struct needs *needs;
    unsigned n_calls;
    bool is_new;
    size_t n;
    char names[256]; /* of the newest call, as far as they fit */
};

static void on_needs(const char *const *names, size_t n, bool is_new, void *userdata) {
    struct fixture *f = userdata;

    f->n_calls++;
    f->is_new = is_new;
    f->n = n;
    f->names[0] = '\0';
    for (size_t i = 0; i < n && strlen(f->names) + strlen(names[i]) + 2 < sizeof(f->names); i++) {
        strcat(f->names, names[i]);
        strcat(f->names, " ");
    }
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));

    fake_init(&f->portd);
    assert_int_equal(needs_new(f->portd.event, f->portd.path, on_needs, f, &f->needs), 0);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;

    needs_free(f->needs);
    fake_clear(&f->portd);
    free(f);
    return 0;
}

/* A client that has asked. */
static int asked(struct fixture *f) {
    int fd = fake_accept(&f->portd);
    char call[128];

    fake_hear(&f->portd, fd, call, sizeof(call));
    assert_string_equal(call, "{\"method\":\"io.portd.Names\",\"more\":true}");
    return fd;
}

static void turns(struct fixture *f) {
    for (int i = 0; i < 5; i++)
        fake_turn(&f->portd);
}

static void test_names(void **state) {
    struct fixture *f = *state;
    int fd;

    fake_listen(&f->portd);
    assert_false(needs_are_known(f->needs));
    fd = asked(f);
    fake_say(fd, "{\"parameters\":{\"names\":[{\"name\":\"a.x\",\"addresses\":[]},"
                 "{\"name\":\"b.x\",\"addresses\":[\"192.0.2.1\"]}]},\"continues\":true}");
    turns(f);
    assert_true(needs_are_known(f->needs));
    assert_string_equal(f->names, "a.x b.x ");
    assert_true(f->is_new);
    fake_say(fd, "{\"parameters\":{\"names\":[]},\"continues\":true}");
    fake_say(fd, "{\"parameters\":{\"names\":[{\"name\":\"c.x\"}]},\"continues\":true}");
    turns(f);
    assert_int_equal(f->n_calls, 3);
    assert_string_equal(f->names, "c.x ");
    assert_false(f->is_new);
    fd_close(fd);
    turns(f);
    assert_false(needs_are_known(f->needs));
    fd = asked(f);
    fake_say(fd, "{\"parameters\":{\"names\":[{\"name\":\"c.x\"}]},\"continues\":true}");
    turns(f);
    assert_true(f->is_new);
    fd_close(fd);
}

/* Nobody there at first, then somebody. */
static void test_late(void **state) {
    struct fixture *f = *state;

    turns(f);
    turns(f);
    fake_listen(&f->portd);
    fd_close(asked(f));
}

/* What is no list of names ends the connection, and another one is made. */
static void test_nonsense(void **state) {
    static const char *const texts[] = {
        "",
        "[]",
        "x",
        "{}",
        "{\"parameters\":{}}",
        "{\"parameters\":{\"names\":{}}}",
        "{\"parameters\":{\"names\":[\"a.x\"]}}",
        "{\"parameters\":{\"names\":[{\"name\":1}]}}",
        "{\"parameters\":{\"names\":[{\"name\":\"a.x\"},{}]}}",
        "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}",
        "{\"error\":\"org.varlink.service.MethodNotFound\"}",
    };
    struct fixture *f = *state;

    fake_listen(&f->portd);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        int fd = asked(f);

        fake_say(fd, texts[i]);
        assert_true(fake_is_left(&f->portd, fd));
        fd_close(fd);
        assert_int_equal(f->n_calls, 0);
        /* In between something that makes sense, so that the wait stays short. */
        fd = asked(f);
        fake_say(fd, "{\"parameters\":{\"names\":[]}}");
        turns(f);
        assert_int_equal(f->n_calls, 1);
        f->n_calls = 0;
        fd_close(fd);
    }
}

/* Names that are no host names are left out, the others not. */
static void test_strange_names(void **state) {
    struct fixture *f = *state;
    int fd;

    fake_listen(&f->portd);
    fd = asked(f);
    fake_say(fd,
             "{\"parameters\":{\"names\":[{\"name\":\"\"},{\"name\":\"*.x\"},{\"name\":\"a.x\"},"
             "{\"name\":\"x\"},{\"name\":\"a b.x\"},{\"name\":\"A.x\"},{\"name\":\"a.x.\"},"
             "{\"name\":\"-a.x\"},{\"name\":\"a..x\"},{\"name\":\"a\\n.x\"},"
             "{\"name\":\"1.2.3.4\"},{\"name\":\"b.x\"}]}}");
    turns(f);
    assert_string_equal(f->names, "a.x b.x ");
    fd_close(fd);
}

/* Sends all, while the loop turns; the client may hang up before its end. */
static void say_much(struct fixture *f, int fd, const char *bytes, size_t n) {
    for (int i = 0; n > 0 && i < 100000; i++) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

        if (sent < 0 && errno != EAGAIN)
            return;
        bytes += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
        sd_event_run(f->portd.event, 0);
    }
}

static void test_too_many(void **state) {
    struct fixture *f = *state;
    json_t *names = json_array(), *reply;
    _cleanup_(freep) char *text = NULL;
    int fd;

    for (size_t i = 0; i < 2 * SCHEDULE_NAMES_MAX; i++)
        json_array_append_new(names, json_pack("{s:o}", "name", json_sprintf("n%zu.x", i)));
    reply = json_pack("{s:{s:o}}", "parameters", "names", names);
    text = json_dumps(reply, 0);
    json_decref(reply);
    fake_listen(&f->portd);
    fd = asked(f);
    say_much(f, fd, text, strlen(text) + 1);
    turns(f);
    assert_int_equal(f->n, SCHEDULE_NAMES_MAX);
    fd_close(fd);
}

static void test_too_large(void **state) {
    struct fixture *f = *state;
    _cleanup_(freep) char *bytes = malloc(NEEDS_REPLY_MAX + 1);
    int fd;

    memset(bytes, ' ', NEEDS_REPLY_MAX + 1);
    fake_listen(&f->portd);
    fd = asked(f);
    say_much(f, fd, bytes, NEEDS_REPLY_MAX + 1);
    assert_true(fake_is_left(&f->portd, fd));
    fd_close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_names),         TEST(test_late),     TEST(test_nonsense),
        TEST(test_strange_names), TEST(test_too_many), TEST(test_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
