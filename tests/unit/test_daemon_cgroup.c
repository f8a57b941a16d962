/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk on made-up trees of each kind of hierarchy; who logged in, by a slice's name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "daemon/cgroup.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NEVER UINT64_MAX

static char top[] = "/tmp/portd-cgroup-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int scene_open(void **state) {
    (void)state;
    memcpy(top + sizeof(top) - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(top));
    return 0;
}

static int scene_close(void **state) {
    (void)state;
    return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* With the directories above it. `threads`, a line each; NULL: there is no such file. */
static void group(const char *path, const char *threads) {
    char text[1024];
    FILE *f;

    snprintf(text, sizeof(text), "%s%s/", top, path);
    for (char *c = strchr(text + sizeof(top), '/'); c; c = strchr(c + 1, '/')) {
        *c = '\0';
        (void)mkdir(text, 0700);
        *c = '/';
    }
    if (!threads)
        return;
    snprintf(text, sizeof(text), "%s%s/%s", top, path,
             strncmp(path, "/systemd", 8) == 0 ? "tasks" : "cgroup.threads");
    f = fopen(text, "w");
    assert_non_null(f);
    assert_true(fputs(threads, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void assert_in(pid_t pid, const char *want) {
    char path[CGROUP_PATH_MAX] = "";

    assert_int_equal(cgroup_find(top, pid, NEVER, path), want != NULL);
    assert_string_equal(path, want ? want : "");
}

static void test_unified(void **state) {
    (void)state;
    group("", "1\n2\n");
    group("/system.slice", "");
    group("/system.slice/nftables.service", "311\n31\n");
    group("/user.slice/user-1000.slice/session-3.scope", "7\n12\n");
    group("/unified", "99\n"); /* a group that has this name */
    assert_in(1, "/");
    assert_in(31, "/system.slice/nftables.service");
    assert_in(12, "/user.slice/user-1000.slice/session-3.scope");
    assert_in(99, "/unified");
    assert_in(3, NULL);
}

/* The older hierarchies beside it have other groups, and systemd's own is not kept there. */
static void test_hybrid(void **state) {
    (void)state;
    group("/cpu", "5\n");
    group("/systemd/old.service", "5\n");
    group("/systemd", "");
    group("/unified", "1\n");
    group("/unified/system.slice/new.service", "5\n");
    assert_in(5, "/system.slice/new.service");
}

static void test_legacy(void **state) {
    (void)state;
    group("/cpu/docker", "5\n");
    group("/systemd", "1\n");
    group("/systemd/system.slice/cron.service", "5\n");
    assert_in(5, "/system.slice/cron.service");
}

static void test_none(void **state) {
    (void)state;
    assert_in(5, NULL);
    group("/systemd/system.slice/cron.service", "5\n"); /* no hierarchy */
    assert_in(5, NULL);
}

static void test_bounds(void **state) {
    char path[CGROUP_PATH_MAX], name[64];

    (void)state;
    group("", "");
    for (unsigned i = 0; i < CGROUP_DIRECTORIES_MAX + 8; i++) {
        snprintf(name, sizeof(name), "/wide/%u", i);
        group(name, NULL);
    }
    group("/near.service", "5\n");
    assert_in(5, "/near.service"); /* whichever of the two is first in its directory */
    for (unsigned i = 0; i < CGROUP_DIRECTORIES_MAX + 8; i++) {
        snprintf(name, sizeof(name), "/wide/%u/deep", i);
        group(name, "6\n");
    }
    assert_in(6, NULL);
    assert_false(cgroup_find(top, 5, 0, path)); /* no time is left */
}

static void test_long_path(void **state) {
    char path[CGROUP_PATH_MAX], at[PATH_MAX] = "";

    (void)state;
    group("", "");
    for (int i = 0; i < 4; i++) {
        size_t n = strlen(at);

        at[n] = '/';
        memset(at + n + 1, 'a', 110);
        group(at, "");
    }
    group(at, "5\n");
    assert_true(cgroup_find(top, 5, NEVER, path));
    assert_string_equal(path, at);
}

struct wanted {
    uint64_t id;
    const char *path;
    unsigned n; /* groups until then */
};

static bool is_other(uint64_t id, const char *path, void *userdata) {
    struct wanted *w = userdata;

    w->n++;
    if (id == w->id)
        assert_string_equal(path, w->path);
    return id != w->id;
}

/* How many groups are told of until the one at `path` is; it is the last. */
static unsigned told_until(const char *at, const char *path) {
    struct wanted w = { .path = path };
    char text[1024];
    struct stat st;

    snprintf(text, sizeof(text), "%s%s", top, at);
    assert_int_equal(stat(text, &st), 0);
    w.id = st.st_ino;
    cgroup_walk(top, NEVER, is_other, &w);
    return w.n;
}

static void test_ids(void **state) {
    (void)state;
    group("/systemd", "");
    group("/systemd/old.service", "");
    assert_int_equal(told_until("/systemd/old.service", ""), 0); /* no sockets belong to these */
    group("/unified", "");
    group("/unified/system.slice/new.service", NULL);
    assert_int_equal(told_until("/unified", "/"), 1);
    assert_int_equal(told_until("/unified/system.slice/new.service", "/system.slice/new.service"),
                     3);
}

static void test_login(void **state) {
    static const struct {
        const char *path;
        long long uid; /* -1: nobody */
    } cases[] = {
        { "/user.slice/user-1000.slice/session-3.scope", 1000 },
        { "/user.slice/user-0.slice/user@0.service/app.slice/a.scope", 0 },
        { "/user.slice/user-1000.slice", 1000 },
        { "/user.slice/user-4294967294.slice/a.scope", 4294967294 },
        { "/user.slice/user-4294967295.slice/a.scope", -1 }, /* which is: no user */
        { "/user.slice/user-99999999999.slice/a.scope", -1 },
        { "/user.slice/user-1000.slices/a.scope", -1 },
        { "/user.slice/user-1000/a.scope", -1 },
        { "/user.slice/user-.slice/a.scope", -1 },
        { "/user.slice/user-x.slice/a.scope", -1 },
        { "/user.slice/user--5.slice/a.scope", -1 },
        { "/system.slice/box.service/user.slice/user-1000.slice/a.scope",
          -1 }, /* a container's own */
        { "/user.slice", -1 },
        { "/system.slice/nftables.service", -1 },
        { "/", -1 },
        { "", -1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uid_t uid = 7;

        assert_int_equal(cgroup_login_uid(cases[i].path, &uid), cases[i].uid >= 0);
        assert_int_equal(uid, cases[i].uid >= 0 ? cases[i].uid : 7);
    }
}

int main(void) {
#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_unified), SCENE_TEST(test_hybrid),      SCENE_TEST(test_legacy),
        SCENE_TEST(test_none),    SCENE_TEST(test_bounds),      SCENE_TEST(test_long_path),
        SCENE_TEST(test_ids),     cmocka_unit_test(test_login),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
