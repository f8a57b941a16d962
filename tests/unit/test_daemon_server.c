/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients and server in one process: the clients' sockets never block, and whoever waits turns
 * the server's loop meanwhile. A client's user is who connects (SO_PEERCRED), so that the tests
 * of rights and places a uid change the effective uid for that moment; they need root. */
#include "daemon/server.h"

#include "daemon/listen.h"
#include "varlink/frame.h"
#include "varlink/interface.h"
#include "varlink/message.h"

#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include <cmocka.h>

#define IDLE_USEC      ((uint64_t)200000)
#define IDLE_LONG_USEC ((uint64_t)2000000)
#define GROUP          ((gid_t)4242)
#define RESOLVER       ((uid_t)4343)
#define LARGE_SIZE     ((size_t)4 << 20)

struct fixture {
    char dir[32], path[64];
    sd_event *event;
    struct server *server;
    unsigned n_reloads;
};

static int method_status(struct call *c, void *userdata _unused_) {
    int r;

    r = call_strings(c, NULL, 0);
    if (r != 0)
        return r;
    return call_reply(c, json_pack("{sssI}", "state", "enforcing", "uid", (json_int_t)call_uid(c)));
}

/* An answer far larger than what a socket holds. */
static int method_flows(struct call *c, void *userdata _unused_) {
    _cleanup_(freep) char *text = malloc(LARGE_SIZE);

    memset(text, 'x', LARGE_SIZE);
    return call_reply(c, json_pack("{ss%}", "text", text, LARGE_SIZE));
}

static int method_explain(struct call *c, void *userdata _unused_) {
    const char *service, *reason;
    const struct call_string strings[] = { { "service", false, &service, NULL, NULL },
                                           { "reason", true, &reason, NULL, NULL } };
    int r;

    r = call_strings(c, strings, ARRAY_SIZE(strings));
    if (r != 0)
        return r;
    if (strcmp(service, "bad") == 0)
        return call_error_text(c, ERROR_BAD_QUERY, "no such service");
    return call_reply(c, json_pack("{sssb}", "service", service, "reason", reason != NULL));
}

static int method_reload(struct call *c _unused_, void *userdata) {
    struct fixture *f = userdata;

    f->n_reloads++;
    return 0;
}

static int method_off(struct call *c _unused_, void *userdata _unused_) {
    return -ENOSPC;
}

static int method_watch(struct call *c, void *userdata _unused_) {
    return call_watch(c, TOPIC_EVENTS, NULL);
}

static int method_names(struct call *c, void *userdata _unused_) {
    json_t *names = json_pack("{s:[s]}", "names", "a.example");

    return call_wants_more(c) ? call_watch(c, TOPIC_NAMES, names) : call_reply(c, names);
}

static int method_resolved(struct call *c, void *userdata _unused_) {
    static const char *const keys[] = { "name", "ipv4" };
    int r = call_only(c, keys, ARRAY_SIZE(keys));

    return r != 0 ? r : call_reply(c, json_object());
}

static const struct method methods[] = {
    { "Status", ACCESS_READ, method_status },   { "Flows", ACCESS_READ, method_flows },
    { "Explain", ACCESS_READ, method_explain }, { "Reload", ACCESS_WRITE, method_reload },
    { "Off", ACCESS_WRITE, method_off },        { "Watch", ACCESS_READ, method_watch },
    { "Names", ACCESS_NAMES, method_names },    { "Resolved", ACCESS_RESOLVER, method_resolved },
};

static int setup_idle(void **state, uint64_t idle_usec) {
    struct fixture *f = calloc(1, sizeof(*f));
    struct report report = REPORT_INIT;
    struct server_options o = { .read_group = GROUP,
                                .resolver = RESOLVER,
                                .methods = methods,
                                .n_methods = ARRAY_SIZE(methods),
                                .userdata = f,
                                .idle_usec = idle_usec };

    strcpy(f->dir, "/tmp/portd-server-XXXXXX");
    if (!mkdtemp(f->dir) || chmod(f->dir, 0755) < 0)
        return -1;
    snprintf(f->path, sizeof(f->path), "%s/io.portd", f->dir);
    if (listen_open(f->path, (gid_t)-1, &o.fd, &report) != 0 || chmod(f->path, 0666) < 0)
        return -1;
    if (sd_event_new(&f->event) < 0 || server_new(f->event, &o, &f->server) < 0)
        return -1;
    *state = f;
    return 0;
}

