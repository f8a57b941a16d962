/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/findings.h"

#include "engine/jsonlist.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const code_names[] = {
    [FINDING_DENIES] = "denies",       [FINDING_REDIRECTS] = "redirects",
    [FINDING_QUEUES] = "queues",       [FINDING_UNTRACKED] = "untracked",
    [FINDING_PUBLISHED] = "published", [FINDING_FLOWTABLE] = "flowtable",
    [FINDING_LEGACY] = "legacy",       [FINDING_OTHER_PORTD] = "other-portd",
    [FINDING_HOSTILE] = "hostile",
};
static_assert(ARRAY_SIZE(code_names) == FINDING_MAX, "a finding has no code");

const char *finding_code_name(enum finding_code c) {
    return code_names[c];
}

static bool services_count(struct findings *f) {
    size_t n = f->intent->n_flows, *first = arena_alloc(f->audit->arena, (n + 1) * sizeof(*first));

    for (size_t i = 0; first && i < n; i++)
        first[i + 1] = first[i] + f->intent->flows[i].n_services;
    f->first_service = first;
    return first;
}

int findings_begin(struct findings *f, const struct intent *in) {
    *f = (struct findings){ .audit = calloc(1, sizeof(*f->audit)), .intent = in };
    if (!f->audit)
        return -ENOMEM;
    f->audit->arena = arena_new();
    if (f->audit->arena && services_count(f))
        return 0;
    f->audit = audit_free(f->audit);
    return -ENOMEM;
}

struct audit *audit_free(struct audit *a) {
    if (!a)
        return NULL;
    arena_free(a->arena);
    free(a);
    return NULL;
}

size_t audit_n_open(const struct audit *a) {
    size_t n = 0;

    for (size_t i = 0; i < a->n_findings; i++)
        n += !a->findings[i].is_enforced;
    return n;
}

static bool key_equal(const struct finding_key *a, const struct finding_key *b) {
    return a->code == b->code && a->rule == b->rule && a->chain == b->chain &&
           a->table == b->table && a->legacy == b->legacy && a->action == b->action &&
           a->is_certain == b->is_certain;
}

/* The same rule is met by one probe after another. */
static bool key_find(const struct findings *f, const struct finding_key *key, size_t *ret) {
    for (size_t n = 0; n < f->n_keys; n++) {
        *ret = (f->last + n) % f->n_keys;
        if (key_equal(&f->keys[*ret], key))
            return true;
    }
    return false;
}

static int key_add(struct findings *f, const struct finding_key *key) {
    struct arena *arena = f->audit->arena;
    struct finding *finding = ARENA_APPEND(arena, f->audit->findings, f->audit->n_findings);
    struct finding_key *slot = ARENA_APPEND(arena, f->keys, f->n_keys);
    bool **flows = ARENA_APPEND(arena, f->flows, f->n_flows);
    bool **services = ARENA_APPEND(arena, f->services, f->n_services);

    if (!finding || !slot || !flows || !services)
        return -ENOMEM;
    *slot = *key;
    *flows = arena_alloc(arena, f->intent->n_flows + 1);
    *services = arena_alloc(arena, f->first_service[f->intent->n_flows] + 1);
    return *flows && *services ? 0 : -ENOMEM;
}

static void services_add(struct findings *f, size_t i, const struct probe *probe) {
    size_t flow = (size_t)(probe->flow - f->intent->flows);

    for (size_t j = 0; j < probe->flow->n_services; j++)
        if (service_compare(&probe->flow->services[j], &probe->service) == 0)
            f->services[i][f->first_service[flow] + j] = true;
}

void findings_add(struct findings *f, const struct finding_key *key, const struct probe *probe) {
    size_t i;

    if (f->error < 0)
        return;
    if (!key_find(f, key, &i)) {
        f->is_full |= f->n_keys >= FINDINGS_MAX;
        if (f->is_full)
            return;
        i = f->n_keys;
        f->error = key_add(f, key);
        if (f->error < 0)
            return;
    }
    f->last = i;
    if (!probe)
        return;
    f->flows[i][probe->flow - f->intent->flows] = true;
    if (probe->direction == DIRECTION_IN)
        services_add(f, i, probe);
}

void findings_blind(struct findings *f, const char *format, ...) {
    const char **slot = ARENA_APPEND(f->audit->arena, f->audit->blind, f->audit->n_blind);
    char text[256];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (slot)
        *slot = arena_strdup(f->audit->arena, text);
    if (!slot || !*slot)
        f->error = -ENOMEM;
}

