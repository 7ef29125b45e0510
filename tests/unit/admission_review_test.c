/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/file.h"
#include "server/admission/review.h"
#include "tests/unit/alloc.h"
#include "tests/unit/judge.h"
#include "tests/unit/workload_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define DATA "tests/data/reviews/"
#define SHA \
	"sha256:3c7497bf0c7af93428242d6176e8f7905f2201d8fc5861f45be7a346b5f23436"

static char *
read_data(const char *file, size_t *len)
{
	struct error err = ERROR_INIT;
	char path[256], *text;

	snprintf(path, sizeof(path), DATA "%s.json", file);
	text = file_read(path, REVIEW_BYTES_MAX, len, &err);
	if (text == NULL)
		fail_msg("%s", err.msg);
	return text;
}

static struct review *
parse(const char *name, const char *body, size_t len)
{
	struct error err = ERROR_INIT;
	struct review *r = review_parse(body, len, &err);

	if (r == NULL)
		fail_msg("%s: %s", name, err.msg);
	return r;
}

#define TEMPLATE(kind, at)                                                \
	kind " shop/web app=web,tier=front\n" at                          \
	     ".containers[0].image web registry.corp/shop/web:1.4.2\n" at \
	     ".initContainers[0].image wait busybox:1.36 init\n"

/* What API servers sent, and what of it is to be judged; NULL: nothing. */
static const struct recorded {
	const char *file;
	const char *operation;
	const char *text;
} recorded[] = {
    {"pod-create", "CREATE",
	"Pod shop/web-6d5f8c7b9-x2x7k app=web,tier=front,"
	"pod-template-hash=6d5f8c7b9 on linux/arm64 userns\n"
	"spec.containers[0].image web registry.corp/shop/web:1.4.2 uid=10001 "
	"nonroot=yes\n"
	"spec.containers[1].image log docker.io/fluent/fluent-bit:3.1 uid=1000 "
	"nonroot=yes\n"
	"spec.initContainers[0].image migrate "
	"registry.corp/shop/migrate@" SHA " init uid=10001 nonroot=yes\n"
	"spec.initContainers[1].image mesh registry.corp/mesh/proxy:2.1 init "
	"uid=0 nonroot=yes\n"
	"spec.volumes[1].image.reference models registry.corp/ml/models:7 "
	"volume\n"},
    {"pod-create-1.20", "CREATE",
	"Pod shop/web run=web\nspec.containers[0].image web nginx\n"},
    {"pod-create-v1beta1", "CREATE",
	"Pod shop/web run=web\nspec.containers[0].image web nginx\n"},
    {"pod-windows", "CREATE",
	"Pod shop/iis app=iis on windows/ windows\n"
	"spec.containers[0].image iis "
	"mcr.microsoft.com/windows/servercore/iis:ltsc2022 "
	"user=ContainerUser\n"
	"spec.containers[1].image agent registry.corp/agent:win "
	"user=ContainerAdministrator\n"},
    {"pod-affinity", "CREATE",
	"Pod shop/web app=web,tier=front on linux/amd64,linux/arm64\n"
	"spec.containers[0].image web registry.corp/shop/web:1.4.2\n"},
    {"pod-update-labels", "UPDATE",
	"Pod shop/web app=web,tier=back\n"
	"spec.containers[0].image web registry.corp/shop/web:1.4.2 "
	"unchanged\n"},
    {"pod-update-finalizers", "UPDATE",
	"Pod shop/web app=web,tier=front\n"
	"spec.containers[0].image web registry.corp/shop/web:1.4.2 "
	"unchanged\n"},
    {"pod-update-image", "UPDATE",
	"Pod shop/web app=web,tier=front\n"
	"spec.containers[0].image web registry.corp/shop/web:1.5.0\n"},
    {"pod-resize", "UPDATE",
	"Pod shop/web app=web,tier=front\n"
	"spec.containers[0].image web registry.corp/shop/web:1.4.2 "
	"unchanged\n"},
    {"pod-ephemeralcontainers", "UPDATE",
	"Pod shop/web app=web,tier=front\n"
	"spec.containers[0].image web registry.corp/shop/web:1.4.2 unchanged\n"
	"spec.ephemeralContainers[0].image debugger-q8v2c busybox:1.36 "
	"ephemeral\n"},
    {"pod-ephemeralcontainers-1.20", "UPDATE",
	"Pod shop/web\n"
	"spec.ephemeralContainers[0].image debugger busybox:1.36 "
	"ephemeral\n"},
    {"deployment-create", "CREATE",
	TEMPLATE("Deployment", "spec.template.spec")},
    {"deployment-create-extensions", "CREATE",
	TEMPLATE("Deployment", "spec.template.spec")},
    {"replicaset-create", "CREATE",
	TEMPLATE("ReplicaSet", "spec.template.spec")},
    {"statefulset-create", "CREATE",
	TEMPLATE("StatefulSet", "spec.template.spec")},
    {"daemonset-create", "CREATE", TEMPLATE("DaemonSet", "spec.template.spec")},
    {"job-create", "CREATE", TEMPLATE("Job", "spec.template.spec")},
    {"cronjob-create", "CREATE",
	TEMPLATE("CronJob", "spec.jobTemplate.spec.template.spec")},
    {"replicationcontroller-create", "CREATE",
	TEMPLATE("ReplicationController", "spec.template.spec")},
    {"podtemplate-create", "CREATE", TEMPLATE("PodTemplate", "template.spec")},
    {"deployment-update", "UPDATE",
	"Deployment shop/web app=web,tier=front\n"
	"spec.template.spec.containers[0].image web "
	"registry.corp/shop/web:1.4.2 unchanged\n"
	"spec.template.spec.initContainers[0].image wait busybox:1.37 init\n"},
    {"pod-status", "UPDATE", NULL},
    {"pod-delete", "DELETE", NULL},
    {"pod-exec", "CONNECT", NULL},
    {"pod-binding", "CREATE", NULL},
    {"pod-eviction", "CREATE", NULL},
    {"deployment-scale", "UPDATE", NULL},
    {"service-create", "CREATE", NULL},
};
enum { RECORDED = sizeof(recorded) / sizeof(recorded[0]) };

