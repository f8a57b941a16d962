/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ownership follows the socket. While it is open the kernel refuses everybody else's writes to our
 * table; when it closes the table stays (persist) and belongs to nobody, without any event: hence
 * the look each second. The service manager keeps a second hand on the socket, so that the table
 * belongs to somebody while we restart. Whether the kernel knows these flags only the first claim
 * tells: trying is a transaction that is refused once, not a probe. */
#include "daemon/seal.h"

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/manager.h"
#include "daemon/service.h"
#include "daemon/warnings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A claim can meet a kernel without seals and a stranger, each once. */
#define TRIES_MAX 3
/* For how long the first start waits for a name that is owned: 2 s. */
#define PATIENCE_TRIES      40
#define PATIENCE_PAUSE_NSEC 50000000

static const char *const seal_names[] = {
    [SEAL_SEALED] = "sealed",
    [SEAL_WATCHED] = "watched",
    [SEAL_UNSEALED] = "unsealed",
    [SEAL_HOSTILE] = "hostile",
};
static_assert(ARRAY_SIZE(seal_names) == SEAL_MAX, "a seal has no name");

const char *seal_name(enum seal s) {
    return seal_names[s];
}

enum seal seal_get(const struct manager *m) {
    if (m->seal.is_hostile)
        return SEAL_HOSTILE;
    if (m->seal.unsealed_until_usec)
        return SEAL_UNSEALED;
    return m->seal.is_wanted && !m->seal.is_unsupported ? SEAL_SEALED : SEAL_WATCHED;
}

static void store(struct manager *m) {
    if (!m->seal.is_stored)
        m->seal.is_stored = service_store(SERVICE_OWNER, kernel_fd(m->kernel)) > 0;
}

/* The manager's hand would keep the table ours. */
static void unstore(struct manager *m) {
    if (m->seal.is_stored)
        service_unstore(SERVICE_OWNER);
    m->seal.is_stored = false;
}

static bool is_sealing(const struct manager *m) {
    return m->seal.is_wanted && !m->seal.is_unsupported;
}

static void ruleset_seal(const struct manager *m, struct ruleset *rules) {
    rules->flags = !is_sealing(m) ? 0 : m->seal.unsealed_until_usec ? TABLE_ORPHAN : TABLE_SEALED;
    rules->owner = rules->flags & TABLE_OWNER ? kernel_port_id(m->kernel) : 0;
}

static void use_table(struct manager *m, const char *table) {
    kernel_use_table(m->kernel, table);
    if (m->watch)
        watch_use_table(m->watch, table);
}

static int spare_remove(struct manager *m, uint32_t *ret_generation, struct report *reterr) {
    struct reconciled done = { 0 };
    int r;

    use_table(m, PORTD_TABLE_SPARE);
    r = reconcile_none(m->kernel, &done, reterr);
    use_table(m, PORTD_TABLE);
    if (r == 0)
        *ret_generation = done.generation;
    reconciled_clear(&done);
    return r;
}

static void hostile_begin(struct manager *m) {
    uint32_t flags;

    m->seal.is_hostile = true;
    m->seal.has_bridge = false;
    (void)kernel_owner(m->kernel, PORTD_TABLE, &flags, &m->seal.stranger);
    log_event(LOG_ALERT, LOG_ID_HOSTILE, NULL, 0,
              "somebody else owns table inet " PORTD_TABLE
              " (netlink port %u, mostly the process id): the rules are put in force in table "
              "inet " PORTD_TABLE_SPARE " instead",
              m->seal.stranger);
    use_table(m, PORTD_TABLE_SPARE);
}

/* At the start the stranger may be who we were: a copy of that socket can still be on its way to be
 * closed, in a queue of the service manager. Its rules are in force meanwhile. */
static int wait_for_name(struct manager *m, int r, struct ruleset *want, const struct scope *drift,
                         struct reconciled *ret, struct report *reterr) {
    const struct timespec pause = { .tv_nsec = PATIENCE_PAUSE_NSEC };

    for (int i = 0; r == RECONCILE_E_HOSTILE && !m->enforced && i < PATIENCE_TRIES; i++) {
        nanosleep(&pause, NULL);
        reconciled_clear(ret);
        report_clear(reterr);
        r = reconcile(m->kernel, want, drift, ret, reterr);
    }
    return r;
}

