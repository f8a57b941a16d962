/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts are made safe once, where they come in, so that no printer has to think of it. */
#include "screen.h"

#include "base/macros.h"
#include "base/quote.h"

#include <langinfo.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

#define WIDTH_MIN     40
#define WIDTH_DEFAULT 100

static void safe_string(json_t *string) {
    _cleanup_(freep) char *text = text_escape(json_string_value(string));

    if (!text || json_string_set(string, text) < 0)
        (void)json_string_set(string, "");
}

void screen_make_safe(json_t *value) {
    const char *key;
    json_t *child;
    size_t i;

    if (json_is_string(value))
        safe_string(value);
    json_array_foreach(value, i, child) screen_make_safe(child);
    json_object_foreach(value, key, child) screen_make_safe(child);
}

bool screen_has_colour(void) {
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
}

static const char *const colour_names[] = {
    [COLOUR_NONE] = "reset", [COLOUR_GOOD] = "green", [COLOUR_WARN] = "yellow",
    [COLOUR_BAD] = "red",    [COLOUR_DIM] = "gray",
};
static_assert(ARRAY_SIZE(colour_names) == COLOUR_MAX, "a colour has no name");

static const char *const colour_sequences[] = {
    [COLOUR_NONE] = "\033[0m", [COLOUR_GOOD] = "\033[32m", [COLOUR_WARN] = "\033[33m",
    [COLOUR_BAD] = "\033[31m", [COLOUR_DIM] = "\033[90m",
};
static_assert(ARRAY_SIZE(colour_sequences) == COLOUR_MAX, "a colour has no sequence");

const char *screen_colour(enum colour c) {
    return screen_has_colour() ? colour_sequences[c] : "";
}

const char *screen_colour_name(enum colour c) {
    return screen_has_colour() ? colour_names[c] : NULL;
}

size_t screen_width(void) {
    const char *columns = getenv("COLUMNS");
    long width = columns ? strtol(columns, NULL, 10) : 0;
    struct winsize size;

    if (width <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    if (width <= 0)
        width = WIDTH_DEFAULT;
    return width < WIDTH_MIN ? WIDTH_MIN : (size_t)width;
}

size_t text_width(const char *text) {
    size_t n = mbstowcs(NULL, text, 0);
    _cleanup_(freep) wchar_t *wide = NULL;
    int width;

    if (n == (size_t)-1)
        return strlen(text);
    wide = calloc(n + 1, sizeof(*wide));
    if (!wide)
        return strlen(text);
    mbstowcs(wide, text, n + 1);
    width = wcswidth(wide, n);
    return width < 0 ? strlen(text) : (size_t)width;
}

const struct marks *screen_marks(void) {
    static const struct marks plain = { "*", " - ", "...", "->" };
    static const struct marks unicode = { "●", " · ", "…", "→" };

    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? &unicode : &plain;
}
