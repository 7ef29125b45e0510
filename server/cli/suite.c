/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/suite.h"

#include "policy/base/text.h"
#include "policy/base/units.h"
#include "policy/evaluate.h"
#include "server/admission/manifest.h"
#include "server/cli/suite_facts.h"
#include "server/gate/clock.h"
#include "server/gate/config.h"
#include "server/gate/policies.h"

#include <string.h>

enum { SUITE_CASES_MAX = 1000, SAID_MAX = 4096 };

struct suite {
	struct arena *mem;
	struct reader reader;
	struct suite_facts facts;
	struct ruleset *rules;
	struct suite_case *cases;
	size_t ncases;
	int64_t now;
};

void
suite_free(struct suite *s)
{
	if (s == NULL)
		return;
	suite_facts_clear(&s->facts);
	ruleset_unref(s->rules);
	arena_free(s->mem); /* the suite lives in it */
}

const struct suite_case *
suite_cases(const struct suite *s, size_t *n)
{
	*n = s->ncases;
	return s->cases;
}

static const char *
required(struct suite *s, const struct node *parent, const char *key,
    const char *what)
{
	const struct node n = node_get(parent, key);

	if (read_given(&n))
		return read_text(&s->reader, &n, what);
	diagnostics_error(
	    s->reader.diagnostics, parent, "`%s` is missing: %s", key, what);
	return NULL;
}

static int
take_workload(void *arg, struct workload *w)
{
	struct workload **first = arg;

	if (*first == NULL)
		*first = w;
	else
		workload_free(w);
	return 0;
}

/* `workload`, or `image` alone. NULL after reporting. */
static struct workload *
read_workload(struct suite *s, const struct node *n)
{
	const struct node object = node_get(n, "workload");
	const struct node space = node_get(n, "namespace");
	const char *namespace =
	    read_given(&space) ? read_text(&s->reader, &space, "a namespace")
			       : "";
	struct workload *w = NULL;
	const struct manifest_visitor v = {.found = take_workload, .arg = &w};
	struct error err = ERROR_INIT;
	const char *text;

	if (namespace == NULL)
		return NULL;
	if (!read_given(&object)) {
		text = required(s, n, "image", "a reference, or a `workload`");
		return text == NULL ? NULL : workload_of_image(text, namespace);
	}
	if (manifest_walk(object.value, "suite", namespace, &v, &err) != 0)
		diagnostics_error(
		    s->reader.diagnostics, &object, "%s", err.msg);
	else if (w == NULL)
		diagnostics_error(s->reader.diagnostics, &object,
		    "is no object with a pod in it");
	return w;
}

static int
set_replaced(struct suite *s, const struct node *n, struct workload *w)
{
	const struct node old = node_get(n, "replaces");
	const char *text;

	if (!read_given(&old))
		return 0;
	text = read_text(&s->reader, &old, "a reference");
	if (text == NULL || w->ncontainers == 0)
		return -1;
	w->containers[0].replaces = text;
	return 0;
}

/* "rule/check" of every finding, waived ones left out, then the error. */
static void
say_findings(const struct report *r, struct buf *b)
{
	const struct report_image *img;
	size_t i, k;

	for (i = 0; i < r->nimages; i++) {
		img = &r->images[i];
		for (k = 0; k < img->nfindings; k++)
			if (!img->findings[k].waived)
				buf_printf(b, "%s%s/%s", b->len > 0 ? ", " : "",
				    img->findings[k].rule->name,
				    img->findings[k].check);
		if (img->fault.code != NULL)
			buf_printf(
			    b, "%s%s", b->len > 0 ? ", " : "", img->fault.code);
	}
}

/* Why images could not be judged, a line each. */
static void
say_faults(const struct report *r, struct buf *b)
{
	size_t i;

	for (i = 0; i < r->nimages; i++) {
		if (r->images[i].fault.code == NULL)
			continue;
		buf_puts(b, "\n");
		text_sanitise(b, r->images[i].container->image, SAID_MAX);
		buf_puts(b, ": ");
		text_sanitise(b, r->images[i].fault.message, SAID_MAX);
	}
}