static bool is_bridge_needed(struct manager *m, const struct ruleset *want) {
    uint32_t flags, owner;

    return !m->seal.is_hostile && want->exists &&
           kernel_owner(m->kernel, PORTD_TABLE, &flags, &owner) > 0 &&
           (!(flags & TABLE_OWNER) || owner == kernel_port_id(m->kernel)) &&
           table_must_be_remade(want, flags);
}

/* Our table is gone afterwards, and the spare one has the rules. Where the spare one can't be made
 * nothing is changed. */
static int bridge(struct manager *m, const struct ruleset *want, struct report *reterr) {
    struct reconciled done = { 0 };
    int r;

    use_table(m, PORTD_TABLE_SPARE);
    r = reconcile(m->kernel, want, NULL, &done, reterr);
    m->seal.has_bridge = r == 0 || done.n_commits;
    use_table(m, PORTD_TABLE);
    reconciled_clear(&done);
    if (r == 0)
        r = reconcile_none(m->kernel, &done, reterr);
    reconciled_clear(&done);
    return r;
}

/* What becomes of it is no matter: then our table is made anew in one transaction. */
static void bridge_if_needed(struct manager *m, const struct ruleset *want) {
    struct report ignored = REPORT_INIT;

    if (is_bridge_needed(m, want))
        (void)bridge(m, want, &ignored);
    report_clear(&ignored);
}

static int bridge_remove(struct manager *m, struct reconciled *done, struct report *reterr) {
    int r = spare_remove(m, &done->generation, reterr);

    m->seal.has_bridge = r != 0;
    return r;
}

int seal_reconcile(struct manager *m, struct ruleset *want, const struct scope *drift,
                   struct reconciled *ret, struct report *reterr) {
    int r = 0;

    ruleset_seal(m, want);
    if (!drift)
        bridge_if_needed(m, want);
    for (int i = 0; i < TRIES_MAX; i++) {
        ruleset_seal(m, want);
        r = reconcile(m->kernel, want, drift, ret, reterr);
        if (!m->seal.is_hostile)
            r = wait_for_name(m, r, want, drift, ret, reterr);
        if (r == KERNEL_E_NO_SEAL && !m->seal.is_unsupported) {
            m->seal.is_unsupported = true;
            log_info("this kernel can't seal a table (nf_tables owner and persist flags, 6.9 and "
                     "later): changes are seen and repaired");
        } else if (r == RECONCILE_E_HOSTILE && !m->seal.is_hostile) {
            hostile_begin(m);
        } else {
            break;
        }
        reconciled_clear(ret);
        report_clear(reterr);
    }
    if (r == RECONCILE_E_HOSTILE)
        report_add(reterr, (struct place){ 0 },
                   "others own table inet " PORTD_TABLE " and table inet " PORTD_TABLE_SPARE
                   ": find them with \"nft list tables\" and \"ss -f netlink -p\", end them, and "
                   "try again");
    if (r == 0 && want->exists && want->owner)
        store(m);
    return r == 0 && m->seal.has_bridge ? bridge_remove(m, ret, reterr) : r;
}

/* The name is free when nobody else's socket holds it. */
static bool is_name_free(struct manager *m) {
    uint32_t flags, owner;

    return kernel_owner(m->kernel, PORTD_TABLE, &flags, &owner) >= 0 &&
           (!(flags & TABLE_OWNER) || owner == kernel_port_id(m->kernel));
}

int seal_look(struct manager *m) {
    uint32_t flags, owner;
    int r;

    if (m->seal.is_hostile && is_name_free(m))
        return 1;
    if (!is_sealing(m) || m->seal.unsealed_until_usec || m->is_off)
        return 0;
    r = kernel_owner(m->kernel, kernel_table(m->kernel), &flags, &owner);
    return r < 0 ? r : !(flags & TABLE_OWNER) || owner != kernel_port_id(m->kernel);
}

