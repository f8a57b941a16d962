/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last step of intent_resolve(): what is allowed in a site, and yet more often forgotten than
 * meant. Each says where it is mended. */
#include "engine/warning.h"

#include "engine/audited.h"

#include <errno.h>

static int warning_add(struct intent *in, const char *code, const char *text, const char *hint) {
    struct intent_warning *w;

    if (!text || !hint)
        return -ENOMEM;
    w = ARENA_APPEND(in->arena, in->warnings, in->n_warnings);
    if (!w)
        return -ENOMEM;
    *w = (struct intent_warning){ code, text, hint };
    return 0;
}

/* One warning for each peer that closes rows of this host, naming the rows. */
static int warn_unbound(struct intent *in, const struct party *p, const char *site_file) {
    const char *rows = NULL, *peer;

    for (size_t i = 0; i < in->n_flows; i++) {
        const struct intent_flow *f = &in->flows[i];
        bool hit = false;

        for (enum direction d = 0; d < DIRECTION_MAX; d++) {
            size_t n;
            struct party **others = flow_others(f, d, &n);

            if (f->state[d] == FLOW_FEATURE_OFF || f->state[d] == FLOW_NOT_MINE)
                continue;
            for (size_t j = 0; j < n; j++)
                hit = hit || others[j] == p;
        }
        if (!hit)
            continue;
        rows = rows ? arena_printf(in->arena, "%s, %s", rows, f->id) : f->id;
        if (!rows)
            return -ENOMEM;
    }
    if (!rows)
        return 0;
    if (strcmp(p->name, "management") == 0)
        return warning_add(
            in, "no-management",
            arena_printf(in->arena, "no management network is named: %s is open to nobody", rows),
            arena_printf(in->arena, "%s /management", site_file));
    peer = strchr(p->name, '_');
    if (!peer)
        return 0;
    return warning_add(
        in, "peer-unbound",
        arena_printf(in->arena, "peer %s is unbound and opens nothing in %s", p->selector, rows),
        arena_printf(in->arena, "%s /products/%.*s/peers/%s", site_file, (int)(peer - p->name),
                     p->name, peer + 1));
}

static int warn_parties(struct intent *in, const struct parties *parties) {
    int r = 0;

    for (size_t i = 0; i < parties->n && r == 0; i++)
        if (parties->items[i]->is_unbound_peer)
            r = warn_unbound(in, parties->items[i], parties->site->file);
    return r;
}

/* A row whose port only the site knows, on a host that would need it. */
static int warn_ports(struct intent *in, const char *site_file) {
    int r = 0;

    for (size_t i = 0; i < in->n_flows && r == 0; i++) {
        const struct intent_flow *f = &in->flows[i];

        if (f->state[DIRECTION_IN] != FLOW_NO_PORT && f->state[DIRECTION_OUT] != FLOW_NO_PORT)
            continue;
        r = warning_add(
            in, "port-unnamed",
            arena_printf(in->arena, "the port %s has no number: %s opens nothing", f->missing,
                         f->id),
            arena_printf(in->arena, "%s /products/%s/ports/%s", site_file, f->product, f->missing));
    }
    return r;
}

static int warn_no_baseline(struct intent *in) {
    return warning_add(in, "no-baseline",
                       "there is no policy host-baseline: neighbour discovery, ping, DNS and ssh "
                       "are closed",
                       "put host-baseline.json into a policy directory");
}

static int warn_no_roles(struct intent *in, const struct site *site) {
    return warning_add(in, "no-roles",
                       arena_printf(in->arena, "host %s has no role: only host-baseline %s",
                                    in->self.name,
                                    site->n_flows ? "and the site's own flows apply" : "applies"),
                       arena_printf(in->arena, "%s /hosts/%s/roles", site->file, in->self.name));
}

static int warn_modes(struct intent *in, const char *site_file) {
    int r = 0;

    for (enum direction d = 0; d < DIRECTION_MAX && r == 0; d++) {
        const char *key = d == DIRECTION_IN ? "ingress" : "egress";

        if (in->modes[d] != MODE_ENFORCE)
            r = warning_add(in, in->modes[d] == MODE_AUDIT ? "mode-audit" : "mode-off",
                            arena_printf(in->arena, "%s is %s: nothing is denied there", key,
                                         mode_name(in->modes[d])),
                            arena_printf(in->arena, "%s /%s", site_file, key));
    }
    return r;
}

/* The rows that only share a service with what is audited, of one word. */
static const char *rows_beside(struct intent *in, const char *word) {
    const char *rows = "";

    for (size_t i = 0; i < in->n_flows && rows; i++)
        for (enum direction d = 0; d < DIRECTION_MAX; d++) {
            const struct intent_flow *f = &in->flows[i];

            if (f->state[d] == FLOW_ACTIVE && in->modes[d] == MODE_ENFORCE && !f->audit[d] &&
                audited_beside(in, d, f, word)) {
                rows = arena_printf(in->arena, "%s%s%s", rows, *rows ? ", " : "", f->id);
                break;
            }
        }
    return rows;
}

/* A packet that no row opens can't be told to be denied by one row and not by another. */
static int warn_audited(struct intent *in, const char *site_file) {
    int r = 0;

    for (size_t i = 0; i < in->n_audited && r == 0; i++) {
        const char *word = in->audited[i], *rows = rows_beside(in, word);

        r = warning_add(in, "part-audit",
                        rows ? arena_printf(in->arena,
                                            "%s is in audit mode: at its services nothing is "
                                            "denied%s%s",
                                            word, *rows ? ", which are services of " : "", rows)
                             : NULL,
                        arena_printf(in->arena, "%s /audit", site_file));
    }
    return r;
}

int warnings_resolve(struct intent *in, const struct parties *parties) {
    int r = warn_parties(in, parties);

    if (r == 0)
        r = warn_ports(in, parties->site->file);
    if (r == 0 && !policy_find(parties->policies, parties->n_policies, PRODUCT_BASELINE))
        r = warn_no_baseline(in);
    if (r == 0 && in->self.n_roles == 0)
        r = warn_no_roles(in, parties->site);
    if (r == 0)
        r = warn_modes(in, parties->site->file);
    return r < 0 ? r : warn_audited(in, parties->site->file);
}
