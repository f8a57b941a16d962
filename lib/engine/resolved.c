/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one place that judges what DNS said, whoever brings it: the resolver, which may be broken or
 * lie, and the state directory. Nothing is trusted but that a name was asked for; an answer with
 * one wrong address is refused whole, so that nobody can slip one in among good ones. */
#include "engine/resolved.h"

#include "base/quote.h"
#include "base/report.h"
#include "engine/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FORMAT 1

static void name_clear(struct resolved_name *n) {
    for (enum family f = 0; f < FAMILY_MAX; f++)
        free(n->addresses[f]);
    free(n->name);
    free(n->error);
    *n = (struct resolved_name){ 0 };
}

void resolved_clear(struct resolved *r) {
    for (size_t i = 0; i < r->n; i++)
        name_clear(&r->items[i]);
    free(r->items);
    *r = (struct resolved){ 0 };
}

static int name_compare(const void *a, const void *b) {
    const struct resolved_name *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static struct resolved_name *find(const struct resolved *r, const char *name) {
    const struct resolved_name key = { .name = (char *)name };

    return r->n > 0 ? bsearch(&key, r->items, r->n, sizeof(*r->items), name_compare) : NULL;
}

const struct resolved_name *resolved_find(const struct resolved *r, const char *name) {
    return find(r, name);
}

static bool has_same_names(const struct resolved *r, const char *const *names, size_t n) {
    if (r->n != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(r->items[i].name, names[i]) != 0)
            return false;
    return true;
}

/* A name moves over once the new array has room and a copy of every name. */
int resolved_need(struct resolved *r, const char *const *names, size_t n) {
    struct resolved next = { .items = calloc(n + 1, sizeof(*next.items)), .n = n };

    if (!next.items)
        return -ENOMEM;
    if (has_same_names(r, names, n)) {
        free(next.items);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        next.items[i].name = strdup(names[i]);
        if (!next.items[i].name) {
            resolved_clear(&next);
            return -ENOMEM;
        }
    }
    for (size_t i = 0; i < n; i++) {
        struct resolved_name *known = find(r, names[i]), empty = next.items[i];

        if (!known)
            continue;
        next.items[i] = *known;
        next.items[i].name = empty.name;
        *known = (struct resolved_name){ .name = known->name };
    }
    resolved_clear(r);
    *r = next;
    return 1;
}

/* --- what an answer may say --- */

/* Addresses at which no other host can be reached: RFC 6890 sections 2.2.2 and 2.2.3 (this network,
 * loopback, broadcast; unspecified, loopback, mapped), RFC 5771 and RFC 4291 section 2.7
 * (multicast). A link-local address of IPv6 is another host's on each link, and DNS can't say which
 * link is meant (RFC 4472 section 2.1). */
static bool is_reachable(enum family f, const struct address *a) {
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const uint8_t zero[16];
    const uint8_t *b = a->bytes;

    if (f == FAMILY_IPV4)
        return b[0] != 0 && b[0] != 127 && b[0] < 224;
    if (memcmp(b, zero, 15) == 0 && b[15] <= 1)
        return false;
    if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
        return false;
    return b[0] != 0xff && memcmp(b, mapped, sizeof(mapped)) != 0;
}

static int address_read(const json_t *item, enum family f, struct address *ret, char **reterr) {
    const char *text = json_string_value(item);
    char quoted[QUOTE_TEXT_MAX];
    enum family found;

    if (!text)
        return refuse_text(RESOLVED_E_INVALID, reterr, "an address is no string");
    if (address_parse(text, &found, ret) != 0 || found != f)
        return refuse_text(RESOLVED_E_INVALID, reterr, "%s is no %s address",
                           text_quote(text, quoted), f == FAMILY_IPV4 ? "IPv4" : "IPv6");
    if (!is_reachable(f, ret))
        return refuse_text(RESOLVED_E_INVALID, reterr, "%s is no address of a host",
                           text_quote(text, quoted));
    return 0;
}

static int address_compare_void(const void *a, const void *b) {
    return address_compare(a, b);
}

static void addresses_tidy(struct address *items, size_t *n) {
    size_t kept = 0;

    if (*n > 0)
        qsort(items, *n, sizeof(*items), address_compare_void);
    for (size_t i = 0; i < *n; i++)
        if (kept == 0 || address_compare(&items[kept - 1], &items[i]) != 0)
            items[kept++] = items[i];
    *n = kept;
}

static size_t addresses_count(const struct resolution *r) {
    return r->n_addresses[FAMILY_IPV4] + r->n_addresses[FAMILY_IPV6];
}

/* { addresses: [], ttl } of one family. */
static int family_read(const json_t *answer, enum family f, struct resolution *r, char **reterr) {
    const json_t *addresses = json_object_get(answer, "addresses");
    const json_t *ttl = json_object_get(answer, "ttl");
    size_t n = json_array_size(addresses);

    if (!json_is_array(addresses) || !json_is_integer(ttl) || json_object_size(answer) != 2)
        return refuse_text(RESOLVED_E_INVALID, reterr, "an answer has addresses and a ttl");
    if (json_integer_value(ttl) < 0 || json_integer_value(ttl) > RESOLVED_TTL_MAX)
        return refuse_text(RESOLVED_E_INVALID, reterr,
                           "%" JSON_INTEGER_FORMAT " is no time to live", json_integer_value(ttl));
    if (n > RESOLVED_ADDRESSES_MAX - addresses_count(r))
        return refuse_text(RESOLVED_E_INVALID, reterr,
                           "more than the %u addresses that are taken of a name",
                           RESOLVED_ADDRESSES_MAX);
    for (size_t i = 0; i < n; i++) {
        int x = address_read(json_array_get(addresses, i), f, &r->addresses[f][i], reterr);

        if (x != 0)
            return x;
    }
    r->n_addresses[f] = n;
    addresses_tidy(r->addresses[f], &r->n_addresses[f]);
    if ((uint32_t)json_integer_value(ttl) < r->ttl)
        r->ttl = (uint32_t)json_integer_value(ttl);
    r->is_answered[f] = true;
    return 0;
}

static int texts_read(const json_t *parameters, struct resolution *r, char **reterr) {
    const json_t *name = json_object_get(parameters, "name");
    const json_t *error = json_object_get(parameters, "error");

    if (!json_is_string(name))
        return refuse_text(RESOLVED_E_INVALID, reterr, "the answer to which name?");
    r->name = json_string_value(name);
    if (!error || json_is_null(error))
        return 0;
    r->error = json_string_value(error);
    if (!r->error || !*r->error || strlen(r->error) > RESOLVED_ERROR_MAX ||
        !text_is_printable(r->error))
        return refuse_text(RESOLVED_E_INVALID, reterr, "an error is one line of at most %u bytes",
                           RESOLVED_ERROR_MAX);
    return 0;
}

int resolution_parse(const json_t *parameters, struct resolution *ret, char **reterr) {
    static const char *const keys[FAMILY_MAX] = { [FAMILY_IPV4] = "ipv4", [FAMILY_IPV6] = "ipv6" };
    bool is_whole;
    int r;

    *ret = (struct resolution){ .ttl = RESOLVED_TTL_MAX };
    r = texts_read(parameters, ret, reterr);
    for (enum family f = 0; r == 0 && f < FAMILY_MAX; f++) {
        const json_t *answer = json_object_get(parameters, keys[f]);

        if (answer && !json_is_null(answer))
            r = family_read(answer, f, ret, reterr);
    }
    if (r != 0)
        return r;
    is_whole = ret->is_answered[FAMILY_IPV4] && ret->is_answered[FAMILY_IPV6];
    if (!ret->error && !is_whole)
        return refuse_text(RESOLVED_E_INVALID, reterr, "a family is left out and nothing says why");
    if (ret->error && is_whole)
        return refuse_text(RESOLVED_E_INVALID, reterr, "an error, and yet no family is left out");
    if (!ret->error && addresses_count(ret) == 0)
        return refuse_text(RESOLVED_E_INVALID, reterr, "the name has no address at all");
    return 0;
}

/* --- what it changes --- */

static bool family_differs(const struct resolved_name *n, const struct resolution *from,
                           enum family f) {
    if (!from->is_answered[f])
        return false;
    if (n->n_addresses[f] != from->n_addresses[f])
        return true;
    for (size_t i = 0; i < n->n_addresses[f]; i++)
        if (address_compare(&n->addresses[f][i], &from->addresses[f][i]) != 0)
            return true;
    return false;
}

static int addresses_copy(const struct resolution *from, enum family f, struct address **ret) {
    *ret = malloc((from->n_addresses[f] + 1) * sizeof(**ret));
    if (!*ret)
        return -ENOMEM;
    memcpy(*ret, from->addresses[f], from->n_addresses[f] * sizeof(**ret));
    return 0;
}

static int addresses_take(struct resolved_name *n, const struct resolution *from) {
    struct address *next[FAMILY_MAX] = { 0 };
    int changed = 0;

    for (enum family f = 0; f < FAMILY_MAX; f++)
        if (family_differs(n, from, f) && addresses_copy(from, f, &next[f]) < 0) {
            free(next[FAMILY_IPV4]);
            return -ENOMEM;
        }
    for (enum family f = 0; f < FAMILY_MAX; f++) {
        if (!next[f])
            continue;
        free(n->addresses[f]);
        n->addresses[f] = next[f];
        n->n_addresses[f] = from->n_addresses[f];
        changed = 1;
    }
    return changed;
}

/* A failed attempt may say that the name has no address in one family: while the other is not
 * known, that is no reason to let go of the last ones. */
static bool says_addresses(const struct resolution *from) {
    return !from->error || addresses_count(from) > 0;
}

static size_t known_count(const struct resolved_name *n) {
    return n->n_addresses[FAMILY_IPV4] + n->n_addresses[FAMILY_IPV6];
}

/* Whether there are too many addresses once `n`, which is one of the names, has those of `from`. */
static bool is_too_much(const struct resolved *r, const struct resolved_name *n,
                        const struct resolution *from) {
    size_t total = 0;

    for (size_t i = 0; i < r->n; i++)
        total += known_count(&r->items[i]);
    for (enum family f = 0; f < FAMILY_MAX; f++)
        if (from->is_answered[f])
            total = total - n->n_addresses[f] + from->n_addresses[f];
    return total > RESOLVED_TOTAL_MAX && addresses_count(from) > 0;
}

int resolved_take(struct resolved *r, const struct resolution *from, uint64_t now_usec) {
    struct resolved_name *n = find(r, from->name);
    char *error = NULL;
    int changed = 0;

    if (!n)
        return RESOLVED_E_UNKNOWN;
    if (is_too_much(r, n, from))
        return RESOLVED_E_FULL;
    if (from->error) {
        error = strdup(from->error);
        if (!error)
            return -ENOMEM;
    }
    if (says_addresses(from))
        changed = addresses_take(n, from);
    if (changed < 0) {
        free(error);
        return changed;
    }
    free(n->error);
    n->error = error;
    n->failing_usec = !error ? 0 : n->failing_usec ? n->failing_usec : now_usec;
    if (!error) {
        n->answered_usec = now_usec;
        n->ttl = from->ttl;
    }
    return changed;
}

int resolved_gather(const struct resolved *r, const char *const *names, size_t n, enum family f,
                    struct arena *a, struct address **ret, size_t *ret_n) {
    size_t n_all = 0, n_copied = 0;
    struct address *all;

    for (size_t i = 0; i < n; i++) {
        const struct resolved_name *name = find(r, names[i]);

        n_all += name ? name->n_addresses[f] : 0;
    }
    all = arena_alloc(a, n_all * sizeof(*all));
    if (!all)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct resolved_name *name = find(r, names[i]);

        if (!name || name->n_addresses[f] == 0)
            continue;
        memcpy(all + n_copied, name->addresses[f], name->n_addresses[f] * sizeof(*all));
        n_copied += name->n_addresses[f];
    }
    addresses_tidy(all, &n_copied);
    *ret = all;
    *ret_n = n_copied;
    return 0;
}

