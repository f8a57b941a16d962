/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jansson decides what JSON is, but forgets where a value stood. So a text is read three times,
 * each time in linear time: a scan for nesting and number of values, before anything is built;
 * jansson, whose verdict counts and whose tree is dropped; and a walk over the text, now known to
 * be valid, that builds nodes with their places. The walk need not check anything but the ends of
 * tokens, and its recursion is as deep as the scan allowed. */
#include "engine/doc.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static const char *const type_names[] = {
    [NODE_OBJECT] = "an object",
    [NODE_ARRAY] = "an array",
    [NODE_STRING] = "a string",
    [NODE_INTEGER] = "an integer",
    [NODE_REAL] = "a number with a fraction",
    [NODE_BOOLEAN] = "true or false",
    [NODE_NULL] = "null",
};
static_assert(ARRAY_SIZE(type_names) == NODE_TYPE_MAX, "a type has no name");

const char *node_type_name(enum node_type t) {
    return type_names[t];
}

/* Without a buffer only the length counts. */
static void put(char *buf, size_t *at, char c) {
    if (buf)
        buf[*at] = c;
    (*at)++;
}

/* Writes the pointer to `n` and returns its length. */
static size_t pointer_write(const struct node *n, char *buf) {
    char index[24];
    const char *key = n->key;
    size_t at, i;

    if (!n->parent)
        return 0;
    at = pointer_write(n->parent, buf);
    if (!key) {
        snprintf(index, sizeof(index), "%zu", n->index);
        key = index;
    }
    put(buf, &at, '/');
    for (i = 0; key[i] && (i < DOC_POINTER_KEY_MAX || (key[i] & 0xc0) == 0x80); i++) {
        if (key[i] == '~' || key[i] == '/') /* RFC 6901 section 3 */
            put(buf, &at, '~');
        put(buf, &at, key[i] == '~' ? '0' : key[i] == '/' ? '1' : key[i]);
    }
    for (size_t dots = key[i] ? 3 : 0; dots > 0; dots--)
        put(buf, &at, '.');
    return at;
}

struct place node_place(const struct node *n, struct arena *a) {
    char *pointer = arena_alloc(a, pointer_write(n, NULL) + 1);

    if (pointer)
        pointer_write(n, pointer);
    return (struct place){
        .file = n->file,
        .pointer = pointer ? pointer : "",
        .line = n->line,
        .column = n->column,
    };
}

const struct node *node_member(const struct node *object, const char *key) {
    if (object->type == NODE_OBJECT)
        for (size_t i = 0; i < object->n_children; i++)
            if (strcmp(object->children[i]->key, key) == 0)
                return object->children[i];
    return NULL;
}

/* --- places in a text that may be anything --- */

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_bare(char c) {
    return c && !is_space(c) && !strchr("[]{},:\"", c);
}

/* The offset behind the token that begins at `at`; a string ends at the end of its line, too. */
static size_t token_end(const char *text, size_t size, size_t at) {
    size_t end = at;

    if (text[at] == '"') {
        for (end++; end < size && text[end] != '"' && text[end] != '\n'; end++)
            end += text[end] == '\\' && end + 1 < size;
        return end < size ? end + 1 : size;
    }
    while (end < size && is_bare(text[end]))
        end++;
    return end > at ? end : at + 1;
}

static struct place text_place(const char *text, size_t offset, const char *file) {
    struct place p = { .file = file, .line = 1, .column = 1 };

    for (size_t i = 0; i < offset; i++) {
        p.column++;
        if (text[i] == '\n') {
            p.line++;
            p.column = 1;
        }
    }
    return p;
}

/* NUL bytes, nesting and number of values, on any text. */
static int scan_check(const char *text, size_t size, const char *file, struct report *reterr) {
    const char *nul = memchr(text, '\0', size);
    size_t depth = 0, n_values = 0;

    if (nul) {
        report_add(reterr, text_place(text, (size_t)(nul - text), file),
                   "a NUL byte: this is no text file");
        return DOC_E_INVALID;
    }
    for (size_t i = 0; i < size; i = token_end(text, size, i)) {
        char c = text[i];

        if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
        n_values += c == '[' || c == '{' || c == ',';
        if (depth > DOC_DEPTH_MAX) {
            report_add(reterr, text_place(text, i, file),
                       "nested more than %u levels deep: is a bracket missing before?",
                       DOC_DEPTH_MAX);
            return DOC_E_INVALID;
        }
        if (n_values > DOC_VALUES_MAX) {
            report_add(reterr, text_place(text, i, file), "more than %u values: split the file",
                       DOC_VALUES_MAX);
            return DOC_E_INVALID;
        }
    }
    return 0;
}

