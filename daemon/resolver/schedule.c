/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each search walks all entries: sites name a handful, and the 10,000 at most take some ten
 * microseconds, which is nothing beside asking for one of them. */
#include "schedule.h"

#include "retry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void entry_free(struct entry *e) {
    if (!e)
        return;
    outcome_clear(&e->newest);
    free(e->name);
    free(e);
}

static struct entry *entry_new(const char *name, uint64_t now_usec) {
    struct entry *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    *e = (struct entry){ .name = strdup(name), .due_usec = now_usec };
    if (e->name)
        return e;
    entry_free(e);
    return NULL;
}

void schedule_clear(struct schedule *s) {
    for (size_t i = 0; i < s->n; i++)
        entry_free(s->entries[i]);
    free(s->entries);
    *s = (struct schedule){ 0 };
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted copies of the pointers, each text once; NULL without memory. */
static const char **sorted(const char *const *names, size_t *n) {
    const char **copy = calloc(*n + 1, sizeof(*copy));
    size_t kept = 0;

    if (!copy)
        return NULL;
    if (*n > 0)
        memcpy(copy, names, *n * sizeof(*copy));
    qsort(copy, *n, sizeof(*copy), by_text);
    for (size_t i = 0; i < *n; i++)
        if (kept == 0 || strcmp(copy[kept - 1], copy[i]) != 0)
            copy[kept++] = copy[i];
    *n = kept;
    return copy;
}

/* An entry for each of the sorted names, those that `s` has already being left out (NULL). */
static struct entry **entries_new(const struct schedule *s, const char **names, size_t n,
                                  uint64_t now_usec) {
    struct entry **entries = calloc(n + 1, sizeof(*entries));

    for (size_t i = 0; entries && i < n; i++) {
        if (schedule_find(s, names[i]))
            continue;
        entries[i] = entry_new(names[i], now_usec);
        if (entries[i])
            continue;
        while (i-- > 0)
            entry_free(entries[i]);
        free(entries);
        return NULL;
    }
    return entries;
}

int schedule_need(struct schedule *s, const char *const *names, size_t n, uint64_t now_usec) {
    _cleanup_(freep) const char **want = NULL;
    struct entry **entries;
    size_t at = 0;

    assert(n <= SCHEDULE_NAMES_MAX);
    want = sorted(names, &n);
    entries = want ? entries_new(s, want, n, now_usec) : NULL;
    if (!entries)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (entries[i])
            continue;
        while (strcmp(s->entries[at]->name, want[i]) != 0)
            entry_free(s->entries[at++]);
        entries[i] = s->entries[at++];
    }
    while (at < s->n)
        entry_free(s->entries[at++]);
    free(s->entries);
    *s = (struct schedule){ .entries = entries, .n = n };
    return 0;
}

void schedule_start_over(struct schedule *s, uint64_t now_usec) {
    for (size_t i = 0; i < s->n; i++) {
        struct entry *e = s->entries[i];

        e->n_failures = 0;
        if (outcome_is_whole(&e->newest) && e->due_usec > now_usec)
            e->is_unsent = true;
        else
            e->due_usec = now_usec;
    }
}

static int by_name(const void *key, const void *element) {
    return strcmp(key, (*(struct entry *const *)element)->name);
}

struct entry *schedule_find(const struct schedule *s, const char *name) {
    struct entry **found =
        s->n ? bsearch(name, s->entries, s->n, sizeof(*s->entries), by_name) : NULL;

    return found ? *found : NULL;
}

/* The one that is to be asked for first. */
static struct entry *first(const struct schedule *s) {
    struct entry *e = NULL;

    for (size_t i = 0; i < s->n; i++)
        if (!s->entries[i]->is_asking && (!e || s->entries[i]->due_usec < e->due_usec))
            e = s->entries[i];
    return e;
}

struct entry *schedule_due(const struct schedule *s, uint64_t now_usec) {
    struct entry *e = first(s);

    return e && e->due_usec <= now_usec ? e : NULL;
}

uint64_t schedule_wake(const struct schedule *s) {
    const struct entry *e = first(s);

    return e ? e->due_usec : UINT64_MAX;
}

struct entry *schedule_unsent(const struct schedule *s) {
    for (size_t i = 0; i < s->n; i++)
        if (s->entries[i]->is_unsent)
            return s->entries[i];
    return NULL;
}

void entry_begin(struct entry *e) {
    e->is_asking = true;
}

static uint64_t hold_usec(const struct outcome *o) {
    uint32_t ttl;

    if (!outcome_ttl(o, &ttl))
        return UINT64_MAX;
    if (ttl < SCHEDULE_TTL_MIN_SEC)
        ttl = SCHEDULE_TTL_MIN_SEC;
    if (ttl > SCHEDULE_TTL_MAX_SEC)
        ttl = SCHEDULE_TTL_MAX_SEC;
    return (uint64_t)ttl * 1000000U;
}

/* Counts a failure and asks again after a while, or sooner where it would be asked sooner. */
static void retry_before(struct entry *e, uint64_t due_usec, uint64_t now_usec) {
    uint64_t retry;

    e->n_failures++;
    retry = now_usec + retry_delay(e->n_failures, SCHEDULE_RETRY_USEC, SCHEDULE_RETRY_MAX_USEC);
    e->due_usec = retry < due_usec ? retry : due_usec;
}

void entry_end(struct entry *e, struct outcome *o, uint64_t now_usec) {
    uint64_t hold = hold_usec(o);
    uint64_t due = hold == UINT64_MAX ? hold : now_usec + hold;

    outcome_clear(&e->newest);
    e->newest = *o;
    *o = (struct outcome){ 0 };
    e->is_asking = false;
    e->is_unsent = true;
    if (outcome_is_whole(&e->newest))
        e->due_usec = due;
    else
        retry_before(e, due, now_usec);
}

void entry_taken(struct entry *e) {
    if (outcome_is_whole(&e->newest))
        e->n_failures = 0;
}

void entry_refused(struct entry *e, const char *why, uint64_t now_usec) {
    char text[ANSWER_ERROR_MAX];

    if (!outcome_ttl(&e->newest, &(uint32_t){ 0 }))
        return;
    snprintf(text, sizeof(text), "refused by portd: %s", why);
    outcome_fail(&e->newest, text);
    e->is_unsent = true;
    retry_before(e, e->due_usec, now_usec);
}
