/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The families are rows, each with what gathers its samples. Labels have as many values as the
 * files have flows and names: nothing that comes in a packet or from a process becomes one. Ages
 * are told as the time since when, as Prometheus wants it: they then grow without being asked. */
#include "metrics.h"

#include "base/macros.h"
#include "engine/jsonlist.h"
#include "print.h"
#include "when.h"

#include <string.h>

static json_t *no_labels(void) {
    return json_object();
}

/* Takes both references. */
static int add(json_t *samples, json_t *labels, json_t *value) {
    return json_array_append_new(samples,
                                 json_pack("{s:o, s:o}", "labels", labels, "value", value));
}

static int add_created(json_t *samples, json_t *labels, json_t *value, time_t created) {
    return json_array_append_new(samples, json_pack("{s:o, s:o, s:I}", "labels", labels, "value",
                                                    value, "created", (json_int_t)created));
}

/* A number of the answer as it is; without it there is no sample. */
static int add_number(json_t *samples, json_t *labels, json_t *from, const char *key) {
    json_t *value = json_object_get(from, key);

    if (json_is_integer(value))
        return add(samples, labels, json_incref(value));
    json_decref(labels);
    return 0;
}

static int add_time(json_t *samples, json_t *labels, json_t *from, const char *key) {
    time_t time;

    if (when_parse(member_text(from, key), &time))
        return add(samples, labels, json_integer((json_int_t)time));
    json_decref(labels);
    return 0;
}

/* One of these words holds, 1, and the others don't; of a stateset the label has the family's
 * name. */
static int add_states(json_t *samples, const char *family, const char *const *words, size_t n,
                      const char *state) {
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = add(samples, json_pack("{s:s}", family, words[i]),
                json_integer(strcmp(words[i], state) == 0));
    return r;
}

static int up(json_t *samples, const struct metrics_answers *a) {
    return add(samples, no_labels(), json_integer(a->status != NULL));
}

static int build(json_t *samples, const struct metrics_answers *a) {
    if (!a->info)
        return 0;
    return add(samples, json_pack("{s:s}", "version", member_text(a->info, "version")),
               json_integer(1));
}

static int host(json_t *samples, const struct metrics_answers *a) {
    if (!json_object_get(a->status, "host"))
        return 0;
    return add(samples,
               json_pack("{s:s, s:s}", "site", member_text(a->status, "site"), "host",
                         member_text(a->status, "host")),
               json_integer(1));
}

static int start_time(json_t *samples, const struct metrics_answers *a) {
    return add_time(samples, no_labels(), a->status, "started");
}

static int state(json_t *samples, const struct metrics_answers *a) {
    static const char *const words[] = { "enforcing", "learning",  "audit",
                                         "degraded",  "contested", "off" };

    if (!a->status)
        return 0;
    return add_states(samples, "portd_state", words, ARRAY_SIZE(words),
                      member_text(a->status, "state"));
}

static int seal(json_t *samples, const struct metrics_answers *a) {
    static const char *const words[] = { "sealed", "watched", "unsealed", "hostile" };

    if (!json_object_get(a->status, "seal"))
        return 0;
    return add_states(samples, "portd_seal", words, ARRAY_SIZE(words),
                      member_text(a->status, "seal"));
}

static int generation(json_t *samples, const struct metrics_answers *a) {
    return add_number(samples, no_labels(), a->status, "generation");
}

static int applied(json_t *samples, const struct metrics_answers *a) {
    return add_time(samples, no_labels(), a->status, "since");
}

static int last_reload(json_t *samples, const struct metrics_answers *a) {
    return add_time(samples, no_labels(), json_object_get(a->status, "last_reload"), "time");
}

static int drifts(json_t *samples, const struct metrics_answers *a) {
    json_t *n = json_object_get(a->status, "drifts");
    time_t started;

    if (!json_is_integer(n))
        return 0;
    if (!when_parse(member_text(a->status, "started"), &started))
        return add(samples, no_labels(), json_incref(n));
    return add_created(samples, no_labels(), json_incref(n), started);
}

static int last_drift(json_t *samples, const struct metrics_answers *a) {
    return add_time(samples, no_labels(), json_object_get(a->status, "last_drift"), "time");
}

static double seconds(json_t *from) {
    return (double)json_integer_value(json_object_get(from, "usec")) / 1000000;
}

static json_t *buckets(json_t *bounds) {
    json_t *list = json_array();
    int r = list ? 0 : -1;

    for (size_t i = 0; r == 0 && i < json_array_size(bounds); i++) {
        json_t *bound = json_array_get(bounds, i);

        r = json_array_append_new(list, json_pack("{s:f, s:O}", "le", seconds(bound), "count",
                                                  json_object_get(bound, "count")));
    }
    return json_whole(list, r);
}

