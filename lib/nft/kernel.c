/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading is a row of dumps that only count together: if the generation at the end is not the
 * one at the beginning, or any message says that it was disturbed, all is thrown away. Writing is
 * one transaction that the kernel refuses by itself when the generation moved on, so nothing can
 * come between what was read and what is changed. */
#include "nft/kernel.h"

#include "nft/attr.h"
#include "nft/emit.h"
#include "nft/parse.h"
#include "nft/socket.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <time.h>

/* A set that still grows in the kernel spoils a few reads, however long they take; beyond these
 * it's others who do, and they must not have all our time. */
#define READ_TRIES_MIN 8
#define READ_TRIES_MAX 32
#define READ_MSEC      200
#define REQUEST_SIZE   1024U /* a header, the table's name and a set's */

struct kernel {
    const char *table;
    struct nft_socket *socket;
    uint64_t n_retries;
};

static uint64_t now_msec(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct nlmsghdr *request_new(uint8_t buffer[static REQUEST_SIZE], uint16_t type,
                                    uint16_t flags) {
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
    struct nfgenmsg *nfg;

    nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
    nlh->nlmsg_flags = NLM_F_REQUEST | flags;
    nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
    *nfg = (struct nfgenmsg){ .nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0 };
    return nlh;
}

static bool generation_parse(const struct nlmsghdr *nlh, uint32_t *ret) {
    struct attrs attrs;

    return nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN) &&
           attrs_of_message(nlh, &attrs) && attr_u32(attrs.by_type[NFTA_GEN_ID], ret);
}

static int on_generation(const struct nlmsghdr *nlh, void *userdata) {
    return generation_parse(nlh, userdata) ? 0 : -EBADMSG;
}