static int setup(void **state) {
    return setup_idle(state, 0);
}

static int setup_impatient(void **state) {
    return setup_idle(state, IDLE_USEC);
}

static int setup_less_impatient(void **state) {
    return setup_idle(state, IDLE_LONG_USEC);
}

static int teardown(void **state) {
    struct fixture *f = *state;

    server_free(f->server);
    sd_event_unref(f->event);
    unlink(f->path);
    rmdir(f->dir);
    free(f);
    return 0;
}

/* Turns the loop until nothing is left to do. */
static void settle(struct fixture *f) {
    while (sd_event_run(f->event, 0) > 0)
        ;
}

static int client_new(struct fixture *f) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    strcpy(address.sun_path, f->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    settle(f);
    return fd;
}

static int client_new_as(struct fixture *f, uid_t uid, gid_t gid) {
    int fd;

    assert_int_equal(setegid(gid), 0);
    assert_int_equal(seteuid(uid), 0);
    fd = client_new(f);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(setegid(0), 0);
    return fd;
}

static void client_send(int fd, const char *bytes, size_t n) {
    assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
}

static void client_call(int fd, const char *text) {
    client_send(fd, text, strlen(text) + 1);
}

static bool is_hung_up(struct fixture *f, int fd) {
    char byte;
    ssize_t n;

    settle(f);
    n = recv(fd, &byte, 1, MSG_PEEK);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

/* Reads the next message, turning the loop; the one behind it is left in `in`. NULL: hung up. */
static const char *client_next(struct fixture *f, int fd, struct frame_input *in) {
    const char *text;
    size_t size, room;

    while (frame_input_next(in, &text, &size) == FRAME_E_MORE) {
        void *to = frame_input_room(in, &room);
        ssize_t n = recv(fd, to, room, 0);

        if (n > 0)
            frame_input_filled(in, (size_t)n);
        else if (n == 0 || errno != EAGAIN)
            return NULL;
        else
            assert_true(sd_event_run(f->event, 5000000) > 0);
    }
    return text;
}

/* Calls, and expects an answer, byte for byte. */
static void expect_on(struct fixture *f, int fd, const char *call, const char *want) {
    struct frame_input in = { .max = LARGE_SIZE * 2 };
    const char *text;

    client_call(fd, call);
    text = client_next(f, fd, &in);
    assert_non_null(text);
    assert_string_equal(text, want);
    frame_input_clear(&in);
}

static void expect(struct fixture *f, const char *call, const char *want) {
    _cleanup_(closep) int fd = client_new(f);

    expect_on(f, fd, call, want);
}

static void wait_usec(struct fixture *f, uint64_t usec) {
    uint64_t now, end;

    sd_event_now(f->event, CLOCK_MONOTONIC, &now);
    for (end = now + usec; now < end; sd_event_now(f->event, CLOCK_MONOTONIC, &now))
        sd_event_run(f->event, end - now);
}

static void test_calls(void **state) {
    struct fixture *f = *state;

    expect(f, "{\"method\":\"io.portd.Explain\",\"parameters\":{\"service\":\"tcp/1\"}}",
           "{\"parameters\":{\"service\":\"tcp/1\",\"reason\":false}}");
    expect(f, "{\"method\":\"io.portd.Explain\",\"parameters\":{\"service\":\"bad\"}}",
           "{\"error\":\"io.portd.BadQuery\",\"parameters\":{\"text\":\"no such service\"}}");
    expect(f,
           "{\"method\":\"io.portd.Explain\",\"parameters\":{\"service\":\"a\",\"reason\":null}}",
           "{\"parameters\":{\"service\":\"a\",\"reason\":false}}");
    expect(f, "{\"method\":\"io.portd.Explain\"}",
           "{\"error\":\"org.varlink.service.InvalidParameter\","
           "\"parameters\":{\"parameter\":\"service\"}}");
    expect(f, "{\"method\":\"io.portd.Explain\",\"parameters\":{\"service\":1}}",
           "{\"error\":\"org.varlink.service.InvalidParameter\","
           "\"parameters\":{\"parameter\":\"service\"}}");
    expect(f, "{\"method\":\"io.portd.Status\",\"parameters\":{\"x\":1}}",
           "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":"
           "\"x\"}}");
    expect(f, "{\"method\":\"io.portd.Stat\"}",
           "{\"error\":\"org.varlink.service.MethodNotFound\","
           "\"parameters\":{\"method\":\"io.portd.Stat\"}}");
    expect(f, "{\"method\":\"io.port.Status\"}",
           "{\"error\":\"org.varlink.service.InterfaceNotFound\","
           "\"parameters\":{\"interface\":\"io.port\"}}");
    expect(f, "{\"method\":\"io.portd.Watch\"}",
           "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}");
    expect(f, "{\"method\":\"io.portd.Explain\",\"upgrade\":true}",
           "{\"error\":\"org.varlink.service.MethodNotImplemented\","
           "\"parameters\":{\"method\":\"io.portd.Explain\"}}");
}

static void test_service_interface(void **state) {
    struct fixture *f = *state;
    _cleanup_(closep) int fd = client_new(f);
    struct frame_input in = { .max = LARGE_SIZE };
    struct message m;
    const char *text;

    expect(
        f, "{\"method\":\"org.varlink.service.GetInfo\"}",
        "{\"parameters\":{\"vendor\":\"portd\",\"product\":\"portd\",\"version\":\"" PORTD_VERSION
        "\",\"url\":\"man:portd(8)\","
        "\"interfaces\":[\"org.varlink.service\",\"io.portd\"]}}");
    expect(f,
           "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
           "\"parameters\":{\"interface\":\"a.b\"}}",
           "{\"error\":\"org.varlink.service.InterfaceNotFound\","
           "\"parameters\":{\"interface\":\"a.b\"}}");
    client_call(fd, "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
                    "\"parameters\":{\"interface\":\"io.portd\"}}");
    text = client_next(f, fd, &in);
    assert_int_equal(message_parse(MESSAGE_REPLY, text, strlen(text), &m), 0);
    text = json_string_value(json_object_get(m.parameters, "description"));
    assert_non_null(strstr(text, "interface io.portd"));
    message_clear(&m);
    frame_input_clear(&in);
}

/* Handlers that answer nothing, or fail. */
static void test_silent_handlers(void **state) {
    struct fixture *f = *state;
    _cleanup_(closep) int fd = client_new(f);

    if (geteuid() != 0)
        skip();
    expect_on(f, fd, "{\"method\":\"io.portd.Reload\"}", "{\"parameters\":{}}");
    expect_on(f, fd, "{\"method\":\"io.portd.Off\"}",
              "{\"error\":\"io.portd.Failed\","
              "\"parameters\":{\"text\":\"No space left on device\"}}");
    client_call(fd, "{\"method\":\"io.portd.Reload\",\"oneway\":true}");
    expect_on(f, fd, "{\"method\":\"io.portd.Stat\"}",
              "{\"error\":\"org.varlink.service.MethodNotFound\","
              "\"parameters\":{\"method\":\"io.portd.Stat\"}}");
    assert_int_equal(f->n_reloads, 2);
}

/* All calls of one write are answered, in order, also when the client closes its end. */
static void test_pipelined(void **state) {
    struct fixture *f = *state;
    _cleanup_(closep) int fd = client_new(f);
    struct frame_input in = { .max = LARGE_SIZE };

    for (int i = 0; i < 100; i++)
        client_call(fd, "{\"method\":\"io.portd.Explain\",\"parameters\":{\"service\":\"a\"}}");
    client_call(fd, "{\"method\":\"a.B\"}");
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < 100; i++)
        assert_string_equal(client_next(f, fd, &in),
                            "{\"parameters\":{\"service\":\"a\",\"reason\":false}}");
    assert_non_null(strstr(client_next(f, fd, &in), "InterfaceNotFound"));
    assert_null(client_next(f, fd, &in));
    frame_input_clear(&in);
}

