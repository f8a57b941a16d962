/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_SESSION_H
#define PORTD_CTL_SESSION_H

#include "verb.h"

#include <jansson.h>

/* By which connection whoever types this came: the member "session" for Plan and Reload, left out
 * where there is none, and with --remote, where the far end adds it. 0 or -1. */
int session_add(const struct options *o, json_t *parameters);
/* The far end: adds it to a call of these, a text of JSON. The call as it is to be sent, malloc'ed;
 * NULL: as it is. */
char *session_into_call(const char *text);

#endif
