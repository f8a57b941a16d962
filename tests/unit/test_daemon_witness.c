/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A witness that is held up holds nobody else up. What /proc says is made up here, so that it can
 * be held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/clock.h"
#include "daemon/witness.h"

#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#define HELD_PID 13 /* its command line is there when `go` is posted */

static sem_t go, gone;

void process_look(pid_t pid, const char *command, struct process *ret) {
    *ret = (struct process){ .has_uid = true, .uid = (uid_t)pid };
    snprintf(ret->unit, sizeof(ret->unit), "%s.service", command);
}

void process_look_closer(pid_t pid, const char *command, struct process *p) {
    if (pid == HELD_PID) {
        assert_int_equal(sem_wait(&go), 0);
        assert_int_equal(sem_post(&gone), 0);
    }
    snprintf(p->command_line, sizeof(p->command_line), "%s %d", command, (int)pid);
}

static int scene_open(void **state) {
    struct witness *w;

    assert_int_equal(sem_init(&go, 0, 0), 0);
    assert_int_equal(sem_init(&gone, 0, 0), 0);
    assert_int_equal(witness_new(&w), 0);
    *state = w;
    return 0;
}

static int scene_close(void **state) {
    witness_free(*state);
    return 0;
}

static void assert_seen(struct witness *w, pid_t pid, const char *line) {
    struct process p;

    while (!witness_answer(w, pid, &p)) /* on a busy machine the wait may not be enough */
        witness_call(w, pid, "nft");
    assert_int_equal(p.uid, pid);
    assert_string_equal(p.unit, "nft.service");
    if (line)
        assert_string_equal(p.command_line, line);
}

static void test_what_it_saw(void **state) {
    struct process p;

    witness_call(*state, 7, "nft");
    assert_seen(*state, 7, NULL);
    assert_false(witness_answer(*state, 8, &p)); /* it was called for another */
    witness_call(*state, 8, "nft");
    assert_seen(*state, 8, NULL);
    assert_false(witness_answer(*state, 7, &p)); /* and again: not of long ago */
}

static void test_nobody_called_it(void **state) {
    struct process p;

    assert_false(witness_answer(*state, 7, &p));
}

static void test_held_up(void **state) {
    uint64_t start = clock_monotonic();
    struct process p;

    witness_call(*state, HELD_PID, "nft");
    assert_seen(*state, HELD_PID, ""); /* what is there by then */
    witness_call(*state, 8, "nft");
    assert_false(witness_answer(*state, 8, &p));
    assert_true(clock_monotonic() - start < 5000000);
    assert_int_equal(sem_post(&go), 0);
    assert_int_equal(sem_wait(&gone), 0);
    assert_seen(*state, 8, NULL); /* it is back */
}

/* It frees itself once it is let go: the sanitizer sees to it. */
static void test_left_behind(void **state) {
    struct witness *w;

    (void)state;
    assert_int_equal(witness_new(&w), 0);
    witness_call(w, HELD_PID, "nft");
    assert_seen(w, HELD_PID, "");
    witness_free(w); /* doesn't hang */
    assert_int_equal(sem_post(&go), 0);
    assert_int_equal(sem_wait(&gone), 0);
}

int main(void) {
#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_what_it_saw),
        SCENE_TEST(test_nobody_called_it),
        SCENE_TEST(test_held_up),
        SCENE_TEST(test_left_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