/* Reads some of what is there, as a slow client does. */
static void client_sip(int fd, struct frame_input *in) {
    size_t room;
    void *to = frame_input_room(in, &room);
    ssize_t n = recv(fd, to, room, 0);

    if (n > 0)
        frame_input_filled(in, (size_t)n);
}

/* An answer of any size arrives whole, and the call behind it waits for that. */
static void test_large_reply(void **state) {
    struct fixture *f = *state;
    _cleanup_(closep) int fd = client_new(f);
    struct frame_input in = { .max = LARGE_SIZE * 2 };
    const char *text;

    client_call(fd, "{\"method\":\"io.portd.Flows\"}");
    client_call(fd, "{\"method\":\"io.portd.Reload\",\"oneway\":true}");
    for (int i = 0; i < 20; i++) {
        settle(f);
        assert_int_equal(f->n_reloads, 0);
        client_sip(fd, &in);
    }
    text = client_next(f, fd, &in);
    assert_int_equal(strlen(text), LARGE_SIZE + strlen("{\"parameters\":{\"text\":\"\"}}"));
    settle(f);
    assert_int_equal(f->n_reloads, geteuid() == 0);
    frame_input_clear(&in);
}

static void test_garbage(void **state) {
    static const char *const texts[] = { "", "x", "{}", "{\"method\":\"\"}", "GET / HTTP/1.1" };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        _cleanup_(closep) int fd = client_new(f);

        client_call(fd, texts[i]);
        assert_true(is_hung_up(f, fd));
    }
}

