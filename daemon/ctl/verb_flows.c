/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows in use, and beside them what listens on this host. */
#include "client.h"
#include "failure.h"
#include "print.h"
#include "varlink/interface.h"

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

enum status verb_flows(const struct options *o, const char *const *words, size_t n_words) {
    enum status status;
    json_t *answer;

    if (o->listen)
        return listening(o, words, n_words);
    status = rows_ask(o, INTERFACE_PORTD ".Flows", "flows", words, n_words, &answer);
    if (status != STATUS_FINE)
        return status;
    if (o->json)
        print_json(answer, false);
    else
        print_flows(json_object_get(answer, "flows"));
    json_decref(answer);
    return STATUS_FINE;
}
