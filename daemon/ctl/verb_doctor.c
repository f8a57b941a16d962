/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client.h"
#include "doctor.h"
#include "failure.h"
#include "print.h"
#include "screen.h"

#include "base/quote.h"
#include "varlink/interface.h"

#include <stdarg.h>
#include <string.h>

#define TIMEOUT_SEC 10U

static const char *const level_names[] = { [LEVEL_PROBLEM] = "problem", [LEVEL_NOTE] = "note" };
static_assert(ARRAY_SIZE(level_names) == LEVEL_MAX, "a level has no name");

const char *level_name(enum level l) {
    return level_names[l];
}

static const struct area {
    const char *name;
    void (*examine)(struct doctor *d);
} areas[] = {
    { "unit", examine_unit },         { "portd", examine_portd },   { "files", examine_files },
    { "rights", examine_rights },     { "kernel", examine_kernel }, { "names", examine_names },
    { "managers", examine_managers }, { "clock", examine_clock },
};

/* A string of whatever bytes a file or a program gave, fit for JSON and the screen. */
static json_t *text_new(const char *format, va_list ap) {
    _cleanup_(freep) char *text = NULL;
    _cleanup_(freep) char *safe = NULL;

    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    safe = text ? text_escape(text) : NULL;
    return safe ? json_string(safe) : NULL;
}

static void doctor_add(struct doctor *d, json_t *list, json_t *item) {
    if (!item || json_array_append_new(list, item) < 0)
        d->is_incomplete = true;
}

void doctor_find(struct doctor *d, const struct complaint *c, const char *hint, const char *format,
                 ...) {
    va_list ap;

    va_start(ap, format);
    doctor_add(d, d->findings,
               json_pack("{ssssssso ssss}", "area", d->area, "level", level_name(c->level), "code",
                         c->code, "text", text_new(format, ap), "why", c->why, "hint", hint));
    va_end(ap);
}

void doctor_saw(struct doctor *d, const char *format, ...) {
    va_list ap;

    va_start(ap, format);
    doctor_add(d, d->areas, json_pack("{ssso}", "area", d->area, "text", text_new(format, ap)));
    va_end(ap);
}

char *doctor_path(const struct doctor *d, const char *path) {
    char *text;

    return asprintf(&text, "%s%s", d->root, path) < 0 ? NULL : text;
}

bool doctor_stat(const struct doctor *d, const char *path, struct stat *ret) {
    _cleanup_(freep) char *full = doctor_path(d, path);

    return full && lstat(full, ret) == 0;
}

bool doctor_has(const struct doctor *d, const char *path) {
    struct stat st;

    return doctor_stat(d, path, &st);
}

char *doctor_read(const struct doctor *d, const char *path) {
    _cleanup_(freep) char *full = doctor_path(d, path);
    char *text = calloc(1, 65536 + 1);
    FILE *f = full && text ? fopen(full, "re") : NULL;

    if (f) {
        (void)!fread(text, 1, 65536, f);
        fclose(f);
    }
    return text;
}

static size_t count_of(const struct doctor *d, const char *area, const char *level) {
    json_t *finding;
    size_t i, n = 0;

    json_array_foreach(d->findings, i, finding) n +=
        (!area || strcmp(member_text(finding, "area"), area) == 0) &&
        strcmp(member_text(finding, "level"), level) == 0;
    return n;
}

static void print_findings(const struct doctor *d, const char *area) {
    json_t *finding;
    size_t i;

    json_array_foreach(d->findings, i, finding) {
        bool is_problem = strcmp(member_text(finding, "level"), level_name(LEVEL_PROBLEM)) == 0;

        if (strcmp(member_text(finding, "area"), area) != 0)
            continue;
        fputs(screen_colour(is_problem ? COLOUR_BAD : COLOUR_WARN), stdout);
        print_paragraph(is_problem ? "  !  " : "  -  ", member_text(finding, "text"));
        fputs(screen_colour(COLOUR_NONE), stdout);
        print_paragraph("     why: ", member_text(finding, "why"));
        print_paragraph("     to do: ", member_text(finding, "hint"));
    }
}

static void print_examination(const struct doctor *d) {
    size_t n = count_of(d, NULL, level_name(LEVEL_PROBLEM));
    json_t *area;
    size_t i;

    json_array_foreach(d->areas, i, area) {
        const char *name = member_text(area, "area");
        bool is_good = count_of(d, name, level_name(LEVEL_PROBLEM)) == 0;

        printf("%s%s%s ", screen_colour(is_good ? COLOUR_GOOD : COLOUR_BAD), screen_marks()->bullet,
               screen_colour(COLOUR_NONE));
        printf("%-9s ", name);
        print_paragraph("", member_text(area, "text"));
        print_findings(d, name);
    }
    if (n == 0)
        printf("\nnothing to mend\n");
    else
        printf("\n%zu problem%s to mend\n", n, n == 1 ? "" : "s");
}

static void ask_status(struct doctor *d) {
    struct options asking = *d->options;
    int fd = doctor_is_here(d) ? client_connect(asking.socket) : -1;

    if (fd < 0)
        return;
    fd_close(fd);
    asking.timeout_sec = TIMEOUT_SEC;
    asking.json = false;
    if (client_ask(&asking, INTERFACE_PORTD ".Status", json_object(), &d->status) != STATUS_FINE)
        d->status = NULL;
}

static enum status doctor_tell(const struct doctor *d) {
    if (d->options->json) {
        json_t *answer = json_pack("{sOsO}", "areas", d->areas, "findings", d->findings);

        if (!answer)
            return failure_memory();
        print_json(answer, false);
        json_decref(answer);
    } else {
        print_examination(d);
    }
    return count_of(d, NULL, level_name(LEVEL_PROBLEM)) > 0 ? STATUS_ODD : STATUS_FINE;
}

static void doctor_clear(struct doctor *d) {
    json_decref(d->units);
    json_decref(d->status);
    json_decref(d->areas);
    json_decref(d->findings);
}

enum status verb_doctor(const struct options *o, const char *const *words _unused_,
                        size_t n_words _unused_) {
    _cleanup_(doctor_clear) struct doctor d = { .options = o,
                                                .root = o->root ? o->root : "",
                                                .areas = json_array(),
                                                .findings = json_array() };
    _cleanup_(freep) char *site =
        o->given & OPTION_SITE ? strdup(o->site) : doctor_path(&d, o->site);

    if (!d.areas || !d.findings || !site)
        return failure_memory();
    if (o->root && !doctor_has(&d, "/etc")) {
        fprintf(stderr, "portd-ctl: %s: there is no system in this directory: it has no etc\n",
                o->root);
        return STATUS_FAILED;
    }
    d.site = site;
    if (doctor_is_here(&d))
        units_ask(&d);
    ask_status(&d);
    for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
        d.area = areas[i].name;
        areas[i].examine(&d);
    }
    return d.is_incomplete ? failure_memory() : doctor_tell(&d);
}
