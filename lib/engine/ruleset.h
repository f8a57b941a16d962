/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_RULESET_H
#define PORTD_ENGINE_RULESET_H

#include "base/arena.h"
#include "engine/address.h"
#include "engine/intent.h"
#include "engine/resolved.h"
#include "engine/service.h"

/* The nftables table `inet portd` as a value. The same type is compiled from an intent (WANT),
 * read from the kernel (HAVE), compared, evaluated and printed. What the kernel holds and this
 * type can't mean stays visible as `foreign`. */

#define PORTD_TABLE "portd"
/* In force while somebody else owns the name above. */
#define PORTD_TABLE_SPARE "portd-spare"
/* NFLOG groups of the deny chains: of what is denied (in hexadecimal "PD"), and of what would be
 * where a direction is only audited. */
#define PORTD_LOG_GROUP       20548
#define PORTD_LOG_GROUP_WOULD 20549

/* Which end of a packet: source or destination. */
enum side { SIDE_SOURCE, SIDE_DESTINATION };

/* enum ip_conntrack_dir of linux/netfilter/nf_conntrack_tuple_common.h */
enum ct_direction { CT_ORIGINAL = 0, CT_REPLY = 1 };

/* NF_CT_STATE_BIT() of linux/netfilter/nf_conntrack_common.h */
enum {
    CT_STATE_INVALID = 1 << 0,
    CT_STATE_ESTABLISHED = 1 << 1,
    CT_STATE_RELATED = 1 << 2,
    CT_STATE_NEW = 1 << 3,
    CT_STATE_UNTRACKED = 1 << 6,
};

/* IPS_SRC_NAT and IPS_DST_NAT of linux/netfilter/nf_conntrack_common.h: whose address the
 * connection's packets are sent with or to is another than was asked for. */
enum { CT_STATUS_SNAT = 1 << 4, CT_STATUS_DNAT = 1 << 5 };

enum verdict {
    VERDICT_ACCEPT,
    VERDICT_DROP,
    VERDICT_GOTO,
    VERDICT_JUMP,
    VERDICT_RETURN,
    VERDICT_MAX
};
const char *verdict_name(enum verdict v);

enum reject { REJECT_TCP_RESET, REJECT_ADMIN_PROHIBITED, REJECT_MAX };

/* RTN_* of linux/rtnetlink.h */
enum {
    ADDRESS_TYPE_UNICAST = 1,
    ADDRESS_TYPE_LOCAL = 2,
    ADDRESS_TYPE_BROADCAST = 3,
    ADDRESS_TYPE_MULTICAST = 5
};

/* One statement of a rule; a rule matches when all its matches do, in order. Beside each: what
 * `nft` prints for it, and which netfilter expressions it is. */
enum stmt_type {
    STMT_IIF,      /* iif "lo"                   meta iif; cmp eq                              */
    STMT_OIF,      /* oif "lo"                   meta oif; cmp eq                              */
    STMT_CT_STATE, /* ct state invalid           ct state; bitwise and; cmp neq 0              */
    STMT_CT_DIRECTION, /* ct direction reply         ct direction; cmp eq (one byte) */
    STMT_CT_STATUS,    /* ct status dnat            ct status; bitwise and; cmp neq 0             */
    STMT_CT_PORT,   /* ct original proto-dst 80-90   ct proto_dst original; cmp | two           */
    STMT_CT_VMAP,   /* ct original proto-dst vmap @map   ct proto_dst original; lookup dreg verdict
                     */
    STMT_L4PROTO,   /* meta l4proto igmp          meta l4proto; cmp eq                          */
    STMT_ICMP_TYPE, /* icmp type echo-request     meta nfproto; cmp; meta l4proto; cmp;
                       payload th+0 1; cmp: icmp in IPv4, icmpv6 in IPv6 only */
    STMT_PORT,      /* udp dport 30000-34999      meta l4proto; cmp; payload th+0|2 2; cmp|two  */
    STMT_ADDRESS,   /* ip saddr @set              meta nfproto; cmp; payload nh; lookup         */
    STMT_FIB_TYPE,  /* fib daddr type broadcast   fib daddr type; cmp                           */
    STMT_TCP_FLAGS, /* tcp flags & rst == rst     meta l4proto; cmp; payload th+13 1; bitwise; cmp
                       eq */
    STMT_VMAP,      /* meta l4proto . th dport vmap @map   meta; payload; lookup dreg verdict   */
    STMT_GRANTED,   /* meta l4proto . th dport . ip saddr @set   meta nfproto; cmp; meta; payload;
                       payload; lookup */
    STMT_COUNTER,   /* counter name "…"           objref counter                                */
    STMT_LIMIT,     /* limit rate 200/second burst 100 packets                                  */
    STMT_LOG,       /* log group 20548 snaplen 64 queue-threshold 32                            */
    STMT_REJECT,    /* reject with tcp reset | with icmpx admin-prohibited                      */
    STMT_VERDICT,   /* accept, drop, goto x, …    immediate                                     */
    STMT_TYPE_MAX,
};

