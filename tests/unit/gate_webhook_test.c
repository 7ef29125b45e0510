/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/webhook.h"

#include "server/gate/clock.h"
#include "server/gate/config.h"
#include "server/gate/policies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A webhook with everything real behind it; no test here reaches a registry. */
struct fixture {
	struct config config;
	struct ruleset *rules;
	struct registry *registry;
	struct gate *gate;
	struct metrics *metrics;
	struct log log;
	struct webhook *webhook;
};

static int
setup_with(void **state, size_t max_inflight, bool advise_workloads)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct registry_options ro = {
	    .clock = &clock_real, .guard_addresses = true};
	struct gate_options go = {.clock = &clock_real, .discreet = true};
	const struct policies restricted = {{"preset:restricted"}, 1};
	struct webhook_options wo = {.clock = &clock_real,
	    .own_namespace = "policy-gate",
	    .max_inflight = max_inflight,
	    .advise_workloads = advise_workloads};
	struct error err = ERROR_INIT;
	AUTO(buf_clear) struct buf report = BUF_INIT(65536);

	assert_non_null(f);
	assert_int_equal(config_load(&f->config, NULL, NULL, &report), 0);
	f->rules = policies_load(&restricted, 0, LINT_NOTHING, &report);
	assert_non_null(f->rules);
	f->registry = registry_new(f->config.registries, &ro, &err);
	go.registry = f->registry;
	f->gate = gate_new(&go, f->rules);
	f->metrics = metrics_new();
	f->log = (struct log){.clock = &clock_real,
	    .level = LOG_ERROR,
	    .fd = open("/dev/null", O_WRONLY)};
	wo.gate = f->gate;
	wo.log = &f->log;
	wo.metrics = f->metrics;
	f->webhook = webhook_new(&wo);
	*state = f;
	return 0;
}

static int
setup(void **state)
{
	return setup_with(state, 10, false);
}

static int
setup_full(void **state)
{
	return setup_with(state, 0, false);
}

static int
setup_advising(void **state)
{
	return setup_with(state, 10, true);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	webhook_free(f->webhook);
	registry_free(f->registry);
	gate_free(f->gate);
	metrics_free(f->metrics);
	ruleset_unref(f->rules);
	config_clear(&f->config);
	close(f->log.fd);
	free(f);
	return 0;
}

static void
keep_call(void *arg, struct webhook_call *c)
{
	*(struct webhook_call **)arg = c;
}

/* Posts a body that is answered at once. */
static struct webhook_answer
post(const struct fixture *f, const char *body)
{
	struct webhook_call *c = NULL;
	struct webhook_answer a;

	assert_int_equal(webhook_start(f->webhook, WEBHOOK_VALIDATE, body,
			     strlen(body), "1s", keep_call, &c),
	    0);
	assert_non_null(c);
	webhook_finish(c, &a);
	assert_non_null(a.body);
	return a;
}

#define REVIEW(request)                                    \
	"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\"" \
	":\"AdmissionReview\",\"request\":{\"uid\":\"u1\"," request "}}"
#define POD POD_KIND "\"operation\":\"CREATE\","
#define POD_KIND                                                             \
	"\"kind\":{\"group\":\"\",\"version\":\"v1\","                       \
	"\"kind\":\"Pod\"},\"resource\":{\"group\":\"\",\"version\":\"v1\"," \
	"\"resource\":\"pods\"},"

#define NODE(group) "\"userInfo\":{\"groups\":[\"" group "\"]},"
#define MIRROR_POD                                                           \
	"\"object\":{\"metadata\":{\"annotations\":{"                        \
	"\"kubernetes.io/config.mirror\":\"1\"}},\"spec\":{\"containers\":[" \
	"{\"name\":\"c\",\"image\":\"UPPER\"}]}}"
#define MIRROR(group) REVIEW(POD NODE(group) MIRROR_POD)

