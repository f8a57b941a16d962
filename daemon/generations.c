/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing of it is kept in memory: it is asked for when somebody wants to go back, which is rare.
 */
#include "daemon/generations.h"

#include "base/macros.h"
#include "daemon/clock.h"
#include "daemon/record.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is told of a generation as it is kept. */
static const char *const told[] = { "generation", "digest", "by",     "reason",
                                    "ingress",    "egress", "opened", "closed" };

struct numbers {
    uint64_t *items; /* the newest first */
    size_t n;
};

static char *generation_path(const char *state_dir, uint64_t number) {
    char *path = NULL;

    return asprintf(&path, "%s/" GENERATIONS_DIR "/%" PRIu64 ".json", state_dir, number) < 0 ? NULL
                                                                                             : path;
}

/* Temporary files and strangers are none. */
static bool number_parse(const char *name, uint64_t *ret) {
    char *end;

    if (*name < '1' || *name > '9')
        return false;
    errno = 0;
    *ret = strtoull(name, &end, 10);
    return errno == 0 && strcmp(end, ".json") == 0;
}

static int number_compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? 1 : x > y ? -1 : 0;
}

static int numbers_add(struct numbers *to, uint64_t number) {
    uint64_t *items = reallocarray(to->items, to->n + 1, sizeof(*items));

    if (!items)
        return -ENOMEM;
    to->items = items;
    items[to->n++] = number;
    return 0;
}

/* An absent directory has none. */
static int numbers_read(const char *state_dir, struct numbers *ret) {
    _cleanup_(freep) char *path = record_path(state_dir, GENERATIONS_DIR);
    const struct dirent *entry;
    uint64_t number;
    DIR *directory;
    int r = 0;

    if (!path)
        return -ENOMEM;
    directory = opendir(path);
    if (!directory)
        return errno == ENOENT ? 0 : -errno;
    while (r == 0 && (entry = readdir(directory)))
        if (number_parse(entry->d_name, &number))
            r = numbers_add(ret, number);
    closedir(directory);
    if (ret->n)
        qsort(ret->items, ret->n, sizeof(*ret->items), number_compare);
    return r;
}

/* --- keeping --- */

static uint64_t generation_size(const char *path) {
    struct stat st;

    return stat(path, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

/* The newest stays, however large it is. */
static int prune(const char *state_dir) {
    struct numbers numbers = { 0 };
    int r = numbers_read(state_dir, &numbers);
    uint64_t bytes = 0;

    for (size_t i = 0; r == 0 && i < numbers.n; i++) {
        _cleanup_(freep) char *path = generation_path(state_dir, numbers.items[i]);

        if (!path) {
            r = -ENOMEM;
            break;
        }
        bytes += generation_size(path);
        if (i > 0 && (i >= GENERATIONS_MAX || bytes > GENERATIONS_BYTES) && unlink(path) < 0)
            r = -errno;
    }
    free(numbers.items);
    return r;
}

static int directory_make(const char *state_dir) {
    _cleanup_(freep) char *path = record_path(state_dir, GENERATIONS_DIR);

    if (!path)
        return -ENOMEM;
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static uint64_t member_number(const json_t *o, const char *key) {
    return (uint64_t)json_integer_value(json_object_get(o, key));
}

/* A count that began anew, after the state was lost, may give a number twice. */
static bool is_recorded(const char *state_dir, const json_t *generation) {
    json_t *there = NULL;
    bool is_same =
        generations_load(state_dir, member_number(generation, "generation"), &there) == 0 &&
        json_equal(json_object_get(there, "digest"), json_object_get(generation, "digest"));

    json_decref(there);
    return is_same;
}

int generations_save(const char *state_dir, const json_t *generation) {
    _cleanup_(freep) char *path =
        generation_path(state_dir, member_number(generation, "generation"));
    int r;

    if (!path)
        return -ENOMEM;
    if (is_recorded(state_dir, generation))
        return 0;
    r = directory_make(state_dir);
    if (r == 0)
        r = record_save(path, generation);
    return r == 0 ? prune(state_dir) : r;
}

/* --- finding them again --- */

int generations_load(const char *state_dir, uint64_t number, json_t **ret) {
    _cleanup_(freep) char *path = generation_path(state_dir, number);
    _cleanup_(report_clear) struct report ignored = REPORT_INIT;

    static_assert(GENERATIONS_E_ABSENT == (int)RECORD_E_ABSENT &&
                      GENERATIONS_E_INVALID == (int)RECORD_E_INVALID,
                  "a generation is read as the record that it is");
    return path ? record_load(path, ret, &ignored) : -ENOMEM;
}

/* Generation of io.portd. */
static json_t *generation_json(const json_t *record) {
    json_int_t restores = json_integer_value(json_object_get(record, "restores"));
    char time[CLOCK_TEXT_SIZE];
    json_t *o = json_object();
    int r = o ? 0 : -1;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(told); i++)
        if (json_object_get(record, told[i]))
            r = json_object_set(o, told[i], json_object_get(record, told[i]));
    if (r == 0)
        r = json_object_set_new(
            o, "time", json_string(clock_format(member_number(record, "since_usec"), time)));
    if (r == 0 && restores)
        r = json_object_set_new(o, "restores", json_integer(restores));
    if (r == 0)
        return o;
    json_decref(o);
    return NULL;
}

json_t *generations_json(const char *state_dir) {
    struct numbers numbers = { 0 };
    json_t *list = numbers_read(state_dir, &numbers) == 0 ? json_array() : NULL;

    for (size_t i = 0; list && i < numbers.n; i++) {
        json_t *one = NULL;

        if (generations_load(state_dir, numbers.items[i], &one) != 0)
            continue;
        json_array_append_new(list, generation_json(one));
        json_decref(one);
    }
    free(numbers.items);
    return list;
}

uint64_t generations_newest(const char *state_dir) {
    struct numbers numbers = { 0 };
    uint64_t newest = numbers_read(state_dir, &numbers) == 0 && numbers.n ? numbers.items[0] : 0;

    free(numbers.items);
    return newest;
}

uint64_t generations_origin(const char *state_dir, uint64_t number) {
    json_t *there = NULL;
    uint64_t restored = 0;

    if (generations_load(state_dir, number, &there) == 0)
        restored = member_number(there, "restores");
    json_decref(there);
    return restored ? restored : number;
}

uint64_t generations_before(const char *state_dir, uint64_t number) {
    struct numbers numbers = { 0 };
    uint64_t below = generations_origin(state_dir, number), found = 0;

    if (numbers_read(state_dir, &numbers) == 0)
        for (size_t i = 0; i < numbers.n && !found; i++)
            found = numbers.items[i] < below ? numbers.items[i] : 0;
    free(numbers.items);
    return found;
}
