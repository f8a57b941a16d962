/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file's format is data: a table row for each member says its key, its type, whether it must be
 * there and who reads it. So every object refuses unknown and missing members in the same words,
 * and nothing can be read that no row allows. */
#include "engine/field.h"

#include "base/quote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define MISTAKE_MAX 1024

/* Whether there is no room left: then one more is counted, and the arena spared its pointer. */
static bool mistake_drop(struct loader *l) {
    l->report->n_dropped += report_is_full(l->report);
    return report_is_full(l->report);
}

/* `blank` is the node's text or its name. */
static void mistake_blank(struct loader *l, const struct node *n, const char *blank) {
    if (mistake_drop(l))
        return;
    report_add(l->report, node_place(n, l->scratch), "still to be filled in: %.*s",
               (int)strnlen(blank, MISTAKE_MAX) - 2, blank + 1);
}

void mistake(struct loader *l, const struct node *n, const char *format, ...) {
    char text[MISTAKE_MAX];
    va_list ap;

    if (n->type == NODE_BLANK) {
        mistake_blank(l, n, n->string);
        return;
    }
    if (mistake_drop(l))
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    report_add(l->report, node_place(n, l->scratch), "%s", text);
}

void mistake_unknown(struct loader *l, const struct node *n, const char *name, const char *what,
                     const struct names *names) {
    const char *text;

    if (text_is_blank(name)) {
        mistake_blank(l, n, name);
        return;
    }
    if (mistake_drop(l))
        return;
    text = names_unknown(names, name, what, l->scratch);
    mistake(l, n, "%s", text ? text : "is unknown");
}

void key_check(struct loader *l, const struct node *n) {
    char quoted[QUOTE_TEXT_MAX];

    if (text_is_blank(n->key))
        mistake_blank(l, n, n->key);
    else if (!name_is_valid(n->key))
        mistake(l, n, "%s is not a name: " NAME_RULE, text_quote(n->key, quoted));
}

bool node_is(struct loader *l, const struct node *n, enum node_type type, const char *example) {
    if (n->type == type)
        return true;
    mistake(l, n, "must be %s%s%s, not %s", node_type_name(type), example ? ", as in " : "",
            example ? example : "", node_type_name(n->type));
    return false;
}

static int unknown_member(struct loader *l, const struct node *n, const struct field *fields,
                          size_t n_fields) {
    struct names keys = { 0 };
    int r = 0;

    if (!report_is_full(l->report))
        r = names_collect(&keys, l->scratch, fields, n_fields, sizeof(*fields));
    if (r == 0)
        mistake_unknown(l, n, n->key, "member here", &keys);
    return r;
}

static int member_read(struct loader *l, const struct node *n, const struct field *f,
                       void *record) {
    if (f->type != FIELD_ANY_TYPE && !node_is(l, n, f->type, f->example))
        return 0;
    return f->read(l, n, (char *)record + f->offset);
}

int fields_read(struct loader *l, const struct node *object, const struct field *fields, size_t n,
                void *record) {
    uint32_t seen = 0;

    assert(n <= FIELDS_MAX);
    if (!node_is(l, object, NODE_OBJECT, NULL))
        return 0;
    for (size_t i = 0; i < object->n_children; i++) {
        const struct node *member = object->children[i];
        size_t f = 0;
        int r;

        while (f < n && strcmp(fields[f].key, member->key) != 0)
            f++;
        r = f < n ? member_read(l, member, &fields[f], record)
                  : unknown_member(l, member, fields, n);
        if (r < 0)
            return r;
        if (f < n)
            seen |= UINT32_C(1) << f;
    }
    for (size_t f = 0; f < n; f++)
        if (fields[f].required && !(seen & UINT32_C(1) << f))
            mistake(l, object, "\"%s\" is missing: add it, as in \"%s\": %s", fields[f].key,
                    fields[f].key, fields[f].example);
    return 0;
}

static bool is_field(const struct field *fields, size_t n, const char *key) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(fields[i].key, key) == 0)
            return true;
    return false;
}

bool member_was_read(const struct node *object, const struct field *fields, size_t n,
                     const char *key, size_t n_read) {
    size_t n_found = 0, n_unknown = 0;
    bool is_read = true;

    if (object->type != NODE_OBJECT)
        return false;
    for (size_t i = 0; i < object->n_children; i++) {
        const struct node *member = object->children[i];

        n_unknown += !is_field(fields, n, member->key);
        if (strcmp(member->key, key) != 0)
            continue;
        n_found++;
        is_read = member->type == NODE_OBJECT && member->n_children == n_read;
    }
    return n_found == 0 ? n_unknown == 0 : n_found == 1 && is_read;
}

