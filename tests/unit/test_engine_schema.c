/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON Schemas for editors say the same members as the loader's tables. The loader is asked by
 * mistakes: what it lists for an unknown member, and what it misses in an empty object. */
#include "engine/policy.h"

#include "loading.h"

#include <jansson.h>

/* An object of the format: where it stands in the schema, and a file with `%s` for its content. */
struct object {
    const char *schema, *path; /* path: keys, separated by '.' */
    bool is_site;
    const char *file;
};

#define POLICY(sections) "{'format':1,'product':'p','title':'t'," sections "}"
#define SITE(sections)   "{'format':1,'site':'s'," sections "}"
#define HOSTS            "'hosts':{'h':{'addresses':['::1']}}"

static const struct object objects[] = {
    { "policy", "", false, "{%s}" },
    { "policy", "$defs.role", false, POLICY("'flows':[],'roles':{'x':{%s}}") },
    { "policy", "$defs.peer", false, POLICY("'flows':[],'peers':{'x':{%s}}") },
    { "policy", "$defs.feature", false, POLICY("'flows':[],'features':{'x':{%s}}") },
    { "policy", "$defs.port", false, POLICY("'flows':[],'ports':{'x':{%s}}") },
    { "policy", "$defs.flow", false, POLICY("'flows':[{%s}]") },
    { "site", "", true, "{%s}" },
    { "site", "$defs.deny", true, SITE(HOSTS ",'deny':{%s}") },
    { "site", "$defs.siteProduct", true, SITE(HOSTS ",'products':{'x':{%s}}") },
    { "site", "$defs.host", true, SITE("'hosts':{'x':{%s}}") },
    { "site", "$defs.flow", true, SITE(HOSTS ",'flows':[{%s}]") },
};

static json_t *schema_load(const char *name) {
    char path[512];
    json_t *schema;

    snprintf(path, sizeof(path), SOURCE_DIR "/policy/%s.schema.json", name);
    schema = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(schema);
    return schema;
}

static const json_t *schema_find(const json_t *schema, const char *path) {
    while (*path) {
        size_t n = strcspn(path, ".");

        schema = json_object_getn(schema, path, n);
        assert_non_null(schema);
        path += n + (path[n] == '.');
    }
    return schema;
}

static void load(const struct object *o, const char *content, struct report *r) {
    const char *hole = strstr(o->file, "%s");
    _cleanup_(freep) char *quoted = NULL, *text = NULL;
    struct policy *p = NULL;
    struct site *s = NULL;
    struct source source;

    assert_true(asprintf(&quoted, "%.*s%s%s", (int)(hole - o->file), o->file, content, hole + 2) >
                0);
    text = json_text(quoted);
    source = (struct source){ "f", text, strlen(text) };
    if (o->is_site)
        site_load(&source, 1, &s, r);
    else
        policy_load(&source, &p, r);
    policy_free(p);
    site_free(s);
}

/* The words of "(there are: a, b and c)" as an array of JSON. */
static json_t *allowed_members(const struct object *o) {
    struct report r = REPORT_INIT;
    json_t *names = json_array();
    const char *list = NULL;

    load(o, "'no-such-member-exists':0", &r);
    for (size_t i = 0; i < r.n_entries; i++)
        if (strstr(r.entries[i].text, "no-such-member"))
            list = strstr(r.entries[i].text, "(there are: ");
    assert_non_null(list);
    for (list += strlen("(there are: "); *list != ')';) {
        size_t n = strcspn(list, ", )");

        if (n != 3 || strncmp(list, "and", 3) != 0)
            json_array_append_new(names, json_stringn(list, n));
        list += n + strspn(list + n, ", ");
    }
    report_clear(&r);
    return names;
}

static void test_members(_unused_ void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
        json_t *schema = schema_load(objects[i].schema), *allowed = allowed_members(&objects[i]);
        const json_t *object = schema_find(schema, objects[i].path);
        const json_t *properties = json_object_get(object, "properties");

        assert_true(json_is_false(json_object_get(object, "additionalProperties")));
        for (size_t j = 0; j < json_array_size(allowed); j++) {
            const char *name = json_string_value(json_array_get(allowed, j));

            if (!json_object_get(properties, name))
                fail_msg("%s schema, \"%s\": no \"%s\"", objects[i].schema, objects[i].path, name);
        }
        assert_int_equal(json_array_size(allowed), json_object_size(properties));
        json_decref(allowed);
        json_decref(schema);
    }
}

/* Counts the members that the loader misses in an empty object; each must be in `required`. */
static size_t missing_members(const struct object *o, const json_t *required) {
    struct report r = REPORT_INIT;
    size_t n = 0;

    load(o, "", &r);
    for (size_t i = 0; i < r.n_entries; i++) {
        char name[64];
        bool found = false;

        if (!strstr(r.entries[i].text, " is missing"))
            continue;
        assert_int_equal(sscanf(r.entries[i].text, "\"%63[^\"]\"", name), 1);
        for (size_t j = 0; j < json_array_size(required); j++)
            found = found || strcmp(json_string_value(json_array_get(required, j)), name) == 0;
        if (!found)
            fail_msg("%s schema, \"%s\": \"%s\" is not required", o->schema, o->path, name);
        n++;
    }
    report_clear(&r);
    return n;
}

static void test_required(_unused_ void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
        json_t *schema = schema_load(objects[i].schema);
        const json_t *required = json_object_get(schema_find(schema, objects[i].path), "required");

        assert_int_equal(missing_members(&objects[i], required), json_array_size(required));
        json_decref(schema);
    }
}

/* Whoever hovers over a member in an editor reads what it is. */
static void test_every_member_is_described(_unused_ void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
        json_t *schema = schema_load(objects[i].schema), *member;
        const char *key;
        json_t *properties = json_object_get(schema_find(schema, objects[i].path), "properties");

        json_object_foreach(properties, key, member) {
            const char *ref = json_string_value(json_object_get(member, "$ref"));

            if (!json_object_get(member, "description") && ref) {
                assert_memory_equal(ref, "#/$defs/", 8);
                member = json_object_get(json_object_get(schema, "$defs"), ref + 8);
            }
            if (!json_is_string(json_object_get(member, "description")))
                fail_msg("%s schema, \"%s\": \"%s\" has no description", objects[i].schema,
                         objects[i].path, key);
        }
        json_decref(schema);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_required),
        cmocka_unit_test(test_every_member_is_described),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
