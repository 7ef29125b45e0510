/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/document.h"
#include "server/gate/fault.h"
#include "server/gate/outcome.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/parts.h"
#include "tests/fuzz/runtime.h"
#include "tests/unit/registry_fake.h"

#include <string.h>

/*
 * A whole review against a registry that answers whatever: each part is a
 * manifest and a blob of its digest, its name the Content-Type, and the last
 * one is what the tag means.
 */

#define REPOSITORY "https://r.io/v2/a"

enum { SIZE_MAX_BYTES = 1000, REVIEW_MS = 10000 };

static const char policy_text[] =
    "version: 1\nname: p\nmode: enforce\nonError: deny\nrules:\n"
    "  - name: r\n    owner: o\n    check:\n"
    "      size: {max: 1000}\n      layers: {max: 3}\n"
    "      user: {root: deny}\n      env: {secrets: deny}\n"
    "      history: {deny: [build-tools, embedded-secret]}\n";

static const char review_text[] =
    "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\","
    "\"request\":{\"uid\":\"u\",\"kind\":{\"group\":\"\",\"version\":\"v1\","
    "\"kind\":\"Pod\"},\"resource\":{\"group\":\"\",\"version\":\"v1\","
    "\"resource\":\"pods\"},\"namespace\":\"n\",\"operation\":\"CREATE\","
    "\"object\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{"
    "\"name\":\"w\"},\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":"
    "\"r.io/a:1\"}]}}}}";

static struct ruleset *
read_policy(void)
{
	AUTO(document_stream_free) struct document_stream *s = NULL;
	AUTO(document_free) struct document *doc = NULL;
	AUTO(diagnostics_clear) struct diagnostics d;
	struct error err = ERROR_INIT;
	struct mark at;

	diagnostics_init(&d, "policy");
	s = document_stream_new(policy_text, strlen(policy_text), &err);
	MUST(s != NULL && document_next(s, &doc, &at, &err) == 1);
	return ruleset_parse(doc, &d);
}

static void
add(struct fake *f, const char *path, const char *name, const struct part *p,
    struct arena *mem)
{
	fake_gives(f, .url = arena_printf(mem, REPOSITORY "/%s/%s", path, name),
	    .type = *p->name != '\0' ? p->name : NULL, .body = p->data,
	    .len = p->len, .always = true);
}

static void
fetch(struct fake *f, const struct parts *p, struct plan_image *img,
    struct arena *mem)
{
	MUST(img->fetch);
	for (size_t i = 0; i < p->n; i++) {
		add(f, "manifests", p->items[i].digest, &p->items[i], mem);
		add(f, "blobs", p->items[i].digest, &p->items[i], mem);
	}
	add(f, "manifests", "1", &p->items[p->n - 1], mem);
	if (fake_resolve(f, "r.io/a:1", NULL, REVIEW_MS) != NULL)
		img->facts = image_set_ref(f->set);
	else
		img->fault = fault_of(&f->err, true, mem);
}

static bool
is_root(const char *user)
{
	size_t n = strcspn(user, ":");

	return n == 0 || strspn(user, "0") == n ||
	       (n == 4 && memcmp(user, "root", n) == 0);
}

/* What was admitted is what was allowed, as a runtime reads it. */
static void
must_be_fit(const struct parts *p, const struct image_set *set)
{
	MUST(set != NULL && set->n > 0);
	for (size_t i = 0; i < set->n; i++) {
		const struct image *img = set->images[i];
		const struct part *config = parts_find(p, img->config_digest);
		AUTO(json_decref) json_t *theirs = NULL;

		parts_must_say(p, img, true);
		MUST(img->size <= SIZE_MAX_BYTES);
		theirs = runtime_read(config->data, config->len);
		MUST(!is_root(
		    runtime_string(json_object_get(theirs, "config"), "user")));
	}
}

/* Nothing else than what was judged is answered. */
static void
check_answer(const struct review *r, const struct report *report)
{
	const struct error none = ERROR_INIT;
	const struct outcome_skipped why = {.err = &none};
	AUTO(free) char *text = NULL;
	AUTO(json_decref) json_t *root = NULL;
	struct error err = ERROR_INIT;
	struct outcome o;
	size_t len;

	outcome_validate(&o, r, report, &why);
	text = review_answer_encode(r, &o.answer, &len, &err);
	MUST(text != NULL);
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	MUST(json_is_true(json_object_get(json_object_get(root, "response"),
		 "allowed")) == (report->verdict == VERDICT_ALLOW));
	outcome_clear(&o);
}

static void
judge(const struct parts *p, struct arena *mem)
{
	AUTO(ruleset_unref) struct ruleset *rules = read_policy();
	AUTO(review_free) struct review *r = NULL;
	AUTO(plan_free) struct plan *plan = NULL;
	AUTO(fake_clear) struct fake f;
	struct error err = ERROR_INIT;
	struct report *report;

	r = review_parse(review_text, strlen(review_text), &err);
	MUST(rules != NULL && r != NULL && r->workload != NULL);
	fake_init(&f, NULL);
	plan = plan_new(rules, r->workload, f.wall, &err);
	MUST(plan != NULL && plan->nimages == 1);
	fetch(&f, p, &plan->images[0], mem);
	report = evaluate(plan, &err);
	MUST(report != NULL);
	if (report->verdict == VERDICT_ALLOW)
		must_be_fit(p, plan->images[0].facts);
	else
		MUST(report->verdict == VERDICT_DENY ||
		     report->verdict == VERDICT_ERROR);
	check_answer(r, report);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct parts p;

	if (mem != NULL && parts_read(&p, data, size, mem) == 0)
		judge(&p, mem);
	return 0;
}
