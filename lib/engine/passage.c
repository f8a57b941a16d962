/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/passage.h"

#include <errno.h>

void passage_begin(struct passage_build *b) {
    b->passage.n_services = b->passage.n_out = 0;
}

void passage_clear(struct passage_build *b) {
    free(b->passage.services);
    free(b->passage.out);
}

/* Makes room for one more behind the `n` of an array. */
static int room_make(void *array, size_t n, size_t *room, size_t size) {
    void **items = array, *more;

    if (n < *room)
        return 0;
    more = realloc(*items, (2 * n + 4) * size);
    if (!more)
        return -ENOMEM;
    *items = more;
    *room = 2 * n + 4;
    return 0;
}

/* 1: it is new. */
static int service_add(struct passage_build *b, const struct service *s) {
    struct passage *p = &b->passage;

    for (size_t i = 0; i < p->n_services; i++)
        if (p->services[i].protocol == s->protocol && p->services[i].lo <= s->lo &&
            p->services[i].hi >= s->hi)
            return 0;
    if (room_make(&p->services, p->n_services, &b->room_services, sizeof(*p->services)) < 0)
        return -ENOMEM;
    p->services[p->n_services++] = *s;
    return 1;
}

bool family_carries(enum family f, uint8_t protocol) {
    if (protocol == PROTOCOL_ICMPV6)
        return f == FAMILY_IPV6;
    return f == FAMILY_IPV4 || protocol_has_ports(protocol);
}

int passage_add(struct passage_build *b, const struct intent_flow *x, const struct intent_flow *y,
                enum family family) {
    int added = 0;

    for (size_t i = 0; i < x->n_services; i++)
        for (size_t j = 0; j < y->n_services; j++) {
            const struct service *s = &x->services[i], *t = &y->services[j];
            const struct service common = { s->protocol, s->lo > t->lo ? s->lo : t->lo,
                                            s->hi < t->hi ? s->hi : t->hi };
            int r = 0;

            if (s->protocol == t->protocol && common.lo <= common.hi &&
                family_carries(family, s->protocol))
                r = service_add(b, &common);
            if (r < 0)
                return r;
            added |= r;
        }
    return added;
}

int passage_add_out(struct passage_build *b, const struct intent_flow *flow) {
    struct passage *p = &b->passage;
    size_t at = 0;

    while (at < p->n_out && p->out[at] < flow)
        at++;
    if (at < p->n_out && p->out[at] == flow)
        return 0;
    if (room_make(&p->out, p->n_out, &b->room_out, sizeof(struct intent_flow *)) < 0)
        return -ENOMEM;
    memmove(p->out + at + 1, p->out + at, (p->n_out - at) * sizeof(struct intent_flow *));
    p->out[at] = flow;
    p->n_out++;
    return 0;
}

void passage_end(struct passage_build *b) {
    b->passage.n_services = services_join(b->passage.services, b->passage.n_services);
}

bool passage_equals(const struct passage *a, const struct passage *b) {
    if (a->n_services != b->n_services || a->n_out != b->n_out)
        return false;
    for (size_t i = 0; i < a->n_services; i++)
        if (service_compare(&a->services[i], &b->services[i]) != 0)
            return false;
    for (size_t i = 0; i < a->n_out; i++)
        if (a->out[i] != b->out[i])
            return false;
    return true;
}

int passage_copy(struct arena *a, const struct passage *from, struct passage *to) {
    *to = (struct passage){ .services = arena_alloc(a, from->n_services * sizeof(*to->services)),
                            .n_services = from->n_services,
                            .out = arena_alloc(a, from->n_out * sizeof(struct intent_flow *)),
                            .n_out = from->n_out };
    if (!to->services || !to->out)
        return -ENOMEM;
    memcpy(to->services, from->services, from->n_services * sizeof(*to->services));
    if (from->n_out > 0)
        memcpy(to->out, from->out, from->n_out * sizeof(struct intent_flow *));
    return 0;
}
