/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The picture is two columns of three lines and, below, what needs attention. The right column
 * goes beneath the left one where the terminal is too narrow for both. */
#include "print.h"

#include "base/macros.h"
#include "screen.h"
#include "when.h"

#include <stdarg.h>
#include <string.h>

#define LINES       3
#define GAP         3U
#define WOULD_LINES 10U
#define DIGEST_MAX  6 /* characters of the digest that are enough to recognize it */

struct state {
    const char *name;
    const char *text;
    enum colour colour;
};

static const struct state states[] = {
    { "enforcing", "enforcing, in sync", COLOUR_GOOD },
    { "learning", "learning the connections that are open, denies nothing yet", COLOUR_GOOD },
    { "audit", "audit: not all that the policy denies is denied", COLOUR_WARN },
    { "degraded", "degraded: not all is as it should be", COLOUR_BAD },
    { "contested", "contested: somebody keeps rewriting the rules", COLOUR_BAD },
    { "off", "off: enforces nothing", COLOUR_BAD },
};

static const struct state seals[] = {
    { "sealed", "sealed (owner, persist)", COLOUR_NONE },
    { "watched", "watched (changes are seen and repaired)", COLOUR_NONE },
    { "unsealed", "unsealed (changes stay)", COLOUR_NONE },
    { "hostile", "hostile (in force in portd-spare)", COLOUR_NONE },
};

