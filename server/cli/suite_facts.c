/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/suite_facts.h"

#include "policy/facts_read.h"
#include "server/gate/config.h"

#include <string.h>

enum { SUITE_IMAGES_MAX = 1000 };

/* An image that the suite has facts of. */
struct suite_known {
	const char *canonical;
	struct image_set *set;
};

const char *
suite_path(const struct suite_facts *f, const char *path)
{
	if (path[0] == '/' || strncmp(path, "preset:", 7) == 0)
		return path;
	return arena_printf(f->reader->mem, "%s%s", f->folder, path);
}

void
suite_facts_clear(struct suite_facts *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		image_set_unref(f->items[i].set);
}

/* Facts that inspect recorded, in a file of their own. */
static struct image_set *
read_recorded(struct suite_facts *f, const char *path)
{
	AUTO(diagnostics_clear) struct diagnostics d;
	AUTO(document_free) struct document *doc = NULL;
	struct reader r = {.mem = f->reader->mem, .diagnostics = &d};
	struct image_set *set = NULL;
	struct node root, platforms;

	diagnostics_init(&d, path);
	doc = config_document(path, &d, f->report);
	if (doc != NULL) {
		root = document_node(doc);
		platforms = node_get(&root, "platforms");
		set = facts_read(&r, &platforms);
	}
	diagnostics_print(&d, f->report);
	return set;
}

static void
read_known(struct suite_facts *f, const struct node *n)
{
	static const char *const keys[] = {"facts", "platforms", NULL};
	const struct node facts = node_get(n, "facts");
	const struct node platforms = node_get(n, "platforms");
	struct suite_known *k = &f->items[f->n];
	struct error err = ERROR_INIT;
	struct reference ref;
	const char *file, *path = NULL;

	if (!diagnostics_check_keys(f->reader->diagnostics, n, keys))
		return;
	if (reference_parse(&ref, n->key, f->reader->mem, &err) != 0 ||
	    (k->canonical = reference_canonical(&ref, f->reader->mem)) ==
		NULL) {
		diagnostics_error_key(f->reader->diagnostics, n, "%s", err.msg);
		return;
	}
	file =
	    read_given(&facts) ? read_text(f->reader, &facts, "a file") : NULL;
	if (file != NULL)
		path = suite_path(f, file);
	if (path != NULL)
		k->set = read_recorded(f, path);
	else if (file == NULL)
		k->set = facts_read(f->reader, &platforms);
	if (k->set == NULL)
		diagnostics_error(
		    f->reader->diagnostics, n, "there are no facts of it");
	else
		f->n++;
}

void
suite_facts_read(struct suite_facts *f, const struct node *root)
{
	const struct node n = node_get(root, "images");
	const size_t len = json_object_size(n.value);
	size_t i;

	if (!json_is_object(n.value) || len > SUITE_IMAGES_MAX) {
		read_expected(f->reader, &n,
		    "a mapping of at most 1000 references to facts");
		return;
	}
	f->items = arena_calloc(f->reader->mem, len, sizeof(*f->items));
	if (f->items == NULL)
		read_no_memory(f->reader, &n);
	for (i = 0; f->items != NULL && i < len; i++) {
		const struct node item = node_at(&n, i);

		read_known(f, &item);
	}
}

static struct image_set *
find_known(
    const struct suite_facts *f, const struct reference *ref, struct arena *mem)
{
	const char *canonical = reference_canonical(ref, mem);
	size_t i;

	for (i = 0; canonical != NULL && i < f->n; i++)
		if (strcmp(f->items[i].canonical, canonical) == 0)
			return f->items[i].set;
	return NULL;
}

static void
give(const struct suite_facts *f, struct plan *p, const struct reference *ref,
    struct image_set **facts, struct fault *fault)
{
	const struct image_set *known = find_known(f, ref, p->mem);
	AUTO(image_set_unref)
	struct image_set *left =
	    known != NULL ? image_set_narrow(known, &p->platforms) : NULL;

	if (left != NULL && left->n > 0)
		*facts = TAKE(left);
	else
		*fault = (struct fault){
		    .code = known ? "NO_RUNNABLE_PLATFORM" : "NOT_FOUND",
		    .message = known ? "no platform that the cluster runs"
				     : "the suite has no facts of it"};
}

void
suite_facts_bring(const struct suite_facts *f, struct plan *p)
{
	struct fault ignored;
	size_t i;

	for (i = 0; i < p->nimages; i++) {
		struct plan_image *pi = &p->images[i];

		if (pi->fetch)
			give(f, p, &pi->ref, &pi->facts, &pi->fault);
		if (pi->fetch_replaced)
			give(f, p, &pi->replaced_ref, &pi->replaced, &ignored);
	}
	for (i = 0; i < p->nbases; i++)
		if (p->bases[i].fetch)
			give(f, p, &p->rules->bases[i], &p->bases[i].facts,
			    &p->bases[i].fault);
}
