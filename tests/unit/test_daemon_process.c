/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "daemon/process.h"

#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void test_unit_of_a_cgroup(void **state) {
    static const struct {
        const char *line, *unit;
    } cases[] = {
        { "0::/system.slice/nftables.service\n", "nftables.service" },
        { "0::/system.slice/nftables.service", "nftables.service" },
        { "0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope" },
        { "0::/user.slice/user-0.slice/user@0.service/app.slice/run-u9.scope\n", "run-u9.scope" },
        { "0::/system.slice/system-getty.slice/getty@tty1.service\n", "getty@tty1.service" },
        /* below the unit: a container's own tree, a delegated group */
        { "0::/system.slice/docker.service/supervised\n", "docker.service" },
        { "0::/system.slice/cron.service/a.slice\n", "cron.service" },
        { "0::/system.slice/ssh.socket\n", "ssh.socket" },
        { "0::/system.slice/var-lib.mount\n", "var-lib.mount" },
        { "0::/system.slice/dev-sda2.swap\n", "dev-sda2.swap" },
        { "0::/init.scope\n", "init.scope" },
        { "1:name=systemd:/system.slice/old.service\n0::/system.slice/new.service\n",
          "old.service" },
        { "0::/\n", "" },
        { "0::/user.slice\n", "" },
        { "0::/system.slice/.service\n", "" },
        { "0::/system.slice/service\n", "" },
        { "0::/system.slice/nft.services\n", "" },
        { "", "" },
        { "\n", "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char unit[PROCESS_UNIT_MAX];

        memset(unit, 'x', sizeof(unit));
        process_unit_parse(cases[i].line, unit);
        assert_string_equal(unit, cases[i].unit);
    }
}

/* Of a name that is too long, what fits; nothing is written beyond. */
static void test_long_names(void **state) {
    char line[2048], guarded[PROCESS_UNIT_MAX + 1];

    (void)state;
    for (size_t n = 1; n < sizeof(line) - 32; n += 37) {
        int at = snprintf(line, sizeof(line), "0::/");

        memset(line + at, 'a', n);
        strcpy(line + at + n, ".service/x\n");
        memset(guarded, 'x', sizeof(guarded));
        process_unit_parse(line, guarded);
        assert_int_equal(guarded[PROCESS_UNIT_MAX], 'x');
        assert_non_null(memchr(guarded, '\0', PROCESS_UNIT_MAX));
        if (n < PROCESS_UNIT_MAX - sizeof(".service"))
            assert_int_equal(strlen(guarded), n + strlen(".service"));
    }
}

static void look(pid_t pid, const char *command, struct process *ret) {
    process_look(pid, command, ret);
    process_look_closer(pid, command, ret);
}

static void test_look_at_ourselves(void **state) {
    char name[16]; /* TASK_COMM_LEN, see prctl(2) */
    struct process p;

    (void)state;
    assert_int_equal(prctl(PR_GET_NAME, name), 0);
    look(getpid(), name, &p);
    assert_true(p.has_uid);
    assert_int_equal(p.uid, getuid());
}

