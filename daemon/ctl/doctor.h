/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_DOCTOR_H
#define PORTD_CTL_DOCTOR_H

#include "verb.h"

#include "base/macros.h"

#include <jansson.h>
#include <sys/stat.h>

/* An examination of an installation: of this system, or, by its files alone, of one that lies in a
 * directory. Each area is looked at by one function, which adds what it finds. */
struct doctor {
    const struct options *options;
    const char *root;   /* "": this system */
    const char *site;   /* the site file */
    const char *area;   /* the one that is being looked at */
    json_t *units;      /* { "portd.service": { ActiveState, … } }; NULL: no systemd to ask */
    json_t *status;     /* the daemon's; NULL: it does not answer */
    json_t *areas;      /* [{ area, text }] */
    json_t *findings;   /* [{ area, level, code, text, why, hint }] */
    bool is_incomplete; /* memory was out */
};

/* A problem is to be mended; a note is something to know. */
enum level { LEVEL_PROBLEM, LEVEL_NOTE, LEVEL_MAX };
const char *level_name(enum level l);

/* What is said of every case of one kind. */
struct complaint {
    enum level level;
    const char *code; /* stable word for programs */
    const char *why;  /* a sentence */
};

/* Adds a finding; `hint` is what to type next. */
void doctor_find(struct doctor *d, const struct complaint *c, const char *hint, const char *format,
                 ...) _printf_(4, 5);
/* What was seen in the area, whether or not something was found. */
void doctor_saw(struct doctor *d, const char *format, ...) _printf_(2, 3);

/* --- what several areas ask --- */

/* A path in the system that is examined, malloc'ed; NULL when memory is out. */
char *doctor_path(const struct doctor *d, const char *path);
bool doctor_has(const struct doctor *d, const char *path);
bool doctor_stat(const struct doctor *d, const char *path, struct stat *ret);
/* The beginning of a file, 64 KiB at most, malloc'ed; "" of one that can't be read. */
char *doctor_read(const struct doctor *d, const char *path);
static inline bool doctor_is_here(const struct doctor *d) {
    return !*d->root;
}

/* A property of a unit as systemd tells it: "" where it tells none. */
const char *unit_property(const struct doctor *d, const char *unit, const char *property);
/* Whether it is started at boot; of this system also: whether it runs. */
bool unit_is_used(const struct doctor *d, const char *unit);
/* Asks systemd for all units that any area asks for. */
void units_ask(struct doctor *d);

/* --- the areas --- */

void examine_unit(struct doctor *d);
void examine_portd(struct doctor *d);
void examine_files(struct doctor *d);
void examine_rights(struct doctor *d);
void examine_kernel(struct doctor *d);
void examine_names(struct doctor *d);
void examine_managers(struct doctor *d);
void examine_clock(struct doctor *d);

#endif