static int
say_wanted(struct suite *s, const struct node *findings, struct buf *b)
{
	struct string_list list;
	size_t i;

	if (read_list(&s->reader, findings, "rule/check", NULL, &list) != 0)
		return -1;
	for (i = 0; i < list.n; i++)
		buf_printf(b, "%s%s", i > 0 ? ", " : "", list.items[i]);
	return 0;
}

static const char *
or_none(const struct buf *findings)
{
	return findings->len > 0 ? buf_text(findings) : "no findings";
}

static int
compare(struct suite *s, const struct node *expect, const struct report *r,
    struct suite_case *c)
{
	static const char *const keys[] = {"verdict", "findings", NULL};
	static const char *const words[] = {
	    "allow", "warn", "deny", "error", NULL};
	const struct node word = node_get(expect, "verdict");
	const struct node findings = node_get(expect, "findings");
	AUTO(buf_clear)
	struct buf wanted = BUF_INIT(SAID_MAX), got = BUF_INIT(SAID_MAX);
	const char *verdict;

	if (!diagnostics_check_keys(s->reader.diagnostics, expect, keys))
		return -1;
	verdict = required(s, expect, "verdict", "allow, warn, deny or error");
	if (verdict == NULL || read_word(&s->reader, &word, words) < 0)
		return -1;
	say_findings(r, &got);
	if (read_given(&findings) && say_wanted(s, &findings, &wanted) != 0)
		return -1;
	c->passed = strcmp(verdict, verdict_name(r->verdict)) == 0 &&
		    (!read_given(&findings) ||
			strcmp(buf_text(&wanted), buf_text(&got)) == 0);
	say_faults(r, &got);
	c->why = c->passed
		     ? ""
		     : arena_printf(s->mem, "wanted %s%s%s\ngot    %s: %s",
			   verdict, read_given(&findings) ? ": " : "",
			   read_given(&findings) ? or_none(&wanted) : "",
			   verdict_name(r->verdict), or_none(&got));
	return c->why == NULL ? -1 : 0;
}

static int64_t
read_now(struct suite *s, const struct node *n, int64_t otherwise)
{
	const struct node at = node_get(n, "now");
	const char *text;
	int64_t now;

	if (!read_given(&at))
		return otherwise;
	text = read_text(&s->reader, &at, "a date such as 2026-11-24");
	if (text != NULL && units_parse_date(text, &now) == 0)
		return now;
	if (text != NULL)
		read_expected(&s->reader, &at, "a date such as 2026-11-24");
	return otherwise;
}

static void
run_case(struct suite *s, const struct node *n)
{
	static const char *const keys[] = {"name", "image", "workload",
	    "namespace", "replaces", "now", "expect", NULL};
	const struct node expect = node_get(n, "expect");
	struct suite_case *c = &s->cases[s->ncases];
	AUTO(workload_free) struct workload *w = NULL;
	AUTO(plan_free) struct plan *p = NULL;
	struct report *r = NULL;
	struct error err = ERROR_INIT;

	if (!diagnostics_check_keys(s->reader.diagnostics, n, keys))
		return;
	c->name = required(s, n, "name", "what the case is about");
	w = read_workload(s, n);
	if (c->name == NULL || w == NULL || set_replaced(s, n, w) != 0)
		return;
	if (!read_given(&expect)) {
		diagnostics_error(s->reader.diagnostics, n,
		    "`expect` is missing: {verdict, findings}");
		return;
	}
	p = plan_new(s->rules, w, read_now(s, n, s->now), &err);
	if (p != NULL) {
		suite_facts_bring(&s->facts, p);
		r = evaluate(p, &err);
	}
	if (r == NULL)
		read_no_memory(&s->reader, n);
	else if (compare(s, &expect, r, c) == 0)
		s->ncases++;
}

