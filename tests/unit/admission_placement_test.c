/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/buf.h"
#include "server/admission/placement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define OS "kubernetes.io/os"
#define ARCH "kubernetes.io/arch"
#define E(key, op, ...) \
	"{'key':'" key "','operator':'" op "','values':[" __VA_ARGS__ "]}"
#define T(...) "{'matchExpressions':[" __VA_ARGS__ "]}"
#define TERMS(...)                                           \
	"'affinity':{'nodeAffinity':{"                       \
	"'requiredDuringSchedulingIgnoredDuringExecution':{" \
	"'nodeSelectorTerms':[" __VA_ARGS__ "]}}}"

/* What a spec leaves of platforms, "os/arch" with nothing for any; a '!' in
 * front: Windows alone. */
static const struct placement {
	const char *name;
	const char *spec;
	const char *platforms;
} placements[] = {
    {"nothing", "", ""},
    {"other labels", "'nodeSelector':{'disk':'ssd'}", ""},
    {"architecture", "'nodeSelector':{'" ARCH "':'arm64'}", "/arm64"},
    {"operating system", "'nodeSelector':{'" OS "':'linux'}", "linux/"},
    {"both", "'nodeSelector':{'" OS "':'linux','" ARCH "':'amd64'}",
	"linux/amd64"},
    {"beta labels",
	"'nodeSelector':{'beta." OS "':'linux','beta." ARCH "':'amd64'}",
	"linux/amd64"},
    {"beta and stable labels agree",
	"'nodeSelector':{'beta." OS "':'linux','" OS "':'linux'}", "linux/"},
    {"beta and stable labels disagree: runs nowhere",
	"'nodeSelector':{'beta." OS "':'linux','" OS "':'windows'}", ""},
    {"spec.os", "'os':{'name':'linux'}", "linux/"},
    {"spec.os of Windows", "'os':{'name':'windows'}", "!windows/"},
    {"Windows by label", "'nodeSelector':{'" OS "':'windows'}", "!windows/"},
    {"Windows by beta label", "'nodeSelector':{'beta." OS "':'windows'}",
	"!windows/"},
    {"Windows by affinity", TERMS(T(E(OS, "In", "'windows'"))), "!windows/"},
    {"Windows or Linux is not Windows",
	TERMS(T(E(OS, "In", "'windows','linux'"))), "windows/,linux/"},
    {"spec.os against the selector: runs nowhere",
	"'os':{'name':'linux'},'nodeSelector':{'" OS "':'windows'}", ""},
    {"empty spec.os", "'os':{'name':''}", ""},
    {"one of two", TERMS(T(E(ARCH, "In", "'amd64','arm64'"))), "/amd64,/arm64"},
    {"the same value twice", TERMS(T(E(ARCH, "In", "'amd64','amd64'"))),
	"/amd64"},
    {"expressions are ANDed",
	TERMS(T(E(ARCH, "In", "'amd64','arm64'") "," E(
	    ARCH, "In", "'arm64','s390x'") "," E(OS, "In", "'linux'"))),
	"linux/arm64"},
    {"terms are ORed",
	TERMS(T(E(ARCH, "In", "'amd64'")) "," T(E(ARCH, "In", "'arm64'"))),
	"/amd64,/arm64"},
    {"terms that overlap are told once",
	TERMS(T(E(ARCH, "In", "'amd64','arm64'")) "," T(
	    E(ARCH, "In", "'arm64'"))),
	"/amd64,/arm64"},
    {"a term over other labels allows all",
	TERMS(T(E(ARCH, "In", "'amd64'")) "," T(E("disk", "In", "'ssd'"))), ""},
    {"a term over fields allows all",
	TERMS("{'matchFields':[{'key':'metadata.name','operator':'In',"
	      "'values':['node-1']}]}"),
	""},
    {"a term without requirements allows none",
	TERMS("{}," T(E(ARCH, "In", "'amd64'"))), "/amd64"},
    {"only terms without requirements: runs nowhere",
	"'nodeSelector':{'" OS "':'windows'}," TERMS("{}"), ""},
    {"no terms: runs nowhere", "'nodeSelector':{'" OS "':'windows'}," TERMS(""),
	""},
    {"selector and affinity are ANDed",
	"'nodeSelector':{'" OS
	"':'linux'}," TERMS(T(E(ARCH, "In", "'amd64','arm64'"))),
	"linux/amd64,linux/arm64"},
    {"selector holds for a term over other labels",
	"'nodeSelector':{'" ARCH
	"':'arm64'}," TERMS(T(E("disk", "In", "'ssd'"))),
	"/arm64"},
    {"selector against affinity: runs nowhere",
	"'nodeSelector':{'" ARCH
	"':'arm64'}," TERMS(T(E(ARCH, "In", "'amd64'"))),
	""},
    {"one term against the selector",
	"'nodeSelector':{'" ARCH "':'arm64'}," TERMS(
	    T(E(ARCH, "In", "'amd64'")) "," T(E(ARCH, "In", "'arm64'"))),
	"/arm64"},
    {"Exists restricts nothing", TERMS(T(E(ARCH, "Exists", ""))), ""},
    {"unknown operator restricts nothing", TERMS(T(E(ARCH, "Near", "'x'"))),
	""},
    {"NotIn alone restricts nothing", TERMS(T(E(ARCH, "NotIn", "'arm64'"))),
	""},
    {"NotIn takes from In, in either order",
	TERMS(T(E(ARCH, "NotIn", "'arm64'") "," E(
	    ARCH, "In", "'amd64','arm64','s390x'"))),
	"/amd64,/s390x"},
    {"NotIn takes from the selector: runs nowhere",
	"'nodeSelector':{'" ARCH
	"':'arm64'}," TERMS(T(E(ARCH, "NotIn", "'arm64'"))),
	""},
    {"In without values: runs nowhere", TERMS(T(E(ARCH, "In", ""))), ""},
    {"preferred affinity restricts nothing",
	"'affinity':{'nodeAffinity':{"
	"'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':1,"
	"'preference':" T(E(ARCH, "In", "'amd64'")) "}]}}",
	""},
    {"pod affinity restricts nothing",
	"'affinity':{'podAffinity':"
	"{'requiredDuringSchedulingIgnoredDuringExecution':[]}}",
	""},
    {"more values than fit",
	TERMS(T(E(ARCH, "In",
	    "'1','2','3','4','5','6','7','8','9','10','11','12','13','14',"
	    "'15','16','17'"))),
	""},
};

