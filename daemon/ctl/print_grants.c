/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line each: what is open, until when, who opened it and why. */
#include "print.h"

#include "screen.h"
#include "when.h"

#include <string.h>

void print_grants(json_t *grants) {
    char until[WHEN_TEXT_MAX], left[WHEN_TEXT_MAX];
    json_t *grant;
    size_t i;

    json_array_foreach(grants, i, grant) {
        json_int_t seconds = json_integer_value(json_object_get(grant, "seconds"));
        const char *direction = member_text(grant, "direction");

        printf("  %sgranted%s      %s %s %s %s until %s (%s) by %s: %s\n",
               screen_colour(COLOUR_BAD), screen_colour(COLOUR_NONE), direction,
               member_text(grant, "service"), strcmp(direction, "in") == 0 ? "from" : "to",
               member_text(grant, "address"),
               when_format(member_text(grant, "until"), time(NULL), until),
               when_duration((uint64_t)seconds * 1000000, left), member_text(grant, "by"),
               member_text(grant, "reason"));
    }
}