/* jansson says how far it had read: for a bad token, behind it. */
static size_t error_offset(const char *text, size_t size, const json_error_t *e) {
    enum json_error_code code = json_error_code(e);
    size_t offset = e->position < 0 ? 0 : (size_t)e->position, end;

    if (code == json_error_invalid_utf8 || code == json_error_premature_end_of_input)
        return offset < size ? offset : size;
    for (size_t i = 0; i < size; i = end) {
        end = token_end(text, size, i);
        if (end >= offset)
            return i;
    }
    return size;
}

static int jansson_check(const char *text, size_t size, const char *file, struct report *reterr) {
    json_error_t e = { .text = "" };
    json_t *json = json_loadb(text, size, 0, &e);

    if (json) {
        json_decref(json);
        return 0;
    }
    if (json_error_code(&e) == json_error_out_of_memory || !e.text[0])
        return -ENOMEM;
    report_add(reterr, text_place(text, error_offset(text, size, &e), file), "not JSON: %s%s",
               e.text,
               size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0
                   ? " (a byte order mark: save the file without it)"
                   : "");
    return DOC_E_INVALID;
}

/* --- the walk over a valid text --- */

struct walk {
    const char *text;
    size_t at, line_start;
    uint32_t line;
    const char *file;
    struct arena *arena;
    struct report *report;
};

static void skip_space(struct walk *w) {
    while (is_space(w->text[w->at]))
        if (w->text[w->at++] == '\n') {
            w->line++;
            w->line_start = w->at;
        }
}

static uint32_t hex4(const char *s) {
    uint32_t value = 0;

    for (size_t i = 0; i < 4; i++) {
        char c = s[i];

        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c & ~0x20) - 'A' + 10);
    }
    return value;
}

