/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets are only added up when they come; what they mean is found out when somebody asks, and
 * kept with the entry until the rules change. How many there were in truth, the rules' own
 * counters know: the difference is what was lost on the way. */
#include "daemon/denied.h"

#include "daemon/clock.h"
#include "daemon/denials.h"
#include "daemon/observation.h"
#include "daemon/reader.h"
#include "daemon/reasons.h"
#include "daemon/warnings.h"
#include "engine/jsonlist.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Between two looks at the counters for nobody, so that a table that begins anew costs little. */
#define SAMPLE_USEC ((uint64_t)10 * 1000000)
/* Between two pieces of news for those who follow. */
#define NEWS_USEC ((uint64_t)500 * 1000)

/* A counter of the rules, which begins anew with the table. */
struct tally {
    bool is_known;
    uint64_t last, total;
};

struct denied {
    struct reader *reader;
    struct denials *denials;
    struct observation observation;
    struct manager *manager;                /* since denied_attach() */
    sd_event_source *news;                  /* tells those who follow */
    bool is_news;                           /* the timer runs */
    uint64_t told_usec;                     /* CLOCK_REALTIME: what was seen since is news */
    struct tally tallies[DIRECTION_MAX][2]; /* denied, and passed: in audit mode */
    uint64_t sampled_usec;                  /* CLOCK_MONOTONIC */
    uint64_t read, missed, crowded, unread; /* packets */
};

static void tally_add(struct tally *t, uint64_t now) {
    if (t->is_known)
        t->total += now < t->last ? now : now - t->last;
    t->is_known = true;
    t->last = now;
}

/* Without a table nothing counts, and the next one begins with zero. */
static void sample(struct denied *d) {
    _cleanup_(ruleset_freep) struct ruleset *have = NULL;

    d->sampled_usec = clock_monotonic();
    if (kernel_read_counters(d->manager->kernel, &have) != 0)
        return;
    for (enum direction i = 0; i < DIRECTION_MAX; i++)
        for (size_t j = 0; j < ARRAY_SIZE(d->tallies[i]); j++) {
            char name[32];
            const struct counter *c;

            snprintf(name, sizeof(name), "%s/%s", j ? "audit" : "denied", direction_name(i));
            c = ruleset_counter(have, name);
            tally_add(&d->tallies[i][j], c ? c->packets : 0);
        }
}

/* What the rules counted and did not log, because so many came at once. */
static uint64_t unlogged(const struct denied *d) {
    uint64_t logged = d->read + d->missed + d->crowded + d->unread, counted = 0;

    for (enum direction i = 0; i < DIRECTION_MAX; i++)
        counted += d->tallies[i][0].total + d->tallies[i][1].total;
    return counted > logged ? counted - logged : 0;
}

static int news_later(struct denied *d) {
    if (d->is_news || !server_has_watchers(d->manager->server, TOPIC_DENIED))
        return 0;
    d->is_news = true;
    d->told_usec = clock_realtime();
    if (sd_event_source_set_time_relative(d->news, NEWS_USEC) < 0)
        return -1;
    return sd_event_source_set_enabled(d->news, SD_EVENT_ONESHOT);
}

static void take(void *userdata, const struct record *r) {
    struct denied *d = userdata;

    if (r->type == RECORD_LOSSES) {
        d->missed += r->losses.missed;
        d->crowded += r->losses.crowded;
        d->unread += r->losses.unread;
        return;
    }
    (void)news_later(d);
    d->read += r->packets;
    denials_add(d->denials, &r->key, r->packets, clock_realtime());
    observation_take(&d->observation, &r->key, clock_realtime());
    if (clock_monotonic() > d->sampled_usec + SAMPLE_USEC)
        sample(d);
}

int denied_new(int program, struct denied **ret) {
    _cleanup_(denied_freep) struct denied *d = calloc(1, sizeof(*d));
    int r;

    if (!d) {
        fd_close(program);
        return -ENOMEM;
    }
    r = reader_new(program, take, d, &d->reader);
    if (r == 0)
        r = denials_new(&d->denials);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(d);
    return 0;
}

struct denied *denied_free(struct denied *d) {
    if (!d)
        return NULL;
    reader_free(d->reader);
    denials_free(d->denials);
    observation_clear(&d->observation);
    sd_event_source_disable_unref(d->news);
    free(d);
    return NULL;
}

bool denied_can_log(const struct denied *d) {
    return reader_state_get(d->reader) != READER_UNSUPPORTED;
}

