/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_SITETABLE_H
#define PORTD_ENGINE_SITETABLE_H

#include "engine/reach.h"

#include <jansson.h>

/* One product's table as a site has it: a part of site_tables_json(). */

/* `policy` NULL: the site's own rows. NULL when memory is out. */
json_t *site_table_json(struct reach *r, const struct policy *policy);

/* A party outside, for a list of ends: "any", "voice-peers (10.9.0.0/24, 2001:db8:9::/64)",
 * "license (my.mailstore.com)", "10.0.0.64/28". NULL when memory is out. */
const char *party_text(struct arena *a, const struct party *p);

#endif
