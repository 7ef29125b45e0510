/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/manifest.h"

#include "policy/base/buf.h"
#include "tests/unit/alloc.h"
#include "tests/unit/workload_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define SPEC "'spec':{'containers':[{'name':'a','image':'b'}]}"
#define POD "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p'}," SPEC "}"
#define POD_TEXT "s:1 Pod def/p\nspec.containers[0].image a b\n"
#define REVIEW(rest)                                                    \
	"{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview'," \
	"'request':{'uid':'u'," rest "}}"
#define POD_KIND "'kind':{'group':'','version':'v1','kind':'Pod'}"

/* What is found in an object, one after the other, and what is said. */
static const struct manifest {
	const char *name;
	const char *object;
	const char *text;
	const char *error; /* NULL: none */
} manifests[] = {
    {"pod", POD, POD_TEXT, NULL},
    {"namespace of its own",
	"{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'n',"
	"'generateName':'g-'}," SPEC "}",
	"s:1 Pod n/g-\nspec.containers[0].image a b\n", NULL},
    {"deployment whose template is misspelt",
	"{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'d'},"
	"'spec':{'tempalte':{" SPEC "}}}",
	"skipped Deployment/d\n", NULL},
    {"deployment",
	"{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'d'},"
	"'spec':{'template':{'metadata':{'labels':{'c':'d'}}," SPEC "}}}",
	"s:1 Deployment def/d c=d\n"
	"spec.template.spec.containers[0].image a b\n",
	NULL},
    {"service",
	"{'apiVersion':'v1','kind':'Service','metadata':{'name':'web'}}",
	"skipped Service/web\n", NULL},
    {"nameless", "{'apiVersion':'v1','kind':'Status'}", "skipped Status\n",
	NULL},
    {"custom resource of the same kind",
	"{'apiVersion':'example.com/v1','kind':'Deployment',"
	"'metadata':{'name':'x'},'spec':{'template':{" SPEC "}}}",
	"skipped Deployment/x\n", NULL},
    {"misspelt kind",
	"{'apiVersion':'apps/v1','kind':'Deploymnet','metadata':{'name':'d'}}",
	"",
	"Deploymnet/d: Kubernetes has no such kind; did you mean "
	"\"apiVersion: apps/v1\" and \"kind: Deployment\"?"},
    {"kind in lower case", "{'apiVersion':'v1','kind':'pod'}", "",
	"pod: Kubernetes has no such kind; did you mean \"apiVersion: v1\" "
	"and \"kind: Pod\"?"},
    {"misspelt list, which hides all that is in it",
	"{'apiVersion':'v1','kind':'list','items':[{'apiVersion':'v1',"
	"'kind':'Pod'," SPEC "}]}",
	"",
	"list: Kubernetes has no such kind; did you mean \"apiVersion: v1\" "
	"and \"kind: List\"?"},
    {"kind of another group", "{'apiVersion':'v1','kind':'CronJob'}", "",
	"CronJob: Kubernetes has no such kind; did you mean \"apiVersion: "
	"batch/v1\" and \"kind: CronJob\"?"},
    {"node, which is near to a pod",
	"{'apiVersion':'v1','kind':'Node','metadata':{'name':'n'}}",
	"skipped Node/n\n", NULL},
    {"custom resource that is near to one",
	"{'apiVersion':'example.com/v1','kind':'Jobs'}", "skipped Jobs\n",
	NULL},
    {"escape sequences in a name",
	"{'apiVersion':'v1','kind':'A\\u001b[31m','metadata':{"
	"'name':'b\\nc'}}",
	"skipped A?[31m/b c\n", NULL},
    {"list", "{'apiVersion':'v1','kind':'List','items':[" POD "," POD "]}",
	POD_TEXT POD_TEXT, NULL},
    {"empty list", "{'apiVersion':'v1','kind':'List','items':[]}", "", NULL},
    {"list without items", "{'apiVersion':'v1','kind':'List'}", "", NULL},
    {"list of lists",
	"{'apiVersion':'v1','kind':'List','items':[{'apiVersion':'v1',"
	"'kind':'List','items':[" POD "]}]}",
	POD_TEXT, NULL},
    {"typed list whose items leave out what they are",
	"{'apiVersion':'v1','kind':'PodList','items':[{'metadata':{"
	"'name':'p'}," SPEC "}]}",
	POD_TEXT, NULL},
    {"list of functions",
	"{'apiVersion':'config.kubernetes.io/v1','kind':'ResourceList',"
	"'items':[" POD "]}",
	POD_TEXT, NULL},
    {"custom resource that is called a list",
	"{'apiVersion':'example.com/v1','kind':'DenyList','metadata':{"
	"'name':'x'},'items':['a','b']}",
	"skipped DenyList/x\n", NULL},
    {"custom resource that is called a list, without items",
	"{'apiVersion':'example.com/v1','kind':'DenyList'}",
	"skipped DenyList\n", NULL},
    {"recorded review", REVIEW(POD_KIND ",'name':'r','object':{" SPEC "}"),
	"s:1 Pod def/r\nspec.containers[0].image a b\n", NULL},
    {"recorded deletion", REVIEW(POD_KIND ",'name':'r','operation':'DELETE'"),
	"skipped Pod/r\n", NULL},
    {"recorded review of a malformed pod",
	REVIEW(POD_KIND ",'object':{'spec':5}"), "",
	"AdmissionReview: the object cannot be judged: spec is an integer, but "
	"must be an object"},
    {"review without a request",
	"{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview'}", "",
	"the AdmissionReview has no request in it"},
    {"list of values", "[1,2]", "",
	"not a Kubernetes object, which is a mapping with apiVersion and "
	"kind"},
    {"text", "'hello'", "",
	"not a Kubernetes object, which is a mapping with apiVersion and "
	"kind"},
    {"no kind", "{'apiVersion':'v1'}", "",
	"not a Kubernetes object: it has no kind (a Pod has \"apiVersion: "
	"v1\" and \"kind: Pod\")"},
    {"no apiVersion", "{'kind':'Pod'}", "",
	"not a Kubernetes object: it has no apiVersion (a Pod has "
	"\"apiVersion: v1\" and \"kind: Pod\")"},
    {"kind is a number", "{'apiVersion':'v1','kind':1}", "",
	"kind is an integer, but must be a string"},
    {"wrong type",
	"{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p'},"
	"'spec':{'containers':[{'image':5}]}}",
	"",
	"Pod/p: spec.containers[0].image is an integer, but must be a "
	"string"},
    {"wrong type in a list",
	"{'apiVersion':'v1','kind':'List','items':[" POD
	",{'apiVersion':'v1','kind':'Pod','spec':5}]}",
	POD_TEXT, "items[1]: Pod: spec is an integer, but must be an object"},
    {"item that is no object", "{'apiVersion':'v1','kind':'List','items':[7]}",
	"", "items[0] is an integer, but must be an object"},
    {"item without a kind", "{'apiVersion':'v1','kind':'List','items':[{}]}",
	"",
	"items[0]: not a Kubernetes object: it has no kind (a Pod has "
	"\"apiVersion: v1\" and \"kind: Pod\")"},
    {"items are no list", "{'apiVersion':'v1','kind':'List','items':{}}", "",
	"items is an object, but must be a list"},
};