/* 64 KiB without an end: disconnected, and not a byte more is read. */
static void test_oversize(void **state) {
    struct fixture *f = *state;
    _cleanup_(closep) int fd = client_new(f);
    _cleanup_(freep) char *bytes = calloc(1, FRAME_SIZE_MAX);

    memset(bytes, ' ', FRAME_SIZE_MAX);
    client_send(fd, bytes, FRAME_SIZE_MAX);
    assert_false(is_hung_up(f, fd));
    client_send(fd, bytes, 1);
    assert_true(is_hung_up(f, fd));
}

static void test_idle(void **state) {
    struct fixture *f = *state;
    _cleanup_(closep) int silent = client_new(f), dribbling = client_new(f);

    for (int i = 0; i < 10 && !is_hung_up(f, dribbling); i++) {
        client_send(dribbling, "{", 1);
        wait_usec(f, IDLE_USEC / 2);
    }
    assert_true(is_hung_up(f, dribbling));
    wait_usec(f, IDLE_USEC * 3);
    assert_true(is_hung_up(f, silent));
}

/* A call and its answer start the time anew. On a busy machine a third of it may take longer. */
static void test_busy_is_not_idle(void **state) {
    struct fixture *f = *state;
    _cleanup_(closep) int fd = client_new(f);

    for (int i = 0; i < 4; i++) {
        wait_usec(f, IDLE_LONG_USEC / 3);
        expect_on(f, fd, "{\"method\":\"a.B\"}",
                  "{\"error\":\"org.varlink.service.InterfaceNotFound\","
                  "\"parameters\":{\"interface\":\"a\"}}");
    }
}

static void test_reader_that_does_not_read(void **state) {
    struct fixture *f = *state;
    _cleanup_(closep) int fd = client_new(f);
    char buffer[65536];
    size_t total = 0;
    ssize_t n;

    client_call(fd, "{\"method\":\"io.portd.Flows\"}");
    wait_usec(f, IDLE_USEC * 3);
    while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
        total += (size_t)n;
    assert_true(n == 0 || errno != EAGAIN);
    assert_true(total < LARGE_SIZE);
}

/* Taking a little now and then doesn't help. */
static void test_reader_that_sips(void **state) {
    struct fixture *f = *state;
    _cleanup_(closep) int fd = client_new(f);
    char buffer[65536];
    ssize_t n = 1;

    client_call(fd, "{\"method\":\"io.portd.Flows\"}");
    for (int i = 0; i < 200 && n > 0; i++) {
        wait_usec(f, IDLE_USEC / 10);
        n = recv(fd, buffer, sizeof(buffer), 0);
    }
    assert_true(n == 0 || (n < 0 && errno != EAGAIN));
}

