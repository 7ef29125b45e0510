/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/routes.h"

#include "server/gate/clock.h"

#include <stdio.h>
#include <string.h>

static const char TEXT[] = "text/plain; charset=utf-8";

static void
respond_text(struct http_exchange *x, unsigned status, const char *text)
{
	struct http_answer a = {.status = status, .content_type = TEXT};

	a.body = strdup(text);
	a.len = a.body != NULL ? strlen(text) : 0;
	http_respond(x, &a);
}

/* On the listener's worker again: the facts are there. */
static void
finish_review(void *arg, struct http_exchange *x)
{
	struct webhook_answer w;
	struct http_answer a;

	webhook_finish(arg, &w);
	a = (struct http_answer){.status = w.status,
	    .content_type = w.content_type,
	    .retry_after = w.retry_after,
	    .body = w.body,
	    .len = w.len};
	http_respond(x, &a);
}

static void
review_ready(void *arg, struct webhook_call *c)
{
	http_continue(arg, finish_review, c);
}

static void
start_review(
    struct routes *r, struct http_exchange *x, enum webhook_endpoint endpoint)
{
	const char *body;
	size_t len;

	body = http_body(x, &len);
	if (webhook_start(r->webhook, endpoint, body, len,
		http_query(x, "timeout"), review_ready, x) != 0)
		respond_text(x, 503, "out of memory\n");
}

static void
handle_validate(void *arg, struct http_exchange *x)
{
	start_review(arg, x, WEBHOOK_VALIDATE);
}

static void
handle_mutate(void *arg, struct http_exchange *x)
{
	start_review(arg, x, WEBHOOK_MUTATE);
}

static void
handle_livez(void *arg, struct http_exchange *x)
{
	(void)arg;
	respond_text(x, 200, "ok\n");
}

static void
handle_readyz(void *arg, struct http_exchange *x)
{
	struct routes *r = arg;

	if (atomic_load(&r->draining))
		respond_text(x, 503, "shutting down\n");
	else if (clock_real.wall_s(&clock_real) >=
		 atomic_load(&r->cert_not_after))
		respond_text(x, 503, "the certificate has expired\n");
	else if (atomic_load(&r->stale))
		respond_text(x, 200,
		    "ok, but the last reload was refused: policy, config and "
		    "certificate are the ones before it\n");
	else
		respond_text(x, 200, "ok\n");
}

static void
handle_metrics(void *arg, struct http_exchange *x)
{
	const struct routes *r = arg;
	struct http_answer a = {.status = 200,
	    .content_type = "text/plain; version=0.0.4; charset=utf-8"};
	AUTO(buf_clear) struct buf page = BUF_INIT(METRICS_TEXT_MAX);

	if (metrics_render(r->metrics, &page) != 0) {
		respond_text(x, 503, "out of memory\n");
		return;
	}
	a.len = page.len;
	a.body = buf_take(&page);
	http_respond(x, &a);
}

const struct http_route routes_tls[] = {
    {"POST", "/validate", handle_validate, true},
    {"POST", "/mutate", handle_mutate, true},
    {"GET", "/livez", handle_livez, false},
    {"GET", "/readyz", handle_readyz, false},
    {0},
};

const struct http_route routes_metrics[] = {
    {"GET", "/metrics", handle_metrics, false},
    {"GET", "/livez", handle_livez, false},
    {"GET", "/readyz", handle_readyz, false},
    {0},
};

void
routes_count(void *arg, const char *path, unsigned status)
{
	static const char *const known[] = {
	    "/validate", "/mutate", "/livez", "/readyz", "/metrics"};
	const struct routes *r = arg;
	const char *endpoint = "other";
	char code[16];
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(path, known[i]) == 0)
			endpoint = known[i] + 1;
	snprintf(code, sizeof(code), "%u", status);
	metrics_add(r->metrics, METRIC_REQUESTS, 1, endpoint, code, NULL);
}
