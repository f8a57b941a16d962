/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

static char dir[] = "/tmp/portd-listen-XXXXXX";
static char path[100];

static int setup(void **state _unused_) {
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof(path), "%s/io.portd", dir);
    return 0;
}

static int teardown(void **state _unused_) {
    unlink(path);
    return rmdir(dir);
}

static int try_connect(const char *to) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, to);
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

/* The one entry of a report has this in it. */
static void expect_refused(const char *at, const char *want) {
    struct report report = REPORT_INIT;
    int fd;

    assert_int_equal(listen_open(at, (gid_t)-1, &fd, &report), LISTEN_E_REFUSED);
    assert_int_equal(report.n_entries, 1);
    _cleanup_(freep) char *text = report_entry_text(&report.entries[0]);

    if (!strstr(text, want))
        fail_msg("\"%s\" does not say \"%s\"", text, want);
    report_clear(&report);
}

static void test_mode_and_group(void **state _unused_) {
    struct report report = REPORT_INIT;
    _cleanup_(closep) int fd = -1;
    gid_t group = geteuid() == 0 ? 4242 : getegid();
    struct stat st;

    assert_int_equal(listen_open(path, group, &fd, &report), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode, S_IFSOCK | 0660);
    assert_int_equal(st.st_gid, group);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(try_connect(path), 0);
}

static void test_stale_is_replaced(void **state _unused_) {
    struct report report = REPORT_INIT;
    int fd;

    assert_int_equal(listen_open(path, (gid_t)-1, &fd, &report), 0);
    fd_close(fd);
    assert_int_equal(try_connect(path), -ECONNREFUSED);
    assert_int_equal(listen_open(path, (gid_t)-1, &fd, &report), 0);
    assert_int_equal(try_connect(path), 0);
    fd_close(fd);
}

static void test_another_listens(void **state _unused_) {
    struct report report = REPORT_INIT;
    int fd;

    assert_int_equal(listen_open(path, (gid_t)-1, &fd, &report), 0);
    expect_refused(path, "another portd listens on ");
    assert_int_equal(try_connect(path), 0);
    fd_close(fd);
}

/* A portd that doesn't get round to its clients is still there. */
static void test_another_is_busy(void **state _unused_) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct report report = REPORT_INIT;
    int fd, clients[1000];
    size_t n = 0;

    strcpy(address.sun_path, path);
    assert_int_equal(listen_open(path, (gid_t)-1, &fd, &report), 0);
    do {
        assert_true(n < ARRAY_SIZE(clients));
        clients[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    } while (connect(clients[n++], (struct sockaddr *)&address, sizeof(address)) == 0);
    assert_int_equal(errno, EAGAIN);
    expect_refused(path, "another portd listens on ");
    while (n > 0)
        fd_close(clients[--n]);
    fd_close(fd);
}

static void test_kept(void **state _unused_) {
    struct report report = REPORT_INIT;
    gid_t group = geteuid() == 0 ? 4242 : getegid();
    int kept, fd;

    if (geteuid() != 0)
        skip();
    assert_false(listen_is_at(-1, path, (gid_t)-1));
    assert_int_equal(listen_open(path, group, &kept, &report), 0);
    assert_true(listen_is_at(kept, path, (gid_t)-1));
    assert_true(listen_is_at(kept, path, group));
    assert_false(listen_is_at(kept, path, group + 1));
    assert_false(listen_is_at(kept, dir, (gid_t)-1));
    unlink(path);
    assert_false(listen_is_at(kept, path, (gid_t)-1));
    assert_int_equal(listen_open(path, group, &fd, &report), 0);
    assert_false(listen_is_at(kept, path, (gid_t)-1));
    assert_true(listen_is_at(fd, path, (gid_t)-1));
    fd_close(kept);
    kept = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_false(listen_is_at(kept, path, (gid_t)-1));
    fd_close(kept);
    fd_close(fd);
}

static void test_no_socket(void **state _unused_) {
    unlink(path);
    fd_close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    expect_refused(path, "is no socket");
    assert_int_equal(access(path, F_OK), 0);
}

static void test_path_too_long(void **state _unused_) {
    char at[120];

    memset(at, 'x', sizeof(at));
    at[0] = '/';
    at[108] = '\0';
    expect_refused(at, "108 bytes, at most 107");
}

static void test_missing_directory(void **state _unused_) {
    char at[108];

    snprintf(at, sizeof(at), "%s/missing/io.portd", dir);
    expect_refused(at, "the directory of the socket is missing");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mode_and_group),
        cmocka_unit_test(test_stale_is_replaced),
        cmocka_unit_test(test_another_listens),
        cmocka_unit_test(test_another_is_busy),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_no_socket),
        cmocka_unit_test(test_path_too_long),
        cmocka_unit_test(test_missing_directory),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
