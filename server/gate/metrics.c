/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/metrics.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

enum { LABELS = 3, BUCKETS = 17, SERIES_MAX = 4096, SLOTS = 64 };

static const double bounds[BUCKETS] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025,
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};

static const struct family {
	const char *name;
	const char *type;
	const char *help;
	const char *labels[LABELS];
} families[METRIC_COUNT] = {
    [METRIC_REQUESTS] = {"requests_total", "counter", "HTTP answers given.",
	{"endpoint", "code"}},
    [METRIC_REVIEWS] = {"reviews_total", "counter", "Reviews decided.",
	{"endpoint", "operation", "verdict"}},
    [METRIC_REVIEW_DURATION] = {"review_duration_seconds", "histogram",
	"Time from a review's arrival to its answer.", {NULL}},
    [METRIC_FINDINGS] = {"findings_total", "counter", "Findings in reviews.",
	{"rule", "check", "mode"}},
    [METRIC_UNJUDGED] = {"unjudged_images_total", "counter",
	"Images that could not be judged, and what became of them.",
	{"code", "verdict"}},
    [METRIC_REGISTRY_REQUESTS] = {"registry_requests_total", "counter",
	"Requests to registries; code 0 is no answer.",
	{"registry", "kind", "code"}},
    [METRIC_REGISTRY_DURATION] = {"registry_request_duration_seconds",
	"histogram", "Time of requests to registries.", {"registry"}},
    [METRIC_RATE_LIMIT] = {"registry_ratelimit_limit", "gauge",
	"Requests that a registry grants, by its last answer; listed "
	"registries and Docker Hub.",
	{"registry"}},
    [METRIC_RATE_REMAINING] = {"registry_ratelimit_remaining", "gauge",
	"Those of them that are left.", {"registry"}},
    [METRIC_CACHE_REQUESTS] = {"cache_requests_total", "counter",
	"References looked up in the cache.", {"result"}},
    [METRIC_CACHE_BYTES] = {"cache_bytes", "gauge",
	"Bytes that the cache holds.", {NULL}},
    [METRIC_CACHE_ENTRIES] = {"cache_entries", "gauge",
	"References that the cache knows.", {NULL}},
    [METRIC_INFLIGHT] = {"inflight_reviews", "gauge",
	"Reviews being decided now.", {NULL}},
    [METRIC_SHED] = {"shed_total", "counter",
	"Reviews sent away because there were too many at once.", {NULL}},
    [METRIC_POLICY_INFO] = {"policy_info", "gauge", "The policy in force.",
	{"name", "sha256"}},
    [METRIC_POLICY_RELOADS] = {"policy_reloads_total", "counter",
	"Reloads of policy, config and certificates.", {"result"}},
    [METRIC_POLICY_LOADED] = {"policy_loaded_timestamp_seconds", "gauge",
	"When the policy in force was loaded.", {NULL}},
    [METRIC_CERT_NOT_AFTER] = {"certificate_not_after_timestamp_seconds",
	"gauge", "When the serving certificate expires.", {NULL}},
    [METRIC_WAIVER_EXPIRY] = {"waiver_expiry_timestamp_seconds", "gauge",
	"When a waiver expires.", {"rule", "owner"}},
    [METRIC_BUILD_INFO] = {"build_info", "gauge", "The program's version.",
	{"version"}},
};

struct series {
	struct series *next;
	char *labels; /* rendered: rule="a",check="b"; "" for none */
	double value; /* of a histogram: the sum */
	uint64_t buckets[BUCKETS];
	uint64_t count;
};

struct metrics {
	pthread_mutex_t lock;
	struct series *slots[METRIC_COUNT][SLOTS];
	size_t n[METRIC_COUNT];
};

struct metrics *
metrics_new(void)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (m != NULL)
		pthread_mutex_init(&m->lock, NULL);
	return m;
}

static void
forget(struct metrics *m, enum metric which)
{
	struct series *s, *next;
	size_t i;

	for (i = 0; i < SLOTS; i++) {
		for (s = m->slots[which][i]; s != NULL; s = next) {
			next = s->next;
			free(s->labels);
			free(s);
		}
		m->slots[which][i] = NULL;
	}
	m->n[which] = 0;
}

