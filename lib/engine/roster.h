/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_ROSTER_H
#define PORTD_ENGINE_ROSTER_H

#include "engine/name.h"
#include "engine/policy.h"

/* Which hosts a site is to have, and in which roles. */
struct roster_host {
    const char *name;   /* or a blank that says which host is wanted */
    struct names roles; /* product/ROLE; none: not said */
};

struct roster {
    struct roster_host *hosts;
    size_t n;
};

/* From words of the form NAME or NAME=ROLE,ROLE; a role is product/ROLE or, where only one of the
 * `policies` has it, ROLE. Mistakes go into the report, all of them. 0 or -ENOMEM. */
int roster_read(const char *const *words, size_t n_words, const struct policy *const *policies,
                size_t n_policies, struct arena *a, struct roster *ret, struct report *reterr);

/* One host for each role, its name blank, in the order of the policies; one without a role where
 * no policy has any. 0 or -ENOMEM. */
int roster_of_roles(const struct policy *const *policies, size_t n_policies, struct arena *a,
                    struct roster *ret);

#endif
