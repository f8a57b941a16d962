/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One walk over the characters serves both functions: each yields either its own bytes or an
 * escape of at most ESCAPE_MAX bytes, so that a cut never splits a character or an escape. */
#include "base/quote.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ESCAPE_MAX 8 /* with the NUL */

/* Decodes one character (RFC 3629) and returns its length; 0: not UTF-8. */
static size_t utf8_decode(const uint8_t *s, uint32_t *ret) {
    static const uint32_t minimum[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    uint32_t c = n == 1 ? s[0] : s[0] & (0x7fU >> n);

    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (n == 0 || s[0] > 0xf4 || c < minimum[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *ret = c;
    return n;
}

static bool is_harmless(uint32_t c) {
    if (c < 0x20 || (c >= 0x7f && c < 0xa0))
        return false;
    return c < 0x2028 || (c > 0x202e && c < 0x2066) || c > 0x2069;
}

/* Writes one character of `s`, as it is or escaped; returns how many bytes of `s` that were. */
static size_t character_write(const char *s, char ret[static ESCAPE_MAX]) {
    uint32_t c;
    size_t n = utf8_decode((const uint8_t *)s, &c);

    if (n > 0 && is_harmless(c)) {
        memcpy(ret, s, n);
        ret[n] = '\0';
    } else if (n == 0)
        snprintf(ret, ESCAPE_MAX, "\\x%02x", (uint8_t)*s);
    else if (c == '\n' || c == '\t')
        snprintf(ret, ESCAPE_MAX, "\\%c", c == '\n' ? 'n' : 't');
    else
        snprintf(ret, ESCAPE_MAX, c < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)(c & 0xffff));
    return n ? n : 1;
}

const char *text_quote(const char *text, char buf[static QUOTE_TEXT_MAX]) {
    static const char cut[] = "...\"";
    size_t n = 1;

    buf[0] = '"';
    while (*text) {
        char one[ESCAPE_MAX];
        size_t taken = character_write(text, one), length = strlen(one);

        if (n + length + sizeof(cut) > QUOTE_TEXT_MAX) {
            memcpy(buf + n, cut, sizeof(cut));
            return buf;
        }
        memcpy(buf + n, one, length);
        n += length;
        text += taken;
    }
    memcpy(buf + n, "\"", 2);
    return buf;
}

bool text_is_printable(const char *text) {
    while (*text) {
        uint32_t c;
        size_t n = utf8_decode((const uint8_t *)text, &c);

        if (n == 0 || !is_harmless(c))
            return false;
        text += n;
    }
    return true;
}

char *text_escape(const char *text) {
    size_t size = strlen(text) * 4 + 1, n = 0; /* `\x1b` for each byte at the worst */
    char *escaped = malloc(size);

    while (escaped && *text) {
        char one[ESCAPE_MAX];

        text += character_write(text, one);
        memcpy(escaped + n, one, strlen(one));
        n += strlen(one);
    }
    if (escaped)
        escaped[n] = '\0';
    return escaped;
}
