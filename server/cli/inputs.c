/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/inputs.h"

#include "policy/base/document.h"
#include "policy/base/file.h"
#include "server/admission/manifest.h"
#include "server/admission/update.h"
#include "server/registry/local.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORKLOADS_MAX = 100 * 1000 };

void
inputs_init(struct inputs *in, const char *command, const char *namespace)
{
	*in = (struct inputs){.command = command, .namespace = namespace};
}

void
inputs_clear(struct inputs *in)
{
	size_t i;

	for (i = 0; i < in->n; i++)
		workload_free(in->workloads[i]);
	free(in->workloads);
	skipped_clear(&in->skipped);
}

static void
complain(struct inputs *in, const char *what)
{
	fprintf(stderr, "policy-gate %s: %s\n", in->command, what);
	in->wrong = true;
}

/* Takes the workload over. */
static int
keep(void *arg, struct workload *w)
{
	struct inputs *in = arg;
	struct workload **grown;
	size_t cap;

	if (in->n == in->cap && in->cap < WORKLOADS_MAX) {
		cap = in->cap == 0 ? 16 : in->cap * 2;
		grown = reallocarray(in->workloads, cap, sizeof(*grown));
		if (grown != NULL) {
			in->workloads = grown;
			in->cap = cap;
		}
	}
	if (in->n == in->cap) {
		workload_free(w);
		return -1;
	}
	in->workloads[in->n++] = w;
	return 0;
}

static void
skip(void *arg, const char *what)
{
	struct inputs *in = arg;

	skipped_add(&in->skipped, what, strcspn(what, "/"));
}

/* Values, policies and kustomizations stand among manifests in many a folder.
 */
static bool
is_something_else(const json_t *root)
{
	return json_object_get(root, "kind") == NULL &&
	       json_object_get(root, "apiVersion") == NULL;
}

/* Containers of one document, in the order of where their references stand in
 * memory: these borrow from the document. */
struct places {
	struct container **items;
	size_t n;
};

static int
by_text(const void *a, const void *b)
{
	const uintptr_t x = (uintptr_t)(*(struct container *const *)a)->image;
	const uintptr_t y = (uintptr_t)(*(struct container *const *)b)->image;

	return x < y ? -1 : x > y;
}

static void
find_lines(const struct places *p, const struct node *n)
{
	struct container like = {.image = json_string_value(n->value)};
	struct container *key = &like, **found = NULL;
	struct node child;
	size_t i;

	if (like.image != NULL)
		found =
		    bsearch(&key, p->items, p->n, sizeof(*p->items), by_text);
	/* Behind an alias there are several with the same text. */
	while (
	    found != NULL && found > p->items && found[-1]->image == like.image)
		found--;
	for (; found != NULL && found < p->items + p->n &&
	       (*found)->image == like.image;
	     found++)
		if ((*found)->line == 0)
			(*found)->line = node_mark(n).line;
	for (i = 0; i < node_size(n); i++) {
		child = node_at(n, i);
		find_lines(p, &child);
	}
}

/* Of the workloads from `first` on; without memory they stay unknown. */
static void
set_lines(struct inputs *in, size_t first, const struct document *doc)
{
	const struct node root = document_node(doc);
	AUTO(free) struct container **items = NULL;
	struct places p = {.n = 0};
	size_t i, k;

	for (i = first; i < in->n; i++)
		p.n += in->workloads[i]->ncontainers;
	items = calloc(p.n + 1, sizeof(*items));
	if (items == NULL || p.n == 0)
		return;
	p = (struct places){.items = items};
	for (i = first; i < in->n; i++)
		for (k = 0; k < in->workloads[i]->ncontainers; k++)
			items[p.n++] = &in->workloads[i]->containers[k];
	qsort(items, p.n, sizeof(*items), by_text);
	find_lines(&p, &root);
}

/* As file_read() names it. */
static const char *
shown(const char *path)
{
	return strcmp(path, "-") == 0 ? "stdin" : path;
}

static void
add_document(struct inputs *in, const char *path, const struct document *doc)
{
	const struct manifest_visitor visitor = {keep, skip, in};
	struct error err = ERROR_INIT;
	AUTO(buf_clear) struct buf source = BUF_INIT(8192);
	const size_t first = in->n;
	int rc;

	buf_printf(&source, "%s:%d", shown(path), document_start(doc).line);
	if (in->in_folder && is_something_else(document_root(doc))) {
		skipped_add(&in->skipped, buf_text(&source), source.len);
		return;
	}
	rc = manifest_walk(document_root(doc), buf_text(&source), in->namespace,
	    &visitor, &err);
	set_lines(in, first, doc);
	if (rc == 0)
		return;
	fprintf(stderr, "%s: %s\n", buf_text(&source),
	    err.code != ERR_NONE ? err.msg : "too many workloads");
	in->wrong = true;
}