static json_t *
spec_of(const char *fields)
{
	char text[2048], *p;
	json_error_t e;
	json_t *v;

	snprintf(text, sizeof(text), "{%s}", fields);
	for (p = text; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	v = json_loads(text, 0, &e);
	if (v == NULL)
		fail_msg("%s: %s", text, e.text);
	return v;
}

static void
add_platforms(struct buf *b, const struct workload *w)
{
	size_t i;

	for (i = 0; i < w->platforms.n; i++)
		buf_printf(b, "%s%s/%s",
		    i == 0 ? platform_set_is_windows(&w->platforms) ? "!" : ""
			   : ",",
		    w->platforms.items[i].os, w->platforms.items[i].arch);
}

static void
check_placement(const struct placement *c)
{
	AUTO(json_decref)
	json_t *spec = spec_of(c->spec);
	const struct field root = field_root(spec, "spec");
	AUTO(workload_free)
	struct workload *w = workload_new();
	struct error err = ERROR_INIT;
	AUTO(buf_clear) struct buf got = BUF_INIT(4096);

	assert_non_null(w);
	if (placement_read(w, &root, &err) != 0)
		fail_msg("%s: %s", c->name, err.msg);
	add_platforms(&got, w);
	if (strcmp(buf_text(&got), c->platforms) != 0)
		fail_msg("%s: got %s, but want %s", c->name, buf_text(&got),
		    c->platforms);
}

static void
says_where_a_pod_can_be_placed(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(placements) / sizeof(placements[0]); i++)
		check_placement(&placements[i]);
}

/* `n` terms, each with an architecture of its own. */
static json_t *
spec_of_terms(int n)
{
	json_t *terms = json_array();
	char arch[16];
	int i;

	for (i = 0; i < n; i++) {
		snprintf(arch, sizeof(arch), "arch%d", i);
		json_array_append_new(terms,
		    json_pack("{s:[{s:s, s:s, s:[s]}]}", "matchExpressions",
			"key", ARCH, "operator", "In", "values", arch));
	}
	return json_pack("{s:{s:{s:{s:o}}}}", "affinity", "nodeAffinity",
	    "requiredDuringSchedulingIgnoredDuringExecution",
	    "nodeSelectorTerms", terms);
}

static size_t
platforms_of_terms(int n)
{
	AUTO(json_decref)
	json_t *spec = spec_of_terms(n);
	const struct field root = field_root(spec, "spec");
	AUTO(workload_free)
	struct workload *w = workload_new();
	struct error err = ERROR_INIT;

	assert_non_null(w);
	assert_int_equal(placement_read(w, &root, &err), 0);
	return w->platforms.n;
}

static void
leaves_a_pod_unconstrained_over_the_bound(void **state)
{
	(void)state;
	assert_int_equal(platforms_of_terms(PLACEMENT_PLATFORMS_MAX),
	    PLACEMENT_PLATFORMS_MAX);
	assert_int_equal(platforms_of_terms(PLACEMENT_PLATFORMS_MAX + 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(says_where_a_pod_can_be_placed),
	    cmocka_unit_test(leaves_a_pod_unconstrained_over_the_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
