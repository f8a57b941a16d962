/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was accepted comes back as it was, and nothing else comes back: not a byte of it changed,
 * not half of it, not one that a full disk left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "daemon/snapshot.h"

#include "loading.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char policy[] =
    "{'format':1,'product':'p','title':'P \303\204','source':'s','roles':{'R':{'title':'r'}},"
    "'peers':{},'features':{},'ports':{},'flows':[{'id':'f','from':['any'],'to':['R'],"
    "'services':['tcp/80'],'title':'F','ref':'r'}]}";
static const char site[] =
    "{'format':1,'site':'t','hosts':{'a':{'roles':['p/R'],'addresses':['10.0.0.1']}}}";

struct scene {
    char directory[32];
    char *policy, *site;
    struct source sources[2];
    struct files files;
    struct snapshot snapshot;
};

static int scene_open(void **state) {
    struct scene *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    strcpy(s->directory, "/tmp/portd-snapshot-XXXXXX");
    assert_non_null(mkdtemp(s->directory));
    s->policy = json_text(policy);
    s->site = json_text(site);
    s->sources[0] = (struct source){ "/etc/portd/policy/p.json", s->policy, strlen(s->policy) };
    s->sources[1] = (struct source){ "/etc/portd/site.json", s->site, strlen(s->site) };
    s->files.policies = (struct file_list){ .sources = &s->sources[0], .n = 1 };
    s->files.site = (struct file_list){ .sources = &s->sources[1], .n = 1 };
    s->snapshot.generation = 118;
    s->snapshot.since_usec = 1700000000123456;
    memset(s->snapshot.digest, 'd', sizeof(s->snapshot.digest) - 1);
    *state = s;
    return 0;
}

static const char *snapshot_file(const struct scene *s) {
    static char path[64];

    snprintf(path, sizeof(path), "%s/%s", s->directory, SNAPSHOT_NAME);
    return path;
}

static int scene_close(void **state) {
    struct scene *s = *state;

    unlink(snapshot_file(s));
    assert_int_equal(rmdir(s->directory), 0); /* nothing else was left behind */
    free(s->policy);
    free(s->site);
    free(s);
    return 0;
}

static void save(const struct scene *s) {
    assert_int_equal(snapshot_save(s->directory, &s->files, &s->snapshot), 0);
}

