/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/kinds.h"
#include "server/admission/podspec.h"
#include "tests/unit/alloc.h"
#include "tests/unit/workload_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

/* The object, with ' for " so that the tables can be read. */
static json_t *
object_of(const char *text)
{
	AUTO(free)
	char *json = strdup(text);
	json_error_t e;
	json_t *v;
	char *p;

	assert_non_null(json);
	for (p = json; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	v = json_loads(json, JSON_ALLOW_NUL, &e);
	if (v == NULL)
		fail_msg("%s: %s", text, e.text);
	return v;
}

static const struct kind *
kind_of(const char *group, const char *name)
{
	return kind_find(group, strlen(group), name);
}

/* Effective users: the container's fields over the pod's, one by one. */
static const struct spec {
	const char *name;
	const char *spec;
	const char *text; /* what follows the first line */
} specs[] = {
    {"nothing", "{}", ""},
    {"nulls",
	"{'containers':null,'initContainers':null,'volumes':null,"
	"'securityContext':null,'hostUsers':null,'nodeSelector':null}",
	""},
    {"unknown fields",
	"{'new':{'containers':5},'containers':[{'name':'a','image':'b',"
	"'newer':[]}]}",
	"spec.containers[0].image a b\n"},
    {"no image",
	"{'containers':[{'name':'a'},{'name':'b','image':null},"
	"{'name':'c','image':''},{'name':'d','image':'e'}]}",
	"spec.containers[3].image d e\n"},
    {"no name", "{'containers':[{'image':'b'}]}",
	"spec.containers[0].image  b\n"},
    {"every list",
	"{'ephemeralContainers':[{'name':'a','image':'1'}],"
	"'volumes':[{'name':'v','image':{'reference':'4'}},{'name':'w',"
	"'emptyDir':{}},{'name':'x','image':{}},{'name':'y','image':{"
	"'reference':'5','pullPolicy':'Always'}}],"
	"'initContainers':[{'name':'b','image':'2'}],"
	"'containers':[{'name':'c','image':'3'}]}",
	"spec.containers[0].image c 3\n"
	"spec.initContainers[0].image b 2 init\n"
	"spec.ephemeralContainers[0].image a 1 ephemeral\n"
	"spec.volumes[0].image.reference v 4 volume\n"
	"spec.volumes[3].image.reference y 5 volume\n"},
    {"rbd volumes name no container image",
	"{'volumes':[{'name':'v','rbd':{'image':'disk'}}]}", ""},
    {"pod's user",
	"{'securityContext':{'runAsUser':0,'runAsNonRoot':true},"
	"'containers':[{'image':'b'}],'initContainers':[{'image':'c'}],"
	"'ephemeralContainers':[{'image':'d'}]}",
	"spec.containers[0].image  b uid=0 nonroot=yes\n"
	"spec.initContainers[0].image  c init uid=0 nonroot=yes\n"
	"spec.ephemeralContainers[0].image  d ephemeral uid=0 nonroot=yes\n"},
    {"container's user over the pod's",
	"{'securityContext':{'runAsUser':1000,'runAsNonRoot':true},"
	"'containers':[{'image':'b','securityContext':{'runAsUser':0}},"
	"{'image':'c','securityContext':{'runAsNonRoot':false}},"
	"{'image':'d','securityContext':{'runAsUser':null}}]}",
	"spec.containers[0].image  b uid=0 nonroot=yes\n"
	"spec.containers[1].image  c uid=1000 nonroot=no\n"
	"spec.containers[2].image  d uid=1000 nonroot=yes\n"},
    {"large user",
	"{'containers':[{'image':'b','securityContext':{"
	"'runAsUser':9223372036854775807}}]}",
	"spec.containers[0].image  b uid=9223372036854775807\n"},
    {"windows user",
	"{'securityContext':{'windowsOptions':{'runAsUserName':'a'}},"
	"'containers':[{'image':'b'},{'image':'c','securityContext':{"
	"'windowsOptions':{'runAsUserName':'d'}}}]}",
	"spec.containers[0].image  b user=a\n"
	"spec.containers[1].image  c user=d\n"},
    {"volumes have no user",
	"{'securityContext':{'runAsUser':0},"
	"'volumes':[{'name':'v','image':{'reference':'4'}}]}",
	"spec.volumes[0].image.reference v 4 volume\n"},
};

static void
check_spec(const struct spec *c)
{
	AUTO(json_decref)
	json_t *pod = json_pack("{s:o}", "spec", object_of(c->spec));
	AUTO(workload_free)
	struct workload *w = NULL;
	struct error err = ERROR_INIT;
	AUTO(free)
	char *text = NULL;

	w = kind_read(kind_of("", "Pod"), pod, &err);
	if (w == NULL)
		fail_msg("%s: %s", c->name, err.msg);
	text = workload_text(w);
	assert_non_null(text);
	if (strcmp(strchr(text, '\n') + 1, c->text) != 0)
		fail_msg("%s: got\n%s", c->name, text);
}

static void
reads_every_image_with_its_effective_user(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
		check_spec(&specs[i]);
}

static void
knows_user_namespaces(void **state)
{
	static const struct {
		const char *pod;
		bool userns;
	} cases[] = {
	    {"{'spec':{}}", false},
	    {"{'spec':{'hostUsers':true}}", false},
	    {"{'spec':{'hostUsers':null}}", false},
	    {"{'spec':{'hostUsers':false}}", true},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(json_decref)
		json_t *pod = object_of(cases[i].pod);
		AUTO(workload_free)
		struct workload *w = NULL;
		struct error err = ERROR_INIT;

		w = kind_read(kind_of("", "Pod"), pod, &err);
		if (w == NULL || w->host_users_false != cases[i].userns)
			fail_msg("%s: %s", cases[i].pod, err.msg);
	}
}

/* Where each kind keeps its pod: group, kind, an object around '@'. */
static const struct home {
	const char *group;
	const char *kind;
	const char *before;
	const char *after;
	const char *path; /* NULL: the kind is not known */
} homes[] = {
    {"", "Pod", "{", "}", "spec"},
    {"", "PodTemplate", "{'template':{", "}}", "template.spec"},
    {"", "ReplicationController", "{'spec':{'template':{", "}}}",
	"spec.template.spec"},
    {"apps", "ReplicaSet", "{'spec':{'template':{", "}}}",
	"spec.template.spec"},
    {"extensions", "ReplicaSet", "{'spec':{'template':{", "}}}",
	"spec.template.spec"},
    {"apps", "Deployment", "{'spec':{'template':{", "}}}",
	"spec.template.spec"},
    {"extensions", "Deployment", "{'spec':{'template':{", "}}}",
	"spec.template.spec"},
    {"apps", "StatefulSet", "{'spec':{'template':{", "}}}",
	"spec.template.spec"},
    {"apps", "DaemonSet", "{'spec':{'template':{", "}}}", "spec.template.spec"},
    {"extensions", "DaemonSet", "{'spec':{'template':{", "}}}",
	"spec.template.spec"},
    {"batch", "Job", "{'spec':{'template':{", "}}}", "spec.template.spec"},
    {"batch", "CronJob", "{'spec':{'jobTemplate':{'spec':{'template':{",
	"}}}}}", "spec.jobTemplate.spec.template.spec"},
    {"apps", "Pod", "", "", NULL},
    {"", "Deployment", "", "", NULL},
    {"app", "Deployment", "", "", NULL},
    {"appsx", "Deployment", "", "", NULL},
    {"", "pod", "", "", NULL},
    {"", "", "", "", NULL},
    {"", "Service", "", "", NULL},
};

static void
check_home(const struct home *c)
{
	const struct kind *kind = kind_of(c->group, c->kind);
	AUTO(json_decref)
	json_t *object = NULL;
	AUTO(workload_free)
	struct workload *w = NULL;
	AUTO(free)
	char *text = NULL;
	struct error err = ERROR_INIT;
	char json[512], want[512];

	if ((kind == NULL) != (c->path == NULL))
		fail_msg("%s/%s: known or not", c->group, c->kind);
	if (kind == NULL)
		return;
	snprintf(json, sizeof(json),
	    "%s'metadata':{'labels':{'a':'b'}},'spec':{'containers':["
	    "{'name':'c','image':'d'}],'volumes':[{'name':'v','image':{"
	    "'reference':'e'}}]}%s",
	    c->before, c->after);
	snprintf(want, sizeof(want),
	    "%s / a=b\n%s.containers[0].image c d\n"
	    "%s.volumes[0].image.reference v e volume\n",
	    c->kind, c->path, c->path);
	object = object_of(json);
	w = kind_read(kind, object, &err);
	if (w == NULL)
		fail_msg("%s: %s", c->kind, err.msg);
	text = workload_text(w);
	if (strcmp(text, want) != 0)
		fail_msg("%s: got\n%s", c->kind, text);
}

static void
finds_the_pod_in_every_kind(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(homes) / sizeof(homes[0]); i++)
		check_home(&homes[i]);
}

