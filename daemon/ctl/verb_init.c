/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A site file to begin with. What is there is never written to, whatever was asked for: to a site
 * that exists hosts are added by a drop-in, which its administrator can read, change or remove. */
#include "failure.h"
#include "offline.h"
#include "print.h"

#include "engine/layout.h"
#include "engine/template.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Where the text goes. */
struct target {
    bool is_drop_in;
    char *path; /* NULL: standard output */
};

static void target_clear(struct target *t) {
    free(t->path);
}

static enum status refuse_existing(const char *path, bool is_drop_in) {
    fprintf(stderr, "portd-ctl: %s exists and is never overwritten: %s\n", path,
            is_drop_in ? "add the hosts there"
                       : "name another file with --site, or add hosts to it with --host NAME=ROLE");
    return STATUS_FAILED;
}

static enum status build(const struct options *o, const char *const *products, size_t n,
                         const struct loaded *l, struct template *ret) {
    const struct template_request request = { .products = products,
                                              .n_products = n,
                                              .hosts = o->hosts.items,
                                              .n_hosts = o->hosts.n,
                                              .site = l->site };
    _cleanup_(report_clear) struct report report = REPORT_INIT;
    int r = template_build(&request, loaded_policies(l), l->n_policies, ret, &report);

    if (r < 0)
        return failure_memory();
    return r > 0 ? failure_report(o, &report) : STATUS_FINE;
}

/* site.d/acd-lb3.json, after the first of the hosts that are added. */
static enum status target_set(const struct options *o, struct target *t) {
    _cleanup_(freep) char *dir = t->is_drop_in ? files_drop_in_dir(o->site) : NULL;

    if (!(o->given & OPTION_NEW_SITE))
        return STATUS_FINE;
    if (!t->is_drop_in)
        t->path = strdup(o->site);
    else if (!dir || asprintf(&t->path, "%s/%.*s.json", dir, (int)strcspn(*o->hosts.items, "="),
                              *o->hosts.items) < 0)
        t->path = NULL;
    if (!t->path)
        return failure_memory();
    if (dir && mkdir(dir, 0755) == 0)
        (void)chmod(dir, 0755); /* portd reads it as another user, whatever our umask is */
    return STATUS_FINE;
}

static enum status write_failed(const struct target *t, int error) {
    if (error == -EEXIST)
        return refuse_existing(t->path, t->is_drop_in);
    return failure_write(t->path, error);
}

static enum status write_site(const struct target *t, const struct template *template) {
    _cleanup_(freep) char *text = layout_text(template->site);
    int r = 0;

    if (!text)
        return failure_memory();
    if (t->path)
        r = file_create_atomic(t->path, text, strlen(text), 0644);
    else
        fputs(text, stdout);
    return r < 0 ? write_failed(t, r) : STATUS_FINE;
}

/* What to type once all is filled in, malloc'ed. */
static char *next_command(const struct options *o) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    fprintf(f, "portd-ctl check --site %s", o->given & OPTION_NEW_SITE ? o->site : "FILE");
    for (size_t i = 0; i < o->policy_dirs.n; i++)
        fprintf(f, " --policy-dir %s", o->policy_dirs.items[i]);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

/* On standard error when the file itself is on standard output. */
static enum status tell(const struct options *o, const struct target *t,
                        const struct template *template) {
    _cleanup_(freep) char *next = next_command(o);
    size_t n = template_blanks(template->site), i;
    FILE *f = t->path ? stdout : stderr;
    json_t *note;

    if (!next)
        return failure_memory();
    if (t->path)
        fprintf(f, "%s: written%s\n", t->path, t->is_drop_in ? ", merged over the site" : "");
    json_array_foreach(template->notes, i, note) fprintf(f, "  %s\n", json_string_value(note));
    fprintf(f, "%zu blank%s \"<...>\" to fill in, then: %s\n", n, n == 1 ? "" : "s", next);
    return STATUS_FINE;
}

/* { site, notes, next } and, where one was written, file. */
static enum status tell_json(const struct options *o, const struct target *t,
                             const struct template *template) {
    _cleanup_(freep) char *next = next_command(o);
    json_t *answer = json_pack("{sOsOss*ss*}", "site", template->site, "notes", template->notes,
                               "next", next, "file", t->path);

    if (!answer || !next) {
        json_decref(answer);
        return failure_memory();
    }
    print_json(answer, false);
    json_decref(answer);
    return STATUS_FINE;
}

enum status verb_init(const struct options *o, const char *const *words, size_t n_words) {
    _cleanup_(loaded_clear) struct loaded l = { 0 };
    _cleanup_(template_clear) struct template template = { 0 };
    _cleanup_(target_clear) struct target target = { 0 };
    enum status status;

    target.is_drop_in = (o->given & OPTION_NEW_SITE) && access(o->site, F_OK) == 0;
    if (target.is_drop_in && o->hosts.n == 0)
        return refuse_existing(o->site, false);
    status = offline_load(o, target.is_drop_in, &l);
    if (status != STATUS_FINE && target.is_drop_in)
        fprintf(stderr, "portd-ctl: nothing is added to %s before these are mended\n", o->site);
    if (status == STATUS_FINE)
        status = build(o, words, n_words, &l, &template);
    if (status == STATUS_FINE)
        status = target_set(o, &target);
    if (status == STATUS_FINE && (target.path || !o->json))
        status = write_site(&target, &template);
    if (status != STATUS_FINE)
        return status;
    return o->json ? tell_json(o, &target, &template) : tell(o, &target, &template);
}