int kernel_generation(struct kernel *k, uint32_t *ret) {
    uint8_t buffer[REQUEST_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *nlh = request_new(buffer, NFT_MSG_GETGEN, 0);

    return nft_socket_request(k->socket, nlh, on_generation, ret);
}

/* Every request to nfnetlink takes CAP_NET_ADMIN, so that a look at the generation proves the
 * right to write, too. */
static int refuse_open(int error, struct report *reterr) {
    switch (-error) {
    case EPERM:
    case EACCES:
        report_add(reterr, (struct place){ 0 },
                   "no right to use nf_tables: CAP_NET_ADMIN is needed in the user namespace "
                   "that owns this network namespace; start as root or with this capability");
        return KERNEL_E_UNUSABLE;
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT:
    case EINVAL:
    case EOPNOTSUPP:
    case ENOTCONN:
    case ECONNREFUSED:
        report_add(reterr, (struct place){ 0 },
                   "this kernel has no nf_tables (%s): modprobe nf_tables, or boot a kernel with "
                   "CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET",
                   strerror(-error));
        return KERNEL_E_UNUSABLE;
    default:
        return error;
    }
}

int kernel_open(int fd, struct kernel **ret, struct report *reterr) {
    _cleanup_(kernel_freep) struct kernel *k = calloc(1, sizeof(*k));
    uint32_t generation;
    int r;

    if (!k) {
        fd_close(fd);
        return -ENOMEM;
    }
    k->table = PORTD_TABLE;
    r = nft_socket_open(fd, 0, &k->socket);
    if (r >= 0)
        r = kernel_generation(k, &generation);
    if (r < 0)
        return refuse_open(r, reterr);
    *ret = TAKE_PTR(k);
    return 0;
}

struct kernel *kernel_free(struct kernel *k) {
    if (!k)
        return NULL;
    nft_socket_free(k->socket);
    free(k);
    return NULL;
}

uint32_t kernel_port_id(const struct kernel *k) {
    return nft_socket_port_id(k->socket);
}

int kernel_fd(const struct kernel *k) {
    return nft_socket_fd(k->socket);
}

/* The old one first: one port id belongs to one socket. */
int kernel_reopen(struct kernel *k) {
    uint32_t port_id = kernel_port_id(k);
    int r;

    k->socket = nft_socket_free(k->socket);
    r = nft_socket_open(-1, port_id, &k->socket);
    return r == -EADDRINUSE ? nft_socket_open(-1, 0, &k->socket) : r;
}

void kernel_use_table(struct kernel *k, const char *table) {
    k->table = table;
}

const char *kernel_table(const struct kernel *k) {
    return k->table;
}

uint64_t kernel_retries(const struct kernel *k) {
    return k->n_retries;
}

static int on_object(const struct nlmsghdr *nlh, void *userdata) {
    return parser_feed(userdata, nlh);
}

/* What has parts that are dumped by its name: a set its elements, a chain its rules. */
#define PART_NAME NFTA_RULE_CHAIN
static_assert((int)PART_NAME == (int)NFTA_SET_ELEM_LIST_SET, "chain and set are named differently");

/* All objects of a kind in our table. The table's name is attribute 1 of every kind; kernels that
 * don't filter by it send more, which the parser passes over. */
static int dump(struct kernel *k, uint16_t type, uint16_t flags, const char *part,
                struct parser *p) {
    uint8_t buffer[REQUEST_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *nlh = request_new(buffer, type, flags);

    mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, k->table);
    if (part)
        mnl_attr_put_strz(nlh, PART_NAME, part);
    return nft_socket_request(k->socket, nlh, on_object, p);
}

int kernel_owner(struct kernel *k, const char *table, uint32_t *ret_flags, uint32_t *ret_owner) {
    uint8_t buffer[REQUEST_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *nlh = request_new(buffer, NFT_MSG_GETTABLE, 0);
    _cleanup_(parser_freep) struct parser *p = parser_new(table);
    _cleanup_(ruleset_freep) struct ruleset *found = NULL;
    int r;

    if (!p)
        return -ENOMEM;
    mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
    r = nft_socket_request(k->socket, nlh, on_object, p);
    if (r < 0 && r != -ENOENT)
        return r;
    r = parser_finish(p, &found);
    if (r < 0)
        return r;
    *ret_flags = found->flags;
    *ret_owner = found->owner;
    return found->exists;
}

static int dump_rules(struct kernel *k, const struct scope *scope, struct parser *p) {
    int r = 0;

    if (scope->is_all)
        return dump(k, NFT_MSG_GETRULE, NLM_F_DUMP, NULL, p);
    for (size_t i = 0; r >= 0 && i < scope->n_names; i++)
        r = dump(k, NFT_MSG_GETRULE, NLM_F_DUMP, scope->names[i], p);
    return r;
}

/* Sets before the rules that refer to them, chains before their rules. */
static int dump_all(struct kernel *k, const struct scope *scope, struct parser *p) {
    static const uint16_t types[] = { NFT_MSG_GETCHAIN, NFT_MSG_GETSET, NFT_MSG_GETOBJ,
                                      NFT_MSG_GETFLOWTABLE };
    const char *set;
    size_t next = 0;
    int r;

    r = dump(k, NFT_MSG_GETTABLE, 0, NULL, p);
    if (r == -ENOENT)
        return 0;
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(types); i++)
        r = dump(k, types[i], NLM_F_DUMP, NULL, p);
    if (r >= 0)
        r = dump_rules(k, scope, p);
    while (r >= 0 && (set = parser_next_set(p, &next)))
        if (scope_has(scope, set))
            r = dump(k, NFT_MSG_GETSETELEM, NLM_F_DUMP, set, p);
    return r;
}

/* -EAGAIN: somebody committed meanwhile, or the kernel showed something twice (a hash table that
 * is being resized does). */
int kernel_read_part(struct kernel *k, const struct scope *scope, struct ruleset **ret,
                     uint32_t *ret_generation) {
    _cleanup_(parser_freep) struct parser *p = parser_new(k->table);
    uint64_t began = now_msec();
    uint32_t before, after;
    int r, e;

    if (!p)
        return -ENOMEM;
    parser_begin(p, began);
    r = kernel_generation(k, &before);
    if (r < 0)
        return r;
    r = dump_all(k, scope, p);
    if (r == -ENOMEM)
        return r;
    e = kernel_generation(k, &after);
    if (e < 0)
        return e;
    if (before != after || r == -EINTR || r == -ENOBUFS)
        return -EAGAIN;
    if (r >= 0)
        r = parser_finish(p, ret);
    if (r == -EEXIST)
        return -EAGAIN;
    if (r < 0)
        return r;
    (*ret)->read_took_msec = now_msec() - began;
    *ret_generation = after;
    return r;
}

int kernel_read(struct kernel *k, struct ruleset **ret, uint32_t *ret_generation) {
    static const struct scope all = { .is_all = true };
    uint64_t end = now_msec() + READ_MSEC;
    int r = -EAGAIN;

    for (unsigned i = 0; i < READ_TRIES_MIN || (i < READ_TRIES_MAX && now_msec() < end); i++) {
        r = kernel_read_part(k, &all, ret, ret_generation);
        if (r != -EAGAIN)
            return r;
        k->n_retries++;
    }
    return r;
}

/* -EAGAIN: a change tore the dump. */
static int read_counters_once(struct kernel *k, struct ruleset **ret) {
    _cleanup_(parser_freep) struct parser *p = parser_new(k->table);
    int r;

    if (!p)
        return -ENOMEM;
    r = dump(k, NFT_MSG_GETOBJ, NLM_F_DUMP, NULL, p);
    if (r >= 0)
        r = parser_finish(p, ret);
    return r == -EINTR || r == -ENOBUFS || r == -EEXIST ? -EAGAIN : r;
}

int kernel_read_counters(struct kernel *k, struct ruleset **ret) {
    int r = -EAGAIN;

    for (unsigned i = 0; r == -EAGAIN && i < READ_TRIES_MAX; i++)
        r = read_counters_once(k, ret);
    return r;
}

/* What the answers to a transaction said. */
struct outcome {
    const struct batch *batch;
    struct report *report;
    uint32_t generation; /* the kernel's new one, when it was told */
    bool has_generation;
    bool is_acknowledged;
    bool is_stale;
    bool is_seal_refused;
    size_t n_refused;
};

static const char *const op_texts[] = {
    [PLAN_TABLE_DELETE] = "delete the table",
    [PLAN_TABLE_ADD] = "add the table",
    [PLAN_TABLE_CLAIM] = "seal the table",
    [PLAN_TABLE_FLAGS] = "change the table's flags",
    [PLAN_CHAIN_FLUSH] = "flush the chain",
    [PLAN_RULE_DELETE] = "delete the rule",
    [PLAN_ELEMENTS_DELETE] = "delete elements of the set",
    [PLAN_SET_DELETE] = "delete the set",
    [PLAN_CHAIN_DELETE] = "delete the chain",
    [PLAN_COUNTER_DELETE] = "delete the named object",
    [PLAN_CHAIN_ADD] = "add the chain",
    [PLAN_CHAIN_POLICY] = "change the chain's policy",
    [PLAN_COUNTER_ADD] = "add the counter",
    [PLAN_SET_ADD] = "add the set",
    [PLAN_ELEMENTS_ADD] = "add elements to the set",
    [PLAN_RULE_ADD] = "add the rule",
};
static_assert(ARRAY_SIZE(op_texts) == PLAN_OP_MAX, "an operation has no text");

/* "jtel-acd/rest: the kernel refuses to add the rule in chain in_3: No such file or directory" */
static void report_refusal(struct report *report, const char *table, const struct plan_op *op,
                           const char *who, const char *why) {
    const char *subject = op ? plan_op_subject(op) : NULL;
    const char *chain = op && op->rule ? op->chain->name : NULL;

    report_add(report, (struct place){ 0 }, "%s%s: %s%s%s%s%s: %s", subject ? "" : "table inet ",
               subject ? subject : table, who, op ? " to " : " the transaction",
               op ? op_texts[op->type] : "", chain ? " in chain " : "", chain ? chain : "", why);
}

/* A flag that it doesn't know a kernel refuses with EINVAL (before 5.12) or EOPNOTSUPP. */
static bool is_about_seal(const struct plan_op *op, int error) {
    return op && (op->type == PLAN_TABLE_ADD || op->type == PLAN_TABLE_CLAIM) &&
           (error == -EINVAL || error == -EOPNOTSUPP);
}

static int on_error(struct outcome *o, const struct nlmsghdr *nlh) {
    const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
    const struct plan_op *op = batch_op(o->batch, nlh->nlmsg_seq);

    if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
        return -EBADMSG;
    if (e->error == 0) {
        o->is_acknowledged = true;
    } else if (e->error == -ERESTART && nlh->nlmsg_seq == o->batch->first_seq) {
        o->is_stale = true;
    } else {
        o->n_refused++;
        o->is_seal_refused = o->is_seal_refused || is_about_seal(op, e->error);
        report_refusal(o->report, o->batch->table, op, "the kernel refuses", strerror(-e->error));
    }
    return 0;
}

static int on_answer(const struct nlmsghdr *nlh, void *userdata) {
    struct outcome *o = userdata;

    if (nlh->nlmsg_seq - o->batch->first_seq >= o->batch->n_messages)
        return 0;
    if (nlh->nlmsg_type == NLMSG_ERROR)
        return on_error(o, nlh);
    if (generation_parse(nlh, &o->generation))
        o->has_generation = true;
    return 0;
}

/* One refused operation is enough to know that all was undone, even if further answers were lost.
 * The kernel tells the generation of our own commit (see batch.c), whatever others commit right
 * behind it. Without that word nothing has changed. */
static int outcome_judge(const struct outcome *o, bool is_lost, uint32_t generation,
                         uint32_t *ret_generation) {
    if (o->is_stale)
        return KERNEL_E_STALE;
    if (o->is_seal_refused)
        return KERNEL_E_NO_SEAL;
    if (o->n_refused)
        return KERNEL_E_REFUSED;
    if (is_lost || !o->is_acknowledged)
        return KERNEL_E_UNKNOWN;
    *ret_generation = o->has_generation ? o->generation : generation;
    return 0;
}

static int transact(struct kernel *k, struct batch *b, const struct plan *plan, uint32_t generation,
                    uint32_t *ret_generation, struct report *reterr) {
    struct outcome o = { .batch = b, .report = reterr };
    const struct plan_op *culprit;
    int r;

    r = emit_plan(b, plan, generation, &culprit);
    if (r == -EINVAL && culprit) {
        report_refusal(reterr, b->table, culprit, "nftables has no way",
                       "it is no valid statement or name");
        return KERNEL_E_REFUSED;
    }
    if (r < 0)
        return r;
    nft_socket_sequence(k->socket, (uint32_t)b->n_messages);
    r = nft_socket_transact(k->socket, b, on_answer, &o);
    if (r < 0 && r != -ENOBUFS)
        return r;
    return outcome_judge(&o, r == -ENOBUFS, generation, ret_generation);
}

/* Operations `from` to `to`, in one transaction; none is none. */
static int apply_part(struct kernel *k, const struct plan *plan, size_t from, size_t to,
                      uint32_t generation, uint32_t *ret_generation, struct report *reterr) {
    const struct plan part = { .ops = plan->ops + from, .n_ops = to - from, .flags = plan->flags };
    struct batch b;
    int r;

    if (plan_is_empty(&part)) {
        *ret_generation = generation;
        return 0;
    }
    batch_init(&b, k->table, nft_socket_sequence(k->socket, 0));
    b.now_msec = now_msec();
    r = transact(k, &b, &part, generation, ret_generation, reterr);
    batch_clear(&b);
    return r;
}

/* What the first transaction added, when the second is refused: a table that hooks nowhere. */
static void take_back(struct kernel *k, const struct plan *plan, uint32_t generation) {
    struct plan_op op = { .type = PLAN_TABLE_DELETE };
    const struct plan back = { .ops = &op, .n_ops = 1 };
    struct report ignored = REPORT_INIT;

    if (plan->n_first && plan->ops[0].type == PLAN_TABLE_ADD)
        (void)apply_part(k, &back, 0, 1, generation, &generation, &ignored);
    report_clear(&ignored);
}

int kernel_apply(struct kernel *k, const struct plan *plan, uint32_t generation,
                 uint32_t *ret_generation, struct report *reterr) {
    int r = apply_part(k, plan, 0, plan->n_first, generation, &generation, reterr);

    if (r != 0)
        return r;
    r = apply_part(k, plan, plan->n_first, plan->n_ops, generation, ret_generation, reterr);
    if (r == KERNEL_E_REFUSED)
        take_back(k, plan, generation);
    return r;
}