/* --- on disk --- */

json_t *resolved_addresses_json(const struct resolved_name *n) {
    json_t *array = json_array();
    char buf[RANGE_TEXT_MAX];

    for (enum family f = 0; f < FAMILY_MAX; f++)
        for (size_t i = 0; array && i < n->n_addresses[f]; i++)
            if (json_array_append_new(
                    array, json_string(address_format(&n->addresses[f][i], f, buf))) < 0) {
                json_decref(array);
                array = NULL;
            }
    return array;
}

json_t *resolved_json(const struct resolved *r) {
    json_t *names = json_array();

    for (size_t i = 0; names && i < r->n; i++) {
        const struct resolved_name *n = &r->items[i];

        if (known_count(n) > 0 &&
            json_array_append_new(names, json_pack("{s:s, s:o, s:I, s:I}", "name", n->name,
                                                   "addresses", resolved_addresses_json(n),
                                                   "answered_usec", (json_int_t)n->answered_usec,
                                                   "ttl", (json_int_t)n->ttl)) < 0) {
            json_decref(names);
            return NULL;
        }
    }
    return names ? json_pack("{s:i, s:o}", "format", FORMAT, "names", names) : NULL;
}

/* An entry as the answer that it once was; false: it isn't one. */
static bool entry_parse(const json_t *entry, struct resolution *ret, uint64_t *ret_usec) {
    const json_t *addresses = json_object_get(entry, "addresses"), *item;
    const json_t *usec = json_object_get(entry, "answered_usec");
    const json_t *ttl = json_object_get(entry, "ttl");
    size_t i;

    *ret = (struct resolution){ .name = json_string_value(json_object_get(entry, "name")),
                                .is_answered = { true, true },
                                .ttl = (uint32_t)json_integer_value(ttl) };
    *ret_usec = (uint64_t)json_integer_value(usec);
    if (!ret->name || !hostname_is_valid(ret->name) || json_integer_value(usec) < 0 ||
        json_integer_value(ttl) < 0 || json_integer_value(ttl) > RESOLVED_TTL_MAX)
        return false;
    json_array_foreach((json_t *)addresses, i, item) {
        const char *text = json_string_value(item);
        struct address a;
        enum family f;

        if (!text || address_parse(text, &f, &a) != 0 || !is_reachable(f, &a) ||
            ret->n_addresses[f] == RESOLVED_ADDRESSES_MAX)
            return false;
        ret->addresses[f][ret->n_addresses[f]++] = a;
    }
    for (enum family f = 0; f < FAMILY_MAX; f++)
        addresses_tidy(ret->addresses[f], &ret->n_addresses[f]);
    return true;
}

