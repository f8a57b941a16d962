/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_OBSERVATION_H
#define PORTD_DAEMON_OBSERVATION_H

#include "daemon/denials.h"
#include "daemon/manager.h"

/* What is in audit mode, and whether it is time to enforce it. */
struct observation {
    json_t *what;        /* its names; NULL: never looked at */
    uint64_t since_usec; /* CLOCK_REALTIME: nothing was added to it since, while portd ran */
    uint64_t last_usec;  /* of the newest request or answer that would be denied; 0: none */
};

/* How long nothing would be denied before it is enforced. */
#define OBSERVATION_ENOUGH_USEC ((uint64_t)7 * 86400 * 1000000)

/* What is in force may have changed. */
void observation_update(struct observation *o, const struct manager *m);
void observation_clear(struct observation *o);
void observation_take(struct observation *o, const struct denied_key *k, uint64_t now_usec);

/* type AuditMode, new; nothing is in audit mode: null. NULL: memory is out. */
json_t *observation_json(const struct observation *o, const struct manager *m,
                         struct denials *denials);

#endif