static void test_what_was_saved_comes_back(void **state) {
    struct scene *s = *state;
    struct report report = REPORT_INIT;
    struct snapshot back = { 0 };
    const struct intent_flow *f;
    struct stat st;

    save(s);
    assert_int_equal(stat(snapshot_file(s), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(snapshot_load(s->directory, "a", true, &back, &report), 0);
    assert_true(report_is_empty(&report));
    assert_int_equal(back.generation, 118);
    assert_int_equal(back.since_usec, 1700000000123456);
    assert_string_equal(back.digest, s->snapshot.digest);
    assert_non_null(back.enforced);
    assert_string_equal(back.enforced->intent->self.name, "a");
    f = intent_flow_find(back.enforced->intent, "p/f");
    assert_non_null(f);
    assert_string_equal(f->file, "/etc/portd/policy/p.json");
    enforced_free(back.enforced);
}

static void test_only_the_generation(void **state) {
    struct scene *s = *state;
    struct report report = REPORT_INIT;
    struct snapshot back = { 0 };

    save(s);
    s->snapshot.generation = UINT32_MAX + (uint64_t)5;
    save(s);
    assert_int_equal(snapshot_load(s->directory, "stranger", false, &back, &report), 0);
    assert_int_equal(back.generation, UINT32_MAX + (uint64_t)5);
    assert_null(back.enforced);
}

static void test_absent(void **state) {
    struct scene *s = *state;
    struct report report = REPORT_INIT;
    struct snapshot back;

    assert_int_equal(snapshot_load(s->directory, "a", true, &back, &report), SNAPSHOT_E_ABSENT);
    assert_int_equal(snapshot_load("/nonexistent", "a", true, &back, &report), SNAPSHOT_E_ABSENT);
    report_clear(&report);
}

/* The name of the machine was changed since: what was accepted was accepted for host a. */
static void test_another_name_is_the_same_host(void **state) {
    struct scene *s = *state;
    struct report report = REPORT_INIT;
    struct snapshot back = { 0 };

    s->snapshot.host = "a";
    save(s);
    assert_int_equal(snapshot_load(s->directory, "renamed", true, &back, &report), 0);
    assert_true(report_is_empty(&report));
    assert_string_equal(back.enforced->intent->self.name, "a");
    enforced_free(back.enforced);
}

static void assert_invalid(const struct scene *s, const char *host) {
    struct report report = REPORT_INIT;
    struct snapshot back;

    assert_int_equal(snapshot_load(s->directory, host, true, &back, &report), SNAPSHOT_E_INVALID);
    assert_false(report_is_empty(&report));
    report_clear(&report);
}

static void test_no_longer_understood(void **state) {
    struct scene *s = *state;

    save(s);
    assert_invalid(s, "stranger");
    s->files.site.n = 0;
    save(s);
    assert_invalid(s, "a");
    s->files.site.n = 1;
    s->sources[1].size--;
    save(s);
    assert_invalid(s, "a");
}

static int file_open(const struct scene *s) {
    int fd = open(snapshot_file(s), O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static bool loads(const struct scene *s, struct snapshot *ret) {
    struct report report = REPORT_INIT;
    int r = snapshot_load(s->directory, "a", true, ret, &report);

    assert_true(r == 0 || r == SNAPSHOT_E_INVALID);
    assert_int_equal(r == 0, report_is_empty(&report));
    report_clear(&report);
    return r == 0;
}

/* Every bit of every byte. A space that becomes a newline outside the content would be no
 * change, but the file has no space there. */
static void test_any_flipped_bit_is_found(void **state) {
    struct scene *s = *state;
    struct snapshot back;
    struct stat st;
    int fd;

    save(s);
    fd = file_open(s);
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t at = 0; at < st.st_size; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            uint8_t byte, flipped;

            assert_int_equal(pread(fd, &byte, 1, at), 1);
            flipped = (uint8_t)(byte ^ (1U << bit));
            assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
            if (loads(s, &back))
                fail_msg("byte %ld: 0x%02x passed for 0x%02x", (long)at, flipped, byte);
            assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        }
    assert_true(loads(s, &back));
    enforced_free(back.enforced);
    close(fd);
}

static void test_any_truncation_is_found(void **state) {
    struct scene *s = *state;
    struct snapshot back;
    struct stat st;
    int fd;

    save(s);
    fd = file_open(s);
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t size = st.st_size - 1; size >= 0; size--) {
        assert_int_equal(ftruncate(fd, size), 0);
        if (loads(s, &back))
            fail_msg("%ld of %ld bytes passed for all", (long)size, (long)st.st_size);
    }
    close(fd);
}

/* The digest is right, the content isn't one of ours. */
static void test_foreign_content(void **state) {
    /* sha256sum of {} */
    static const char text[] =
        "{'format':1,'sha256':'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',"
        "'content':'{}'}";
    struct scene *s = *state;
    char *json = json_text(text);

    assert_int_equal(file_write_atomic(snapshot_file(s), json, strlen(json), 0600), 0);
    assert_invalid(s, "a");
    free(json);
}

static void test_absent_directory(void **state) {
    struct scene *s = *state;

    assert_int_equal(snapshot_save("/nonexistent", &s->files, &s->snapshot), -ENOENT);
}

static size_t files_in(const char *directory) {
    DIR *d = opendir(directory);
    size_t n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

/* The old one survives a disk that is full, and nothing else is left there. Runs in a child, with
 * a mount namespace of its own. */
static void full_disk(const struct scene *s) {
    struct snapshot back;
    size_t size = 64 << 10;
    char *large;

    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    assert_int_equal(mount("tmpfs", s->directory, "tmpfs", 0, "size=32k,nr_inodes=8"), 0);
    save(s);
    large = malloc(size);
    assert_non_null(large);
    memset(large, ' ', size);
    {
        struct source source = { "large.json", large, size };
        struct files files = s->files;

        files.policies = (struct file_list){ .sources = &source, .n = 1 };
        assert_int_equal(snapshot_save(s->directory, &files, &s->snapshot), -ENOSPC);
    }
    free(large);
    assert_int_equal(files_in(s->directory), 1);
    assert_true(loads(s, &back));
    enforced_free(back.enforced);
    assert_int_equal(mount(NULL, s->directory, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    assert_int_equal(snapshot_save(s->directory, &s->files, &s->snapshot), -EROFS);
    assert_true(loads(s, &back));
    enforced_free(back.enforced);
}

static void test_full_and_read_only_disk(void **state) {
    const struct scene *s = *state;
    int status;
    pid_t pid;

    pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNS) < 0)
            _exit(77);
        full_disk(s);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip(); /* not root, or not allowed to */
    assert_int_equal(status, 0);
}

int main(void) {
#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_what_was_saved_comes_back), SCENE_TEST(test_another_name_is_the_same_host),
        SCENE_TEST(test_only_the_generation),       SCENE_TEST(test_absent),
        SCENE_TEST(test_no_longer_understood),      SCENE_TEST(test_any_flipped_bit_is_found),
        SCENE_TEST(test_any_truncation_is_found),   SCENE_TEST(test_foreign_content),
        SCENE_TEST(test_absent_directory),          SCENE_TEST(test_full_and_read_only_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
