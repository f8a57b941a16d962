/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inotify(7) says when to look, what is there is always read anew: so it makes no difference how an
 * editor replaces a file, whether a directory is made first, or an event gets lost. A file that is
 * a link to elsewhere changes without an event: that is what the periodic look is for. */
#include "daemon/disk.h"

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/warnings.h"
#include "engine/text.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

#define SETTLE_USEC ((uint64_t)200 * 1000)
#define EVERY_USEC  ((uint64_t)60 * 1000000)
/* Of the time, for looking, however large the files are. */
#define SHARE 20U
/* A name comes, goes, or gets another content. */
#define EVENTS                                                                                     \
    (IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ATTRIB |            \
     IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct disk {
    sd_event *event;
    sd_event_source *timer, *watch;
    const struct input *input;
    const struct stamps *loaded;
    char **lines; /* what differs; NULL: nothing */
    size_t n_lines;
    uint64_t since_usec; /* CLOCK_REALTIME, since when it does */
    uint64_t looked_usec, took_usec;
};

/* Watches a directory, or, until it is there, whatever it will be made in. */
static void watch_directory(int fd, const char *path) {
    _cleanup_(freep) char *at = strdup(path);

    while (at && inotify_add_watch(fd, at, EVENTS) < 0 && errno == ENOENT && strcmp(at, "/") != 0 &&
           strcmp(at, ".") != 0) {
        char *above = strdup(dirname(at));

        free(at);
        at = above;
    }
}

static void watch_site(int fd, const char *site) {
    _cleanup_(freep) char *copy = strdup(site), *drop_ins = files_drop_in_dir(site);

    if (copy)
        watch_directory(fd, dirname(copy));
    if (drop_ins)
        watch_directory(fd, drop_ins);
}

static int look_at(struct disk *d, uint64_t usec) {
    int r = sd_event_source_set_time(d->timer, usec);

    return r < 0 ? r : sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT);
}

/* One event is as good as many. */
static int on_event(sd_event_source *s, int fd, uint32_t events, void *userdata) {
    struct disk *d = userdata;
    uint64_t settled = clock_monotonic() + SETTLE_USEC;
    uint64_t due = d->looked_usec + d->took_usec * SHARE;

    (void)fd;
    (void)events;
    (void)sd_event_source_set_enabled(s, SD_EVENT_OFF);
    return look_at(d, due > settled ? due : settled);
}

/* Of the directories that there are now. Without it there is the periodic look. */
static int watch_again(struct disk *d) {
    _cleanup_(closep) int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int r;

    d->watch = sd_event_source_disable_unref(d->watch);
    if (fd < 0)
        return -errno;
    for (size_t i = 0; i < d->input->n_policy_dirs; i++)
        watch_directory(fd, d->input->policy_dirs[i]);
    watch_site(fd, d->input->site);
    r = sd_event_add_io(d->event, &d->watch, fd, EPOLLIN, on_event, d);
    if (r < 0)
        return r;
    (void)sd_event_source_set_io_fd_own(d->watch, true);
    (void)TAKE_FD(fd);
    return sd_event_source_set_priority(d->watch, SD_EVENT_PRIORITY_IDLE);
}

static bool is_known(const struct disk *d, const char *line) {
    for (size_t i = 0; i < d->n_lines; i++)
        if (strcmp(d->lines[i], line) == 0)
            return true;
    return false;
}

static void log_news(const struct disk *d, char *const *lines, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!is_known(d, lines[i]))
            log_info("%s on disk; to load the files: portd-ctl reload", lines[i]);
}

/* Files that can't be read are as good as gone. */
static int compare(const struct disk *d, char ***ret, size_t *ret_n) {
    _cleanup_(files_freep) struct files *files = NULL;
    _cleanup_(report_clear) struct report ignored = REPORT_INIT;
    struct stamps now = { 0 };
    int r = files_read(d->input->site, d->input->policy_dirs, d->input->n_policy_dirs, &files,
                       &ignored);

    if (r < 0)
        return r;
    r = stamps_take(files, &now);
    if (r == 0)
        r = stamps_compare(d->loaded, &now, ret, ret_n);
    stamps_clear(&now);
    return r;
}

static int look(struct disk *d) {
    _cleanup_(lines_freep) char **lines = NULL;
    size_t n = 0;
    int r;

    d->looked_usec = clock_monotonic();
    r = compare(d, &lines, &n);
    d->took_usec = clock_monotonic() - d->looked_usec;
    if (r < 0)
        return r;
    log_news(d, lines, n);
    if (n == 0 || d->n_lines == 0)
        d->since_usec = clock_realtime();
    lines_free(d->lines);
    d->lines = TAKE_PTR(lines);
    d->n_lines = n;
    return 0;
}

/* The watch first: what changes behind the look makes an event. */
static int on_time(sd_event_source *s, uint64_t usec, void *userdata) {
    struct disk *d = userdata;
    int r = watch_again(d);

    (void)s;
    (void)usec;
    if (r >= 0)
        r = look(d);
    if (r < 0)
        log_warn("whether the files changed on disk can't be told: %s", strerror(-r));
    return look_at(d, clock_monotonic() + EVERY_USEC);
}

int disk_new(sd_event *event, const struct input *input, const struct stamps *loaded,
             struct disk **ret) {
    _cleanup_(disk_freep) struct disk *d = calloc(1, sizeof(*d));
    int r;

    if (!d)
        return -ENOMEM;
    d->event = sd_event_ref(event);
    d->input = input;
    d->loaded = loaded;
    r = sd_event_add_time(event, &d->timer, CLOCK_MONOTONIC, clock_monotonic(), 0, on_time, d);
    if (r >= 0)
        r = sd_event_source_set_priority(d->timer, SD_EVENT_PRIORITY_IDLE);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(d);
    return 0;
}

struct disk *disk_free(struct disk *d) {
    if (!d)
        return NULL;
    sd_event_source_disable_unref(d->timer);
    sd_event_source_disable_unref(d->watch);
    sd_event_unref(d->event);
    lines_free(d->lines);
    free(d);
    return NULL;
}

void disk_loaded(struct disk *d, const struct stamps *loaded) {
    d->loaded = loaded;
    if (look(d) < 0)
        (void)look_at(d, clock_monotonic());
}

static const char *age_text(uint64_t usec, char buf[static 32]) {
    uint64_t s = usec / 1000000;

    if (s < 120)
        snprintf(buf, 32, "%" PRIu64 " s", s);
    else if (s < 7200)
        snprintf(buf, 32, "%" PRIu64 " min", s / 60);
    else
        snprintf(buf, 32, "%" PRIu64 " h", s / 3600);
    return buf;
}

int disk_warn(const struct disk *d, json_t *warnings) {
    uint64_t now = clock_realtime();
    char age[32];

    if (d->n_lines == 0)
        return 0;
    age_text(now > d->since_usec ? now - d->since_usec : 0, age);
    if (d->n_lines == 1)
        return warning_add(warnings, "changed-on-disk", "portd-ctl reload",
                           "%s on disk %s ago, which is not loaded", d->lines[0], age);
    return warning_add(warnings, "changed-on-disk", "portd-ctl reload",
                       "%s on disk, and %zu more, the first %s ago, which is not loaded",
                       d->lines[0], d->n_lines - 1, age);
}
