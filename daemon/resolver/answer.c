/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libresolv takes the message apart (ns_initparse(3)) and so checks it whole; what is left to do is
 * to follow the aliases from the name that was asked for. c-ares has a parser too, but in 1.18 that
 * takes any CNAME of the message for a link of the chain, and only when it stands before the
 * addresses. */
#include "answer.h"

#include <arpa/nameser.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ERROR_GARBAGE "an answer that is no DNS message"

static const char *const rcode_names[] = {
    [ns_r_formerr] = "FORMERR", [ns_r_servfail] = "SERVFAIL", [ns_r_nxdomain] = "NXDOMAIN",
    [ns_r_notimpl] = "NOTIMP",  [ns_r_refused] = "REFUSED",
};

static const ns_type record_types[] = { [FAMILY_IPV4] = ns_t_a, [FAMILY_IPV6] = ns_t_aaaa };
static_assert(ARRAY_SIZE(record_types) == FAMILY_MAX, "a family has no record type");

void answer_clear(struct answer *a) {
    free(a->items);
    *a = (struct answer){ 0 };
}

void answer_fail(struct answer *ret, const char *format, ...) {
    va_list ap;

    answer_clear(ret);
    va_start(ap, format);
    vsnprintf(ret->error, sizeof(ret->error), format, ap);
    va_end(ap);
}

static int by_value(const void *a, const void *b) {
    return address_compare(a, b);
}

static size_t sort_unique(struct address *items, size_t n) {
    size_t kept = 0;

    qsort(items, n, sizeof(*items), by_value);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || address_compare(&items[kept - 1], &items[i]) != 0)
            items[kept++] = items[i];
    return kept;
}

/* Takes `items`, of which there is at least one. */
static void set_taken(struct answer *ret, struct address *items, size_t n, uint32_t ttl) {
    n = sort_unique(items, n);
    if (n > ANSWER_ADDRESSES_MAX) {
        answer_fail(ret, "%zu addresses, more than the %u that are taken", n, ANSWER_ADDRESSES_MAX);
        free(items);
        return;
    }
    answer_clear(ret);
    *ret = (struct answer){ .kind = ANSWER_ADDRESSES, .items = items, .n = n, .ttl = ttl };
}

static void set_none(struct answer *ret, uint32_t ttl) {
    answer_clear(ret);
    *ret = (struct answer){ .kind = ANSWER_NONE, .ttl = ttl };
}

void answer_set(struct answer *ret, const struct address *items, size_t n, uint32_t ttl) {
    struct address *copy;

    if (n == 0) {
        set_none(ret, ttl);
        return;
    }
    copy = malloc(n * sizeof(*copy));
    if (!copy) {
        answer_fail(ret, "out of memory");
        return;
    }
    memcpy(copy, items, n * sizeof(*copy));
    set_taken(ret, copy, n, ttl);
}

/* The addresses as they are found. */
struct found {
    struct address *items; /* room for one of each record of the answer section */
    size_t n;
    uint32_t ttl;
};

static void shorten(uint32_t *ttl, const ns_rr *rr) {
    uint32_t of_record = ns_rr_ttl(*rr);

    if (of_record > ANSWER_TTL_MAX)
        of_record = 0; /* the most significant bit is set: RFC 2181 section 8 */
    if (of_record < *ttl)
        *ttl = of_record;
}

static bool is_about(const ns_rr *rr, const char *owner, ns_type type) {
    return ns_rr_type(*rr) == type && ns_rr_class(*rr) == ns_c_in &&
           strcasecmp(ns_rr_name(*rr), owner) == 0;
}

/* Replaces `owner` by what it is an alias of. 1: done, 0: it is none, -1: garbage. */
static int follow_alias(ns_msg *msg, char owner[static NS_MAXDNAME], uint32_t *ttl) {
    ns_rr rr;

    for (int i = 0; i < ns_msg_count(*msg, ns_s_an); i++) {
        if (ns_parserr(msg, ns_s_an, i, &rr) < 0)
            return -1;
        if (!is_about(&rr, owner, ns_t_cname))
            continue;
        shorten(ttl, &rr);
        return ns_name_uncompress(ns_msg_base(*msg), ns_msg_end(*msg), ns_rr_rdata(rr), owner,
                                  NS_MAXDNAME) == ns_rr_rdlen(rr)
                   ? 1
                   : -1;
    }
    return 0;
}

/* -1: garbage. */
static int collect(ns_msg *msg, const char *owner, enum family f, struct found *ret) {
    ns_rr rr;

    for (int i = 0; i < ns_msg_count(*msg, ns_s_an); i++) {
        if (ns_parserr(msg, ns_s_an, i, &rr) < 0)
            return -1;
        if (!is_about(&rr, owner, record_types[f]))
            continue;
        if (ns_rr_rdlen(rr) != family_size(f))
            return -1;
        memcpy(ret->items[ret->n++].bytes, ns_rr_rdata(rr), family_size(f));
        shorten(&ret->ttl, &rr);
    }
    return 0;
}

/* Whether it is an answer of a server that found the name, and whole. */
static bool check_header(ns_msg msg, struct answer *ret) {
    unsigned rcode = (unsigned)ns_msg_getflag(msg, ns_f_rcode);

    if (!ns_msg_getflag(msg, ns_f_qr) || ns_msg_getflag(msg, ns_f_opcode) != ns_o_query)
        answer_fail(ret, "a DNS message that is no answer");
    else if (rcode != ns_r_noerror && rcode < ARRAY_SIZE(rcode_names))
        answer_fail(ret, "%s", rcode_names[rcode]);
    else if (rcode != ns_r_noerror)
        answer_fail(ret, "DNS error %u", rcode);
    else if (ns_msg_getflag(msg, ns_f_tc))
        answer_fail(ret, "an answer that is cut off");
    else
        return true;
    return false;
}

/* `found` has room for the records of the answer section. */
static void read_records(ns_msg *msg, const char *name, enum family f, struct found *found,
                         struct answer *ret) {
    char owner[NS_MAXDNAME];
    int r = 1;

    snprintf(owner, sizeof(owner), "%s", name);
    for (unsigned n = 0; r == 1 && n <= ANSWER_ALIASES_MAX; n++)
        r = follow_alias(msg, owner, &found->ttl);
    if (r == 1) {
        answer_fail(ret, "more than %u aliases one behind the other", ANSWER_ALIASES_MAX);
        return;
    }
    if (r == 0)
        r = collect(msg, owner, f, found);
    if (r < 0)
        answer_fail(ret, ERROR_GARBAGE);
    else if (found->n == 0)
        set_none(ret, 0);
    else
        set_taken(ret, TAKE_PTR(found->items), found->n, found->ttl);
}

void answer_parse(const uint8_t *bytes, size_t size, const char *name, enum family f,
                  struct answer *ret) {
    struct found found = { .ttl = ANSWER_TTL_MAX };
    ns_msg msg;

    if (size > NS_MAXMSG || ns_initparse(bytes, (int)size, &msg) < 0) {
        answer_fail(ret, ERROR_GARBAGE);
        return;
    }
    if (!check_header(msg, ret))
        return;
    found.items = calloc(ns_msg_count(msg, ns_s_an) + 1U, sizeof(*found.items));
    if (!found.items) {
        answer_fail(ret, "out of memory");
        return;
    }
    read_records(&msg, name, f, &found, ret);
    free(found.items);
}
