/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_QUESTION_H
#define PORTD_CTL_QUESTION_H

#include "verb.h"

#include "engine/explain.h"

/* "in|out SERVICE [from|to] ADDRESS" on the command line. STATUS_USAGE: what is wrong was printed,
 * and whose --help has more. */
enum status question_parse(const char *verb, const char *const *words, size_t n, struct query *ret);
/* The same as the parameters of a call: direction, service and address. NULL without memory. */
json_t *question_json(const struct query *q);

#endif
