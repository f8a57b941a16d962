/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"

#include "loading.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define SIZE_MAX_HERE 1000U

static char directory[] = "/tmp/portd-test-file-XXXXXX";

static int remove_one(const char *path, _unused_ const struct stat *st, _unused_ int type,
                      _unused_ struct FTW *where) {
    return remove(path);
}

static int setup(_unused_ void **state) {
    umask(022);
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int teardown(_unused_ void **state) {
    return chdir("/") == 0 ? nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

static void file_make(const char *path, const char *text, mode_t mode) {
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void assert_read(const char *path, const char *text) {
    struct report r = REPORT_INIT;
    struct file f;

    assert_int_equal(file_read(path, SIZE_MAX_HERE, &f, &r), 0);
    assert_string_equal(f.path, path);
    assert_int_equal(f.size, strlen(text));
    assert_string_equal(f.bytes, text);
    assert_true(report_is_empty(&r));
    file_clear(&f);
}

static void assert_fails(const char *path, int result, const char *message) {
    _cleanup_(freep) char *text = NULL;
    struct report r = REPORT_INIT;
    struct file f;

    assert_int_equal(file_read(path, SIZE_MAX_HERE, &f, &r), result);
    text = report_take_text(&r);
    assert_string_equal(text, message);
}

static void test_reads(_unused_ void **state) {
    char full[SIZE_MAX_HERE + 1] = "";

    memset(full, 'x', SIZE_MAX_HERE);
    file_make("plain", "hello\n", 0644);
    file_make("empty", "", 0600);
    file_make("full", full, 0644);
    assert_int_equal(symlink("plain", "link"), 0);
    assert_read("plain", "hello\n");
    assert_read("empty", "");
    assert_read("full", full);
    assert_read("link", "hello\n");
}

static void test_absent(_unused_ void **state) {
    assert_fails("nothing", FILE_E_ABSENT, "nothing: does not exist\n");
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_fails("dangling", FILE_E_ABSENT, "dangling: does not exist\n");
}

static void test_writable_by_others(_unused_ void **state) {
    file_make("group", "x", 0664);
    file_make("other", "x", 0602);
    assert_fails("group", FILE_E_REFUSED,
                 "group: others than its owner can write it: chmod go-w group\n");
    assert_fails("other", FILE_E_REFUSED,
                 "other: others than its owner can write it: chmod go-w other\n");
}

static void test_foreign_owner(_unused_ void **state) {
    if (geteuid() != 0)
        skip();
    file_make("foreign", "x", 0644);
    assert_int_equal(chown("foreign", 12345, 0), 0);
    assert_fails("foreign", FILE_E_REFUSED,
                 "foreign: belongs to uid 12345, who could change it at any time: chown root "
                 "foreign\n");
}

static void test_not_regular(_unused_ void **state) {
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(mkdir("directory", 0755), 0);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_fails("directory", FILE_E_REFUSED,
                 "directory: is a directory: it must be a regular file\n");
    alarm(10); /* of a FIFO that blocks */
    assert_fails("fifo", FILE_E_REFUSED, "fifo: is a FIFO: it must be a regular file\n");
    alarm(0);
    assert_fails("socket", FILE_E_REFUSED,
                 "socket: is a socket or a device: it must be a regular file\n");
    assert_fails("/dev/null", FILE_E_REFUSED,
                 "/dev/null: is a socket or a device: it must be a regular file\n");
    assert_fails("fifo/x", FILE_E_REFUSED, "fifo/x: can't be opened: Not a directory\n");
}

static void test_too_large(_unused_ void **state) {
    file_make("sparse", "", 0644);
    assert_int_equal(truncate("sparse", 1L << 30), 0);
    assert_fails("sparse", FILE_E_REFUSED,
                 "sparse: has 1073741824 bytes, more than the 1000 allowed\n");
    assert_int_equal(truncate("sparse", SIZE_MAX_HERE + 1), 0);
    assert_fails("sparse", FILE_E_REFUSED, "sparse: has 1001 bytes, more than the 1000 allowed\n");
}

/* Files of procfs are regular, have no size and yet content. */
static void test_size_is_not_what_it_was(_unused_ void **state) {
    assert_fails("/proc/self/status", FILE_E_REFUSED,
                 "/proc/self/status: changed while it was read: try again\n");
}

static void test_list(_unused_ void **state) {
    static const char *const expected[] = { "list/10.json", "list/9.json", "list/a.json",
                                            "list/link.json" };
    _cleanup_(paths_freep) char **paths = NULL;
    struct report r = REPORT_INIT;
    size_t n;

    assert_int_equal(mkdir("list", 0755), 0);
    file_make("list/a.json", "", 0644);
    file_make("list/9.json", "", 0644);
    file_make("list/10.json", "", 0644);
    file_make("list/policy.schema.json", "", 0644);
    file_make("list/.hidden.json", "", 0644);
    file_make("list/a.json~", "", 0644);
    file_make("list/README", "", 0644);
    assert_int_equal(mkdir("list/directory.json", 0755), 0);
    assert_int_equal(mkfifo("list/fifo.json", 0600), 0);
    assert_int_equal(symlink("a.json", "list/link.json"), 0);
    assert_int_equal(symlink("/dev/null", "list/masked.json"), 0);

    assert_int_equal(directory_list_json("list", &paths, &n, &r), 0);
    assert_int_equal(n, ARRAY_SIZE(expected));
    for (size_t i = 0; i < n; i++)
        assert_string_equal(paths[i], expected[i]);
    assert_null(paths[n]);
}

static void test_list_of_nothing(_unused_ void **state) {
    _cleanup_(freep) char *text = NULL;
    char **paths = NULL;
    struct report r = REPORT_INIT;
    size_t n;

    assert_int_equal(directory_list_json("no-such-directory", &paths, &n, &r), 0);
    assert_int_equal(n, 0);
    assert_null(paths[0]);
    paths_free(paths);

    file_make("file", "", 0644);
    assert_int_equal(directory_list_json("file", &paths, &n, &r), FILE_E_REFUSED);
    text = report_take_text(&r);
    assert_string_equal(text, "file: can't be opened: Not a directory\n");
}

static void test_write_atomic(_unused_ void **state) {
    struct stat st;

    assert_int_equal(mkdir("out", 0755), 0);
    assert_int_equal(file_write_atomic("out/state", "one", 3, 0600), 0);
    assert_read("out/state", "one");
    assert_int_equal(file_write_atomic("out/state", "", 0, 0640), 0);
    assert_read("out/state", "");
    assert_int_equal(stat("out/state", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(file_write_atomic("relative", "x", 1, 0600), 0);
    assert_read("relative", "x");
}

/* A failure leaves the old file and nothing else. */
static void test_write_atomic_fails(_unused_ void **state) {
    assert_int_equal(file_write_atomic("absent/state", "x", 1, 0600), -ENOENT);
    assert_int_equal(mkdir("out2", 0755), 0);
    assert_int_equal(mkdir("out2/state", 0755), 0);
    assert_int_equal(file_write_atomic("out2/state", "x", 1, 0600), -EISDIR);
    assert_int_equal(rmdir("out2/state"), 0);
    assert_int_equal(rmdir("out2"), 0);
}

static void test_create_atomic(_unused_ void **state) {
    char target[8] = "";
    struct stat st;

    assert_int_equal(mkdir("out3", 0755), 0);
    assert_int_equal(file_create_atomic("out3/site", "one", 3, 0644), 0);
    assert_read("out3/site", "one");
    assert_int_equal(stat("out3/site", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(file_create_atomic("out3/site", "two", 3, 0644), -EEXIST);
    assert_read("out3/site", "one");
    assert_int_equal(unlink("out3/site"), 0);
    assert_int_equal(symlink("nowhere", "out3/link"), 0);
    assert_int_equal(file_create_atomic("out3/link", "two", 3, 0644), -EEXIST);
    assert_int_equal(readlink("out3/link", target, sizeof(target)), 7);
    assert_int_equal(file_create_atomic("absent/site", "x", 1, 0644), -ENOENT);
    assert_int_equal(unlink("out3/link"), 0);
    assert_int_equal(rmdir("out3"), 0); /* nothing else is left */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_writable_by_others),
        cmocka_unit_test(test_foreign_owner),
        cmocka_unit_test(test_not_regular),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_size_is_not_what_it_was),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_list_of_nothing),
        cmocka_unit_test(test_write_atomic),
        cmocka_unit_test(test_write_atomic_fails),
        cmocka_unit_test(test_create_atomic),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
