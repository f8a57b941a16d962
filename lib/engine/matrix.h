/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_MATRIX_H
#define PORTD_ENGINE_MATRIX_H

#include "engine/policy.h"

#include <jansson.h>

/* The vendors' tables, given back. Both return a new reference, or NULL when memory is out. */

/* [ Row ]: { product, flow, from[], to[], services[], when[], title, note, ref } and, where it is
 * so, `broadcast`: true; `note` and `ref` are "" when there is none. A port that the site has to
 * name stands in `services` by its name: "tcp/$terminal-server". */
json_t *matrix_json(const struct policy *const *policies, size_t n_policies);

/* With what stands around the rows: [ Table ]: { product, title, source, notes[], rows[],
 * peers[ { peer, title, who } ], features[ { feature, title, state } ],
 * ports[ { port, title, number, choice } ], picture }; `who`, `state`, `number` and `choice` are
 * words for readers: of a peer that the site doesn't bind, of a feature that it doesn't name, the
 * vendor's port, and what a site may make of it. `picture` is picture_json()'s. */
json_t *tables_json(const struct policy *const *policies, size_t n_policies);

#endif
