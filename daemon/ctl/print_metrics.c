/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two formats differ in the family's name (a counter's has "_total" in the older one), in
 * which types there are, in UNIT, in when a counter began, and in the end. Samples are the same
 * lines in both, so that one query reads either. */
#include "metrics.h"

#include "base/macros.h"
#include "print.h"

#include <string.h>

struct form {
    const char *type;   /* of OpenMetrics */
    const char *suffix; /* of its samples */
    const char *older;  /* the type in the older format */
};

static const struct form forms[] = {
    { "counter", "_total", "counter" }, { "gauge", "", "gauge" },    { "info", "_info", "gauge" },
    { "histogram", "", "histogram" },   { "stateset", "", "gauge" },
};

static const struct form *form_find(const char *type) {
    size_t i = 0;

    while (strcmp(forms[i].type, type) != 0)
        i++;
    return &forms[i];
}

/* The three characters that both formats escape in a label. */
static void print_escaped(const char *text, FILE *f) {
    for (; *text; text++)
        if (*text == '\n')
            fputs("\\n", f);
        else if (*text == '"' || *text == '\\')
            fprintf(f, "\\%c", *text);
        else
            fputc(*text, f);
}

/* `le`: a further label, unless it is NULL. */
static void print_labels(json_t *labels, const char *le, FILE *f) {
    const char *key, *separator = "{";
    json_t *value;

    json_object_foreach(labels, key, value) {
        fprintf(f, "%s%s=\"", separator, key);
        print_escaped(json_is_string(value) ? json_string_value(value) : "", f);
        fputc('"', f);
        separator = ",";
    }
    if (le)
        fprintf(f, "%sle=\"%s\"", separator, le);
    if (le || *separator == ',')
        fputc('}', f);
}

static void print_value(json_t *value, FILE *f) {
    if (json_is_integer(value))
        fprintf(f, " %" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
    else
        fprintf(f, " %.15g\n", json_real_value(value));
}

/* A whole number has its ".0": the text is the bucket's name. */
static void bound_text(json_t *le, char *buf, size_t size) {
    int n = snprintf(buf, size, "%g", json_real_value(le));

    if (!strpbrk(buf, ".e"))
        snprintf(buf + n, size - (size_t)n, ".0");
}

static void print_line(const char *name, const char *suffix, json_t *labels, const char *le,
                       json_t *value, FILE *f) {
    fprintf(f, "%s%s", name, suffix);
    print_labels(labels, le, f);
    print_value(value, f);
}

static void print_histogram(const char *name, json_t *sample, FILE *f) {
    json_t *labels = json_object_get(sample, "labels"), *count = json_object_get(sample, "count");
    json_t *bucket;
    size_t i;

    json_array_foreach(json_object_get(sample, "buckets"), i, bucket) {
        char le[32];

        bound_text(json_object_get(bucket, "le"), le, sizeof(le));
        print_line(name, "_bucket", labels, le, json_object_get(bucket, "count"), f);
    }
    print_line(name, "_bucket", labels, "+Inf", count, f);
    print_line(name, "_sum", labels, NULL, json_object_get(sample, "sum"), f);
    print_line(name, "_count", labels, NULL, count, f);
}

static void print_sample(const char *name, const struct form *form, json_t *sample, bool is_open,
                         FILE *f) {
    json_t *labels = json_object_get(sample, "labels");
    json_t *created = json_object_get(sample, "created");

    if (json_object_get(sample, "buckets"))
        print_histogram(name, sample, f);
    else
        print_line(name, form->suffix, labels, NULL, json_object_get(sample, "value"), f);
    if (created && is_open)
        print_line(name, "_created", labels, NULL, created, f);
}

static void print_family(json_t *family, bool is_open, FILE *f) {
    const char *name = member_text(family, "name"), *unit = member_text(family, "unit");
    const struct form *form = form_find(member_text(family, "type"));
    const char *suffix = is_open ? "" : form->suffix;
    json_t *sample;
    size_t i;

    fprintf(f, "# HELP %s%s %s\n", name, suffix, member_text(family, "help"));
    fprintf(f, "# TYPE %s%s %s\n", name, suffix, is_open ? form->type : form->older);
    if (is_open && *unit)
        fprintf(f, "# UNIT %s %s\n", name, unit);
    json_array_foreach(json_object_get(family, "samples"), i, sample)
        print_sample(name, form, sample, is_open, f);
}

static void print_families(json_t *families, bool is_open, FILE *f) {
    json_t *family;
    size_t i;

    json_array_foreach(json_object_get(families, "families"), i, family)
        print_family(family, is_open, f);
}

void print_openmetrics(json_t *families, FILE *f) {
    print_families(families, true, f);
    fputs("# EOF\n", f);
}

void print_prometheus(json_t *families, FILE *f) {
    print_families(families, false, f);
}
