/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two sides share the newest lines under one lock: the loop adds, the thread writes what was added
 * since it wrote last. The files are the thread's alone, but for reading them to verify. Since the
 * newest lines are all in memory, whatever happens to the file is put right by writing it anew. */
#include "daemon/history.h"

#include "daemon/history_file.h"
#include "daemon/log.h"
#include "engine/jsonlist.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Between two attempts to write while the disk refuses. */
#define RETRY_SEC 10

struct history {
    struct history_file file;
    pthread_t thread;
    bool has_thread;

    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t wake;  /* something was added, or is_ending */
    bool is_ending;
    char *lines[HISTORY_KEPT]; /* a ring: the line of number n is at n % HISTORY_KEPT */
    size_t n_lines;
    struct chain_link newest;
    struct chain_link written; /* the newest that is on disk */
    bool is_writing;
    int error;   /* of the last attempt to write; 0: none */
    char *fault; /* what was found changed; NULL: nothing */
};

static char **slot(struct history *h, uint64_t number) {
    return &h->lines[number % HISTORY_KEPT];
}

static uint64_t oldest(const struct history *h) {
    return h->newest.number - h->n_lines + 1;
}

static void keep(struct history *h, char *line, const struct chain_link *at) {
    char **to = slot(h, at->number);

    free(*to);
    *to = line;
    h->newest = *at;
    if (h->n_lines < HISTORY_KEPT)
        h->n_lines++;
}

/* --- the thread --- */

struct batch {
    char *text;
    size_t size, n;
    struct chain_link end;
};

/* The lines from `first` on; with the lock. */
static int batch_fill(struct history *h, uint64_t first, struct batch *ret) {
    struct batch b = { .end = h->newest };
    FILE *f = open_memstream(&b.text, &b.size);

    if (!f)
        return -ENOMEM;
    for (uint64_t i = first; i <= h->newest.number; i++, b.n++)
        fputs(*slot(h, i), f);
    if (fclose(f) != 0) {
        free(b.text);
        return -ENOMEM;
    }
    *ret = b;
    return 0;
}

static void fault_set(struct history *h, const char *text) {
    free(h->fault);
    h->fault = strdup(text);
    log_event(LOG_ERR, LOG_ID_HISTORY, NULL, 0, "%s", text);
}

/* Whether the next lines can be appended; otherwise all are written anew. */
static bool can_append(const struct history *h, bool is_ours) {
    return is_ours && oldest(h) <= h->written.number + 1 &&
           h->file.n_lines + (h->newest.number - h->written.number) <=
               HISTORY_KEPT + HISTORY_EXCESS;
}

/* What became of a batch. */
struct outcome {
    bool is_written; /* its lines are on disk, whatever else failed */
    bool was_changed;
    int error;
};

/* Without the lock. */
static struct outcome batch_write(struct history_file *f, const struct batch *b, bool appends) {
    struct outcome o = { 0 };

    if (!appends)
        o.error = history_file_replace(f, b->text, b->size, b->n, &o.was_changed);
    else if (b->n > 0)
        o.error = history_file_append(f, b->text, b->size, b->n);
    o.is_written = o.error == 0;
    if (o.is_written)
        o.error = history_file_end(f, &b->end);
    return o;
}

static void note_outcome(struct history *h, const struct batch *b, const struct outcome *o) {
    if (o->is_written)
        h->written = b->end;
    if (o->error != 0 && o->error != h->error)
        log_warn("the history of drifts can't be saved: %s; it is kept in memory and tried again",
                 strerror(-o->error));
    h->error = o->error;
    if (o->was_changed)
        fault_set(h, "the history of drifts was changed or removed while portd ran; what was there "
                     "is kept as " HISTORY_FILE ".damaged, and the newest were written again");
}

/* With the lock, which is let go meanwhile. */
static void write_news(struct history *h) {
    struct outcome o = { 0 };
    struct batch b = { 0 };
    bool is_ours, appends;

    h->is_writing = true;
    pthread_mutex_unlock(&h->lock);
    is_ours = history_file_is_ours(&h->file);
    pthread_mutex_lock(&h->lock);
    appends = can_append(h, is_ours);
    o.error = batch_fill(h, appends ? h->written.number + 1 : oldest(h), &b);
    pthread_mutex_unlock(&h->lock);
    if (o.error == 0)
        o = batch_write(&h->file, &b, appends);
    pthread_mutex_lock(&h->lock);
    h->is_writing = false;
    note_outcome(h, &b, &o);
    free(b.text);
}

