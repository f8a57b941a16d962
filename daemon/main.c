/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must be done with the rights of whoever started us comes first: directories, the socket.
 * Then the rights fall, and only then is a byte of input read. */
#include "base/file.h"
#include "daemon/learn.h"
#include "daemon/listen.h"
#include "daemon/log.h"
#include "daemon/manager.h"
#include "daemon/privileges.h"
#include "daemon/reader.h"
#include "daemon/service.h"
#include "files/files.h"
#include "varlink/interface.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>

#define STATE_DIR       "/var/lib/portd"
#define POLICY_DIRS_MAX 16U

struct options {
    const char *site, *host, *socket, *state_dir, *user, *resolver_user;
    const char *boot_id;
    unsigned learn;
    const char *policy_dirs[POLICY_DIRS_MAX];
    size_t n_policy_dirs;
};

static const char help[] =
    "portd [OPTION]…\n"
    "Keeps this machine's ports as the vendors' tables say for its role.\n"
    "\n"
    "  --site FILE        the deployment (" FILES_SITE ")\n"
    "  --policy-dir DIR   policies; given again, the later overrides the earlier\n"
    "                     (/usr/share/portd/policy, then /etc/portd/policy)\n"
    "  --host NAME        which host of the site this is (the hostname)\n"
    "  --socket PATH      where to listen (" INTERFACE_SOCKET ")\n"
    "  --state-dir DIR    where to keep the last good files (" STATE_DIR ")\n"
    "  --user NAME        whom to become when started as root (" PRIVILEGES_USER ")\n"
    "  --resolver-user NAME\n"
    "                     whose answers of DNS are taken (" PRIVILEGES_RESOLVER ")\n"
    "  --learn SECONDS    for how long the first rules on a running host deny nothing, so that "
    "the\n"
    "                     connections that are open stay so (10; 0: not at all)\n"
    "  --boot-id ID       which boot this is, where /proc/sys is hidden: after another one a "
    "reload\n"
    "                     that waits to be confirmed is rolled back\n"
    "  --help, --version\n"
    "\n"
    "Stays in the foreground; SIGHUP loads the files again, SIGTERM ends it and leaves the "
    "rules.\n"
    "Exit status: 78 when the files have mistakes and no older ones can be enforced, 2 for wrong\n"
    "usage, 1 for all else that keeps it from starting.\n";

enum {
    OPT_SITE = 256,
    OPT_POLICY_DIR,
    OPT_HOST,
    OPT_SOCKET,
    OPT_STATE_DIR,
    OPT_USER,
    OPT_RESOLVER_USER,
    OPT_LEARN,
    OPT_BOOT_ID,
    OPT_HELP,
    OPT_VERSION
};

static const struct option long_options[] = {
    { "site", required_argument, NULL, OPT_SITE },
    { "policy-dir", required_argument, NULL, OPT_POLICY_DIR },
    { "host", required_argument, NULL, OPT_HOST },
    { "socket", required_argument, NULL, OPT_SOCKET },
    { "state-dir", required_argument, NULL, OPT_STATE_DIR },
    { "user", required_argument, NULL, OPT_USER },
    { "resolver-user", required_argument, NULL, OPT_RESOLVER_USER },
    { "learn", required_argument, NULL, OPT_LEARN },
    { "boot-id", required_argument, NULL, OPT_BOOT_ID },
    { "help", no_argument, NULL, OPT_HELP },
    { "version", no_argument, NULL, OPT_VERSION },
    { NULL, 0, NULL, 0 },
};

static bool seconds_parse(const char *text, unsigned *ret) {
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || n > LEARN_SECONDS_MAX)
        return false;
    *ret = (unsigned)n;
    return true;
}

/* 0: go on, 1: done, 2: wrong usage. */
static int options_parse(int argc, char **argv, struct options *o) {
    static const char *const default_dirs[] = FILES_POLICY_DIRS;
    int opt;

    while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        switch (opt) {
        case OPT_SITE:
            o->site = optarg;
            break;
        case OPT_POLICY_DIR:
            if (o->n_policy_dirs == POLICY_DIRS_MAX) {
                fprintf(stderr, "portd: more than %u policy directories\n", POLICY_DIRS_MAX);
                return 2;
            }
            o->policy_dirs[o->n_policy_dirs++] = optarg;
            break;
        case OPT_HOST:
            o->host = optarg;
            break;
        case OPT_SOCKET:
            o->socket = optarg;
            break;
        case OPT_STATE_DIR:
            o->state_dir = optarg;
            break;
        case OPT_USER:
            o->user = optarg;
            break;
        case OPT_RESOLVER_USER:
            o->resolver_user = optarg;
            break;
        case OPT_LEARN:
            if (!seconds_parse(optarg, &o->learn)) {
                fprintf(stderr, "portd: --learn wants seconds, 0 to %u\n", LEARN_SECONDS_MAX);
                return 2;
            }
            break;
        case OPT_BOOT_ID:
            o->boot_id = optarg;
            break;
        case OPT_HELP:
            fputs(help, stdout);
            return 1;
        case OPT_VERSION:
            puts("portd " PORTD_VERSION);
            return 1;
        default:
            fputs("Type \"portd --help\" for the options.\n", stderr);
            return 2;
        }
    if (optind < argc) {
        fprintf(stderr, "portd: \"%s\" is too much: portd takes options only; see --help\n",
                argv[optind]);
        return 2;
    }
    for (size_t i = 0; o->n_policy_dirs == 0 && i < ARRAY_SIZE(default_dirs); i++)
        o->policy_dirs[i] = default_dirs[i];
    if (o->n_policy_dirs == 0)
        o->n_policy_dirs = ARRAY_SIZE(default_dirs);
    return 0;
}

