/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_METRICS_H
#define PORTD_CTL_METRICS_H

#include <jansson.h>
#include <stdio.h>

/* What portd answered, borrowed; NULL where it did not. Without `status` it is taken as down. */
struct metrics_answers {
    json_t *info;   /* of org.varlink.service.GetInfo */
    json_t *status; /* of Status */
    json_t *flows;  /* of Flows */
    json_t *names;  /* of Names */
};

/* The answers as metric families, those without a sample left out:
 * { families: []{ name, type, unit?, help, samples[] } }. The name is that of OpenMetrics, which
 * has no "_total" and no "_info"; the types are its counter, gauge, histogram, info and stateset.
 * sample: { labels, value, created? }, of a histogram { labels, buckets[] { le, count }, count,
 * sum, created? }. NULL: memory is out. */
json_t *metrics_families(const struct metrics_answers *a);

/* Families as text. OpenMetrics 1.0: https://prometheus.io/docs/specs/om/open_metrics_spec/; the
 * older text format, which knows no info, no stateset and no unit:
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */
void print_openmetrics(json_t *families, FILE *f);
void print_prometheus(json_t *families, FILE *f);

/* The name of the format number `i`; NULL behind the last. */
const char *metrics_format_at(size_t i);

#endif
