/* SPDX-License-Identifier: GPL-2.0-or-later */
/* To be preloaded: a kernel without nfnetlink_log, as far as users of libmnl can tell. It calls
 * messages for a subsystem that isn't there invalid, and does not take rules that log to it. */
#include <dlfcn.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

typedef ssize_t (*send_function)(const struct mnl_socket *nl, const void *bytes, size_t n);

__attribute__((visibility("default"))) ssize_t mnl_socket_sendto(const struct mnl_socket *nl,
                                                                 const void *bytes, size_t n) {
    const struct nlmsghdr *nlh = bytes;
    send_function next = (send_function)dlsym(RTLD_NEXT, "mnl_socket_sendto");

    if (nlh->nlmsg_type >> 8 == NFNL_SUBSYS_ULOG) {
        errno = EINVAL;
        return -1;
    }
    if (memmem(bytes, n, "log", sizeof("log"))) { /* NFTA_EXPR_NAME */
        errno = ENOENT;
        return -1;
    }
    return next(nl, bytes, n);
}
