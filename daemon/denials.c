/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One array that holds the entries, threaded twice: chains of a hash, and a ring by age. Keys come
 * from whoever sends packets, so the hash has a secret. */
#include "daemon/denials.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define MINUTE_USEC ((uint64_t)60 * 1000000)
#define NONE        UINT16_MAX

static_assert(DENIALS_MAX < NONE, "an entry has no number");

struct entry {
    struct denial denial; /* first, so that a denial is its entry */
    uint16_t chain;       /* the next of the same hash */
    uint16_t newer, older;
};

struct minute {
    uint64_t number; /* since 1970 */
    uint64_t packets[2];
};

struct denials {
    uint64_t secret, forgotten;
    size_t n;
    uint16_t newest, oldest;
    uint16_t heads[DENIALS_MAX];
    struct minute minutes[DENIALS_MINUTES];
    struct entry entries[DENIALS_MAX];
};

int denials_new(struct denials **ret) {
    struct denials *d = calloc(1, sizeof(*d));

    if (!d)
        return -ENOMEM;
    if (getrandom(&d->secret, sizeof(d->secret), GRND_NONBLOCK) < 0)
        d->secret = (uintptr_t)d; /* early at boot: as good as the address space's layout */
    memset(d->heads, 0xff, sizeof(d->heads));
    d->newest = d->oldest = NONE;
    *ret = d;
    return 0;
}

struct denials *denials_free(struct denials *d) {
    for (size_t i = 0; d && i < d->n; i++)
        json_decref(d->entries[i].denial.why);
    free(d);
    return NULL;
}

/* Multiply and fold, eight bytes at a time. */
static uint16_t *head_of(struct denials *d, const struct denied_key *k) {
    uint64_t words[sizeof(*k) / sizeof(uint64_t)], hash = d->secret;

    memcpy(words, k, sizeof(words));
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15) + d->secret;
        hash ^= hash >> 32;
    }
    return &d->heads[hash % DENIALS_MAX];
}

static void ring_take(struct denials *d, struct entry *e) {
    *(e->newer == NONE ? &d->newest : &d->entries[e->newer].older) = e->older;
    *(e->older == NONE ? &d->oldest : &d->entries[e->older].newer) = e->newer;
}

static void ring_put(struct denials *d, struct entry *e) {
    uint16_t number = (uint16_t)(e - d->entries);

    e->newer = NONE;
    e->older = d->newest;
    *(d->newest == NONE ? &d->oldest : &d->entries[d->newest].newer) = number;
    d->newest = number;
}

static struct entry *entry_find(struct denials *d, const struct denied_key *k) {
    for (uint16_t i = *head_of(d, k); i != NONE; i = d->entries[i].chain)
        if (memcmp(&d->entries[i].denial.key, k, sizeof(*k)) == 0)
            return &d->entries[i];
    return NULL;
}

static void entry_forget(struct denials *d, struct entry *e) {
    uint16_t *at = head_of(d, &e->denial.key), number = (uint16_t)(e - d->entries);

    while (*at != number)
        at = &d->entries[*at].chain;
    *at = e->chain;
    ring_take(d, e);
    json_decref(e->denial.why);
    d->forgotten++;
}

static struct entry *entry_new(struct denials *d, const struct denied_key *k, uint64_t now_usec) {
    struct entry *e = &d->entries[d->n < DENIALS_MAX ? d->n : d->oldest];
    uint16_t *head = head_of(d, k);

    if (d->n == DENIALS_MAX)
        entry_forget(d, e);
    else
        d->n++;
    *e = (struct entry){ .denial = { .key = *k, .first_usec = now_usec }, .chain = *head };
    *head = (uint16_t)(e - d->entries);
    return e;
}

static void minute_add(struct denials *d, bool would, uint32_t packets, uint64_t now_usec) {
    uint64_t number = now_usec / MINUTE_USEC;
    struct minute *m = &d->minutes[number % DENIALS_MINUTES];

    if (m->number != number)
        *m = (struct minute){ .number = number };
    m->packets[would] += packets;
}

void denials_add(struct denials *d, const struct denied_key *k, uint32_t packets,
                 uint64_t now_usec) {
    struct entry *e = entry_find(d, k);

    if (e)
        ring_take(d, e);
    else
        e = entry_new(d, k, now_usec);
    ring_put(d, e);
    e->denial.packets += packets;
    e->denial.last_usec = now_usec;
    minute_add(d, k->would, packets, now_usec);
}

struct denial *denials_newest(struct denials *d) {
    return d->newest == NONE ? NULL : &d->entries[d->newest].denial;
}

struct denial *denials_older(struct denials *d, const struct denial *of) {
    const struct entry *e = (const struct entry *)of;

    return e->older == NONE ? NULL : &d->entries[e->older].denial;
}

uint64_t denials_forgotten(const struct denials *d) {
    return d->forgotten;
}

static int address_order(const void *a, const void *b) {
    const struct denied_key *x = *(const struct denied_key *const *)a;
    const struct denied_key *y = *(const struct denied_key *const *)b;
    int r = memcmp(x->address, y->address, sizeof(x->address));

    return r ? r : x->family - y->family;
}

static uint64_t addresses_count(struct denials *d, bool would, uint64_t since_usec) {
    const struct denied_key *keys[DENIALS_MAX];
    uint64_t count = 0;
    size_t n = 0;

    for (struct denial *i = denials_newest(d); i && i->last_usec >= since_usec;
         i = denials_older(d, i))
        if (i->key.would == would)
            keys[n++] = &i->key;
    qsort(keys, n, sizeof(*keys), address_order);
    for (size_t i = 0; i < n; i++)
        count += i == 0 || address_order(&keys[i - 1], &keys[i]) != 0;
    return count;
}

void denials_recent(struct denials *d, uint64_t now_usec, struct denials_recent *ret) {
    uint64_t first = now_usec / MINUTE_USEC - (DENIALS_MINUTES - 1);

    *ret = (struct denials_recent){ 0 };
    for (size_t i = 0; i < DENIALS_MINUTES; i++)
        for (unsigned would = 0; would < 2 && d->minutes[i].number >= first; would++)
            ret->packets[would] += d->minutes[i].packets[would];
    for (unsigned would = 0; would < 2; would++)
        ret->addresses[would] = addresses_count(d, would, first * MINUTE_USEC);
}