static int repair_duration(json_t *samples, const struct metrics_answers *a) {
    json_t *repairs = json_object_get(a->status, "repairs"), *sample;
    time_t started;

    if (!repairs || !when_parse(member_text(a->status, "started"), &started))
        return 0;
    sample = json_pack("{s:{}, s:o, s:O, s:f, s:I}", "labels", "buckets",
                       buckets(json_object_get(repairs, "at_most")), "count",
                       json_object_get(repairs, "count"), "sum", seconds(repairs), "created",
                       (json_int_t)started);
    return json_array_append_new(samples, sample);
}

static json_int_t warnings_count(json_t *list, const char *code) {
    json_int_t n = 0;

    for (size_t i = 0; i < json_array_size(list); i++)
        n += strcmp(member_text(json_array_get(list, i), "code"), code) == 0;
    return n;
}

/* One sample a code: with the first of its warnings. */
static int warnings(json_t *samples, const struct metrics_answers *a) {
    json_t *list = json_object_get(a->status, "warnings"), *seen = json_object();
    int r = seen ? 0 : -1;

    for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
        const char *code = member_text(json_array_get(list, i), "code");

        if (json_object_get(seen, code))
            continue;
        r = json_object_set_new(seen, code, json_true());
        if (r == 0)
            r = add(samples, json_pack("{s:s}", "code", code),
                    json_integer(warnings_count(list, code)));
    }
    json_decref(seen);
    return r;
}

static int peers_unbound(json_t *samples, const struct metrics_answers *a) {
    json_t *list = json_object_get(a->status, "warnings");

    return list ? add(samples, no_labels(), json_integer(warnings_count(list, "peer-unbound"))) : 0;
}

static int grants(json_t *samples, const struct metrics_answers *a) {
    json_t *list = json_object_get(a->status, "grants");

    return list ? add(samples, no_labels(), json_integer((json_int_t)json_array_size(list))) : 0;
}

/* What `item` makes of each. */
static int each(json_t *samples, json_t *list, int (*item)(json_t *samples, json_t *o)) {
    int r = 0;

    for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
        r = item(samples, json_array_get(list, i));
    return r;
}

/* The product is a label of its own: of "jtel-acd/rest" the rest. */
static json_t *flow_labels(json_t *flow, const char *direction) {
    const char *id = member_text(flow, "flow"), *product = member_text(flow, "product");
    size_t n = strlen(product);
    bool has_product = strncmp(id, product, n) == 0 && id[n] == '/';

    return json_pack("{s:s, s:s, s:s}", "product", product, "flow", has_product ? id + n + 1 : id,
                     "direction", direction);
}

static int flow_packets_item(json_t *samples, json_t *flow) {
    int r = add_number(samples, flow_labels(flow, "in"), flow, "packets_in");

    return r < 0 ? r : add_number(samples, flow_labels(flow, "out"), flow, "packets_out");
}

static int flow_bytes_item(json_t *samples, json_t *flow) {
    int r = add_number(samples, flow_labels(flow, "in"), flow, "bytes_in");

    return r < 0 ? r : add_number(samples, flow_labels(flow, "out"), flow, "bytes_out");
}

static int flow_packets(json_t *samples, const struct metrics_answers *a) {
    return each(samples, json_object_get(a->flows, "flows"), flow_packets_item);
}

static int flow_bytes(json_t *samples, const struct metrics_answers *a) {
    return each(samples, json_object_get(a->flows, "flows"), flow_bytes_item);
}

static json_t *text_label(json_t *o, const char *key) {
    return json_pack("{s:s}", key, member_text(o, key));
}

static int denied_packets_item(json_t *samples, json_t *denied) {
    return add_number(samples, text_label(denied, "direction"), denied, "packets");
}

static int denied_bytes_item(json_t *samples, json_t *denied) {
    return add_number(samples, text_label(denied, "direction"), denied, "bytes");
}

static int denied_packets(json_t *samples, const struct metrics_answers *a) {
    return each(samples, json_object_get(a->flows, "denied"), denied_packets_item);
}

static int denied_bytes(json_t *samples, const struct metrics_answers *a) {
    return each(samples, json_object_get(a->flows, "denied"), denied_bytes_item);
}

static int addresses_item(json_t *samples, json_t *name) {
    static const char *const families[] = { "ipv4", "ipv6" };
    json_t *list = json_object_get(name, "addresses");
    json_int_t n[] = { 0, 0 };
    int r = 0;

    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_is_string(json_array_get(list, i)))
            n[strchr(json_string_value(json_array_get(list, i)), ':') != NULL]++;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++)
        r = add(samples,
                json_pack("{s:s, s:s}", "name", member_text(name, "name"), "family", families[i]),
                json_integer(n[i]));
    return r;
}