static const struct row {
	const char *name;
	const char *body;
	unsigned status;
	const char *has; /* in the answer */
} rows[] = {
    {"not_json", "hello", 400, "JSON"},
    {"truncated", "{\"apiVersion\":\"admission.k8s.io/v1\"", 400, "JSON"},
    {"no_request",
	"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\"}",
	400, "request"},
    {"own_namespace_is_exempt",
	REVIEW(POD "\"namespace\":\"policy-gate\",\"object\":{\"spec\":"
		   "{\"containers\":[{\"name\":\"c\",\"image\":\"UPPER\"}]}}"),
	200, "\"allowed\":true"},
    {"own_namespace_is_told_in_the_audit_log",
	REVIEW(POD "\"namespace\":\"policy-gate\",\"object\":{\"spec\":"
		   "{\"containers\":[{\"name\":\"c\",\"image\":\"UPPER\"}]}}"),
	200, "\"exempt\":"},
    {"a_node_s_mirror_of_a_static_pod_is_let_in", MIRROR("system:nodes"), 200,
	"\"allowed\":true"},
    {"but_never_without_a_warning", MIRROR("system:nodes"), 200,
	"\"warnings\":[\"not judged: its node runs a static pod"},
    {"and_is_told_in_the_audit_log", MIRROR("system:nodes"), 200,
	"\"exempt\":\"the mirror of a static pod\""},
    {"nobody_else_may_call_a_pod_a_mirror",
	MIRROR("system:authenticated\",\"system:nodes:x"), 200, "\"code\":403"},
    {"nor_does_a_node_for_other_pods",
	REVIEW(POD NODE(
	    "system:nodes") "\"object\":{\"spec\":"
			    "{\"containers\":[{\"name\":\"c\",\"image\":\"UPPER\"}]}}"),
	200, "\"code\":403"},
    {"nor_by_an_update",
	REVIEW(POD_KIND "\"operation\":\"UPDATE\"," NODE("system:nodes")
		MIRROR_POD),
	200, "\"code\":403"},
    {"invalid_reference_is_denied",
	REVIEW(POD "\"namespace\":\"shop\",\"object\":{\"spec\":"
		   "{\"containers\":[{\"name\":\"c\",\"image\":\"UPPER\"}]}}"),
	200, "\"code\":403"},
    {"wrong_types_are_denied_not_refused",
	REVIEW(POD "\"namespace\":\"shop\",\"object\":{\"spec\":"
		   "{\"containers\":[{\"name\":\"c\",\"image\":7}]}}"),
	200, "spec.containers[0].image"},
    {"delete_is_allowed",
	REVIEW("\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},"
	       "\"operation\":\"DELETE\",\"object\":null"),
	200, "\"allowed\":true"},
};

static void
answers_each_kind_of_request(void **state)
{
	struct webhook_answer a;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a = post(*state, rows[i].body);
		if (a.status != rows[i].status ||
		    strstr(a.body, rows[i].has) == NULL)
			fail_msg("%s: %u %s", rows[i].name, a.status, a.body);
		free(a.body);
	}
}

#define TEMPLATE \
	"\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"UPPER\"}]}"
#define DEPLOYMENT                                                                   \
	REVIEW(                                                                      \
	    "\"kind\":{\"group\":\"apps\",\"version\":\"v1\","                       \
	    "\"kind\":\"Deployment\"},\"resource\":{\"group\":\"apps\","             \
	    "\"version\":\"v1\",\"resource\":\"deployments\"},"                      \
	    "\"operation\":\"CREATE\",\"object\":{\"spec\":{\"template\":{" TEMPLATE \
	    "}}}")

static void
advises_workloads_and_denies_their_pods(void **state)
{
	struct webhook_answer a = post(*state, DEPLOYMENT);

	if (strstr(a.body, "\"allowed\":true") == NULL ||
	    strstr(a.body, "\"warnings\":[\"c: INVALID_REFERENCE") == NULL ||
	    strstr(a.body, "\"verdict\":\"warn\"") == NULL)
		fail_msg("%s", a.body);
	free(a.body);
	a = post(*state, REVIEW(POD "\"object\":{" TEMPLATE "}"));
	assert_non_null(strstr(a.body, "\"code\":403"));
	free(a.body);
}

static void
counts_what_could_not_be_judged(void **state)
{
	const struct fixture *f = *state;
	AUTO(buf_clear) struct buf page = BUF_INIT(METRICS_TEXT_MAX);

	free(post(f, DEPLOYMENT).body);
	metrics_render(f->metrics, &page);
	assert_non_null(strstr(buf_text(&page),
	    "policy_gate_unjudged_images_total{"
	    "code=\"INVALID_REFERENCE\",verdict=\"deny\"} 1\n"));
}

static void
sheds_what_is_over_the_bound(void **state)
{
	const struct fixture *f = *state;
	struct webhook_answer a = post(f, "{}");
	AUTO(buf_clear) struct buf page = BUF_INIT(METRICS_TEXT_MAX);

	assert_int_equal(a.status, 503);
	assert_int_equal(a.retry_after, 1);
	metrics_render(f->metrics, &page);
	assert_non_null(strstr(buf_text(&page), "policy_gate_shed_total 1\n"));
	free(a.body);
}

static void
budget_leaves_a_margin_for_the_way_back(void **state)
{
	static const struct {
		const char *timeout;
		int64_t ms;
	} budgets[] = {
	    {NULL, 9000},
	    {"", 9000},
	    {"soon", 9000},
	    {"0s", 9000},
	    {"-5s", 9000},
	    {"10s", 9000},
	    {"30s", 29000},
	    {"1h", 29000},
	    {"2s", 1600},
	    {"1s", 750},
	    {"500ms", 250},
	    {"100ms", 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++)
		if (webhook_budget_ms(budgets[i].timeout) != budgets[i].ms)
			fail_msg("%s: %lld ms",
			    budgets[i].timeout != NULL ? budgets[i].timeout
						       : "(none)",
			    (long long)webhook_budget_ms(budgets[i].timeout));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		answers_each_kind_of_request, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		advises_workloads_and_denies_their_pods, setup_advising,
		teardown),
	    cmocka_unit_test_setup_teardown(
		counts_what_could_not_be_judged, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		sheds_what_is_over_the_bound, setup_full, teardown),
	    cmocka_unit_test(budget_leaves_a_margin_for_the_way_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
