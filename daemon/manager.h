/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_MANAGER_H
#define PORTD_DAEMON_MANAGER_H

#include "daemon/auditor.h"
#include "daemon/cuts.h"
#include "daemon/disk.h"
#include "daemon/drift.h"
#include "daemon/enforced.h"
#include "daemon/history.h"
#include "daemon/seal.h"
#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "daemon/trial.h"
#include "daemon/update.h"
#include "engine/backoff.h"
#include "engine/grant.h"
#include "engine/latency.h"
#include "nft/kernel.h"
#include "nft/watch.h"

#include <systemd/sd-event.h>

enum state {
    STATE_ENFORCING,
    STATE_LEARNING,
    STATE_AUDIT,
    STATE_DEGRADED,
    STATE_CONTESTED,
    STATE_OFF,
    STATE_MAX
};
const char *state_name(enum state s);

struct manager_options {
    struct input input;
    const char *state_dir;
    int listen_fd;               /* owned by the manager from manager_new() on … */
    int owner_fd;                /* … and the socket that sealed the table before; -1: none */
    gid_t read_group;            /* (gid_t)-1: none */
    uid_t resolver;              /* (uid_t)-1: none */
    uint64_t learn_usec;         /* for how long the first rules deny nothing on a running host */
    const struct legacy *legacy; /* borrowed */
    int reader;                  /* reader_program(), owned likewise */
    const char *boot_id;         /* which boot this is; NULL: the kernel is asked */
};

/* Who asked for a load, and when. */
struct reload_record {
    uint64_t time_usec; /* CLOCK_REALTIME */
    char by[32];
    char reason[256]; /* "": none */
};

/* What portd is doing. Event sources note in `dirty` what happened, manager_act() does all that
 * follows from it, once a turn of the loop. Methods read it. */
struct manager {
    struct manager_options options;
    sd_event *event;
    sd_event_source *act_source;  /* defer: runs manager_act() */
    sd_event_source *due_source;  /* when a repair or a look was put off */
    sd_event_source *look_source; /* the periodic compare */
    struct kernel *kernel;
    struct watch *watch;
    struct server *server;
    struct auditor *auditor;
    struct disk *disk;
    struct denied *denied;
    struct usage *usage;

    struct seal_state seal;
    sd_event_source *seal_source; /* when an unsealed table is sealed again */

    uint64_t learn_until_usec; /* CLOCK_MONOTONIC; 0: not learning */
    sd_event_source *learn_source;

    struct enforced *enforced; /* what is meant to be in force; NULL only before the first load */
    bool is_off;
    uint64_t generation;        /* portd's own count */
    uint64_t since_usec;        /* CLOCK_REALTIME */
    uint32_t kernel_generation; /* at which HAVE was last found equal */

    bool is_dirty;          /* somebody may have changed our table */
    uint64_t dirty_usec;    /* CLOCK_MONOTONIC, of the first commit not yet looked at */
    struct watch_news news; /* who, of the commits not yet looked at */
    struct backoff backoff;

    struct resolved names;       /* what DNS said of those that the policy in force needs */
    bool names_dirty;            /* the kernel doesn't have all of it yet */
    uint64_t names_dirty_usec;   /* CLOCK_REALTIME, since when */
    uint64_t names_due_usec;     /* CLOCK_MONOTONIC, when it may have the next of it */
    bool names_unsaved;          /* the disk doesn't have all of it yet … */
    int names_save_error;        /* … since this -errno; 0: it is only not yet due */
    struct backoff names_logged; /* what was said of them of late */
    sd_event_source *save_source;

    struct grants grants;
    sd_event_source *grants_source; /* when the next one ends */
    int grants_save_error;          /* -errno; 0: the disk has them */

    struct report mistakes; /* of files that were refused while older ones are in force */
    struct held *held;      /* policies of a package that wait for a reload; NULL: none */
    struct trial trial;     /* a reload that waits to be confirmed, or was rolled back */
    char *refusal;          /* what the kernel said when it refused; NULL: nothing */
    char *save_error;       /* why the snapshot could not be written; NULL: it was */
    struct history *history;
    struct witness *witness;
    uint64_t started_usec; /* CLOCK_REALTIME; since then count the next three */
    struct drift last_drift;
    uint64_t n_drifts;
    struct latency repairs;            /* of these drifts, from being seen to being repaired */
    char suspect[PROCESS_COMMAND_MAX]; /* whose commit touched our table last; "": nobody's */
    struct reload_record last_reload;
    enum state announced;
    char *status; /* the line that the service manager has; NULL: none yet */
};

/* Opens the kernel, loads the files (or the last good ones), puts them in force, reads back and
 * compares, then begins to watch and to serve. MANAGER_E_REFUSED: nothing was changed; the report
 * says why. MANAGER_E_INVALID: likewise, and it stays so until somebody mends the files. */
enum { MANAGER_E_REFUSED = 1, MANAGER_E_INVALID = 2 };
int manager_new(const struct manager_options *o, struct manager **ret, struct report *reterr);
struct manager *manager_free(struct manager *m);
DEFINE_CLEANUP(struct manager *, manager_free);

int manager_run(struct manager *m);

/* A load, and what came of it. */
struct reload {
    const char *by, *reason;       /* reason: NULL when none was given */
    const struct tracked *session; /* that the caller came by; NULL: none is known … */
    bool is_forced;                /* … or it may be cut */
    bool is_update;                /* a package brought policies: nothing else is loaded */
    bool is_held;                  /* … and they are not in force */
    unsigned confirm_sec;          /* rolled back unless it is confirmed by then; 0: it stays */
    uint64_t restores;             /* the generation whose texts these are; 0: the files' */
    char **lines;                  /* what was changed in the kernel */
    size_t n_lines;
    json_t *opened, *closed; /* FlowChange: what came of it, or, when it is held, would */
};
void reload_clear(struct reload *q);

/* Loads the files and puts them in force. ENFORCED_E_INVALID: refused whole (report), the rules in
 * force stay. KERNEL_E_REFUSED: by the kernel, likewise; or portd is off, which an update does not
 * end. FORESIGHT_E_CUTS_CALLER, likewise. */
int manager_reload(struct manager *m, struct reload *q, struct report *reterr);
/* Loads the files and puts nothing in force: the reply of Plan. ENFORCED_E_INVALID (report). */
int manager_plan(struct manager *m, const struct tracked *session, json_t **ret,
                 struct report *reterr);
/* Puts `*next` in force and takes it, as a reload does with what it loaded. As manager_reload(). */
int manager_apply(struct manager *m, struct reload *q, struct enforced **next,
                  struct report *reterr);
/* Removes the table and stops enforcing until the next load. */
int manager_off(struct manager *m, const char *by, const char *reason, struct report *reterr);

/* Lets others write to our table for that long, without repairing it. SEAL_E_REFUSED (report). */
int manager_unseal(struct manager *m, uint64_t usec, const char *by, const char *reason,
                   struct report *reterr);
/* Seals again at once, and repairs. */
int manager_seal(struct manager *m, const char *by);

enum state manager_state(const struct manager *m);

/* Between the files of the manager. DNS gave other addresses: the kernel's sets have to follow. */
int manager_names_changed(struct manager *m);
/* Opens the kernel and puts the first policy in force. */
int manager_load_first(struct manager *m, struct report *reterr);
/* Tells watchers, the log and the service manager when the state has changed. */
void manager_announce(struct manager *m);

/* The rows of io.portd. */
extern const struct method manager_methods[];
extern const size_t manager_n_methods;

#endif
