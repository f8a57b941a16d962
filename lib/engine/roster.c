/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody types on a command line: a role is found by its own name as long as that is enough
 * to tell which is meant. */
#include "engine/roster.h"

#include "base/quote.h"
#include "engine/flow.h"

#include <errno.h>
#include <string.h>

struct reading {
    const struct policy *const *policies;
    size_t n_policies;
    struct arena *arena;
    struct report *report;
    const char *host; /* that is being read, for messages */
};

#define complain(r, format, ...)                                                                   \
    report_add((r)->report, (struct place){ 0 }, "host %s: " format, (r)->host, __VA_ARGS__)

static bool policy_has_role(const struct policy *p, const char *role) {
    for (size_t i = 0; i < p->n_roles; i++)
        if (strcmp(p->roles[i].name, role) == 0)
            return true;
    return false;
}

/* The policies that have a role; `ret` is the first of them. */
static size_t role_holders(const struct policy *const *policies, size_t n, const char *role,
                           const struct policy **ret) {
    size_t n_holders = 0;

    for (size_t i = n; i-- > 0;)
        if (policy_has_role(policies[i], role)) {
            *ret = policies[i];
            n_holders++;
        }
    return n_holders;
}

/* `name` may be NULL: memory is out. */
static int host_add(struct roster *roster, const char *name, struct arena *a) {
    struct roster_host *host = name ? ARENA_APPEND(a, roster->hosts, roster->n) : NULL;

    if (!host)
        return -ENOMEM;
    host->name = name;
    return 0;
}

static int role_append(struct names *roles, const struct policy *p, const char *name,
                       struct arena *a) {
    const char **slot = ARENA_APPEND(a, roles->items, roles->n);

    if (!slot)
        return -ENOMEM;
    *slot = arena_printf(a, "%s/%s", p->product, name);
    return *slot ? 0 : -ENOMEM;
}

/* --- what is typed --- */

/* `policies` have no such role. */
static int role_unknown(struct reading *r, const char *role, const struct policy *const *policies,
                        size_t n) {
    const char *what = n == 1 ? arena_printf(r->arena, "role of %s", policies[0]->product)
                              : "role of these products",
               *text;
    struct names names = { 0 };

    for (size_t i = 0; i < n; i++)
        if (names_collect(&names, r->arena, policies[i]->roles, policies[i]->n_roles,
                          sizeof(*policies[i]->roles)) < 0)
            return -ENOMEM;
    names_sort(&names);
    text = what ? names_unknown(&names, role, what, r->arena) : NULL;
    if (!text)
        return -ENOMEM;
    complain(r, "%s", text);
    return 0;
}

static int product_unknown(struct reading *r, const char *product) {
    struct names names = { 0 };
    const char *text;

    for (size_t i = 0; i < r->n_policies; i++)
        if (names_collect(&names, r->arena, &r->policies[i]->product, 1, 0) < 0)
            return -ENOMEM;
    text = names_unknown(&names, product, "product that was named", r->arena);
    if (!text)
        return -ENOMEM;
    complain(r, "%s", text);
    return 0;
}

/* The policy whose role `word` is, `*role` its name there. NULL: it was complained of. */
static int role_find(struct reading *r, const char *word, const char **role,
                     const struct policy **ret) {
    char product[NAME_LENGTH_MAX + 1];
    const struct policy *p = NULL;

    *ret = NULL;
    *role = word;
    if (product_split(word, product, role)) {
        p = policy_find(r->policies, r->n_policies, product);
        if (!p)
            return product_unknown(r, product);
        if (!policy_has_role(p, *role))
            return role_unknown(r, *role, &p, 1);
    } else {
        size_t n = role_holders(r->policies, r->n_policies, word, &p);

        if (n == 0)
            return role_unknown(r, word, r->policies, r->n_policies);
        if (n > 1) {
            complain(r, "several products have a role %s: write product/ROLE, as in %s/%s", word,
                     p->product, word);
            return 0;
        }
    }
    *ret = p;
    return 0;
}

static int role_read(struct reading *r, const char *word, struct names *roles) {
    const struct policy *policy;
    const char *name;
    int e = role_find(r, word, &name, &policy);

    if (e == 0 && policy)
        e = role_append(roles, policy, name, r->arena);
    for (size_t i = 0; e == 0 && policy && i + 1 < roles->n; i++)
        if (strcmp(roles->items[i], roles->items[roles->n - 1]) == 0)
            complain(r, "%s is named twice", roles->items[i]);
    return e;
}

static int host_read(struct reading *r, const char *word, struct roster *roster) {
    char *name = arena_strdup(r->arena, word), *roles, *role;
    char quoted[QUOTE_TEXT_MAX];
    int e;

    if (!name)
        return -ENOMEM;
    roles = strchr(name, '=');
    if (roles)
        *roles++ = '\0';
    r->host = name_is_valid(name) ? name : text_quote(name, quoted);
    if (!name_is_valid(name))
        complain(r, "this is not a name: %s", NAME_RULE);
    for (size_t i = 0; i < roster->n; i++)
        if (strcmp(roster->hosts[i].name, name) == 0)
            complain(r, "it is named twice: give it all its roles at once, as in %s=A,B", r->host);
    e = host_add(roster, name, r->arena);
    while (e == 0 && (role = strsep(&roles, ",")))
        e = role_read(r, role, &roster->hosts[roster->n - 1].roles);
    return e;
}

int roster_read(const char *const *words, size_t n_words, const struct policy *const *policies,
                size_t n_policies, struct arena *a, struct roster *ret, struct report *reterr) {
    struct reading r = {
        .policies = policies, .n_policies = n_policies, .arena = a, .report = reterr
    };
    int e = 0;

    *ret = (struct roster){ 0 };
    for (size_t i = 0; i < n_words && e == 0; i++)
        e = host_read(&r, words[i], ret);
    return e;
}

/* --- what a product has --- */

/* Two of these are never the same: the product is added where others have such a role, too. */
static const char *role_blank(const struct reading *r, const struct policy *p,
                              const struct role *role) {
    const struct policy *first;
    bool is_shared = role_holders(r->policies, r->n_policies, role->name, &first) > 1;

    return arena_printf(r->arena, "<the name of a host, %s%s%s%s%s>", is_shared ? p->product : "",
                        is_shared ? " " : "", role->name, *role->title ? ": " : "", role->title);
}

static int role_host_add(const struct reading *r, const struct policy *p, const struct role *role,
                         struct roster *roster) {
    int e = host_add(roster, role_blank(r, p, role), r->arena);

    return e < 0 ? e : role_append(&roster->hosts[roster->n - 1].roles, p, role->name, r->arena);
}

int roster_of_roles(const struct policy *const *policies, size_t n_policies, struct arena *a,
                    struct roster *ret) {
    const struct reading r = { .policies = policies, .n_policies = n_policies, .arena = a };
    int e = 0;

    *ret = (struct roster){ 0 };
    for (size_t i = 0; i < n_policies; i++)
        for (size_t j = 0; j < policies[i]->n_roles && e == 0; j++)
            e = role_host_add(&r, policies[i], &policies[i]->roles[j], ret);
    return e == 0 && ret->n == 0 ? host_add(ret, "<the name of a host>", a) : e;
}