/* Wrong types of whatever is read, in a CronJob so that the way is long. */
static const struct wrong {
	const char *object;
	const char *message;
} wrong[] = {
    {"{'metadata':{'name':5}}",
	"metadata.name is an integer, but must be a string"},
    {"{'metadata':{'generateName':{}}}",
	"metadata.generateName is an object, but must be a string"},
    {"{'metadata':{'namespace':[]}}",
	"metadata.namespace is a list, but must be a string"},
    {"{'spec':'x'}", "spec is a string, but must be an object"},
    {"{'spec':{'jobTemplate':[]}}",
	"spec.jobTemplate is a list, but must be an object"},
    {"{'spec':{'jobTemplate':{'spec':1}}}",
	"spec.jobTemplate.spec is an integer, but must be an object"},
    {"{'spec':{'jobTemplate':{'spec':{'template':true}}}}",
	"spec.jobTemplate.spec.template is a boolean, but must be an object"},
};

static const struct wrong_pod {
	const char *pod;
	const char *message;
} wrong_pods[] = {
    {"'metadata':7", "metadata is an integer, but must be an object"},
    {"'metadata':{'labels':[]}",
	"metadata.labels is a list, but must be an object"},
    {"'metadata':{'labels':{'a':1}}",
	"metadata.labels.a is an integer, but must be a string"},
    {"'metadata':{'labels':{'a\\u001b[31m':1}}",
	"metadata.labels.a?[31m is an integer, but must be a string"},
    {"'spec':[]", "spec is a list, but must be an object"},
    {"'spec':{'containers':{}}",
	"spec.containers is an object, but must be a list"},
    {"'spec':{'initContainers':'x'}",
	"spec.initContainers is a string, but must be a list"},
    {"'spec':{'ephemeralContainers':5}",
	"spec.ephemeralContainers is an integer, but must be a list"},
    {"'spec':{'volumes':true}",
	"spec.volumes is a boolean, but must be a list"},
    {"'spec':{'containers':[null]}",
	"spec.containers[0] is null, but must be an object"},
    {"'spec':{'containers':[{},[]]}",
	"spec.containers[1] is a list, but must be an object"},
    {"'spec':{'containers':[{'name':1}]}",
	"spec.containers[0].name is an integer, but must be a string"},
    {"'spec':{'containers':[{'image':['nginx']}]}",
	"spec.containers[0].image is a list, but must be a string"},
    {"'spec':{'containers':[{'image':'a\\u0000b'}]}",
	"spec.containers[0].image is a string with a NUL character in it, but "
	"must be one without"},
    {"'spec':{'initContainers':[{'securityContext':1}]}",
	"spec.initContainers[0].securityContext is an integer, but must be an "
	"object"},
    {"'spec':{'containers':[{'securityContext':{'runAsUser':'0'}}]}",
	"spec.containers[0].securityContext.runAsUser is a string, but must be "
	"an integer"},
    {"'spec':{'containers':[{'securityContext':{'runAsUser':0.5}}]}",
	"spec.containers[0].securityContext.runAsUser is a number with a "
	"fraction, but must be an integer"},
    {"'spec':{'containers':[{'securityContext':{'runAsNonRoot':'true'}}]}",
	"spec.containers[0].securityContext.runAsNonRoot is a string, but must "
	"be a boolean"},
    {"'spec':{'containers':[{'securityContext':{'windowsOptions':[]}}]}",
	"spec.containers[0].securityContext.windowsOptions is a list, but must "
	"be an object"},
    {"'spec':{'securityContext':{'windowsOptions':{'runAsUserName':0}}}",
	"spec.securityContext.windowsOptions.runAsUserName is an integer, but "
	"must be a string"},
    {"'spec':{'securityContext':[]}",
	"spec.securityContext is a list, but must be an object"},
    {"'spec':{'hostUsers':'no'}",
	"spec.hostUsers is a string, but must be a boolean"},
    {"'spec':{'volumes':['x']}",
	"spec.volumes[0] is a string, but must be an object"},
    {"'spec':{'volumes':[{'image':'x'}]}",
	"spec.volumes[0].image is a string, but must be an object"},
    {"'spec':{'volumes':[{'image':{'reference':1}}]}",
	"spec.volumes[0].image.reference is an integer, but must be a string"},
    {"'spec':{'os':'windows'}", "spec.os is a string, but must be an object"},
    {"'spec':{'os':{'name':1}}",
	"spec.os.name is an integer, but must be a string"},
    {"'spec':{'nodeSelector':[]}",
	"spec.nodeSelector is a list, but must be an object"},
    {"'spec':{'nodeSelector':{'kubernetes.io/os':1}}",
	"spec.nodeSelector.kubernetes.io/os is an integer, but must be a "
	"string"},
    {"'spec':{'affinity':1}",
	"spec.affinity is an integer, but must be an object"},
    {"'spec':{'affinity':{'nodeAffinity':[]}}",
	"spec.affinity.nodeAffinity is a list, but must be an object"},
};

