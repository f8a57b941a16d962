/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values to messages, as nft 1.0.6 would send them, so that its listing shows what we mean.
 * libnftnl knows the wire form of expressions and of userdata; the objects around them are a
 * handful of plain attributes. The builders hold no socket: tests read their messages back
 * without a kernel. */
#include "nft/emit.h"

#include "nft/elements.h"
#include "nft/rule.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

/* libmnl doesn't look where a buffer ends: room for the largest, with names of NFT_NAME_MAXLEN. */
#define OBJECT_ROOM 2048U

static void put_u32(struct nlmsghdr *nlh, uint16_t attr, uint32_t value) {
    mnl_attr_put_u32(nlh, attr, htonl(value));
}

static void put_u64(struct nlmsghdr *nlh, uint16_t attr, uint64_t value) {
    mnl_attr_put_u64(nlh, attr, htobe64(value));
}

static struct nlmsghdr *message(struct batch *b, uint16_t type, uint16_t flags, size_t room) {
    struct nlmsghdr *nlh = batch_begin(b, type, flags, room);

    /* NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, NFTA_SET_TABLE, NFTA_OBJ_TABLE and
     * NFTA_FLOWTABLE_TABLE are one number */
    if (nlh)
        mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, b->table);
    return nlh;
}

static int emit_table_delete(struct batch *b, const struct plan *p, const struct plan_op *op) {
    struct nlmsghdr *nlh = message(b, NFT_MSG_DELTABLE, 0, OBJECT_ROOM);

    (void)p;
    return nlh ? batch_put(b, nlh, op) : -ENOMEM;
}

static int emit_table(struct batch *b, const struct plan *p, const struct plan_op *op) {
    struct nlmsghdr *nlh = message(b, NFT_MSG_NEWTABLE, NLM_F_CREATE, OBJECT_ROOM);

    if (!nlh)
        return -ENOMEM;
    put_u32(nlh, NFTA_TABLE_FLAGS, p->flags);
    return batch_put(b, nlh, op);
}

static int emit_chain_flush(struct batch *b, const struct plan *p, const struct plan_op *op) {
    struct nlmsghdr *nlh = message(b, NFT_MSG_DELRULE, 0, OBJECT_ROOM);

    (void)p;
    if (!nlh)
        return -ENOMEM;
    mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, op->chain->name);
    return batch_put(b, nlh, op);
}

static int emit_chain_delete(struct batch *b, const struct plan *p, const struct plan_op *op) {
    struct nlmsghdr *nlh = message(b, NFT_MSG_DELCHAIN, 0, OBJECT_ROOM);

    (void)p;
    if (!nlh)
        return -ENOMEM;
    mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, op->chain->name);
    return batch_put(b, nlh, op);
}

static void put_policy(struct nlmsghdr *nlh, const struct chain *c) {
    put_u32(nlh, NFTA_CHAIN_POLICY, c->policy == CHAIN_DROP ? NF_DROP : NF_ACCEPT);
}

static int emit_chain_add(struct batch *b, const struct plan *p, const struct plan_op *op) {
    struct nlmsghdr *nlh = message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE, OBJECT_ROOM);
    const struct chain *c = op->chain;
    struct nlattr *hook;

    (void)p;
    if (!nlh)
        return -ENOMEM;
    mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, c->name);
    if (c->is_base) {
        hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
        put_u32(nlh, NFTA_HOOK_HOOKNUM, c->hook);
        put_u32(nlh, NFTA_HOOK_PRIORITY, (uint32_t)c->priority);
        mnl_attr_nest_end(nlh, hook);
        put_policy(nlh, c);
        mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "filter");
    }
    return batch_put(b, nlh, op);
}

static int emit_chain_policy(struct batch *b, const struct plan *p, const struct plan_op *op) {
    struct nlmsghdr *nlh = message(b, NFT_MSG_NEWCHAIN, 0, OBJECT_ROOM);

    (void)p;
    if (!nlh)
        return -ENOMEM;
    mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, op->chain->name);
    put_policy(nlh, op->chain);
    return batch_put(b, nlh, op);
}

static int emit_rule_delete(struct batch *b, const struct plan *p, const struct plan_op *op) {
    struct nlmsghdr *nlh = message(b, NFT_MSG_DELRULE, 0, OBJECT_ROOM);

    (void)p;
    if (!nlh)
        return -ENOMEM;
    mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, op->chain->name);
    put_u64(nlh, NFTA_RULE_HANDLE, op->rule->handle);
    return batch_put(b, nlh, op);
}

