/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/kinds.h"
#include "server/admission/update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

/* One container "a" with image "i", as the other half of most cases. */
#define PLAIN "'containers':[{'name':'a','image':'i'}]"

/* Which containers are as they were: '=' unchanged, 'x' to be judged. */
static const struct update {
	const char *name;
	const char *old;
	const char *now;
	const char *marks;
} updates[] = {
    {"nothing", PLAIN, PLAIN, "="},
    {"another image", PLAIN, "'containers':[{'name':'a','image':'j'}]", "x"},
    {"one of two",
	"'containers':[{'name':'a','image':'i'},{'name':'b','image':'i'}]",
	"'containers':[{'name':'a','image':'i'},{'name':'b','image':'j'}]",
	"=x"},
    {"order alone",
	"'containers':[{'name':'a','image':'i'},{'name':'b','image':'j'}]",
	"'containers':[{'name':'b','image':'j'},{'name':'a','image':'i'}]",
	"=="},
    {"images swapped",
	"'containers':[{'name':'a','image':'i'},{'name':'b','image':'j'}]",
	"'containers':[{'name':'a','image':'j'},{'name':'b','image':'i'}]",
	"xx"},
    {"added", PLAIN,
	"'containers':[{'name':'a','image':'i'},{'name':'b','image':'i'}]",
	"=x"},
    {"removed",
	"'containers':[{'name':'a','image':'i'},{'name':'b','image':'j'}]",
	PLAIN, "="},
    {"renamed", PLAIN, "'containers':[{'name':'b','image':'i'}]", "x"},
    {"moved to another list", PLAIN,
	"'initContainers':[{'name':'a','image':'i'}]", "x"},
    {"ephemeral added", PLAIN,
	PLAIN ",'ephemeralContainers':[{'name':'a','image':'i'}]", "=x"},
    {"volume added", PLAIN,
	PLAIN ",'volumes':[{'name':'v','image':{'reference':'i'}}]", "=x"},
    {"volume kept", PLAIN ",'volumes':[{'name':'v','image':{'reference':'i'}}]",
	PLAIN ",'volumes':[{'name':'v','image':{'reference':'i'}}]", "=="},
    {"user set", PLAIN,
	"'containers':[{'name':'a','image':'i','securityContext':{"
	"'runAsUser':0}}]",
	"x"},
    {"user taken away",
	"'containers':[{'name':'a','image':'i','securityContext':{"
	"'runAsUser':1000}}]",
	PLAIN, "x"},
    {"user changed by the pod", PLAIN ",'securityContext':{'runAsUser':1}",
	PLAIN ",'securityContext':{'runAsUser':0}", "x"},
    {"user moved from pod to container",
	PLAIN ",'securityContext':{'runAsUser':1}",
	"'containers':[{'name':'a','image':'i','securityContext':{"
	"'runAsUser':1}}]",
	"="},
    {"runAsNonRoot", PLAIN ",'securityContext':{'runAsNonRoot':true}", PLAIN,
	"x"},
    {"runAsNonRoot false is not unset", PLAIN,
	PLAIN ",'securityContext':{'runAsNonRoot':false}", "x"},
    {"Windows user", PLAIN,
	PLAIN ",'securityContext':{'windowsOptions':{'runAsUserName':'b'}}",
	"x"},
    {"the same Windows user",
	PLAIN ",'securityContext':{'windowsOptions':{'runAsUserName':'b'}}",
	PLAIN ",'securityContext':{'windowsOptions':{'runAsUserName':'b'}}",
	"="},
    {"hostUsers", PLAIN, PLAIN ",'hostUsers':false", "x"},
    {"hostUsers true is the default", PLAIN, PLAIN ",'hostUsers':true", "="},
    {"architecture set", PLAIN,
	PLAIN ",'nodeSelector':{'kubernetes.io/arch':'arm64'}", "x"},
    {"architecture changed",
	PLAIN ",'nodeSelector':{'kubernetes.io/arch':'amd64'}",
	PLAIN ",'nodeSelector':{'kubernetes.io/arch':'arm64'}", "x"},
    {"operating system changed", PLAIN ",'os':{'name':'windows'}",
	PLAIN ",'os':{'name':'linux'}", "x"},
    {"the same platform said another way", PLAIN ",'os':{'name':'linux'}",
	PLAIN ",'nodeSelector':{'kubernetes.io/os':'linux'}", "="},
    {"another node label", PLAIN, PLAIN ",'nodeSelector':{'disk':'ssd'}", "="},
    {"fields that are not ours", PLAIN, PLAIN ",'activeDeadlineSeconds':5",
	"="},
};

static struct workload *
pod_of(const char *fields)
{
	AUTO(json_decref)
	json_t *pod = NULL;
	struct workload *w;
	struct error err = ERROR_INIT;
	char text[1024], *p;
	json_error_t e;

	snprintf(text, sizeof(text), "{'spec':{%s}}", fields);
	for (p = text; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	pod = json_loads(text, 0, &e);
	if (pod == NULL)
		fail_msg("%s: %s", text, e.text);
	w = kind_read(kind_find("", 0, "Pod"), pod, &err);
	if (w == NULL)
		fail_msg("%s: %s", text, err.msg);
	return w;
}

static void
marks_what_an_update_left_alone(void **state)
{
	const struct update *c;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(updates) / sizeof(updates[0]); i++) {
		AUTO(workload_free)
		struct workload *old = NULL, *now = NULL;

		c = &updates[i];
		old = pod_of(c->old);
		now = pod_of(c->now);
		update_mark_unchanged(now, old);
		assert_int_equal(now->ncontainers, strlen(c->marks));
		for (j = 0; j < now->ncontainers; j++)
			if (now->containers[j].unchanged !=
			    (c->marks[j] == '='))
				fail_msg("%s: container %zu", c->name, j);
	}
}

/* "old>new" of each container that replaces another image. */
static void
says_what_a_container_replaces(void **state)
{
	AUTO(workload_free)
	struct workload *now = NULL, *old = NULL;

	(void)state;
	old = pod_of("'containers':[{'name':'a','image':'i:1'},{'name':'b',"
		     "'image':'i:2'}],'initContainers':[{'name':'c','image':"
		     "'i:3'}]");
	now = pod_of("'containers':[{'name':'b','image':'i:5'},{'name':'a',"
		     "'image':'i:1'},{'name':'c','image':'i:6'}]");
	assert_int_equal(update_mark_replaced(now, old), 0);
	assert_string_equal(now->containers[0].replaces, "i:2");
	assert_null(now->containers[1].replaces); /* the same */
	assert_null(now->containers[2].replaces); /* another list */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(marks_what_an_update_left_alone),
	    cmocka_unit_test(says_what_a_container_replaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
