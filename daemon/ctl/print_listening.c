/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "print.h"

#include "base/macros.h"
#include "table.h"

#include <string.h>

static const struct state {
    const char *name;
    enum colour colour;
} states[] = {
    { "served", COLOUR_GOOD },
    { "nobody-listens", COLOUR_WARN },
    { "not-in-policy", COLOUR_WARN },
    { "dropped-by-others", COLOUR_BAD },
};

static enum colour state_colour(const char *name) {
    for (size_t i = 0; i < ARRAY_SIZE(states); i++)
        if (strcmp(states[i].name, name) == 0)
            return states[i].colour;
    return COLOUR_NONE;
}

/* A socket that no unit opened has a user. */
static void set_unit(struct table *t, size_t column, json_t *service) {
    const char *unit = member_text(service, "unit");
    json_t *uid = json_object_get(service, "uid");
    char text[32] = "";

    if (uid)
        snprintf(text, sizeof(text), "user %lld", (long long)json_integer_value(uid));
    table_set(t, column, *unit ? unit : text, COLOUR_NONE);
}

static void set_others(struct table *t, size_t column, json_t *service) {
    const char *drops = member_text(service, "dropped_by");
    const char *publishes = member_text(service, "published_by");

    table_set(t, column, *drops ? drops : publishes, *drops ? COLOUR_BAD : COLOUR_NONE);
}

bool listening_is_fine(json_t *services) {
    json_t *service;
    size_t i;

    json_array_foreach(services, i, service) if (*member_text(service, "dropped_by")) return false;
    return true;
}

void print_listening(json_t *services) {
    static const struct column columns[] = {
        { "SERVICE", false, false }, { "STATE", false, false }, { "FLOW", false, false },
        { "ADDRESS", false, false }, { "UNIT", true, false },   { "RULE OF OTHERS", true, false },
    };
    struct table *t = table_new(columns, ARRAY_SIZE(columns));
    json_t *service;
    size_t i;

    json_array_foreach(services, i, service) {
        const char *state = member_text(service, "state");

        table_add_row(t);
        table_set(t, 0, member_text(service, "service"), COLOUR_NONE);
        table_set(t, 1, state, state_colour(state));
        table_set(t, 2, member_text(service, "flow"), COLOUR_NONE);
        table_set(t, 3, member_text(service, "address"), COLOUR_NONE);
        set_unit(t, 4, service);
        set_others(t, 5, service);
    }
    table_print(t);
}
