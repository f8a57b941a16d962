/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host is to each flow is written down as a row of bits, its traits; hosts whose traits are
 * equal are alike. So the cost grows with the number of hosts, and only what is asked of pairs
 * grows with the square of the groups. */
#include "engine/alike.h"

#include <errno.h>

/* The traits of a host: `in`, `out`, then for each address that differs its family, `from` and
 * `to`; each a set of flows, of `n_words` words. */
struct traits {
    size_t host;
    bool is_apart;
    uint64_t *words;
    size_t n_addresses;
};

struct finder {
    struct arena *arena;
    struct resolver *rs;
    size_t n_words; /* of a set of flows */
};

static void flows_add(uint64_t *flows, size_t flow) {
    flows[flow / 64] |= UINT64_C(1) << (flow % 64);
}

static size_t address_words(const struct finder *f) {
    return 1 + 2 * f->n_words;
}

static bool parties_have(struct party *const *parties, size_t n, enum family family,
                         const struct address *a) {
    for (size_t i = 0; i < n; i++)
        if (!parties[i]->is_self && party_contains(parties[i], family, a))
            return true;
    return false;
}

static void address_traits(const struct finder *f, enum family family, const struct address *a,
                           uint64_t *words) {
    const struct intent *in = f->rs->intent;

    words[0] = family;
    for (size_t i = 0; i < in->n_flows; i++) {
        const struct intent_flow *flow = &in->flows[i];

        if (parties_have(flow->from, flow->n_from, family, a))
            flows_add(words + 1, i);
        if (parties_have(flow->to, flow->n_to, family, a))
            flows_add(words + 1 + f->n_words, i);
    }
}

/* --- the addresses of a host --- */

struct samples {
    enum family family;
    struct address *items;
    size_t n;
};

static int sample_add(struct arena *a, struct samples *s, const struct address *address) {
    struct address *one = ARENA_APPEND(a, s->items, s->n);

    if (!one)
        return -ENOMEM;
    *one = *address;
    return 0;
}

static bool range_has(const struct range *r, const struct address *a) {
    return address_compare(a, &r->lo) >= 0 && address_compare(a, &r->hi) <= 0;
}

/* A host may have a whole network for an address: one address of each stretch of it that parties
 * treat alike, which begins where a party's range begins or behind one's end. */
static int prefix_samples(const struct finder *f, const struct prefix *own, struct samples *s) {
    const struct parties *parties = &f->rs->parties;
    int r = sample_add(f->arena, s, &own->range.lo);

    if (range_is_host(&own->range))
        return r;
    for (size_t i = 0; i < parties->n && r == 0; i++) {
        const struct ranges *ranges = &parties->items[i]->ranges[own->family];

        for (size_t j = 0; j < ranges->n && r == 0; j++) {
            struct address next;

            if (range_has(&own->range, &ranges->items[j].lo))
                r = sample_add(f->arena, s, &ranges->items[j].lo);
            if (r == 0 && address_next(&ranges->items[j].hi, own->family, &next) &&
                range_has(&own->range, &next))
                r = sample_add(f->arena, s, &next);
        }
    }
    return r;
}

static int words_compare(const uint64_t *a, const uint64_t *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static int address_compare_r(const void *a, const void *b, void *userdata) {
    return words_compare(a, b, address_words(userdata));
}

/* The traits of all addresses of a host, sorted, each once. */
static int addresses_traits(struct finder *f, const struct host *h, uint64_t **ret, size_t *ret_n) {
    const size_t size = address_words(f);
    struct samples samples[FAMILY_MAX] = { 0 };
    uint64_t *all, *at;
    size_t n = 0, kept = 0;

    for (size_t i = 0; i < h->addresses.n; i++) {
        const struct prefix *own = &h->addresses.items[i];

        if (prefix_samples(f, own, &samples[own->family]) < 0)
            return -ENOMEM;
    }
    for (enum family family = 0; family < FAMILY_MAX; family++)
        n += samples[family].n;
    at = all = arena_alloc(f->arena, n * size * sizeof(*all));
    if (!all)
        return -ENOMEM;
    for (enum family family = 0; family < FAMILY_MAX; family++)
        for (size_t i = 0; i < samples[family].n; i++, at += size)
            address_traits(f, family, &samples[family].items[i], at);
    qsort_r(all, n, size * sizeof(*all), address_compare_r, f);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || words_compare(all + (kept - 1) * size, all + i * size, size) != 0)
            memmove(all + kept++ * size, all + i * size, size * sizeof(*all));
    *ret = all;
    *ret_n = kept;
    return 0;
}