static int string_compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names that the entries have, as resolved_need() wants them. */
static int names_of(const json_t *entries, struct resolved *ret) {
    size_t n = 0, kept = 0, i;
    const json_t *entry;
    const char **names = calloc(json_array_size(entries) + 1, sizeof(*names));
    int r;

    if (!names)
        return -ENOMEM;
    json_array_foreach((json_t *)entries, i, entry) {
        names[n] = json_string_value(json_object_get(entry, "name"));
        n += names[n] && hostname_is_valid(names[n]);
    }
    if (n > 1)
        qsort(names, n, sizeof(*names), string_compare);
    for (i = 0; i < n; i++)
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    r = resolved_need(ret, names, kept);
    free(names);
    return r < 0 ? r : 0;
}

int resolved_parse(const json_t *from, struct resolved *ret) {
    const json_t *entries = json_object_get(from, "names"), *entry;
    bool is_whole = json_is_array(entries);
    struct resolved r = { 0 };
    size_t i;

    if (json_integer_value(json_object_get(from, "format")) != FORMAT)
        return RESOLVED_E_INVALID;
    if (names_of(entries, &r) < 0)
        return -ENOMEM;
    json_array_foreach((json_t *)entries, i, entry) {
        struct resolution answer;
        uint64_t usec;
        int e;

        if (!entry_parse(entry, &answer, &usec)) {
            is_whole = false;
            continue;
        }
        e = resolved_take(&r, &answer, usec);
        if (e < 0) {
            resolved_clear(&r);
            return e;
        }
        is_whole = is_whole && e != RESOLVED_E_FULL;
    }
    resolved_clear(ret);
    *ret = r;
    return is_whole ? 0 : RESOLVED_E_INVALID;
}