static const struct state *state_find(const struct state *table, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

/* Appends parts with a separator between them: a line is built from what is known. */
struct builder {
    char *text;
    size_t size;
    FILE *f;
    bool has_part;
};

static void part(struct builder *b, const char *separator, const char *format, ...) _printf_(3, 4);

static void part(struct builder *b, const char *separator, const char *format, ...) {
    va_list ap;

    if (!b->f)
        return;
    if (b->has_part)
        fputs(separator, b->f);
    b->has_part = true;
    va_start(ap, format);
    vfprintf(b->f, format, ap);
    va_end(ap);
}

static void builder_open(struct builder *b) {
    *b = (struct builder){ 0 };
    b->f = open_memstream(&b->text, &b->size);
}

/* The text, malloc'ed; NULL when memory is out. */
static char *builder_close(struct builder *b) {
    if (b->f)
        fclose(b->f);
    return b->text;
}

static void part_count(struct builder *b, json_t *status, const char *key, const char *one) {
    json_t *count = json_object_get(status, key);

    if (count)
        part(b, ", ", "%lld %s", (long long)json_integer_value(count),
             json_integer_value(count) == 1 ? one : key);
}

static void part_text(struct builder *b, const char *separator, const char *word, json_t *status,
                      const char *key) {
    const char *text = member_text(status, key);

    if (*text)
        part(b, separator, "%s%s", word, text);
}

static const char *state_text(json_t *status) {
    const char *name = member_text(status, "state");
    const struct state *s = state_find(states, ARRAY_SIZE(states), name);

    return s ? s->text : name;
}

static void fill_left(json_t *status, struct builder left[static LINES]) {
    const char *seal = member_text(status, "seal");
    const struct state *s = state_find(seals, ARRAY_SIZE(seals), seal);
    const char *host = member_text(status, "host");

    part(&left[0], "", "%s  %s", *host ? host : "this host", state_text(status));
    part(&left[1], "", "table inet portd");
    if (*seal)
        part(&left[1], "   ", "%s", s ? s->text : seal);
    part_text(&left[2], "", "ingress ", status, "ingress");
    part_text(&left[2], screen_marks()->separator, "egress ", status, "egress");
}

static void fill_right(json_t *status, struct builder right[static LINES]) {
    _cleanup_(freep) char *roles = member_list(status, "roles", ", ");
    json_t *generation = json_object_get(status, "generation");
    const char *digest = member_text(status, "digest"), *since = member_text(status, "since");
    const struct marks *marks = screen_marks();
    char buf[WHEN_TEXT_MAX];

    part_text(&right[0], "", "site ", status, "site");
    if (roles && *roles)
        part(&right[0], marks->separator, "%s", roles);
    if (generation)
        part(&right[1], ", ", "generation %lld", (long long)json_integer_value(generation));
    if (*digest)
        part(&right[1], ", ", "%.*s%s", DIGEST_MAX, digest, marks->ellipsis);
    if (*since)
        part(&right[1], ", ", "for %s", when_age(since, time(NULL), buf));
    part_count(&right[2], status, "flows", "flow");
    part_count(&right[2], status, "addresses", "address");
    part_count(&right[2], status, "names", "name");
}

static size_t widest(char *const texts[static LINES]) {
    size_t width = 0;

    for (size_t i = 0; i < LINES; i++) {
        size_t w = texts[i] ? text_width(texts[i]) : 0;

        width = w > width ? w : width;
    }
    return width;
}

static void print_head(json_t *status) {
    const struct state *s = state_find(states, ARRAY_SIZE(states), member_text(status, "state"));
    struct builder builders[2][LINES];
    char *texts[2][LINES];
    size_t column;
    bool fits;

    for (size_t i = 0; i < LINES; i++) {
        builder_open(&builders[0][i]);
        builder_open(&builders[1][i]);
    }
    fill_left(status, builders[0]);
    fill_right(status, builders[1]);
    for (size_t i = 0; i < LINES; i++) {
        texts[0][i] = builder_close(&builders[0][i]);
        texts[1][i] = builder_close(&builders[1][i]);
    }
    column = widest(texts[0]) + GAP;
    fits = column + widest(texts[1]) + 2 <= screen_width();
    for (size_t i = 0; i < LINES; i++) {
        const char *left = texts[0][i] ? texts[0][i] : "", *right = texts[1][i] ? texts[1][i] : "";

        printf("%s%s%s %s", i ? "" : screen_colour(s ? s->colour : COLOUR_BAD),
               i ? " " : screen_marks()->bullet, i ? "" : screen_colour(COLOUR_NONE), left);
        if (*right && fits)
            printf("%*s%s", (int)(column - text_width(left)), "", right);
        else if (*right)
            printf("\n      %s", right);
        putchar('\n');
        free(texts[0][i]);
        free(texts[1][i]);
    }
}

static void print_last_drift(json_t *drift) {
    _cleanup_(freep) char *author = drift_author(drift);
    json_t *changes = json_object_get(drift, "changes");
    json_t *repaired = json_object_get(drift, "repaired_usec");
    const char *change = json_string_value(json_array_get(changes, 0));
    char buf[WHEN_TEXT_MAX];

    printf("  last drift   %s  %s", when_format(member_text(drift, "time"), time(NULL), buf),
           author ? author : "?");
    if (change)
        printf(": %s", change);
    if (json_array_size(changes) > 1)
        printf(" and %zu more", json_array_size(changes) - 1);
    if (repaired)
        printf("; repaired in %s", when_duration((uint64_t)json_integer_value(repaired), buf));
    else
        printf("; %snot repaired%s", screen_colour(COLOUR_BAD), screen_colour(COLOUR_NONE));
    putchar('\n');
}

static void print_last_reload(json_t *reload) {
    const char *reason = member_text(reload, "reason"), *by = member_text(reload, "by");
    char buf[WHEN_TEXT_MAX];

    printf("  last reload  %s  %s%s%s\n", when_format(member_text(reload, "time"), time(NULL), buf),
           by, *by && *reason ? ": " : "", reason);
}

static void print_recently(json_t *denied, const char *packets, const char *addresses,
                           const char *what) {
    json_int_t n = json_integer_value(json_object_get(denied, packets));
    json_int_t from = json_integer_value(json_object_get(denied, addresses));

    if (n > 0)
        printf("  %-12s %lld %s of %lld %s in the last hour  %s portd-ctl denied\n", what,
               (long long)n, n == 1 ? "packet" : "packets", (long long)from,
               from == 1 ? "address" : "addresses", screen_marks()->arrow);
}

static void print_would(json_t *would) {
    const char *nearest = member_text(json_object_get(would, "nearest"), "flow");
    json_int_t n = json_integer_value(json_object_get(would, "packets"));
    json_int_t hosts = json_integer_value(json_object_get(would, "hosts"));
    bool is_in = strcmp(member_text(would, "direction"), "in") == 0;

    printf("               %s %s %s %s, %lld %s %s %lld %s; %s%s\n", member_text(would, "from"),
           screen_marks()->arrow, member_text(would, "to"), member_text(would, "service"),
           (long long)n, n == 1 ? "time" : "times", is_in ? "from" : "to", (long long)hosts,
           hosts == 1 ? "host" : "hosts", *nearest ? "nearest flow: " : "",
           *nearest ? nearest : "no flow names it");
}

static void print_audit_mode(json_t *audit) {
    _cleanup_(freep) char *what = member_list(audit, "what", ", ");
    json_int_t quiet = json_integer_value(json_object_get(audit, "quiet_usec"));
    json_int_t enough = json_integer_value(json_object_get(audit, "enough_usec"));
    json_int_t more = json_integer_value(json_object_get(audit, "more"));
    json_t *would;
    char for_text[WHEN_TEXT_MAX], after_text[WHEN_TEXT_MAX];
    size_t i;

    printf("  audit        %s; quiet for %s", what ? what : "?",
           when_duration((uint64_t)quiet, for_text));
    if (quiet < enough)
        printf("; enforce after %s  %s portd-ctl denied --would\n",
               when_duration((uint64_t)enough, after_text), screen_marks()->arrow);
    else
        printf(": time to enforce it in the site, then  %s portd-ctl reload\n",
               screen_marks()->arrow);
    json_array_foreach(json_object_get(audit, "would"), i, would) if (i < WOULD_LINES)
        print_would(would);
    if (i > WOULD_LINES)
        more += (json_int_t)(i - WOULD_LINES);
    if (more > 0)
        printf("               and %lld more\n", (long long)more);
}

static void print_mistakes(json_t *mistakes) {
    json_t *mistake;
    size_t i;

    json_array_foreach(mistakes, i, mistake) {
        printf("  %s!%s ", screen_colour(COLOUR_BAD), screen_colour(COLOUR_NONE));
        print_mistake(mistake, stdout);
    }
    if (json_array_size(mistakes) > 0)
        printf("  %s correct the files, then: portd-ctl check, portd-ctl reload\n",
               screen_marks()->arrow);
}

void print_status(json_t *status) {
    json_t *drift = json_object_get(status, "last_drift");
    json_t *reload = json_object_get(status, "last_reload");
    const char *opponent = member_text(status, "contested_by");

    print_head(status);
    if (drift)
        print_last_drift(drift);
    if (reload)
        print_last_reload(reload);
    print_grants(json_object_get(status, "grants"));
    print_recently(json_object_get(status, "denied"), "packets", "addresses", "denied");
    print_recently(json_object_get(status, "denied"), "would_packets", "would_addresses",
                   "would deny");
    if (json_object_get(status, "audit"))
        print_audit_mode(json_object_get(status, "audit"));
    if (*opponent)
        printf("  %s!%s %s keeps rewriting the rules, portd keeps repairing them  %s portd-ctl "
               "drift\n",
               screen_colour(COLOUR_BAD), screen_colour(COLOUR_NONE), opponent,
               screen_marks()->arrow);
    print_mistakes(json_object_get(status, "mistakes"));
    print_warnings(json_object_get(status, "warnings"), "  ");
}
