/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the hand table: a line is split into words, its first word picks the reader, everything
 * else is a row. Whatever isn't understood ends the reading, because a row that is silently left
 * out would make the comparison weaker without anybody noticing. */
#include "table.h"

#include "base/macros.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 24U

struct line {
    const char *path;
    unsigned number;
    char *words[WORDS_MAX];
    size_t n;
};

static int complain(const struct line *l, const char *what, const char *word) {
    fprintf(stderr, "%s:%u: %s: %s\n", l->path, l->number, what, word);
    return -EINVAL;
}

/* A zeroed element behind the others, or NULL. */
static void *append(void *array, size_t *n, size_t element_size) {
    void **items = array;
    void *grown = reallocarray(*items, *n + 1, element_size);

    if (!grown)
        return NULL;
    *items = grown;
    return memset((char *)grown + (*n)++ * element_size, 0, element_size);
}

static int name_copy(const struct line *l, char *to, const char *name) {
    if (strlen(name) >= LAB_NAME_SIZE)
        return complain(l, "too long a name", name);
    strcpy(to, name);
    return 0;
}

static int address_read(const char *text, enum lab_family *ret_family, uint8_t *ret) {
    *ret_family = strchr(text, ':') ? LAB_IPV6 : LAB_IPV4;
    return inet_pton(*ret_family == LAB_IPV6 ? AF_INET6 : AF_INET, text, ret) == 1 ? 0 : -EINVAL;
}

static int number_read(const char *text, unsigned long max, unsigned long *ret) {
    char *end;

    errno = 0;
    *ret = strtoul(text, &end, 10);
    return errno || end == text || *end || *ret > max ? -EINVAL : 0;
}

static int prefix_read(const struct line *l, char *text, struct table_prefix *ret) {
    char *slash = strchr(text, '/');
    unsigned long length;

    if (slash)
        *slash++ = '\0';
    if (address_read(text, &ret->family, ret->address) < 0)
        return complain(l, "neither a group, a role nor an address", text);
    length = ret->family == LAB_IPV6 ? 128 : 32;
    if (slash && number_read(slash, length, &length) < 0)
        return complain(l, "no prefix length", slash);
    ret->length = (unsigned)length;
    return 0;
}

/* The bit of a role; 0 when no host line named it. */
static uint32_t role_bit(const struct table *t, const char *name) {
    for (size_t i = 0; i < t->n_roles; i++)
        if (strcmp(t->roles[i], name) == 0)
            return UINT32_C(1) << i;
    return 0;
}

static int party_join(const struct line *l, struct table_party *to, const struct table_party *p) {
    if (to->n_prefixes + p->n_prefixes > TABLE_MEMBERS_MAX)
        return complain(l, "too many members", l->words[0]);
    to->any |= p->any;
    to->servers |= p->servers;
    to->systems |= p->systems;
    to->roles |= p->roles;
    memcpy(to->prefixes + to->n_prefixes, p->prefixes, p->n_prefixes * sizeof(*p->prefixes));
    to->n_prefixes += p->n_prefixes;
    return 0;
}

static int party_add(const struct table *t, const struct line *l, struct table_party *to,
                     char *word) {
    struct table_party one = { .n_prefixes = 0 };
    int r;

    if (strcmp(word, "any") == 0) {
        one.any = true;
    } else if (strcmp(word, "servers") == 0) {
        one.servers = true;
    } else if (strcmp(word, "linux") == 0) {
        one.systems = 1U << LAB_LINUX;
    } else if (strcmp(word, "windows") == 0) {
        one.systems = 1U << LAB_WINDOWS;
    } else if (role_bit(t, word)) {
        one.roles = role_bit(t, word);
    } else {
        for (size_t i = 0; i < t->n_groups; i++)
            if (strcmp(t->groups[i].name, word) == 0)
                return party_join(l, to, &t->groups[i].party);
        r = prefix_read(l, word, &one.prefixes[one.n_prefixes++]);
        if (r < 0)
            return r;
    }
    return party_join(l, to, &one);
}

