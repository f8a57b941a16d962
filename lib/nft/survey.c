/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row of dumps under one generation, as in kernel.c; but nothing depends on this one, so it
 * gives up soon when others are busy. */
#include "nft/survey.h"

#include "nft/attr.h"
#include "nft/collect.h"
#include "nft/socket.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#define TRIES        3
#define REQUEST_SIZE 1024U /* a header, the table's name and a set's */

struct survey {
    struct nft_socket *socket;
};

int survey_open(struct survey **ret) {
    _cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return -ENOMEM;
    r = nft_socket_open(-1, 0, &s->socket);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(s);
    return 0;
}

struct survey *survey_free(struct survey *s) {
    if (!s)
        return NULL;
    nft_socket_free(s->socket);
    free(s);
    return NULL;
}

static struct nlmsghdr *request(uint8_t buffer[static REQUEST_SIZE], uint16_t type, uint16_t flags,
                                uint8_t family) {
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
    struct nfgenmsg *nfg;

    nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
    nlh->nlmsg_flags = NLM_F_REQUEST | flags;
    nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
    *nfg = (struct nfgenmsg){ .nfgen_family = family, .version = NFNETLINK_V0 };
    return nlh;
}

static int on_generation(const struct nlmsghdr *nlh, void *userdata) {
    struct attrs a;

    return attrs_of_message(nlh, &a) && attr_u32(a.by_type[NFTA_GEN_ID], userdata) ? 0 : -EBADMSG;
}

int survey_generation(struct survey *s, uint32_t *ret) {
    uint8_t buffer[REQUEST_SIZE] __attribute__((aligned(8)));

    return nft_socket_request(s->socket, request(buffer, NFT_MSG_GETGEN, 0, NFPROTO_UNSPEC),
                              on_generation, ret);
}

static int on_object(const struct nlmsghdr *nlh, void *userdata) {
    return collector_feed(userdata, nlh);
}

static int dump(struct survey *s, uint16_t type, struct collector *c) {
    uint8_t buffer[REQUEST_SIZE] __attribute__((aligned(8)));

    return nft_socket_request(s->socket, request(buffer, type, NLM_F_DUMP, NFPROTO_UNSPEC),
                              on_object, c);
}

static int dump_set(struct survey *s, const struct foreign_table *t, struct foreign_set *set,
                    struct collector *c) {
    static const uint8_t families[] = {
        [FOREIGN_INET] = NFPROTO_INET,
        [FOREIGN_IP] = NFPROTO_IPV4,
        [FOREIGN_IP6] = NFPROTO_IPV6,
        [FOREIGN_NETDEV] = NFPROTO_NETDEV,
    };
    uint8_t buffer[REQUEST_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *nlh = request(buffer, NFT_MSG_GETSETELEM, NLM_F_DUMP, families[t->family]);
    int r;

    static_assert(ARRAY_SIZE(families) == FOREIGN_FAMILY_MAX, "a family has no number");
    mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, t->name);
    mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set->name);
    r = nft_socket_request(s->socket, nlh, on_object, c);
    return r < 0 ? r : collector_end_set(c, set);
}

static int dump_all(struct survey *s, struct collector *c) {
    static const uint16_t types[] = { NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETSET,
                                      NFT_MSG_GETRULE };
    const struct foreign_table *table;
    struct foreign_set *set;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(types); i++)
        r = dump(s, types[i], c);
    while (r >= 0 && (set = collector_next_set(c, &table)))
        r = dump_set(s, table, set, c);
    return r;
}

static int read_once(struct survey *s, struct foreign **ret, uint32_t *ret_generation) {
    _cleanup_(collector_freep) struct collector *c = collector_new();
    uint32_t before, after;
    int r, e;

    if (!c)
        return -ENOMEM;
    r = survey_generation(s, &before);
    if (r < 0)
        return r;
    r = dump_all(s, c);
    e = survey_generation(s, &after);
    if (r == -ENOMEM || e < 0)
        return r == -ENOMEM ? r : e;
    if (before != after || r == -EINTR || r == -ENOBUFS)
        return -EAGAIN;
    if (r < 0)
        return r;
    *ret = collector_finish(c);
    *ret_generation = after;
    return 0;
}

int survey_read(struct survey *s, struct foreign **ret, uint32_t *ret_generation) {
    int r = -EAGAIN;

    for (unsigned i = 0; i < TRIES && r == -EAGAIN; i++)
        r = read_once(s, ret, ret_generation);
    return r;
}