static void wait_for_news(struct history *h) {
    struct timespec until;

    if (h->error == 0) {
        pthread_cond_wait(&h->wake, &h->lock);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += RETRY_SEC;
    pthread_cond_timedwait(&h->wake, &h->lock, &until);
}

static void *history_thread(void *userdata) {
    struct history *h = userdata;

    pthread_mutex_lock(&h->lock);
    for (;;) {
        bool is_last = h->is_ending;

        if (h->written.number != h->newest.number || h->error != 0)
            write_news(h);
        if (is_last)
            break;
        if (!h->is_ending && (h->error != 0 || h->written.number == h->newest.number))
            wait_for_news(h);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

/* Signals are the loop's. */
static int thread_start(struct history *h) {
    sigset_t all, old;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&h->thread, NULL, history_thread, h);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    h->has_thread = r == 0;
    return -r;
}

/* --- what is there at the start --- */

static bool has_changes(json_t *record) {
    json_t *changes = json_object_get(record, "changes"), *item;
    size_t i;

    json_array_foreach(changes, i, item) if (!json_is_string(item)) return false;
    return json_is_array(changes);
}

json_t *history_line_json(const char *line, size_t size) {
    static const struct {
        const char *name;
        bool is_text;
    } members[] = {
        { "number", false },        { "previous", true },
        { "chain", true },          { "time", true },
        { "command", true },        { "unit", true },
        { "command_line", true },   { "parent_command", true },
        { "parent_unit", true },    { "parent_command_line", true },
        { "pid", false },           { "uid", false },
        { "login_uid", false },     { "parent_pid", false },
        { "repaired_usec", false },
    };
    json_t *record = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        json_t *value = json_object_get(record, members[i].name);

        if (!value)
            continue;
        if (members[i].is_text ? !json_is_string(value) : !json_is_integer(value))
            break;
        n++;
    }
    if (json_object_get(record, "time") && has_changes(record) && json_object_size(record) == n + 1)
        return record;
    json_decref(record);
    return NULL;
}

/* Keeps the newest lines of a file that was checked. */
static int take_lines(struct history *h, const struct file *content,
                      const struct chain_check *check) {
    const char *p = content->bytes;
    struct chain_link at = chain_begin(check->n_lines ? check->first - 1 : check->last.number);

    for (size_t i = 0; i < check->n_lines; i++) {
        const char *newline = memchr(p, '\n', (size_t)(content->bytes + check->n_bytes - p));
        json_t *record = history_line_json(p, (size_t)(newline - p));
        char *line = record ? strndup(p, (size_t)(newline - p) + 1) : NULL;

        json_decref(record);
        if (!line)
            return record ? -ENOMEM : FILE_E_REFUSED;
        at.number++;
        keep(h, line, &at);
        p = newline + 1;
    }
    h->newest = h->written = check->last;
    return 0;
}

static void forget(struct history *h) {
    for (size_t i = 0; i < HISTORY_KEPT; i++) {
        free(h->lines[i]);
        h->lines[i] = NULL;
    }
    h->n_lines = 0;
}

/* Begins anew behind the newest number that was ever told. */
static int begin_anew(struct history *h, const struct chain_check *check, uint64_t end) {
    _cleanup_(freep) char *text = NULL;
    int r;

    forget(h);
    h->newest = h->written = chain_begin(check->last.number > end ? check->last.number : end);
    r = history_file_set_aside(&h->file, &h->newest);
    if (asprintf(&text,
                 "the history of drifts was damaged or changed, at line %zu: %s; what was there is "
                 "kept as " HISTORY_FILE ".damaged, a new one begins at number %" PRIu64,
                 check->n_lines + 1, check->why, h->newest.number + 1) < 0)
        text = NULL;
    fault_set(h, text ? text : "the history of drifts was damaged or changed");
    return r;
}

static int load(struct history *h) {
    struct chain_check check = { 0 };
    struct file content = { 0 };
    uint64_t end = 0;
    int r = history_file_read(&h->file, &content, &check, &end);

    h->newest = h->written = chain_begin(0);
    if (r == FILE_E_ABSENT)
        return 0;
    if (r == 0 && check.verdict != CHAIN_BROKEN)
        r = take_lines(h, &content, &check);
    if (r == FILE_E_REFUSED) {
        check.why = "a line is no drift";
        check.verdict = CHAIN_BROKEN;
    }
    if (r >= 0)
        r = check.verdict == CHAIN_BROKEN ? begin_anew(h, &check, end)
                                          : history_file_adopt(&h->file, &check);
    file_clear(&content);
    return r;
}

static int lock_init(struct history *h) {
    pthread_condattr_t monotonic;
    int r = pthread_mutex_init(&h->lock, NULL);

    if (r != 0)
        return -r;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    r = pthread_cond_init(&h->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return -r;
}

int history_open(const char *state_dir, struct history **ret) {
    struct history *h = calloc(1, sizeof(*h));
    int r;

    if (!h)
        return -ENOMEM;
    r = lock_init(h);
    if (r == 0)
        r = history_file_init(&h->file, state_dir);
    if (r < 0) {
        history_free(h);
        return r;
    }
    h->error = load(h);
    if (h->error < 0)
        log_warn("the history of drifts can't be read or written: %s", strerror(-h->error));
    if (!h->fault && history_file_has_damaged(&h->file))
        h->fault = strdup("an earlier history of drifts was damaged or changed; what was there is "
                          "as " HISTORY_FILE ".damaged");
    *ret = h;
    return 0;
}

struct history *history_free(struct history *h) {
    if (!h)
        return NULL;
    if (h->has_thread) {
        pthread_mutex_lock(&h->lock);
        h->is_ending = true;
        pthread_cond_signal(&h->wake);
        pthread_mutex_unlock(&h->lock);
        pthread_join(h->thread, NULL);
    }
    forget(h);
    pthread_cond_destroy(&h->wake);
    pthread_mutex_destroy(&h->lock);
    history_file_clear(&h->file);
    free(h->fault);
    free(h);
    return NULL;
}

/* --- the loop's side --- */

int history_add(struct history *h, json_t *record, struct chain_link *ret) {
    char *line;
    int r = 0;

    pthread_mutex_lock(&h->lock);
    *ret = h->newest;
    line = chain_line(ret, record);
    if (line)
        keep(h, line, ret);
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
    if (!line)
        return -ENOMEM;
    if (!h->has_thread)
        r = thread_start(h);
    if (r < 0)
        log_warn("the history of drifts can't be saved: no thread for it: %s", strerror(-r));
    return 0;
}

static json_t *record_item(const void *owner, size_t i) {
    const struct history *h = owner;
    const char *line = h->lines[(oldest(h) + i) % HISTORY_KEPT];
    json_t *record = history_line_json(line, strlen(line) - 1);

    if (record)
        (void)json_object_del(record, "previous");
    return record;
}

json_t *history_json(struct history *h) {
    json_t *list;

    pthread_mutex_lock(&h->lock);
    list = json_list(h, h->n_lines, record_item);
    pthread_mutex_unlock(&h->lock);
    return list;
}

/* What portd remembers is a witness that nobody can reach who changes files. */
static void check_memory(const struct file *content, const struct chain_link *written,
                         struct chain_check *check) {
    if (check->verdict != CHAIN_BROKEN)
        chain_check(content->bytes, content->size, written, HISTORY_KEPT, check);
}

static json_t *verification_json(const struct chain_check *c) {
    json_t *o = json_pack("{s:b, s:I, s:I, s:s}", "intact", c->verdict == CHAIN_INTACT, "entries",
                          (json_int_t)c->n_lines, "number", (json_int_t)c->last.number, "chain",
                          c->last.digest);
    int r = 0;

    if (c->verdict == CHAIN_INTACT)
        return o;
    r |= json_object_set_new(o, "line", json_integer((json_int_t)c->n_lines + 1));
    if (c->number)
        r |= json_object_set_new(o, "breaks_at", json_integer((json_int_t)c->number));
    r |= json_object_set_new(o, "reason", json_string(c->why));
    return json_whole(o, r);
}

json_t *history_verify_json(struct history *h) {
    struct chain_check check = { 0 };
    struct chain_link written;
    struct file content = { 0 };
    uint64_t end;
    bool is_busy;
    json_t *o;
    int r;

    pthread_mutex_lock(&h->lock);
    written = h->written;
    pthread_mutex_unlock(&h->lock);
    r = history_file_read(&h->file, &content, &check, &end);
    pthread_mutex_lock(&h->lock);
    is_busy = h->is_writing || h->written.number != written.number;
    pthread_mutex_unlock(&h->lock);
    if (r >= 0)
        check_memory(&content, &written, &check);
    if (check.verdict == CHAIN_TORN && is_busy)
        check.verdict = CHAIN_INTACT;
    else if (check.verdict == CHAIN_TORN)
        check.why = "the line has no end";
    o = r < 0 ? NULL : verification_json(&check);
    file_clear(&content);
    return o;
}

char *history_error(struct history *h) {
    char *text = NULL;
    int error;

    pthread_mutex_lock(&h->lock);
    error = h->error;
    pthread_mutex_unlock(&h->lock);
    if (error == 0 || asprintf(&text,
                               "the history of drifts can't be saved: %s; it is kept in memory, "
                               "tried again, and lost if portd ends before",
                               strerror(-error)) < 0)
        return NULL;
    return text;
}

char *history_damage(struct history *h) {
    char *text;

    pthread_mutex_lock(&h->lock);
    text = h->fault ? strdup(h->fault) : NULL;
    pthread_mutex_unlock(&h->lock);
    return text;
}
