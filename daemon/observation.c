/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Denials of one service by hosts of one role are one line: an administrator mends a row of a
 * table, not an address. What a flow opens by now is told no more. */
#include "daemon/observation.h"

#include "daemon/clock.h"
#include "daemon/reasons.h"
#include "engine/audited.h"
#include "engine/jsonlist.h"

#include <string.h>

#define LOOKED_AT 1000U /* denials, the newest; so that whoever floods doesn't hold status up */
#define TOLD      50U   /* groups */

static json_t *names(const struct intent *in) {
    static const char *const directions[] = { "ingress", "egress" };
    json_t *list = json_list_strings(in->audited, in->n_audited);
    int r = list ? 0 : -1;

    static_assert(ARRAY_SIZE(directions) == DIRECTION_MAX, "a direction has no name");
    for (enum direction d = DIRECTION_MAX; r == 0 && d-- > 0;)
        if (in->modes[d] == MODE_AUDIT)
            r = json_array_insert_new(list, 0, json_string(directions[d]));
    return json_whole(list, r);
}

static bool has(json_t *list, json_t *wanted) {
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item) if (json_equal(item, wanted)) return true;
    return false;
}

static bool has_all(json_t *list, json_t *wanted) {
    json_t *item;
    size_t i;

    json_array_foreach(wanted, i, item) if (!has(list, item)) return false;
    return true;
}

void observation_update(struct observation *o, const struct manager *m) {
    json_t *now = names(m->enforced->intent);

    if (!now)
        return;
    if (!o->what || !has_all(o->what, now))
        o->since_usec = clock_realtime();
    json_decref(o->what);
    o->what = now;
}

void observation_clear(struct observation *o) {
    json_decref(o->what);
    o->what = NULL;
}

void observation_take(struct observation *o, const struct denied_key *k, uint64_t now_usec) {
    if (k->would && k->kind != DENIED_STRAY)
        o->last_usec = now_usec;
}

/* "ACD-CHAT, ACD-REST" of roles, else the name; new. */
static json_t *role_names(json_t *roles, const char *name) {
    json_t *text = json_string(""), *role, *longer;
    size_t i;

    json_array_foreach(roles, i, role) {
        const char *slash = strchr(json_string_value(role), '/');

        longer = json_sprintf("%s%s%s", text ? json_string_value(text) : "", i ? ", " : "",
                              slash ? slash + 1 : json_string_value(role));
        json_decref(text);
        text = longer;
    }
    if (json_array_size(roles) > 0)
        return text;
    json_decref(text);
    return json_string(name);
}

static const char *text_of(const json_t *o, const char *key) {
    const char *text = json_string_value(json_object_get(o, key));

    return text ? text : "";
}

/* Hosts of the same roles are one; those of no host of the site, too. */
static bool is_same(const json_t *group, const json_t *denial) {
    json_t *one = json_object_get(group, "roles"), *other = json_object_get(denial, "roles");

    return (one == other || json_equal(one, other)) &&
           strcmp(text_of(group, "direction"), text_of(denial, "direction")) == 0 &&
           strcmp(text_of(group, "service"), text_of(denial, "service")) == 0 &&
           strcmp(text_of(group, "kind"), text_of(denial, "kind")) == 0;
}

static json_int_t number_of(const json_t *o, const char *key) {
    return json_integer_value(json_object_get(o, key));
}

/* Takes the denial: the newest of a group stands for all. */
static int group_add(json_t *groups, json_t *denial) {
    json_t *group;
    size_t i;
    int r = 0;

    json_array_foreach(groups, i, group) if (is_same(group, denial)) {
        r = json_object_set_new(
                group, "packets",
                json_integer(number_of(group, "packets") + number_of(denial, "packets"))) |
            json_object_set_new(group, "hosts", json_integer(number_of(group, "hosts") + 1));
        json_decref(denial);
        return r;
    }
    r = json_object_set_new(denial, "hosts", json_integer(1));
    return r < 0 ? (json_decref(denial), -1) : json_array_append_new(groups, denial);
}