void
metrics_free(struct metrics *m)
{
	int i;

	if (m == NULL)
		return;
	for (i = 0; i < METRIC_COUNT; i++)
		forget(m, (enum metric)i);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* A label value as the text format wants it. */
static void
add_value(struct buf *b, const char *v)
{
	for (; *v != '\0'; v++) {
		if (*v == '\n')
			buf_puts(b, "\\n");
		else if (*v == '"' || *v == '\\')
			buf_printf(b, "\\%c", *v);
		else
			buf_add(b, v, 1);
	}
}

static void
render_labels(struct buf *b, enum metric which, const char *const *values)
{
	const struct family *f = &families[which];
	int i;

	for (i = 0; i < LABELS && f->labels[i] != NULL; i++) {
		buf_printf(b, "%s%s=\"", i > 0 ? "," : "", f->labels[i]);
		add_value(b, values[i] != NULL ? values[i] : "");
		buf_puts(b, "\"");
	}
}

static size_t
slot_of(const char *s)
{
	uint32_t h = 2166136261U; /* FNV-1a */

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619U;
	return h % SLOTS;
}

/* With the lock held. NULL: out of memory, or the family is full. */
static struct series *
find(struct metrics *m, enum metric which, const char *const *values)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(1024);
	struct series **slot, *s;

	render_labels(&b, which, values);
	if (buf_failed(&b))
		return NULL;
	slot = &m->slots[which][slot_of(buf_text(&b))];
	for (s = *slot; s != NULL; s = s->next)
		if (strcmp(s->labels, buf_text(&b)) == 0)
			return s;
	if (m->n[which] >= SERIES_MAX)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->labels = buf_take(&b);
	if (s->labels == NULL) {
		free(s);
		return NULL;
	}
	s->next = *slot;
	*slot = s;
	m->n[which]++;
	return s;
}

void
metrics_add(struct metrics *m, enum metric which, double by, const char *label1,
    const char *label2, const char *label3)
{
	const char *const values[LABELS] = {label1, label2, label3};
	struct series *s;

	pthread_mutex_lock(&m->lock);
	s = find(m, which, values);
	if (s != NULL)
		s->value += by;
	pthread_mutex_unlock(&m->lock);
}

void
metrics_set(struct metrics *m, enum metric which, double value,
    const char *label1, const char *label2)
{
	const char *const values[LABELS] = {label1, label2, NULL};
	struct series *s;

	pthread_mutex_lock(&m->lock);
	s = find(m, which, values);
	if (s != NULL)
		s->value = value;
	pthread_mutex_unlock(&m->lock);
}

void
metrics_reset(struct metrics *m, enum metric which)
{
	pthread_mutex_lock(&m->lock);
	forget(m, which);
	pthread_mutex_unlock(&m->lock);
}

void
metrics_observe(
    struct metrics *m, enum metric which, double seconds, const char *label1)
{
	const char *const values[LABELS] = {label1, NULL, NULL};
	struct series *s;
	int i;

	pthread_mutex_lock(&m->lock);
	s = find(m, which, values);
	if (s != NULL) {
		s->value += seconds;
		s->count++;
		for (i = 0; i < BUCKETS; i++)
			if (seconds <= bounds[i])
				s->buckets[i]++;
	}
	pthread_mutex_unlock(&m->lock);
}

static void
add_sample(struct buf *out, const struct family *f, const char *suffix,
    const char *labels, double value)
{
	const bool some = labels[0] != '\0';

	buf_printf(out, "policy_gate_%s%s%s%s%s %.17g\n", f->name, suffix,
	    some ? "{" : "", labels, some ? "}" : "", value);
}

static void
render_histogram(
    struct buf *out, const struct family *f, const struct series *s)
{
	const char *comma = s->labels[0] != '\0' ? "," : "";
	int i;

	for (i = 0; i < BUCKETS; i++)
		buf_printf(out, "policy_gate_%s_bucket{%s%sle=\"%g\"} %llu\n",
		    f->name, s->labels, comma, bounds[i],
		    (unsigned long long)s->buckets[i]);
	buf_printf(out, "policy_gate_%s_bucket{%s%sle=\"+Inf\"} %llu\n",
	    f->name, s->labels, comma, (unsigned long long)s->count);
	add_sample(out, f, "_sum", s->labels, s->value);
	add_sample(out, f, "_count", s->labels, (double)s->count);
}

static void
render_series(struct buf *out, const struct family *f, const struct series *s)
{
	if (strcmp(f->type, "histogram") == 0)
		render_histogram(out, f, s);
	else
		add_sample(out, f, "", s->labels, s->value);
}

int
metrics_render(struct metrics *m, struct buf *out)
{
	const struct series *s;
	size_t j;
	int i;

	pthread_mutex_lock(&m->lock);
	for (i = 0; i < METRIC_COUNT; i++) {
		if (m->n[i] == 0)
			continue;
		buf_printf(out,
		    "# HELP policy_gate_%s %s\n# TYPE policy_gate_%s %s\n",
		    families[i].name, families[i].help, families[i].name,
		    families[i].type);
		for (j = 0; j < SLOTS; j++)
			for (s = m->slots[i][j]; s != NULL; s = s->next)
				render_series(out, &families[i], s);
	}
	pthread_mutex_unlock(&m->lock);
	return buf_failed(out) ? -1 : 0;
}
