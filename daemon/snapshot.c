/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/snapshot.h"

#include "daemon/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static_assert(SNAPSHOT_E_ABSENT == (int)RECORD_E_ABSENT &&
                  SNAPSHOT_E_INVALID == (int)RECORD_E_INVALID,
              "a snapshot is read as the record that it is");

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

json_t *snapshot_json(const struct files *files, const struct snapshot *s) {
    return json_pack("{s:I, s:I, s:s, s:s*, s:o, s:o}", "generation", (json_int_t)s->generation,
                     "since_usec", (json_int_t)s->since_usec, "digest", s->digest, "host", s->host,
                     "policies", texts_json(&files->policies), "site", texts_json(&files->site));
}

int snapshot_save(const char *state_dir, const struct files *files, const struct snapshot *s) {
    _cleanup_(freep) char *path = record_path(state_dir, SNAPSHOT_NAME);
    json_t *content = snapshot_json(files, s);
    int r = path && content ? record_save(path, content) : -ENOMEM;

    json_decref(content);
    return r;
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

/* A host that is called otherwise today, or doesn't know its name yet, is whom it was. */
int snapshot_enforce(json_t *snapshot, const char *host, struct enforced **ret,
                     struct report *reterr) {
    const char *saved = json_string_value(json_object_get(snapshot, "host"));
    _cleanup_(files_freep) struct files *files = NULL;
    struct report why = REPORT_INIT;
    int r = content_files(snapshot, &files);

    if (r != 0)
        return r;
    r = enforced_from_files(&files, host, ret, &why);
    if (r != 0 && saved)
        r = enforced_from_files(&files, saved, ret, reterr);
    else if (r != 0)
        report_append(reterr, &why);
    report_clear(&why);
    return r > 0 ? SNAPSHOT_E_INVALID : r;
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
        r = snapshot_enforce(content, host, &s.enforced, reterr);
        if (r != 0)
            return r;
        s.enforced->files = files_free(s.enforced->files); /* they are on the disk already */
    }
    *ret = s;
    return 0;
}

int snapshot_read(const char *state_dir, json_t **ret, struct report *reterr) {
    _cleanup_(freep) char *path = record_path(state_dir, SNAPSHOT_NAME);

    return path ? record_load(path, ret, reterr) : -ENOMEM;
}

int snapshot_load(const char *state_dir, const char *host, bool wants_enforced,
                  struct snapshot *ret, struct report *reterr) {
    _cleanup_(freep) char *path = record_path(state_dir, SNAPSHOT_NAME);
    json_t *content = NULL;
    int r = snapshot_read(state_dir, &content, reterr);

    if (r == 0)
        r = content_load(content, host, wants_enforced, ret, reterr);
    json_decref(content);
    if (r == SNAPSHOT_E_INVALID && report_is_empty(reterr))
        report_add(reterr, (struct place){ .file = path },
                   "the snapshot of the last good files is damaged and is not used");
    return r;
}

int snapshot_files(const char *state_dir, struct files **ret) {
    _cleanup_(report_clear) struct report ignored = REPORT_INIT;
    json_t *content = NULL;
    int r = snapshot_read(state_dir, &content, &ignored);

    if (r == 0)
        r = content_files(content, ret);
    json_decref(content);
    return r;
}