static void test_parent_of_a_stat(void **state) {
    static const struct {
        const char *line;
        pid_t parent;
    } cases[] = {
        { "7 (nft) R 5 7 5 0", 5 },
        { "7 (a) S 1) (b) S 4 1", 4 },
        { "7 (a b) R 0 1", 0 },
        { "7 (nft) R -3 1", 0 },
        { "7 (nft) R", 0 },
        { "7 nft R 5", 0 },
        { "", 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(process_parent_parse(cases[i].line), cases[i].parent);
}

static void test_text_that_fits(void **state) {
    char small[8];

    (void)state;
    process_text("1234567", small, sizeof(small));
    assert_string_equal(small, "1234567");
    process_text("12345678", small, sizeof(small));
    assert_string_equal(small, "1234...");
    process_text("123\303\204\303\204\303\204", small, sizeof(small));
    assert_string_equal(small, "123..."); /* no half character */
    process_text("\033[m", small, sizeof(small));
    assert_string_equal(small, "\\x1b[m");
    process_text("\377\377", small, sizeof(small));
    assert_string_equal(small, "\\xff...");
}

/* A child of ours that sleeps: everything of it is there. An exec sets the name a moment before the
 * arguments. */
static void test_look_at_a_child(void **state) {
    char text[64] = "";
    struct process p;
    pid_t pid;
    FILE *f;

    (void)state;
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when an assertion fails */
        execl("/bin/sleep", "sleep", "60", "59", NULL);
        _exit(1);
    }
    do
        look(pid, "sleep", &p);
    while ((!p.has_uid || p.command_line[0] == '\0') && kill(pid, 0) == 0);
    assert_string_equal(p.command_line, "sleep 60 59");
    assert_int_equal(p.uid, getuid());
    assert_int_equal(p.parent_pid, getpid());
    assert_non_null(strstr(p.parent_command_line, "test_daemon_process"));
    assert_true(strncmp(p.parent_command, "test_daemon_process", 15) == 0);
    assert_string_equal(p.parent_unit, p.unit);
    f = fopen("/proc/self/loginuid", "r");
    if (f && fgets(text, sizeof(text), f)) {
        assert_true(p.has_login_uid == (strcmp(text, "4294967295") != 0));
        if (p.has_login_uid)
            assert_int_equal(p.login_uid, strtoul(text, NULL, 10));
    }
    if (f)
        (void)fclose(f);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The process id was given to another meanwhile. */
static void test_look_at_another(void **state) {
    struct process p;

    (void)state;
    look(getpid(), "nft", &p);
    assert_false(p.has_uid);
    assert_string_equal(p.unit, "");
}

static void test_look_at_nobody(void **state) {
    pid_t pid = fork();
    struct process p;

    (void)state;
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    memset(&p, 'x', sizeof(p));
    look(pid, "nft", &p);
    assert_false(p.has_uid);
    assert_string_equal(p.unit, "");
    look(0, "", &p);
    assert_false(p.has_uid);
}

/* Runs in a child, which must not go on as this test when something fails. */
static bool in_child(bool (*run)(int, struct process *), int flags, struct process *ret) {
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(run(flags, ret) ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* As somebody else, to whom /proc shows of the parent that it is there. */
static bool look_as_nobody(int flags, struct process *ret) {
    char path[32];

    (void)flags;
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)getppid());
    if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 || /* root's may look */
        setresuid(65534, 65534, 65534) < 0 || access(path, R_OK) == 0)
        return false;
    process_look(getppid(), "nft", ret);
    return true;
}

static bool hide(int flags, struct process *ret) {
    (void)flags;
    return mount("proc", "/proc", "proc", 0, "hidepid=1") == 0 && in_child(look_as_nobody, 0, ret);
}

static bool enter(int flags, struct process *ret) {
    return unshare(flags) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           in_child(hide, 0, ret);
}

/* A service's /proc: whose a process is shows still, where its id is the kernel's. */
static void test_look_at_hidden(void **state) {
    struct process *p =
        mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char namespace[64] = "";

    (void)state;
    assert_true(p != MAP_FAILED);
    if (getuid() != 0 || readlink("/proc/self/ns/pid", namespace, sizeof(namespace) - 1) < 0) {
        munmap(p, sizeof(*p));
        skip();
    }
    assert_true(in_child(enter, CLONE_NEWNS, p));
    assert_true(p->has_uid == (strcmp(namespace, "pid:[4026531836]") == 0));
    assert_true(p->is_hidden == p->has_uid);
    assert_int_equal(p->uid, 0);
    memset(p, 'x', sizeof(*p));
    assert_true(in_child(enter, CLONE_NEWNS | CLONE_NEWPID, p));
    assert_false(p->has_uid);
    assert_false(p->is_hidden);
    munmap(p, sizeof(*p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unit_of_a_cgroup),  cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_look_at_ourselves), cmocka_unit_test(test_parent_of_a_stat),
        cmocka_unit_test(test_text_that_fits),    cmocka_unit_test(test_look_at_a_child),
        cmocka_unit_test(test_look_at_another),   cmocka_unit_test(test_look_at_nobody),
        cmocka_unit_test(test_look_at_hidden),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
