/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one place that knows about rights. Order matters: the bounding set and the groups can only
 * be changed while we still may, and the capability has to outlive the change of user. */
#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* `id` has everybody else. */
static int resolver_find(const char *user, struct identity *id, struct report *reterr) {
    const struct passwd *account = getpwnam(user);

    id->resolver = account ? account->pw_uid : (uid_t)-1;
    if (!account && strcmp(user, PRIVILEGES_RESOLVER) != 0)
        report_add(reterr, (struct place){ 0 },
                   "there is no user %s to take the answers of DNS from: make it, or leave out "
                   "--resolver-user",
                   user);
    else if (account && (id->resolver == 0 || id->resolver == id->uid))
        report_add(reterr, (struct place){ 0 },
                   "%s can't be the resolver's user: it is %s; name one of its own with "
                   "--resolver-user",
                   user, id->resolver == 0 ? "root" : "portd's");
    else
        return 0;
    return PRIVILEGES_E_REFUSED;
}

int identity_find(const char *user, const char *resolver, struct identity *ret,
                  struct report *reterr) {
    const struct group *group = getgrnam(PRIVILEGES_GROUP);
    struct identity id = {
        .is_root = geteuid() == 0, .uid = geteuid(), .gid = getegid(), .resolver = (uid_t)-1
    };
    const struct passwd *account;
    int r = 0;

    id.read_group = group ? group->gr_gid : (gid_t)-1;
    if (id.is_root) {
        account = getpwnam(user);
        if (!account) {
            report_add(reterr, (struct place){ 0 },
                       "there is no user %s to become: make it with \"useradd --system "
                       "--no-create-home --shell /usr/sbin/nologin %s\", or name another with "
                       "--user",
                       user, user);
            return PRIVILEGES_E_REFUSED;
        }
        id.uid = account->pw_uid;
        id.gid = account->pw_gid;
    }
    if (resolver)
        r = resolver_find(resolver, &id, reterr);
    if (r == 0)
        *ret = id;
    return r;
}

int privileges_directory(const char *path, mode_t mode, const struct identity *id,
                         struct report *reterr) {
    if (mkdir(path, mode) < 0) {
        if (errno == EEXIST)
            return 0;
        report_add(reterr, (struct place){ .file = path }, "the directory can't be made: %s",
                   strerror(errno));
        return PRIVILEGES_E_REFUSED;
    }
    if (id->is_root && chown(path, id->uid, id->gid) < 0)
        return -errno;
    return 0;
}

static bool is_kept(enum privileges keep, cap_value_t cap) {
    return keep == PRIVILEGES_NET_ADMIN && cap == CAP_NET_ADMIN;
}

static int drop_bounding(enum privileges keep) {
    for (cap_value_t cap = 0; cap_get_bound(cap) >= 0; cap++)
        if (!is_kept(keep, cap) && cap_get_bound(cap) == 1 && cap_drop_bound(cap) < 0)
            return -errno;
    return 0;
}

/* What can be taken away for good only by whoever has CAP_SETPCAP. */
static int lock(enum privileges keep) {
    int r;

    r = drop_bounding(keep);
    if (r < 0)
        return r;
    return prctl(PR_SET_SECUREBITS,
                 SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED) < 0
               ? -errno
               : 0;
}

/* Whoever has no right to anything else reaches portd through the group of its socket. */
static int change_user(const struct identity *id, enum privileges keep) {
    size_t n_groups = keep == PRIVILEGES_NONE && id->read_group != (gid_t)-1 ? 1 : 0;

    if (prctl(PR_SET_KEEPCAPS, 1) < 0)
        return -errno;
    if (setgroups(n_groups, &id->read_group) < 0 || setresgid(id->gid, id->gid, id->gid) < 0 ||
        setresuid(id->uid, id->uid, id->uid) < 0)
        return -errno;
    return prctl(PR_SET_KEEPCAPS, 0) < 0 ? -errno : 0;
}

static bool has(cap_value_t cap) {
    cap_t caps = cap_get_proc();
    cap_flag_value_t value = CAP_CLEAR;

    if (caps)
        (void)cap_get_flag(caps, cap, CAP_PERMITTED, &value);
    cap_free(caps);
    return value == CAP_SET;
}

static bool has_more(cap_t have, cap_t want) {
    int differs = cap_compare(have, want);

    return CAP_DIFFERS(differs, CAP_PERMITTED) || CAP_DIFFERS(differs, CAP_EFFECTIVE);
}

/* Permitted and effective as `keep` says, nothing inheritable; then asks the kernel whether that
 * is so. A service manager that leaves nothing else to be dropped may filter capset(2), and what
 * is inheritable then stays: without ambient it is worth nothing under no_new_privs. */
static int set_capabilities(enum privileges keep) {
    static const cap_value_t net_admin[] = { CAP_NET_ADMIN };
    cap_t want = cap_init(), have = NULL;
    int r = 0;

    if (!want)
        return -ENOMEM;
    if ((keep == PRIVILEGES_NET_ADMIN &&
         (cap_set_flag(want, CAP_PERMITTED, 1, net_admin, CAP_SET) < 0 ||
          cap_set_flag(want, CAP_EFFECTIVE, 1, net_admin, CAP_SET) < 0)) ||
        (cap_set_proc(want) < 0 && errno != EPERM))
        r = -errno;
    else if (!(have = cap_get_proc()) || has_more(have, want))
        r = -EPERM;
    cap_free(have);
    cap_free(want);
    return r;
}

/* Neither this process nor what it executes can come by a right again. */
static int drop(const struct identity *id, enum privileges keep) {
    int r = 0;

    if (id->is_root || has(CAP_SETPCAP))
        r = lock(keep);
    if (r == 0 && id->is_root)
        r = change_user(id, keep);
    if (r < 0)
        return r;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -errno;
    r = set_capabilities(keep);
    if (r < 0)
        return r;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int privileges_drop(const struct identity *id, enum privileges keep, struct report *reterr) {
    if (keep == PRIVILEGES_NET_ADMIN && !has(CAP_NET_ADMIN)) {
        report_add(reterr, (struct place){ 0 },
                   "no right to change the firewall: portd needs CAP_NET_ADMIN; start it as root "
                   "or as the service (systemctl start portd)");
        return PRIVILEGES_E_REFUSED;
    }
    if (keep == PRIVILEGES_NONE && id->uid == 0) {
        report_add(reterr, (struct place){ 0 },
                   "root has rights even without capabilities: name another user with --user");
        return PRIVILEGES_E_REFUSED;
    }
    return drop(id, keep);
}
