/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_RULEJSON_H
#define PORTD_ENGINE_RULEJSON_H

#include "engine/plan.h"

#include <jansson.h>

/* Rulesets and plans as JSON, for programs. New references; NULL when memory is out. */

/* { table, exists, dormant, counters[], sets[], chains[] }
 * counter: { name, foreign? }
 * set: { name, type, interval, map, foreign?, elements[]: text as nft prints it }
 * chain: { name, hook?, priority?, policy?, foreign?, rules[]: { text, comment?, foreign? } } */
json_t *ruleset_json(const struct ruleset *r);

/* []Change of io.portd: { operation, subject?, text }, in the plan's order. */
json_t *plan_json(const struct plan *p);

#endif