static void
check_recorded(const struct recorded *c)
{
	AUTO(review_free) struct review *r = NULL;
	AUTO(free) char *body = NULL, *text = NULL;
	size_t len;

	body = read_data(c->file, &len);
	r = parse(c->file, body, len);
	if (r->malformed != NULL)
		fail_msg("%s: %s", c->file, r->malformed);
	judge_same(c->file, r->operation, c->operation);
	if ((r->workload == NULL) != (c->text == NULL))
		fail_msg("%s: %s a workload", c->file,
		    r->workload == NULL ? "lacks" : "has");
	if (c->text == NULL)
		return;
	text = workload_text(r->workload);
	judge_same(c->file, text, c->text);
}

static void
reads_what_api_servers_send(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < RECORDED; i++)
		check_recorded(&recorded[i]);
}

static void
tells_who_asked_for_what(void **state)
{
	AUTO(review_free) struct review *r = NULL, *beta = NULL;
	AUTO(free) char *body = NULL, *old = NULL;
	size_t len;

	(void)state;
	body = read_data("pod-ephemeralcontainers", &len);
	r = parse("v1", body, len);
	assert_string_equal(r->api_version, "admission.k8s.io/v1");
	assert_string_equal(r->uid, "705ab4f5-6393-11e8-b7cc-42010a800002");
	assert_string_equal(r->kind, "Pod");
	assert_string_equal(r->resource, "pods");
	assert_string_equal(r->subresource, "ephemeralcontainers");
	assert_string_equal(r->namespace, "shop");
	assert_string_equal(r->name, "web");
	assert_string_equal(r->username, "jane@example.com");
	assert_false(r->dry_run);
	old = read_data("pod-create-v1beta1", &len);
	beta = parse("v1beta1", old, len);
	assert_string_equal(beta->api_version, "admission.k8s.io/v1beta1");
	assert_true(beta->dry_run);
}

static void
workload_outlives_its_review(void **state)
{
	AUTO(workload_free) struct workload *w = NULL;
	AUTO(free) char *body = NULL, *text = NULL;
	struct review *r;
	size_t len;

	(void)state;
	body = read_data("pod-update-image", &len);
	r = parse("taken", body, len);
	w = TAKE(r->workload);
	review_free(r);
	memset(body, 'x', len);
	text = workload_text(w);
	assert_string_equal(text,
	    "Pod shop/web app=web,tier=front\n"
	    "spec.containers[0].image web registry.corp/shop/web:1.5.0\n");
}

#define POD_KIND \
	"\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},"
#define POD_RESOURCE                                                    \
	"\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":" \
	"\"pods\"},"
#define ASK(rest)                                  \
	"{\"apiVersion\":\"admission.k8s.io/v1\"," \
	"\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\"," rest "}}"
#define SPEC "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"b\"}]}}"

