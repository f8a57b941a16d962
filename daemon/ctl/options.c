/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options are rows: how each is parsed, where it is kept and what the help says of it. Rows of
 * one name are one option that means another thing to other verbs: it is kept for all of them. */
#include "options.h"

#include "base/macros.h"
#include "files/files.h"
#include "varlink/interface.h"

#include <getopt.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TO(member) offsetof(struct options, member)
static const struct option_row rows[] = {
    { "json", NULL, "print the answer as JSON", OPTION_KIND_FLAG, OPTION_JSON, TO(json) },
    { "socket", "PATH", "ask the portd that listens there (" INTERFACE_SOCKET ")", OPTION_KIND_TEXT,
      OPTION_SOCKET, TO(socket) },
    { "remote", "HOST",
      "ask the portd of another host over ssh: as HOST, or USER@HOST; it has portd-ctl, too",
      OPTION_KIND_TEXT, OPTION_REMOTE, TO(remote) },
    { "offline", NULL, "answer from the files, without a daemon", OPTION_KIND_FLAG, OPTION_OFFLINE,
      TO(offline) },
    { "site", "FILE", "the site file (" FILES_SITE "), site.d/*.json beside it", OPTION_KIND_TEXT,
      OPTION_SITE, TO(site) },
    { "site", "FILE",
      "the file to write, which must not exist (standard output); to one that does\n"
      "                       hosts are added, by a drop-in in site.d/ beside it",
      OPTION_KIND_TEXT, OPTION_NEW_SITE, TO(site) },
    { "site", "FILE",
      "a site: who may reach whom there, in place of the vendors' tables; site.d/*.json\n"
      "                       beside it",
      OPTION_KIND_TEXT, OPTION_AT_SITE, TO(site) },
    { "policy-dir", "DIR",
      "policies, repeatable, a later one overrides an earlier one by file name\n"
      "                       (/usr/share/portd/policy, then /etc/portd/policy)",
      OPTION_KIND_LIST, OPTION_POLICY_DIR, TO(policy_dirs) },
    { "host", "NAME", "the host of the site to answer for (this host)", OPTION_KIND_TEXT,
      OPTION_HOST, TO(host) },
    { "host", "NAME=ROLE,...",
      "a host of the site and its roles, if these are known; repeatable (one for each\n"
      "                       role). Where several products have such a role: product/ROLE",
      OPTION_KIND_LIST, OPTION_NEW_HOSTS, TO(hosts) },
    { "host", "NAME", "of the site only what concerns this host", OPTION_KIND_TEXT, OPTION_AT_HOST,
      TO(host) },
    { "format", "FORMAT", "text, json (as --json), csv, markdown, html or svg", OPTION_KIND_TEXT,
      OPTION_FORMAT, TO(format) },
    { "format", "EXPOSITION",
      "openmetrics (prometheus with --output), prometheus or json (as --json)", OPTION_KIND_TEXT,
      OPTION_EXPOSITION, TO(format) },
    { "output", "FILE", "write it there, whole or not at all, instead of printing it",
      OPTION_KIND_TEXT, OPTION_OUTPUT, TO(output) },
    { "reason", "TEXT", "why, for the journal and the status", OPTION_KIND_TEXT, OPTION_REASON,
      TO(reason) },
    { "update", NULL,
      "a package brought policies: load these, but no site file, and as the site says\n"
      "                       under \"policy_updates\"",
      OPTION_KIND_FLAG, OPTION_UPDATE, TO(update) },
    { "force", NULL, "also where it cuts the session that it is typed in", OPTION_KIND_FLAG,
      OPTION_FORCE, TO(force) },
    { "against", "FILE", "the site file before it, to compare with (" FILES_SITE ")",
      OPTION_KIND_TEXT, OPTION_AGAINST, TO(against) },
    { "all-hosts", NULL, "for every host of the site, from the files alone", OPTION_KIND_FLAG,
      OPTION_ALL_HOSTS, TO(all_hosts) },
    { "confirm", "DURATION",
      "roll back by itself unless portd-ctl confirm comes within it: 90s, 5m, at most 24h",
      OPTION_KIND_TEXT, OPTION_CONFIRM, TO(confirm) },
    { "for", "DURATION", "how long: 90s, 10m, 2h, at most 24h", OPTION_KIND_TEXT, OPTION_DURATION,
      TO(duration) },
    { "since", "DURATION", "only what was seen within it: 90s, 10m, 2h", OPTION_KIND_TEXT,
      OPTION_SINCE, TO(since) },
    { "would", NULL, "only what is not denied yet: it is audited", OPTION_KIND_FLAG, OPTION_WOULD,
      TO(would) },
    { "follow", NULL, "go on with what comes, until interrupted", OPTION_KIND_FLAG, OPTION_FOLLOW,
      TO(follow) },
    { "listen", NULL,
      "services that are open and nobody listens on, or the other way round, or that\n"
      "                       others drop (exit status 3)",
      OPTION_KIND_FLAG, OPTION_LISTEN, TO(listen) },
    { "unused", "DAYS",
      "flows that are open and were never hit since they are watched; with DAYS those\n"
      "                       that were not for so long",
      OPTION_KIND_MAYBE, OPTION_UNUSED, TO(unused) },
    { "verify", NULL,
      "whether the history on disk is as portd wrote it; exit status 3: it was changed",
      OPTION_KIND_FLAG, OPTION_VERIFY, TO(verify) },
    { "root", "DIR", "look at the system in this directory by its files alone, such as an image's",
      OPTION_KIND_TEXT, OPTION_ROOT, TO(root) },
    { "yes", NULL, "do it", OPTION_KIND_FLAG, OPTION_YES, TO(yes) },
    { "help", NULL, "print this", OPTION_KIND_FLAG, 0, TO(help) },
    { "version", NULL, "print the version", OPTION_KIND_FLAG, 0, TO(version) },
};

