/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One table of fields is read in both directions, so that building and parsing can't drift
 * apart. An attribute that no row lists makes an expression foreign: a filter must never take a
 * rule for less than it is. */
#include "nft/expr.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

enum field_kind {
    FIELD_U8, /* these three are uint32_t in struct expr */
    FIELD_U16,
    FIELD_U32,
    FIELD_U64,
    FIELD_REGISTER,  /* optional; stored plus one */
    FIELD_DIRECTION, /* the same, of one byte */
    FIELD_TEXT,
    FIELD_DATA,
    FIELD_VERDICT,
};

enum presence {
    ALWAYS,
    OR_ZERO,    /* absent and zero are the same; the kernel adds zeros that nobody sent */
    OR_NOTHING, /* absent reads as zero, but a zero that is there means something else */
};

struct field {
    uint16_t attr;  /* NFTA_* */
    uint16_t nftnl; /* NFTNL_EXPR_* */
    enum field_kind kind;
    enum presence presence;
    size_t offset;
};

struct layout {
    const char *name;
    const struct field *fields;
    size_t n_fields;
};

#define AT(member) offsetof(struct expr, member)
#define LAYOUT(n, rows)                                                                            \
    { .name = (n), .fields = (rows), .n_fields = ARRAY_SIZE(rows) }