#define REQUIRED                      \
	"spec.affinity.nodeAffinity." \
	"requiredDuringSchedulingIgnoredDuringExecution"
#define AFFINITY(terms)                        \
	"'spec':{'affinity':{'nodeAffinity':{" \
	"'requiredDuringSchedulingIgnoredDuringExecution':" terms "}}}"
#define EXPRESSION(e) \
	AFFINITY("{'nodeSelectorTerms':[{'matchExpressions':[" e "]}]}")

static const struct wrong_pod wrong_affinities[] = {
    {AFFINITY("[]"), REQUIRED " is a list, but must be an object"},
    {AFFINITY("{'nodeSelectorTerms':{}}"),
	REQUIRED ".nodeSelectorTerms is an object, but must be a list"},
    {AFFINITY("{'nodeSelectorTerms':[1]}"),
	REQUIRED ".nodeSelectorTerms[0] is an integer, but must be an object"},
    {AFFINITY("{'nodeSelectorTerms':[{'matchExpressions':1}]}"),
	REQUIRED ".nodeSelectorTerms[0].matchExpressions is an integer, but "
		 "must be a list"},
    {AFFINITY("{'nodeSelectorTerms':[{'matchFields':1}]}"),
	REQUIRED ".nodeSelectorTerms[0].matchFields is an integer, but must be "
		 "a list"},
    {EXPRESSION("'x'"),
	REQUIRED ".nodeSelectorTerms[0].matchExpressions[0] is a string, but "
		 "must be an object"},
    {EXPRESSION("{'key':1}"),
	REQUIRED ".nodeSelectorTerms[0].matchExpressions[0].key is an integer, "
		 "but must be a string"},
    {EXPRESSION("{'key':'a','operator':1}"),
	REQUIRED ".nodeSelectorTerms[0].matchExpressions[0].operator is an "
		 "integer, but must be a string"},
    {EXPRESSION("{'key':'kubernetes.io/os','operator':'In','values':'x'}"),
	REQUIRED ".nodeSelectorTerms[0].matchExpressions[0].values is a "
		 "string, but must be a list"},
    {EXPRESSION("{'key':'kubernetes.io/os','operator':'In','values':[null]}"),
	REQUIRED ".nodeSelectorTerms[0].matchExpressions[0].values[0] is null, "
		 "but must be a string"},
};