static void test_watch(void **state) {
    struct fixture *f = *state;
    _cleanup_(closep) int fd = client_new(f), other = client_new(f);
    struct frame_input in = { .max = LARGE_SIZE };

    client_call(fd, "{\"method\":\"io.portd.Watch\",\"more\":true}");
    wait_usec(f, IDLE_USEC * 3);
    assert_false(is_hung_up(f, fd));
    assert_true(is_hung_up(f, other));
    server_broadcast(f->server, TOPIC_EVENTS, json_pack("{ss}", "text", "one"));
    server_broadcast(f->server, TOPIC_EVENTS, json_pack("{ss}", "text", "two"));
    assert_string_equal(client_next(f, fd, &in),
                        "{\"parameters\":{\"text\":\"one\"},\"continues\":true}");
    assert_string_equal(client_next(f, fd, &in),
                        "{\"parameters\":{\"text\":\"two\"},\"continues\":true}");
    wait_usec(f, IDLE_USEC * 3);
    assert_false(is_hung_up(f, fd));
    client_call(fd, "{\"method\":\"io.portd.Status\"}");
    assert_null(client_next(f, fd, &in));
    frame_input_clear(&in);
}

/* One watcher reads, the other doesn't and is disconnected; what waits for it stays bounded. */
static void test_slow_watcher(void **state) {
    struct fixture *f = *state;
    _cleanup_(closep) int slow = client_new(f), fast = client_new(f);
    _cleanup_(freep) char *text = malloc(10000);
    struct frame_input in = { .max = LARGE_SIZE };
    char buffer[65536];
    ssize_t n;

    memset(text, 'x', 10000);
    client_call(slow, "{\"method\":\"io.portd.Watch\",\"more\":true}");
    client_call(fast, "{\"method\":\"io.portd.Watch\",\"more\":true}");
    settle(f);
    for (int i = 0; i < 200; i++) {
        server_broadcast(f->server, TOPIC_EVENTS, json_pack("{ss%}", "text", text, (size_t)10000));
        assert_non_null(client_next(f, fast, &in));
    }
    while ((n = recv(slow, buffer, sizeof(buffer), 0)) > 0)
        ;
    assert_true(n == 0 || errno != EAGAIN);
    assert_false(is_hung_up(f, fast));
    frame_input_clear(&in);
}

static void test_rights(void **state) {
    static const char status[] = "{\"method\":\"io.portd.Status\"}";
    static const char reload[] = "{\"method\":\"io.portd.Reload\"}";
    static const char denied[] =
        "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}";
    static const char of_1000[] = "{\"parameters\":{\"state\":\"enforcing\",\"uid\":1000}}";
    struct fixture *f = *state;
    gid_t groups[] = { 7, GROUP, 60000 }; /* the kernel sorts them */

    if (geteuid() != 0)
        skip();
    assert_int_equal(setgroups(0, NULL), 0);
    _cleanup_(closep) int stranger = client_new_as(f, 1000, 1000);
    _cleanup_(closep) int member = client_new_as(f, 1000, GROUP);

    assert_int_equal(setgroups(ARRAY_SIZE(groups), groups), 0);
    _cleanup_(closep) int supplementary = client_new_as(f, 1000, 1000);

    assert_int_equal(setgroups(0, NULL), 0);
    expect_on(f, stranger, status, denied);
    expect_on(f, member, status, of_1000);
    expect_on(f, supplementary, status, of_1000);
    expect_on(f, member, reload, denied);
    assert_int_equal(f->n_reloads, 0);
    expect(f, reload, "{\"parameters\":{}}");
    assert_int_equal(f->n_reloads, 1);
}

/* The resolver is in the group so that it can connect, and yet may ask for nothing but names; its
 * own method is nobody else's, not even root's. */
static void test_rights_of_the_resolver(void **state) {
    static const char names[] = "{\"method\":\"io.portd.Names\"}";
    static const char resolved[] = "{\"method\":\"io.portd.Resolved\",\"parameters\":{\"ipv4\":1}}";
    static const char denied[] =
        "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}";
    static const char answer[] = "{\"parameters\":{\"names\":[\"a.example\"]}}";
    struct fixture *f = *state;

    if (geteuid() != 0)
        skip();
    assert_int_equal(setgroups(0, NULL), 0);
    _cleanup_(closep) int root = client_new(f);
    _cleanup_(closep) int member = client_new_as(f, 1000, GROUP);
    _cleanup_(closep) int stranger = client_new_as(f, 1000, 1000);
    _cleanup_(closep) int resolver = client_new_as(f, RESOLVER, GROUP);

    expect_on(f, root, resolved, denied);
    expect_on(f, member, resolved, denied);
    expect_on(f, stranger, resolved, denied);
    expect_on(f, resolver, resolved, "{\"parameters\":{}}");
    expect_on(f, resolver,
              "{\"method\":\"io.portd.Resolved\",\"parameters\":{\"ipv4\":1,\"ipv5\":1}}",
              "{\"error\":\"org.varlink.service.InvalidParameter\","
              "\"parameters\":{\"parameter\":\"ipv5\"}}");
    expect_on(f, resolver, "{\"method\":\"io.portd.Status\"}", denied);
    expect_on(f, resolver, "{\"method\":\"io.portd.Watch\",\"more\":true}", denied);
    expect_on(f, resolver, names, answer);
    expect_on(f, member, names, answer);
    expect_on(f, stranger, names, denied);
}