static const struct field bitwise_fields[] = {
    { NFTA_BITWISE_SREG, NFTNL_EXPR_BITWISE_SREG, FIELD_U32, ALWAYS, AT(bitwise.sreg) },
    { NFTA_BITWISE_DREG, NFTNL_EXPR_BITWISE_DREG, FIELD_U32, ALWAYS, AT(bitwise.dreg) },
    { NFTA_BITWISE_LEN, NFTNL_EXPR_BITWISE_LEN, FIELD_U32, ALWAYS, AT(bitwise.len) },
    { NFTA_BITWISE_MASK, NFTNL_EXPR_BITWISE_MASK, FIELD_DATA, ALWAYS, AT(bitwise.mask) },
    { NFTA_BITWISE_XOR, NFTNL_EXPR_BITWISE_XOR, FIELD_DATA, ALWAYS, AT(bitwise.xor) },
    { NFTA_BITWISE_OP, NFTNL_EXPR_BITWISE_OP, FIELD_U32, OR_ZERO, AT(bitwise.op) },
};
static const struct field cmp_fields[] = {
    { NFTA_CMP_SREG, NFTNL_EXPR_CMP_SREG, FIELD_U32, ALWAYS, AT(cmp.sreg) },
    { NFTA_CMP_OP, NFTNL_EXPR_CMP_OP, FIELD_U32, ALWAYS, AT(cmp.op) },
    { NFTA_CMP_DATA, NFTNL_EXPR_CMP_DATA, FIELD_DATA, ALWAYS, AT(cmp.data) },
};
static const struct field ct_fields[] = {
    { NFTA_CT_KEY, NFTNL_EXPR_CT_KEY, FIELD_U32, ALWAYS, AT(ct.key) },
    { NFTA_CT_DREG, NFTNL_EXPR_CT_DREG, FIELD_U32, ALWAYS, AT(ct.dreg) },
    { NFTA_CT_DIRECTION, NFTNL_EXPR_CT_DIR, FIELD_DIRECTION, OR_ZERO, AT(ct.direction_plus_1) },
};
static const struct field fib_fields[] = {
    { NFTA_FIB_DREG, NFTNL_EXPR_FIB_DREG, FIELD_U32, ALWAYS, AT(fib.dreg) },
    { NFTA_FIB_RESULT, NFTNL_EXPR_FIB_RESULT, FIELD_U32, ALWAYS, AT(fib.result) },
    { NFTA_FIB_FLAGS, NFTNL_EXPR_FIB_FLAGS, FIELD_U32, ALWAYS, AT(fib.flags) },
};
static const struct field immediate_fields[] = {
    { NFTA_IMMEDIATE_DREG, NFTNL_EXPR_IMM_DREG, FIELD_U32, ALWAYS, AT(immediate.dreg) },
    { NFTA_IMMEDIATE_DATA, NFTNL_EXPR_IMM_VERDICT, FIELD_VERDICT, ALWAYS, AT(immediate.verdict) },
};
static const struct field limit_fields[] = {
    { NFTA_LIMIT_RATE, NFTNL_EXPR_LIMIT_RATE, FIELD_U64, ALWAYS, AT(limit.rate) },
    { NFTA_LIMIT_UNIT, NFTNL_EXPR_LIMIT_UNIT, FIELD_U64, ALWAYS, AT(limit.unit) },
    { NFTA_LIMIT_BURST, NFTNL_EXPR_LIMIT_BURST, FIELD_U32, ALWAYS, AT(limit.burst) },
    { NFTA_LIMIT_TYPE, NFTNL_EXPR_LIMIT_TYPE, FIELD_U32, OR_ZERO, AT(limit.type) },
    { NFTA_LIMIT_FLAGS, NFTNL_EXPR_LIMIT_FLAGS, FIELD_U32, OR_ZERO, AT(limit.flags) },
};
static const struct field log_fields[] = {
    { NFTA_LOG_GROUP, NFTNL_EXPR_LOG_GROUP, FIELD_U16, ALWAYS, AT(log.group) },
    { NFTA_LOG_SNAPLEN, NFTNL_EXPR_LOG_SNAPLEN, FIELD_U32, OR_NOTHING, AT(log.snaplen) },
    { NFTA_LOG_QTHRESHOLD, NFTNL_EXPR_LOG_QTHRESHOLD, FIELD_U16, OR_ZERO, AT(log.threshold) },
};
static const struct field lookup_fields[] = {
    { NFTA_LOOKUP_SET, NFTNL_EXPR_LOOKUP_SET, FIELD_TEXT, ALWAYS, AT(lookup.set) },
    { NFTA_LOOKUP_SREG, NFTNL_EXPR_LOOKUP_SREG, FIELD_U32, ALWAYS, AT(lookup.sreg) },
    { NFTA_LOOKUP_DREG, NFTNL_EXPR_LOOKUP_DREG, FIELD_REGISTER, OR_ZERO, AT(lookup.dreg_plus_1) },
    { NFTA_LOOKUP_FLAGS, NFTNL_EXPR_LOOKUP_FLAGS, FIELD_U32, OR_ZERO, AT(lookup.flags) },
};
static const struct field meta_fields[] = {
    { NFTA_META_KEY, NFTNL_EXPR_META_KEY, FIELD_U32, ALWAYS, AT(meta.key) },
    { NFTA_META_DREG, NFTNL_EXPR_META_DREG, FIELD_U32, ALWAYS, AT(meta.dreg) },
};
static const struct field objref_fields[] = {
    { NFTA_OBJREF_IMM_TYPE, NFTNL_EXPR_OBJREF_IMM_TYPE, FIELD_U32, ALWAYS, AT(objref.type) },
    { NFTA_OBJREF_IMM_NAME, NFTNL_EXPR_OBJREF_IMM_NAME, FIELD_TEXT, ALWAYS, AT(objref.name) },
};
static const struct field payload_fields[] = {
    { NFTA_PAYLOAD_DREG, NFTNL_EXPR_PAYLOAD_DREG, FIELD_U32, ALWAYS, AT(payload.dreg) },
    { NFTA_PAYLOAD_BASE, NFTNL_EXPR_PAYLOAD_BASE, FIELD_U32, ALWAYS, AT(payload.base) },
    { NFTA_PAYLOAD_OFFSET, NFTNL_EXPR_PAYLOAD_OFFSET, FIELD_U32, ALWAYS, AT(payload.offset) },
    { NFTA_PAYLOAD_LEN, NFTNL_EXPR_PAYLOAD_LEN, FIELD_U32, ALWAYS, AT(payload.len) },
};
static const struct field reject_fields[] = {
    { NFTA_REJECT_TYPE, NFTNL_EXPR_REJECT_TYPE, FIELD_U32, ALWAYS, AT(reject.type) },
    { NFTA_REJECT_ICMP_CODE, NFTNL_EXPR_REJECT_CODE, FIELD_U8, OR_ZERO, AT(reject.code) },
};

static const struct layout layouts[] = {
    [EXPR_BITWISE] = LAYOUT("bitwise", bitwise_fields),
    [EXPR_CMP] = LAYOUT("cmp", cmp_fields),
    [EXPR_CT] = LAYOUT("ct", ct_fields),
    [EXPR_FIB] = LAYOUT("fib", fib_fields),
    [EXPR_IMMEDIATE] = LAYOUT("immediate", immediate_fields),
    [EXPR_LIMIT] = LAYOUT("limit", limit_fields),
    [EXPR_LOG] = LAYOUT("log", log_fields),
    [EXPR_LOOKUP] = LAYOUT("lookup", lookup_fields),
    [EXPR_META] = LAYOUT("meta", meta_fields),
    [EXPR_OBJREF] = LAYOUT("objref", objref_fields),
    [EXPR_PAYLOAD] = LAYOUT("payload", payload_fields),
    [EXPR_REJECT] = LAYOUT("reject", reject_fields),
};
static_assert(ARRAY_SIZE(layouts) == EXPR_TYPE_MAX, "an expression has no layout");

static const void *field_at(const struct field *f, const struct expr *e) {
    return (const uint8_t *)e + f->offset;
}