static void
check_wrong(const struct kind *kind, const char *json, const char *message)
{
	AUTO(json_decref)
	json_t *object = object_of(json);
	AUTO(workload_free)
	struct workload *w = NULL;
	struct error err = ERROR_INIT;

	w = kind_read(kind, object, &err);
	if (w != NULL || err.code != ERR_INVALID ||
	    strcmp(err.msg, message) != 0)
		fail_msg("%s: got %s", json, w != NULL ? "none" : err.msg);
}

static void
check_wrong_pod(const struct wrong_pod *c)
{
	char json[512];

	snprintf(json, sizeof(json), "{%s}", c->pod);
	check_wrong(kind_of("", "Pod"), json, c->message);
}

static void
tells_wrong_types_with_their_path(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_wrong(kind_of("batch", "CronJob"), wrong[i].object,
		    wrong[i].message);
	for (i = 0; i < sizeof(wrong_pods) / sizeof(wrong_pods[0]); i++)
		check_wrong_pod(&wrong_pods[i]);
	for (i = 0; i < sizeof(wrong_affinities) / sizeof(wrong_affinities[0]);
	     i++)
		check_wrong_pod(&wrong_affinities[i]);
	check_wrong(kind_of("batch", "CronJob"),
	    "{'spec':{'jobTemplate':{'spec':{'template':{'spec':{"
	    "'containers':[{'image':1}]}}}}}}",
	    "spec.jobTemplate.spec.template.spec.containers[0].image is an "
	    "integer, but must be a string");
}