static char *utf8_write(char *out, uint32_t c) {
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    if (c < 0x800)
        *out++ = (char)(0xc0 | c >> 6);
    else {
        if (c < 0x10000)
            *out++ = (char)(0xe0 | c >> 12);
        else {
            *out++ = (char)(0xf0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (c & 0x3f));
    return out;
}

/* `*in` stands behind the backslash. */
static char *escape_read(const char **in, char *out) {
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    char c = *(*in)++;
    const char *letter = strchr(letters, c);
    uint32_t code;

    if (c != 'u') {
        *out++ = letter ? meanings[letter - letters] : c;
        return out;
    }
    code = hex4(*in);
    *in += 4;
    if (code >= 0xd800 && code < 0xdc00) { /* a pair, RFC 8259 section 7 */
        code = 0x10000 + ((code - 0xd800) << 10) + (hex4(*in + 2) - 0xdc00);
        *in += 6;
    }
    return utf8_write(out, code);
}

/* The string whose opening quotation mark is next; NULL without memory. */
static const char *string_read(struct walk *w) {
    const char *in = w->text + w->at + 1, *end = in;
    char *string, *out;

    while (*end != '"')
        end += *end == '\\' ? 2 : 1;
    string = out = arena_alloc(w->arena, (size_t)(end - in) + 1);
    if (!string)
        return NULL;
    while (in < end)
        if (*in == '\\') {
            in++;
            out = escape_read(&in, out);
        } else
            *out++ = *in++;
    w->at = (size_t)(end - w->text) + 1;
    return string;
}

static int key_compare(const void *x, const void *y) {
    const struct node *a = *(struct node *const *)x, *b = *(struct node *const *)y;

    return strcmp(a->key, b->key);
}

static int key_and_place_compare(const void *x, const void *y) {
    const struct node *a = *(struct node *const *)x, *b = *(struct node *const *)y;
    int c = strcmp(a->key, b->key);

    c = c ? c : (a->line > b->line) - (a->line < b->line);
    return c ? c : (a->column > b->column) - (a->column < b->column);
}

/* The children by key, malloc'ed; NULL without memory. */
static struct node **children_sorted(const struct node *object,
                                     int (*compare)(const void *, const void *)) {
    struct node **sorted = calloc(object->n_children + 1, sizeof(struct node *));

    if (!sorted)
        return NULL;
    if (object->n_children > 0) {
        memcpy(sorted, object->children, object->n_children * sizeof(struct node *));
        qsort(sorted, object->n_children, sizeof(struct node *), compare);
    }
    return sorted;
}

static int duplicates_report(struct walk *w, const struct node *object) {
    _cleanup_(freep) struct node **sorted = NULL;
    const struct node *first;

    if (object->n_children < 2)
        return 0;
    sorted = children_sorted(object, key_and_place_compare);
    if (!sorted)
        return -ENOMEM;
    first = sorted[0];
    for (size_t i = 1; i < object->n_children; i++)
        if (strcmp(first->key, sorted[i]->key) != 0)
            first = sorted[i];
        else if (report_is_full(w->report)) /* spare the arena the pointer */
            w->report->n_dropped++;
        else
            report_add(w->report, node_place(sorted[i], w->arena),
                       "stands twice, first in line %" PRIu32 " column %" PRIu32 ": remove one",
                       first->line, first->column);
    return 0;
}

static int value_read(struct walk *w, struct node *parent, const char *key, struct node **ret);

/* Members or items up to the closing bracket. */
static int children_read(struct walk *w, struct node *n) {
    char close = n->type == NODE_OBJECT ? '}' : ']';

    w->at++;
    for (skip_space(w); w->text[w->at] != close; skip_space(w)) {
        struct node *child, **slot;
        const char *key = NULL;
        int r;

        if (w->text[w->at] == ',') {
            w->at++;
            skip_space(w);
        }
        if (n->type == NODE_OBJECT) {
            key = string_read(w);
            if (!key)
                return -ENOMEM;
            skip_space(w);
            w->at++; /* the colon */
        }
        r = value_read(w, n, key, &child);
        if (r < 0)
            return r;
        slot = ARENA_APPEND(w->arena, n->children, n->n_children);
        if (!slot)
            return -ENOMEM;
        *slot = child;
    }
    w->at++;
    return n->type == NODE_OBJECT ? duplicates_report(w, n) : 0;
}

static void bare_read(struct walk *w, struct node *n) {
    const char *start = w->text + w->at;
    size_t length = 0;

    while (is_bare(start[length]))
        length++;
    w->at += length;
    if (*start == 't' || *start == 'f') {
        n->type = NODE_BOOLEAN;
        n->boolean = *start == 't';
    } else if (*start == 'n')
        n->type = NODE_NULL;
    else if (memchr(start, '.', length) || memchr(start, 'e', length) || memchr(start, 'E', length))
        n->type = NODE_REAL;
    else {
        n->type = NODE_INTEGER;
        n->integer = strtoll(start, NULL, 10);
    }
}

static int value_read(struct walk *w, struct node *parent, const char *key, struct node **ret) {
    struct node *n = arena_alloc(w->arena, sizeof(*n));
    char c;

    if (!n)
        return -ENOMEM;
    skip_space(w);
    c = w->text[w->at];
    n->parent = parent;
    n->key = key;
    n->index = parent && !key ? parent->n_children : 0;
    n->file = w->file;
    n->line = w->line;
    n->column = (uint32_t)(w->at - w->line_start) + 1;
    *ret = n;
    if (c == '{' || c == '[') {
        n->type = c == '{' ? NODE_OBJECT : NODE_ARRAY;
        return children_read(w, n);
    }
    if (c == '"') {
        n->type = NODE_STRING;
        n->string = string_read(w);
        return n->string ? 0 : -ENOMEM;
    }
    bare_read(w, n);
    return 0;
}

int doc_parse(const char *text, size_t size, const char *file, struct arena *a, struct node **ret,
              struct report *reterr) {
    struct walk w = { .text = text, .line = 1, .file = file, .arena = a, .report = reterr };
    size_t n_before = reterr->n_entries + reterr->n_dropped;
    struct node *root;
    int r;

    *ret = NULL;
    r = scan_check(text, size, file, reterr);
    if (r == 0)
        r = jansson_check(text, size, file, reterr);
    if (r == 0)
        r = value_read(&w, NULL, NULL, &root);
    if (r != 0)
        return r;
    *ret = root;
    return reterr->n_entries + reterr->n_dropped > n_before ? DOC_E_INVALID : 0;
}

/* --- merging --- */

static int node_append(struct arena *a, struct node *to, struct node *child) {
    struct node **slot = ARENA_APPEND(a, to->children, to->n_children);

    if (!slot)
        return -ENOMEM;
    *slot = child;
    return 0;
}

static int array_append(struct arena *a, struct node *to, const struct node *from) {
    int r = 0;

    for (size_t i = 0; i < from->n_children && r == 0; i++)
        r = node_append(a, to, from->children[i]);
    return r;
}

static int object_merge(struct arena *a, struct node *base, const struct node *over, bool is_top) {
    _cleanup_(freep) struct node **sorted = children_sorted(base, key_compare);
    size_t n_sorted = base->n_children;
    int r = 0;

    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < over->n_children && r == 0; i++) {
        struct node *theirs = over->children[i], *ours;
        struct node **found = bsearch(&theirs, sorted, n_sorted, sizeof(*sorted), key_compare);

        ours = found ? *found : NULL;
        if (!ours)
            r = node_append(a, base, theirs);
        else if (ours->type == NODE_OBJECT && theirs->type == NODE_OBJECT)
            r = object_merge(a, ours, theirs, false);
        else if (is_top && strcmp(ours->key, "flows") == 0 && ours->type == NODE_ARRAY &&
                 theirs->type == NODE_ARRAY)
            r = array_append(a, ours, theirs);
        else
            *ours = *theirs;
    }
    return r;
}

int doc_merge(struct arena *a, struct node *base, const struct node *over) {
    return object_merge(a, base, over, true);
}
