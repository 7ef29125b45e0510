/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/suite.h"

#include "policy/base/file.h"
#include "policy/base/units.h"
#include "policy/evaluate.h"
#include "policy/facts_read.h"
#include "server/admission/manifest.h"
#include "server/gate/clock.h"
#include "server/gate/config.h"

#include <string.h>

enum { SUITE_CASES_MAX = 1000, SUITE_IMAGES_MAX = 1000, SAID_MAX = 4096 };

/* An image that the suite has facts of. */
struct known {
	const char *canonical;
	struct image_set *set;
};

struct suite {
	struct arena *mem;
	struct reader reader;
	const char *folder; /* what paths in the suite start from */
	struct buf *report;
	struct ruleset *rules;
	struct known *images;
	size_t nimages;
	struct suite_case *cases;
	size_t ncases;
	int64_t now;
};

void
suite_free(struct suite *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->nimages; i++)
		image_set_unref(s->images[i].set);
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
path_of(struct suite *s, const char *path)
{
	if (path[0] == '/' || strncmp(path, "preset:", 7) == 0)
		return path;
	return arena_printf(s->mem, "%s%s", s->folder, path);
}

/* The one document of a file; NULL after reporting. */
static struct document *
load(const char *path, struct diagnostics *d)
{
	AUTO(document_stream_free) struct document_stream *stream = NULL;
	AUTO(free) char *text = NULL;
	struct document *doc = NULL;
	struct error err = ERROR_INIT;
	struct mark at = {0, 0};
	size_t len;

	text = file_read(path, CONFIG_BYTES_MAX, &len, &err);
	if (text != NULL)
		stream = document_stream_new(text, len, &err);
	if (stream == NULL || document_next(stream, &doc, &at, &err) != 1)
		diagnostics_error_at(d, at, "%s",
		    err.code != ERR_NONE ? err.msg : "the file is empty");
	return doc;
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

/* Facts that inspect recorded, in a file of their own. */
static struct image_set *
read_recorded(struct suite *s, const char *path)
{
	AUTO(diagnostics_clear) struct diagnostics d;
	AUTO(document_free) struct document *doc = NULL;
	struct reader r = {.mem = s->mem, .diagnostics = &d};
	struct image_set *set = NULL;
	struct node root, platforms;

	diagnostics_init(&d, path);
	doc = load(path, &d);
	if (doc != NULL) {
		root = document_node(doc);
		platforms = node_get(&root, "platforms");
		set = facts_read(&r, &platforms);
	}
	diagnostics_print(&d, s->report);
	return set;
}

static void
read_known(struct suite *s, const struct node *n)
{
	static const char *const keys[] = {"facts", "platforms", NULL};
	const struct node facts = node_get(n, "facts");
	const struct node platforms = node_get(n, "platforms");
	struct known *k = &s->images[s->nimages];
	struct error err = ERROR_INIT;
	struct reference ref;
	const char *file;

	if (!diagnostics_check_keys(s->reader.diagnostics, n, keys))
		return;
	if (reference_parse(&ref, n->key, s->mem, &err) != 0 ||
	    (k->canonical = reference_canonical(&ref, s->mem)) == NULL) {
		diagnostics_error_key(s->reader.diagnostics, n, "%s", err.msg);
		return;
	}
	file =
	    read_given(&facts) ? read_text(&s->reader, &facts, "a file") : NULL;
	if (file != NULL)
		k->set = read_recorded(s, path_of(s, file));
	else
		k->set = facts_read(&s->reader, &platforms);
	if (k->set == NULL)
		diagnostics_error(
		    s->reader.diagnostics, n, "there are no facts of it");
	else
		s->nimages++;
}

static void
read_images(struct suite *s, const struct node *root)
{
	const struct node n = node_get(root, "images");
	const size_t len = json_object_size(n.value);
	size_t i;

	if (!json_is_object(n.value) || len > SUITE_IMAGES_MAX) {
		read_expected(&s->reader, &n,
		    "a mapping of at most 1000 references to facts");
		return;
	}
	s->images = arena_calloc(s->mem, len, sizeof(*s->images));
	for (i = 0; s->images != NULL && i < len; i++) {
		const struct node item = node_at(&n, i);

		read_known(s, &item);
	}
}

static struct image_set *
find_known(
    const struct suite *s, const struct reference *ref, struct arena *mem)
{
	const char *canonical = reference_canonical(ref, mem);
	size_t i;

	for (i = 0; canonical != NULL && i < s->nimages; i++)
		if (strcmp(s->images[i].canonical, canonical) == 0)
			return s->images[i].set;
	return NULL;
}

/* As the registry client does: only what the cluster could run. */
static struct image_set *
runnable(const struct image_set *set, const struct platform_set *nodes)
{
	AUTO(image_set_unref) struct image_set *out = image_set_new();
	struct platform *others;
	size_t i;

	if (out == NULL)
		return NULL;
	out->images = arena_calloc(out->mem, set->n, sizeof(struct image *));
	others = arena_calloc(out->mem, set->n, sizeof(*others));
	if (out->images == NULL || others == NULL)
		return NULL;
	out->digest = arena_strdup(out->mem, set->digest);
	out->others = others;
	for (i = 0; i < set->n; i++) {
		if (nodes->n == 0 ||
		    platform_set_runs(nodes, &set->images[i]->platform))
			out->images[out->n++] = image_ref(set->images[i]);
		else
			others[out->nothers++] = set->images[i]->platform;
	}
	return out->n > 0 && out->digest != NULL ? TAKE(out) : NULL;
}

static void
give(const struct suite *s, struct plan *p, const struct reference *ref,
    struct image_set **facts, struct fault *fault)
{
	const struct image_set *known = find_known(s, ref, p->mem);

	if (known != NULL)
		*facts = runnable(known, &p->platforms);
	if (*facts == NULL)
		*fault = (struct fault){
		    .code = known ? "NO_RUNNABLE_PLATFORM" : "NOT_FOUND",
		    .message = known ? "no platform that the cluster runs"
				     : "the suite has no facts of it"};
}

static void
bring_facts(const struct suite *s, struct plan *p)
{
	struct fault ignored;
	size_t i;

	for (i = 0; i < p->nimages; i++) {
		struct plan_image *pi = &p->images[i];

		if (pi->fetch)
			give(s, p, &pi->ref, &pi->facts, &pi->fault);
		if (pi->fetch_replaced)
			give(s, p, &pi->replaced_ref, &pi->replaced, &ignored);
	}
	for (i = 0; i < p->nbases; i++)
		if (p->bases[i].fetch)
			give(s, p, &p->rules->bases[i], &p->bases[i].facts,
			    &p->bases[i].fault);
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

static int
compare(struct suite *s, const struct node *expect, const struct report *r,
    struct suite_case *c)
{
	static const char *const keys[] = {"verdict", "findings", NULL};
	const struct node findings = node_get(expect, "findings");
	AUTO(buf_clear)
	struct buf wanted = BUF_INIT(SAID_MAX), got = BUF_INIT(SAID_MAX);
	const char *verdict;

	if (!diagnostics_check_keys(s->reader.diagnostics, expect, keys))
		return -1;
	verdict = required(s, expect, "verdict", "allow, warn, deny or error");
	if (verdict == NULL)
		return -1;
	say_findings(r, &got);
	if (read_given(&findings)) {
		if (say_wanted(s, &findings, &wanted) != 0)
			return -1;
	} else {
		buf_puts(&wanted, buf_text(&got));
	}
	c->passed = strcmp(verdict, verdict_name(r->verdict)) == 0 &&
		    strcmp(buf_text(&wanted), buf_text(&got)) == 0;
	c->why = c->passed
		     ? ""
		     : arena_printf(s->mem, "wanted %s: %s\ngot    %s: %s",
			   verdict, buf_text(&wanted), verdict_name(r->verdict),
			   buf_text(&got));
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
	AUTO(report_free) struct report *r = NULL;
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
		bring_facts(s, p);
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
	for (i = 0; s->cases != NULL && i < len; i++) {
		const struct node item = node_at(&n, i);

		run_case(s, &item);
	}
}

static void
run(struct suite *s, const struct node *root)
{
	static const char *const keys[] = {
	    "version", "policy", "now", "images", "cases", NULL};
	const char *policy;

	if (!diagnostics_check_keys(s->reader.diagnostics, root, keys))
		return;
	policy = required(s, root, "policy", "a file, or preset:NAME");
	if (policy != NULL)
		s->rules = policy_load(path_of(s, policy), s->report);
	s->now = read_now(s, root, clock_real.wall_s(&clock_real));
	read_images(s, root);
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
	s->folder = arena_strndup(
	    mem, path, slash != NULL ? (size_t)(slash - path) + 1 : 0);
	if (s->folder == NULL)
		return NULL;
	s->report = report;
	s->mem = TAKE(mem);
	s->reader.mem = s->mem;
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
	doc = load(path, &d);
	if (doc != NULL) {
		root = document_node(doc);
		run(s, &root);
	}
	diagnostics_print(&d, report);
	s->reader.diagnostics = NULL;
	return d.errors == 0 && s->rules != NULL ? TAKE(s) : NULL;
}
