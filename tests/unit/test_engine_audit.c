/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each row: chains of others, and what is found of them. The host is 10.0.0.1 with three flows:
 * `web` lets any address ask tcp/443, `db` lets 10.1.0.0/24 ask tcp/3306, `mail` asks tcp/25
 * of 10.2.0.5. */
#include "engine/audit.h"

#include "loading.h"

static struct range range_of(const char *text) {
    struct range r;
    enum family f;

    assert_int_equal(prefix_parse(text, &f, &r), 0);
    return r;
}

static struct party *party_new(struct intent *in, const char *prefix) {
    struct party *p = arena_alloc(in->arena, sizeof(*p));

    assert_non_null(p);
    p->name = p->selector = prefix;
    p->any = strcmp(prefix, "any") == 0;
    if (p->any)
        return p;
    p->ranges[FAMILY_IPV4].items = arena_alloc(in->arena, sizeof(struct range));
    assert_non_null(p->ranges[FAMILY_IPV4].items);
    p->ranges[FAMILY_IPV4].items[0] = range_of(prefix);
    p->ranges[FAMILY_IPV4].n = 1;
    return p;
}

static void add_flow(struct intent *in, const char *id, enum direction d, uint16_t port,
                     const char *other) {
    struct intent_flow *f = ARENA_APPEND(in->arena, in->flows, in->n_flows);
    struct party **parties = arena_alloc(in->arena, sizeof(struct party *));

    assert_non_null(f);
    assert_non_null(parties);
    *parties = party_new(in, other);
    f->id = id;
    f->services = arena_alloc(in->arena, sizeof(struct service));
    assert_non_null(f->services);
    f->services[0] = (struct service){ PROTOCOL_TCP, port, port };
    f->n_services = 1;
    f->state[DIRECTION_IN] = d == DIRECTION_IN ? FLOW_ACTIVE : FLOW_NOT_MINE;
    f->state[DIRECTION_OUT] = d == DIRECTION_OUT ? FLOW_ACTIVE : FLOW_NOT_MINE;
    f->from = f->to = parties;
    f->n_from = f->n_to = 1;
}

struct scene {
    struct intent intent;
    struct foreign *foreign;
    struct foreign_table *table;
    struct foreign_chain *chain;
    struct foreign_rule *rule;
    uint64_t handle;
};

static int scene_open(void **state) {
    struct scene *s = calloc(1, sizeof(*s));
    struct prefix *own;

    assert_non_null(s);
    s->intent.arena = arena_new();
    s->foreign = foreign_new();
    assert_non_null(s->intent.arena);
    assert_non_null(s->foreign);
    own = ARENA_APPEND(s->intent.arena, s->intent.self.addresses, s->intent.self.n_addresses);
    assert_non_null(own);
    own->family = FAMILY_IPV4;
    own->range = range_of("10.0.0.1");
    add_flow(&s->intent, "web", DIRECTION_IN, 443, "any");
    add_flow(&s->intent, "db", DIRECTION_IN, 3306, "10.1.0.0/24");
    add_flow(&s->intent, "mail", DIRECTION_OUT, 25, "10.2.0.5");
    *state = s;
    return 0;
}

static int scene_close(void **state) {
    struct scene *s = *state;

    arena_free(s->intent.arena);
    foreign_free(s->foreign);
    free(s);
    return 0;
}

static void table(struct scene *s, enum foreign_family family, const char *name) {
    struct foreign_table **slot =
        ARENA_APPEND(s->foreign->arena, s->foreign->tables, s->foreign->n_tables);

    assert_non_null(slot);
    *slot = s->table = arena_alloc(s->foreign->arena, sizeof(**slot));
    assert_non_null(*slot);
    s->table->family = family;
    s->table->name = name;
}

static void chain(struct scene *s, const char *name) {
    struct foreign_chain **slot =
        ARENA_APPEND(s->foreign->arena, s->table->chains, s->table->n_chains);

    assert_non_null(slot);
    *slot = s->chain = arena_alloc(s->foreign->arena, sizeof(**slot));
    assert_non_null(*slot);
    s->chain->name = name;
    s->chain->table = s->table;
    s->chain->index = s->foreign->n_chains++;
}

static void base(struct scene *s, const char *name, enum foreign_hook hook,
                 enum chain_policy policy) {
    chain(s, name);
    s->chain->is_base = true;
    s->chain->hook = hook;
    s->chain->policy = policy;
}

static void rule(struct scene *s, enum foreign_action action, const char *to) {
    s->rule = ARENA_APPEND(s->foreign->arena, s->chain->rules, s->chain->n_rules);
    assert_non_null(s->rule);
    s->rule->action = action;
    s->rule->chain_name = to;
    s->rule->handle = ++s->handle;
}

