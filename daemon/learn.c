/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in force meanwhile is the policy in mode audit: every packet goes through connection
 * tracking and the same chains, and only the ends of the deny chains change afterwards. */
#include "daemon/learn.h"

#include "daemon/clock.h"
#include "daemon/denied.h"
#include "daemon/log.h"
#include "daemon/warnings.h"
#include "nft/conntrack.h"

#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <string.h>

/* After the kernel refused the rules that deny. */
#define RETRY_USEC ((uint64_t)1000 * 1000)

/* Whether anybody can be connected: an interface besides loopback carries packets. */
static int has_network(void) {
    struct ifaddrs *all, *i;
    bool found = false;

    if (getifaddrs(&all) < 0)
        return -errno;
    for (i = all; i && !found; i = i->ifa_next)
        found = (i->ifa_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING) &&
                !(i->ifa_flags & IFF_LOOPBACK);
    freeifaddrs(all);
    return found;
}

/* How many connections of local sockets connection tracking knows now, and who began each. Those
 * that it can't be told of it learns from their packets, and takes the first sender for who began:
 * mostly it is. */
static size_t make_known(void) {
    struct open_connections open = { 0 };
    size_t n = 0;
    int r = sockdiag_read(&open);

    if (r == 0)
        r = conntrack_add(&open, &n);
    if (r < 0)
        log_warn("connection tracking can't be told of the connections that are open: %s; they are "
                 "learned from their packets",
                 strerror(-r));
    open_connections_clear(&open);
    return n;
}

int learn_begin(struct manager *m) {
    int r;

    if (m->options.learn_usec == 0)
        return 0;
    r = kernel_owner(m->kernel, PORTD_TABLE, &(uint32_t){ 0 }, &(uint32_t){ 0 });
    if (r != 0)
        return r < 0 ? r : 0;
    r = has_network();
    if (r <= 0)
        return r;
    m->learn_until_usec = clock_monotonic() + m->options.learn_usec;
    log_info("the first rules on a running host: %zu connections are open, and for %" PRIu64
             " s nothing is denied",
             make_known(), m->options.learn_usec / 1000000);
    return 0;
}

int learn_compile(const struct manager *m, const struct enforced *e, struct ruleset **ret) {
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;
    struct intent meant = *e->intent;
    int r;

    for (enum direction d = 0; m->learn_until_usec && d < DIRECTION_MAX; d++)
        if (meant.modes[d] == MODE_ENFORCE)
            meant.modes[d] = MODE_AUDIT;
    meant.is_mute = !denied_can_log(m->denied);
    r = policy_compile(&meant, &m->names, &rules);
    if (r == 0)
        r = grants_put(&m->grants, rules);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(rules);
    return 0;
}

static int again(struct manager *m) {
    int r = sd_event_source_set_time(m->learn_source, clock_monotonic() + RETRY_USEC);

    return r < 0 ? r : sd_event_source_set_enabled(m->learn_source, SD_EVENT_ONESHOT);
}

static int learn_end(struct manager *m, struct report *reterr) {
    _cleanup_(ruleset_freep) struct ruleset *next = NULL;
    struct reconciled done = { 0 };
    uint64_t until = m->learn_until_usec;
    int r;

    m->learn_until_usec = 0;
    r = learn_compile(m, m->enforced, &next);
    if (r == 0)
        r = seal_reconcile(m, next, NULL, &done, reterr);
    if (r == 0) {
        ruleset_free(m->enforced->rules);
        m->enforced->rules = TAKE_PTR(next);
        m->kernel_generation = done.generation;
        m->names_dirty = false;
    } else {
        m->learn_until_usec = until;
    }
    reconciled_clear(&done);
    return r;
}

static int on_learned(sd_event_source *s, uint64_t usec, void *userdata) {
    struct manager *m = userdata;
    struct report why = REPORT_INIT;
    int r = 0;

    (void)s;
    (void)usec;
    if (m->is_off || m->seal.unsealed_until_usec)
        return again(m);
    if (m->learn_until_usec)
        r = learn_end(m, &why);
    if (r != 0) {
        log_error("the connections are learned, but the rules can't be put in force");
        log_report(LOG_ERR, &why);
        report_clear(&why);
        return again(m);
    }
    log_info("the connections are learned: from now on portd denies");
    manager_announce(m);
    return 0;
}

int learn_attach(struct manager *m) {
    int r = sd_event_add_time(m->event, &m->learn_source, CLOCK_MONOTONIC, m->learn_until_usec, 0,
                              on_learned, m);

    if (r < 0 || m->learn_until_usec)
        return r;
    return sd_event_source_set_enabled(m->learn_source, SD_EVENT_OFF);
}

int learn_warn(const struct manager *m, json_t *warnings) {
    uint64_t now = clock_monotonic();
    uint64_t left = m->learn_until_usec > now ? m->learn_until_usec - now : 0;

    if (!m->learn_until_usec)
        return 0;
    return warning_add(warnings, "learning", "portd-ctl watch",
                       "the connections that are open are being learned for %" PRIu64
                       " s more: nothing is denied yet",
                       (left + 999999) / 1000000);
}
