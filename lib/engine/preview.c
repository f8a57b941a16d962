/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of two intents are compared whatever the modes make of them; a mode that changes is told
 * beside them, because it opens or closes all that no row names. */
#include "engine/preview.h"

#include "engine/jsonlist.h"

#include <errno.h>

bool preview_denies(const struct intent *in, enum direction d) {
    return in->modes[d] == MODE_ENFORCE;
}

/* The neighbours are sorted by address, a host stands there once for each of its own. */
static bool has_text(const json_t *array, const char *text) {
    const json_t *item;
    size_t i;

    json_array_foreach(array, i, item) if (strcmp(json_string_value(item), text) == 0) return true;
    return false;
}

/* The hosts of the site that a change is about. */
static json_t *hosts_json(const struct intent *of, const struct flow_change *c) {
    json_t *array = json_array();
    int r = array ? 0 : -1;

    for (size_t i = 0; i < of->n_neighbours && r == 0; i++) {
        const struct intent_neighbour *n = &of->neighbours[i];

        if (strcmp(n->name, of->self.name) != 0 &&
            ranges_contain(&c->ranges[n->family], &n->address) && !has_text(array, n->name))
            r = json_array_append_new(array, json_string(n->name));
    }
    return json_whole(array, r);
}

static json_t *side_json(const struct intent *of, const struct flow_change *c, size_t n) {
    json_t *array = changes_json(c, n);
    int r = array ? 0 : -1;

    for (size_t i = 0; i < n && r == 0; i++)
        r = json_object_set_new(json_array_get(array, i), "hosts", hosts_json(of, &c[i]));
    return json_whole(array, r);
}

static json_t *modes_json(const struct intent *then, const struct intent *now) {
    json_t *array = json_array();
    int r = array ? 0 : -1;

    for (enum direction d = 0; d < DIRECTION_MAX && r == 0; d++)
        if (then->modes[d] != now->modes[d])
            r = json_array_append_new(
                array, json_pack("{s:s, s:s, s:s}", "direction", direction_name(d), "from",
                                 mode_name(then->modes[d]), "to", mode_name(now->modes[d])));
    return json_whole(array, r);
}

static bool is_audited(const struct intent *in, const char *word) {
    for (size_t i = 0; i < in->n_audited; i++)
        if (strcmp(in->audited[i], word) == 0)
            return true;
    return false;
}

/* The words of the site's "audit" that `in` has and `other` hasn't. */
static json_t *audited_json(const struct intent *in, const struct intent *other) {
    json_t *array = json_array();
    int r = array ? 0 : -1;

    for (size_t i = 0; i < in->n_audited && r == 0; i++)
        if (!is_audited(other, in->audited[i]))
            r = json_array_append_new(array, json_string(in->audited[i]));
    return json_whole(array, r);
}

/* A host that is not in a site has no portd that denies anything: only its rows are compared. */
static struct intent absent(const struct intent *other) {
    struct intent none = *other;

    none.flows = NULL;
    none.n_flows = 0;
    return none;
}

json_t *preview_json(const struct intent *then, const struct intent *now) {
    const char *presence = !then ? "added" : !now ? "removed" : NULL;
    _cleanup_(changes_freep) struct changes *c = NULL;
    struct intent none = absent(then ? then : now);
    const struct intent *before = then ? then : &none, *after = now ? now : &none;

    if (changes_find(before, after, &c) < 0)
        return NULL;
    return json_pack("{s:s, s:s*, s:o, s:o, s:o, s:o, s:o}", "host", after->self.name, "presence",
                     presence, "opened", side_json(after, c->opened, c->n_opened), "closed",
                     side_json(before, c->closed, c->n_closed), "modes", modes_json(before, after),
                     "audited", audited_json(after, before), "enforced",
                     audited_json(before, after));
}

bool preview_is_empty(json_t *planned) {
    static const char *const arrays[] = { "opened", "closed", "modes", "audited", "enforced" };
    bool is_empty = !json_object_get(planned, "presence");

    for (size_t i = 0; i < ARRAY_SIZE(arrays); i++)
        is_empty &= json_array_size(json_object_get(planned, arrays[i])) == 0;
    return is_empty;
}
