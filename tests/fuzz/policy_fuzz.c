/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lint.h"
#include "policy/report.h"
#include "tests/fuzz/fuzz.h"

enum { PRINTED_MAX = 1024 * 1024, NOW = 1800000000 };

/* A policy that was accepted judges. */
static void
judge(struct ruleset *rs)
{
	struct container c = {.name = "web",
	    .path = "spec.containers[0].image",
	    .image = "registry.corp/shop/web:1"};
	AUTO(workload_free) struct workload *w = workload_new();
	AUTO(plan_free) struct plan *p = NULL;
	struct report *r = NULL;
	AUTO(json_decref) json_t *json = NULL;
	struct error err = ERROR_INIT;

	if (w == NULL)
		return;
	w->kind = "Pod";
	w->namespace = "shop";
	w->containers = &c;
	w->ncontainers = 1;
	p = plan_new(rs, w, NOW, &err);
	if (p == NULL)
		return;
	r = evaluate(p, &err);
	MUST(r != NULL && r->verdict != VERDICT_NONE);
	json = report_json(r);
	MUST(json != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(document_stream_free) struct document_stream *stream = NULL;
	AUTO(document_free) struct document *doc = NULL;
	AUTO(diagnostics_clear) struct diagnostics d;
	AUTO(ruleset_unref) struct ruleset *rs = NULL;
	AUTO(buf_clear) struct buf said = BUF_INIT(PRINTED_MAX);
	struct error err = ERROR_INIT;
	struct mark at;

	diagnostics_init(&d, "policy.yaml");
	stream = document_stream_new((const char *)data, size, &err);
	if (stream == NULL || document_next(stream, &doc, &at, &err) != 1)
		return 0;
	rs = ruleset_parse(doc, &d);
	MUST((rs == NULL) == (d.errors > 0));
	if (rs != NULL) {
		const struct ruleset_source source = {doc, &d};

		lint_policy(&source, 1, rs, 0, LINT_ALL);
		MUST(d.errors == 0);
	}
	diagnostics_print(&d, &said);
	if (rs != NULL)
		judge(rs);
	return 0;
}
