/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_MATRIX_H
#define PORTD_ENGINE_MATRIX_H

#include "engine/policy.h"

#include <jansson.h>

/* The vendors' tables, given back. Both return a new reference, or NULL when memory is out. */

/* [ Row ]: { product, flow, from[], to[], services[], when[], title, note, ref } and, where it is
 * so, `broadcast`: true; `note` and `ref` are "" when there is none. */
json_t *matrix_json(const struct policy *const *policies, size_t n_policies);

/* With what stands around the rows: [ { product, title, source, notes[], rows[], peers[ { peer,
 * title, unbound } ] } ]; `unbound` says who a peer is that the site doesn't bind. */
json_t *tables_json(const struct policy *const *policies, size_t n_policies);

#endif
