/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last generations and no more, found again by their numbers, whatever else is in the
 * directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "daemon/generations.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int scene_open(void **state) {
    char *directory = strdup("/tmp/portd-generations-XXXXXX");

    assert_non_null(directory);
    assert_non_null(mkdtemp(directory));
    *state = directory;
    return 0;
}

static int scene_close(void **state) {
    char command[128];

    snprintf(command, sizeof(command), "rm -r '%s'", (char *)*state);
    assert_int_equal(system(command), 0);
    free(*state);
    return 0;
}

static int save(const char *directory, json_int_t number, const char *digest, json_int_t restores) {
    json_t *o = json_pack("{s:I, s:s, s:s, s:I, s:I, s:[{s:s, s:s}]}", "generation", number,
                          "digest", digest, "by", "root", "restores", restores, "since_usec",
                          (json_int_t)1700000000000000, "site", "file", "s", "text", "{}");
    int r = generations_save(directory, o);

    json_decref(o);
    return r;
}

static size_t count(const char *directory) {
    json_t *list = generations_json(directory);
    size_t n = json_array_size(list);

    assert_non_null(list);
    json_decref(list);
    return n;
}

static json_int_t number_at(const char *directory, size_t i) {
    json_t *list = generations_json(directory);
    json_int_t n = json_integer_value(json_object_get(json_array_get(list, i), "generation"));

    json_decref(list);
    return n;
}

static void test_none(void **state) {
    json_t *o;

    assert_int_equal(count(*state), 0);
    assert_int_equal(generations_newest(*state), 0);
    assert_int_equal(generations_before(*state, 5), 0);
    assert_int_equal(generations_load(*state, 5, &o), GENERATIONS_E_ABSENT);
}

/* By number, not as a name sorts. */
static void test_the_last_stay(void **state) {
    for (json_int_t i = 1; i <= 2 * GENERATIONS_MAX; i++)
        assert_int_equal(save(*state, i, "d", 0), 0);
    assert_int_equal(count(*state), GENERATIONS_MAX);
    assert_int_equal(number_at(*state, 0), 2 * GENERATIONS_MAX);
    assert_int_equal(number_at(*state, GENERATIONS_MAX - 1), GENERATIONS_MAX + 1);
    assert_int_equal(generations_newest(*state), 2 * GENERATIONS_MAX);
}

static void test_texts_are_kept_and_not_told(void **state) {
    json_t *o = NULL, *list;

    assert_int_equal(save(*state, 7, "d", 0), 0);
    assert_int_equal(generations_load(*state, 7, &o), 0);
    assert_non_null(json_object_get(o, "site"));
    json_decref(o);
    list = generations_json(*state);
    o = json_array_get(list, 0);
    assert_null(json_object_get(o, "site"));
    assert_null(json_object_get(o, "restores"));
    assert_string_equal(json_string_value(json_object_get(o, "time")), "2023-11-14T22:13:20.000Z");
    json_decref(list);
}

/* A hole of that size. */
static void lay(const char *directory, unsigned number, uint64_t size) {
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/" GENERATIONS_DIR "/%u.json", directory, number);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    close(fd);
}

static bool is_there(const char *directory, unsigned number) {
    char path[128];

    snprintf(path, sizeof(path), "%s/" GENERATIONS_DIR "/%u.json", directory, number);
    return access(path, F_OK) == 0;
}

/* The newest is kept, however large: it may be what somebody wants to go back to. */
static void test_all_of_them_are_bounded(void **state) {
    assert_int_equal(save(*state, 4, "d", 0), 0);
    lay(*state, 3, GENERATIONS_BYTES / 2);
    lay(*state, 2, GENERATIONS_BYTES / 2);
    assert_int_equal(save(*state, 5, "d", 0), 0);
    assert_true(is_there(*state, 5) && is_there(*state, 4) && is_there(*state, 3));
    assert_false(is_there(*state, 2));
    lay(*state, 9, GENERATIONS_BYTES + 1);
    assert_int_equal(save(*state, 6, "d", 0), 0);
    assert_true(is_there(*state, 9));
    assert_false(is_there(*state, 6) || is_there(*state, 5) || is_there(*state, 3));
}

static void test_the_first_record_of_a_ruleset_stays(void **state) {
    json_t *o = NULL;

    assert_int_equal(save(*state, 3, "d", 0), 0);
    assert_int_equal(save(*state, 3, "d", 1), 0);
    assert_int_equal(generations_load(*state, 3, &o), 0);
    assert_int_equal(json_integer_value(json_object_get(o, "restores")), 0);
    json_decref(o);
    assert_int_equal(save(*state, 3, "another", 1), 0); /* the count began anew */
    assert_int_equal(generations_load(*state, 3, &o), 0);
    assert_string_equal(json_string_value(json_object_get(o, "digest")), "another");
    json_decref(o);
}

/* Going back twice goes back two, not to and fro. */
static void test_the_one_before(void **state) {
    assert_int_equal(save(*state, 1, "a", 0), 0);
    assert_int_equal(save(*state, 2, "b", 0), 0);
    assert_int_equal(save(*state, 3, "c", 0), 0);
    assert_int_equal(generations_before(*state, 3), 2);
    assert_int_equal(save(*state, 4, "b", 2), 0);
    assert_int_equal(generations_origin(*state, 4), 2);
    assert_int_equal(generations_before(*state, 4), 1);
    assert_int_equal(generations_before(*state, 1), 0);
}

static void test_strangers_and_damage(void **state) {
    static const char *const names[] = { "0.json", "x.json", "3.json.Ab12Cd", "99.txt", "-4.json" };
    char path[128];
    json_t *o;
    FILE *f;

    assert_int_equal(save(*state, 3, "d", 0), 0);
    assert_int_equal(save(*state, 4, "e", 0), 0);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof(path), "%s/" GENERATIONS_DIR "/%s", (char *)*state, names[i]);
        f = fopen(path, "w");
        assert_non_null(f);
        fclose(f);
    }
    assert_int_equal(count(*state), 2);
    snprintf(path, sizeof(path), "%s/" GENERATIONS_DIR "/4.json", (char *)*state);
    f = fopen(path, "r+");
    assert_non_null(f);
    fseek(f, 40, SEEK_SET);
    fputc('!', f);
    fclose(f);
    assert_int_equal(generations_load(*state, 4, &o), GENERATIONS_E_INVALID);
    assert_int_equal(count(*state), 1);
    assert_int_equal(number_at(*state, 0), 3);
}

int main(void) {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        SCENE(test_none),
        SCENE(test_the_last_stay),
        SCENE(test_texts_are_kept_and_not_told),
        SCENE(test_all_of_them_are_bounded),
        SCENE(test_the_first_record_of_a_ruleset_stays),
        SCENE(test_the_one_before),
        SCENE(test_strangers_and_damage),
    };

    umask(022);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
