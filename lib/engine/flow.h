/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_FLOW_H
#define PORTD_ENGINE_FLOW_H

#include "engine/field.h"

/* The rows of a policy and of a site: one form, two sets of selectors. */

/* Readers of the array "flows": the record is a struct policy and a struct site. Checked is what
 * a row says by itself; unknown references are not. */
int read_policy_flows(struct loader *l, const struct node *n, void *record);
int read_site_flows(struct loader *l, const struct node *n, void *record);

/* How a selector is written. What it refers to may not exist. */
enum selector {
    SELECTOR_WORD,    /* any, internal, self, all, management, os:linux, os:windows */
    SELECTOR_NAME,    /* of a role or a peer */
    SELECTOR_HOST,    /* host:NAME */
    SELECTOR_PREFIX,  /* an address or a prefix */
    SELECTOR_PRODUCT, /* product/NAME of a role or a peer */
    SELECTOR_BAD,
};
enum selector selector_kind(const char *text);

/* A copy of `text` up to its first '/', in `buf`; false when it has none or is longer than a name.
 * `ret_rest` points behind the slash. */
bool product_split(const char *text, char buf[static NAME_LENGTH_MAX + 1], const char **ret_rest);

#endif