static json_t *counts_json(const struct denied *d) {
    uint64_t missed = d->missed + d->crowded;

    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "read", (json_int_t)d->read, "unlogged",
                     (json_int_t)unlogged(d), "missed", (json_int_t)missed, "unread",
                     (json_int_t)d->unread, "forgotten", (json_int_t)denials_forgotten(d->denials));
}

static json_t *reader_json(const struct denied *d) {
    return json_pack("{s:s, s:I, s:I}", "state", reader_state_name(reader_state_get(d->reader)),
                     "restarts", (json_int_t)reader_restarts(d->reader), "rejected",
                     (json_int_t)reader_rejected(d->reader));
}

static json_t *reply(struct denied *d, json_t *denials) {
    sample(d);
    return json_pack("{s:o, s:o, s:o}", "denials", denials, "packets", counts_json(d), "reader",
                     reader_json(d));
}

static bool is_asked(const struct denial *i, const struct denied_query *q) {
    return !q->has_would || i->key.would == q->would;
}

/* The newest first; the list is sorted by time. */
static json_t *rows(struct denied *d, const struct denied_query *q) {
    struct reasons reasons;
    json_t *array = json_array();
    int r = reasons_open(d->manager, &reasons);

    for (struct denial *i = denials_newest(d->denials);
         array && r == 0 && i && i->last_usec >= q->since_usec; i = denials_older(d->denials, i))
        if (is_asked(i, q))
            r = json_array_append_new(array, denial_json(&reasons, i));
    reasons_close(&reasons);
    return json_whole(array, r);
}

json_t *denied_reply(struct manager *m, const struct denied_query *q) {
    return reply(m->denied, rows(m->denied, q));
}

static int on_news(sd_event_source *s, uint64_t usec, void *userdata) {
    struct denied *d = userdata;
    const struct denied_query q = { .since_usec = d->told_usec };

    (void)s;
    (void)usec;
    d->is_news = false;
    if (server_has_watchers(d->manager->server, TOPIC_DENIED))
        server_broadcast(d->manager->server, TOPIC_DENIED, reply(d, rows(d, &q)));
    return 0;
}

int denied_attach(struct manager *m) {
    struct denied *d = m->denied;
    int r;

    d->manager = m;
    sample(d);
    r = sd_event_add_time(m->event, &d->news, CLOCK_MONOTONIC, 0, 0, on_news, d);
    if (r >= 0)
        r = sd_event_source_set_enabled(d->news, SD_EVENT_OFF);
    return r < 0 ? r : reader_attach(d->reader, m->event);
}

json_t *denied_recently(const struct manager *m) {
    struct denials_recent recent;

    denials_recent(m->denied->denials, clock_realtime(), &recent);
    return json_pack("{s:I, s:I, s:I, s:I}", "packets", (json_int_t)recent.packets[0], "addresses",
                     (json_int_t)recent.addresses[0], "would_packets",
                     (json_int_t)recent.packets[1], "would_addresses",
                     (json_int_t)recent.addresses[1]);
}

void denied_observe(const struct manager *m) {
    observation_update(&m->denied->observation, m);
}

json_t *denied_audit(const struct manager *m) {
    return observation_json(&m->denied->observation, m, m->denied->denials);
}

int denied_warn(const struct manager *m, json_t *warnings) {
    const struct reader *reader = m->denied->reader;

    switch (reader_state_get(reader)) {
    case READER_RUNS:
    case READER_WAITS:
        if (reader_keeps_ending(reader))
            return warning_add(warnings, "denied-ends", "journalctl -u portd",
                               "portd-denied keeps ending, and is started anew: not all that was "
                               "denied is listed");
        break;
    case READER_STATE_MAX:
        break;
    case READER_BUSY:
        return warning_add(warnings, "denied-busy", "stop whoever reads them (ulogd, tcpdump)",
                           "another program reads the log groups %u or %u: what was denied can't "
                           "be listed",
                           PORTD_LOG_GROUP, PORTD_LOG_GROUP_WOULD);
    case READER_UNSUPPORTED:
        return warning_add(warnings, "denied-unsupported",
                           "modprobe nfnetlink_log, then portd-ctl reload",
                           "this kernel has no nfnetlink_log: what was denied is counted, but "
                           "can't be listed");
    case READER_MISSING:
        return warning_add(warnings, "denied-missing", "install portd-denied, then restart portd",
                           "there is no portd-denied: what was denied can't be listed");
    case READER_FAILS:
        return warning_add(warnings, "denied-fails", "journalctl -u portd",
                           "what was denied can't be listed: %s", strerror(-reader_error(reader)));
    }
    return 0;
}