/* A condition of the newest rule, to be filled in. */
static struct foreign_match *match(struct scene *s, enum foreign_field field) {
    struct foreign_match *m = ARENA_APPEND(s->foreign->arena, s->rule->matches, s->rule->n_matches);

    assert_non_null(m);
    m->field = field;
    return m;
}

static struct foreign_match *port(struct scene *s, enum foreign_field field, uint16_t lo,
                                  uint16_t hi) {
    struct foreign_match *m = match(s, field);

    m->range.lo = (struct address){ { (uint8_t)(lo >> 8), (uint8_t)lo } };
    m->range.hi = (struct address){ { (uint8_t)(hi >> 8), (uint8_t)hi } };
    return m;
}

static struct foreign_match *address(struct scene *s, enum foreign_field field, const char *text) {
    struct foreign_match *m = match(s, field);

    m->range = range_of(text);
    return m;
}

/* "code certain flow,flow; …" */
static void expect(struct scene *s, const char *expected) {
    struct audit *a;
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    foreign_link(s->foreign);
    assert_int_equal(audit_run(&s->intent, s->foreign, "portd", &a), 0);
    for (size_t i = 0; i < a->n_findings; i++) {
        const struct finding *found = &a->findings[i];

        fprintf(f, "%s%s %s ", i ? "; " : "", finding_code_name(found->code),
                found->is_enforced  ? "enforced"
                : found->is_certain ? "certain"
                                    : "possible");
        for (size_t j = 0; j < found->n_flows; j++)
            fprintf(f, "%s%s", j ? "," : "", found->flows[j]);
    }
    assert_int_equal(fclose(f), 0);
    assert_string_equal(text, expected);
    free(text);
    audit_free(a);
}

static void test_nothing(void **state) {
    expect(*state, "");
}

static void test_policy(void **state) {
    struct scene *s = *state;

    table(s, FOREIGN_INET, "t");
    base(s, "in", FOREIGN_INPUT, CHAIN_DROP);
    rule(s, ACTION_ACCEPT, NULL);
    port(s, FIELD_DESTINATION_PORT, 443, 443);
    expect(s, "denies certain db,mail"); /* mail by its answers */
    rule(s, ACTION_ACCEPT, NULL);
    match(s, FIELD_CT_STATE)->mask = CT_STATE_ESTABLISHED | CT_STATE_RELATED;
    expect(s, "denies certain db");
    rule(s, ACTION_ACCEPT, NULL);
    match(s, FIELD_UNREAD);
    expect(s, "denies possible db");
}

static void test_addresses(void **state) {
    struct scene *s = *state;

    table(s, FOREIGN_IP, "t");
    base(s, "in", FOREIGN_INPUT, CHAIN_ACCEPT);
    rule(s, ACTION_DROP, NULL);
    address(s, FIELD_SOURCE, "10.1.1.0/24");
    port(s, FIELD_DESTINATION_PORT, 3306, 3306);
    expect(s, "");
    rule(s, ACTION_DROP, NULL);
    address(s, FIELD_SOURCE, "10.1.0.128/25");
    port(s, FIELD_DESTINATION_PORT, 3000, 4000);
    expect(s, "denies certain db");
    rule(s, ACTION_DROP, NULL);
    address(s, FIELD_SOURCE, "127.0.0.0/8");
    rule(s, ACTION_REJECT, NULL);
    address(s, FIELD_DESTINATION, "10.0.0.1")->is_negated = true;
    expect(s, "denies certain db");
}

/* Nobody asks from tcp/3306, and a rule about it harms no answer. */
static void test_ports_of_those_who_ask(void **state) {
    struct scene *s = *state;

    table(s, FOREIGN_INET, "t");
    base(s, "out", FOREIGN_OUTPUT, CHAIN_ACCEPT);
    rule(s, ACTION_DROP, NULL);
    port(s, FIELD_DESTINATION_PORT, 3306, 3306);
    expect(s, "");
    rule(s, ACTION_DROP, NULL);
    port(s, FIELD_SOURCE_PORT, 3306, 3306);
    expect(s, "denies certain db");
}

static void test_jumps(void **state) {
    struct scene *s = *state;

    table(s, FOREIGN_INET, "t");
    base(s, "in", FOREIGN_INPUT, CHAIN_DROP);
    rule(s, ACTION_JUMP, "all");
    rule(s, ACTION_GOTO, "some");
    port(s, FIELD_DESTINATION_PORT, 3306, 3306);
    chain(s, "all");
    rule(s, ACTION_ACCEPT, NULL);
    port(s, FIELD_DESTINATION_PORT, 443, 443);
    rule(s, ACTION_RETURN, NULL);
    rule(s, ACTION_ACCEPT, NULL);
    chain(s, "some");
    rule(s, ACTION_JUMP, "some");
    expect(s, "denies possible db; denies certain mail");
}

