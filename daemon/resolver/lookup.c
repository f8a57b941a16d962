/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each lookup has a c-ares channel of its own: a channel reads /etc/resolv.conf when it is made and
 * never again, and new sockets mean ports that nobody can guess from earlier questions. It costs
 * some tens of microseconds.
 *
 * c-ares 1.18 goes on to the next server when one answers SERVFAIL, REFUSED or NOTIMP, and in the
 * end says no more than that none could be reached. So when that is the end, the question is put
 * once more with every answer taken as it comes, which tells the one from the other.
 *
 * c-ares calls back from within ares_query(), ares_process_fd() and ares_destroy(); the handler is
 * called by a source of its own, when none of them is on the stack. */
#include "lookup.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define TIMER_ACCURACY_USEC 10000U

struct question {
    struct lookup *lookup;
    enum family family;
    bool is_pending;
    bool is_unclear; /* no server gave an answer that c-ares wanted */
};

/* A socket of c-ares in the event loop. */
struct watched {
    struct watched *next;
    int fd;
    sd_event_source *source;
};

struct lookup {
    sd_event *event;
    char *name;
    ares_channel channel;
    bool takes_any; /* the second time: see above */
    bool is_of_hosts;
    struct watched *sockets;
    sd_event_source *tick; /* when c-ares wants to look at its own timeouts */
    sd_event_source *deadline, *finish;
    unsigned patience_sec;
    struct question questions[FAMILY_MAX];
    struct outcome outcome;
    lookup_handler handler;
    void *userdata;
};

static const int record_types[] = { [FAMILY_IPV4] = ns_t_a, [FAMILY_IPV6] = ns_t_aaaa };
static_assert(ARRAY_SIZE(record_types) == FAMILY_MAX, "a family has no record type");

static bool is_pending(const struct lookup *l) {
    return l->questions[FAMILY_IPV4].is_pending || l->questions[FAMILY_IPV6].is_pending;
}

/* After every call into c-ares: when does it want to be called next? */
static void update(struct lookup *l) {
    struct timeval tv;

    if (!is_pending(l)) {
        (void)sd_event_source_set_enabled(l->tick, SD_EVENT_OFF);
        (void)sd_event_source_set_enabled(l->finish, SD_EVENT_ONESHOT);
        return;
    }
    if (!ares_timeout(l->channel, NULL, &tv))
        return;
    (void)sd_event_source_set_time_relative(l->tick,
                                            (uint64_t)tv.tv_sec * 1000000U + (uint64_t)tv.tv_usec);
    (void)sd_event_source_set_enabled(l->tick, SD_EVENT_ONESHOT);
}

static int on_socket(sd_event_source *source _unused_, int fd, uint32_t revents, void *userdata) {
    struct lookup *l = userdata;

    ares_process_fd(l->channel, revents & ~(uint32_t)EPOLLOUT ? fd : ARES_SOCKET_BAD,
                    revents & EPOLLOUT ? fd : ARES_SOCKET_BAD);
    update(l);
    return 0;
}

