/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small shapes, and how parts of larger ones are read. */
#include "print.h"

#include "base/macros.h"
#include "screen.h"
#include "when.h"

#include <pwd.h>
#include <string.h>

void print_json(json_t *answer, bool is_line) {
    json_dumpf(answer, stdout,
               JSON_ENSURE_ASCII | (is_line ? (size_t)JSON_COMPACT : (size_t)JSON_INDENT(2)));
    putchar('\n');
}

const char *member_text(json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

char *member_list(json_t *object, const char *key, const char *separator) {
    json_t *list = json_object_get(object, key), *item;
    char *text = NULL;
    size_t size, i;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    json_array_foreach(list, i, item) fprintf(f, "%s%s", i ? separator : "",
                                              json_is_string(item) ? json_string_value(item) : "?");
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static long long member_number(json_t *object, const char *key) {
    return (long long)json_integer_value(json_object_get(object, key));
}

void print_verification(json_t *answer) {
    const char *arrow = screen_marks()->arrow;

    if (json_is_true(json_object_get(answer, "intact"))) {
        printf("intact: %lld drifts, the newest is number %lld, chain %s\n",
               member_number(answer, "entries"), member_number(answer, "number"),
               member_text(answer, "chain"));
        return;
    }
    printf("%schanged%s: line %lld of drifts.jsonl", screen_colour(COLOUR_BAD),
           screen_colour(COLOUR_NONE), member_number(answer, "line"));
    if (json_object_get(answer, "breaks_at"))
        printf(", number %lld", member_number(answer, "breaks_at"));
    printf(": %s\n%lld before it are intact, the newest of them has chain %s\n",
           member_text(answer, "reason"), member_number(answer, "entries"),
           member_text(answer, "chain"));
    printf("  %s the journal has the chain of each: journalctl -o verbose PORTD_NUMBER=%lld\n",
           arrow, member_number(answer, "number") + 1);
}

/* A user by name, or "uid 1000". */
static char *user_text(json_t *uid) {
    const struct passwd *user = getpwuid((uid_t)json_integer_value(uid));
    char *text;

    if (user)
        return strdup(user->pw_name);
    return asprintf(&text, "uid %lld", (long long)json_integer_value(uid)) < 0 ? NULL : text;
}

char *drift_author(json_t *drift) {
    json_t *pid = json_object_get(drift, "pid"), *uid = json_object_get(drift, "uid");
    json_t *login_uid = json_object_get(drift, "login_uid");
    _cleanup_(freep) char *user = uid ? user_text(uid) : NULL;
    _cleanup_(freep) char *login =
        login_uid && !json_equal(login_uid, uid) ? user_text(login_uid) : NULL;
    const char *command = member_text(drift, "command");
    char *text, number[32] = "";

    if (pid)
        snprintf(number, sizeof(number), "[%lld]", (long long)json_integer_value(pid));
    if (asprintf(&text, "%s%s%s%s%s%s%s", *command ? command : "somebody", number, user ? " " : "",
                 user ? user : "", login ? " (login " : "", login ? login : "",
                 login ? ")" : "") < 0)
        return NULL;
    return text;
}

void print_warnings(json_t *warnings, const char *indent) {
    json_t *warning;
    size_t i;

    json_array_foreach(warnings, i, warning) {
        const char *hint = member_text(warning, "hint");

        printf("%s%s!%s %s", indent, screen_colour(COLOUR_WARN), screen_colour(COLOUR_NONE),
               member_text(warning, "text"));
        if (*hint)
            printf("  %s %s", screen_marks()->arrow, hint);
        putchar('\n');
    }
}

void print_paragraph(const char *label, const char *text) {
    size_t indent = text_width(label), width = screen_width(), at = indent;
    const char *word = text;

    fputs(label, stdout);
    while (*word) {
        size_t n = strcspn(word, " ");
        _cleanup_(freep) char *copy = strndup(word, n);
        size_t used = copy ? text_width(copy) : n;

        if (at > indent && at + 1 + used > width) {
            printf("\n%*s", (int)indent, "");
            at = indent;
        }
        at += (size_t)printf("%s", at > indent ? " " : "") + used;
        fwrite(word, 1, n, stdout);
        word += n + strspn(word + n, " ");
    }
    putchar('\n');
}

void print_lines(json_t *lines, const char *indent) {
    json_t *line;
    size_t i;

    json_array_foreach(lines, i, line)
        printf("%s%s\n", indent, json_is_string(line) ? json_string_value(line) : "?");
}

void print_event(json_t *event) {
    char buf[WHEN_TEXT_MAX];

    printf("%s  %-6s  %s\n", when_format(member_text(event, "time"), time(NULL), buf),
           member_text(event, "event"), member_text(event, "text"));
}

void print_mistake(json_t *mistake, FILE *f) {
    const char *file = member_text(mistake, "file"), *pointer = member_text(mistake, "pointer");
    json_t *line = json_object_get(mistake, "line"), *column = json_object_get(mistake, "column");

    fputs(file, f);
    if (line)
        fprintf(f, ":%lld:%lld", (long long)json_integer_value(line),
                (long long)json_integer_value(column));
    fprintf(f, "%s%s%s%s\n", *file ? ": " : "", pointer, *pointer ? ": " : "",
            member_text(mistake, "text"));
}
