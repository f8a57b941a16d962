/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of the daemon: what a reload would do here. From files: what another site file would do to any
 * host of it, or to all. */
#include "client.h"
#include "failure.h"
#include "offline.h"
#include "print.h"
#include "screen.h"
#include "session.h"

#include "engine/gaps.h"
#include "engine/preview.h"
#include "varlink/interface.h"

#include <string.h>

#define GAPS_SHOWN 50U

static enum status ask_daemon(const struct options *o) {
    json_t *answer = json_object();
    enum status status;

    if (session_add(o, answer) < 0)
        return failure_memory();
    status = client_ask(o, INTERFACE_PORTD ".Plan", answer, &answer);
    if (status != STATUS_FINE)
        return status;
    if (o->json)
        print_json(answer, false);
    else
        print_plan(answer);
    status = json_is_true(json_object_get(answer, "needs_force")) ? STATUS_ODD : STATUS_FINE;
    json_decref(answer);
    return status;
}

/* --- from files --- */

struct sites {
    struct loaded then, now;
};

static enum status sites_load(const struct options *o, struct sites *ret) {
    struct options before = *o;
    enum status status;

    before.site = o->against ? o->against : FILES_SITE;
    status = offline_load(o, true, &ret->now);
    return status == STATUS_FINE ? offline_load(&before, true, &ret->then) : status;
}

static size_t n_hosts(const struct loaded *l) {
    return l->site ? l->site->n_hosts : 0;
}

static bool has_host(const struct loaded *l, const char *name) {
    for (size_t i = 0; i < n_hosts(l); i++)
        if (strcmp(l->site->hosts[i].name, name) == 0)
            return true;
    return false;
}

/* NULL where the site doesn't have the host. */
static enum status intent_of(const struct options *o, const struct loaded *l, const char *host,
                             struct intent **ret) {
    struct options one = *o;

    one.host = host;
    *ret = NULL;
    return has_host(l, host) ? offline_intent(&one, l, ret) : STATUS_FINE;
}

static enum status host_add(const struct options *o, const struct sites *s, const char *host,
                            json_t *hosts) {
    _cleanup_(intent_freep) struct intent *then = NULL, *now = NULL;
    enum status status = intent_of(o, &s->then, host, &then);

    if (status == STATUS_FINE)
        status = intent_of(o, &s->now, host, &now);
    if (status == STATUS_FINE && json_array_append_new(hosts, preview_json(then, now)) < 0)
        return failure_memory();
    return status;
}

static enum status all_add(const struct options *o, const struct sites *s, json_t *hosts) {
    enum status status = STATUS_FINE;

    for (size_t i = 0; i < n_hosts(&s->now) && status == STATUS_FINE; i++)
        status = host_add(o, s, s->now.site->hosts[i].name, hosts);
    for (size_t i = 0; i < n_hosts(&s->then) && status == STATUS_FINE; i++)
        if (!has_host(&s->now, s->then.site->hosts[i].name))
            status = host_add(o, s, s->then.site->hosts[i].name, hosts);
    return status;
}

/* --host, or this machine by its hostname, in either site. */
static enum status one_add(const struct options *o, const struct sites *s, json_t *hosts) {
    _cleanup_(intent_freep) struct intent *self = NULL;
    enum status status;

    if (o->host && has_host(&s->then, o->host))
        return host_add(o, s, o->host, hosts);
    status = offline_intent(o, &s->now, &self);
    return status == STATUS_FINE ? host_add(o, s, self->self.name, hosts) : status;
}

static void print_hosts(json_t *hosts) {
    json_t *planned;
    size_t i, n = 0;

    json_array_foreach(hosts, i, planned) {
        const char *presence = member_text(planned, "presence");

        if (preview_is_empty(planned))
            continue;
        printf("%s%s%s\n", member_text(planned, "host"), *presence ? ": " : "",
               !*presence                       ? ""
               : strcmp(presence, "added") == 0 ? "the site before it doesn't have it"
                                                : "this site doesn't have it any more");
        print_planned(planned, "  ");
        n++;
    }
    if (n == 0)
        printf("nothing is opened or closed on any of %zu host%s\n", i, i == 1 ? "" : "s");
}

static enum status gaps_add(const struct loaded *l, json_t *answer) {
    _cleanup_(gaps_freep) struct gaps *gaps = NULL;

    if (gaps_find(loaded_policies(l), l->n_policies, l->site, &gaps) < 0 ||
        json_object_set_new(answer, "one_ended", gaps_json(gaps)) < 0)
        return failure_memory();
    return STATUS_FINE;
}

static void print_answer(json_t *answer) {
    json_t *gaps = json_object_get(answer, "one_ended");
    size_t i, n = json_array_size(gaps);

    print_hosts(json_object_get(answer, "hosts"));
    if (n > 0)
        printf("open on one end and closed on the other:\n");
    for (i = 0; i < n && i < GAPS_SHOWN; i++)
        printf("  %s\n", member_text(json_array_get(gaps, i), "text"));
    if (n > i)
        printf("  and %zu more: --json has all\n", n - i);
}

static enum status answer_fill(const struct options *o, const struct sites *s, json_t *answer) {
    json_t *hosts = json_object_get(answer, "hosts");
    enum status status = o->all_hosts ? all_add(o, s, hosts) : one_add(o, s, hosts);

    return status == STATUS_FINE && o->all_hosts ? gaps_add(&s->now, answer) : status;
}

static enum status ask_files(const struct options *o) {
    json_t *answer = json_pack("{s:[]}", "hosts");
    struct sites s = { 0 };
    enum status status = answer ? sites_load(o, &s) : failure_memory();

    if (status == STATUS_FINE)
        status = answer_fill(o, &s, answer);
    if (status == STATUS_FINE && o->json) {
        print_json(answer, false);
    } else if (status == STATUS_FINE) {
        screen_make_safe(answer);
        print_answer(answer);
    }
    if (status == STATUS_FINE && json_array_size(json_object_get(answer, "one_ended")) > 0)
        status = STATUS_ODD;
    loaded_clear(&s.then);
    loaded_clear(&s.now);
    json_decref(answer);
    return status;
}

enum status verb_plan(const struct options *o, const char *const *words _unused_,
                      size_t n_words _unused_) {
    bool is_offline = o->offline || o->all_hosts;

    if (!is_offline && (o->given & (OPTION_FILES | OPTION_AGAINST))) {
        fprintf(stderr, "portd-ctl: --site, --against, --policy-dir and --host go with --offline "
                        "or --all-hosts: the daemon loads its own files\n");
        return STATUS_USAGE;
    }
    if (is_offline && o->remote) {
        fprintf(
            stderr,
            "portd-ctl: --offline, --all-hosts and --remote exclude each other: files are read on "
            "this host\n");
        return STATUS_USAGE;
    }
    if (o->all_hosts && o->host) {
        fprintf(stderr, "portd-ctl: --host is one host, --all-hosts are all: choose one\n");
        return STATUS_USAGE;
    }
    return is_offline ? ask_files(o) : ask_daemon(o);
}
