/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_SESSION_H
#define PORTD_CTL_SESSION_H

#include "verb.h"

#include <jansson.h>

/* By which connection whoever types this came: the member "session" for Plan and Reload, left out
 * where it is none, or that of another host (--remote). 0 or -1. */
int session_add(const struct options *o, json_t *parameters);

#endif