/* What passed once may be denied by now. */
static bool is_still_audited(const struct intent *in, const struct denied_key *k) {
    const struct service s = { k->protocol, k->port, k->port };
    enum direction d = (enum direction)k->direction;

    return in->modes[d] == MODE_AUDIT ||
           (in->modes[d] == MODE_ENFORCE && audited_service(in, d, &s));
}

static int groups_collect(const struct manager *m, struct denials *denials, json_t *groups) {
    struct reasons reasons;
    size_t n = 0;
    int r = reasons_open(m, &reasons);

    for (struct denial *i = denials_newest(denials); i && r == 0 && n < LOOKED_AT;
         i = denials_older(denials, i)) {
        json_t *denial;

        if (!i->key.would || i->key.kind == DENIED_STRAY ||
            !is_still_audited(m->enforced->intent, &i->key))
            continue;
        n++;
        denial = denial_json(&reasons, i);
        if (!denial)
            r = -1;
        else if (json_object_get(denial, "flow"))
            json_decref(denial);
        else
            r = group_add(groups, denial);
    }
    reasons_close(&reasons);
    return r;
}

/* type WouldDeny. */
static json_t *group_json(const struct intent *in, json_t *group) {
    json_t *own = json_list_strings(in->self.roles, in->self.n_roles);
    json_t *here = role_names(own, in->self.name);
    json_t *host = json_object_get(group, "host");
    json_t *there = number_of(group, "hosts") > 1 && !host
                        ? json_sprintf("addresses outside the site")
                        : role_names(json_object_get(group, "roles"),
                                     text_of(group, host ? "host" : "address"));
    bool is_in = strcmp(text_of(group, "direction"), "in") == 0;
    json_t *near = json_object_get(group, "nearest");

    json_decref(own);
    return json_pack("{s:s, s:o, s:o, s:s, s:I, s:I, s:s, s:s, s:O*}", "direction",
                     text_of(group, "direction"), "from", is_in ? there : here, "to",
                     is_in ? here : there, "service", text_of(group, "service"), "packets",
                     number_of(group, "packets"), "hosts", number_of(group, "hosts"), "last",
                     text_of(group, "last"), "reason", text_of(group, "reason"), "nearest", near);
}

/* What a row nearly opens is mended first; then comes what the site's own hosts do. */
enum rank { RANK_NEAR, RANK_SITE, RANK_OTHER, RANK_MAX };

static enum rank rank_of(const json_t *group) {
    if (json_object_get(group, "nearest"))
        return RANK_NEAR;
    return json_object_get(group, "host") ? RANK_SITE : RANK_OTHER;
}

static json_t *would_json(const struct manager *m, json_t *groups) {
    json_t *list = json_array(), *group;
    size_t i;
    int r = list ? 0 : -1;

    for (enum rank rank = 0; rank < RANK_MAX; rank++)
        json_array_foreach(groups, i, group) if (r == 0 && rank_of(group) == rank &&
                                                 json_array_size(list) < TOLD) r =
            json_array_append_new(list, group_json(m->enforced->intent, group));
    return json_whole(list, r);
}

json_t *observation_json(const struct observation *o, const struct manager *m,
                         struct denials *denials) {
    uint64_t now = clock_realtime();
    uint64_t from = o->last_usec > o->since_usec ? o->last_usec : o->since_usec;
    json_t *groups, *reply;
    char since[CLOCK_TEXT_SIZE];

    if (json_array_size(o->what) == 0)
        return json_null();
    groups = json_array();
    if (!groups || groups_collect(m, denials, groups) < 0) {
        json_decref(groups);
        return NULL;
    }
    reply = json_pack(
        "{s:O, s:s, s:I, s:I, s:o, s:I}", "what", o->what, "since",
        clock_format(o->since_usec, since), "quiet_usec", (json_int_t)(now > from ? now - from : 0),
        "enough_usec", (json_int_t)OBSERVATION_ENOUGH_USEC, "would", would_json(m, groups), "more",
        (json_int_t)(json_array_size(groups) > TOLD ? json_array_size(groups) - TOLD : 0));
    json_decref(groups);
    return reply;
}
