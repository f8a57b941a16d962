/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doc_parse(): a strict reader of RFC 8259 that keeps the place of every value. jansson, which
 * writes and reads JSON everywhere else here, forgets places and costs more than all the rest of
 * loading a large site: reading the text twice, once for its verdict, was measured as a quarter of
 * the whole way into the kernel. It is the witness in the tests instead: both must agree on what
 * is JSON. Recursion is bounded by DOC_DEPTH_MAX, time is linear, the first mistake ends it. */
#include "engine/doc.h"

#include "base/quote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct reader {
    const char *text; /* NUL behind the last byte, none before */
    size_t size, at, line_start;
    uint32_t line;
    unsigned depth;
    size_t n_values;
    const char *file;
    struct arena *arena;
    struct report *report;
};

static int refuse_at(struct reader *r, size_t at, const char *format, ...) _printf_(3, 4);

/* A mistake on the line that is being read. */
static int refuse_at(struct reader *r, size_t at, const char *format, ...) {
    _cleanup_(freep) char *what = NULL;
    va_list ap;
    int n;

    va_start(ap, format);
    n = vasprintf(&what, format, ap);
    va_end(ap);
    if (n < 0) {
        what = NULL;
        return -ENOMEM;
    }
    report_add(r->report,
               (struct place){
                   .file = r->file, .line = r->line, .column = (uint32_t)(at - r->line_start) + 1 },
               "%s", what);
    return DOC_E_INVALID;
}

#define refuse(r, ...) refuse_at(r, (r)->at, __VA_ARGS__)
#define NOT_JSON       "not JSON: "

static bool is_bare(char c) {
    return c && !strchr(" \t\r\n[]{},:\"", c);
}

static char peek(const struct reader *r) {
    return r->text[r->at];
}

static void skip_space(struct reader *r) {
    for (;; r->at++) {
        char c = peek(r);

        if (c == '\n') {
            r->line++;
            r->line_start = r->at + 1;
        } else if (c != ' ' && c != '\t' && c != '\r')
            return;
    }
}

/* The first bytes of what stands here: a word, a text, or one character. */
static void token_copy(const struct reader *r, char *ret, size_t size) {
    const char *start = r->text + r->at;
    size_t n = 0;

    if (*start == '"')
        n = 1 + strcspn(start + 1, "\"\n");
    else
        while (is_bare(start[n]))
            n++;
    n += *start == '"' ? start[n] == '"' : n == 0;
    snprintf(ret, size, "%.*s", (int)n, start);
}

/* What stands here, where something else should. */
static int refuse_here(struct reader *r, const char *expected) {
    char quoted[QUOTE_TEXT_MAX], token[32];

    if (peek(r) == '/' || peek(r) == '#')
        return refuse(r, NOT_JSON "it has no comments: remove this one, or keep it in a \"note\"");
    if (r->at >= r->size)
        return refuse(r, NOT_JSON "%s is missing at the end of the file: was it cut?", expected);
    token_copy(r, token, sizeof(token));
    return refuse(r, NOT_JSON "%s is missing before %s", expected,
                  *token == '"' ? token : text_quote(token, quoted));
}

/* --- strings --- */

/* The length of the UTF-8 sequence at `s` (RFC 3629: no overlong forms, no surrogates, at most
 * U+10FFFF), or 0. NUL ends the text, so reading on behind a good byte is safe. */