static int make_parent(const char *path, const struct identity *id, struct report *reterr) {
    _cleanup_(freep) char *copy = strdup(path);

    return copy ? privileges_directory(dirname(copy), 0755, id, reterr) : -ENOMEM;
}

/* One portd for one state directory; the lock goes with the process, however it ends. */
static int lock_state(const char *state_dir, int *ret_fd, struct report *reterr) {
    _cleanup_(closep) int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        report_add(reterr, (struct place){ .file = state_dir },
                   "the state directory can't be opened: %s; make it for the user of portd, or "
                   "name another with --state-dir",
                   strerror(errno));
        return MANAGER_E_REFUSED;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        report_add(reterr, (struct place){ .file = state_dir },
                   errno == EWOULDBLOCK
                       ? "another portd uses this state directory; stop it, or name another "
                         "directory with --state-dir"
                       : "the state directory can't be locked");
        return MANAGER_E_REFUSED;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* A listener that was kept has clients in its backlog already, who waited while we restarted. */
static int listen_or_go_on(const struct options *o, const struct identity *id, int kept,
                           int *ret_fd, struct report *reterr) {
    if (listen_is_at(kept, o->socket, id->read_group)) {
        *ret_fd = kept;
        return 0;
    }
    if (kept >= 0)
        service_unstore(SERVICE_LISTENER);
    fd_close(kept);
    return listen_open(o->socket, id->read_group, ret_fd, reterr);
}

/* All that needs the rights we were started with, and then without them. */
static int prepare(const struct options *o, struct identity *id, struct manager_options *ret,
                   struct legacy *legacy, int *ret_lock, struct report *reterr) {
    struct stored stored;
    int r;

    service_take_stored(&stored);
    ret->owner_fd = stored.owner;
    r = identity_find(o->user, o->resolver_user, id, reterr);
    if (r == 0)
        r = privileges_directory(o->state_dir, 0700, id, reterr);
    if (r == 0)
        r = lock_state(o->state_dir, ret_lock, reterr);
    if (r == 0)
        r = make_parent(o->socket, id, reterr);
    if (r == 0)
        r = listen_or_go_on(o, id, TAKE_FD(stored.listener), &ret->listen_fd, reterr);
    fd_close(stored.listener);
    legacy_open(legacy);
    ret->reader = reader_program();
    if (r == 0)
        r = privileges_drop(id, PRIVILEGES_NET_ADMIN, reterr);
    return r;
}

static int run(const struct options *o, struct report *reterr) {
    _cleanup_(legacy_close) struct legacy legacy = LEGACY_INIT;
    _cleanup_(manager_freep) struct manager *m = NULL;
    _cleanup_(closep) int lock = -1;
    struct identity id;
    struct manager_options mo = {
        .input = { .site = o->site,
                   .policy_dirs = o->policy_dirs,
                   .n_policy_dirs = o->n_policy_dirs,
                   .host = o->host },
        .state_dir = o->state_dir,
        .boot_id = o->boot_id,
        .listen_fd = -1,
        .owner_fd = -1,
        .legacy = &legacy,
        .reader = -1,
    };
    int r;

    r = prepare(o, &id, &mo, &legacy, &lock, reterr);
    if (r != 0) {
        fd_close(mo.listen_fd);
        fd_close(mo.owner_fd);
        fd_close(mo.reader);
        return r;
    }
    mo.read_group = id.read_group;
    mo.resolver = id.resolver;
    mo.learn_usec = (uint64_t)o->learn * 1000000;
    r = manager_new(&mo, &m, reterr);
    if (r != 0)
        return r;
    return manager_run(m);
}

/* A SIGHUP that comes before the loop does is kept for it, and nobody who stops reading our
 * stderr ends us. The umask of whoever starts us must not close the socket's directory. */
static void process_set_up(void) {
    sigset_t hangup;

    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    sigprocmask(SIG_BLOCK, &hangup, NULL);
    signal(SIGPIPE, SIG_IGN);
    umask(0022);
}

int main(int argc, char **argv) {
    struct options o = { .site = FILES_SITE,
                         .socket = INTERFACE_SOCKET,
                         .state_dir = STATE_DIR,
                         .user = PRIVILEGES_USER,
                         .resolver_user = PRIVILEGES_RESOLVER,
                         .learn = LEARN_SECONDS };
    struct report why = REPORT_INIT;
    int r = options_parse(argc, argv, &o);

    if (r != 0)
        return r == 1 ? 0 : r;
    process_set_up();
    log_open();
    r = run(&o, &why);
    log_report(LOG_ERR, &why);
    if (r != 0)
        log_error("not started%s%s", r < 0 ? ": " : "; the rules in force, if any, stay",
                  r < 0 ? strerror(-r) : "");
    report_clear(&why);
    return r == 0 ? 0 : r == MANAGER_E_INVALID ? EX_CONFIG : 1; /* see portd.service */
}