static int emit_rule_add(struct batch *b, const struct plan *p, const struct plan_op *op) {
    uint16_t flags = NLM_F_CREATE | (op->where == PLAN_BEFORE ? 0 : NLM_F_APPEND);
    struct nlmsghdr *nlh;
    int r;

    (void)p;
    if (op->rule->foreign)
        return -EINVAL;
    nlh = message(b, NFT_MSG_NEWRULE, flags, OBJECT_ROOM + rule_room(op->rule));
    if (!nlh)
        return -ENOMEM;
    mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, op->chain->name);
    if (op->where != PLAN_APPEND)
        put_u64(nlh, NFTA_RULE_POSITION, op->position);
    r = rule_put(nlh, op->rule);
    return r < 0 ? r : batch_put(b, nlh, op);
}

static int emit_elements_delete(struct batch *b, const struct plan *p, const struct plan_op *op) {
    (void)p;
    return elements_emit(b, op, true);
}

static int emit_elements_add(struct batch *b, const struct plan *p, const struct plan_op *op) {
    (void)p;
    return elements_emit(b, op, false);
}

static int emit_set_delete(struct batch *b, const struct plan *p, const struct plan_op *op) {
    struct nlmsghdr *nlh = message(b, NFT_MSG_DELSET, 0, OBJECT_ROOM);

    (void)p;
    if (!nlh)
        return -ENOMEM;
    mnl_attr_put_strz(nlh, NFTA_SET_NAME, op->set->name);
    return batch_put(b, nlh, op);
}

/* nft lists a set only if it can read the userdata, and prints the keys by it. */
static int put_set_userdata(struct nlmsghdr *nlh, const struct set *s) {
    struct nftnl_udata_buf *buf = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);

    if (!buf)
        return -ENOMEM;
    nftnl_udata_put_u32(buf, NFTNL_UDATA_SET_KEYBYTEORDER, set_key(s->type)->byteorder);
    if (s->is_map) {
        nftnl_udata_put_u32(buf, NFTNL_UDATA_SET_DATABYTEORDER, 0);
        nftnl_udata_put_u32(buf, NFTNL_UDATA_SET_DATA_INTERVAL, 0);
    }
    mnl_attr_put(nlh, NFTA_SET_USERDATA, nftnl_udata_buf_len(buf), nftnl_udata_buf_data(buf));
    nftnl_udata_buf_free(buf);
    return 0;
}