/* A pod with `n` containers and `m` volumes without an image. */
static json_t *
crowd(size_t n, size_t m)
{
	json_t *containers = json_array(), *volumes = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(
		    containers, json_pack("{s:s}", "image", "a"));
	for (i = 0; i < m; i++)
		json_array_append_new(volumes, json_pack("{s:{}}", "emptyDir"));
	return json_pack("{s:{s:o, s:o}}", "spec", "containers", containers,
	    "volumes", volumes);
}

static void
bounds_how_many_images_a_pod_may_have(void **state)
{
	AUTO(json_decref)
	json_t *most = crowd(PODSPEC_IMAGES_MAX, 2000);
	AUTO(json_decref)
	json_t *over = crowd(PODSPEC_IMAGES_MAX + 1, 0);
	AUTO(workload_free)
	struct workload *w = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	w = kind_read(kind_of("", "Pod"), most, &err);
	assert_non_null(w);
	assert_int_equal(w->ncontainers, PODSPEC_IMAGES_MAX);
	assert_null(kind_read(kind_of("", "Pod"), over, &err));
	assert_int_equal(err.code, ERR_LIMIT);
	assert_string_equal(err.msg,
	    "spec has places for 513 images, but at most 512 are judged");
}

static void
read_without_memory(void *arg)
{
	struct error err = ERROR_INIT;
	struct workload *w = kind_read(kind_of("", "Pod"), arg, &err);

	if (w == NULL)
		assert_int_equal(err.code, ERR_NOMEM);
	else
		assert_int_equal(w->ncontainers, 3);
	workload_free(w);
}

static void
survives_every_failed_allocation(void **state)
{
	AUTO(json_decref)
	json_t *pod = object_of(
	    "{'metadata':{'labels':{'a':'b'}},'spec':{'containers':["
	    "{'image':'a'},{'image':'b'},{'image':'c'}],'nodeSelector':{"
	    "'kubernetes.io/os':'linux'}}}");

	(void)state;
	assert_true(alloc_fail_each(read_without_memory, pod) > 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_every_image_with_its_effective_user),
	    cmocka_unit_test(knows_user_namespaces),
	    cmocka_unit_test(finds_the_pod_in_every_kind),
	    cmocka_unit_test(tells_wrong_types_with_their_path),
	    cmocka_unit_test(bounds_how_many_images_a_pod_may_have),
	    cmocka_unit_test(survives_every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
