/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_CHILD_H
#define PORTD_CTL_CHILD_H

#include <sys/types.h>

/* Programs that portd-ctl runs; `arguments` end with NULL, the first is looked up in PATH. */

/* Starts one; -1 leaves a stream as it is. 0 or -errno. */
int child_start(const char *const *arguments, int in, int out, int err, pid_t *ret_pid);

/* Its exit status; -1: a signal ended it. */
int child_wait(pid_t pid);

/* What it prints, malloc'ed; complaints are thrown away. Its exit status, or -errno. */
int child_output(const char *const *arguments, char **ret);

#endif
