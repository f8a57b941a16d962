/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_SEAL_H
#define PORTD_DAEMON_SEAL_H

#include "base/report.h"
#include "daemon/clock.h"
#include "daemon/reconcile.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct manager;

/* How the table is guarded (nftables' table flags owner and persist): nobody but our socket can
 * write to a sealed table, and it outlives us. */
enum seal {
    SEAL_SEALED,
    SEAL_WATCHED, /* the kernel can't, or the site doesn't want it: changes are seen and repaired */
    SEAL_UNSEALED, /* for a while, by an administrator: changes are let stand until then */
    SEAL_HOSTILE,  /* somebody else owns the name: the rules are in force in a spare table */
    SEAL_MAX,
};
const char *seal_name(enum seal s);

struct seal_state {
    bool is_wanted;      /* by the site in force */
    bool is_unsupported; /* by the kernel */
    bool is_hostile;
    bool has_bridge;              /* the spare table holds the rules while ours is made anew */
    bool is_stored;               /* the service manager keeps our socket */
    uint32_t stranger;            /* port id of who owns the name, when hostile */
    uint64_t unsealed_until_usec; /* CLOCK_MONOTONIC; 0: not unsealed */
};

/* Longest time for which a table is left unsealed, in seconds: a day. */
#define SEAL_OPEN_MAX 86400

enum seal seal_get(const struct manager *m);

/* reconcile(), sealed as well as can be: falls back where the kernel has no seal, and to the spare
 * table where somebody else owns the name. */
int seal_reconcile(struct manager *m, struct ruleset *want, const struct scope *drift,
                   struct reconciled *ret, struct report *reterr);

/* What a look finds out without any event: 1 when the table isn't held as it should be, or the
 * name that somebody else owned is free again. */
int seal_look(struct manager *m);
/* A portd that ended while somebody else owned the name left its spare table behind, with rules
 * that go on denying: removes it at the start, unless they are needed still. */
int seal_tidy(struct manager *m, struct report *reterr);
/* Leaves the spare table once the rules are in the table that they belong in. */
int seal_return(struct manager *m, struct report *reterr);

/* Appends what an administrator should know of it. 0 or -1. */
int seal_warn(const struct manager *m, json_t *warnings);
/* When an unsealed table is sealed again, for others. */
const char *seal_until(const struct manager *m, char buf[static CLOCK_TEXT_SIZE]);

/* Lets go of the table for a while, and takes it back. SEAL_E_REFUSED: see the report. */
enum { SEAL_E_REFUSED = 1 };
int seal_open(struct manager *m, uint64_t usec, struct report *reterr);
void seal_close(struct manager *m);

#endif
