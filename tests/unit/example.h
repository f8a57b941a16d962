/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_TESTS_UNIT_EXAMPLE_H
#define PORTD_TESTS_UNIT_EXAMPLE_H

/* What tests share that need a whole policy: the shipped policies with a site of the test's own.
 * To be included after cmocka.h. */

#include "engine/eval.h"
#include "engine/intent.h"
#include "files/files.h"

#include <stdio.h>

static inline void example_load(const char *site_path, struct loaded *ret) {
    static const char *const dirs[] = { POLICY_DIR };
    struct report mistakes = REPORT_INIT;
    int r = files_load(site_path, dirs, ARRAY_SIZE(dirs), NULL, ret, &mistakes);

    report_print(&mistakes, stderr);
    assert_int_equal(r, 0);
}

/* The shipped policies and a site given as text. */
static inline void example_load_text(const char *site, struct loaded *ret) {
    static const char *const dirs[] = { POLICY_DIR };
    const struct source source = { "site.json", site, strlen(site) };
    _cleanup_(files_freep) struct files *files = NULL;
    struct report mistakes = REPORT_INIT;
    int r;

    assert_int_equal(files_read(NULL, dirs, ARRAY_SIZE(dirs), &files, &mistakes), 0);
    r = sources_load(files->policies.sources, files->policies.n, &source, 1, ret, &mistakes);
    report_print(&mistakes, stderr);
    assert_int_equal(r, 0);
}

static inline struct intent *example_intent(const struct loaded *loaded, const char *host) {
    struct report mistakes = REPORT_INIT;
    struct intent *intent;

    assert_int_equal(intent_resolve(loaded_policies(loaded), loaded->n_policies, loaded->site,
                                    &host, 1, &intent, &mistakes),
                     0);
    return intent;
}

static inline struct ruleset *example_compile(const struct loaded *loaded, const char *host) {
    _cleanup_(intent_freep) struct intent *intent = example_intent(loaded, host);
    struct ruleset *rules;

    assert_int_equal(policy_compile(intent, NULL, &rules), 0);
    return rules;
}

/* The first packet of a connection with `other`, which is on the other end. */
static inline struct packet example_packet(enum direction d, uint8_t protocol, uint16_t port,
                                           const char *other) {
    struct packet p = { .direction = d,
                        .protocol = protocol,
                        .destination_port = port,
                        .source_port = 40000,
                        .ct_state = CT_STATE_NEW,
                        .destination_type = ADDRESS_TYPE_UNICAST };

    assert_int_equal(
        address_parse(other, &p.family, d == DIRECTION_IN ? &p.source : &p.destination), 0);
    return p;
}

/* The answer to example_packet(): it comes through the other hook. */
static inline struct packet example_answer(enum direction asked, uint8_t protocol, uint16_t port,
                                           const char *other) {
    struct packet p = example_packet(asked == DIRECTION_IN ? DIRECTION_OUT : DIRECTION_IN, protocol,
                                     40000, other);

    p.source_port = port;
    p.ct_state = CT_STATE_ESTABLISHED;
    p.ct_direction = CT_REPLY;
    return p;
}

#endif