static const char *const action_texts[] = {
    [ACTION_NONE] = "writes other addresses or ports into",
    [ACTION_ACCEPT] = "accepts",
    [ACTION_DROP] = "drops",
    [ACTION_REJECT] = "rejects",
    [ACTION_JUMP] = "jumps with",
    [ACTION_GOTO] = "goes on with",
    [ACTION_RETURN] = "returns",
    [ACTION_QUEUE] = "hands to a program",
    [ACTION_SNAT] = "gives another source address to",
    [ACTION_MASQUERADE] = "masquerades",
    [ACTION_DNAT] = "sends elsewhere (dnat)",
    [ACTION_REDIRECT] = "redirects to another port of this host",
    [ACTION_TPROXY] = "hands to a proxy of this host (tproxy)",
    [ACTION_MAP] = "looks up",
    [ACTION_UNREAD] = "does something with",
};
static_assert(ARRAY_SIZE(action_texts) == ACTION_MAX, "an action has no text");

/* What was published meets the forward chain, which has the mode of ingress. */
static bool is_enforced(const struct findings *f, const struct finding_key *k) {
    return k->code == FINDING_PUBLISHED && f->intent->modes[DIRECTION_IN] == MODE_ENFORCE;
}

/* Behind our own chain nothing that we decide holds for what was rewritten. */
static const char *place_text(const struct finding_key *k) {
    bool is_behind = (k->base->hook == FOREIGN_INPUT || k->base->hook == FOREIGN_OUTPUT) &&
                     k->base->priority >= INT32_MAX - 1;

    return is_behind || k->base->hook == FOREIGN_POSTROUTING ? ", behind portd's own chain" : "";
}

static const char *text_of(const struct findings *f, const struct finding_key *k,
                           const struct finding *finding) {
    struct arena *a = f->audit->arena;
    const char *may = finding->is_certain ? "" : "may be one that ";
    const char *what = k->rule ? "a rule" : "the policy";

    switch (k->code) {
    case FINDING_DENIES:
        return arena_printf(a, "%s of hook %s %s%s packets that these flows open%s", what,
                            foreign_hook_name(k->base->hook), may, action_texts[k->action],
                            k->rule ? "" : ", because no rule of the chain accepts them");
    case FINDING_REDIRECTS:
    case FINDING_QUEUES:
        return arena_printf(a,
                            "%s of hook %s %s%s packets of these flows%s: nothing may stand "
                            "between the two ends",
                            what, foreign_hook_name(k->base->hook), may, action_texts[k->action],
                            place_text(k));
    case FINDING_UNTRACKED:
        return arena_printf(a,
                            "%s of hook %s %skeeps packets of these flows out of connection "
                            "tracking: their answers are not known as answers",
                            what, foreign_hook_name(k->base->hook), may);
    case FINDING_PUBLISHED:
        return finding->is_enforced
                   ? "a port is published (dnat); portd enforces it: those pass whom the ingress "
                     "policy lets ask for that port of this host, all others are denied"
                   : arena_printf(a,
                                  "a port is published (dnat) and ingress is \"%s\" in the site: "
                                  "whoever asks is sent on",
                                  mode_name(f->intent->modes[DIRECTION_IN]));
    case FINDING_FLOWTABLE:
        return "forwarded packets of known connections go through a flow table and meet no rule "
               "any more: connections to published ports outlive their flow";
    case FINDING_LEGACY:
        return arena_printf(a,
                            "table %s of the older iptables is there for %s: its rules, if it "
                            "has any, hold beside portd's, and portd can't read them",
                            k->legacy->name, k->legacy->family == FAMILY_IPV4 ? "IPv4" : "IPv6");
    case FINDING_OTHER_PORTD:
        return "a table with a name of portd that this portd did not make: another portd, or what "
               "one has left behind";
    case FINDING_HOSTILE:
        return arena_printf(
            a,
            "a table with a name of portd that a socket of somebody else owns "
            "(netlink port %u, mostly the process id): portd can't write to it, and "
            "is in force in another table",
            k->table->owner);
    case FINDING_MAX:
        break;
    }
    return NULL;
}

static const char *hint_of(const struct findings *f, const struct finding_key *k,
                           const struct finding *finding) {
    struct arena *a = f->audit->arena;

    if (k->code == FINDING_LEGACY)
        return arena_printf(a, "%s-legacy-save -t %s shows them; move them to the site's flows",
                            k->legacy->family == FAMILY_IPV4 ? "iptables" : "ip6tables",
                            k->legacy->name);
    if (k->code == FINDING_OTHER_PORTD)
        return arena_printf(a,
                            "nft list table %s %s; if no other portd runs: nft delete table %s %s",
                            finding->family, finding->table, finding->family, finding->table);
    if (k->code == FINDING_HOSTILE)
        return arena_printf(a, "ps -fp %u (or ss -f netlink -p), and end it", k->table->owner);
    if (finding->is_enforced)
        return "portd-ctl explain in SERVICE ADDRESS tells who may ask for a published port, and "
               "the site's flows open it for others";
    if (k->code == FINDING_PUBLISHED)
        return "set ingress to \"enforce\" in the site, or take the port back where it was "
               "published (docker port, podman port)";
    if (k->rule)
        return arena_printf(a,
                            "nft -a list chain %s %s %s; take the rule back where it comes from, "
                            "or: nft delete rule %s %s %s handle %" PRIu64,
                            finding->family, finding->table, finding->chain, finding->family,
                            finding->table, finding->chain, finding->handle);
    return arena_printf(a,
                        "nft list chain %s %s %s; let these flows pass there, or leave the "
                        "denying to portd",
                        finding->family, finding->table, finding->chain);
}

