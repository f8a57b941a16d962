/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_ELEMENTS_H
#define PORTD_NFT_ELEMENTS_H

#include "nft/batch.h"
#include "nft/expr.h"

/* Elements of sets and maps as netlink attributes and back. On the wire an interval set has no
 * ranges but points: where a range begins, and (NFT_SET_ELEM_INTERVAL_END) the first address
 * behind it; none when the range goes up to the family's last address. */
struct element_point {
    struct element element; /* its range.lo is the point */
    bool is_end;
};

/* How nftables names the keys of a set: nft's data type, size in bytes, and nft's byte order. */
struct set_key {
    uint32_t type, size, byteorder;
};
const struct set_key *set_key(enum set_type type);

/* NEWSETELEM or DELSETELEM for op->elements, as many messages as it takes. -EINVAL: an element
 * that nftables can't say. */
int elements_emit(struct batch *b, const struct plan_op *op, bool is_delete);

/* One NFTA_LIST_ELEM; where elements end by themselves, .until_msec counts from now. Texts live in
 * the arena. ELEMENT_E_FOREIGN: *ret_foreign (static) says what the element has that `struct
 * element` can't mean. */
enum { ELEMENT_E_FOREIGN = 1 };
int element_parse(const struct nlattr *attr, const struct set *of, struct arena *arena,
                  struct element_point *ret, const char **ret_foreign);

/* Makes the set's elements of its points, in any order; those are sorted in place. Ranges that
 * touch stay apart, as the kernel keeps them: joined, they could not be deleted any more, for
 * their inner points would be left behind. ELEMENT_E_FOREIGN: an end without a beginning
 * (but for the one at zero, which nft writes) or the reverse. */
int elements_join(struct set *set, struct arena *arena, struct element_point *points, size_t n);

#endif
