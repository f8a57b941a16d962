/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_NAME_H
#define PORTD_ENGINE_NAME_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names of products, roles, peers, features, ports, flows, hosts and sites:
 * [A-Za-z0-9][A-Za-z0-9.-]*, at most NAME_LENGTH_MAX bytes; a product's begins with a letter. */
#define NAME_RULE "1 to 63 letters, digits, '.' and '-', the first a letter or digit"
bool name_is_valid(const char *name);
bool product_name_is_valid(const char *name);
/* Words that a selector gives a meaning to, so that no role or peer can be called so. */
bool name_is_reserved(const char *name);
/* Words that name sets, rows and counters which are no product's ("host_acd-lb1_4",
 * "in/site/monitoring") or no role's ("jtel-acd_os-linux_4"), so that no product, and no role or
 * peer, can be called so. */
bool product_name_is_reserved(const char *name);
bool party_name_is_reserved(const char *name);

/* DNS names as policies and sites write them (RFC 1123 section 2.1): lower case, at least two
 * labels, the last not of digits alone (RFC 3696 section 2), no dot at the end. */
#define HOSTNAME_LENGTH_MAX 253U /* RFC 1035 section 2.3.4, without the root's octets */
bool hostname_is_valid(const char *text);
/* What is wrong with a text that was meant to be one (static), or NULL where nothing is. */
const char *hostname_mistake(const char *text);

/* The names that exist, sorted: what a reference is looked up in. The strings are borrowed. */
struct names {
    const char **items;
    size_t n;
    bool is_open; /* some could not be read: any other name may exist, too */
};

/* Adds the names of an array of records, whose first member is `const char *name`. */
int names_collect(struct names *names, struct arena *a, const void *records, size_t n, size_t size);
/* Afterwards each name is there once. */
void names_sort(struct names *names);
bool names_have(const struct names *names, const char *name);
/* Whether there is certainly no such name. */
bool names_lack(const struct names *names, const char *name);

/* The name that was probably meant: nearly the same letters, whatever their case, or the only one
 * that begins with these. NULL: none. */
const char *names_nearest(const struct names *names, const char *name);
/* "A, B, C and 7 more", "none"; NULL without memory. */
const char *names_list(const struct names *names, struct arena *a);
/* "25, 465 and 587", likewise. */
const char *numbers_list(const uint16_t *numbers, size_t n, struct arena *a);
/* `"ACD-LX" is no role; did you mean "ACD-LB"? (there are: ACD-JB and ACD-LB)`; NULL without
 * memory. */
const char *names_unknown(const struct names *names, const char *name, const char *what,
                          struct arena *a);

#endif
