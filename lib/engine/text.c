/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rulesets in nft's own syntax, plans in the words of the policy. One row a statement kind, each
 * writing what `nft list` prints for it. */
#include "engine/text.h"

#include <inttypes.h>
#include <stdio.h>

struct out {
    FILE *f;
    char *text;
    size_t size;
};

static bool out_open(struct out *o) {
    *o = (struct out){ 0 };
    o->f = open_memstream(&o->text, &o->size);
    return o->f;
}

static char *out_close(struct out *o) {
    bool failed = ferror(o->f);

    if (fclose(o->f) != 0 || failed) {
        free(o->text);
        return NULL;
    }
    return o->text;
}

static const char *side_port(enum side s) {
    return s == SIDE_SOURCE ? "sport" : "dport";
}

static const char *side_address(enum side s) {
    return s == SIDE_SOURCE ? "saddr" : "daddr";
}

static void write_iif(FILE *f, const struct stmt *s) {
    if (s->ifindex == 1)
        fputs("iif \"lo\"", f);
    else
        fprintf(f, "iif %" PRIu32, s->ifindex);
}

static void write_oif(FILE *f, const struct stmt *s) {
    if (s->ifindex == 1)
        fputs("oif \"lo\"", f);
    else
        fprintf(f, "oif %" PRIu32, s->ifindex);
}

static const struct {
    uint32_t bit;
    const char *name;
} ct_states[] = {
    { CT_STATE_INVALID, "invalid" },     { CT_STATE_ESTABLISHED, "established" },
    { CT_STATE_RELATED, "related" },     { CT_STATE_NEW, "new" },
    { CT_STATE_UNTRACKED, "untracked" },
};

static void write_ct_state(FILE *f, const struct stmt *s) {
    const char *comma = " ";
    uint32_t rest = s->ct_state;

    fputs("ct state", f);
    for (size_t i = 0; i < ARRAY_SIZE(ct_states); i++)
        if (s->ct_state & ct_states[i].bit) {
            fprintf(f, "%s%s", comma, ct_states[i].name);
            comma = ",";
            rest &= ~ct_states[i].bit;
        }
    if (rest)
        fprintf(f, "%s0x%" PRIx32, comma, rest);
}

static void write_ct_direction(FILE *f, const struct stmt *s) {
    fprintf(f, "ct direction %s", s->ct_direction == CT_REPLY ? "reply" : "original");
}

static void write_ct_status(FILE *f, const struct stmt *s) {
    const char *comma = " ";
    uint32_t rest = s->ct_status & ~(uint32_t)(CT_STATUS_SNAT | CT_STATUS_DNAT);

    fputs("ct status", f);
    if (s->ct_status & CT_STATUS_SNAT) {
        fprintf(f, "%ssnat", comma);
        comma = ",";
    }
    if (s->ct_status & CT_STATUS_DNAT) {
        fprintf(f, "%sdnat", comma);
        comma = ",";
    }
    if (rest)
        fprintf(f, "%s0x%" PRIx32, comma, rest);
}

static void write_ct_port(FILE *f, const struct stmt *s) {
    fprintf(f, "ct original proto-dst %u", s->ct_port.lo);
    if (s->ct_port.hi != s->ct_port.lo)
        fprintf(f, "-%u", s->ct_port.hi);
}

static void write_ct_vmap(FILE *f, const struct stmt *s) {
    fprintf(f, "ct original proto-dst vmap @%s", s->ct_vmap);
}

/* nft knows ICMPv6 as "ipv6-icmp" here (/etc/protocols) and numbers what it has no name for. */
static void write_protocol(FILE *f, uint8_t protocol) {
    const char *name = protocol == PROTOCOL_ICMPV6 ? "ipv6-icmp" : protocol_name(protocol);

    if (name)
        fputs(name, f);
    else
        fprintf(f, "%u", protocol);
}

static void write_l4proto(FILE *f, const struct stmt *s) {
    fputs("meta l4proto ", f);
    write_protocol(f, s->protocol);
}

static void write_icmp_type(FILE *f, const struct stmt *s) {
    const char *name = icmp_type_name(s->icmp.protocol, s->icmp.type);

    fprintf(f, "%s type ", s->icmp.protocol == PROTOCOL_ICMP ? "icmp" : "icmpv6");
    if (name)
        fputs(name, f);
    else
        fprintf(f, "%u", s->icmp.type);
}

