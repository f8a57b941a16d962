/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_OPTIONS_H
#define PORTD_CTL_OPTIONS_H

#include "verb.h"

#include <stdio.h>

/* Options may stand anywhere on the command line. STATUS_USAGE: what is wrong was printed. */
enum status options_parse(int argc, char **argv, struct options *ret);
void options_clear(struct options *o);

/* The name of an option that was given and is not among `allowed` (OPTION_*), or NULL. */
const char *options_stranger(const struct options *o, unsigned allowed);

/* A line for each option of `allowed`. */
void options_help(unsigned allowed, FILE *f);

#endif
