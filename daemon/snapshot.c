/* SPDX-License-Identifier: GPL-2.0-or-later */
/* {"format": 1, "sha256": …, "content": "…"}: the content is a JSON text of its own and carried as
 * a string, so that the digest is over exact bytes and needs no canonical form. */
#include "daemon/snapshot.h"

#include "base/file.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>

#define SNAPSHOT_FORMAT   1
#define SNAPSHOT_SIZE_MAX ((size_t)512 << 20)

static char *snapshot_path(const char *state_dir) {
    char *path = NULL;

    return asprintf(&path, "%s/%s", state_dir, SNAPSHOT_NAME) < 0 ? NULL : path;
}

static json_t *texts_json(const struct file_list *list) {
    json_t *array = json_array();

    for (size_t i = 0; array && i < list->n; i++)
        if (json_array_append_new(array,
                                  json_pack("{s:s, s:s%}", "file", list->sources[i].file, "text",
                                            list->sources[i].text, list->sources[i].size)) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static char *content_text(const struct files *files, const struct snapshot *s) {
    json_t *o =
        json_pack("{s:I, s:I, s:s, s:s*, s:o, s:o}", "generation", (json_int_t)s->generation,
                  "since_usec", (json_int_t)s->since_usec, "digest", s->digest, "host", s->host,
                  "policies", texts_json(&files->policies), "site", texts_json(&files->site));
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

    json_decref(o);
    return text;
}

static void digest_bytes(const char *bytes, size_t n, char ret[static DIGEST_TEXT_SIZE]) {
    SHA2_CTX ctx;

    SHA256Init(&ctx);
    SHA256Update(&ctx, (const uint8_t *)bytes, n);
    SHA256End(&ctx, ret);
}

static char *snapshot_text(const struct files *files, const struct snapshot *s) {
    _cleanup_(freep) char *content = content_text(files, s);
    char digest[DIGEST_TEXT_SIZE];
    json_t *o;
    char *text;

    if (!content)
        return NULL;
    digest_bytes(content, strlen(content), digest);
    o = json_pack("{s:i, s:s, s:s}", "format", SNAPSHOT_FORMAT, "sha256", digest, "content",
                  content);
    text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

int snapshot_save(const char *state_dir, const struct files *files, const struct snapshot *s) {
    _cleanup_(freep) char *path = snapshot_path(state_dir);
    _cleanup_(freep) char *text = snapshot_text(files, s);

    if (!path || !text)
        return -ENOMEM;
    return file_write_atomic(path, text, strlen(text), 0600);
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
        format == SNAPSHOT_FORMAT) {
        digest_bytes(content, strlen(content), digest);
        if (strcmp(digest, sha256) == 0)
            inner = json_loads(content, JSON_REJECT_DUPLICATES, NULL);
    }
    json_decref(outer);
    return inner;
}

/* Borrows from the array. */
static struct source *sources_parse(json_t *array, size_t *ret_n) {
    struct source *sources = calloc(json_array_size(array) + 1, sizeof(*sources));
    json_t *item;
    size_t i;

    if (!sources)
        return NULL;
    json_array_foreach(array, i, item) {
        sources[i].file = json_string_value(json_object_get(item, "file"));
        sources[i].text = json_string_value(json_object_get(item, "text"));
        sources[i].size = json_string_length(json_object_get(item, "text"));
        if (!sources[i].file || !sources[i].text) {
            free(sources);
            return NULL;
        }
    }
    *ret_n = i;
    return sources;
}

static int content_files(json_t *content, struct files **ret) {
    size_t n_policies = 0, n_site = 0;
    _cleanup_(freep) struct source *policies =
        sources_parse(json_object_get(content, "policies"), &n_policies);
    _cleanup_(freep) struct source *site = sources_parse(json_object_get(content, "site"), &n_site);

    if (!policies || !site || n_site == 0)
        return SNAPSHOT_E_INVALID;
    return files_copy(policies, n_policies, site, n_site, ret);
}

/* A host that is called otherwise today, or doesn't know its name yet, is whom it was. The texts
 * are on the disk already. */
static int content_enforce(json_t *content, const char *host, struct enforced **ret,
                           struct report *reterr) {
    const char *saved = json_string_value(json_object_get(content, "host"));
    _cleanup_(files_freep) struct files *files = NULL;
    struct report why = REPORT_INIT;
    int r = content_files(content, &files);

    if (r != 0)
        return r;
    r = enforced_from_files(&files, host, ret, &why);
    if (r != 0 && saved)
        r = enforced_from_files(&files, saved, ret, reterr);
    else if (r != 0)
        report_append(reterr, &why);
    report_clear(&why);
    if (r != 0)
        return SNAPSHOT_E_INVALID;
    (*ret)->files = files_free((*ret)->files);
    return 0;
}

static int content_load(json_t *content, const char *host, bool wants_enforced,
                        struct snapshot *ret, struct report *reterr) {
    struct snapshot s = { 0 };
    json_int_t generation, since;
    const char *digest;
    int r;

    if (json_unpack(content, "{s:I, s:I, s:s}", "generation", &generation, "since_usec", &since,
                    "digest", &digest) < 0 ||
        strlen(digest) + 1 != DIGEST_TEXT_SIZE)
        return SNAPSHOT_E_INVALID;
    s.generation = (uint64_t)generation;
    s.since_usec = (uint64_t)since;
    memcpy(s.digest, digest, DIGEST_TEXT_SIZE);
    if (wants_enforced) {
        r = content_enforce(content, host, &s.enforced, reterr);
        if (r != 0)
            return r;
    }
    *ret = s;
    return 0;
}

static int content_read(const char *path, json_t **ret, struct report *reterr) {
    struct file file = { 0 };
    int r = file_read(path, SNAPSHOT_SIZE_MAX, &file, reterr);

    if (r == FILE_E_ABSENT)
        return SNAPSHOT_E_ABSENT;
    if (r == FILE_E_REFUSED)
        return SNAPSHOT_E_INVALID;
    if (r < 0)
        return r;
    *ret = content_parse(&file);
    file_clear(&file);
    return *ret ? 0 : SNAPSHOT_E_INVALID;
}

int snapshot_load(const char *state_dir, const char *host, bool wants_enforced,
                  struct snapshot *ret, struct report *reterr) {
    _cleanup_(freep) char *path = snapshot_path(state_dir);
    json_t *content = NULL;
    int r;

    if (!path)
        return -ENOMEM;
    r = content_read(path, &content, reterr);
    if (r == 0)
        r = content_load(content, host, wants_enforced, ret, reterr);
    json_decref(content);
    if (r == SNAPSHOT_E_INVALID && report_is_empty(reterr))
        report_add(reterr, (struct place){ .file = path },
                   "the snapshot of the last good files is damaged and is not used");
    return r;
}

int snapshot_files(const char *state_dir, struct files **ret) {
    _cleanup_(freep) char *path = snapshot_path(state_dir);
    _cleanup_(report_clear) struct report ignored = REPORT_INIT;
    json_t *content = NULL;
    int r;

    if (!path)
        return -ENOMEM;
    r = content_read(path, &content, &ignored);
    if (r == 0)
        r = content_files(content, ret);
    json_decref(content);
    return r;
}