/* Both tables hold the rules for a moment: what one denies stays denied throughout. */
int seal_return(struct manager *m, struct report *reterr) {
    struct reconciled done = { 0 };
    int r;

    if (!m->seal.is_hostile || !is_name_free(m))
        return 0;
    m->seal.is_hostile = false;
    use_table(m, PORTD_TABLE);
    r = seal_reconcile(m, m->enforced->rules, NULL, &done, reterr);
    if (r == 0 && !m->seal.is_hostile) {
        log_info("table inet " PORTD_TABLE " is ours again");
        r = spare_remove(m, &m->kernel_generation, reterr);
    }
    reconciled_clear(&done);
    return r;
}

int seal_tidy(struct manager *m, struct report *reterr) {
    uint32_t flags, owner;

    if (m->seal.is_hostile || kernel_owner(m->kernel, PORTD_TABLE_SPARE, &flags, &owner) <= 0)
        return 0;
    log_info("table inet " PORTD_TABLE_SPARE " was left behind and is removed");
    return spare_remove(m, &m->kernel_generation, reterr);
}

int seal_open(struct manager *m, uint64_t usec, struct report *reterr) {
    uint32_t port_id = kernel_port_id(m->kernel);
    int r;

    if (seal_get(m) != SEAL_SEALED || m->is_off) {
        report_add(reterr, (struct place){ 0 }, "the table is not sealed: others can write to it");
        return SEAL_E_REFUSED;
    }
    unstore(m);
    r = kernel_reopen(m->kernel);
    if (r < 0)
        return r;
    if (kernel_port_id(m->kernel) != port_id) {
        report_add(reterr, (struct place){ 0 },
                   "another process has a copy of the socket that seals the table, which is now "
                   "that process's: find it with \"ss -f netlink -p\" (port %u), and end it",
                   port_id);
        return SEAL_E_REFUSED;
    }
    m->seal.unsealed_until_usec = clock_monotonic() + usec;
    ruleset_seal(m, m->enforced->rules);
    return 0;
}

/* A claim of its own, so that nobody is told that somebody else broke the seal. Whatever keeps it
 * from working, the repair that follows claims the table, too. */
void seal_close(struct manager *m) {
    _cleanup_(plan_freep) struct plan *claim = NULL;
    struct report ignored = REPORT_INIT;
    uint32_t flags, owner, generation;

    m->seal.unsealed_until_usec = 0;
    ruleset_seal(m, m->enforced->rules);
    if (kernel_generation(m->kernel, &generation) == 0 &&
        kernel_owner(m->kernel, kernel_table(m->kernel), &flags, &owner) > 0 &&
        flags == TABLE_ORPHAN && plan_claim(m->enforced->rules, &claim) == 0 &&
        kernel_apply(m->kernel, claim, generation, &generation, &ignored) == 0)
        store(m);
    report_clear(&ignored);
}

const char *seal_until(const struct manager *m, char buf[static CLOCK_TEXT_SIZE]) {
    uint64_t now = clock_monotonic(), until = m->seal.unsealed_until_usec;

    return clock_format(clock_realtime() + (until > now ? until - now : 0), buf);
}

int seal_warn(const struct manager *m, json_t *warnings) {
    char hint[64], until[CLOCK_TEXT_SIZE];

    if (m->seal.is_hostile) {
        snprintf(hint, sizeof(hint), "ps -fp %u, and end it", m->seal.stranger);
        return warning_add(warnings, "hostile", hint,
                           "somebody else owns table inet " PORTD_TABLE
                           " (netlink port %u, mostly the process id): the rules are in force in "
                           "table inet " PORTD_TABLE_SPARE,
                           m->seal.stranger);
    }
    if (m->seal.unsealed_until_usec)
        return warning_add(warnings, "unsealed", "portd-ctl seal",
                           "the table is unsealed until %s: what others change stays until then",
                           seal_until(m, until));
    if (m->seal.is_wanted && m->seal.is_unsupported)
        return warning_add(warnings, "seal-unsupported", "boot Linux 6.9 or later",
                           "this kernel can't seal a table: what others change is in force until "
                           "it is repaired");
    return 0;
}