static int answered_item(json_t *samples, json_t *name) {
    return add_time(samples, text_label(name, "name"), name, "answered");
}

static int ttl_item(json_t *samples, json_t *name) {
    return add_number(samples, text_label(name, "name"), name, "ttl");
}

static int failing_item(json_t *samples, json_t *name) {
    return add(samples, text_label(name, "name"),
               json_integer(json_object_get(name, "error") != NULL));
}

static int name_addresses(json_t *samples, const struct metrics_answers *a) {
    return each(samples, json_object_get(a->names, "names"), addresses_item);
}

static int name_answered(json_t *samples, const struct metrics_answers *a) {
    return each(samples, json_object_get(a->names, "names"), answered_item);
}

static int name_ttl(json_t *samples, const struct metrics_answers *a) {
    return each(samples, json_object_get(a->names, "names"), ttl_item);
}

static int name_failing(json_t *samples, const struct metrics_answers *a) {
    return each(samples, json_object_get(a->names, "names"), failing_item);
}

static const struct row {
    const char *name, *type, *unit, *help;
    int (*gather)(json_t *samples, const struct metrics_answers *a);
} rows[] = {
    { "portd_up", "gauge", NULL, "Whether portd answered.", up },
    { "portd_build", "info", NULL, "The version of portd that runs.", build },
    { "portd_host", "info", NULL, "Which host of which site this is.", host },
    { "portd_start_time_seconds", "gauge", "seconds",
      "When portd started: drifts and repairs are counted since then.", start_time },
    { "portd_state", "stateset", NULL, "What portd is doing.", state },
    { "portd_seal", "stateset", NULL, "How the table is guarded.", seal },
    { "portd_generation", "gauge", NULL, "The number of the ruleset in force.", generation },
    { "portd_applied_timestamp_seconds", "gauge", "seconds",
      "When the ruleset in force came in force.", applied },
    { "portd_last_reload_timestamp_seconds", "gauge", "seconds",
      "When files were loaded the last time.", last_reload },
    { "portd_drifts", "counter", NULL, "Changes of the rules that somebody else made.", drifts },
    { "portd_last_drift_timestamp_seconds", "gauge", "seconds",
      "When somebody else changed the rules the last time.", last_drift },
    { "portd_repair_duration_seconds", "histogram", "seconds",
      "How long such a change was in force, from being seen to being repaired.", repair_duration },
    { "portd_warnings", "gauge", NULL, "What portd-ctl status warns of.", warnings },
    { "portd_grants", "gauge", NULL, "What is open beside the policy for a while.", grants },
    { "portd_peers_unbound", "gauge", NULL,
      "Peers that flows of this host name and the site binds to nobody.", peers_unbound },
    { "portd_flow_packets", "counter", NULL,
      "Packets that a flow let pass, of those who ask; answers are not counted.", flow_packets },
    { "portd_flow_bytes", "counter", "bytes",
      "Bytes that a flow let pass, of those who ask; answers are not counted.", flow_bytes },
    { "portd_denied_packets", "counter", NULL,
      "Packets that no flow opened; where the mode is audit they passed all the same.",
      denied_packets },
    { "portd_denied_bytes", "counter", "bytes", "Bytes of these packets.", denied_bytes },
    { "portd_name_addresses", "gauge", NULL, "Addresses that are known of a DNS name.",
      name_addresses },
    { "portd_name_answered_timestamp_seconds", "gauge", "seconds",
      "When the last whole answer came for a DNS name.", name_answered },
    { "portd_name_ttl_seconds", "gauge", "seconds", "For how long that answer holds.", name_ttl },
    { "portd_name_failing", "gauge", NULL, "Whether the newest attempt to resolve it failed.",
      name_failing },
};

static json_t *family_json(const struct row *f, json_t *samples) {
    return json_pack("{s:s, s:s, s:s*, s:s, s:O}", "name", f->name, "type", f->type, "unit",
                     f->unit, "help", f->help, "samples", samples);
}

json_t *metrics_families(const struct metrics_answers *a) {
    json_t *list = json_array();
    int r = list ? 0 : -1;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++) {
        json_t *samples = json_array();

        r = samples ? rows[i].gather(samples, a) : -1;
        if (r == 0 && json_array_size(samples) > 0)
            r = json_array_append_new(list, family_json(&rows[i], samples));
        json_decref(samples);
    }
    list = json_whole(list, r);
    return list ? json_pack("{s:o}", "families", list) : NULL;
}
