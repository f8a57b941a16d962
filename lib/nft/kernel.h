/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_KERNEL_H
#define PORTD_NFT_KERNEL_H

#include "base/report.h"
#include "engine/plan.h"
#include "engine/ruleset.h"
#include "engine/scope.h"

/* The nf_tables subsystem of this network namespace: one long-lived netlink socket. */
struct kernel;

/* Named outcomes besides 0 and -errno. */
enum {
    KERNEL_E_UNUSABLE =
        1,              /* no nf_tables, no right to use it: the report says which and what to do */
    KERNEL_E_STALE = 2, /* somebody committed since the dump: nothing was changed, read again */
    KERNEL_E_REFUSED = 3, /* the kernel refused the batch, nothing was changed: see the report */
    KERNEL_E_UNKNOWN = 4, /* the answer was lost (ENOBUFS): read again to see what happened */
    KERNEL_E_NO_SEAL = 6, /* this kernel knows no owner or persist flag: nothing was changed */
};

/* Opens the socket and proves with one request that nf_tables answers and that we may use it: the
 * kernel wants CAP_NET_ADMIN for every request. `fd` (-1: none; else it is taken in any case) is
 * the socket of an earlier kernel_open() that was kept for us, and with it the tables that it
 * owns. */
int kernel_open(int fd, struct kernel **ret, struct report *reterr);
struct kernel *kernel_free(struct kernel *k);
DEFINE_CLEANUP(struct kernel *, kernel_free);

/* Netlink port id of our commits, to tell them from others'. */
uint32_t kernel_port_id(const struct kernel *k);

/* The socket that owns what was sealed through it: for whoever keeps it while we are gone. */
int kernel_fd(const struct kernel *k);
/* Another socket of the same port id: lets go of what the old one owns, which becomes an orphan
 * that anybody may write to and claim. When somebody else has a copy of the old one, the new one
 * gets another port id, and what the old one owns is theirs. 0 or -errno. */
int kernel_reopen(struct kernel *k);

/* Which table is read and written from now on: PORTD_TABLE, unless told otherwise. Borrowed. */
void kernel_use_table(struct kernel *k, const char *table);
const char *kernel_table(const struct kernel *k);

/* Flags and owner of a table of the family inet: two numbers that the kernel changes without a
 * new generation when an owner's socket is closed. 1: there is such a table; 0: none, and both
 * are 0; -errno. */
int kernel_owner(struct kernel *k, const char *table, uint32_t *ret_flags, uint32_t *ret_owner);

/* The kernel's ruleset generation of this network namespace; any commit by anybody counts it up. */
int kernel_generation(struct kernel *k, uint32_t *ret);

/* Reads table inet portd whole, under one generation (retried while others commit). The ruleset
 * is indexed; without our table it is empty with .exists false. -EAGAIN: others commit faster
 * than we can read. */
int kernel_read(struct kernel *k, struct ruleset **ret, uint32_t *ret_generation);

/* The same without the rules and elements of what is not in scope, tried once. -EAGAIN: others
 * committed meanwhile. */
int kernel_read_part(struct kernel *k, const struct scope *scope, struct ruleset **ret,
                     uint32_t *ret_generation);

/* Its named counters alone, which costs no more however many addresses there are: a ruleset that
 * has nothing else. Read while others commit, too. */
int kernel_read_counters(struct kernel *k, struct ruleset **ret);

/* Sends a plan as one transaction that holds only if the kernel still is at `generation`, the one
 * kernel_read() gave with the plan's HAVE; where a plan has a first part, that is one before it,
 * and stands when somebody else commits in between (KERNEL_E_STALE). On success *ret_generation is
 * the one that this very commit made: if kernel_generation() says another afterwards, somebody
 * else committed since.
 * An empty plan sends nothing and succeeds. KERNEL_E_REFUSED: the report has an entry for each
 * refused operation: "jtel-acd/rest: the kernel refuses to add the rule in chain in_1: No such
 * file or directory". */
int kernel_apply(struct kernel *k, const struct plan *plan, uint32_t generation,
                 uint32_t *ret_generation, struct report *reterr);

/* How often a dump was thrown away because its generation changed under it. */
uint64_t kernel_retries(const struct kernel *k);

#endif
