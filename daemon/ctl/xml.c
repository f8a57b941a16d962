/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xml.h"

#include <string.h>

static const char *entity(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void xml_text(FILE *f, const char *text) {
    for (const char *c = text; *c; c++) {
        const char *e = entity(*c);

        if (e)
            fputs(e, f);
        else if (((unsigned char)*c < 0x20 && !strchr("\t\n\r", *c)) || *c == 0x7f)
            fputs("\xef\xbf\xbd", f);
        else if (strncmp(c, "\xef\xbf\xbe", 3) == 0 || strncmp(c, "\xef\xbf\xbf", 3) == 0) {
            fputs("\xef\xbf\xbd", f);
            c += 2;
        } else
            fputc(*c, f);
    }
}
