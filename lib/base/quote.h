/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_BASE_QUOTE_H
#define PORTD_BASE_QUOTE_H

#include "base/macros.h"

#include <stdbool.h>

/* Outside text for messages, terminals and logs. Escaped are control characters (ASCII and
 * U+0080 to U+009F), the marks that reorder a line (U+202A to U+202E, U+2066 to U+2069), line and
 * paragraph separators, and whatever is no UTF-8: `\n`, `\x1b`, `\u202e`. */

#define QUOTE_TEXT_MAX 96
/* `"acd-lb1"`: escaped, between quotation marks, cut with "..." where it does not fit. */
const char *text_quote(const char *text, char buf[static QUOTE_TEXT_MAX]);

/* Whether nothing in it would be escaped. */
bool text_is_printable(const char *text);

/* The whole text escaped, malloc'ed; NULL when memory is out. */
char *text_escape(const char *text);

#endif
