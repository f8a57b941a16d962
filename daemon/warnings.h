/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_WARNINGS_H
#define PORTD_DAEMON_WARNINGS_H

#include "base/macros.h"

#include <jansson.h>

/* Appends a Warning of io.portd: a stable code, what to do, and a sentence. 0 or -1. */
int warning_add(json_t *warnings, const char *code, const char *hint, const char *format, ...)
    _printf_(4, 5);

#endif
