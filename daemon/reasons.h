/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_REASONS_H
#define PORTD_DAEMON_REASONS_H

#include "daemon/denials.h"
#include "daemon/manager.h"

/* Denied packets in the policy's words. */
struct reasons {
    const struct intent *intent;
    const struct ruleset *rules;
    struct ruleset *none; /* `rules` while portd is off */
    uint64_t stamp;       /* of what is in force; 0: not to be relied on */
};

/* For as long as nothing else comes in force. 0 or -ENOMEM; to be closed in any case. */
int reasons_open(const struct manager *m, struct reasons *ret);
void reasons_close(struct reasons *r);

/* type Denial, or NULL: memory is out. */
json_t *denial_json(const struct reasons *r, struct denial *d);

#endif