/* A first answer at once, then what is sent on this topic, and nothing of the other. */
static void test_topics(void **state) {
    struct fixture *f = *state;
    struct frame_input in = { .max = LARGE_SIZE };

    if (geteuid() != 0)
        skip();
    assert_int_equal(setgroups(0, NULL), 0);
    _cleanup_(closep) int member = client_new_as(f, 1000, GROUP);
    _cleanup_(closep) int resolver = client_new_as(f, RESOLVER, GROUP);

    expect_on(f, member, "{\"method\":\"io.portd.Names\",\"more\":true}",
              "{\"parameters\":{\"names\":[\"a.example\"]},\"continues\":true}");
    assert_false(server_has_resolver(f->server, TOPIC_NAMES));
    expect_on(f, resolver, "{\"method\":\"io.portd.Names\",\"more\":true}",
              "{\"parameters\":{\"names\":[\"a.example\"]},\"continues\":true}");
    assert_true(server_has_resolver(f->server, TOPIC_NAMES));
    assert_false(server_has_resolver(f->server, TOPIC_EVENTS));
    server_broadcast(f->server, TOPIC_EVENTS, json_pack("{ss}", "text", "not for you"));
    server_broadcast(f->server, TOPIC_NAMES, json_pack("{s[]}", "names"));
    assert_string_equal(client_next(f, resolver, &in),
                        "{\"parameters\":{\"names\":[]},\"continues\":true}");
    frame_input_clear(&in);
}

static void close_all(struct fixture *f, int *fds, size_t n) {
    for (size_t i = 0; i < n; i++)
        fd_close(fds[i]);
    settle(f);
}

/* Others fill all their places: uid 0 still gets its own, and no more. */
static void test_places(void **state) {
    struct fixture *f = *state;
    int fds[SERVER_CONNECTIONS_MAX + SERVER_CONNECTIONS_ROOT];
    size_t n = 0;

    if (geteuid() != 0)
        skip();
    for (uid_t uid = 1000; n < SERVER_CONNECTIONS_MAX; uid++) {
        for (size_t i = 0; i < SERVER_CONNECTIONS_A_UID; i++) {
            fds[n++] = client_new_as(f, uid, 0);
            assert_false(is_hung_up(f, fds[n - 1]));
        }
        _cleanup_(closep) int over = client_new_as(f, uid, 0);

        assert_true(is_hung_up(f, over));
    }
    _cleanup_(closep) int late = client_new_as(f, 5000, 0);

    assert_true(is_hung_up(f, late));
    while (n < ARRAY_SIZE(fds)) {
        fds[n++] = client_new(f);
        assert_false(is_hung_up(f, fds[n - 1]));
    }
    _cleanup_(closep) int over = client_new(f);

    assert_true(is_hung_up(f, over));
    close_all(f, fds, n);
    _cleanup_(closep) int again = client_new_as(f, 5000, 0);

    assert_false(is_hung_up(f, again));
}

#define TEST(name)           cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_IMPATIENT(name) cmocka_unit_test_setup_teardown(name, setup_impatient, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_calls),
        TEST(test_service_interface),
        TEST(test_silent_handlers),
        TEST(test_pipelined),
        TEST(test_large_reply),
        TEST(test_garbage),
        TEST(test_oversize),
        TEST_IMPATIENT(test_idle),
        cmocka_unit_test_setup_teardown(test_busy_is_not_idle, setup_less_impatient, teardown),
        TEST_IMPATIENT(test_reader_that_does_not_read),
        TEST_IMPATIENT(test_reader_that_sips),
        TEST_IMPATIENT(test_watch),
        TEST(test_slow_watcher),
        TEST(test_rights),
        TEST(test_rights_of_the_resolver),
        TEST(test_topics),
        TEST(test_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
