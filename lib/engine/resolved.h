/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_RESOLVED_H
#define PORTD_ENGINE_RESOLVED_H

#include "base/macros.h"
#include "engine/address.h"

#include <jansson.h>

/* What DNS said of the names that flows need. An answer that fails changes no address: the last
 * ones hold until a good one replaces them, and how old they are can be told. */

#define RESOLVED_ADDRESSES_MAX 256U       /* of one answer, both families together */
#define RESOLVED_TOTAL_MAX     16384U     /* of all names: nf_tables takes 4 KiB to change one */
#define RESOLVED_TTL_MAX       2147483647 /* seconds: RFC 2181 section 8 */
#define RESOLVED_ERROR_MAX     200U       /* bytes of the text that says why an attempt failed */

struct resolved_name {
    char *name;
    struct address *addresses[FAMILY_MAX]; /* sorted, each once */
    size_t n_addresses[FAMILY_MAX];
    uint64_t answered_usec; /* CLOCK_REALTIME of the newest whole answer; 0: there was none */
    uint32_t ttl;           /* seconds, of that answer */
    char *error;            /* why the newest attempt failed, wholly or in one family; NULL: not */
    uint64_t failing_usec;  /* CLOCK_REALTIME since when every attempt has; 0: none has */
};

struct resolved {
    struct resolved_name *items; /* sorted by name */
    size_t n;
};

void resolved_clear(struct resolved *r);

/* NULL: not among them. */
const struct resolved_name *resolved_find(const struct resolved *r, const char *name);

/* From now on these are the names, sorted and each once; what is known of them stays. 1: they are
 * others than before, 0: the same ones, -ENOMEM: nothing changed. */
int resolved_need(struct resolved *r, const char *const *names, size_t n);

/* One attempt's outcome. A family that was not answered keeps its addresses. */
struct resolution {
    const char *name; /* borrowed */
    bool is_answered[FAMILY_MAX];
    struct address addresses[FAMILY_MAX][RESOLVED_ADDRESSES_MAX];
    size_t n_addresses[FAMILY_MAX];
    uint32_t ttl;      /* the least of both families */
    const char *error; /* borrowed; NULL: both families were answered */
};

/* The parameters of Resolved. RESOLVED_E_INVALID: *reterr says why (malloc'ed): too many addresses,
 * one that is no other host's for certain (loopback, multicast, unspecified, broadcast, mapped,
 * IPv6 link-local), a family left out and no error or the other way round, none of both families
 * has any. *ret borrows from `parameters`. */
enum { RESOLVED_E_INVALID = 1 };
int resolution_parse(const json_t *parameters, struct resolution *ret, char **reterr);

/* Takes an outcome. 1: the name has other addresses now, 0: the same. Nothing changed:
 * RESOLVED_E_UNKNOWN: it is not among the names, RESOLVED_E_FULL: with it all names together would
 * have more than RESOLVED_TOTAL_MAX addresses, -ENOMEM. */
enum { RESOLVED_E_UNKNOWN = 2, RESOLVED_E_FULL = 3 };
int resolved_take(struct resolved *r, const struct resolution *from, uint64_t now_usec);

/* Twins, for the state directory: names with addresses, the time and TTL of their answer. */
json_t *resolved_json(const struct resolved *r);
/* What it doesn't understand it leaves out: RESOLVED_E_INVALID. Otherwise 0 or -ENOMEM. */
int resolved_parse(const json_t *from, struct resolved *ret);

/* [ address ] of a name, IPv4 first; NULL when memory is out. */
json_t *resolved_addresses_json(const struct resolved_name *n);

/* The addresses of a family that any of these names has, sorted and each once: several names may
 * have one address. They live in `a`. 0 or -ENOMEM. */
int resolved_gather(const struct resolved *r, const char *const *names, size_t n, enum family f,
                    struct arena *a, struct address **ret, size_t *ret_n);

#endif