static void write_port(FILE *f, const struct stmt *s) {
    write_protocol(f, s->port.protocol);
    fprintf(f, " %s %u", side_port(s->port.side), s->port.lo);
    if (s->port.hi != s->port.lo)
        fprintf(f, "-%u", s->port.hi);
}

static void write_address(FILE *f, const struct stmt *s) {
    fprintf(f, "%s %s @%s", family_name(s->address.family), side_address(s->address.side),
            s->address.set);
}

static void write_fib_type(FILE *f, const struct stmt *s) {
    fputs("fib daddr type ", f);
    switch (s->fib_type) {
    case ADDRESS_TYPE_UNICAST:
        fputs("unicast", f);
        break;
    case ADDRESS_TYPE_LOCAL:
        fputs("local", f);
        break;
    case ADDRESS_TYPE_BROADCAST:
        fputs("broadcast", f);
        break;
    case ADDRESS_TYPE_MULTICAST:
        fputs("multicast", f);
        break;
    default:
        fprintf(f, "%" PRIu32, s->fib_type);
    }
}

static const char *const tcp_flag_names[] = {
    "fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr",
};

static void write_tcp_flag_list(FILE *f, uint8_t flags) {
    const char *bar = "";

    if (!flags)
        fputs("0x0", f);
    for (size_t i = 0; i < ARRAY_SIZE(tcp_flag_names); i++)
        if (flags & (1U << i)) {
            fprintf(f, "%s%s", bar, tcp_flag_names[i]);
            bar = " | ";
        }
}

static void write_tcp_flags(FILE *f, const struct stmt *s) {
    fputs("tcp flags & (", f);
    write_tcp_flag_list(f, s->tcp_flags.mask);
    fputs(") == ", f);
    write_tcp_flag_list(f, s->tcp_flags.value);
}

static void write_vmap(FILE *f, const struct stmt *s) {
    fprintf(f, "meta l4proto . th %s vmap @%s", side_port(s->vmap.side), s->vmap.map);
}

static void write_granted(FILE *f, const struct stmt *s) {
    fprintf(f, "meta l4proto . th %s . %s %s @%s", side_port(s->granted.port),
            family_name(s->granted.family), side_address(s->granted.address), s->granted.set);
}

static void write_counter(FILE *f, const struct stmt *s) {
    fprintf(f, "counter name \"%s\"", s->counter);
}

static void write_limit(FILE *f, const struct stmt *s) {
    fprintf(f, "limit rate %" PRIu64 "/second burst %" PRIu32 " packets", s->limit.rate,
            s->limit.burst);
}

/* nft takes a zero for another value than none. */
static void write_log(FILE *f, const struct stmt *s) {
    fprintf(f, "log group %u", s->log.group);
    if (s->log.snaplen)
        fprintf(f, " snaplen %" PRIu32, s->log.snaplen);
    if (s->log.threshold)
        fprintf(f, " queue-threshold %u", s->log.threshold);
}

static void write_reject(FILE *f, const struct stmt *s) {
    fputs(s->reject == REJECT_TCP_RESET ? "reject with tcp reset"
                                        : "reject with icmpx admin-prohibited",
          f);
}

static void write_verdict_words(FILE *f, enum verdict v, const char *chain) {
    fputs(verdict_name(v), f);
    if (chain)
        fprintf(f, " %s", chain);
}

static void write_verdict(FILE *f, const struct stmt *s) {
    write_verdict_words(f, s->verdict.verdict, s->verdict.chain);
}

static void (*const stmt_writers[])(FILE *, const struct stmt *) = {
    [STMT_IIF] = write_iif,
    [STMT_OIF] = write_oif,
    [STMT_CT_STATE] = write_ct_state,
    [STMT_CT_DIRECTION] = write_ct_direction,
    [STMT_CT_STATUS] = write_ct_status,
    [STMT_CT_PORT] = write_ct_port,
    [STMT_CT_VMAP] = write_ct_vmap,
    [STMT_L4PROTO] = write_l4proto,
    [STMT_ICMP_TYPE] = write_icmp_type,
    [STMT_PORT] = write_port,
    [STMT_ADDRESS] = write_address,
    [STMT_FIB_TYPE] = write_fib_type,
    [STMT_TCP_FLAGS] = write_tcp_flags,
    [STMT_VMAP] = write_vmap,
    [STMT_GRANTED] = write_granted,
    [STMT_COUNTER] = write_counter,
    [STMT_LIMIT] = write_limit,
    [STMT_LOG] = write_log,
    [STMT_REJECT] = write_reject,
    [STMT_VERDICT] = write_verdict,
};
static_assert(ARRAY_SIZE(stmt_writers) == STMT_TYPE_MAX, "a statement can't be written");

