/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/webhook.h"

#include "policy/base/units.h"
#include "server/admission/review.h"
#include "server/gate/outcome.h"

#include <string.h>

enum {
	TIMEOUT_DEFAULT_MS = 10 * 1000,
	TIMEOUT_MAX_MS = 30 * 1000,
	MARGIN_MIN_MS = 250,
	MARGIN_MAX_MS = 1000,
	SHED_RETRY_S = 1,
	LOG_IMAGES_MAX = LOG_LINE_MAX / 2,
	TEXT_MAX = 2048, /* what an API server shows of such a body */
};

static const char *const endpoint_names[] = {
    [WEBHOOK_VALIDATE] = "validate", [WEBHOOK_MUTATE] = "mutate"};

struct webhook {
	struct webhook_options o;
	atomic_size_t inflight;
};

struct webhook_call {
	struct webhook *webhook;
	enum webhook_endpoint endpoint;
	int64_t started; /* monotonic microseconds */
	struct review *review;
	struct decision *decision;
	struct error err; /* why there is no review, or no decision */
	bool shed;
	const char *exempt; /* why it is not judged; NULL: it is */
	webhook_ready *ready;
	void *arg;
};

struct webhook *
webhook_new(const struct webhook_options *o)
{
	struct webhook *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->o = *o;
	atomic_init(&w->inflight, 0);
	return w;
}

void
webhook_free(struct webhook *w)
{
	free(w);
}

int64_t
webhook_budget_ms(const char *timeout)
{
	int64_t ms, margin;

	if (timeout == NULL || units_parse_go_duration(timeout, &ms) != 0 ||
	    ms <= 0)
		ms = TIMEOUT_DEFAULT_MS;
	if (ms > TIMEOUT_MAX_MS)
		ms = TIMEOUT_MAX_MS;
	margin = ms / 5;
	if (margin < MARGIN_MIN_MS)
		margin = MARGIN_MIN_MS;
	if (margin > MARGIN_MAX_MS)
		margin = MARGIN_MAX_MS;
	return ms > margin ? ms - margin : 0;
}

static int64_t
now_us(const struct webhook *w)
{
	return w->o.clock->monotonic_us(w->o.clock);
}

static void
decided(void *arg, struct decision *d)
{
	struct webhook_call *c = arg;

	c->decision = d;
	c->ready(c->arg, c);
}

/* Why a review is not judged, or NULL. */
static const char *
exemption(const struct webhook *w, const struct review *r)
{
	if (w->o.own_namespace != NULL &&
	    strcmp(w->o.own_namespace, r->namespace) == 0)
		return "the gate's own namespace";
	return r->mirror ? "the mirror of a static pod" : NULL;
}

int
webhook_start(struct webhook *w, enum webhook_endpoint endpoint,
    const char *body, size_t len, const char *timeout, webhook_ready *ready,
    void *arg)
{
	struct webhook_call *c = calloc(1, sizeof(*c));
	struct workload *load = NULL;

	if (c == NULL)
		return -1;
	c->webhook = w;
	c->endpoint = endpoint;
	c->ready = ready;
	c->arg = arg;
	c->started = now_us(w);
	c->shed = atomic_fetch_add(&w->inflight, 1) >= w->o.max_inflight;
	metrics_add(w->o.metrics, METRIC_INFLIGHT, 1, NULL, NULL, NULL);
	if (!c->shed)
		c->review = review_parse(body, len, &c->err);
	if (c->review != NULL && c->review->malformed == NULL) {
		c->exempt = exemption(w, c->review);
		if (c->exempt == NULL &&
		    (endpoint == WEBHOOK_VALIDATE || c->review->patchable))
			load = TAKE(c->review->workload);
	}
	if (load == NULL || gate_decide(w->o.gate, load,
				c->started / 1000 + webhook_budget_ms(timeout),
				decided, c, &c->err) != 0)
		ready(arg, c);
	return 0;
}

static void
conclude(struct webhook_call *c, struct outcome *o)
{
	struct outcome_skipped why = {.exempt = c->exempt, .err = &c->err};
	const struct report *report = NULL;

	if (c->decision != NULL)
		report = decision_report(c->decision, &c->err);
	if (c->endpoint == WEBHOOK_MUTATE)
		outcome_mutate(o, report, &why);
	else
		outcome_validate(o, c->review, report, &why);
	if (c->webhook->o.advise_workloads &&
	    strcmp(c->review->resource, "pods") != 0)
		outcome_advise(o);
}

static void
log_image(struct buf *b, const struct report_image *img, const char *source)
{
	AUTO(buf_clear) struct buf findings = BUF_INIT(LOG_LINE_MAX);
	const struct finding *f;
	size_t i;

	for (i = 0; i < img->nfindings; i++) {
		f = &img->findings[i];
		buf_puts(&findings, i == 0 ? "[" : ",");
		log_object(&findings, ":s :s :s", "rule", f->rule->name,
		    "check", f->check, "mode", mode_names[f->rule->mode]);
	}
	buf_puts(&findings, i == 0 ? "[]" : "]");
	log_object(b, ":s :s :s :s :s :s :j", "path", img->container->path,
	    "reference", img->container->image, "resolved", img->resolved,
	    "cache", source, "verdict", verdict_name(img->verdict), "error",
	    img->fault.code, "findings", &findings);
}