/* Which requests are judged; `judged` is the workload, NULL: let through. */
static const struct asked {
	const char *name;
	const char *body;
	const char *text;
} asked[] = {
    {"create",
	ASK(POD_KIND POD_RESOURCE "\"operation\":\"CREATE\","
				  "\"object\":" SPEC),
	"Pod /\nspec.containers[0].image a b\n"},
    {"operation left out", ASK(POD_KIND POD_RESOURCE "\"object\":" SPEC),
	"Pod /\nspec.containers[0].image a b\n"},
    {"unknown operation",
	ASK(POD_KIND POD_RESOURCE "\"operation\":\"PATCH\","
				  "\"object\":" SPEC),
	"Pod /\nspec.containers[0].image a b\n"},
    {"unknown subresource",
	ASK(POD_KIND POD_RESOURCE "\"subResource\":\"newest\","
				  "\"operation\":\"CREATE\",\"object\":" SPEC),
	"Pod /\nspec.containers[0].image a b\n"},
    {"old object on a create does not count",
	ASK(POD_KIND POD_RESOURCE "\"operation\":\"CREATE\",\"object\":" SPEC
				  ",\"oldObject\":" SPEC),
	"Pod /\nspec.containers[0].image a b\n"},
    {"update",
	ASK(POD_KIND POD_RESOURCE "\"operation\":\"UPDATE\","
				  "\"object\":" SPEC ",\"oldObject\":" SPEC),
	"Pod /\nspec.containers[0].image a b unchanged\n"},
    {"update without an old object",
	ASK(POD_KIND POD_RESOURCE "\"operation\":\"UPDATE\",\"object\":" SPEC
				  ",\"oldObject\":null"),
	"Pod /\nspec.containers[0].image a b\n"},
    {"update of a malformed old object",
	ASK(POD_KIND POD_RESOURCE "\"operation\":\"UPDATE\",\"object\":" SPEC
				  ",\"oldObject\":{\"spec\":5}"),
	"Pod /\nspec.containers[0].image a b\n"},
    {"update that leaves a malformed spec as it was",
	ASK(POD_KIND POD_RESOURCE
	    "\"operation\":\"UPDATE\","
	    "\"object\":{\"spec\":{\"containers\":5}},"
	    "\"oldObject\":{\"spec\":{\"containers\":5}}"),
	NULL},
    {"names from the request",
	ASK(POD_KIND POD_RESOURCE
	    "\"namespace\":\"shop\",\"name\":\"web\",\"object\":{"
	    "\"metadata\":{\"namespace\":\"x\",\"name\":\"y\"}}"),
	"Pod shop/web\n"},
    {"names from the object",
	ASK(POD_KIND POD_RESOURCE
	    "\"namespace\":null,\"object\":{\"metadata\":{"
	    "\"namespace\":\"x\",\"generateName\":\"y-\"}}"),
	"Pod x/y-\n"},
    {"template left out",
	ASK("\"kind\":{\"group\":\"\",\"kind\":\"ReplicationController\"},"
	    "\"operation\":\"CREATE\",\"object\":{\"spec\":{\"template\":"
	    "null}}"),
	"ReplicationController /\n"},
    {"a broken template that stays as it was",
	ASK("\"kind\":{\"group\":\"apps\",\"kind\":\"Deployment\"},"
	    "\"operation\":\"UPDATE\",\"object\":{\"metadata\":{\"labels\":{"
	    "\"a\":\"b\"}},\"spec\":{\"template\":{\"spec\":{"
	    "\"containers\":5}}}},\"oldObject\":{\"spec\":{\"template\":{"
	    "\"spec\":{\"containers\":5}}}}"),
	NULL},
    {"another group's kind of the same name",
	ASK("\"kind\":{\"group\":\"apps.example.com\",\"kind\":"
	    "\"Deployment\"},\"operation\":\"CREATE\",\"object\":{\"spec\":5}"),
	NULL},
    {"metrics of pods",
	ASK("\"kind\":{\"group\":\"metrics.k8s.io\",\"kind\":\"PodMetrics\"},"
	    "\"resource\":{\"group\":\"metrics.k8s.io\",\"resource\":"
	    "\"pods\"},\"operation\":\"CREATE\",\"object\":{}"),
	NULL},
    {"NUL in an environment variable",
	ASK(POD_KIND POD_RESOURCE
	    "\"object\":{\"spec\":{\"containers\":[{\"name\":\"a\","
	    "\"image\":\"b\",\"env\":[{\"name\":\"c\",\"value\":"
	    "\"\\u0000\"}]}]}}"),
	"Pod /\nspec.containers[0].image a b\n"},
};

static void
check_asked(const struct asked *c)
{
	AUTO(review_free)
	struct review *r = parse(c->name, c->body, strlen(c->body));
	AUTO(free) char *text = NULL;

	if (r->malformed != NULL)
		fail_msg("%s: %s", c->name, r->malformed);
	text = r->workload != NULL ? workload_text(r->workload) : NULL;
	judge_same(c->name, text != NULL ? text : "none",
	    c->text != NULL ? c->text : "none");
}

static void
judges_all_that_is_not_known_to_be_harmless(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		check_asked(&asked[i]);
}