int children_read(struct loader *l, const struct node *parent, size_t size, size_t max,
                  int (*read)(struct loader *l, const struct node *child, void *record),
                  void *ret_items, size_t *ret_n) {
    char *items;

    *ret_n = 0;
    if (parent->n_children > max) {
        mistake(l, parent, "%zu entries, more than the %zu that are allowed", parent->n_children,
                max);
        return 0;
    }
    items = arena_alloc(l->arena, parent->n_children * size);
    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < parent->n_children; i++) {
        int r = read(l, parent->children[i], items + i * size);

        if (r < 0)
            return r;
    }
    memcpy(ret_items, &items, sizeof(items));
    *ret_n = parent->n_children;
    return 0;
}

int read_format(struct loader *l, const struct node *n, _unused_ void *record) {
    if (n->integer != 1)
        mistake(l, n, "format %" PRId64 " is unknown: this version reads format 1", n->integer);
    return 0;
}

int read_text(struct loader *l, const struct node *n, void *record) {
    char quoted[QUOTE_TEXT_MAX];

    *(const char **)record = n->string;
    if (!*n->string)
        mistake(l, n, "must not be empty: write a line of text");
    else if (!text_is_printable(n->string))
        mistake(l, n, "%s has control characters: write one line of text",
                text_quote(n->string, quoted));
    return 0;
}

int read_name(struct loader *l, const struct node *n, void *record) {
    char quoted[QUOTE_TEXT_MAX];

    *(const char **)record = n->string;
    if (!name_is_valid(n->string))
        mistake(l, n, "%s is not a name: " NAME_RULE, text_quote(n->string, quoted));
    return 0;
}

int read_boolean(_unused_ struct loader *l, const struct node *n, void *record) {
    *(bool *)record = n->boolean;
    return 0;
}

int read_port(struct loader *l, const struct node *n, void *record) {
    if (!node_is(l, n, NODE_INTEGER, "8091"))
        return 0;
    if (n->integer < 1 || n->integer > UINT16_MAX)
        mistake(l, n, "%" PRId64 " is not a port: 1 to 65535 are", n->integer);
    else
        *(uint16_t *)record = (uint16_t)n->integer;
    return 0;
}

static int string_compare(const void *x, const void *y) {
    const struct node *a = *(struct node *const *)x, *b = *(struct node *const *)y;
    int c = strcmp(a->string, b->string);

    return c ? c : (a->index > b->index) - (a->index < b->index);
}

int strings_check_unique(struct loader *l, const struct node *array) {
    _cleanup_(freep) const struct node **sorted = NULL;
    size_t n = 0;

    sorted = calloc(array->n_children + 1, sizeof(struct node *));
    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < array->n_children; i++)
        if (array->children[i]->type == NODE_STRING)
            sorted[n++] = array->children[i];
    if (n > 1)
        qsort(sorted, n, sizeof(struct node *), string_compare);
    for (size_t i = 1; i < n; i++) {
        char quoted[QUOTE_TEXT_MAX];

        if (strcmp(sorted[i - 1]->string, sorted[i]->string) == 0)
            mistake(l, sorted[i], "%s stands twice in this list: remove one",
                    text_quote(sorted[i]->string, quoted));
    }
    return 0;
}

void array_check_not_empty(struct loader *l, const struct node *array, const char *why) {
    if (array->n_children == 0)
        mistake(l, array, "must not be empty: %s", why);
}

static int word_read(_unused_ struct loader *l, const struct node *n, void *record) {
    *(struct word *)record = (struct word){ n->type == NODE_STRING ? n->string : "", n };
    return 0;
}

static int line_read(struct loader *l, const struct node *n, void *record) {
    struct word *word = record;

    word->node = n;
    word->text = "";
    return node_is(l, n, NODE_STRING, NULL) ? read_text(l, n, &word->text) : 0;
}

int read_texts(struct loader *l, const struct node *n, void *record) {
    struct words *words = record;

    return children_read(l, n, sizeof(*words->items), FLOWS_MAX, line_read, &words->items,
                         &words->n);
}

int read_prefix(struct loader *l, const struct node *n, void *record) {
    char quoted[QUOTE_TEXT_MAX], meant[RANGE_TEXT_MAX];
    struct prefix *p = record;
    int r;

    if (!node_is(l, n, NODE_STRING, "\"10.1.0.21\""))
        return 0;
    r = prefix_parse(n->string, &p->family, &p->range);
    if (r == ADDRESS_E_SYNTAX)
        mistake(l, n,
                "%s is not an IPv4 or IPv6 prefix: write an address, as in 10.1.0.21 or "
                "2001:db8::21, or a network, as in 10.1.0.0/24 (at most /32) or 2001:db8::/64 (at "
                "most /128)",
                text_quote(n->string, quoted));
    else if (r == ADDRESS_E_HOST_BITS)
        mistake(l, n, "%s has bits set behind its prefix length: write %s for the network, or %.*s",
                text_quote(n->string, quoted), range_format(&p->range, p->family, meant),
                (int)strcspn(n->string, "/"), n->string);
    else
        p->node = n;
    return 0;
}