/* As many as a line has room for, and how many more there are. */
static void
log_images(struct buf *b, struct decision *d, const struct report *report)
{
	const char *comma = "";
	int64_t left_out = 0;
	size_t i;

	buf_puts(b, "[");
	for (i = 0; report != NULL && i < report->nimages; i++) {
		AUTO(buf_clear) struct buf one = BUF_INIT(LOG_IMAGES_MAX);

		if (!report->images[i].judged)
			continue;
		log_image(&one, &report->images[i], decision_source(d, i));
		if (buf_failed(&one) || b->len + one.len > LOG_IMAGES_MAX) {
			left_out++;
			continue;
		}
		buf_printf(b, "%s%s", comma, buf_text(&one));
		comma = ",";
	}
	if (left_out > 0) {
		buf_puts(b, comma);
		log_object(b, ":i", "leftOut", left_out);
	}
	buf_puts(b, "]");
}

static void
log_review(
    const struct webhook_call *c, const struct outcome *o, double seconds)
{
	AUTO(buf_clear) struct buf images = BUF_INIT(LOG_LINE_MAX);
	const struct review *r = c->review;

	if (c->webhook->o.log->level > LOG_INFO)
		return;
	log_images(&images, c->decision, o->report);
	log_event(c->webhook->o.log, LOG_INFO, "review",
	    ":s :s :s :s :s :s :s :b :s :f :j", "endpoint",
	    endpoint_names[c->endpoint], "uid", r->uid, "operation",
	    r->operation, "kind", r->kind, "namespace", r->namespace, "name",
	    r->name, "username", r->username, "dryRun", r->dry_run, "verdict",
	    verdict_name(o->verdict), "ms", seconds * 1000, "images", &images);
}

static const char *
operation_label(const char *operation)
{
	static const char *const known[] = {
	    "CREATE", "UPDATE", "DELETE", "CONNECT"};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(operation, known[i]) == 0)
			return known[i];
	return "other";
}

static void
count_review(
    const struct webhook_call *c, const struct outcome *o, double seconds)
{
	struct metrics *m = c->webhook->o.metrics;
	const struct report_image *img;
	size_t i, j;

	metrics_add(m, METRIC_REVIEWS, 1, endpoint_names[c->endpoint],
	    operation_label(c->review->operation), verdict_name(o->verdict));
	metrics_observe(m, METRIC_REVIEW_DURATION, seconds, NULL);
	for (i = 0; o->report != NULL && i < o->report->nimages; i++) {
		img = &o->report->images[i];
		if (img->fault.code != NULL)
			metrics_add(m, METRIC_UNJUDGED, 1, img->fault.code,
			    verdict_name(img->verdict), NULL);
		for (j = 0; j < img->nfindings; j++)
			metrics_add(m, METRIC_FINDINGS, 1,
			    img->findings[j].rule->name, img->findings[j].check,
			    mode_names[img->findings[j].rule->mode]);
	}
}

static void
answer_text(struct webhook_answer *a, unsigned status, const char *text)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);

	buf_printf(&b, "%s\n", text);
	a->status = status;
	a->content_type = "text/plain; charset=utf-8";
	a->len = b.len;
	a->body = buf_take(&b);
}

static void
answer_review(struct webhook_call *c, struct webhook_answer *a)
{
	struct error err = ERROR_INIT;
	struct outcome o;
	double seconds;

	conclude(c, &o);
	a->status = 200;
	a->content_type = "application/json";
	a->body = review_answer_encode(c->review, &o.answer, &a->len, &err);
	seconds = (double)(now_us(c->webhook) - c->started) / 1e6;
	count_review(c, &o, seconds);
	log_review(c, &o, seconds);
	outcome_clear(&o);
	if (a->body == NULL)
		answer_text(a, 503, "out of memory");
}

void
webhook_finish(struct webhook_call *c, struct webhook_answer *a)
{
	struct webhook *w = c->webhook;

	*a = (struct webhook_answer){0};
	if (c->shed) {
		metrics_add(w->o.metrics, METRIC_SHED, 1, NULL, NULL, NULL);
		answer_text(a, 503, "too many reviews at once, come back");
		a->retry_after = SHED_RETRY_S;
	} else if (c->review == NULL) {
		log_event(w->o.log, LOG_WARN, "bad_request", ":s", "reason",
		    c->err.msg);
		answer_text(
		    a, c->err.code == ERR_NOMEM ? 503 : 400, c->err.msg);
	} else {
		answer_review(c, a);
	}
	decision_free(c->decision);
	review_free(c->review);
	metrics_add(w->o.metrics, METRIC_INFLIGHT, -1, NULL, NULL, NULL);
	atomic_fetch_sub(&w->inflight, 1);
	free(c);
}