static void
lets_harmless_subresources_through(void **state)
{
	static const char *const harmless[] = {"status", "scale", "binding",
	    "eviction", "exec", "attach", "portforward", "proxy", "log",
	    "token"};
	char body[1024];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		AUTO(review_free) struct review *r = NULL;

		snprintf(body, sizeof(body),
		    ASK(POD_KIND POD_RESOURCE
			"\"subResource\":\"%s\",\"operation\":\"CREATE\","
			"\"object\":" SPEC),
		    harmless[i]);
		r = parse(harmless[i], body, strlen(body));
		if (r->workload != NULL || r->malformed != NULL)
			fail_msg("%s is judged", harmless[i]);
	}
}

/* A denial, never a 400: that would let the pod in where failures are ignored.
 */
static const struct malformed {
	const char *request;
	const char *reason; /* behind "the object cannot be judged: " */
} malformed[] = {
    {"\"kind\":5", "request.kind is an integer, but must be an object"},
    {"\"kind\":{\"group\":1}",
	"request.kind.group is an integer, but must be a string"},
    {"\"kind\":{\"kind\":[]}",
	"request.kind.kind is a list, but must be a string"},
    {"\"resource\":\"pods\"",
	"request.resource is a string, but must be an object"},
    {"\"subResource\":{}",
	"request.subResource is an object, but must be a string"},
    {"\"operation\":true",
	"request.operation is a boolean, but must be a string"},
    {"\"namespace\":1.5",
	"request.namespace is a number with a fraction, but must be a string"},
    {"\"name\":\"a\\u0000b\"",
	"request.name is a string with a NUL character in it, but must be one "
	"without"},
    {"\"dryRun\":\"no\"", "request.dryRun is a string, but must be a boolean"},
    {"\"userInfo\":[]", "request.userInfo is a list, but must be an object"},
    {"\"userInfo\":{\"username\":0}",
	"request.userInfo.username is an integer, but must be a string"},
    {POD_KIND "\"operation\":\"CREATE\"", "request.object is missing"},
    {POD_KIND "\"object\":null", "request.object is missing"},
    {POD_KIND "\"object\":[]",
	"request.object is a list, but must be an object"},
    {POD_KIND "\"object\":{\"metadata\":[]}",
	"metadata is a list, but must be an object"},
    {POD_RESOURCE "\"object\":{}",
	"request.kind must be Pod for the resource pods, but is another"},
    {"\"kind\":{\"group\":\"\",\"kind\":\"PodTemplate\"}," POD_RESOURCE
     "\"object\":{}",
	"request.kind must be Pod for the resource pods, but is another"},
    {POD_KIND "\"operation\":\"UPDATE\",\"object\":{\"spec\":5},"
	      "\"oldObject\":{\"spec\":6}",
	"spec is an integer, but must be an object"},
};

static void
denies_reviews_with_wrong_types(void **state)
{
	static const char lead[] = "the object cannot be judged: ";
	char body[2048];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		AUTO(review_free) struct review *r = NULL;

		snprintf(body, sizeof(body), ASK("%s"), malformed[i].request);
		r = parse(body, body, strlen(body));
		if (r->malformed == NULL)
			fail_msg("%s: not malformed", body);
		assert_null(r->workload);
		assert_memory_equal(r->malformed, lead, strlen(lead));
		judge_same(
		    body, r->malformed + strlen(lead), malformed[i].reason);
	}
}

struct run {
	const char *body;
	size_t len;
	bool malformed;
};

static void
parse_without_memory(void *arg)
{
	const struct run *run = arg;
	struct error err = ERROR_INIT;
	struct review *r = review_parse(run->body, run->len, &err);

	if (r == NULL && err.code != ERR_NOMEM)
		fail_msg("%d %s", (int)err.code, err.msg);
	if (r != NULL)
		assert_int_equal(r->malformed != NULL, run->malformed);
	review_free(r);
}

static void
survives_every_failed_allocation(void **state)
{
	static const char bad[] = ASK(POD_KIND "\"object\":{\"spec\":5}");
	struct run run = {bad, sizeof(bad) - 1, true};
	AUTO(free) char *body = NULL;

	(void)state;
	assert_true(alloc_fail_each(parse_without_memory, &run) > 10);
	body = read_data("pod-update-image", &run.len);
	run.body = body;
	run.malformed = false;
	assert_true(alloc_fail_each(parse_without_memory, &run) > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_api_servers_send),
	    cmocka_unit_test(tells_who_asked_for_what),
	    cmocka_unit_test(workload_outlives_its_review),
	    cmocka_unit_test(judges_all_that_is_not_known_to_be_harmless),
	    cmocka_unit_test(lets_harmless_subresources_through),
	    cmocka_unit_test(denies_reviews_with_wrong_types),
	    cmocka_unit_test(survives_every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
