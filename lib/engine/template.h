/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_TEMPLATE_H
#define PORTD_ENGINE_TEMPLATE_H

#include "engine/policy.h"

#include <jansson.h>

/* A site file to begin with: what the policies of some products ask of a site, with a blank
 * (text_is_blank()) wherever nobody but its administrator knows the answer. Every blank says what
 * it wants, and the file is a site once all are filled in. */

struct template_request {
    const char *const *products; /* by name */
    size_t n_products;
    const char *const *hosts; /* NAME or NAME=ROLE,ROLE; none: one without a name for each role */
    size_t n_hosts;
    const struct site *site; /* that the hosts are added to; NULL: a new one */
};

struct template {
    json_t *site;  /* the file, or the drop-in, its members in the order to be read in */
    json_t *notes; /* []string: what can be set besides, and what holds until then */
};

enum { TEMPLATE_E_INVALID = 1 };

/* TEMPLATE_E_INVALID: the request has mistakes, all of them in *reterr. Negative: -ENOMEM. */
int template_build(const struct template_request *request, const struct policy *const *policies,
                   size_t n_policies, struct template *ret, struct report *reterr);
void template_clear(struct template *t);

/* How many blanks a value has in it, names of members among them. */
size_t template_blanks(const json_t *value);

/* The notes on some policies; NULL when memory is out. */
json_t *template_notes(const struct policy *const *policies, size_t n);

#endif
