/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would happen: what is opened and closed, then who is cut, the reader of this first. */
#include "print.h"

#include "base/macros.h"
#include "screen.h"

#include <string.h>

#define LINES_MAX 50U /* of each kind; --json has all */
#define HOSTS_MAX 6U  /* of each line */

static void print_hosts(json_t *hosts) {
    size_t i, n = json_array_size(hosts);

    for (i = 0; i < n && i < HOSTS_MAX; i++)
        printf("%s%s", i ? ", " : ": ", json_string_value(json_array_get(hosts, i)));
    if (n > i)
        printf(" and %zu more", n - i);
    putchar('\n');
}

static void print_side(const char *indent, const char *verb, enum colour colour, json_t *changes) {
    size_t i, n = json_array_size(changes);

    for (i = 0; i < n && i < LINES_MAX; i++) {
        json_t *change = json_array_get(changes, i);

        printf("%s%s%s%s %s", indent, screen_colour(colour), verb, screen_colour(COLOUR_NONE),
               member_text(change, "text"));
        print_hosts(json_object_get(change, "hosts"));
    }
    if (n > i)
        printf("%s%s %zu more: --json has all\n", indent, verb, n - i);
}

/* What no flow opens is meant by a mode: it passes, or it doesn't. */
static void print_modes(const char *indent, json_t *modes) {
    json_t *mode;
    size_t i;

    json_array_foreach(modes, i, mode) {
        const char *from = member_text(mode, "from"), *to = member_text(mode, "to");
        const char *effect = strcmp(to, "enforce") == 0     ? ": what no flow opens is denied"
                             : strcmp(from, "enforce") == 0 ? ": nothing is denied any more"
                                                            : "";

        printf("%s%s goes from %s to %s%s\n", indent,
               strcmp(member_text(mode, "direction"), "in") == 0 ? "ingress" : "egress", from, to,
               effect);
    }
}

static void print_audits(const char *indent, json_t *words, const char *effect) {
    for (size_t i = 0; i < json_array_size(words); i++)
        printf("%s%s %s\n", indent, json_string_value(json_array_get(words, i)), effect);
}

void print_planned(json_t *planned, const char *indent) {
    print_modes(indent, json_object_get(planned, "modes"));
    print_audits(indent, json_object_get(planned, "audited"),
                 "is only audited: what it would deny passes");
    print_audits(indent, json_object_get(planned, "enforced"),
                 "is audited no more: what no flow opens there is denied");
    print_side(indent, "opens", COLOUR_WARN, json_object_get(planned, "opened"));
    print_side(indent, "closes", COLOUR_GOOD, json_object_get(planned, "closed"));
}

static void print_connections(json_t *answer) {
    json_t *connections = json_object_get(answer, "connections");
    size_t total = (size_t)json_integer_value(json_object_get(answer, "cut")), i;

    for (i = 0; i < json_array_size(connections) && i < LINES_MAX; i++) {
        json_t *one = json_array_get(connections, i);
        bool is_own = json_is_true(json_object_get(one, "own"));

        printf("  %scuts%s %s%s\n", screen_colour(COLOUR_BAD), screen_colour(COLOUR_NONE),
               is_own ? "your own session, " : "", member_text(one, "text"));
    }
    if (total > i)
        printf("  cuts %zu more: --json has the first %zu\n", total - i,
               json_array_size(connections));
    if (json_object_get(answer, "blind"))
        printf("  ! %s\n", member_text(answer, "blind"));
    if (json_is_true(json_object_get(answer, "needs_force")))
        printf("a reload refuses to cut the session that it is typed in: put its address into "
               "\"management\", or: portd-ctl reload --force\n");
}

void print_plan(json_t *answer) {
    json_t *planned = json_object_get(answer, "planned");
    size_t n_opened = json_array_size(json_object_get(planned, "opened"));
    size_t n_closed = json_array_size(json_object_get(planned, "closed"));
    size_t n_changes = json_array_size(json_object_get(answer, "changes"));

    if (n_changes == 0)
        printf("%s: a reload would change nothing\n", member_text(planned, "host"));
    else
        printf("%s: a reload would open %zu and close %zu service%s, cut %lld live "
               "connection%s; %zu change%s in the kernel\n",
               member_text(planned, "host"), n_opened, n_closed, n_closed == 1 ? "" : "s",
               (long long)json_integer_value(json_object_get(answer, "cut")),
               json_integer_value(json_object_get(answer, "cut")) == 1 ? "" : "s", n_changes,
               n_changes == 1 ? "" : "s");
    print_planned(planned, "  ");
    print_connections(answer);
    print_warnings(json_object_get(answer, "warnings"), "  ");
}