static int on_tick(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
    struct lookup *l = userdata;

    ares_process_fd(l->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    update(l);
    return 0;
}

static int on_deadline(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
    struct lookup *l = userdata;

    ares_cancel(l->channel);
    update(l);
    return 0;
}

static void unwatch(struct watched **w) {
    struct watched *gone = *w;

    *w = gone->next;
    sd_event_source_disable_unref(gone->source);
    free(gone);
}

static void watch(struct lookup *l, int fd, uint32_t events) {
    struct watched *w = calloc(1, sizeof(*w));

    if (!w)
        return; /* the question then runs into its deadline */
    w->fd = fd;
    if (sd_event_add_io(l->event, &w->source, fd, events, on_socket, l) < 0) {
        free(w);
        return;
    }
    w->next = l->sockets;
    l->sockets = w;
}

/* c-ares wants to read from or write to one of its sockets, or, with neither, is about to close
 * it. */
static void on_state(void *data, ares_socket_t fd, int readable, int writable) {
    uint32_t events = (readable ? (uint32_t)EPOLLIN : 0) | (writable ? (uint32_t)EPOLLOUT : 0);
    struct lookup *l = data;
    struct watched **w = &l->sockets;

    while (*w && (*w)->fd != fd)
        w = &(*w)->next;
    if (*w && events == 0)
        unwatch(w);
    else if (*w)
        (void)sd_event_source_set_io_events((*w)->source, events);
    else if (events != 0)
        watch(l, fd, events);
}

static void explain_status(struct lookup *l, int status, struct answer *ret) {
    if (status == ARES_ETIMEOUT || status == ARES_ECANCELLED)
        answer_fail(ret, "no answer within %u s", l->patience_sec);
    else if (status == ARES_ECONNREFUSED)
        answer_fail(ret, "no DNS server can be reached");
    else
        answer_fail(ret, "%s", ares_strerror(status));
}

static void on_answer(void *arg, int status, int timeouts _unused_, unsigned char *bytes,
                      int size) {
    struct question *q = arg;
    struct lookup *l = q->lookup;
    struct answer *answer = &l->outcome.answers[q->family];

    if (status == ARES_EDESTRUCTION)
        return;
    q->is_pending = false;
    q->is_unclear = status == ARES_ECONNREFUSED && !bytes;
    if (bytes)
        answer_parse(bytes, (size_t)size, l->name, q->family, answer);
    else
        explain_status(l, status, answer);
}

static const void *node_bytes(const struct ares_addrinfo_node *node, enum family f) {
    if (f == FAMILY_IPV6)
        return &((const struct sockaddr_in6 *)(const void *)node->ai_addr)->sin6_addr;
    return &((const struct sockaddr_in *)(const void *)node->ai_addr)->sin_addr;
}

static void take_hosts(const struct ares_addrinfo_node *nodes, enum family f, struct answer *ret) {
    static const int domains[] = { [FAMILY_IPV4] = AF_INET, [FAMILY_IPV6] = AF_INET6 };
    _cleanup_(freep) struct address *addresses = NULL;
    size_t n = 0;

    for (const struct ares_addrinfo_node *node = nodes; node; node = node->ai_next)
        n += node->ai_family == domains[f];
    addresses = calloc(n + 1, sizeof(*addresses));
    if (!addresses) {
        answer_fail(ret, "out of memory");
        return;
    }
    n = 0;
    for (const struct ares_addrinfo_node *node = nodes; node; node = node->ai_next)
        if (node->ai_family == domains[f])
            memcpy(addresses[n++].bytes, node_bytes(node, f), family_size(f));
    answer_set(ret, addresses, n, LOOKUP_HOSTS_TTL_SEC);
}

/* The channel's lookups are "f", so that this is of /etc/hosts and nothing else. A name that it has
 * is asked of no server, as for whoever else resolves it on this machine. */
static void on_hosts(void *arg, int status, int timeouts _unused_, struct ares_addrinfo *found) {
    struct lookup *l = arg;

    if (status != ARES_SUCCESS)
        return;
    for (enum family f = 0; f < FAMILY_MAX; f++)
        take_hosts(found->nodes, f, &l->outcome.answers[f]);
    l->is_of_hosts = true;
    ares_freeaddrinfo(found);
}

/* -errno. */
static int open_channel(struct lookup *l) {
    char lookups[] = "f";
    struct ares_options o = {
        .flags =
            ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | (l->takes_any ? ARES_FLAG_NOCHECKRESP : 0),
        .timeout = LOOKUP_TRY_MSEC,
        .tries = LOOKUP_TRIES,
        .lookups = lookups,
        .sock_state_cb = on_state,
        .sock_state_cb_data = l,
    };
    int r;

    r = ares_init_options(&l->channel, &o,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                              ARES_OPT_SOCK_STATE_CB);
    return r == ARES_SUCCESS ? 0 : r == ARES_ENOMEM ? -ENOMEM : -EIO;
}

static void close_channel(struct lookup *l) {
    if (l->channel)
        ares_destroy(l->channel);
    l->channel = NULL;
    while (l->sockets)
        unwatch(&l->sockets);
}

/* -errno. */
static int set_deadline(struct lookup *l) {
    struct ares_addr_port_node *servers = NULL;
    unsigned n = 0;
    int r;

    if (ares_get_servers_ports(l->channel, &servers) != ARES_SUCCESS)
        return -ENOMEM;
    for (struct ares_addr_port_node *s = servers; s && n < LOOKUP_SERVERS_MAX; s = s->next)
        n++;
    ares_free_data(servers);
    l->patience_sec = (n > 0 ? n : 1) * LOOKUP_TRIES * LOOKUP_TRY_MSEC / 1000U;
    r = sd_event_source_set_time_relative(l->deadline, (uint64_t)l->patience_sec * 1000000U);
    return r < 0 ? r : sd_event_source_set_enabled(l->deadline, SD_EVENT_ONESHOT);
}

static void ask(struct lookup *l, struct question *q) {
    q->is_pending = true;
    q->is_unclear = false;
    ares_query(l->channel, l->name, ns_c_in, record_types[q->family], on_answer, q);
}

/* Whether it was begun. */
static bool ask_again(struct lookup *l) {
    if (l->takes_any ||
        !(l->questions[FAMILY_IPV4].is_unclear || l->questions[FAMILY_IPV6].is_unclear))
        return false;
    close_channel(l);
    l->takes_any = true;
    if (open_channel(l) < 0 || set_deadline(l) < 0)
        return false;
    for (enum family f = 0; f < FAMILY_MAX; f++)
        if (l->questions[f].is_unclear)
            ask(l, &l->questions[f]);
    update(l);
    return true;
}

static int on_finish(sd_event_source *source _unused_, void *userdata) {
    struct lookup *l = userdata;

    if (ask_again(l))
        return 0;
    outcome_judge(&l->outcome);
    l->handler(l, &l->outcome, l->userdata);
    return 0;
}

static int add_sources(struct lookup *l) {
    int r;

    r = sd_event_add_time_relative(l->event, &l->tick, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC,
                                   on_tick, l);
    if (r >= 0)
        r = sd_event_source_set_enabled(l->tick, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_add_time_relative(l->event, &l->deadline, CLOCK_MONOTONIC, 0,
                                       TIMER_ACCURACY_USEC, on_deadline, l);
    if (r >= 0)
        r = sd_event_source_set_enabled(l->deadline, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_add_defer(l->event, &l->finish, on_finish, l);
    if (r >= 0)
        r = sd_event_source_set_enabled(l->finish, SD_EVENT_OFF);
    return r;
}

/* Asks; what needs no server is known at once. */
static int begin(struct lookup *l) {
    static const struct ares_addrinfo_hints any = { .ai_family = AF_UNSPEC,
                                                    .ai_flags = ARES_AI_NOSORT };
    int r;

    r = open_channel(l);
    if (r < 0)
        return r;
    ares_getaddrinfo(l->channel, l->name, NULL, &any, on_hosts, l);
    if (!l->is_of_hosts) {
        r = set_deadline(l);
        if (r < 0)
            return r;
        for (enum family f = 0; f < FAMILY_MAX; f++)
            ask(l, &l->questions[f]);
    }
    update(l);
    return 0;
}

int lookup_new(sd_event *event, const char *name, lookup_handler handler, void *userdata,
               struct lookup **ret) {
    _cleanup_(lookup_freep) struct lookup *l = calloc(1, sizeof(*l));
    int r;

    if (!l)
        return -ENOMEM;
    *l = (struct lookup){
        .event = sd_event_ref(event), .name = strdup(name), .handler = handler, .userdata = userdata
    };
    for (enum family f = 0; f < FAMILY_MAX; f++)
        l->questions[f] = (struct question){ .lookup = l, .family = f };
    r = l->name ? add_sources(l) : -ENOMEM;
    if (r >= 0)
        r = begin(l);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(l);
    return 0;
}

struct lookup *lookup_free(struct lookup *l) {
    if (!l)
        return NULL;
    close_channel(l);
    sd_event_source_disable_unref(l->tick);
    sd_event_source_disable_unref(l->deadline);
    sd_event_source_disable_unref(l->finish);
    sd_event_unref(l->event);
    outcome_clear(&l->outcome);
    free(l->name);
    free(l);
    return NULL;
}

const char *lookup_name(const struct lookup *l) {
    return l->name;
}
