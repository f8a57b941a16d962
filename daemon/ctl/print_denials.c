/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was denied: who, what and why, and how much of it nobody saw. */
#include "print.h"

#include "base/macros.h"
#include "table.h"
#include "when.h"

#include <string.h>

/* Each malloc'ed; NULL when memory is out. */
static char *text_of(const char *format, ...) _printf_(1, 2);

static char *text_of(const char *format, ...) {
    char *text;
    va_list ap;
    int n;

    va_start(ap, format);
    n = vasprintf(&text, format, ap);
    va_end(ap);
    return n < 0 ? NULL : text;
}

static bool is_would(json_t *denial) {
    return json_is_true(json_object_get(denial, "would"));
}

static char *other_end(json_t *denial) {
    _cleanup_(freep) char *roles = member_list(denial, "roles", ", ");
    const char *host = member_text(denial, "host"), *address = member_text(denial, "address");
    bool has_roles = roles && *roles;

    if (!*host)
        return text_of("%s", address);
    return text_of("%s %s%s%s%s", host, address, has_roles ? " (" : "", has_roles ? roles : "",
                   has_roles ? ")" : "");
}

static char *service(json_t *denial) {
    const char *kind = member_text(denial, "kind");
    bool is_request = strcmp(kind, "request") == 0;

    return text_of("%s%s%s", member_text(denial, "service"), is_request ? "" : " ",
                   is_request ? "" : kind);
}

/* The flow that comes nearest says more than that none does. */
static char *why(json_t *denial) {
    json_t *nearest = json_object_get(denial, "nearest");

    if (!nearest)
        return text_of("%s", member_text(denial, "reason"));
    return text_of("%s: %s", member_text(nearest, "flow"), member_text(nearest, "reason"));
}

static void set(struct table *t, size_t column, char *text, enum colour colour) {
    table_set(t, column, text ? text : "?", colour);
    free(text);
}

static void print_rows(json_t *denials) {
    static const struct column columns[] = {
        { "LAST", false, false },     { "PACKETS", false, true },  { "WAY", false, false },
        { "OTHER END", true, false }, { "SERVICE", false, false }, { "WHY", true, false },
    };
    struct table *t = table_new(columns, ARRAY_SIZE(columns));
    char buf[WHEN_TEXT_MAX];
    json_t *denial;
    size_t i;

    json_array_foreach(denials, i, denial) {
        json_int_t packets = json_integer_value(json_object_get(denial, "packets"));
        bool would = is_would(denial);

        table_add_row(t);
        table_set(t, 0, when_format(member_text(denial, "last"), time(NULL), buf), COLOUR_NONE);
        set(t, 1, text_of("%lld", (long long)packets), COLOUR_NONE);
        set(t, 2, text_of("%s%s", member_text(denial, "direction"), would ? ", passed" : ""),
            would ? COLOUR_WARN : COLOUR_NONE);
        set(t, 3, other_end(denial), COLOUR_NONE);
        set(t, 4, service(denial), COLOUR_NONE);
        set(t, 5, why(denial), COLOUR_NONE);
    }
    table_print(t);
}

static const struct {
    const char *key, *what;
} losses[] = {
    { "unlogged", "packets came faster than they are logged" },
    { "missed", "packets were too many at once for the reader" },
    { "unread", "packets can't be read" },
    { "forgotten", "rows made room for newer ones" },
};

static void print_losses(json_t *packets) {
    for (size_t i = 0; i < ARRAY_SIZE(losses); i++) {
        json_int_t n = json_integer_value(json_object_get(packets, losses[i].key));

        if (n > 0)
            printf("not listed: %lld %s\n", (long long)n, losses[i].what);
    }
}

void print_denials(json_t *answer) {
    json_t *denials = json_object_get(answer, "denials");
    const char *reader = member_text(json_object_get(answer, "reader"), "state");

    if (json_array_size(denials) == 0)
        puts("nothing was denied that was seen");
    print_rows(denials);
    print_losses(json_object_get(answer, "packets"));
    if (strcmp(reader, "runs") != 0 && strcmp(reader, "waits") != 0)
        printf("nobody reads what is denied (%s)  %s portd-ctl status\n", reader,
               screen_marks()->arrow);
}

static void print_line(json_t *denial) {
    _cleanup_(freep) char *end = other_end(denial), *what = service(denial), *reason = why(denial);
    bool is_in = strcmp(member_text(denial, "direction"), "in") == 0;
    char buf[WHEN_TEXT_MAX];

    printf("%s  %s %s %s %s  %s%lld so far: %s\n",
           when_format(member_text(denial, "last"), time(NULL), buf), is_in ? "in " : "out",
           what ? what : "?", is_in ? "from" : "to", end ? end : "?",
           is_would(denial) ? "passed, " : "",
           (long long)json_integer_value(json_object_get(denial, "packets")),
           reason ? reason : "?");
}

void print_denials_news(json_t *answer, bool would) {
    json_t *denials = json_object_get(answer, "denials");

    for (size_t i = json_array_size(denials); i-- > 0;)
        if (!would || is_would(json_array_get(denials, i)))
            print_line(json_array_get(denials, i));
}
