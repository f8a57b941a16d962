/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers of DNS as the resolver hands them in, one a line, and the file that keeps them. Whatever
 * they say: only names that were asked for have addresses, few enough of them, each one of a host;
 * a refused answer changes nothing and says why; and what is kept comes back as it was. */
#include "engine/resolved.h"

#include "loaded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const wanted[] = { "a.example", "my.mailstore.com" };

static char *saved_text(const struct resolved *r) {
    json_t *o = resolved_json(r);
    char *text = json_dumps(o, JSON_COMPACT);

    oracle(text);
    json_decref(o);
    return text;
}

/* Said otherwise than the engine says it. Of four digits the first two are the first byte. */
static void address_check(enum family f, const struct address *a) {
    char buf[RANGE_TEXT_MAX];
    const char *text = address_format(a, f, buf);
    bool is_full = strcspn(text, ":") == 4;

    if (f == FAMILY_IPV4) {
        oracle(atoi(text) > 0 && atoi(text) < 224 && atoi(text) != 127);
        return;
    }
    oracle(strcmp(text, "::") != 0 && strcmp(text, "::1") != 0);
    oracle(strncmp(text, "::ffff:", 7) != 0);
    oracle(!is_full || strncmp(text, "ff", 2) != 0);
    oracle(!is_full || strncmp(text, "fe", 2) != 0 || !strchr("89ab", text[2]));
}

static void names_check(const struct resolved *r) {
    oracle(r->n == ARRAY_SIZE(wanted));
    for (size_t i = 0; i < r->n; i++) {
        const struct resolved_name *n = &r->items[i];

        oracle(strcmp(n->name, wanted[i]) == 0);
        oracle(n->n_addresses[FAMILY_IPV4] + n->n_addresses[FAMILY_IPV6] <=
               2 * (size_t)RESOLVED_ADDRESSES_MAX);
        oracle((n->error != NULL) == (n->failing_usec != 0));
        for (enum family f = 0; f < FAMILY_MAX; f++)
            for (size_t j = 0; j < n->n_addresses[f]; j++) {
                address_check(f, &n->addresses[f][j]);
                oracle(j == 0 || address_compare(&n->addresses[f][j - 1], &n->addresses[f][j]) < 0);
            }
    }
}

static void twin_check(const struct resolved *r) {
    _cleanup_(freep) char *text = saved_text(r), *again = NULL;
    struct resolved back = { 0 };
    json_t *o = json_loads(text, 0, NULL);

    oracle(resolved_parse(o, &back) == 0);
    again = saved_text(&back);
    oracle(strcmp(text, again) == 0);
    json_decref(o);
    resolved_clear(&back);
}

static void answer_take(struct resolved *r, const json_t *o, uint64_t now) {
    _cleanup_(freep) char *why = NULL, *before = saved_text(r), *after = NULL;
    struct resolution answer;
    int result = resolution_parse(o, &answer, &why);

    oracle(result == 0 || result == RESOLVED_E_INVALID);
    oracle((result == RESOLVED_E_INVALID) == (why != NULL));
    if (result != 0)
        return;
    result = resolved_take(r, &answer, now);
    after = saved_text(r);
    if (result == RESOLVED_E_UNKNOWN)
        oracle(strcmp(before, after) == 0);
    else
        oracle(resolved_find(r, answer.name) && (result == 1 || result == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    _cleanup_(freep) char *text = text_copy(data, size);
    struct resolved r = { 0 }, kept = { 0 };
    uint64_t now = 1;
    char *rest = text, *line;

    oracle(resolved_need(&r, wanted, ARRAY_SIZE(wanted)) == 1);
    while ((line = strsep(&rest, "\n"))) {
        json_t *o = json_loads(line, 0, NULL);

        if (!o)
            continue;
        answer_take(&r, o, now++);
        names_check(&r);
        oracle(resolved_parse(o, &kept) >= 0);
        json_decref(o);
    }
    twin_check(&r);
    twin_check(&kept);
    resolved_clear(&r);
    resolved_clear(&kept);
    return 0;
}
