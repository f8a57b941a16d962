/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows in use, which of them nobody uses, and what listens on this host beside them. */
#include "client.h"
#include "failure.h"
#include "print.h"
#include "varlink/interface.h"
#include "when.h"

#include <stdlib.h>
#include <string.h>

/* A flow, or a product, of which it means all. */
static bool is_named(json_t *row, const char *word) {
    const char *flow = member_text(row, "flow");
    size_t n = strlen(word);

    return strcmp(flow, word) == 0 || (strncmp(flow, word, n) == 0 && flow[n] == '/');
}

/* Adds those that a word names. */
static enum status rows_add(json_t *rows, const char *word, json_t *ret) {
    bool has_any = false;
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        if (!is_named(row, word))
            continue;
        has_any = true;
        if (json_array_append(ret, row) < 0)
            return failure_memory();
    }
    if (has_any)
        return STATUS_FINE;
    fprintf(stderr,
            "portd-ctl: \"%s\" is neither a flow nor a product that is in use\n"
            "  try: portd-ctl flows\n",
            word);
    return STATUS_FAILED;
}

/* Leaves of the answer what the words name. */
static enum status rows_choose(json_t *answer, const char *key, const char *const *words,
                               size_t n_words) {
    json_t *chosen = json_array();
    enum status status = STATUS_FINE;

    for (size_t i = 0; i < n_words && status == STATUS_FINE; i++)
        status = rows_add(json_object_get(answer, key), words[i], chosen);
    if (status == STATUS_FINE && n_words > 0)
        return json_object_set_new(answer, key, chosen) < 0 ? failure_memory() : STATUS_FINE;
    json_decref(chosen);
    return status;
}

static enum status rows_ask(const struct options *o, const char *method, const char *key,
                            const char *const *words, size_t n_words, json_t **ret) {
    enum status status = client_ask(o, method, json_object(), ret);

    if (status != STATUS_FINE)
        return status;
    status = rows_choose(*ret, key, words, n_words);
    if (status != STATUS_FINE)
        json_decref(*ret);
    return status;
}

static enum status listening(const struct options *o, const char *const *words, size_t n_words) {
    enum status status;
    json_t *answer, *services;

    status = rows_ask(o, INTERFACE_PORTD ".Listening", "services", words, n_words, &answer);
    if (status != STATUS_FINE)
        return status;
    services = json_object_get(answer, "services");
    if (o->json)
        print_json(answer, false);
    else
        print_listening(services);
    status = listening_is_fine(services) ? STATUS_FINE : STATUS_ODD;
    json_decref(answer);
    return status;
}

/* --- unused flows --- */

#define DAYS_MAX 36500L

/* Of "30"; 0: of "". Negative: it is no number of days. */
static long days_parse(const char *text) {
    char *end;
    long n = strtol(text, &end, 10);

    if (!*text)
        return 0;
    return *text >= '0' && *text <= '9' && !*end && n > 0 && n <= DAYS_MAX ? n : -1;
}

/* What was not watched for so long is not known to be unused. */
static bool is_unused(json_t *flow, long days) {
    time_t since, last, before = time(NULL) - days * 86400;
    bool was_hit = when_parse(json_string_value(json_object_get(flow, "last_hit")), &last);

    if (!when_parse(json_string_value(json_object_get(flow, "watched_since")), &since))
        return false;
    return days == 0 ? !was_hit : since <= before && (!was_hit || last <= before);
}

static enum status unused_choose(json_t *answer, long days) {
    json_t *chosen = json_array(), *flow;
    size_t i;

    json_array_foreach(json_object_get(answer, "flows"), i,
                       flow) if (is_unused(flow, days) && json_array_append(chosen, flow) < 0) {
        json_decref(chosen);
        return failure_memory();
    }
    return json_object_set_new(answer, "flows", chosen) < 0 ? failure_memory() : STATUS_FINE;
}

static enum status flows(const struct options *o, const char *const *words, size_t n_words,
                         long days) {
    enum status status;
    json_t *answer;

    status = rows_ask(o, INTERFACE_PORTD ".Flows", "flows", words, n_words, &answer);
    if (status != STATUS_FINE)
        return status;
    if (o->unused)
        status = unused_choose(answer, days);
    if (status == STATUS_FINE && o->json)
        print_json(answer, false);
    else if (status == STATUS_FINE && o->unused &&
             json_array_size(json_object_get(answer, "flows")) == 0)
        puts("no flow that is open is known to be unused");
    else if (status == STATUS_FINE)
        print_flows(json_object_get(answer, "flows"));
    json_decref(answer);
    return status;
}

static enum status usage(const char *text) {
    fprintf(stderr, "portd-ctl: %s\n  try: portd-ctl flows --help\n", text);
    return STATUS_USAGE;
}

enum status verb_flows(const struct options *o, const char *const *words, size_t n_words) {
    long days = o->unused ? days_parse(o->unused) : 0;

    if (o->listen && o->unused)
        return usage("flows takes --listen or --unused, not both");
    if (days < 0)
        return usage("--unused takes a number of days, from 1 to 36500: --unused=30");
    return o->listen ? listening(o, words, n_words) : flows(o, words, n_words, days);
}
