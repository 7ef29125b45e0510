/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/kinds.h"

#include "policy/base/text.h"
#include "server/admission/field.h"
#include "server/admission/podspec.h"

#include <string.h>

enum { GROUPS_MAX = 3 };
enum { POD, POD_PART }; /* these two have places of their own in the table */

struct kind {
	const char *name;
	const char *groups[GROUPS_MAX]; /* ends with NULL */
	const char *spec;               /* the pod spec's path */
	/* To what holds the pod's metadata and spec; ends with NULL. */
	const char *template[FIELD_STEPS_MAX];
};

#define IN_TEMPLATE                      \
	"spec.template.spec",            \
	{                                \
		"spec", "template", NULL \
	}

/* Groups that a kind has left (extensions) still come in requests of old API
 * servers. Versions do not matter: the pod template is v1 in all of them. */
static const struct kind kinds[] = {
    [POD] = {"Pod", {"", NULL}, "spec", {NULL}},
    /* What API servers before 1.22 send for pods/ephemeralcontainers: a part
     * of a pod's spec stands at the top. */
    [POD_PART] = {"EphemeralContainers", {"", NULL}, "spec", {NULL}},
    {"ReplicaSet", {"apps", "extensions", NULL}, IN_TEMPLATE},
    {"Deployment", {"apps", "extensions", NULL}, IN_TEMPLATE},
    {"StatefulSet", {"apps", NULL}, IN_TEMPLATE},
    {"DaemonSet", {"apps", "extensions", NULL}, IN_TEMPLATE},
    {"Job", {"batch", NULL}, IN_TEMPLATE},
    {"CronJob", {"batch", NULL}, "spec.jobTemplate.spec.template.spec",
	{"spec", "jobTemplate", "spec", "template", NULL}},
    {"ReplicationController", {"", NULL}, IN_TEMPLATE},
    {"PodTemplate", {"", NULL}, "template.spec", {"template", NULL}},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

const struct kind *
kind_find(const char *group, size_t len, const char *name)
{
	const struct kind *k;
	size_t i, j;

	for (i = 0; i < KINDS; i++) {
		k = &kinds[i];
		if (strcmp(k->name, name) != 0)
			continue;
		for (j = 0; k->groups[j] != NULL; j++)
			if (strlen(k->groups[j]) == len &&
			    memcmp(k->groups[j], group, len) == 0)
				return k;
	}
	return NULL;
}

int
kind_check_spelling(
    const char *group, size_t len, const char *name, struct error *err)
{
	const char *names[KINDS + 2] = {NULL}, *near, *in = "";
	size_t i;

	if (memchr(group, '.', len) != NULL)
		return 0;
	for (i = 0; i < KINDS; i++)
		names[i] = kinds[i].name;
	names[KINDS] = "List"; /* and all that is in it */
	near = text_nearest(name, names);
	if (near == NULL)
		return 0;
	for (i = 0; i < KINDS; i++)
		if (kinds[i].name == near)
			in = kinds[i].groups[0];
	return error_set(err, ERR_INVALID,
	    "Kubernetes has no such kind; did you mean "
	    "\"apiVersion: %s%sv1\" and \"kind: %s\"?",
	    in, *in == '\0' ? "" : "/", near);
}

bool
kind_is_pod(const struct kind *k)
{
	return k == &kinds[POD] || k == &kinds[POD_PART];
}

static bool
is_pod_part(const struct kind *k)
{
	return k == &kinds[POD_PART];
}

static int
read_names(struct workload *w, const struct field *metadata, struct error *err)
{
	const char *name = "", *generate = "";

	if (field_string(metadata, "namespace", &w->namespace, err) != 0 ||
	    field_string(metadata, "name", &name, err) != 0 ||
	    field_string(metadata, "generateName", &generate, err) != 0)
		return -1;
	w->name = *name != '\0' ? name : generate;
	return 0;
}

static int
read_labels(struct workload *w, const struct field *metadata, struct error *err)
{
	struct field labels;
	struct pair *p;
	size_t n = 0;
	void *it;

	if (field_object(metadata, "labels", &labels, err) != 0)
		return -1;
	if (json_object_size(labels.value) == 0)
		return 0;
	p = arena_calloc(w->mem, json_object_size(labels.value), sizeof(*p));
	if (p == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (it = json_object_iter(labels.value); it != NULL;
	     it = json_object_iter_next(labels.value, it)) {
		p[n].key = json_object_iter_key(it);
		p[n].value = "";
		if (field_string(&labels, p[n].key, &p[n].value, err) != 0)
			return -1;
		n++;
	}
	w->labels = (struct pair_list){p, n};
	return 0;
}

static int
read_object(
    struct workload *w, const struct kind *k, json_t *object, struct error *err)
{
	const struct field root = field_root(object, "");
	struct field way[FIELD_STEPS_MAX], metadata, template, spec;

	if (field_object(&root, "metadata", &metadata, err) != 0 ||
	    read_names(w, &metadata, err) != 0 ||
	    field_follow(&root, k->template, way, &template, err) != 0 ||
	    field_object(&template, "metadata", &metadata, err) != 0 ||
	    read_labels(w, &metadata, err) != 0)
		return -1;
	if (is_pod_part(k))
		spec = root;
	else if (field_object(&template, "spec", &spec, err) != 0)
		return -1;
	return podspec_read(w, &spec, k->spec, err);
}

struct workload *
kind_read(const struct kind *k, json_t *object, struct error *err)
{
	AUTO(workload_free) struct workload *w = workload_new();

	if (w == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	w->tree = json_incref(object);
	w->kind = is_pod_part(k) ? kinds[POD].name : k->name;
	if (read_object(w, k, object, err) != 0)
		return NULL;
	return TAKE(w);
}

bool
kind_same_spec(const struct kind *k, json_t *a, json_t *b)
{
	size_t i;

	for (i = 0; k->template[i] != NULL; i++) {
		a = json_object_get(a, k->template[i]);
		b = json_object_get(b, k->template[i]);
	}
	a = json_object_get(a, "spec");
	b = json_object_get(b, "spec");
	return a != NULL && b != NULL && json_equal(a, b) == 1;
}
