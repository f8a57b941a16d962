/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is denied is logged where the kernel can, and whose an address is, is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "example.h"

#define EXAMPLE SOURCE_DIR "/policy/examples/jtel-acd.site.json"

/* The log groups of all rules, one after the other; 0 behind the last. */
static void groups_of(const struct intent *in, uint16_t ret[static 8]) {
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;
    size_t n = 0;

    assert_int_equal(policy_compile(in, NULL, &rules), 0);
    memset(ret, 0, 8 * sizeof(*ret));
    for (size_t i = 0; i < rules->n_chains; i++)
        for (size_t j = 0; j < rules->chains[i].n_rules; j++)
            for (size_t k = 0; k < rules->chains[i].rules[j].n_stmts; k++) {
                const struct stmt *s = &rules->chains[i].rules[j].stmts[k];

                if (s->type == STMT_LOG && n < 7)
                    ret[n++] = s->log.group;
            }
}

static void test_groups(void **state) {
    struct loaded loaded = { 0 };
    _cleanup_(intent_freep) struct intent *in = NULL;
    uint16_t groups[8];

    (void)state;
    example_load(EXAMPLE, &loaded);
    in = example_intent(&loaded, "acd-lb1");
    groups_of(in, groups);
    assert_int_equal(groups[0], PORTD_LOG_GROUP);
    assert_int_equal(groups[1], PORTD_LOG_GROUP);
    assert_int_equal(groups[2], 0);
    in->modes[DIRECTION_OUT] = MODE_AUDIT;
    groups_of(in, groups);
    assert_int_equal(groups[0] + groups[1], PORTD_LOG_GROUP + PORTD_LOG_GROUP_WOULD);
    assert_int_equal(groups[2], 0);
    in->is_mute = true;
    groups_of(in, groups);
    assert_int_equal(groups[0], 0);
    loaded_clear(&loaded);
}

static const struct intent_neighbour *neighbour(const struct intent *in, const char *address) {
    struct address a;
    enum family f;

    assert_int_equal(address_parse(address, &f, &a), 0);
    return intent_neighbour_find(in, f, &a);
}

static void test_neighbours(void **state) {
    struct loaded loaded = { 0 };
    _cleanup_(intent_freep) struct intent *in = NULL;
    const struct intent_neighbour *n;

    (void)state;
    example_load(EXAMPLE, &loaded);
    in = example_intent(&loaded, "acd-lb1");
    loaded_clear(&loaded); /* nothing points into it */
    for (size_t i = 0; i < in->n_neighbours; i++)
        assert_ptr_equal(
            intent_neighbour_find(in, in->neighbours[i].family, &in->neighbours[i].address),
            &in->neighbours[i]);
    n = neighbour(in, "10.1.0.81");
    assert_string_equal(n->name, "acd-rest1");
    assert_int_equal(n->n_roles, 1);
    assert_string_equal(n->roles[0], "jtel-acd/ACD-REST");
    assert_string_equal(neighbour(in, "2001:db8:1::81")->name, "acd-rest1");
    assert_string_equal(neighbour(in, "10.1.0.11")->name, "acd-lb1");
    assert_null(neighbour(in, "198.51.100.7"));
    assert_null(neighbour(in, "0.0.0.0"));
    assert_null(neighbour(in, "ffff::"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_neighbours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
