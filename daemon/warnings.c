/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/warnings.h"

#include <stdarg.h>
#include <stdio.h>

int warning_add(json_t *warnings, const char *code, const char *hint, const char *format, ...) {
    _cleanup_(freep) char *text = NULL;
    va_list ap;
    int n;

    va_start(ap, format);
    n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n < 0) {
        text = NULL;
        return -1;
    }
    return json_array_append_new(
        warnings, json_pack("{s:s, s:s, s:s}", "code", code, "text", text, "hint", hint));
}