static uint64_t field_number(const struct field *f, const struct expr *e) {
    if (f->kind == FIELD_U64)
        return *(const uint64_t *)field_at(f, e);
    return *(const uint32_t *)field_at(f, e);
}

static int verdict_build(struct nftnl_expr *n, const struct expr_verdict *v) {
    nftnl_expr_set_u32(n, NFTNL_EXPR_IMM_VERDICT, (uint32_t)v->code);
    return v->chain ? nftnl_expr_set_str(n, NFTNL_EXPR_IMM_CHAIN, v->chain) : 0;
}

static int field_build(const struct field *f, const struct expr *e, struct nftnl_expr *n) {
    const struct expr_data *data = field_at(f, e);

    switch (f->kind) {
    case FIELD_U8:
        nftnl_expr_set_u8(n, f->nftnl, (uint8_t)field_number(f, e));
        return 0;
    case FIELD_U16:
        nftnl_expr_set_u16(n, f->nftnl, (uint16_t)field_number(f, e));
        return 0;
    case FIELD_U32:
        nftnl_expr_set_u32(n, f->nftnl, (uint32_t)field_number(f, e));
        return 0;
    case FIELD_U64:
        nftnl_expr_set_u64(n, f->nftnl, field_number(f, e));
        return 0;
    case FIELD_REGISTER:
        nftnl_expr_set_u32(n, f->nftnl, (uint32_t)field_number(f, e) - 1);
        return 0;
    case FIELD_DIRECTION:
        nftnl_expr_set_u8(n, f->nftnl, (uint8_t)(field_number(f, e) - 1));
        return 0;
    case FIELD_TEXT:
        return nftnl_expr_set_str(n, f->nftnl, *(const char *const *)field_at(f, e));
    case FIELD_DATA:
        return nftnl_expr_set_data(n, f->nftnl, data->bytes, data->n);
    case FIELD_VERDICT:
        return verdict_build(n, field_at(f, e));
    }
    return -1;
}

struct nftnl_expr *expr_build(const struct expr *e) {
    const struct layout *layout = &layouts[e->type];
    struct nftnl_expr *n = nftnl_expr_alloc(layout->name);

    for (size_t i = 0; n && i < layout->n_fields; i++) {
        const struct field *f = &layout->fields[i];

        if (f->presence != ALWAYS && field_number(f, e) == 0)
            continue;
        if (field_build(f, e, n) < 0) {
            nftnl_expr_free(n);
            return NULL;
        }
    }
    return n;
}

static bool data_parse(const struct nlattr *a, struct expr_data *ret) {
    const struct nlattr *value;
    struct attrs attrs;

    if (!attrs_of_nest(a, &attrs) || attrs.has_more)
        return false;
    value = attrs.by_type[NFTA_DATA_VALUE];
    if (!value || attrs.by_type[NFTA_DATA_VERDICT])
        return false;
    ret->n = mnl_attr_get_payload_len(value);
    if (ret->n == 0 || ret->n > sizeof(ret->bytes))
        return false;
    memcpy(ret->bytes, mnl_attr_get_payload(value), ret->n);
    return true;
}

bool expr_verdict_parse(const struct nlattr *data, struct expr_verdict *ret) {
    struct attrs attrs, verdict;
    const char *chain;
    uint32_t code;

    if (!attrs_of_nest(data, &attrs) || attrs.by_type[NFTA_DATA_VALUE] ||
        !attrs_of_nest(attrs.by_type[NFTA_DATA_VERDICT], &verdict) ||
        !attr_u32(verdict.by_type[NFTA_VERDICT_CODE], &code))
        return false;
    chain = attr_text(verdict.by_type[NFTA_VERDICT_CHAIN]);
    if (!chain && verdict.by_type[NFTA_VERDICT_CHAIN])
        return false;
    *ret = (struct expr_verdict){ .code = (int32_t)code, .chain = chain };
    return true;
}

/* The kernel takes and libnftnl writes the name of an objref without its NUL. */
static int text_parse(const struct nlattr *a, struct arena *arena, const char **ret) {
    const char *text = mnl_attr_get_payload(a);
    size_t size = mnl_attr_get_payload_len(a), n = strnlen(text, size);

    if (n == 0 || n + 1 < size)
        return EXPR_E_FOREIGN;
    *ret = arena_strndup(arena, text, n);
    return *ret ? 0 : -ENOMEM;
}

static int verdict_parse(const struct nlattr *a, struct arena *arena, struct expr_verdict *ret) {
    if (!expr_verdict_parse(a, ret))
        return EXPR_E_FOREIGN;
    if (!ret->chain)
        return 0;
    ret->chain = arena_strdup(arena, ret->chain);
    return ret->chain ? 0 : -ENOMEM;
}

