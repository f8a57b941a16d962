/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/tableparts.h"

#include "engine/jsonlist.h"
#include "engine/resolve.h"

#include <errno.h>

/* "25, 465 or 587"; NULL when memory is out. */
static const char *choices_text(struct arena *a, const struct port *p) {
    const char *text = "";

    for (size_t i = 0; text && i < p->n_choices; i++)
        text = arena_printf(a, "%s%s%u", text,
                            i == 0                  ? ""
                            : i == p->n_choices - 1 ? " or "
                                                    : ", ",
                            p->choices[i]);
    return text;
}

/* What a site may make of a port. */
static const char *choice_text(struct arena *a, const struct port *p) {
    const char *choices = choices_text(a, p);

    if (!choices)
        return NULL;
    if (p->fixed)
        return "the vendor fixes it";
    if (p->number == 0)
        return p->n_choices ? arena_printf(a, "the site names it: %s", choices)
                            : "the site names it";
    return p->n_choices ? arena_printf(a, "a site may choose %s", choices)
                        : "a site may choose another";
}

/* What a site has made of a port that is `number` there. */
static const char *chosen_text(struct arena *a, const struct port *p, uint16_t number) {
    if (number == 0)
        return "the site does not name it";
    if (p->number == 0)
        return "named by the site";
    return number == p->number ? "the vendor's" : arena_printf(a, "instead of %u", p->number);
}

static json_t *port_json(struct arena *a, const struct port *p, const struct policy *policy,
                         const struct site *site) {
    uint16_t number = site ? site_port_number(site, policy, p->name) : p->number;
    const char *choice = site ? chosen_text(a, p, number) : choice_text(a, p);
    const char *text = number ? arena_printf(a, "%u", number) : "";

    if (!choice || !text)
        return NULL;
    return json_pack("{s:s, s:s, s:s, s:s}", "port", p->name, "title", p->title, "number", text,
                     "choice", choice);
}

json_t *ports_json(const struct policy *p, const struct site *site) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    json_t *ports = a ? json_array() : NULL;
    int r = 0;

    for (size_t i = 0; ports && i < p->n_ports && r == 0; i++)
        r = json_array_append_new(ports, port_json(a, &p->ports[i], p, site));
    return json_whole(ports, r);
}

json_t *features_json(const struct policy *p, const struct site *site) {
    json_t *features = json_array();
    int r = 0;

    for (size_t i = 0; features && i < p->n_features && r == 0; i++) {
        const struct feature *f = &p->features[i];
        const char *state =
            f->default_on ? "on until a site says otherwise" : "off until a site says otherwise";

        if (site)
            state = site_feature_is_on(site, p, f->name) ? "on" : "off";
        r = json_array_append_new(features, json_pack("{s:s, s:s, s:s}", "feature", f->name,
                                                      "title", f->title, "state", state));
    }
    return json_whole(features, r);
}

static json_t *peer_json(struct arena *a, const struct peer *p) {
    const char *who = p->default_any ? "open to any address until bound" : "nobody until bound";

    for (size_t i = 0; who && i < p->hostnames.n; i++)
        who = arena_printf(a, "%s%s", i ? arena_printf(a, "%s, ", who) : "",
                           p->hostnames.items[i].text);
    if (who && p->hostnames.n > 0)
        who = arena_printf(a, "%s until bound%s", who,
                           p->hostnames_only ? ", and then to host names alone" : "");
    if (!who)
        return NULL;
    return json_pack("{s:s, s:s, s:s}", "peer", p->name, "title", p->title, "who", who);
}

json_t *peers_json(const struct policy *p) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    json_t *peers = a ? json_array() : NULL;
    int r = 0;

    for (size_t i = 0; peers && i < p->n_peers && r == 0; i++)
        r = json_array_append_new(peers, peer_json(a, &p->peers[i]));
    return json_whole(peers, r);
}
