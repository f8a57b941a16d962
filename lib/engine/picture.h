/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_PICTURE_H
#define PORTD_ENGINE_PICTURE_H

#include "engine/policy.h"

#include <jansson.h>

/* Who talks to whom in a table, its rows joined: what a picture of the table shows. */

/* What a selector stands for, in a picture. */
enum end_kind {
    END_ROLE,    /* hosts that are in the picture once: a role, one host, "self" */
    END_GROUP,   /* hosts that may be there as roles too: "internal", "all", "os:linux" */
    END_OUTSIDE, /* a peer, "any", "management", a prefix */
    END_KIND_MAX,
};
const char *end_kind_name(enum end_kind k); /* "role", "group", "outside" */

/* A row of a table, as it holds: with numbers for ports. */
struct picture_row {
    const char *id;
    const struct words *from, *to;
    const struct words *when; /* conditions that are left open */
    const struct service *services;
    size_t n_services;
    const struct words *unnamed; /* services whose port the site has to name */
};

struct picture;

/* Of a policy, whose roles are there whatever the rows say; NULL: of a site's own rows, which may
 * refer to all `policies`. NULL when memory is out. */
struct picture *picture_new(const struct policy *policy, const struct policy *const *policies,
                            size_t n_policies);
struct picture *picture_free(struct picture *p);
DEFINE_CLEANUP(struct picture *, picture_free);

/* 0 or -ENOMEM. What `row` points to must outlive the picture. */
int picture_add(struct picture *p, const struct picture_row *row);

/* Who an end is, a line each ("acd-lb1", "10.9.0.0/24"): an array, taken. NULL: nothing to say. */
typedef json_t *picture_who(const char *selector, void *userdata);

/* { ends: [ { end, kind, title, who[] } ],
 *   edges: [ { from, to, flows[], strands: [ { when[], services[] } ] } ] }
 * The services of a strand are joined: what another row opens too, or under no condition, is
 * there once. NULL when memory is out. */
json_t *picture_json(struct picture *p, picture_who *who, void *userdata);

#endif
