/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A filter of the process's own, because portd may be started in many ways: under the service
 * manager's it is one more. */
#include "fence.h"

#include "base/macros.h"
#include "daemon/privileges.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* Numbers of system calls mean something for one architecture only. */
#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define ARCHITECTURE AUDIT_ARCH_S390X
#else
#error "name this architecture as linux/audit.h does"
#endif

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))
/* Descriptors are 32 bits wide; the low half of an argument comes first on little endian only. */
#define DESCRIPTOR                                                                                 \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) +                       \
                                           (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define ALLOW(number)       UNLESS(number, 1), RETURN(SECCOMP_RET_ALLOW)
/* What follows a call that isn't this one still has the number loaded. */
#define ALLOW_ON(number, fd)                                                                       \
    UNLESS(number, 4), DESCRIPTOR, UNLESS(fd, 1), RETURN(SECCOMP_RET_ALLOW),                       \
        RETURN(SECCOMP_RET_KILL_PROCESS)

static int filter_install(void) {
    static struct sock_filter code[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
        RETURN(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        ALLOW_ON(__NR_recvfrom, FENCE_NFLOG),
        ALLOW_ON(__NR_write, FENCE_PAIR),
        ALLOW(__NR_ppoll),
        ALLOW(__NR_restart_syscall),
        ALLOW(__NR_exit_group),
        RETURN(SECCOMP_RET_KILL_PROCESS),
    };
    const struct sock_fprog program = { ARRAY_SIZE(code), code };

    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

/* A service manager may not let us; behind the filter nothing of it is within reach anyway. No
 * descriptor more than the two: poll(2) refuses to look at more of them than the limit allows. */
static void limits_set(void) {
    static const int none[] = { RLIMIT_NPROC, RLIMIT_CORE, RLIMIT_FSIZE };
    const struct rlimit zero = { 0 }, two = { FENCE_PAIR + 1, FENCE_PAIR + 1 };

    (void)setrlimit(RLIMIT_NOFILE, &two);
    for (size_t i = 0; i < ARRAY_SIZE(none); i++)
        (void)setrlimit((__rlimit_resource_t)none[i], &zero);
}

int fence_raise(void) {
    const struct identity self = {
        .uid = geteuid(), .gid = getegid(), .read_group = (gid_t)-1, .resolver = (uid_t)-1
    };
    struct report why = REPORT_INIT;
    int r = privileges_drop(&self, PRIVILEGES_NONE, &why);

    report_clear(&why);
    if (r != 0)
        return r < 0 ? r : -EPERM;
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return -errno;
    limits_set();
    return filter_install();
}