struct stmt {
    enum stmt_type type;
    union {
        uint32_t ifindex;  /* IIF, OIF; 1 is lo in every network namespace */
        uint32_t ct_state; /* mask of CT_STATE_* */
        enum ct_direction ct_direction;
        uint32_t ct_status; /* mask of CT_STATUS_* */
        struct {
            uint16_t lo, hi; /* the port that was asked for, before any translation */
        } ct_port;
        const char *ct_vmap; /* a map by that port */
        uint8_t protocol;    /* L4PROTO */
        struct {
            uint8_t protocol; /* icmp or icmpv6 */
            uint8_t type;
        } icmp;
        struct {
            uint8_t protocol;
            enum side side;
            uint16_t lo, hi; /* lo == hi: one port */
        } port;
        struct {
            enum family family;
            enum side side;
            const char *set;
        } address;
        uint32_t fib_type; /* of the destination address */
        struct {
            uint8_t mask, value; /* RFC 9293 section 3.1: FIN 1, SYN 2, RST 4, ACK 16 */
        } tcp_flags;
        struct {
            enum side side;
            const char *map;
        } vmap;
        struct {
            enum family family;
            enum side port, address;
            const char *set; /* of a service and an address */
        } granted;
        const char *counter;
        struct {
            uint64_t rate; /* a second */
            uint32_t burst;
        } limit;
        struct {
            uint16_t group;
            uint32_t snaplen;
            uint16_t threshold;
        } log;
        enum reject reject;
        struct {
            enum verdict verdict;
            const char *chain; /* goto and jump */
        } verdict;
    };
};

struct rule {
    struct stmt *stmts;
    size_t n_stmts;
    const char *comment; /* NULL: none. Names the flow: "jtel-acd/rest" or what the rule is for */
    const char *foreign; /* read back and not meant: the names of its expressions; else NULL */
    uint64_t handle;     /* the kernel's; 0 in a compiled ruleset. No difference */
};

enum chain_policy { CHAIN_ACCEPT, CHAIN_DROP };
/* NF_INET_* of linux/netfilter.h */
enum { HOOK_INPUT = 1, HOOK_FORWARD = 2, HOOK_OUTPUT = 3, HOOK_MAX = 6 };
const char *hook_name(uint32_t hook); /* as nft says it; "?" for none of netfilter's */

struct chain {
    const char *name;
    bool is_base;
    uint32_t hook;
    int32_t priority;
    enum chain_policy policy;
    struct rule *rules;
    size_t n_rules;
    const char *foreign; /* a base chain that this type can't mean (type, device); else NULL */
    uint64_t handle;
};

/* The keys: nftables' data types ipv4_addr, ipv6_addr, inet_proto . inet_service, inet_service
 * alone, and the first two behind the third: who is granted which service. */
enum set_type {
    SET_IPV4,
    SET_IPV6,
    SET_SERVICE,
    SET_PORT,
    SET_GRANTED4,
    SET_GRANTED6,
    SET_TYPE_MAX
};
bool set_type_has_addresses(enum set_type t); /* and nothing else in its key */
bool set_type_is_granted(enum set_type t);    /* its elements end by themselves */
const char *set_type_name(enum set_type t);   /* nft's */

struct element {
    struct range range; /* where there is an address; lo == hi unless the set is `interval` */
    struct {
        uint8_t protocol; /* 0 in SET_PORT */
        uint16_t port;    /* host order */
    } service;
    enum verdict verdict; /* maps */
    const char *chain;    /* maps, with goto and jump */
    /* Sets of grants: when it ends, in milliseconds of CLOCK_MONOTONIC. Of a HAVE the earliest time
     * that it can be, see ruleset.read_msec; ELEMENT_FOR_EVER: never. */
    uint64_t until_msec;
};
#define ELEMENT_FOR_EVER UINT64_MAX