static bool number_parse(const struct field *f, const struct nlattr *a, void *at) {
    uint8_t u8;
    uint16_t u16;

    switch (f->kind) {
    case FIELD_U8:
        if (!attr_u8(a, &u8))
            return false;
        *(uint32_t *)at = u8;
        break;
    case FIELD_U16:
        if (!attr_u16(a, &u16))
            return false;
        *(uint32_t *)at = u16;
        break;
    case FIELD_U32:
        if (!attr_u32(a, at))
            return false;
        break;
    case FIELD_REGISTER:
        if (!attr_u32(a, at) || *(uint32_t *)at == UINT32_MAX)
            return false;
        ++*(uint32_t *)at;
        return true;
    case FIELD_DIRECTION:
        if (!attr_u8(a, &u8))
            return false;
        *(uint32_t *)at = u8 + 1U;
        return true;
    case FIELD_U64:
        return attr_u64(a, at);
    case FIELD_TEXT:
    case FIELD_DATA:
    case FIELD_VERDICT:
        return false;
    }
    return f->presence != OR_NOTHING || *(uint32_t *)at != 0;
}

static int field_parse(const struct field *f, const struct nlattr *a, struct arena *arena,
                       struct expr *e) {
    void *at = (uint8_t *)e + f->offset;

    if (!a)
        return f->presence == ALWAYS ? EXPR_E_FOREIGN : 0;
    switch (f->kind) {
    case FIELD_TEXT:
        return text_parse(a, arena, at);
    case FIELD_DATA:
        return data_parse(a, at) ? 0 : EXPR_E_FOREIGN;
    case FIELD_VERDICT:
        return verdict_parse(a, arena, at);
    case FIELD_U8:
    case FIELD_U16:
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_REGISTER:
    case FIELD_DIRECTION:
        break;
    }
    return number_parse(f, a, at) ? 0 : EXPR_E_FOREIGN;
}

/* Takes each attribute that a row lists out of `attrs`; what is left then is foreign. */
static int fields_parse(const struct layout *layout, struct attrs *attrs, struct arena *arena,
                        struct expr *e) {
    int r;

    for (size_t i = 0; i < layout->n_fields; i++) {
        const struct field *f = &layout->fields[i];

        r = field_parse(f, attrs->by_type[f->attr], arena, e);
        if (r != 0)
            return r;
        attrs->by_type[f->attr] = NULL;
    }
    for (size_t i = 0; i < ATTRS_MAX; i++)
        if (attrs->by_type[i])
            return EXPR_E_FOREIGN;
    return attrs->has_more ? EXPR_E_FOREIGN : 0;
}

int expr_parse(const struct nlattr *element, struct arena *arena, struct expr *ret,
               const char **ret_name) {
    struct attrs outer, inner;

    *ret_name = "?";
    if (!attrs_of_nest(element, &outer) || !attr_text(outer.by_type[NFTA_EXPR_NAME]))
        return EXPR_E_FOREIGN;
    *ret_name = attr_text(outer.by_type[NFTA_EXPR_NAME]);
    if (!attrs_of_nest(outer.by_type[NFTA_EXPR_DATA], &inner))
        return EXPR_E_FOREIGN;
    for (unsigned type = 0; type < EXPR_TYPE_MAX; type++)
        if (strcmp(*ret_name, layouts[type].name) == 0) {
            *ret = (struct expr){ .type = (enum expr_type)type };
            return fields_parse(&layouts[type], &inner, arena, ret);
        }
    return EXPR_E_FOREIGN;
}

static bool text_equal(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool field_equal(const struct field *f, const struct expr *a, const struct expr *b) {
    const struct expr_verdict *va = field_at(f, a), *vb = field_at(f, b);
    const struct expr_data *da = field_at(f, a), *db = field_at(f, b);

    switch (f->kind) {
    case FIELD_TEXT:
        return text_equal(*(const char *const *)field_at(f, a),
                          *(const char *const *)field_at(f, b));
    case FIELD_DATA:
        return da->n == db->n && memcmp(da->bytes, db->bytes, da->n) == 0;
    case FIELD_VERDICT:
        return va->code == vb->code && text_equal(va->chain, vb->chain);
    case FIELD_U8:
    case FIELD_U16:
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_REGISTER:
    case FIELD_DIRECTION:
        break;
    }
    return field_number(f, a) == field_number(f, b);
}

bool expr_equal(const struct expr *a, const struct expr *b) {
    const struct layout *layout = &layouts[a->type];

    if (a->type != b->type)
        return false;
    for (size_t i = 0; i < layout->n_fields; i++)
        if (!field_equal(&layout->fields[i], a, b))
            return false;
    return true;
}