struct seen {
	struct buf text;
	size_t stop_after; /* workloads; 0: never */
	size_t found;
};

static int
note_found(void *arg, struct workload *given)
{
	AUTO(workload_free)
	struct workload *w = given;
	AUTO(free)
	char *text = workload_text(w);
	struct seen *seen = arg;

	assert_non_null(w->source);
	buf_printf(&seen->text, "%s %s", w->source, text != NULL ? text : "");
	seen->found++;
	return seen->found == seen->stop_after ? -1 : 0;
}

static void
note_skipped(void *arg, const char *what)
{
	struct seen *seen = arg;

	buf_printf(&seen->text, "skipped %s\n", what);
}

/* ' stands for ", and the text may be any value. */
static json_t *
value_of(const char *text)
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
	v = json_loads(json, JSON_DECODE_ANY, &e);
	if (v == NULL)
		fail_msg("%s: %s", text, e.text);
	return v;
}

static int
walk(json_t *object, struct seen *seen, struct error *err)
{
	const struct manifest_visitor v = {note_found, note_skipped, seen};

	return manifest_walk(object, "s:1", "def", &v, err);
}

static void
check_manifest(const struct manifest *c)
{
	AUTO(json_decref)
	json_t *object = value_of(c->object);
	struct error err = ERROR_INIT;
	struct seen seen = {.found = 0};
	int rc;

	buf_init(&seen.text, 64 * 1024);
	rc = walk(object, &seen, &err);
	if ((rc == 0) != (c->error == NULL) ||
	    (rc != 0 && strcmp(err.msg, c->error) != 0))
		fail_msg("%s: %d %s", c->name, rc, err.msg);
	if (strcmp(buf_text(&seen.text), c->text) != 0)
		fail_msg("%s: got\n%s", c->name, buf_text(&seen.text));
	buf_clear(&seen.text);
}

