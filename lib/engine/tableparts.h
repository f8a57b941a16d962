/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_TABLEPARTS_H
#define PORTD_ENGINE_TABLEPARTS_H

#include "engine/policy.h"

#include <jansson.h>

/* What stands around the rows of a table, in words for readers: of a site, or, with `site` NULL,
 * before any site says something. NULL when memory is out. */

/* [ { port, title, number, choice } ]: "8091", "a site may choose another"; `number` is "" as long
 * as nobody names it. */
json_t *ports_json(const struct policy *p, const struct site *site);
/* [ { feature, title, state } ] */
json_t *features_json(const struct policy *p, const struct site *site);
/* [ { peer, title, who } ] of the policy alone. */
json_t *peers_json(const struct policy *p);

#endif