static int party_read(const struct table *t, const struct line *l, struct table_party *ret,
                      char *list) {
    char *save = NULL;

    for (char *w = strtok_r(list, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
        int r = party_add(t, l, ret, w);

        if (r < 0)
            return r;
    }
    return 0;
}

static int roles_read(struct table *t, const struct line *l, char *list, uint32_t *ret) {
    char *save = NULL;

    *ret = 0;
    for (char *w = strtok_r(list, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
        if (!role_bit(t, w)) {
            if (t->n_roles == ARRAY_SIZE(t->roles) || name_copy(l, t->roles[t->n_roles], w) < 0)
                return complain(l, "no room for a role", w);
            t->n_roles++;
        }
        *ret |= role_bit(t, w);
    }
    return 0;
}

/* host NAME OS ROLES ADDRESSES… */
static int host_read(struct table *t, const struct line *l) {
    static const char *const systems[] = {
        [LAB_NO_OS] = "-",
        [LAB_LINUX] = "linux",
        [LAB_WINDOWS] = "windows",
    };
    struct table_host *h = append(&t->hosts, &t->n_hosts, sizeof(*h));
    size_t os = 0;

    if (!h || l->n < 5 || name_copy(l, h->name, l->words[1]) < 0)
        return complain(l, "host NAME OS ROLES ADDRESSES", l->words[0]);
    while (os < ARRAY_SIZE(systems) && strcmp(systems[os], l->words[2]) != 0)
        os++;
    if (os == ARRAY_SIZE(systems))
        return complain(l, "no operating system", l->words[2]);
    h->os = (enum lab_os)os;
    if (strcmp(l->words[3], "-") != 0 && roles_read(t, l, l->words[3], &h->roles) < 0)
        return -EINVAL;
    for (size_t i = 4; i < l->n; i++) {
        uint8_t address[LAB_ADDRESS_SIZE] = { 0 };
        enum lab_family f;

        if (address_read(l->words[i], &f, address) < 0 || h->has[f])
            return complain(l, "no address, or a second one of its family", l->words[i]);
        h->has[f] = true;
        memcpy(h->address[f], address, sizeof(address));
    }
    return 0;
}

/* The group of the members from word `first` on. */
static int members_read(struct table *t, const struct line *l, size_t first, bool is_dns_name) {
    struct table_party party = { .n_prefixes = 0 };
    struct table_group *g;

    for (size_t i = first; i < l->n; i++)
        if (party_add(t, l, &party, l->words[i]) < 0)
            return -EINVAL;
    g = append(&t->groups, &t->n_groups, sizeof(*g));
    if (!g)
        return -ENOMEM;
    g->party = party;
    g->is_dns_name = is_dns_name;
    return name_copy(l, g->name, l->words[1]);
}

/* group NAME = MEMBER… */
static int group_read(struct table *t, const struct line *l) {
    if (l->n < 4 || strcmp(l->words[2], "=") != 0)
        return complain(l, "group NAME = MEMBERS", l->words[0]);
    return members_read(t, l, 3, false);
}

/* name NAME ADDRESS… */
static int name_read(struct table *t, const struct line *l) {
    if (l->n < 3)
        return complain(l, "name NAME ADDRESSES", l->words[0]);
    return members_read(t, l, 2, true);
}

/* feature NAME on|off */
static int feature_read(struct table *t, const struct line *l) {
    if (l->n != 3 || t->n_features == ARRAY_SIZE(t->features))
        return complain(l, "feature NAME on|off", l->words[0]);
    t->feature_on[t->n_features] = strcmp(l->words[2], "on") == 0;
    if (!t->feature_on[t->n_features] && strcmp(l->words[2], "off") != 0)
        return complain(l, "neither on nor off", l->words[2]);
    return name_copy(l, t->features[t->n_features++], l->words[1]);
}

/* port NAME NUMBER [OTHER…] */
static int port_read(struct table *t, const struct line *l) {
    struct table_port *port = &t->ports[t->n_ports];
    unsigned long number;

    if (l->n < 3 || l->n - 2 > TABLE_NUMBERS_MAX || t->n_ports == ARRAY_SIZE(t->ports))
        return complain(l, "port NAME NUMBER [OTHER…]", l->words[0]);
    for (size_t i = 2; i < l->n; i++) {
        if (number_read(l->words[i], LAB_PORTS - 1, &number) < 0 || number == 0)
            return complain(l, "no port", l->words[i]);
        port->numbers[port->n++] = (uint16_t)number;
    }
    t->n_ports++;
    return name_copy(l, port->name, l->words[1]);
}

static int protocols_read(const struct line *l, char *list, bool *ret) {
    char *save = NULL;

    for (char *w = strtok_r(list, "+", &save); w; w = strtok_r(NULL, "+", &save)) {
        size_t p = 0;

        while (p < LAB_PROTOCOL_MAX && strcmp(lab_protocol_names[p], w) != 0)
            p++;
        if (p == LAB_PROTOCOL_MAX)
            return complain(l, "no protocol", w);
        ret[p] = true;
    }
    return 0;
}

/* $NAME */
static int port_find(const struct table *t, const struct line *l, const char *text,
                     struct table_row *ret) {
    for (size_t i = 0; i < t->n_ports; i++)
        if (strcmp(t->ports[i].name, text + 1) == 0) {
            ret->lo = ret->hi = t->ports[i].numbers[0];
            return 0;
        }
    return complain(l, "no named port", text);
}

static int ports_read(const struct table *t, const struct line *l, char *text,
                      struct table_row *ret) {
    char *dash = strchr(text, '-');
    unsigned long lo, hi;

    if (ret->protocols[LAB_ECHO])
        return strcmp(text, "echo") == 0 ? 0 : complain(l, "not echo", text);
    if (text[0] == '$')
        return port_find(t, l, text, ret);
    if (dash)
        *dash++ = '\0';
    if (number_read(text, LAB_PORTS - 1, &lo) < 0 ||
        number_read(dash ? dash : text, LAB_PORTS - 1, &hi) < 0 || lo == 0 || lo > hi)
        return complain(l, "no port or range", text);
    ret->lo = (uint16_t)lo;
    ret->hi = (uint16_t)hi;
    return 0;
}

/* 1: the word is a feature that is off. */
static int word_read(const struct table *t, const struct line *l, struct table_row *row,
                     const char *word) {
    if (strcmp(word, "in") == 0) {
        row->ends[LAB_EGRESS] = false;
    } else if (strcmp(word, "out") == 0) {
        row->ends[LAB_INGRESS] = false;
    } else if (strcmp(word, "broadcast") == 0) {
        row->broadcast = true;
    } else {
        for (size_t i = 0; i < t->n_features; i++)
            if (strcmp(t->features[i], word) == 0)
                return t->feature_on[i] ? 0 : 1;
        return complain(l, "neither in, out, broadcast nor a feature", word);
    }
    return 0;
}

/* FROM TO PROTOCOL PORTS [WORD…] */
static int row_read(struct table *t, const struct line *l) {
    struct table_row row = { .line = l->number, .ends = { true, true } };
    bool is_off = false;
    struct table_row *end;

    if (l->n < 4)
        return complain(l, "FROM TO PROTOCOL PORTS", l->words[0]);
    if (party_read(t, l, &row.from, l->words[0]) < 0 ||
        party_read(t, l, &row.to, l->words[1]) < 0 ||
        protocols_read(l, l->words[2], row.protocols) < 0 ||
        ports_read(t, l, l->words[3], &row) < 0)
        return -EINVAL;
    for (size_t i = 4; i < l->n; i++) {
        int r = word_read(t, l, &row, l->words[i]);

        if (r < 0)
            return r;
        is_off |= r > 0;
    }
    if (is_off)
        return 0;
    end = append(&t->rows, &t->n_rows, sizeof(*end));
    if (!end)
        return -ENOMEM;
    *end = row;
    return 0;
}

static int line_read(struct table *t, struct line *l, char *text) {
    char *save = NULL;

    text[strcspn(text, "#")] = '\0';
    l->n = 0;
    for (char *w = strtok_r(text, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save)) {
        if (l->n == WORDS_MAX)
            return complain(l, "too many words", w);
        l->words[l->n++] = w;
    }
    if (l->n == 0)
        return 0;
    if (strcmp(l->words[0], "host") == 0)
        return host_read(t, l);
    if (strcmp(l->words[0], "group") == 0)
        return group_read(t, l);
    if (strcmp(l->words[0], "name") == 0)
        return name_read(t, l);
    if (strcmp(l->words[0], "feature") == 0)
        return feature_read(t, l);
    if (strcmp(l->words[0], "port") == 0)
        return port_read(t, l);
    return row_read(t, l);
}

struct table *table_load(const char *path) {
    struct table *t = calloc(1, sizeof(*t));
    struct line l = { .path = path };
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;
    int r = t && f ? 0 : -errno;

    while (r == 0 && getline(&text, &size, f) >= 0) {
        l.number++;
        r = line_read(t, &l, text);
    }
    if (!f)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    else
        fclose(f);
    free(text);
    return r < 0 ? table_free(t) : t;
}

struct table *table_free(struct table *t) {
    if (!t)
        return NULL;
    free(t->hosts);
    free(t->rows);
    free(t->groups);
    free(t);
    return NULL;
}
