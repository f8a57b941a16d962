/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The history over restarts: it goes on, a torn line is mended, an edited one found, told and kept
 * aside; no disk, however full, loses what is in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/history.h"
#include "daemon/history_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char directory[32];

static const char *path_of(const char *suffix) {
    static char path[96];

    snprintf(path, sizeof(path), "%s/" HISTORY_FILE "%s", directory, suffix);
    return path;
}

static int scene_open(void **state) {
    (void)state;
    strcpy(directory, "/tmp/portd-history-XXXXXX");
    assert_non_null(mkdtemp(directory));
    return 0;
}

static int scene_close(void **state) {
    (void)state;
    unlink(path_of(""));
    unlink(path_of(".end"));
    unlink(path_of(".damaged"));
    assert_int_equal(rmdir(directory), 0); /* nothing else was left behind */
    return 0;
}

static struct history *open_history(void) {
    struct history *h;

    assert_int_equal(history_open(directory, &h), 0);
    return h;
}

static uint64_t add(struct history *h, const char *change) {
    json_t *record = json_pack("{s:s, s:[s], s:i, s:s}", "time", "2025-01-31T14:02:11.042Z",
                               "changes", change, "pid", 7, "command", "nft");
    struct chain_link at;

    assert_int_equal(history_add(h, record, &at), 0);
    json_decref(record);
    return at.number;
}

/* A history of its own life: opened, `n` added, closed. */
static void run_and_add(unsigned n) {
    struct history *h = open_history();

    for (unsigned i = 0; i < n; i++)
        add(h, "a");
    history_free(h);
}

static size_t lines_of(struct history *h, uint64_t *ret_first, uint64_t *ret_last) {
    json_t *list = history_json(h);
    size_t n = json_array_size(list);

    *ret_first =
        n ? (uint64_t)json_integer_value(json_object_get(json_array_get(list, 0), "number")) : 0;
    *ret_last =
        n ? (uint64_t)json_integer_value(json_object_get(json_array_get(list, n - 1), "number"))
          : 0;
    json_decref(list);
    return n;
}

static void assert_lines(struct history *h, uint64_t first, uint64_t last) {
    uint64_t is_first, is_last;
    size_t n = lines_of(h, &is_first, &is_last);

    assert_int_equal(n, last ? last - first + 1 : 0);
    assert_int_equal(is_first, first);
    assert_int_equal(is_last, last);
}

static bool has_damage(struct history *h) {
    char *text = history_damage(h);

    free(text);
    return text;
}

static bool has_error(struct history *h) {
    char *text = history_error(h);

    free(text);
    return text;
}

static bool verifies(struct history *h) {
    json_t *answer = history_verify_json(h);
    bool is_intact = json_is_true(json_object_get(answer, "intact"));

    assert_non_null(answer);
    assert_true(is_intact == !json_object_get(answer, "reason"));
    json_decref(answer);
    return is_intact;
}

static off_t size_of(const char *path) {
    struct stat st;

    return stat(path, &st) < 0 ? -1 : st.st_size;
}

/* --- */