/* What may have left the chain before makes the rest of that chain uncertain, and no other. */
static void test_unread_ways_out(void **state) {
    struct scene *s = *state;

    table(s, FOREIGN_INET, "t");
    base(s, "in", FOREIGN_INPUT, CHAIN_ACCEPT);
    rule(s, ACTION_JUMP, "a");
    rule(s, ACTION_DROP, NULL);
    port(s, FIELD_DESTINATION_PORT, 3306, 3306);
    chain(s, "a");
    rule(s, ACTION_RETURN, NULL);
    match(s, FIELD_UNREAD);
    rule(s, ACTION_DROP, NULL);
    port(s, FIELD_DESTINATION_PORT, 443, 443);
    expect(s, "denies possible web; denies certain db");
}

/* A chain of type nat sees the first packet of a connection alone. */
static void test_answers_in_nat(void **state) {
    struct scene *s = *state;

    table(s, FOREIGN_IP, "nat");
    base(s, "post", FOREIGN_POSTROUTING, CHAIN_ACCEPT);
    s->chain->is_nat = true;
    rule(s, ACTION_SNAT, NULL);
    port(s, FIELD_SOURCE_PORT, 443, 443);
    expect(s, "");
    s->chain->is_nat = false;
    expect(s, "redirects certain web");
}

static void test_loop_ends(void **state) {
    struct scene *s = *state;

    table(s, FOREIGN_INET, "t");
    base(s, "in", FOREIGN_INPUT, CHAIN_ACCEPT);
    rule(s, ACTION_JUMP, "a");
    chain(s, "a");
    for (int i = 0; i < 8; i++)
        rule(s, ACTION_JUMP, "a");
    rule(s, ACTION_DROP, NULL);
    expect(s, "denies possible web,db,mail");
}

static void test_interfaces(void **state) {
    struct scene *s = *state;

    table(s, FOREIGN_INET, "t");
    base(s, "in", FOREIGN_INPUT, CHAIN_ACCEPT);
    rule(s, ACTION_DROP, NULL);
    memcpy(match(s, FIELD_IIFNAME)->range.lo.bytes, "lo", 3);
    expect(s, "");
    rule(s, ACTION_DROP, NULL);
    match(s, FIELD_IIF)->range.lo.bytes[0] = 7;
    expect(s, "denies possible web,db,mail");
    rule(s, ACTION_DROP, NULL);
    memcpy(match(s, FIELD_IIFNAME)->range.lo.bytes, "lo", 3);
    s->rule->matches[0].is_negated = true;
    expect(s, "denies possible web,db,mail; denies certain web,db,mail");
}

static void test_map(void **state) {
    struct scene *s = *state;
    struct foreign_set set = { .name = "m", .key_size = 2, .is_map = true, .is_whole = true };
    struct foreign_element elements[] = {
        { .key = { { { 443 >> 8, 443 & 0xff } }, { { 443 >> 8, 443 & 0xff } } },
          .action = ACTION_ACCEPT },
        { .key = { { { 0 } }, { { 0xff, 0xff } } }, .action = ACTION_DROP },
    };

    set.elements = elements;
    set.n_elements = ARRAY_SIZE(elements);
    table(s, FOREIGN_INET, "t");
    base(s, "in", FOREIGN_PREROUTING, CHAIN_ACCEPT);
    rule(s, ACTION_MAP, NULL);
    match(s, FIELD_DESTINATION_PORT)->set = &set;
    expect(s, "denies certain db,mail");
    set.is_whole = false;
    expect(s, "");
}

static void test_set(void **state) {
    struct scene *s = *state;
    struct foreign_set set = { .name = "s", .key_size = 4, .is_whole = true };
    struct foreign_element elements[] = { { .key = range_of("10.1.0.7") },
                                          { .key = range_of("192.168.0.0/16") } };
    struct foreign_set *sets[] = { &set };

    set.elements = elements;
    set.n_elements = ARRAY_SIZE(elements);
    table(s, FOREIGN_INET, "t");
    s->table->sets = sets;
    s->table->n_sets = 1;
    base(s, "in", FOREIGN_INPUT, CHAIN_ACCEPT);
    rule(s, ACTION_DROP, NULL);
    match(s, FIELD_SOURCE)->set = &set;
    port(s, FIELD_DESTINATION_PORT, 3306, 3306);
    expect(s, "denies certain db");
    s->rule->matches[0].is_negated = true;
    expect(s, "denies certain db");
    elements[0].key = range_of("10.1.0.0/16");
    expect(s, "");
}