static int copy(struct findings *f, const char *text, const char **ret) {
    *ret = arena_strdup(f->audit->arena, text);
    return *ret ? 0 : -ENOMEM;
}

static int finish_place(struct findings *f, const struct finding_key *k, struct finding *ret) {
    const struct foreign_table *t = k->chain ? k->chain->table : k->table;
    int r = 0;

    if (!t)
        return 0;
    ret->family = foreign_family_name(t->family);
    r = copy(f, t->name, &ret->table);
    if (r == 0 && k->chain)
        r = copy(f, k->chain->name, &ret->chain);
    ret->handle = k->rule ? k->rule->handle : 0;
    return r;
}

static int finish_services(struct findings *f, size_t i, struct finding *ret) {
    int r = 0;

    for (size_t j = 0; r == 0 && j < f->intent->n_flows; j++)
        for (size_t k = 0; r == 0 && k < f->intent->flows[j].n_services; k++) {
            struct finding_service *slot;

            if (!f->services[i][f->first_service[j] + k])
                continue;
            slot = ARENA_APPEND(f->audit->arena, ret->services, ret->n_services);
            if (!slot)
                return -ENOMEM;
            slot->service = f->intent->flows[j].services[k];
            r = copy(f, f->intent->flows[j].id, &slot->flow);
        }
    return r;
}

static int finish(struct findings *f, size_t i) {
    struct finding *finding = &f->audit->findings[f->audit->n_findings++];
    const struct finding_key *k = &f->keys[i];
    const char **slot;
    int r;

    *finding = (struct finding){ .code = k->code,
                                 .is_certain = k->is_certain,
                                 .is_enforced = is_enforced(f, k) };
    r = finish_place(f, k, finding);

    for (size_t j = 0; r == 0 && j < f->intent->n_flows; j++) {
        if (!f->flows[i][j])
            continue;
        slot = ARENA_APPEND(f->audit->arena, finding->flows, finding->n_flows);
        r = slot ? copy(f, f->intent->flows[j].id, slot) : -ENOMEM;
    }
    if (r == 0)
        r = finish_services(f, i, finding);
    if (r < 0)
        return r;
    finding->text = text_of(f, k, finding);
    finding->hint = hint_of(f, k, finding);
    return finding->text && finding->hint ? 0 : -ENOMEM;
}

/* Takes out of a possible finding what its certain twin has. True: nothing is left of it. */
static bool is_told(struct findings *f, size_t i) {
    struct finding_key twin = f->keys[i];
    size_t of;
    bool had = false, has = false;

    twin.is_certain = true;
    if (f->keys[i].is_certain || !key_find(f, &twin, &of))
        return false;
    for (size_t j = 0; j < f->intent->n_flows; j++) {
        had |= f->flows[i][j];
        f->flows[i][j] &= !f->flows[of][j];
        has |= f->flows[i][j];
    }
    return had && !has;
}

int findings_end(struct findings *f, int r, struct audit **ret) {
    if (r == 0)
        r = f->error;
    f->audit->n_findings = 0;
    for (size_t i = 0; r == 0 && i < f->n_keys; i++)
        if (!is_told(f, i))
            r = finish(f, i);
    if (r < 0) {
        f->audit = audit_free(f->audit);
        return r;
    }
    *ret = TAKE_PTR(f->audit);
    return 0;
}

static int set_text(json_t *o, const char *key, const char *text) {
    return text ? json_object_set_new(o, key, json_string(text)) : 0;
}

static json_t *finding_json(const void *owner, size_t i) {
    const struct finding *f = &((const struct audit *)owner)->findings[i];
    json_t *o =
        json_pack("{s:s, s:b, s:b, s:o, s:s, s:s}", "code", finding_code_name(f->code), "certain",
                  f->is_certain, "enforced", f->is_enforced, "flows",
                  json_list_strings(f->flows, f->n_flows), "text", f->text, "hint", f->hint);
    int r = 0;

    if (!o)
        return NULL;
    r |= set_text(o, "family", f->family);
    r |= set_text(o, "table", f->table);
    r |= set_text(o, "chain", f->chain);
    if (f->handle)
        r |= json_object_set_new(o, "handle", json_integer((json_int_t)f->handle));
    return json_whole(o, r);
}

json_t *audit_json(const struct audit *a) {
    return json_pack("{s:o, s:o}", "findings", json_list(a, a->n_findings, finding_json), "blind",
                     json_list_strings(a->blind, a->n_blind));
}
