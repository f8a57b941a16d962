/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_RESOLVER_SCHEDULE_H
#define PORTD_RESOLVER_SCHEDULE_H

#include "outcome.h"

/* Which names portd needs, what is known of them, when each is asked for next and which outcomes
 * portd hasn't been told. Pure: times are arguments, microseconds of any steady clock. */

#define SCHEDULE_NAMES_MAX   10000U
#define SCHEDULE_TTL_MIN_SEC 2U
#define SCHEDULE_TTL_MAX_SEC 3600U
/* After a failure. */
#define SCHEDULE_RETRY_USEC     ((uint64_t)2 * 1000000)
#define SCHEDULE_RETRY_MAX_USEC ((uint64_t)60 * 1000000)

struct entry {
    char *name;
    uint64_t due_usec;     /* when to ask for it next */
    unsigned n_failures;   /* in a row: answers that were not whole, or that portd refused */
    struct outcome newest; /* zeroed until there is one: both families failed for no reason */
    bool is_asking, is_unsent;
    bool is_failing; /* the newest outcome was not whole; what is logged is the change */
};

struct schedule {
    struct entry **entries; /* sorted by name, each once; an entry stays where it is */
    size_t n;
};

void schedule_clear(struct schedule *s);

/* From now on these are the names, in any order, at most SCHEDULE_NAMES_MAX; a new one is due at
 * once, one that is gone is freed. 0, or -ENOMEM: nothing changed. */
int schedule_need(struct schedule *s, const char *const *names, size_t n, uint64_t now_usec);
/* Whoever asks is new and knows nothing: answers that still hold are unsent again, all other names
 * are due at once. */
void schedule_start_over(struct schedule *s, uint64_t now_usec);

struct entry *schedule_find(const struct schedule *s, const char *name);
/* The one that has been due for longest and isn't being asked for; NULL: none is. */
struct entry *schedule_due(const struct schedule *s, uint64_t now_usec);
/* When the next one is due, if none is now; UINT64_MAX: never. */
uint64_t schedule_wake(const struct schedule *s);
struct entry *schedule_unsent(const struct schedule *s);

void entry_begin(struct entry *e);
/* Takes what `o` holds. */
void entry_end(struct entry *e, struct outcome *o, uint64_t now_usec);
/* portd took the newest outcome … */
void entry_taken(struct entry *e);
/* … or refused it: that becomes a failure, which portd is told in turn, and the name is asked for
 * again as after any. A failure that is refused is told no more. */
void entry_refused(struct entry *e, const char *why, uint64_t now_usec);

#endif