static size_t utf8_length(const unsigned char *s) {
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        return (s[1] & 0xc0) == 0x80 ? 2 : 0;
    if (s[0] >= 0xe0 && s[0] <= 0xef) {
        if ((s[1] & 0xc0) != 0x80 || (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))
            return 0;
        return (s[2] & 0xc0) == 0x80 ? 3 : 0;
    }
    if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        if ((s[1] & 0xc0) != 0x80 || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
            return 0;
        return (s[2] & 0xc0) == 0x80 && (s[3] & 0xc0) == 0x80 ? 4 : 0;
    }
    return 0;
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

/* Four hexadecimal digits, or -1. */
static int32_t hex4(const char *s) {
    int32_t value = 0;

    for (size_t i = 0; i < 4; i++) {
        char c = s[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;

        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* `\uXXXX`, or two of them for a pair (RFC 8259 section 7), at the backslash. */
static int unicode_read(struct reader *r, char **out) {
    int32_t code = hex4(r->text + r->at + 2), low;

    if (code < 0)
        return refuse(r, NOT_JSON "\\u wants four hexadecimal digits");
    if (code == 0)
        return refuse(r, NOT_JSON "\\u0000 has no place in a text");
    if (code >= 0xdc00 && code <= 0xdfff)
        return refuse(r, NOT_JSON "the second half of a surrogate pair without the first");
    if (code >= 0xd800 && code <= 0xdbff) {
        low = r->text[r->at + 6] == '\\' && r->text[r->at + 7] == 'u' ? hex4(r->text + r->at + 8)
                                                                      : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return refuse(r, NOT_JSON "the first half of a surrogate pair without the second");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        r->at += 6;
    }
    r->at += 6;
    *out = utf8_write(*out, (uint32_t)code);
    return 0;
}

static int escape_read(struct reader *r, char **out) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char c = r->text[r->at + 1];
    const char *letter = c ? strchr(letters, c) : NULL;

    if (c == 'u')
        return unicode_read(r, out);
    if (!letter)
        return refuse(r, NOT_JSON
                      "an escape that JSON doesn't have: a backslash itself is written \\\\");
    *(*out)++ = meanings[letter - letters];
    r->at += 2;
    return 0;
}

/* The room that a string needs at most: up to the quotation mark that ends it, or to the end. */
static size_t string_room(const struct reader *r) {
    size_t end = r->at + 1;

    while (end < r->size && r->text[end] != '"')
        end += r->text[end] == '\\' && end + 1 < r->size ? 2 : 1;
    return end - r->at;
}

static int char_read(struct reader *r, char **out) {
    size_t n = utf8_length((const unsigned char *)r->text + r->at);

    if (n == 0)
        return refuse(r, NOT_JSON "the byte 0x%02x is no UTF-8: save the file as UTF-8",
                      (unsigned char)peek(r));
    memcpy(*out, r->text + r->at, n);
    *out += n;
    r->at += n;
    return 0;
}

/* At the opening quotation mark. */
static int string_read(struct reader *r, const char **ret) {
    size_t begin = r->at;
    char *string = arena_alloc(r->arena, string_room(r) + 1), *out = string;

    if (!string)
        return -ENOMEM;
    for (r->at++; peek(r) != '"';) {
        unsigned char c = (unsigned char)peek(r);
        int e;

        if (r->at >= r->size || c == '\n')
            return refuse_at(r, begin,
                             NOT_JSON "the quotation mark that ends this text is missing");
        if (c < 0x20)
            return refuse(r, NOT_JSON "a control character in a text: write it as \\u%04x", c);
        e = c == '\\' ? escape_read(r, &out) : char_read(r, &out);
        if (e != 0)
            return e;
    }
    r->at++;
    *ret = string;
    return 0;
}

static int string_node_read(struct reader *r, struct node *n) {
    int e = string_read(r, &n->string);

    n->type = e == 0 && text_is_blank(n->string) ? NODE_BLANK : NODE_STRING;
    return e;
}

/* --- numbers and words --- */

static size_t digits(const char *s) {
    return strspn(s, "0123456789");
}

/* The length of the number at `s` by RFC 8259 section 6, or 0; `*ret_real`: has a fraction or an
 * exponent. */
static size_t number_length(const char *s, bool *ret_real) {
    size_t at = *s == '-' ? 1 : 0, n = digits(s + at);

    if (n == 0 || (n > 1 && s[at] == '0'))
        return 0;
    at += n;
    *ret_real = s[at] == '.' || s[at] == 'e' || s[at] == 'E';
    if (s[at] == '.') {
        n = digits(s + at + 1);
        if (n == 0)
            return 0;
        at += 1 + n;
    }
    if (s[at] == 'e' || s[at] == 'E') {
        at += s[at + 1] == '+' || s[at + 1] == '-' ? 2 : 1;
        n = digits(s + at);
        if (n == 0)
            return 0;
        at += n;
    }
    return at;
}

/* False: beyond 64 bits. */
static bool integer_value(const char *s, size_t length, int64_t *ret) {
    int sign = *s == '-' ? -1 : 1;
    int64_t value = 0;

    for (size_t i = sign < 0; i < length; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, sign * (s[i] - '0'), &value))
            return false;
    *ret = value;
    return true;
}

static int number_read(struct reader *r, struct node *n, size_t length) {
    const char *start = r->text + r->at;
    bool is_real = false;

    if (number_length(start, &is_real) != length)
        return refuse(r, NOT_JSON
                      "this is no number of JSON: as in 8091, without quotation marks, sign or "
                      "leading zeros");
    n->type = is_real ? NODE_REAL : NODE_INTEGER;
    if (!is_real && !integer_value(start, length, &n->integer))
        return refuse(r, NOT_JSON "this number is too large");
    r->at += length;
    return 0;
}

static bool is_word(const char *start, size_t length, const char *word) {
    return strlen(word) == length && memcmp(start, word, length) == 0;
}

static int bare_read(struct reader *r, struct node *n) {
    const char *start = r->text + r->at;
    char quoted[QUOTE_TEXT_MAX], token[32];
    size_t length = 0;

    while (is_bare(start[length]))
        length++;
    if (length == 0 || *start == '/' || *start == '#')
        return refuse_here(r, "a value");
    if (*start == '-' || (*start >= '0' && *start <= '9'))
        return number_read(r, n, length);
    if (is_word(start, length, "true") || is_word(start, length, "false")) {
        n->type = NODE_BOOLEAN;
        n->boolean = *start == 't';
    } else if (is_word(start, length, "null")) {
        n->type = NODE_NULL;
    } else {
        token_copy(r, token, sizeof(token));
        return refuse(r,
                      NOT_JSON
                      "%s is no value: text stands in quotation marks (\"), yes and no are true "
                      "and false",
                      text_quote(token, quoted));
    }
    r->at += length;
    return 0;
}

/* --- objects and arrays --- */

static int key_and_place_compare(const void *x, const void *y) {
    const struct node *a = *(struct node *const *)x, *b = *(struct node *const *)y;
    int c = strcmp(a->key, b->key);

    c = c ? c : (a->line > b->line) - (a->line < b->line);
    return c ? c : (a->column > b->column) - (a->column < b->column);
}

static void duplicate_report(struct reader *r, const struct node *again, const struct node *first) {
    if (report_is_full(r->report)) /* spare the arena the pointer */
        r->report->n_dropped++;
    else
        report_add(r->report, node_place(again, r->arena),
                   "stands twice, first in line %" PRIu32 " column %" PRIu32 ": remove one",
                   first->line, first->column);
}

static int duplicates_report(struct reader *r, const struct node *object) {
    _cleanup_(freep) struct node **sorted = NULL;
    const struct node *first;

    if (object->n_children < 2)
        return 0;
    sorted = calloc(object->n_children, sizeof(struct node *));
    if (!sorted)
        return -ENOMEM;
    memcpy(sorted, object->children, object->n_children * sizeof(struct node *));
    qsort(sorted, object->n_children, sizeof(struct node *), key_and_place_compare);
    first = sorted[0];
    for (size_t i = 1; i < object->n_children; i++)
        if (strcmp(first->key, sorted[i]->key) != 0)
            first = sorted[i];
        else
            duplicate_report(r, sorted[i], first);
    return 0;
}

static int value_read(struct reader *r, struct node *parent, const char *key, struct node **ret);

/* `"name":` */
static int key_read(struct reader *r, const char **ret) {
    int e;

    if (peek(r) == '\'')
        return refuse(r, NOT_JSON "a name stands in double quotation marks (\")");
    if (peek(r) != '"')
        return refuse_here(r, "a name in quotation marks");
    e = string_read(r, ret);
    if (e != 0)
        return e;
    skip_space(r);
    if (peek(r) != ':')
        return refuse_here(r, "a colon behind the name");
    r->at++;
    skip_space(r);
    return 0;
}

static int child_read(struct reader *r, struct node *n) {
    struct node *child, **slot;
    const char *key = NULL;
    int e = 0;

    if (n->type == NODE_OBJECT)
        e = key_read(r, &key);
    if (e == 0)
        e = value_read(r, n, key, &child);
    if (e != 0)
        return e;
    slot = ARENA_APPEND(r->arena, n->children, n->n_children);
    if (!slot)
        return -ENOMEM;
    *slot = child;
    return 0;
}

/* Members or items, from the opening to the closing bracket. */
static int children_read(struct reader *r, struct node *n) {
    char close = n->type == NODE_OBJECT ? '}' : ']';
    size_t comma;

    if (++r->depth > DOC_DEPTH_MAX)
        return refuse(r, "nested more than %u levels deep: is a bracket missing before?",
                      DOC_DEPTH_MAX);
    r->at++;
    skip_space(r);
    while (peek(r) != close) {
        int e = child_read(r, n);

        if (e != 0)
            return e;
        skip_space(r);
        if (peek(r) == close)
            break;
        if (peek(r) != ',')
            return refuse_here(r, n->type == NODE_OBJECT ? "a comma or '}'" : "a comma or ']'");
        comma = r->at++;
        if (r->text[r->at + strspn(r->text + r->at, " \t\r\n")] == close)
            return refuse_at(r, comma, NOT_JSON "nothing follows this comma: remove it");
        skip_space(r);
    }
    r->at++;
    r->depth--;
    return n->type == NODE_OBJECT ? duplicates_report(r, n) : 0;
}

static int value_read(struct reader *r, struct node *parent, const char *key, struct node **ret) {
    struct node *n = arena_alloc(r->arena, sizeof(*n));

    if (!n)
        return -ENOMEM;
    if (++r->n_values > DOC_VALUES_MAX)
        return refuse(r, "more than %u values: split the file", DOC_VALUES_MAX);
    n->parent = parent;
    n->key = key;
    n->index = parent && !key ? parent->n_children : 0;
    n->file = r->file;
    n->line = r->line;
    n->column = (uint32_t)(r->at - r->line_start) + 1;
    *ret = n;
    switch (peek(r)) {
    case '{':
    case '[':
        n->type = peek(r) == '{' ? NODE_OBJECT : NODE_ARRAY;
        return children_read(r, n);
    case '"':
        return string_node_read(r, n);
    default:
        return bare_read(r, n);
    }
}

static int text_read(struct reader *r, struct node **ret) {
    const char *nul = memchr(r->text, '\0', r->size);
    int e;

    if (nul) { /* before it counts what a line is */
        for (const char *c = r->text; c < nul; c++)
            if (*c == '\n') {
                r->line++;
                r->line_start = (size_t)(c - r->text) + 1;
            }
        return refuse_at(r, (size_t)(nul - r->text), "a NUL byte: this is no text file");
    }
    if (r->size >= 3 && memcmp(r->text, "\xef\xbb\xbf", 3) == 0)
        return refuse(r, NOT_JSON "a byte order mark: save the file without it");
    skip_space(r);
    if (r->at >= r->size)
        return refuse(r, "the file is empty: was it cut? Restore it, or remove it");
    if (peek(r) != '{' && peek(r) != '[')
        return refuse_here(r, "'{'");
    e = value_read(r, NULL, NULL, ret);
    if (e != 0)
        return e;
    skip_space(r);
    if (r->at < r->size)
        return refuse(r, NOT_JSON "the file should end here: remove the rest, or a bracket before");
    return 0;
}

int doc_parse(const char *text, size_t size, const char *file, struct arena *a, struct node **ret,
              struct report *reterr) {
    struct reader r = {
        .text = text, .size = size, .line = 1, .file = file, .arena = a, .report = reterr
    };
    size_t n_before = reterr->n_entries + reterr->n_dropped;
    struct node *root = NULL;
    int e;

    *ret = NULL;
    e = text_read(&r, &root);
    if (e != 0)
        return e;
    *ret = root;
    return reterr->n_entries + reterr->n_dropped > n_before ? DOC_E_INVALID : 0;
}
