/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_REMOTE_H
#define PORTD_CTL_REMOTE_H

#include "verb.h"

#include <sys/types.h>

/* A portd on another host: ssh runs `portd-ctl bridge` there, whose input and output are the
 * portd's socket. */

/* What `bridge` exits with when this user may not ask the portd there: EX_NOPERM of sysexits.h. */
#define BRIDGE_DENIED 77

/* Whether ssh can be given the name; else it is said why not. */
bool remote_is_host(const char *host);

/* Starts ssh to o->remote. The descriptor to talk to, or -errno; -ENOPKG: there is no
 * ssh. */
int remote_open(const struct options *o, pid_t *ret_pid);

/* Ends ssh, which may be waiting for us or for anybody. */
void remote_close(pid_t pid);

/* The conversation ended without an answer: waits for ssh and says what is wrong. */
enum status remote_failed(const struct options *o, pid_t pid);

#endif