static void test_it_goes_on(void **state) {
    struct history *h = open_history();
    struct stat st;

    (void)state;
    assert_lines(h, 0, 0);
    assert_true(verifies(h));
    assert_int_equal(add(h, "one"), 1);
    assert_int_equal(add(h, "two"), 2);
    history_free(h);
    assert_int_equal(stat(path_of(""), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(path_of(".end"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);

    h = open_history();
    assert_lines(h, 1, 2);
    assert_true(verifies(h));
    assert_int_equal(add(h, "three"), 3);
    history_free(h);

    h = open_history();
    assert_lines(h, 1, 3);
    assert_true(verifies(h));
    assert_false(has_damage(h));
    assert_false(has_error(h));
    history_free(h);
}

static void test_nothing_happened(void **state) {
    (void)state;
    history_free(open_history());
    assert_int_equal(size_of(path_of("")), -1);
    assert_int_equal(size_of(path_of(".end")), -1);
}

static size_t end_get(char *text, size_t size) {
    FILE *f = fopen(path_of(".end"), "r");
    size_t n;

    assert_non_null(f);
    n = fread(text, 1, size, f);
    (void)fclose(f);
    return n;
}

static void end_put(const char *text, size_t n) {
    FILE *f = fopen(path_of(".end"), "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Each end that a write in the middle of the last line can leave: the other file is yet as it was.
 */
static void test_a_torn_line_is_mended(void **state) {
    struct history *h;
    char end[128];
    off_t two;
    size_t n;

    (void)state;
    run_and_add(2);
    two = size_of(path_of(""));
    n = end_get(end, sizeof(end));
    for (off_t cut = 1; cut < two / 2; cut += 7) {
        run_and_add(1);
        assert_int_equal(truncate(path_of(""), size_of(path_of("")) - cut), 0);
        end_put(end, n);
        h = open_history();
        assert_lines(h, 1, 2);
        assert_false(has_damage(h));
        assert_true(verifies(h));
        assert_int_equal(size_of(path_of("")), two);
        history_free(h);
    }
}

static void assert_begun_anew(uint64_t after, bool is_kept) {
    struct history *h = open_history();

    assert_lines(h, 0, 0);
    assert_true(has_damage(h));
    assert_true(verifies(h));
    assert_int_equal(add(h, "new"), after + 1);
    history_free(h);
    h = open_history();
    assert_lines(h, after + 1, after + 1);
    assert_true(verifies(h));
    assert_true(has_damage(h) == is_kept); /* until somebody looked into it */
    assert_true((size_of(path_of(".damaged")) > 0) == is_kept);
    history_free(h);
}

static void flip(const char *path, off_t at) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    char byte;

    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte = (char)(byte ^ 1);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void test_an_edit_at_rest(void **state) {
    (void)state;
    run_and_add(3);
    flip(path_of(""), size_of(path_of("")) / 2);
    assert_begun_anew(3, true);
}

static void test_cut_at_rest(void **state) {
    (void)state;
    run_and_add(3);
    assert_int_equal(truncate(path_of(""), size_of(path_of("")) / 3), 0);
    assert_begun_anew(3, true);
}

static void test_removed_at_rest(void **state) {
    (void)state;
    run_and_add(3);
    assert_int_equal(unlink(path_of("")), 0);
    assert_begun_anew(3, false);
}

static void test_the_end_removed_at_rest(void **state) {
    (void)state;
    run_and_add(3);
    assert_int_equal(unlink(path_of(".end")), 0);
    assert_begun_anew(3, true);
}

static void test_the_end_edited_at_rest(void **state) {
    (void)state;
    run_and_add(3);
    flip(path_of(".end"), 30);
    assert_begun_anew(3, true);
}

static void test_others_could_write_it(void **state) {
    (void)state;
    run_and_add(3);
    assert_int_equal(chmod(path_of(""), 0666), 0);
    assert_begun_anew(3, true);
}

/* The digests are right, the line is no drift. */
static void test_a_foreign_record(void **state) {
    struct history *h = open_history();
    json_t *record = json_pack("{s:s, s:[i]}", "time", "now", "changes", 1);
    struct chain_link at;

    (void)state;
    assert_int_equal(history_add(h, record, &at), 0);
    json_decref(record);
    history_free(h);
    assert_begun_anew(1, true);
}

static void edit_in_place(void) {
    flip(path_of(""), 200);
}

static void cut_the_newest(void) {
    FILE *f = fopen(path_of(""), "r+");
    char line[512];

    assert_non_null(fgets(line, sizeof(line), f));
    assert_int_equal(ftruncate(fileno(f), ftell(f)), 0);
    (void)fclose(f);
}

/* The older state of both files: only memory knows better. */
static void set_back(void) {
    cut_the_newest();
    {
        FILE *f = fopen(path_of(""), "r"), *end = fopen(path_of(".end"), "w");
        char line[512], *chain;

        assert_non_null(fgets(line, sizeof(line), f));
        chain = strstr(line, "\"chain\"");
        assert_non_null(chain);
        fprintf(end, "{\"number\":1,%s", chain);
        (void)fclose(f);
        (void)fclose(end);
    }
}

static void remove_both(void) {
    unlink(path_of(""));
    unlink(path_of(".end"));
}

/* What is done while portd runs is found when it is asked, and put right with the next drift. */
static void test_changed_while_it_runs(void **state) {
    static void (*const deeds[])(void) = { edit_in_place, cut_the_newest, set_back, remove_both };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(deeds); i++) {
        struct history *h;

        run_and_add(2);
        h = open_history();
        assert_true(verifies(h));
        deeds[i]();
        if (verifies(h))
            fail_msg("deed %zu is not seen", i);
        assert_int_equal(add(h, "next"), 3);
        history_free(h);
        h = open_history();
        assert_lines(h, 1, 3);
        assert_true(verifies(h));
        assert_true(has_damage(h) == (deeds[i] != remove_both)); /* nothing to keep aside */
        history_free(h);
        unlink(path_of(""));
        unlink(path_of(".end"));
        unlink(path_of(".damaged"));
    }
}

static size_t count_lines(void) {
    FILE *f = fopen(path_of(""), "r");
    size_t n = 0;
    int c;

    while ((c = fgetc(f)) != EOF)
        n += c == '\n';
    (void)fclose(f);
    return n;
}

static void test_trimmed(void **state) {
    struct history *h;

    (void)state;
    for (unsigned n = 100; n <= HISTORY_KEPT + 2 * HISTORY_EXCESS; n += 100) {
        run_and_add(100);
        assert_true(count_lines() <= HISTORY_KEPT + HISTORY_EXCESS);
        assert_true(count_lines() >= (n < HISTORY_KEPT ? n : HISTORY_KEPT));
    }
    h = open_history();
    assert_lines(h, 2 * HISTORY_EXCESS + 1, HISTORY_KEPT + 2 * HISTORY_EXCESS);
    assert_true(verifies(h));
    assert_false(has_damage(h));
    history_free(h);
}

/* In a mount namespace of its own; the directory is then a small disk. */
static void in_child(void (*run)(void)) {
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (unshare(CLONE_NEWNS) < 0)
            _exit(77);
        assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        assert_int_equal(mount("tmpfs", directory, "tmpfs", 0, "size=16k,nr_inodes=8"), 0);
        run();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip(); /* not root, or not allowed to */
    assert_int_equal(status, 0);
}

static void wait_until(struct history *h, bool wants_error) {
    while (has_error(h) != wants_error)
        sched_yield();
}

/* What didn't fit is written once there is room. */
static void full_disk(void) {
    struct history *h = open_history();
    int fd;

    add(h, "one");
    while (size_of(path_of(".end")) < 0)
        sched_yield();
    fd = open(path_of(".filler"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, "0123456789abcdef", 16) == 16)
        ;
    close(fd);
    for (unsigned i = 0; i < 100; i++)
        add(h, "a change that takes some room");
    wait_until(h, true);
    assert_lines(h, 1, 101);
    unlink(path_of(".filler"));
    assert_int_equal(mount(NULL, directory, NULL, MS_REMOUNT, "size=1m"), 0);
    assert_int_equal(add(h, "last"), 102);
    wait_until(h, false);
    history_free(h);
    h = open_history();
    assert_lines(h, 1, 102);
    assert_true(verifies(h));
    assert_false(has_damage(h));
    history_free(h);
}

static void test_full_disk(void **state) {
    (void)state;
    in_child(full_disk);
}

/* The lines fit, the other file doesn't: they are not written twice. */
static void no_inodes(void) {
    struct history *h;
    unsigned n = 0;
    char path[64];

    run_and_add(2);
    do
        snprintf(path, sizeof(path), "%s/%u", directory, n++);
    while (mknod(path, S_IFREG | 0600, 0) == 0);
    h = open_history();
    add(h, "three");
    wait_until(h, true);
    add(h, "four");
    while (count_lines() < 4)
        sched_yield();
    while (n-- > 0) {
        snprintf(path, sizeof(path), "%s/%u", directory, n);
        unlink(path);
    }
    history_free(h);
    h = open_history();
    assert_lines(h, 1, 4);
    assert_true(verifies(h));
    assert_false(has_damage(h));
    assert_int_equal(count_lines(), 4);
    history_free(h);
}

static void test_no_inodes(void **state) {
    (void)state;
    in_child(no_inodes);
}

static void read_only_disk(void) {
    struct history *h;

    run_and_add(2);
    assert_int_equal(mount(NULL, directory, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    h = open_history();
    assert_lines(h, 1, 2);
    assert_int_equal(add(h, "three"), 3);
    wait_until(h, true);
    assert_lines(h, 1, 3);
    history_free(h); /* and doesn't hang */
    assert_int_equal(mount(NULL, directory, NULL, MS_REMOUNT, NULL), 0);
    h = open_history();
    assert_lines(h, 1, 2);
    assert_true(verifies(h));
    history_free(h);
}

static void test_read_only_disk(void **state) {
    (void)state;
    in_child(read_only_disk);
}

static void test_no_directory(void **state) {
    struct history *h;

    (void)state;
    assert_int_equal(history_open("/nonexistent", &h), 0);
    assert_int_equal(add(h, "one"), 1);
    wait_until(h, true);
    assert_lines(h, 1, 1);
    history_free(h);
}

int main(void) {
#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_it_goes_on),
        SCENE_TEST(test_nothing_happened),
        SCENE_TEST(test_a_torn_line_is_mended),
        SCENE_TEST(test_an_edit_at_rest),
        SCENE_TEST(test_cut_at_rest),
        SCENE_TEST(test_removed_at_rest),
        SCENE_TEST(test_the_end_removed_at_rest),
        SCENE_TEST(test_the_end_edited_at_rest),
        SCENE_TEST(test_others_could_write_it),
        SCENE_TEST(test_a_foreign_record),
        SCENE_TEST(test_changed_while_it_runs),
        SCENE_TEST(test_trimmed),
        SCENE_TEST(test_full_disk),
        SCENE_TEST(test_no_inodes),
        SCENE_TEST(test_read_only_disk),
        SCENE_TEST(test_no_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