static void write_rule(FILE *f, const struct rule *r) {
    if (r->foreign) {
        fprintf(f, "# foreign: %s", r->foreign);
        return;
    }
    for (size_t i = 0; i < r->n_stmts; i++) {
        if (i)
            fputc(' ', f);
        stmt_writers[r->stmts[i].type](f, &r->stmts[i]);
    }
}

static enum family family_of(enum set_type type) {
    return type == SET_IPV4 || type == SET_GRANTED4 ? FAMILY_IPV4 : FAMILY_IPV6;
}

static void write_element(FILE *f, const struct element *e, const struct set *of) {
    char buf[RANGE_TEXT_MAX];

    if (of->type == SET_PORT) {
        fprintf(f, "%u", e->service.port);
    } else if (of->type == SET_SERVICE || set_type_is_granted(of->type)) {
        write_protocol(f, e->service.protocol);
        fprintf(f, " . %u", e->service.port);
    }
    if (set_type_is_granted(of->type))
        fputs(" . ", f);
    if (set_type_has_addresses(of->type) || set_type_is_granted(of->type))
        fputs(range_format(&e->range, family_of(of->type), buf), f);
    if (of->is_map) {
        fputs(" : ", f);
        write_verdict_words(f, e->verdict, e->chain);
    }
}

static void write_chain(FILE *f, const struct chain *c) {
    fprintf(f, "\tchain %s {\n", c->name);
    if (c->foreign)
        fprintf(f, "\t\t# foreign: %s\n", c->foreign);
    else if (c->is_base)
        fprintf(f, "\t\ttype filter hook %s priority %d; policy %s;\n", hook_name(c->hook),
                c->priority, c->policy == CHAIN_ACCEPT ? "accept" : "drop");
    for (size_t i = 0; i < c->n_rules; i++) {
        fputs("\t\t", f);
        write_rule(f, &c->rules[i]);
        if (c->rules[i].comment)
            fprintf(f, " comment \"%s\"", c->rules[i].comment);
        fputc('\n', f);
    }
    fputs("\t}\n\n", f);
}

static void write_set(FILE *f, const struct set *s) {
    fprintf(f, "\t%s %s {\n", s->is_map ? "map" : "set", s->name);
    if (s->foreign)
        fprintf(f, "\t\t# foreign: %s\n", s->foreign);
    else
        fprintf(f, "\t\ttype %s%s\n", set_type_name(s->type), s->is_map ? " : verdict" : "");
    if (s->is_interval)
        fputs("\t\tflags interval\n", f);
    if (!s->foreign && set_type_is_granted(s->type))
        fputs("\t\tflags timeout\n", f);
    for (size_t i = 0; !s->foreign && i < s->n_elements; i++) {
        fputs(i ? ",\n\t\t\t     " : "\t\telements = { ", f);
        write_element(f, &s->elements[i], s);
        if (i + 1 == s->n_elements)
            fputs(" }\n", f);
    }
    fputs("\t}\n\n", f);
}

static void write_counter_object(FILE *f, const struct counter *c) {
    if (c->foreign)
        fprintf(f, "\t# foreign: %s %s\n\n", c->foreign, c->name);
    else
        fprintf(f, "\tcounter %s {\n\t\tpackets 0 bytes 0\n\t}\n\n", c->name);
}

char *ruleset_text(const struct ruleset *r) {
    struct out o;

    if (!out_open(&o))
        return NULL;
    if (r->exists) {
        fprintf(o.f, "table inet %s {\n", PORTD_TABLE);
        if (r->flags & TABLE_DORMANT)
            fputs("\tflags dormant\n", o.f);
        for (size_t i = 0; i < r->n_counters; i++)
            write_counter_object(o.f, &r->counters[i]);
        for (size_t i = 0; i < r->n_sets; i++)
            write_set(o.f, &r->sets[i]);
        for (size_t i = 0; i < r->n_chains; i++)
            write_chain(o.f, &r->chains[i]);
        fputs("}\n", o.f);
    }
    return out_close(&o);
}

char *rule_text(const struct rule *r) {
    struct out o;

    if (!out_open(&o))
        return NULL;
    write_rule(o.f, r);
    return out_close(&o);
}

char *element_text(const struct element *e, const struct set *of) {
    struct out o;

    if (!out_open(&o))
        return NULL;
    write_element(o.f, e, of);
    return out_close(&o);
}
