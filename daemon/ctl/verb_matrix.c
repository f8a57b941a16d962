/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables are made of the policies, with --site of the policies and the site; then one of the
 * formats prints them. */
#include "failure.h"
#include "matrix.h"
#include "offline.h"
#include "print.h"
#include "screen.h"

#include "engine/matrix.h"
#include "engine/sitematrix.h"

#include <string.h>

static void print_matrix_json(json_t *matrix) {
    print_json(matrix, false);
}

struct format {
    const char *name;
    void (*print)(json_t *matrix);
    bool is_rows; /* the rows are all it prints */
    bool is_raw;  /* strings are printed as they are */
};

static const struct format formats[] = {
    { "text", print_matrix_text, false, false },
    { "json", print_matrix_json, true, true },
    { "csv", print_matrix_csv, true, false },
    { "markdown", print_matrix_markdown, false, false },
    { "html", print_matrix_html, false, false },
    { "svg", print_matrix_svg, false, false },
};

const char *matrix_format_at(size_t i) {
    return i < ARRAY_SIZE(formats) ? formats[i].name : NULL;
}

static const struct format *format_find(const char *name) {
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

static enum status no_format(const char *name) {
    fprintf(stderr, "portd-ctl: there is no format \"%s\", there are:", name);
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        fprintf(stderr, "%s %s", i ? "," : "", formats[i].name);
    fputs("\n  try: portd-ctl matrix --help\n", stderr);
    return STATUS_USAGE;
}

static enum status format_choose(const struct options *o, const struct format **ret) {
    const char *name = o->format ? o->format : o->json ? "json" : "text";

    *ret = format_find(name);
    if (!*ret)
        return no_format(name);
    if (o->json && strcmp(name, "json") != 0) {
        fprintf(stderr, "portd-ctl: --json and --format %s exclude each other\n", name);
        return STATUS_USAGE;
    }
    if (o->host && !(o->given & OPTION_AT_SITE)) {
        fprintf(stderr, "portd-ctl: --host goes with --site: the vendors' tables know no hosts\n");
        return STATUS_USAGE;
    }
    return STATUS_FINE;
}

/* Prints and frees. */
static enum status format_print(const struct format *f, json_t *matrix) {
    if (!matrix)
        return failure_memory();
    if (!f->is_raw)
        screen_make_safe(matrix);
    f->print(matrix);
    json_decref(matrix);
    return STATUS_FINE;
}

static enum status no_product(const struct loaded *l, const char *product) {
    fprintf(stderr, "portd-ctl: no policy has product \"%s\"; there are:", product);
    for (size_t i = 0; i < l->n_policies; i++)
        fprintf(stderr, " %s", l->policies[i]->product);
    fputc('\n', stderr);
    return STATUS_FAILED;
}

static enum status print_policies(const struct format *f, const struct loaded *l,
                                  const char *product) {
    const struct policy *const *policies = loaded_policies(l);
    const struct policy *one;
    size_t n = l->n_policies;

    if (product) {
        one = policy_find(policies, n, product);
        if (!one)
            return no_product(l, product);
        policies = &one;
        n = 1;
    }
    return format_print(f, f->is_rows ? json_pack("{so}", "rows", matrix_json(policies, n))
                                      : json_pack("{so}", "tables", tables_json(policies, n)));
}

/* --- of a site --- */

static enum status no_host(const struct options *o, const struct site *site) {
    fprintf(stderr, "portd-ctl: %s has no host \"%s\"; there are:", o->site, o->host);
    for (size_t i = 0; i < site->n_hosts && i < 20; i++)
        fprintf(stderr, " %s", site->hosts[i].name);
    fputs(site->n_hosts > 20 ? " …\n" : "\n", stderr);
    return STATUS_FAILED;
}

static enum status query_make(const struct options *o, const struct loaded *l, const char *product,
                              struct reach_query *ret) {
    *ret = (struct reach_query){ .product = product };
    if (o->host) {
        ret->host = site_host(l->site, o->host);
        if (!ret->host)
            return no_host(o, l->site);
    }
    if (!product || strcmp(product, PRODUCT_SITE) == 0)
        return STATUS_FINE;
    if (!policy_find(loaded_policies(l), l->n_policies, product))
        return no_product(l, product);
    if (site_uses_product(l->site, product))
        return STATUS_FINE;
    fprintf(stderr, "portd-ctl: %s does not use %s: no host has a role in it\n", o->site, product);
    return STATUS_FAILED;
}

static enum status too_many(const struct options *o) {
    fprintf(stderr,
            "portd-ctl: %s has more than %u hosts of which no two are alike: ask for one of them, "
            "as in --host NAME\n",
            o->site, REACH_GROUPS_MAX);
    return STATUS_FAILED;
}

static enum status print_site(const struct options *o, const struct format *f,
                              const struct loaded *l, const char *product) {
    _cleanup_(reach_freep) struct reach *reach = NULL;
    struct reach_query query;
    enum status status;
    int r;

    status = query_make(o, l, product, &query);
    if (status != STATUS_FINE)
        return status;
    r = reach_find(loaded_policies(l), l->n_policies, l->site, &query, &reach);
    if (r == REACH_E_GROUPS)
        return too_many(o);
    if (r < 0)
        return failure_memory();
    return format_print(f, f->is_rows ? site_matrix_json(reach) : site_tables_json(reach));
}

enum status verb_matrix(const struct options *o, const char *const *words, size_t n_words) {
    _cleanup_(loaded_clear) struct loaded l = { 0 };
    const char *product = n_words > 0 ? words[0] : NULL;
    bool has_site = o->given & OPTION_AT_SITE;
    const struct format *format;
    enum status status;

    status = format_choose(o, &format);
    if (status == STATUS_FINE)
        status = offline_load(o, has_site, &l);
    if (status != STATUS_FINE)
        return status;
    return has_site ? print_site(o, format, &l, product) : print_policies(format, &l, product);
}