static void
add_file(struct inputs *in, const char *path)
{
	AUTO(free) char *text = NULL;
	AUTO(document_stream_free) struct document_stream *s = NULL;
	struct error err = ERROR_INIT;
	struct mark at;
	size_t len;
	int rc;

	text = file_read(path, DOCUMENT_BYTES_MAX, &len, &err);
	if (text != NULL)
		s = document_stream_new(text, len, &err);
	if (s == NULL) {
		complain(in, err.msg);
		return;
	}
	for (;;) {
		AUTO(document_free) struct document *doc = NULL;

		error_clear(&err);
		rc = document_next(s, &doc, &at, &err);
		if (rc == 0)
			return;
		if (rc > 0) {
			add_document(in, path, doc);
			continue;
		}
		fprintf(stderr, "%s:%d:%d: %s%s\n", shown(path), at.line,
		    at.column, err.msg,
		    strstr(text, "{{") != NULL
			? "; a template is rendered first (helm template)"
			: "");
		in->wrong = true;
	}
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void
add_folder(struct inputs *in, const char *path)
{
	AUTO(free) char *root = strdup(path);
	char *const roots[] = {root, NULL};
	size_t files = 0;
	FTSENT *e;
	FTS *walk;

	in->in_folder = true;
	walk = root == NULL
		   ? NULL
		   : fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	while (walk != NULL && (e = fts_read(walk)) != NULL) {
		if (e->fts_info == FTS_F && file_is_document(e->fts_name)) {
			add_file(in, e->fts_path);
			files++;
		} else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR ||
			   e->fts_info == FTS_NS) {
			fprintf(stderr, "policy-gate %s: %s: %s\n", in->command,
			    e->fts_path, strerror(e->fts_errno));
			in->wrong = true;
		}
	}
	in->in_folder = false;
	if (walk != NULL)
		fts_close(walk);
	if (files == 0) {
		fprintf(stderr,
		    "policy-gate %s: %s: no .yaml, .yml or .json file in it\n",
		    in->command, path);
		in->wrong = true;
	}
}

/* Nothing at all is what a pipe brings whose beginning has failed. */
static void
add_single_file(struct inputs *in, const char *path)
{
	const size_t before = in->n + in->skipped.n;
	const bool was_wrong = in->wrong;

	in->wrong = false;
	add_file(in, path);
	if (!in->wrong && in->n + in->skipped.n == before) {
		fprintf(stderr,
		    "policy-gate %s: %s: no Kubernetes object in it\n",
		    in->command, shown(path));
		in->wrong = true;
	}
	in->wrong |= was_wrong;
}

void
inputs_add_path(struct inputs *in, const char *path)
{
	struct stat st;

	if (strcmp(path, "-") == 0 && isatty(STDIN_FILENO))
		fprintf(stderr,
		    "policy-gate %s: reading manifests from the terminal; "
		    "Ctrl-D ends them\n",
		    in->command);
	if (strcmp(path, "-") != 0 && stat(path, &st) == 0 &&
	    S_ISDIR(st.st_mode))
		add_folder(in, path);
	else
		add_single_file(in, path);
}

/* An image that is on this machine: its facts go with the workload. */
static int
add_local(struct inputs *in, struct workload *w, const char *text)
{
	AUTO(local_clear) struct local l = {.set = NULL};
	struct container *c = &w->containers[0];
	struct error err = ERROR_INIT;

	if (local_read(text, &l, &err) != 0) {
		complain(in, err.msg);
		return -1;
	}
	c->known_as =
	    arena_strdup(w->mem, in->known_as != NULL ? in->known_as : l.name);
	if (c->known_as == NULL) {
		complain(in, "out of memory");
		return -1;
	}
	c->known = TAKE(l.set);
	return 0;
}

/* `check k8s/web.yaml` would ask Docker Hub for an image of that name. */
static bool
is_manifest(const char *text)
{
	struct stat st;

	return file_is_document(text) && stat(text, &st) == 0;
}

void
inputs_add_image(struct inputs *in, const char *text)
{
	AUTO(workload_free)
	struct workload *w = workload_of_image(text, in->namespace);

	if (is_manifest(text)) {
		fprintf(stderr,
		    "policy-gate %s: %s is a file: manifests are named with "
		    "-f\n",
		    in->command, text);
		in->wrong = true;
		return;
	}
	if (w != NULL && local_is(text) && add_local(in, w, text) != 0)
		return;
	if (w == NULL || keep(in, TAKE(w)) != 0)
		complain(in, "out of memory");
}

static int
by_object(const void *a, const void *b)
{
	const struct workload *x = *(struct workload *const *)a;
	const struct workload *y = *(struct workload *const *)b;
	int order = strcmp(x->kind, y->kind);

	if (order == 0)
		order = strcmp(x->namespace, y->namespace);
	return order != 0 ? order : strcmp(x->name, y->name);
}

void
inputs_compare(struct inputs *in, struct inputs *old)
{
	struct workload **found;
	size_t i;

	if (old->n > 0)
		qsort(
		    old->workloads, old->n, sizeof(*old->workloads), by_object);
	for (i = 0; i < in->n && old->n > 0; i++) {
		found = bsearch(&in->workloads[i], old->workloads, old->n,
		    sizeof(*old->workloads), by_object);
		if (found != NULL &&
		    update_mark_replaced(in->workloads[i], *found) != 0)
			complain(in, "out of memory");
	}
}