/* No NFTA_SET_DESC with a size: the kernel refuses growth over it. */
static int emit_set_add(struct batch *b, const struct plan *p, const struct plan_op *op) {
    struct nlmsghdr *nlh = message(b, NFT_MSG_NEWSET, NLM_F_CREATE, OBJECT_ROOM);
    const struct set *s = op->set;
    int r;

    (void)p;
    if (!nlh)
        return -ENOMEM;
    if (s->foreign || (s->is_interval && !set_type_has_addresses(s->type)))
        return -EINVAL;
    mnl_attr_put_strz(nlh, NFTA_SET_NAME, s->name);
    put_u32(nlh, NFTA_SET_FLAGS,
            (s->is_interval ? NFT_SET_INTERVAL : 0) | (s->is_map ? NFT_SET_MAP : 0) |
                (set_type_is_granted(s->type) ? NFT_SET_TIMEOUT : 0));
    put_u32(nlh, NFTA_SET_KEY_TYPE, set_key(s->type)->type);
    put_u32(nlh, NFTA_SET_KEY_LEN, set_key(s->type)->size);
    if (s->is_map) {
        put_u32(nlh, NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
        put_u32(nlh, NFTA_SET_DATA_LEN, 0);
    }
    put_u32(nlh, NFTA_SET_ID, (uint32_t)b->n_messages); /* unique in the transaction */
    r = put_set_userdata(nlh, s);
    return r < 0 ? r : batch_put(b, nlh, op);
}

static int emit_counter_add(struct batch *b, const struct plan *p, const struct plan_op *op) {
    struct nlmsghdr *nlh = message(b, NFT_MSG_NEWOBJ, NLM_F_CREATE, OBJECT_ROOM);
    struct nlattr *data;

    (void)p;
    if (!nlh)
        return -ENOMEM;
    if (op->counter->foreign)
        return -EINVAL;
    mnl_attr_put_strz(nlh, NFTA_OBJ_NAME, op->counter->name);
    put_u32(nlh, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
    data = mnl_attr_nest_start(nlh, NFTA_OBJ_DATA);
    put_u64(nlh, NFTA_COUNTER_BYTES, 0);
    put_u64(nlh, NFTA_COUNTER_PACKETS, 0);
    mnl_attr_nest_end(nlh, data);
    return batch_put(b, nlh, op);
}

static int emit_counter_delete(struct batch *b, const struct plan *p, const struct plan_op *op) {
    const struct counter *c = op->counter;
    bool is_flowtable = c->foreign && c->foreign_type == 0;
    struct nlmsghdr *nlh =
        message(b, is_flowtable ? NFT_MSG_DELFLOWTABLE : NFT_MSG_DELOBJ, 0, OBJECT_ROOM);

    (void)p;
    if (!nlh)
        return -ENOMEM;
    if (is_flowtable) {
        mnl_attr_put_strz(nlh, NFTA_FLOWTABLE_NAME, c->name);
    } else {
        mnl_attr_put_strz(nlh, NFTA_OBJ_NAME, c->name);
        put_u32(nlh, NFTA_OBJ_TYPE, c->foreign ? c->foreign_type : NFT_OBJECT_COUNTER);
    }
    return batch_put(b, nlh, op);
}

static int (*const emitters[])(struct batch *, const struct plan *, const struct plan_op *) = {
    [PLAN_TABLE_DELETE] = emit_table_delete,
    [PLAN_TABLE_ADD] = emit_table,
    [PLAN_TABLE_CLAIM] = emit_table,
    [PLAN_TABLE_FLAGS] = emit_table,
    [PLAN_CHAIN_FLUSH] = emit_chain_flush,
    [PLAN_RULE_DELETE] = emit_rule_delete,
    [PLAN_ELEMENTS_DELETE] = emit_elements_delete,
    [PLAN_SET_DELETE] = emit_set_delete,
    [PLAN_CHAIN_DELETE] = emit_chain_delete,
    [PLAN_COUNTER_DELETE] = emit_counter_delete,
    [PLAN_CHAIN_ADD] = emit_chain_add,
    [PLAN_CHAIN_POLICY] = emit_chain_policy,
    [PLAN_COUNTER_ADD] = emit_counter_add,
    [PLAN_SET_ADD] = emit_set_add,
    [PLAN_ELEMENTS_ADD] = emit_elements_add,
    [PLAN_RULE_ADD] = emit_rule_add,
};
static_assert(ARRAY_SIZE(emitters) == PLAN_OP_MAX, "an operation has no emitter");

static bool name_fits(const char *name) {
    return name[0] != '\0' && strlen(name) < NFT_NAME_MAXLEN;
}

int emit_op(struct batch *b, const struct plan *plan, const struct plan_op *op) {
    if ((op->chain && !name_fits(op->chain->name)) || (op->set && !name_fits(op->set->name)) ||
        (op->counter && !name_fits(op->counter->name)))
        return -EINVAL;
    return emitters[op->type](b, plan, op);
}

/* A table that is there already, named without flags: changes nothing and makes no event. As the
 * first message it carries the wish to be told the new generation, see batch_close(). */
static int emit_touch(struct batch *b) {
    struct nlmsghdr *nlh = message(b, NFT_MSG_NEWTABLE, 0, OBJECT_ROOM);

    return nlh ? batch_put(b, nlh, NULL) : -ENOMEM;
}

static bool names_table_first(const struct plan *p) {
    return p->ops[0].type == PLAN_TABLE_ADD || p->ops[0].type == PLAN_TABLE_CLAIM;
}

int emit_plan(struct batch *b, const struct plan *plan, uint32_t generation,
              const struct plan_op **reterr_op) {
    int r;

    *reterr_op = NULL;
    r = batch_open(b, generation);
    if (r >= 0 && plan->n_ops && !names_table_first(plan))
        r = emit_touch(b);
    for (size_t i = 0; r >= 0 && i < plan->n_ops; i++) {
        r = emit_op(b, plan, &plan->ops[i]);
        if (r == -EINVAL)
            *reterr_op = &plan->ops[i];
    }
    return r < 0 ? r : batch_close(b);
}
