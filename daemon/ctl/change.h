/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_CHANGE_H
#define PORTD_CTL_CHANGE_H

#include "verb.h"

#include <jansson.h>

/* What the verbs that change something have in common. */

/* The parameters of a method that takes a reason; NULL: no memory. */
json_t *reason_parameters(const struct options *o);
/* []FlowChange, a line each, "opened tcp/443 from …", few enough to be read. */
void print_flow_changes(const char *verb, const json_t *changes);

#endif