static void
finds_workloads_and_tells_the_rest(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(manifests) / sizeof(manifests[0]); i++)
		check_manifest(&manifests[i]);
}

static void
stops_when_told(void **state)
{
	AUTO(json_decref)
	json_t *object = value_of("{'apiVersion':'v1','kind':'List','items':["
				  "" POD "," POD "," POD "]}");
	struct error err = ERROR_INIT;
	struct seen seen = {.stop_after = 2};

	(void)state;
	buf_init(&seen.text, 64 * 1024);
	assert_int_equal(walk(object, &seen, &err), -1);
	assert_int_equal(err.code, ERR_NONE);
	assert_int_equal(seen.found, 2);
	buf_clear(&seen.text);
}

/* A List in `n` Lists. */
static json_t *
nest(int n)
{
	json_t *v = json_pack(
	    "{s:s, s:s, s:[]}", "apiVersion", "v1", "kind", "List", "items");

	for (; n > 0; n--)
		v = json_pack("{s:s, s:s, s:[o]}", "apiVersion", "v1", "kind",
		    "List", "items", v);
	return v;
}

static void
bounds_lists_in_lists(void **state)
{
	AUTO(json_decref)
	json_t *most = nest(MANIFEST_LISTS_MAX - 1);
	AUTO(json_decref)
	json_t *over = nest(MANIFEST_LISTS_MAX);
	struct error err = ERROR_INIT;
	struct seen seen = {.found = 0};

	(void)state;
	assert_int_equal(walk(most, &seen, &err), 0);
	assert_int_equal(walk(over, &seen, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static int
keep_found(void *arg, struct workload *w)
{
	struct workload **kept = arg;

	*kept = w;
	return 0;
}

static void
workload_outlives_its_document(void **state)
{
	AUTO(workload_free)
	struct workload *w = NULL;
	json_t *object = value_of(POD);
	struct error err = ERROR_INIT;
	const struct manifest_visitor v = {keep_found, note_skipped, &w};
	AUTO(free)
	char *text = NULL;

	(void)state;
	assert_int_equal(manifest_walk(object, "s:1", "def", &v, &err), 0);
	json_decref(object);
	text = workload_text(w);
	assert_string_equal(text, "Pod def/p\nspec.containers[0].image a b\n");
}

static int
count_found(void *arg, struct workload *w)
{
	size_t *n = arg;

	(*n)++;
	workload_free(w);
	return 0;
}

static void
count_skipped(void *arg, const char *what)
{
	size_t *n = arg;

	assert_non_null(what);
	(*n)++;
}

static void
walk_without_memory(void *arg)
{
	struct error err = ERROR_INIT;
	size_t n = 0;
	const struct manifest_visitor v = {count_found, count_skipped, &n};

	if (manifest_walk(arg, "s:1", "def", &v, &err) != 0)
		assert_int_equal(err.code, ERR_NOMEM);
	else
		assert_int_equal(n, 3);
}

static void
survives_every_failed_allocation(void **state)
{
	AUTO(json_decref)
	json_t *object = value_of(
	    "{'apiVersion':'v1','kind':'List','items':[" POD ","
	    "{'apiVersion':'v1','kind':'Service','metadata':{'name':'web'}}," REVIEW(
		POD_KIND ",'object':{" SPEC "}") "]}");

	(void)state;
	assert_true(alloc_fail_each(walk_without_memory, object) > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_workloads_and_tells_the_rest),
	    cmocka_unit_test(stops_when_told),
	    cmocka_unit_test(bounds_lists_in_lists),
	    cmocka_unit_test(workload_outlives_its_document),
	    cmocka_unit_test(survives_every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
