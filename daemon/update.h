/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_UPDATE_H
#define PORTD_DAEMON_UPDATE_H

#include "daemon/enforced.h"
#include "engine/changes.h"

struct manager;

/* Policies that a package brought. The site may have them held: where they would open something, or
 * close something in use, the old ones stay in force until somebody asks for a reload, also across
 * restarts, for which the texts of the old ones are in the snapshot. */
struct held {
    uint64_t since_usec;    /* CLOCK_REALTIME */
    char reason[256];       /* "": none was given */
    json_t *opens, *closes; /* FlowChange */
};
struct held *held_free(struct held *h);

/* The policies that are on disk, and the site that is in force: what somebody edits there is loaded
 * when they say so. ENFORCED_E_INVALID: see the report. */
int update_load(const struct manager *m, struct enforced **ret, struct report *reterr);

/* Whether the site of `next` wants these changes to be held. 1, 0 or -errno. */
int update_is_held(struct manager *m, const struct enforced *next, const struct changes *c);
/* Holds `next`, of which nothing comes in force. 0 or -errno. */
int update_hold(struct manager *m, struct enforced *next, const struct changes *c,
                const char *reason);

/* Before the first policy is put in force: replaces it, when it was updated meanwhile and the site
 * wants that to be held, by one with the old policies. 0 or -errno. */
int update_hold_first(struct manager *m, struct enforced **first);

/* Appends what an administrator should know of it. 0 or -1. */
int update_warn(const struct manager *m, json_t *warnings);
/* HeldUpdate, or NULL. */
json_t *update_json(const struct manager *m);

/* FlowChanges to the journal, a line each: "opened tcp/443 from any (jtel-acd/https)". */
void update_log(const char *verb, const json_t *changes);

#endif