/* What was published is held to the policy where ingress is. */
static void test_published(void **state) {
    struct scene *s = *state;

    table(s, FOREIGN_IP, "nat");
    base(s, "pre", FOREIGN_PREROUTING, CHAIN_ACCEPT);
    s->chain->is_nat = true;
    rule(s, ACTION_DNAT, NULL);
    port(s, FIELD_DESTINATION_PORT, 3306, 3306);
    rule(s, ACTION_DNAT, NULL);
    port(s, FIELD_DESTINATION_PORT, 8080, 8080);
    s->intent.modes[DIRECTION_OUT] = MODE_OFF;
    expect(s, "published enforced db; published enforced ");
    for (enum mode m = MODE_AUDIT; m < MODE_MAX; m++) {
        s->intent.modes[DIRECTION_IN] = m;
        expect(s, "published certain db; published certain ");
    }
}

static void test_translation(void **state) {
    struct scene *s = *state;

    table(s, FOREIGN_IP, "nat");
    base(s, "pre", FOREIGN_PREROUTING, CHAIN_ACCEPT);
    s->chain->is_nat = true;
    rule(s, ACTION_REDIRECT, NULL);
    port(s, FIELD_DESTINATION_PORT, 443, 443);
    rule(s, ACTION_DNAT, NULL);
    port(s, FIELD_DESTINATION_PORT, 3306, 3306);
    rule(s, ACTION_DNAT, NULL);
    port(s, FIELD_DESTINATION_PORT, 8080, 8080);
    base(s, "post", FOREIGN_POSTROUTING, CHAIN_ACCEPT);
    s->chain->is_nat = true;
    rule(s, ACTION_MASQUERADE, NULL);
    address(s, FIELD_SOURCE, "172.17.0.0/16");
    rule(s, ACTION_MASQUERADE, NULL);
    match(s, FIELD_CT_STATUS)->mask = 1U << 5;
    expect(s, "redirects certain web; published enforced db; published enforced ");
    rule(s, ACTION_SNAT, NULL);
    port(s, FIELD_DESTINATION_PORT, 25, 25);
    expect(s, "redirects certain web; published enforced db; redirects certain mail; "
              "published enforced ");
}

static void test_effects(void **state) {
    struct scene *s = *state;

    table(s, FOREIGN_INET, "t");
    base(s, "pre", FOREIGN_PREROUTING, CHAIN_ACCEPT);
    rule(s, ACTION_ACCEPT, NULL);
    s->rule->effects = EFFECT_NOTRACK | EFFECT_REWRITE;
    port(s, FIELD_DESTINATION_PORT, 443, 443);
    base(s, "fwd", FOREIGN_FORWARD, CHAIN_DROP);
    rule(s, ACTION_NONE, NULL);
    s->rule->effects = EFFECT_OFFLOAD;
    expect(s, "untracked certain web; redirects certain web; flowtable certain ");
}

/* Before connection tracking every packet's state reads as invalid. */
static void test_state_before_tracking(void **state) {
    struct scene *s = *state;

    table(s, FOREIGN_INET, "t");
    base(s, "pre", FOREIGN_PREROUTING, CHAIN_ACCEPT);
    rule(s, ACTION_DROP, NULL);
    match(s, FIELD_CT_STATE)->mask = CT_STATE_INVALID;
    expect(s, "");
    s->chain->priority = -300;
    expect(s, "denies certain web,db,mail");
}

static void test_tables_that_do_nothing(void **state) {
    struct scene *s = *state;

    table(s, FOREIGN_IP6, "other-family");
    base(s, "in", FOREIGN_INPUT, CHAIN_DROP);
    table(s, FOREIGN_INET, "dormant");
    s->table->is_dormant = true;
    base(s, "in", FOREIGN_INPUT, CHAIN_DROP);
    table(s, FOREIGN_INET, "portd");
    base(s, "in", FOREIGN_INPUT, CHAIN_DROP);
    expect(s, "");
    table(s, FOREIGN_INET, "portd-old");
    expect(s, "other-portd certain ");
    s->table->owner = 4711;
    expect(s, "hostile certain ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_policy, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_addresses, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_ports_of_those_who_ask, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_jumps, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_unread_ways_out, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_answers_in_nat, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_loop_ends, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_interfaces, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_map, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_set, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_published, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_translation, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_effects, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_state_before_tracking, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_tables_that_do_nothing, scene_open, scene_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
