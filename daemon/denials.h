/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_DENIALS_H
#define PORTD_DAEMON_DENIALS_H

#include "base/macros.h"
#include "daemon/denied/record.h"

#include <jansson.h>

/* What was denied, or would have been, one entry for each denied_key. Of fixed size: when it is
 * full, the entry that was quiet for longest is forgotten. Times are CLOCK_REALTIME in
 * microseconds, as given. */
struct denials;

#define DENIALS_MAX 4096U

struct denial {
    struct denied_key key;
    uint64_t packets;
    uint64_t first_usec, last_usec;
    json_t *why; /* what the owner remembers of it; released with the entry. NULL: nothing */
    uint64_t why_stamp;
};

int denials_new(struct denials **ret);
struct denials *denials_free(struct denials *d);
DEFINE_CLEANUP(struct denials *, denials_free);

void denials_add(struct denials *d, const struct denied_key *k, uint32_t packets,
                 uint64_t now_usec);

/* From the newest to the oldest, by when each was seen last; NULL: there is none (left). They stay
 * where they are until the next denials_add(). */
struct denial *denials_newest(struct denials *d);
struct denial *denials_older(struct denials *d, const struct denial *of);

uint64_t denials_forgotten(const struct denials *d); /* how many entries */

/* The last hour, by whole minutes. */
#define DENIALS_MINUTES 60U
struct denials_recent {
    uint64_t packets[2];   /* by denied_key.would */
    uint64_t addresses[2]; /* at the other end; of entries that are forgotten, none */
};
void denials_recent(struct denials *d, uint64_t now_usec, struct denials_recent *ret);

#endif
