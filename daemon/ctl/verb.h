/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_VERB_H
#define PORTD_CTL_VERB_H

#include <stdbool.h>
#include <stddef.h>

/* What portd-ctl exits with. */
enum status {
    STATUS_FINE = 0,
    STATUS_FAILED = 1, /* or refused */
    STATUS_USAGE = 2,
    STATUS_ODD = 3, /* portd answers, but things are not as they should be */
    STATUS_NO_DAEMON = 4,
};

/* Which options a verb takes, besides --help. */
enum {
    OPTION_JSON = 1 << 0,
    OPTION_SOCKET = 1 << 1,
    OPTION_OFFLINE = 1 << 2,
    OPTION_REASON = 1 << 3,
    OPTION_DURATION = 1 << 10,
    OPTION_YES = 1 << 4,
    OPTION_SITE = 1 << 5,
    OPTION_POLICY_DIR = 1 << 6,
    OPTION_HOST = 1 << 7,
    OPTION_FILES = OPTION_SITE | OPTION_POLICY_DIR | OPTION_HOST,
    OPTION_NEW_SITE = 1 << 8,  /* --site is a file to write */
    OPTION_NEW_HOSTS = 1 << 9, /* --host says which hosts it has */
    OPTION_AT_SITE = 1 << 11,  /* --site is one to look at tables with */
    OPTION_AT_HOST = 1 << 12,  /* --host is one of it to look at alone */
    OPTION_FORMAT = 1 << 13,
    OPTION_VERIFY = 1 << 14,
    OPTION_REMOTE = 1 << 15,
    OPTION_EXPOSITION = 1 << 16, /* --format is one of metrics */
    OPTION_OUTPUT = 1 << 17,
    OPTION_ROOT = 1 << 18,
    OPTION_SINCE = 1 << 19,
    OPTION_WOULD = 1 << 20,
    OPTION_FOLLOW = 1 << 21,
    OPTION_UPDATE = 1 << 22,
    OPTION_LISTEN = 1 << 23,
    OPTION_CONFIRM = 1 << 24,
    OPTION_UNUSED = 1 << 25,
    OPTION_FORCE = 1 << 27,
    OPTION_AGAINST = 1 << 28,
    OPTION_ALL_HOSTS = 1 << 29,
};

struct list {
    const char **items;
    size_t n;
};

/* The command line. Strings are borrowed from argv. */
struct options {
    bool help, version, json, offline, yes, verify, would, follow, update, listen;
    const char *socket, *site, *host, *reason, *duration, *since, *format, *remote, *root, *output;
    const char *unused;    /* NULL: not given; "": without a value */
    bool force, all_hosts; /* of reload and plan */
    const char *against, *confirm;
    struct list policy_dirs, hosts;
    unsigned timeout_sec; /* for an answer of the daemon; 0: as long as one may take */
    unsigned given;       /* OPTION_* of all that were given */
    const char **words;   /* those that are no options: the verb, then its arguments */
    size_t n_words;
};

struct verb {
    const char *name;
    const char *arguments; /* for the usage line; "" when there are none */
    const char *summary;   /* NULL: hidden, for programs */
    const char *example;
    size_t min, max; /* arguments */
    unsigned options;
    /* `words` are the arguments. */
    enum status (*handler)(const struct options *o, const char *const *words, size_t n_words);
};

enum status verb_status(const struct options *o, const char *const *words, size_t n_words);
enum status verb_flows(const struct options *o, const char *const *words, size_t n_words);
enum status verb_names(const struct options *o, const char *const *words, size_t n_words);
enum status verb_metrics(const struct options *o, const char *const *words, size_t n_words);
enum status verb_diff(const struct options *o, const char *const *words, size_t n_words);
enum status verb_audit(const struct options *o, const char *const *words, size_t n_words);
enum status verb_denied(const struct options *o, const char *const *words, size_t n_words);
enum status verb_drift(const struct options *o, const char *const *words, size_t n_words);
enum status verb_explain(const struct options *o, const char *const *words, size_t n_words);
enum status verb_matrix(const struct options *o, const char *const *words, size_t n_words);
enum status verb_check(const struct options *o, const char *const *words, size_t n_words);
enum status verb_init(const struct options *o, const char *const *words, size_t n_words);
enum status verb_ruleset(const struct options *o, const char *const *words, size_t n_words);
enum status verb_reload(const struct options *o, const char *const *words, size_t n_words);
enum status verb_plan(const struct options *o, const char *const *words, size_t n_words);
enum status verb_confirm(const struct options *o, const char *const *words, size_t n_words);
enum status verb_rollback(const struct options *o, const char *const *words, size_t n_words);
enum status verb_generations(const struct options *o, const char *const *words, size_t n_words);
enum status verb_off(const struct options *o, const char *const *words, size_t n_words);
enum status verb_unseal(const struct options *o, const char *const *words, size_t n_words);
enum status verb_grant(const struct options *o, const char *const *words, size_t n_words);
enum status verb_grants(const struct options *o, const char *const *words, size_t n_words);
enum status verb_revoke(const struct options *o, const char *const *words, size_t n_words);
enum status verb_seal(const struct options *o, const char *const *words, size_t n_words);
enum status verb_doctor(const struct options *o, const char *const *words, size_t n_words);
enum status verb_bridge(const struct options *o, const char *const *words, size_t n_words);
enum status verb_complete(const struct options *o, const char *const *words, size_t n_words);
enum status verb_watch(const struct options *o, const char *const *words, size_t n_words);

#endif
