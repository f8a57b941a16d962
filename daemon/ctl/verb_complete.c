/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a shell offers for the word at the cursor: __complete WORD..., the words of the command
 * line behind "portd-ctl" up to the cursor, the last of them "" or begun. The first line of the
 * answer says who knows the candidates: "words", which follow, each with a tab and a description
 * behind it, or the shell, which completes "files", "directories" or "machines". So the shells'
 * own parts have nothing in them that the table of verbs could outgrow; the usage lines are the
 * grammar. */
#include "candidates.h"
#include "failure.h"
#include "options.h"
#include "verbs.h"

#include "base/macros.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The command line up to the word at the cursor. */
struct line {
    struct options options;
    const struct verb *verb;          /* NULL: none yet */
    const struct option_row *pending; /* the option whose value is typed, or NULL */
    const char *typed;
};

/* One word of a usage line: "[from|to]", "PRODUCT...". */
struct token {
    char text[64];
    bool is_optional, repeats;
};

/* False at the end. */
static bool token_read(const char **usage, struct token *ret) {
    size_t n = strcspn(*usage, " ");
    char *dots;

    if (n == 0 || n >= sizeof(ret->text))
        return false;
    *ret = (struct token){ .is_optional = **usage == '[' };
    memcpy(ret->text, *usage + ret->is_optional, n - ret->is_optional);
    dots = strstr(ret->text, "...");
    ret->repeats = dots && !dots[3];
    if (ret->repeats)
        *dots = '\0';
    ret->text[strcspn(ret->text, "]")] = '\0';
    *usage += n + strspn(*usage + n, " ");
    return true;
}

/* Lower case stands for itself, upper case for something else. */
static bool token_takes(const struct token *t, const char *word) {
    const char *found = strstr(t->text, word);

    if (!islower((unsigned char)t->text[0]))
        return true;
    return found && *word && (found == t->text || found[-1] == '|') &&
           strchr("|", found[strlen(word)]);
}

static void token_offer(const struct line *l, const struct token *t, const char **source,
                        json_t *candidates) {
    const struct place_kind *kind;
    char text[sizeof(t->text)], *rest = text;
    const char *word;

    memcpy(text, t->text, sizeof(text));
    if (islower((unsigned char)*text)) {
        while ((word = strsep(&rest, "|")))
            candidate_add(candidates, word, NULL);
        return;
    }
    kind = place_kind_find(text);
    if (!kind)
        return;
    *source = kind->source;
    if (kind->fill)
        kind->fill(&l->options, l->typed, candidates);
}

/* Walks the usage line along the words that are there. */
static void offer_arguments(const struct line *l, const char **source, json_t *candidates) {
    const char *usage = l->verb->arguments;
    struct token t;
    bool is_there = token_read(&usage, &t);

    for (size_t i = 1; i < l->options.n_words && is_there; i++) {
        while (is_there && t.is_optional && !token_takes(&t, l->options.words[i]))
            is_there = token_read(&usage, &t);
        if (is_there && !t.repeats)
            is_there = token_read(&usage, &t);
    }
    while (is_there) {
        token_offer(l, &t, source, candidates);
        is_there = t.is_optional && token_read(&usage, &t);
    }
}

static void offer_verbs(json_t *candidates) {
    for (const struct verb *v = verb_next(NULL); v; v = verb_next(v))
        if (!verb_is_hidden(v))
            candidate_add(candidates, v->name, v->summary);
}

/* Those that can still be given. */
static void offer_options(const struct line *l, json_t *candidates) {
    const struct option_row *row = NULL;

    while ((row = option_next(row, l->verb ? l->verb->options : 0))) {
        char text[64];

        if (row->bit & l->options.given && row->kind != OPTION_KIND_LIST)
            continue;
        snprintf(text, sizeof(text), "--%s", row->name);
        candidate_add(candidates, text, row->help);
    }
}

/* The value of an option, typed behind it or, as in "--site=", behind `before`. */
static void offer_value(const struct line *l, const struct option_row *row, const char *before,
                        const char **source, json_t *candidates) {
    const struct place_kind *kind = row->argument ? place_kind_find(row->argument) : NULL;
    json_t *values = json_object(), *description;
    const char *value;

    if (kind)
        *source = kind->source;
    if (kind && kind->fill)
        kind->fill(&l->options, l->typed + strlen(before), values);
    json_object_foreach(values, value, description) {
        _cleanup_(freep) char *text = NULL;

        if (asprintf(&text, "%s%s", before, value) < 0)
            text = NULL;
        if (text)
            candidate_add(candidates, text, json_string_value(description));
    }
    json_decref(values);
}

static void offer(const struct line *l, const char **source, json_t *candidates) {
    const struct option_row *row;
    size_t n = strcspn(l->typed, "=");

    if (l->pending) {
        offer_value(l, l->pending, "", source, candidates);
    } else if (l->typed[0] == '-' && l->typed[n]) {
        _cleanup_(freep) char *before = strndup(l->typed, n + 1);

        row = option_find(l->typed, n, l->verb ? l->verb->options : 0);
        if (row && before)
            offer_value(l, row, before, source, candidates);
    } else if (l->typed[0] == '-') {
        offer_options(l, candidates);
    } else if (l->verb) {
        offer_arguments(l, source, candidates);
    } else if (l->options.n_words == 0) {
        offer_verbs(candidates);
    }
}

/* The option of which the word before the cursor waits for a value, or NULL. */
static const struct option_row *option_pending(const char *const *words, size_t n_words,
                                               unsigned allowed) {
    const char *last = n_words > 1 ? words[n_words - 2] : "";
    const struct option_row *row = option_find(last, strlen(last), allowed);

    return row && option_takes_next(row) ? row : NULL;
}

/* Such an option is set aside. */
static enum status line_parse(const char *const *words, size_t n_words, struct line *ret) {
    size_t n = n_words - (option_pending(words, n_words, ~0U) != NULL);
    char **arguments = calloc(n_words + 1, sizeof(*arguments));
    enum status status;

    *ret = (struct line){ .typed = words[n_words - 1] };
    if (!arguments)
        return failure_memory();
    arguments[0] = (char *)"portd-ctl";
    for (size_t i = 1; i < n; i++)
        arguments[i] = (char *)words[i - 1];
    status = options_parse((int)n, arguments, &ret->options);
    free(arguments);
    if (status != STATUS_FINE)
        return status;
    if (ret->options.n_words > 0)
        ret->verb = verb_find(ret->options.words[0]);
    ret->pending = option_pending(words, n_words, ret->verb ? ret->verb->options : 0);
    return STATUS_FINE;
}

static bool is_there(const struct line *l, const char *candidate) {
    for (size_t i = 1; i < l->options.n_words; i++)
        if (strcmp(l->options.words[i], candidate) == 0)
            return true;
    return false;
}

/* Whoever types wants no messages in between. */
enum status verb_complete(const struct options *o _unused_, const char *const *words,
                          size_t n_words) {
    json_t *candidates = json_object(), *description;
    const char *source = "words", *candidate;
    enum status status = STATUS_FAILED;
    struct line line = { .typed = "" };

    if (freopen("/dev/null", "w", stderr))
        status = line_parse(words, n_words, &line);
    if (status == STATUS_FINE) {
        offer(&line, &source, candidates);
        puts(source);
        json_object_foreach(candidates, candidate,
                            description) if (strncmp(candidate, line.typed, strlen(line.typed)) ==
                                                 0 &&
                                             !is_there(&line, candidate))
            printf("%s\t%s\n", candidate, json_string_value(description));
        options_clear(&line.options);
    }
    json_decref(candidates);
    return status;
}
