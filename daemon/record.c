/* SPDX-License-Identifier: GPL-2.0-or-later */
/* {"format": 1, "sha256": …, "content": "…"}: the content is a JSON text of its own and carried as
 * a string, so that the digest is over exact bytes and needs no canonical form. */
#include "daemon/record.h"

#include "base/file.h"
#include "engine/ruleset.h"

#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>

#define RECORD_FORMAT   1
#define RECORD_SIZE_MAX ((size_t)512 << 20)

char *record_path(const char *directory, const char *name) {
    char *path = NULL;

    return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static void digest_bytes(const char *bytes, size_t n, char ret[static DIGEST_TEXT_SIZE]) {
    SHA2_CTX ctx;

    SHA256Init(&ctx);
    SHA256Update(&ctx, (const uint8_t *)bytes, n);
    SHA256End(&ctx, ret);
}

static char *record_text(const json_t *value) {
    _cleanup_(freep) char *content = json_dumps(value, JSON_COMPACT);
    char digest[DIGEST_TEXT_SIZE];
    json_t *o;
    char *text;

    if (!content)
        return NULL;
    digest_bytes(content, strlen(content), digest);
    o = json_pack("{s:i, s:s, s:s}", "format", RECORD_FORMAT, "sha256", digest, "content", content);
    text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

int record_save(const char *path, const json_t *content) {
    _cleanup_(freep) char *text = record_text(content);

    return text ? file_write_atomic(path, text, strlen(text), 0600) : -ENOMEM;
}

/* The content of a file whose digest holds, or NULL. */
static json_t *content_parse(const struct file *f) {
    json_t *outer = json_loadb(f->bytes, f->size, JSON_REJECT_DUPLICATES, NULL);
    char digest[DIGEST_TEXT_SIZE];
    const char *sha256, *content;
    json_t *inner = NULL;
    int format;

    if (outer &&
        json_unpack(outer, "{s:i, s:s, s:s}", "format", &format, "sha256", &sha256, "content",
                    &content) == 0 &&
        format == RECORD_FORMAT) {
        digest_bytes(content, strlen(content), digest);
        if (strcmp(digest, sha256) == 0)
            inner = json_loads(content, JSON_REJECT_DUPLICATES, NULL);
    }
    json_decref(outer);
    return inner;
}

int record_load(const char *path, json_t **ret, struct report *reterr) {
    struct file file = { 0 };
    int r = file_read(path, RECORD_SIZE_MAX, &file, reterr);

    if (r == FILE_E_ABSENT)
        return RECORD_E_ABSENT;
    if (r == FILE_E_REFUSED)
        return RECORD_E_INVALID;
    if (r < 0)
        return r;
    *ret = content_parse(&file);
    file_clear(&file);
    return *ret ? 0 : RECORD_E_INVALID;
}
