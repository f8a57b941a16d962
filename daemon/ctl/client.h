/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_CLIENT_H
#define PORTD_CTL_CLIENT_H

#include "verb.h"

#include "base/macros.h"

#include <jansson.h>

/* Connects to the portd that listens there: the descriptor, or -errno. */
int client_connect(const char *path);

/* A conversation with the daemon, of this host or of --remote. */
struct client;

/* Connects and calls; takes the reference of `parameters` (NULL: memory was out). What is wrong
 * is printed. With `more` the answers have no end and may take any time. */
enum status client_call(const struct options *o, const char *method, json_t *parameters, bool more,
                        struct client **ret);
/* The parameters of the next answer, a new reference. An error of the daemon is printed. */
enum status client_next(struct client *c, json_t **ret);
struct client *client_free(struct client *c);
DEFINE_CLEANUP(struct client *, client_free);

/* A call with one answer. Without --json its strings are made fit to be printed. */
enum status client_ask(const struct options *o, const char *method, json_t *parameters,
                       json_t **ret);

#endif