static void
run_cases(struct suite *s, const struct node *root)
{
	const struct node n = node_get(root, "cases");
	const size_t len = json_array_size(n.value);
	size_t i;

	if (len == 0 || len > SUITE_CASES_MAX) {
		read_expected(&s->reader, &n, "a list of 1 to 1000 cases");
		return;
	}
	s->cases = arena_calloc(s->mem, len, sizeof(*s->cases));
	if (s->cases == NULL)
		read_no_memory(&s->reader, &n);
	for (i = 0; s->cases != NULL && i < len; i++) {
		const struct node item = node_at(&n, i);

		run_case(s, &item);
	}
}

/* `policy`: a path, or a list of them. NULL after reporting. */
static struct ruleset *
load_policy(struct suite *s, const struct node *root)
{
	static const char what[] = "a file, a folder, or preset:NAME";
	const struct node n = node_get(root, "policy");
	struct policies paths = {.n = 0};
	struct string_list list = {.n = 0};
	const char *one;
	size_t i;

	if (json_is_array(n.value)) {
		if (read_list(&s->reader, &n, what, NULL, &list) != 0)
			return NULL;
	} else {
		one = required(s, root, "policy", what);
		list = (struct string_list){&one, one != NULL};
	}
	for (i = 0; i < list.n; i++) {
		const char *path = suite_path(&s->facts, list.items[i]);

		if (path == NULL || policies_add(&paths, path) != 0) {
			diagnostics_error(s->reader.diagnostics, &n,
			    "more than %d, or out of memory", POLICIES_MAX);
			return NULL;
		}
	}
	return paths.n == 0
		   ? NULL
		   : policies_load(&paths, 0, LINT_NOTHING, s->facts.report);
}

static void
run(struct suite *s, const struct node *root)
{
	static const char *const keys[] = {
	    "version", "policy", "now", "images", "cases", NULL};
	const struct node version = node_get(root, "version");

	if (!diagnostics_check_keys(s->reader.diagnostics, root, keys))
		return;
	if (!json_is_integer(version.value) ||
	    json_integer_value(version.value) != 1)
		read_expected(&s->reader, &version, "version: 1");
	s->rules = load_policy(s, root);
	s->now = read_now(s, root, clock_real.wall_s(&clock_real));
	suite_facts_read(&s->facts, root);
	if (s->rules == NULL || s->reader.diagnostics->errors > 0)
		return;
	run_cases(s, root);
}

static struct suite *
suite_new(const char *path, struct buf *report)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	const char *slash = strrchr(path, '/');
	struct suite *s = mem ? arena_calloc(mem, 1, sizeof(*s)) : NULL;

	if (s == NULL)
		return NULL;
	s->facts.folder = arena_strndup(
	    mem, path, slash != NULL ? (size_t)(slash - path) + 1 : 0);
	if (s->facts.folder == NULL)
		return NULL;
	s->facts.report = report;
	s->mem = TAKE(mem);
	s->reader.mem = s->mem;
	s->facts.reader = &s->reader;
	return s;
}

struct suite *
suite_run(const char *path, struct buf *report)
{
	AUTO(suite_free) struct suite *s = suite_new(path, report);
	AUTO(diagnostics_clear) struct diagnostics d;
	AUTO(document_free) struct document *doc = NULL;
	struct node root;

	diagnostics_init(&d, path);
	if (s == NULL) {
		buf_puts(report, "out of memory\n");
		return NULL;
	}
	s->reader.diagnostics = &d;
	doc = config_document(path, &d, report);
	if (doc != NULL) {
		root = document_node(doc);
		run(s, &root);
	}
	diagnostics_print(&d, report);
	s->reader.diagnostics = NULL;
	return d.errors == 0 && doc != NULL && s->rules != NULL ? TAKE(s)
								: NULL;
}
