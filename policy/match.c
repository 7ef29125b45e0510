/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/match.h"

#include "policy/base/text.h"
#include "policy/glob.h"

#include <string.h>

const struct match_key match_keys[] = {
    {"namespaces", "a list of globs",
	"The namespace of the workload. `\"!kube-system\"` excludes."},
    {"images", "a list of globs",
	"The full name of the image, without tag and digest: "
	"`registry.corp/**`."},
    {"kinds", "a list of kinds",
	"What was applied: `Pod`, `PodTemplate`, `ReplicationController`, "
	"`ReplicaSet`, `Deployment`, `StatefulSet`, `DaemonSet`, `Job`, "
	"`CronJob`, or `Image`, a bare reference on the command line."},
    {"containers", "a list of types",
	"How the pod uses the image: `regular`, `init` (sidecars are of "
	"these), `ephemeral`, or `volume`, an image that is mounted and not "
	"run."},
    {"labels", "a mapping of names to values",
	"Labels of the pod, all of them equal."},
    {.name = NULL},
};

/* What a workload may be (server/admission); Image: a bare reference. */
const char *const match_kinds[] = {"Pod", "PodTemplate",
    "ReplicationController", "ReplicaSet", "Deployment", "StatefulSet",
    "DaemonSet", "Job", "CronJob", "Image", NULL};

const char *const match_containers[] = {
    [CONTAINER_REGULAR] = "regular",
    [CONTAINER_INIT] = "init",
    [CONTAINER_EPHEMERAL] = "ephemeral",
    [CONTAINER_IMAGE_VOLUME] = "volume",
    NULL,
};

static void
parse_kinds(struct reader *r, const struct node *n, struct string_list *out)
{
	size_t i;

	read_list(r, n, "a kind", NULL, out);
	for (i = 0; i < out->n; i++) {
		const struct node item = node_at(n, i);

		if (out->items[i] != NULL &&
		    !text_is_one_of(out->items[i], match_kinds))
			read_unknown(
			    r, &item, "kind", out->items[i], match_kinds);
	}
}

static bool
check_keys(struct reader *r, const struct node *n)
{
	const char *names[sizeof(match_keys) / sizeof(match_keys[0])];
	size_t i;

	for (i = 0; match_keys[i].name != NULL; i++)
		names[i] = match_keys[i].name;
	names[i] = NULL;
	return diagnostics_check_keys(r->diagnostics, n, names);
}

/* An empty list would read as "none" to one and as "any" to another. */
static bool
check_not_empty(struct reader *r, const struct node *n)
{
	if (read_given(n) && node_size(n) == 0 &&
	    (json_is_array(n->value) || json_is_object(n->value)))
		diagnostics_error(r->diagnostics, n,
		    "is empty; leave it out to match everything");
	return read_given(n);
}

void
match_parse(struct reader *r, const struct node *n, struct match *out)
{
	const struct node namespaces = node_get(n, "namespaces");
	const struct node images = node_get(n, "images");
	const struct node of_kinds = node_get(n, "kinds");
	const struct node containers = node_get(n, "containers");
	const struct node labels = node_get(n, "labels");

	*out = (struct match){.namespaces = {0}};
	if (!check_keys(r, n))
		return;
	if (check_not_empty(r, &namespaces))
		read_namespace_globs(r, &namespaces, &out->namespaces);
	if (check_not_empty(r, &images))
		read_image_globs(r, &images, &out->images);
	if (check_not_empty(r, &of_kinds))
		parse_kinds(r, &of_kinds, &out->kinds);
	if (check_not_empty(r, &containers))
		read_words(r, &containers, "type of container",
		    match_containers, &out->containers);
	if (check_not_empty(r, &labels))
		read_pairs(r, &labels, &out->labels);
}

const char *
match_common_glob(const char *glob, struct arena *mem)
{
	const char *port = strstr(glob, ":443/"), *common;

	/* "*:443" is left alone: without its port it would be every host. */
	if (port != NULL && port > glob && strchr("*?", port[-1]) != NULL)
		return glob;
	if (glob[0] != '!')
		return reference_common_name(glob, mem);
	common = reference_common_name(glob + 1, mem);
	return common == NULL ? NULL : arena_printf(mem, "!%s", common);
}

bool
match_name(const struct string_list *globs, const struct reference *ref)
{
	return globs->n > 0 &&
	       glob_list_match(globs->items, globs->n, ref->common_name);
}

static bool
has_label(const struct pair_list *labels, const struct pair *wanted)
{
	size_t i;

	for (i = 0; i < labels->n; i++)
		if (strcmp(labels->items[i].key, wanted->key) == 0)
			return strcmp(labels->items[i].value, wanted->value) ==
			       0;
	return false;
}

bool
match_kind(const struct match *m, const char *kind)
{
	size_t i;

	for (i = 0; i < m->kinds.n; i++)
		if (strcmp(m->kinds.items[i], kind) == 0)
			return true;
	return m->kinds.n == 0;
}

bool
match_workload(const struct match *m, const struct workload *w)
{
	size_t i;

	if (!match_kind(m, w->kind) || !glob_list_match(m->namespaces.items,
					   m->namespaces.n, w->namespace))
		return false;
	for (i = 0; i < m->labels.n; i++)
		if (!has_label(&w->labels, &m->labels.items[i]))
			return false;
	return true;
}

bool
match_container(const struct match *m, const struct container *c,
    const struct reference *ref)
{
	if (m->containers != 0 && (m->containers >> c->type & 1) == 0)
		return false;
	return m->images.n == 0 || match_name(&m->images, ref);
}
