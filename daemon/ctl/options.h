/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_OPTIONS_H
#define PORTD_CTL_OPTIONS_H

#include "verb.h"

#include <stdio.h>

struct option_row {
    const char *name;
    const char *argument; /* what stands for it in the help; NULL: there is none */
    const char *help;
    enum { OPTION_KIND_FLAG, OPTION_KIND_TEXT, OPTION_KIND_MAYBE, OPTION_KIND_LIST } kind;
    unsigned bit; /* 0: for every verb */
    size_t offset;
};

/* Of the options of `allowed` (OPTION_*) the one behind `row`, of NULL the first; NULL behind the
 * last. */
const struct option_row *option_next(const struct option_row *row, unsigned allowed);
/* The option among them that a word of `n` bytes names: "--site", "-H"; or NULL. */
const struct option_row *option_find(const char *word, size_t n, unsigned allowed);

/* Whether the word behind it is its value; else one comes behind "=", if at all. */
bool option_takes_next(const struct option_row *row);

/* Options may stand anywhere on the command line. STATUS_USAGE: what is wrong was printed. */
enum status options_parse(int argc, char **argv, struct options *ret);
void options_clear(struct options *o);

/* The name of an option that was given and is not among `allowed` (OPTION_*), or NULL. */
const char *options_stranger(const struct options *o, unsigned allowed);

/* A line for each option of `allowed`. */
void options_help(unsigned allowed, FILE *f);

#endif
