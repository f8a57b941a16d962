/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/grant.h"

#include "engine/jsonlist.h"

#include <errno.h>
#include <string.h>

#define SAVED_FORMAT 1

const char *grant_fault(const struct query *what) {
    return protocol_has_ports(what->service.protocol)
               ? NULL
               : "a grant opens one port of tcp, udp or sctp, as in tcp/22";
}

const char *grant_reason_fault(const char *reason) {
    if (!reason || reason[0] == '\0')
        return "a grant wants a reason, for the journal and the status";
    if (strlen(reason) >= GRANT_REASON_SIZE)
        return "the reason of a grant has at most 255 bytes";
    for (; *reason; reason++)
        if ((unsigned char)*reason < ' ' || *reason == 127)
            return "the reason of a grant is one line of text";
    return NULL;
}

static bool is_same(const struct query *a, const struct query *b) {
    return a->direction == b->direction && a->family == b->family &&
           a->service.protocol == b->service.protocol && a->service.lo == b->service.lo &&
           address_compare(&a->other, &b->other) == 0;
}

static size_t place_of(const struct grants *g, const struct query *what) {
    size_t i = 0;

    while (i < g->n && !is_same(&g->items[i].what, what))
        i++;
    return i;
}

struct grant *grants_find(struct grants *g, const struct query *what) {
    size_t i = place_of(g, what);

    return i < g->n ? &g->items[i] : NULL;
}

const struct grant *grants_look(const struct grants *g, const struct query *what) {
    size_t i = place_of(g, what);

    return i < g->n ? &g->items[i] : NULL;
}

bool grants_add(struct grants *g, const struct grant *grant) {
    struct grant *slot = grants_find(g, &grant->what);

    if (!slot && g->n == GRANTS_MAX)
        return false;
    if (!slot)
        slot = &g->items[g->n++];
    *slot = *grant;
    return true;
}

void grants_remove(struct grants *g, struct grant *grant) {
    size_t at = (size_t)(grant - g->items);

    memmove(grant, grant + 1, (g->n - at - 1) * sizeof(*grant));
    g->n--;
}

bool grants_expire(struct grants *g, uint64_t now_msec, struct grant *ret) {
    for (size_t i = 0; i < g->n; i++)
        if (g->items[i].until_msec <= now_msec) {
            *ret = g->items[i];
            grants_remove(g, &g->items[i]);
            return true;
        }
    return false;
}

uint64_t grants_next(const struct grants *g) {
    uint64_t next = 0;

    for (size_t i = 0; i < g->n; i++)
        if (next == 0 || g->items[i].until_msec < next)
            next = g->items[i].until_msec;
    return next;
}

static struct set *set_find(struct ruleset *rules, const char *name) {
    for (size_t i = 0; i < rules->n_sets; i++)
        if (strcmp(rules->sets[i].name, name) == 0)
            return &rules->sets[i];
    return NULL;
}

static int compare(const void *a, const void *b) {
    return element_compare_key(a, b, SET_GRANTED6);
}

static int set_put(const struct grants *g, enum direction d, enum family f, struct arena *arena,
                   struct set *s) {
    struct element *elements = arena_alloc(arena, (g->n + 1) * sizeof(*elements));
    size_t n = 0;

    if (!elements)
        return -ENOMEM;
    for (size_t i = 0; i < g->n; i++) {
        const struct query *q = &g->items[i].what;

        if (q->direction == d && q->family == f)
            elements[n++] = (struct element){ .service = { q->service.protocol, q->service.lo },
                                              .range = { q->other, q->other },
                                              .until_msec = g->items[i].until_msec };
    }
    qsort(elements, n, sizeof(*elements), compare);
    s->elements = elements;
    s->n_elements = n;
    return 0;
}

int grants_put(const struct grants *g, struct ruleset *rules) {
    int r = 0;

    for (enum direction d = 0; d < DIRECTION_MAX; d++)
        for (enum family f = 0; r == 0 && f < FAMILY_MAX; f++) {
            char name[GRANTED_NAME_MAX];
            struct set *s = set_find(rules, granted_set_name(d, f, name));

            if (s)
                r = set_put(g, d, f, rules->arena, s);
        }
    return r;
}

/* --- on disk --- */

static json_t *grant_item(const void *owner, size_t i) {
    const struct grant *g = &((const struct grants *)owner)->items[i];
    char service[SERVICE_TEXT_MAX], address[RANGE_TEXT_MAX];

    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "direction",
                     direction_name(g->what.direction), "service",
                     service_format(&g->what.service, service), "address",
                     address_format(&g->what.other, g->what.family, address), "until_msec",
                     (json_int_t)g->until_msec, "granted_usec", (json_int_t)g->granted_usec, "by",
                     g->by, "reason", g->reason);
}

json_t *grants_save_json(const struct grants *g, const char *boot) {
    return json_pack("{s:i, s:s, s:o}", "format", SAVED_FORMAT, "boot", boot, "grants",
                     json_list(g, g->n, grant_item));
}

static int grant_parse(json_t *o, struct grant *ret) {
    const char *direction, *service, *address, *by, *reason;
    json_int_t until_msec, granted_usec;
    _cleanup_(freep) char *why = NULL;
    int r;

    if (json_unpack(o, "{s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "direction", &direction, "service",
                    &service, "address", &address, "until_msec", &until_msec, "granted_usec",
                    &granted_usec, "by", &by, "reason", &reason) < 0 ||
        until_msec <= 0 || granted_usec < 0 || strlen(by) >= GRANT_BY_SIZE ||
        grant_reason_fault(reason))
        return GRANTS_E_INVALID;
    *ret = (struct grant){ .until_msec = (uint64_t)until_msec,
                           .granted_usec = (uint64_t)granted_usec };
    memcpy(ret->by, by, strlen(by));
    memcpy(ret->reason, reason, strlen(reason));
    r = query_parse(direction, service, address, &ret->what, &why);
    if (r < 0)
        return r;
    return r || grant_fault(&ret->what) ? GRANTS_E_INVALID : 0;
}

int grants_parse(const json_t *saved, const char *boot, struct grants *ret) {
    const json_t *list = json_object_get(saved, "grants");
    const char *of = json_string_value(json_object_get(saved, "boot"));
    json_t *o;
    size_t i;

    *ret = (struct grants){ 0 };
    if (json_integer_value(json_object_get(saved, "format")) != SAVED_FORMAT || !of ||
        !json_is_array(list) || json_array_size(list) > GRANTS_MAX)
        return GRANTS_E_INVALID;
    if (strcmp(of, boot) != 0)
        return json_array_size(list) ? GRANTS_E_OTHER_BOOT : 0;
    json_array_foreach(list, i, o) {
        struct grant g;
        int r = grant_parse(o, &g);

        if (r == 0 && !grants_add(ret, &g))
            r = GRANTS_E_INVALID;
        if (r != 0) {
            *ret = (struct grants){ 0 };
            return r;
        }
    }
    return 0;
}
