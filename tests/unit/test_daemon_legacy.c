/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of the older iptables, as a portd hears of them that was root before and as one that a
 * service manager started without: where others' processes are hidden, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/legacy.h"

#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static bool become_service(void) {
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("proc", "/proc", "proc", 0, "hidepid=1,subset=pid") == 0 &&
           setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 &&
           setresuid(65534, 65534, 65534) == 0;
}

/* In a child: 1 when it can't be told what there is, 0 when it can; else something failed. */
static int unknown_to(bool was_root, bool is_service) {
    struct legacy l = LEGACY_INIT;
    struct legacy_names names;
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        if (was_root)
            legacy_open(&l);
        if (is_service && !become_service())
            _exit(2);
        if (!was_root)
            legacy_open(&l);
        legacy_read(&l, &names);
        _exit(names.is_unknown);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool is_there(const char *path) {
    return access(path, F_OK) == 0;
}

/* Without the file there is no such table. */
static void test_who_can_tell(void **state) {
    bool can_be =
        is_there("/proc/self/net/ip_tables_names") || is_there("/proc/self/net/ip6_tables_names");

    (void)state;
    if (getuid() != 0)
        skip();
    assert_int_equal(unknown_to(true, false), 0);
    assert_int_equal(unknown_to(true, true), 0);
    assert_int_equal(unknown_to(false, true), can_be);
}

static void test_tell(void **state) {
    struct legacy_names names = { .texts = { "filter\nnat\n", "\nmangle" }, .is_unknown = true };
    struct foreign f = { .arena = arena_new() };

    (void)state;
    assert_non_null(f.arena);
    assert_int_equal(legacy_tell(&names, &f), 0);
    assert_true(f.legacy_unknown);
    assert_int_equal(f.n_legacy, 3);
    assert_string_equal(f.legacy[0].name, "filter");
    assert_string_equal(f.legacy[1].name, "nat");
    assert_int_equal(f.legacy[1].family, FAMILY_IPV4);
    assert_string_equal(f.legacy[2].name, "mangle");
    assert_int_equal(f.legacy[2].family, FAMILY_IPV6);
    arena_free(f.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_can_tell),
        cmocka_unit_test(test_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
