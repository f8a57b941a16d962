/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program that reads what comes from the network, and therefore has no rights: they fall before
 * anything else is done. */
#include "resolver.h"

#include "daemon/log.h"
#include "daemon/privileges.h"
#include "varlink/interface.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct options {
    const char *socket, *user;
};

static const char help[] =
    "portd-resolver [OPTION]…\n"
    "Finds the addresses of the DNS names that portd needs, and tells portd.\n"
    "\n"
    "  --socket PATH      where portd listens (" INTERFACE_SOCKET ")\n"
    "  --user NAME        whom to become when started as root (" PRIVILEGES_RESOLVER ")\n"
    "  --help, --version\n"
    "\n"
    "Stays in the foreground, without any capability; asks /etc/hosts and the servers of\n"
    "/etc/resolv.conf, whose changes count at once.\n";

enum { OPT_SOCKET = 256, OPT_USER, OPT_HELP, OPT_VERSION };

static const struct option long_options[] = {
    { "socket", required_argument, NULL, OPT_SOCKET },
    { "user", required_argument, NULL, OPT_USER },
    { "help", no_argument, NULL, OPT_HELP },
    { "version", no_argument, NULL, OPT_VERSION },
    { NULL, 0, NULL, 0 },
};

/* 0: go on, 1: done, 2: wrong usage. */
static int options_parse(int argc, char **argv, struct options *o) {
    int opt;

    while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        switch (opt) {
        case OPT_SOCKET:
            o->socket = optarg;
            break;
        case OPT_USER:
            o->user = optarg;
            break;
        case OPT_HELP:
            fputs(help, stdout);
            return 1;
        case OPT_VERSION:
            puts("portd-resolver " PORTD_VERSION);
            return 1;
        default:
            fputs("Type \"portd-resolver --help\" for the options.\n", stderr);
            return 2;
        }
    if (optind < argc) {
        fprintf(stderr,
                "portd-resolver: \"%s\" is too much: portd-resolver takes options only; see "
                "--help\n",
                argv[optind]);
        return 2;
    }
    return 0;
}

static int run(const struct options *o, struct report *reterr) {
    _cleanup_(resolver_freep) struct resolver *resolver = NULL;
    struct identity id;
    int r;

    r = identity_find(o->user, NULL, &id, reterr);
    if (r == 0)
        r = privileges_drop(&id, PRIVILEGES_NONE, reterr);
    if (r == 0)
        r = resolver_new(o->socket, &resolver);
    return r == 0 ? resolver_run(resolver) : r;
}

int main(int argc, char **argv) {
    struct options o = { .socket = INTERFACE_SOCKET, .user = PRIVILEGES_RESOLVER };
    struct report why = REPORT_INIT;
    int r = options_parse(argc, argv, &o);

    if (r != 0)
        return r == 1 ? 0 : r;
    signal(SIGPIPE, SIG_IGN);
    log_open();
    r = run(&o, &why);
    log_report(LOG_ERR, &why);
    if (r != 0)
        log_error("not started%s%s", r < 0 ? ": " : "", r < 0 ? strerror(-r) : "");
    report_clear(&why);
    return r == 0 ? 0 : 1;
}