/* --- the hosts --- */

static int host_traits(struct finder *f, size_t host, const struct host *apart,
                       struct traits *ret) {
    const struct host *h = &f->rs->site->hosts[host];
    const struct intent *in = f->rs->intent;
    uint64_t *addresses = NULL;
    size_t n = 0;
    int r = resolver_aim(f->rs, h);

    if (r == 0)
        r = addresses_traits(f, h, &addresses, &n);
    if (r != 0)
        return r;
    ret->words =
        arena_alloc(f->arena, (2 * f->n_words + n * address_words(f)) * sizeof(*ret->words));
    if (!ret->words)
        return -ENOMEM;
    for (size_t i = 0; i < in->n_flows; i++)
        for (enum direction d = 0; d < DIRECTION_MAX; d++)
            if (in->flows[i].state[d] == FLOW_ACTIVE)
                flows_add(ret->words + (d == DIRECTION_IN ? 0 : f->n_words), i);
    memcpy(ret->words + 2 * f->n_words, addresses, n * address_words(f) * sizeof(*addresses));
    ret->n_addresses = n;
    ret->host = host;
    ret->is_apart = h == apart;
    return 0;
}

static int traits_compare(const struct traits *a, const struct traits *b, const struct finder *f) {
    if (a->is_apart != b->is_apart)
        return a->is_apart ? -1 : 1;
    if (a->n_addresses != b->n_addresses)
        return a->n_addresses < b->n_addresses ? -1 : 1;
    return words_compare(a->words, b->words, 2 * f->n_words + a->n_addresses * address_words(f));
}

static int traits_compare_r(const void *x, const void *y, void *userdata) {
    const struct traits *a = x, *b = y;
    int c = traits_compare(a, b, userdata);

    return c ? c : (a->host > b->host) - (a->host < b->host);
}

static int alike_make(const struct finder *f, const struct traits *traits, size_t n,
                      struct alike *ret) {
    const uint64_t *words = traits[0].words;

    *ret = (struct alike){ .hosts = arena_alloc(f->arena, n * sizeof(*ret->hosts)),
                           .n_hosts = n,
                           .in = words,
                           .out = words + f->n_words,
                           .addresses = arena_alloc(f->arena, traits[0].n_addresses *
                                                                  sizeof(*ret->addresses)),
                           .n_addresses = traits[0].n_addresses };
    if (!ret->hosts || !ret->addresses)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        ret->hosts[i] = traits[i].host;
    words += 2 * f->n_words;
    for (size_t i = 0; i < ret->n_addresses; i++, words += address_words(f))
        ret->addresses[i] =
            (struct alike_address){ (enum family)words[0], words + 1, words + 1 + f->n_words };
    return 0;
}

static int alike_compare(const void *x, const void *y) {
    const struct alike *a = x, *b = y;

    return (a->hosts[0] > b->hosts[0]) - (a->hosts[0] < b->hosts[0]);
}

static int alikes_collect(const struct finder *f, const struct traits *traits, size_t n,
                          struct alikes *ret) {
    for (size_t i = 0, same; i < n; i += same) {
        struct alike *one = ARENA_APPEND(f->arena, ret->items, ret->n);

        same = 1;
        while (i + same < n && traits_compare(&traits[i], &traits[i + same], f) == 0)
            same++;
        if (!one || alike_make(f, &traits[i], same, one) < 0)
            return -ENOMEM;
    }
    qsort(ret->items, ret->n, sizeof(*ret->items), alike_compare);
    for (size_t i = 0; i < ret->n; i++)
        for (size_t j = 0; j < ret->items[i].n_hosts; j++)
            ret->of_host[ret->items[i].hosts[j]] = i;
    return 0;
}

int alikes_find(struct arena *a, struct resolver *rs, const struct host *apart,
                struct alikes *ret) {
    struct finder f = { a, rs, (rs->intent->n_flows + 63) / 64 };
    size_t n = rs->site->n_hosts;
    struct traits *traits = arena_alloc(a, n * sizeof(*traits));
    int r = 0;

    *ret = (struct alikes){ .of_host = arena_alloc(a, n * sizeof(*ret->of_host)) };
    if (!traits || !ret->of_host)
        return -ENOMEM;
    for (size_t i = 0; i < n && r == 0; i++)
        r = host_traits(&f, i, apart, &traits[i]);
    if (r < 0)
        return r;
    qsort_r(traits, n, sizeof(*traits), traits_compare_r, &f);
    return alikes_collect(&f, traits, n, ret);
}