static const struct letter {
    char letter;
    const char *name;
} letters[] = { { 'H', "remote" }, { 'h', "help" } };
#define LETTERS "H:h"
static_assert(ARRAY_SIZE(rows) < '?', "getopt_long() could not tell a row from a letter");

static void list_add(struct list *l, const char *item) {
    const char **items = reallocarray(l->items, l->n + 1, sizeof(*items));

    if (!items)
        abort();
    l->items = items;
    items[l->n++] = item;
}

static void row_set(const struct option_row *row, const char *argument, struct options *o) {
    void *to = (uint8_t *)o + row->offset;

    o->given |= row->bit;
    switch (row->kind) {
    case OPTION_KIND_FLAG:
        *(bool *)to = true;
        break;
    case OPTION_KIND_TEXT:
        *(const char **)to = argument;
        break;
    case OPTION_KIND_MAYBE:
        *(const char **)to = argument ? argument : "";
        break;
    case OPTION_KIND_LIST:
        list_add(to, argument);
        break;
    }
}

static void option_set(const char *name, const char *argument, struct options *o) {
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            row_set(&rows[i], argument, o);
}

/* The first row of this name. */
static size_t row_find(const char *name) {
    size_t i = 0;

    while (strcmp(rows[i].name, name) != 0)
        i++;
    return i;
}

/* Of what getopt_long() found: a letter, or the number of a row. */
static const char *option_name(int found) {
    for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
        if (letters[i].letter == found)
            return letters[i].name;
    return rows[found].name;
}

static char option_letter(const char *name) {
    for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
        if (strcmp(letters[i].name, name) == 0)
            return letters[i].letter;
    return '\0';
}

bool option_takes_next(const struct option_row *row) {
    return row->argument && row->kind != OPTION_KIND_MAYBE;
}

static void build_long_options(struct option ret[static ARRAY_SIZE(rows) + 1]) {
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        ret[i] = (struct option){ .name = rows[i].name,
                                  .has_arg = option_takes_next(&rows[i]) ? required_argument
                                             : rows[i].argument          ? optional_argument
                                                                         : no_argument,
                                  .val = (int)row_find(rows[i].name) };
    ret[ARRAY_SIZE(rows)] = (struct option){ 0 };
}

enum status options_parse(int argc, char **argv, struct options *ret) {
    struct option long_options[ARRAY_SIZE(rows) + 1];
    struct options o = { .socket = INTERFACE_SOCKET, .site = FILES_SITE };
    int found;

    build_long_options(long_options);
    optind = 0; /* glibc: begin anew */
    o.words = calloc((size_t)argc + 1, sizeof(*o.words));
    if (!o.words)
        abort();
    while ((found = getopt_long(argc, argv, LETTERS, long_options, NULL)) >= 0) {
        if (found == '?') {
            fprintf(stderr, "  try: portd-ctl VERB --help\n");
            options_clear(&o);
            return STATUS_USAGE;
        }
        option_set(option_name(found), optarg, &o);
    }
    while (optind < argc)
        o.words[o.n_words++] = argv[optind++];
    *ret = o;
    return STATUS_FINE;
}

void options_clear(struct options *o) {
    free(o->policy_dirs.items);
    free(o->hosts.items);
    free(o->words);
}

/* The bits of all rows of this name. */
static unsigned option_bits(const char *name) {
    unsigned bits = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            bits |= rows[i].bit;
    return bits;
}

const char *options_stranger(const struct options *o, unsigned allowed) {
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].bit & o->given && !(option_bits(rows[i].name) & allowed))
            return rows[i].name;
    return NULL;
}

const struct option_row *option_next(const struct option_row *row, unsigned allowed) {
    for (row = row ? row + 1 : rows; row < rows + ARRAY_SIZE(rows); row++)
        if (!row->bit || row->bit & allowed)
            return row;
    return NULL;
}

static const struct option_row *option_find_name(const char *name, size_t n, unsigned allowed) {
    const struct option_row *row = NULL;

    while ((row = option_next(row, allowed)))
        if (strlen(row->name) == n && strncmp(row->name, name, n) == 0)
            return row;
    return NULL;
}

const struct option_row *option_find(const char *word, size_t n, unsigned allowed) {
    const char *name = word + 2;

    if (n == 2 && word[0] == '-' && word[1] != '-') {
        for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
            if (letters[i].letter == word[1])
                return option_find_name(letters[i].name, strlen(letters[i].name), allowed);
        return NULL;
    }
    return n > 2 && strncmp(word, "--", 2) == 0 ? option_find_name(name, n - 2, allowed) : NULL;
}

void options_help(unsigned allowed, FILE *f) {
    const struct option_row *row = NULL;

    while ((row = option_next(row, allowed))) {
        char letter = option_letter(row->name);
        int used;

        used = letter ? fprintf(f, "  -%c, ", letter) : fprintf(f, "  ");
        used += fprintf(f, "--%s", row->name);
        if (row->argument)
            used += fprintf(f, option_takes_next(row) ? " %s" : "[=%s]", row->argument);
        fprintf(f, "%*s%s\n", used < 23 ? 23 - used : 1, "", row->help);
    }
}