struct set {
    const char *name;
    enum set_type type;
    bool is_interval;
    bool is_map;              /* of verdicts */
    bool is_anonymous;        /* HAVE only: belongs to a foreign rule and goes with it */
    struct element *elements; /* sorted by key; ranges disjoint, in a WANT not touching either */
    size_t n_elements;
    const char *foreign; /* other type, flags, timeout …: what it is; else NULL */
    uint64_t handle;
};

/* A named counter: survives every change of the rules that count in it. */
struct counter {
    const char *name;
    uint64_t packets, bytes; /* no difference */
    const char *foreign;     /* another kind of named object or a flow table: which; else NULL */
    uint32_t foreign_type;   /* NFT_OBJECT_* of linux/netfilter/nf_tables.h; 0: a flow table */
    uint64_t handle;
};

/* Bits of NFTA_TABLE_FLAGS (NFT_TABLE_F_* of linux/netfilter/nf_tables.h; PERSIST since 6.9). */
enum { TABLE_DORMANT = 1 << 0, TABLE_OWNER = 1 << 1, TABLE_PERSIST = 1 << 2 };
/* Sealed; and an orphan: what becomes of it when the owner's socket is closed. Neither they nor
 * the owner are part of the digest. */
#define TABLE_SEALED ((uint32_t)(TABLE_OWNER | TABLE_PERSIST))
#define TABLE_ORPHAN ((uint32_t)TABLE_PERSIST)

struct ruleset {
    struct arena *arena;
    bool exists; /* the table itself: false only for a HAVE without our table or a WANT of "off" */
    uint32_t flags;
    uint32_t owner;       /* with TABLE_OWNER: the netlink port id whose socket may write */
    struct chain *chains; /* base chains first; the order is no difference */
    struct set *sets;
    struct counter *counters;
    size_t n_chains, n_sets, n_counters;
    /* HAVE: CLOCK_MONOTONIC when it began to be read, and for how long it was. The kernel says how
     * long elements have left, and not since when. */
    uint64_t read_msec, read_took_msec;
    /* Filled by ruleset_index(): sorted by name. */
    const struct chain **chains_by_name;
    const struct set **sets_by_name;
    const struct counter **counters_by_name;
};

struct ruleset *ruleset_new(void);
struct ruleset *ruleset_free(struct ruleset *r);
DEFINE_CLEANUP(struct ruleset *, ruleset_free);

/* To be called once all is added: sorts the elements of every set and indexes the names.
 * -EEXIST: two objects of one kind and name, or two equal keys in a set. */
int ruleset_index(struct ruleset *r);

const struct chain *ruleset_chain(const struct ruleset *r, const char *name);
const struct set *ruleset_set(const struct ruleset *r, const char *name);
const struct counter *ruleset_counter(const struct ruleset *r, const char *name);

const char *stmt_set(const struct stmt *s); /* the set or map that it looks something up in */
bool stmt_equal(const struct stmt *a, const struct stmt *b);
bool rule_equal(const struct rule *a, const struct rule *b); /* comment included, handle not */
bool element_equal(const struct element *a, const struct element *b, const struct set *of);
int element_compare_key(const struct element *a, const struct element *b, enum set_type type);

/* What the intent means in the kernel. The addresses of host names are elements of sets of their
 * own ("mailstore-spe_license_dns_4"), which are there whatever `names` knows (NULL: nothing), so
 * that another answer of DNS changes elements alone. Never fails for an intent of intent_resolve()
 * but for memory (-ENOMEM). */
int policy_compile(const struct intent *in, const struct resolved *names, struct ruleset **ret);

/* Where a party's addresses come from: the files, or DNS. */
enum origin { ORIGIN_FILES, ORIGIN_DNS, ORIGIN_MAX };
/* The set that has them: "jtel-acd_ACD-LB_4", "mailstore-spe_license_dns_6". */
#define SET_NAME_MAX 192
const char *party_set_name(const struct party *p, enum origin o, enum family f,
                           char buf[static SET_NAME_MAX]);

/* The set of those who are granted something: "granted_in_4". */
#define GRANTED_NAME_MAX 32
const char *granted_set_name(enum direction d, enum family f, char buf[static GRANTED_NAME_MAX]);

/* SHA-256 over everything that is a difference; equal rulesets have equal digests. Hex. */
#define DIGEST_TEXT_SIZE 65
int ruleset_digest(const struct ruleset *r, char ret[static DIGEST_TEXT_SIZE]);

#endif
