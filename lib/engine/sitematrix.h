/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_SITEMATRIX_H
#define PORTD_ENGINE_SITEMATRIX_H

#include "engine/reach.h"

#include <jansson.h>

/* Who may reach whom at a site. Both return a new reference, or NULL when memory is out. */

/* { site, ingress, egress, rows[] }: rows are of the form of matrix_json(), but `from` and `to`
 * have the ends themselves: "any", a peer with who it is ("voice-peers (10.9.0.0/24)"), a prefix,
 * then hosts by their names. Each of `from` reaches each of `to` on all `services`; a host on both
 * sides always reaches itself, over loopback, and is not told of. */
json_t *site_matrix_json(const struct reach *r);

/* The same with { host (null: all), groups[], hosts[ { host, roles[], addresses[] } ], tables[] }.
 * groups[] are [ host ]: those together that are on the same side of the same rows. tables[] are
 * those of tables_json() as this site has them: ports with the site's numbers, peers and features
 * as they are here, and rows with { state }: "open", or why a row opens nothing. */
json_t *site_tables_json(struct reach *r);

#endif
