/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule's own attributes, written and read: its expressions, and its comment in the userdata.
 * The comment takes part in a comparison, so userdata of any other form makes a rule foreign. */
#include "nft/rule.h"

#include "nft/shape.h"

#include <errno.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#define RULE_EXPRS_MAX 128 /* NFT_RULE_MAXEXPRS of the kernel's nf_tables.h */

/* libnftnl doesn't look where a buffer ends: room for an expression with a name of
 * NFT_NAME_MAXLEN. */
#define EXPR_ROOM 512U

/* A TLV of userdata has a length of one byte, all of it at most NFT_USERDATA_MAXLEN. */
#define COMMENT_MAX (NFT_USERDATA_MAXLEN - 3)

size_t rule_room(const struct rule *rule) {
    return (rule->n_stmts + 1) * SHAPE_MAX * EXPR_ROOM;
}

static int put_expr(struct nlmsghdr *nlh, const struct expr *e) {
    struct nftnl_expr *n = expr_build(e);
    struct nlattr *nest;

    if (!n)
        return -ENOMEM;
    nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
    nftnl_expr_build_payload(nlh, n);
    mnl_attr_nest_end(nlh, nest);
    nftnl_expr_free(n);
    return 0;
}

static int put_stmts(struct nlmsghdr *nlh, const struct rule *rule) {
    struct shape_known known = SHAPE_KNOWN_NOTHING;
    struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);
    struct shape shape;
    int r;

    for (size_t i = 0; i < rule->n_stmts; i++) {
        if (!shape_lower(&rule->stmts[i], &known, &shape))
            return -EINVAL;
        for (size_t j = 0; j < shape.n; j++) {
            r = put_expr(nlh, &shape.items[j]);
            if (r < 0)
                return r;
        }
    }
    mnl_attr_nest_end(nlh, nest);
    return 0;
}

static int put_comment(struct nlmsghdr *nlh, const char *comment) {
    struct nftnl_udata_buf *buf;

    if (!comment)
        return 0;
    if (strlen(comment) > COMMENT_MAX)
        return -EINVAL;
    buf = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
    if (!buf)
        return -ENOMEM;
    nftnl_udata_put_strz(buf, NFTNL_UDATA_RULE_COMMENT, comment);
    mnl_attr_put(nlh, NFTA_RULE_USERDATA, nftnl_udata_buf_len(buf), nftnl_udata_buf_data(buf));
    nftnl_udata_buf_free(buf);
    return 0;
}

int rule_put(struct nlmsghdr *nlh, const struct rule *rule) {
    int r;

    r = put_stmts(nlh, rule);
    return r < 0 ? r : put_comment(nlh, rule->comment);
}

struct exprs {
    struct expr items[RULE_EXPRS_MAX];
    size_t n;
    bool is_foreign;
};

static int exprs_parse(const struct nlattr *list, struct arena *arena, struct exprs *ret) {
    const struct nlattr *element;
    const char *name;
    int r;

    ret->n = 0;
    ret->is_foreign = false;
    if (!list)
        return 0;
    if (!attr_list_is_whole(list))
        return -EBADMSG;
    mnl_attr_for_each_nested(element, list) {
        if (ret->n == RULE_EXPRS_MAX)
            return -EBADMSG;
        r = expr_parse(element, arena, &ret->items[ret->n++], &name);
        if (r < 0)
            return r;
        ret->is_foreign |= r == EXPR_E_FOREIGN;
    }
    return 0;
}

/* The names of a rule's expressions, with commas. */
static const char *exprs_names(const struct nlattr *list, struct arena *arena) {
    const struct nlattr *element;
    const char *names = "", *name;
    struct expr e;

    if (!list)
        return "nothing";
    mnl_attr_for_each_nested(element, list) {
        if (expr_parse(element, arena, &e, &name) < 0)
            return NULL;
        names = arena_printf(arena, "%s%s%s", names, *names ? ", " : "", name);
        if (!names)
            return NULL;
    }
    return names[0] != '\0' ? names : "nothing";
}

/* EXPR_E_FOREIGN: not statements of ours, all of them. */
static int stmts_parse(const struct exprs *exprs, struct arena *arena, struct rule *rule) {
    struct shape_known known = SHAPE_KNOWN_NOTHING;
    struct stmt s, *slot;
    size_t n;

    if (exprs->is_foreign)
        return EXPR_E_FOREIGN;
    for (size_t i = 0; i < exprs->n; i += n) {
        n = shape_lift(&exprs->items[i], exprs->n - i, &known, &s);
        if (n == 0)
            return EXPR_E_FOREIGN;
        slot = ARENA_APPEND(arena, rule->stmts, rule->n_stmts);
        if (!slot)
            return -ENOMEM;
        *slot = s;
    }
    return 0;
}

/* One TLV with a text, as nft writes it; EXPR_E_FOREIGN for anything else. */
static int comment_parse(const struct nlattr *a, struct arena *arena, const char **ret) {
    const uint8_t *tlv;
    size_t size, n;

    if (!a)
        return 0;
    tlv = mnl_attr_get_payload(a);
    size = mnl_attr_get_payload_len(a);
    if (size < 3 || tlv[0] != NFTNL_UDATA_RULE_COMMENT || tlv[1] != size - 2)
        return EXPR_E_FOREIGN;
    n = size - 3;
    if (n > COMMENT_MAX || memchr(tlv + 2, '\0', size - 2) != tlv + 2 + n)
        return EXPR_E_FOREIGN;
    *ret = arena_strndup(arena, (const char *)tlv + 2, n);
    return *ret ? 0 : -ENOMEM;
}

static bool rule_has_more(const struct attrs *a) {
    for (size_t i = 0; i < ATTRS_MAX; i++)
        switch (i) {
        case NFTA_RULE_TABLE:
        case NFTA_RULE_CHAIN:
        case NFTA_RULE_HANDLE:
        case NFTA_RULE_EXPRESSIONS:
        case NFTA_RULE_POSITION:
        case NFTA_RULE_USERDATA:
        case NFTA_RULE_PAD:
            break;
        default:
            if (a->by_type[i])
                return true;
        }
    return a->has_more;
}

int rule_make_foreign(const struct attrs *a, struct arena *arena, struct rule *rule) {
    rule->stmts = NULL;
    rule->n_stmts = 0;
    rule->foreign = exprs_names(a->by_type[NFTA_RULE_EXPRESSIONS], arena);
    return rule->foreign ? 0 : -ENOMEM;
}

int rule_parse(const struct attrs *a, struct arena *arena, struct rule *ret) {
    struct exprs exprs;
    int r, s;

    *ret = (struct rule){ .handle = attr_u64_or(a->by_type[NFTA_RULE_HANDLE], 0) };
    r = exprs_parse(a->by_type[NFTA_RULE_EXPRESSIONS], arena, &exprs);
    if (r < 0)
        return r;
    r = stmts_parse(&exprs, arena, ret);
    if (r < 0)
        return r;
    s = comment_parse(a->by_type[NFTA_RULE_USERDATA], arena, &ret->comment);
    if (s < 0)
        return s;
    if (r == 0 && s == 0 && !rule_has_more(a))
        return 0;
    return rule_make_foreign(a, arena, ret);
}