static bool prefixes_count(struct loader *l, const struct node *n, size_t n_more) {
    if (n_more <= PREFIXES_MAX - l->n_prefixes) {
        l->n_prefixes += n_more;
        return true;
    }
    mistake(l, n, "with these the file has more than the %u prefixes that are allowed",
            PREFIXES_MAX);
    return false;
}

static void prefixes_keep_good(struct prefixes *prefixes) {
    size_t n_good = 0;

    for (size_t i = 0; i < prefixes->n; i++)
        if (prefixes->items[i].node)
            prefixes->items[n_good++] = prefixes->items[i];
    prefixes->n = n_good;
}

int read_prefixes(struct loader *l, const struct node *n, void *record) {
    struct prefixes *prefixes = record;
    int r;

    if (!prefixes_count(l, n, n->n_children))
        return 0;
    r = children_read(l, n, sizeof(*prefixes->items), PREFIXES_MAX, read_prefix, &prefixes->items,
                      &prefixes->n);
    prefixes_keep_good(prefixes);
    return r;
}

static int hostname_read(struct loader *l, const struct node *n, void *record) {
    char quoted[QUOTE_TEXT_MAX];
    const char *why;

    *(struct word *)record = (struct word){ "", n };
    if (!node_is(l, n, NODE_STRING, "\"licence.example.net\""))
        return 0;
    why = hostname_mistake(n->string);
    if (why)
        mistake(l, n, "%s %s", text_quote(n->string, quoted), why);
    else
        ((struct word *)record)->text = n->string;
    return 0;
}

static bool hostnames_count(struct loader *l, const struct node *n) {
    if (++l->n_hostnames <= HOSTNAMES_MAX)
        return true;
    if (l->n_hostnames == HOSTNAMES_MAX + 1)
        mistake(l, n, "with this one the file has more than the %u host names that are allowed",
                HOSTNAMES_MAX);
    return false;
}

int read_hostnames(struct loader *l, const struct node *n, void *record) {
    struct words *words = record;
    int r;

    array_check_not_empty(l, n, "leave it out where a peer has no host names");
    r = children_read(l, n, sizeof(*words->items), HOSTNAMES_MAX, hostname_read, &words->items,
                      &words->n);
    for (size_t i = 0; i < n->n_children; i++)
        if (!hostnames_count(l, n->children[i]))
            break;
    return r < 0 ? r : strings_check_unique(l, n);
}

/* Letters, which no IPv4 address has, and no ':', which every IPv6 address has. */
static bool is_meant_as_hostname(const char *text) {
    return hostname_is_valid(text) ||
           (!strpbrk(text, ":/") &&
            strpbrk(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ*") != NULL);
}

static bool node_is_hostname(const struct node *n) {
    return n->type == NODE_STRING && is_meant_as_hostname(n->string);
}

static int addressee_read(struct loader *l, const struct node *n, struct site_peer *p) {
    if (!node_is_hostname(n))
        return read_prefix(l, n, &p->prefixes.items[p->prefixes.n++]);
    return hostnames_count(l, n) ? hostname_read(l, n, &p->hostnames.items[p->hostnames.n++]) : 0;
}

int read_addressees(struct loader *l, const struct node *n, void *record) {
    struct site_peer *p = record;
    size_t n_hostnames = 0;
    int r = 0;

    for (size_t i = 0; i < n->n_children; i++)
        n_hostnames += node_is_hostname(n->children[i]);
    if (!prefixes_count(l, n, n->n_children - n_hostnames))
        return 0;
    p->prefixes.items =
        arena_alloc(l->arena, (n->n_children - n_hostnames) * sizeof(*p->prefixes.items));
    p->hostnames.items = arena_alloc(l->arena, n_hostnames * sizeof(*p->hostnames.items));
    if (!p->prefixes.items || !p->hostnames.items)
        return -ENOMEM;
    for (size_t i = 0; i < n->n_children && r == 0; i++)
        r = addressee_read(l, n->children[i], p);
    prefixes_keep_good(&p->prefixes);
    return r;
}

int strings_read(struct loader *l, const struct node *array, struct words *ret,
                 const char *example) {
    int r =
        children_read(l, array, sizeof(*ret->items), PREFIXES_MAX, word_read, &ret->items, &ret->n);

    for (size_t i = 0; i < ret->n && r == 0; i++)
        node_is(l, ret->items[i].node, NODE_STRING, example);
    return r;
}
