/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answers that are tables: which member goes into which column. */
#include "print.h"

#include "base/macros.h"
#include "table.h"
#include "when.h"

#include <string.h>

static void set_list(struct table *t, size_t column, json_t *object, const char *key) {
    _cleanup_(freep) char *text = member_list(object, key, ", ");

    table_set(t, column, text ? text : "?", COLOUR_NONE);
}

static enum colour flow_colour(const char *state) {
    if (strcmp(state, "active") == 0)
        return COLOUR_GOOD;
    return strcmp(state, "unbound") == 0 || strcmp(state, "no-port") == 0 ? COLOUR_WARN
                                                                          : COLOUR_DIM;
}

/* Both directions; "-" when the answer has none. */
static void set_packets(struct table *t, size_t column, json_t *flow) {
    json_t *in = json_object_get(flow, "packets_in"), *out = json_object_get(flow, "packets_out");
    char text[32] = "-";

    if (in || out)
        snprintf(text, sizeof(text), "%lld",
                 (long long)(json_integer_value(in) + json_integer_value(out)));
    table_set(t, column, text, COLOUR_NONE);
}

static bool is_active(json_t *flow) {
    return strcmp(member_text(flow, "ingress"), "active") == 0 ||
           strcmp(member_text(flow, "egress"), "active") == 0;
}

/* What the rules that are in force here can't say. */
static void print_notes(json_t *flows) {
    static const struct column columns[] = { { "FLOW", false, false }, { "NOTE", true, false } };
    struct table *t = table_new(columns, ARRAY_SIZE(columns));
    bool has_any = false;
    json_t *flow;
    size_t i;

    json_array_foreach(flows, i, flow) {
        if (!*member_text(flow, "note") || !is_active(flow))
            continue;
        has_any = true;
        table_add_row(t);
        table_set(t, 0, member_text(flow, "flow"), COLOUR_NONE);
        table_set(t, 1, member_text(flow, "note"), COLOUR_NONE);
    }
    if (has_any)
        putchar('\n');
    table_print(t);
}

/* Since when there could have been one tells how much "never" is worth. */
static void set_last_hit(struct table *t, size_t column, json_t *flow) {
    const char *last = member_text(flow, "last_hit"), *since = member_text(flow, "watched_since");
    char text[WHEN_TEXT_MAX + 16] = "-", age[WHEN_TEXT_MAX];

    if (*last)
        snprintf(text, sizeof(text), "%s ago", when_age(last, time(NULL), age));
    else if (*since)
        snprintf(text, sizeof(text), "never (%s)", when_age(since, time(NULL), age));
    table_set(t, column, text, *last || !*since ? COLOUR_NONE : COLOUR_DIM);
}

void print_flows(json_t *flows) {
    static const struct column columns[] = {
        { "FLOW", false, false },   { "SERVICES", true, false }, { "FROM", true, false },
        { "TO", true, false },      { "INGRESS", false, false }, { "EGRESS", false, false },
        { "PACKETS", false, true }, { "HIT", true, false },
    };
    struct table *t = table_new(columns, ARRAY_SIZE(columns));
    json_t *flow;
    size_t i;

    json_array_foreach(flows, i, flow) {
        const char *in = member_text(flow, "ingress"), *out = member_text(flow, "egress");

        table_add_row(t);
        table_set(t, 0, member_text(flow, "flow"), COLOUR_NONE);
        set_list(t, 1, flow, "services");
        set_list(t, 2, flow, "from");
        set_list(t, 3, flow, "to");
        table_set(t, 4, in, flow_colour(in));
        table_set(t, 5, out, flow_colour(out));
        set_packets(t, 6, flow);
        set_last_hit(t, 7, flow);
    }
    table_print(t);
    print_notes(flows);
}

static void set_age(struct table *t, size_t column, const char *since, enum colour colour) {
    char buf[WHEN_TEXT_MAX];

    table_set(t, column, *since ? when_age(since, time(NULL), buf) : "-", colour);
}

static void set_error(struct table *t, size_t column, json_t *name) {
    const char *error = member_text(name, "error");
    char buf[WHEN_TEXT_MAX];
    _cleanup_(freep) char *text = NULL;

    if (!*error)
        return;
    if (asprintf(&text, "%s, for %s", error,
                 when_age(member_text(name, "failing_since"), time(NULL), buf)) < 0)
        text = NULL;
    table_set(t, column, text ? text : error, COLOUR_WARN);
}

void print_names(json_t *names) {
    static const struct column columns[] = {
        { "NAME", false, false }, { "ADDRESSES", true, false }, { "ANSWERED", false, false },
        { "TTL", false, true },   { "FAILING", true, false },
    };
    struct table *t = table_new(columns, ARRAY_SIZE(columns));
    json_t *name;
    size_t i;

    json_array_foreach(names, i, name) {
        json_t *ttl = json_object_get(name, "ttl");
        char text[32] = "-";

        if (ttl)
            snprintf(text, sizeof(text), "%lld s", (long long)json_integer_value(ttl));
        table_add_row(t);
        table_set(t, 0, member_text(name, "name"), COLOUR_NONE);
        if (json_array_size(json_object_get(name, "addresses")) > 0)
            set_list(t, 1, name, "addresses");
        else
            table_set(t, 1, "none: closed", COLOUR_WARN);
        set_age(t, 2, member_text(name, "answered"), COLOUR_NONE);
        table_set(t, 3, text, COLOUR_NONE);
        set_error(t, 4, name);
    }
    table_print(t);
}

static void set_repaired(struct table *t, size_t column, json_t *drift) {
    json_t *repaired = json_object_get(drift, "repaired_usec");
    char buf[WHEN_TEXT_MAX];

    if (repaired)
        table_set(t, column, when_duration((uint64_t)json_integer_value(repaired), buf),
                  COLOUR_NONE);
    else
        table_set(t, column, "no", COLOUR_BAD);
}

static void set_number(struct table *t, size_t column, json_t *drift) {
    json_t *number = json_object_get(drift, "number");
    char text[32] = "";

    if (number)
        snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(number));
    table_set(t, column, text, COLOUR_NONE);
}

/* Who started it: with arguments, because a shell's name alone says little. */
static void set_parent(struct table *t, size_t column, json_t *drift) {
    const char *line = member_text(drift, "parent_command_line");

    table_set(t, column, *line ? line : member_text(drift, "parent_command"), COLOUR_NONE);
}

void print_drifts(json_t *drifts) {
    static const struct column columns[] = {
        { "NUMBER", false, true },    { "TIME", false, false }, { "WHO", true, false },
        { "BY WAY OF", true, false }, { "UNIT", true, false },  { "REPAIRED", false, false },
        { "CHANGES", true, false },
    };
    struct table *t = table_new(columns, ARRAY_SIZE(columns));
    json_t *drift;
    size_t i;

    json_array_foreach(drifts, i, drift) {
        _cleanup_(freep) char *author = drift_author(drift);
        _cleanup_(freep) char *changes = member_list(drift, "changes", "; ");
        char buf[WHEN_TEXT_MAX];

        table_add_row(t);
        set_number(t, 0, drift);
        table_set(t, 1, when_format(member_text(drift, "time"), time(NULL), buf), COLOUR_NONE);
        table_set(t, 2, author ? author : "?", COLOUR_NONE);
        set_parent(t, 3, drift);
        table_set(t, 4, member_text(drift, "unit"), COLOUR_NONE);
        set_repaired(t, 5, drift);
        table_set(t, 6, changes ? changes : "?", COLOUR_NONE);
    }
    table_print(t);
}
