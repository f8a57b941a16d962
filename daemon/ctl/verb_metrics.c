/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The metrics are what the other verbs ask for as well, in the words of those who measure. A portd
 * that doesn't answer is a metric, too. */
#include "client.h"
#include "failure.h"
#include "metrics.h"
#include "print.h"
#include "varlink/interface.h"

#include "base/file.h"

#include <string.h>

static void print_as_json(json_t *families, FILE *f) {
    json_dumpf(families, f, JSON_ENSURE_ASCII | JSON_INDENT(2));
    fputc('\n', f);
}

static const struct format {
    const char *name;
    void (*print)(json_t *families, FILE *f);
} formats[] = {
    { "openmetrics", print_openmetrics },
    { "prometheus", print_prometheus },
    { "json", print_as_json },
};

const char *metrics_format_at(size_t i) {
    return i < ARRAY_SIZE(formats) ? formats[i].name : NULL;
}

/* Whoever reads a directory of such files, node_exporter, reads the older format alone. */
static enum status format_find(const struct options *o, const struct format **ret) {
    const char *name = o->json     ? "json"
                       : o->format ? o->format
                       : o->output ? "prometheus"
                                   : "openmetrics";

    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (strcmp(formats[i].name, name) == 0) {
            *ret = &formats[i];
            return STATUS_FINE;
        }
    fprintf(stderr, "portd-ctl: there is no format \"%s\": take openmetrics, prometheus or json\n",
            name);
    return STATUS_USAGE;
}

static void answers_clear(struct metrics_answers *a) {
    json_decref(a->info);
    json_decref(a->status);
    json_decref(a->flows);
    json_decref(a->names);
}

/* One that has no answer leaves a gap, and the others count. */
static enum status answers_ask(const struct options *o, struct metrics_answers *a) {
    const struct {
        const char *method;
        json_t **ret;
    } questions[] = {
        { INTERFACE_PORTD ".Status", &a->status },
        { INTERFACE_SERVICE ".GetInfo", &a->info },
        { INTERFACE_PORTD ".Flows", &a->flows },
        { INTERFACE_PORTD ".Names", &a->names },
    };
    enum status worst = STATUS_FINE;

    for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
        enum status status = client_ask(o, questions[i].method, json_object(), questions[i].ret);

        if (status != STATUS_FINE && !a->status)
            return status;
        if (status != STATUS_FINE)
            worst = STATUS_FAILED;
    }
    return worst;
}

static char *metrics_text(const struct metrics_answers *a, const struct format *format) {
    json_t *families = metrics_families(a);
    char *text = NULL;
    size_t size;
    FILE *f = families ? open_memstream(&text, &size) : NULL;

    if (f) {
        format->print(families, f);
        if (fclose(f) != 0) {
            free(text);
            text = NULL;
        }
    }
    json_decref(families);
    return text;
}

enum status verb_metrics(const struct options *o, const char *const *words _unused_,
                         size_t n_words _unused_) {
    _cleanup_(answers_clear) struct metrics_answers answers = { 0 };
    _cleanup_(freep) char *text = NULL;
    const struct format *format;
    enum status status = format_find(o, &format);
    int r = 0;

    if (status != STATUS_FINE)
        return status;
    status = answers_ask(o, &answers);
    text = metrics_text(&answers, format);
    if (!text)
        return failure_memory();
    if (o->output)
        r = file_write_atomic(o->output, text, strlen(text), 0644);
    else
        fputs(text, stdout);
    return r < 0 ? failure_write(o->output, r) : status;
}
