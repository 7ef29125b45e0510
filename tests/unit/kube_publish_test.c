/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out while certificates are published; a few seconds. */
#include "server/kube/publish.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

enum { DAY = 86400, NOW = 1800000000, TIMEOUT_MS = 10 * 1000 };

/* An API server in which there are webhooks and no Secret yet; it takes
 * everything, and allocates nothing itself. */
static const char hooks[] =
    "{\"metadata\":{\"resourceVersion\":\"7\"},\"webhooks\":["
    "{\"clientConfig\":{\"service\":{\"name\":\"gate\",\"namespace\":\"ns\"},"
    "\"caBundle\":\"AAAA\"}},"
    "{\"clientConfig\":{\"url\":\"https://gate.ns.svc:8443/validate\"}},"
    "{\"clientConfig\":{\"url\":\"https://[::1]/other\"}}]}";

static struct {
	struct transport base;
	transfer_done *done;
	void *arg;
	bool get;
	bool hooks;
	int writes;
} api;

static struct transfer *
start(struct transport *t, const struct http_request *rq, transfer_done *done,
    void *arg, struct error *err)
{
	(void)err;
	api.done = done;
	api.arg = arg;
	api.get = rq->method == HTTP_GET;
	api.hooks = strstr(rq->url, "/validating") != NULL;
	return (struct transfer *)(void *)t;
}

static void
answer(struct transport *t, int ms)
{
	struct http_answer a = {.err = ERROR_INIT, .status = 200, .body = ""};
	transfer_done *done = api.done;

	(void)t;
	(void)ms;
	api.done = NULL;
	assert_non_null(done);
	if (api.get && api.hooks) {
		a.body = hooks;
		a.len = strlen(hooks);
	} else if (api.get) {
		a.status = 404;
	} else {
		api.writes++;
	}
	done(api.arg, &a);
}

static int64_t
now_ms(const struct clock *c)
{
	(void)c;
	return NOW;
}

static const struct clock clock_fake = {
    .monotonic_ms = now_ms, .monotonic_us = now_ms, .wall_s = now_ms};

static void
publish_once(void *arg)
{
	static const char *const names[] = {"gate.ns.svc"};
	const struct publish_request r = {.authority = {.names = names,
					      .nnames = 1,
					      .now = NOW,
					      .ca_life = 3650LL * DAY,
					      .leaf_life = 90LL * DAY,
					      .overlap = 7LL * DAY},
	    .ns = "ns",
	    .secret = "tls",
	    .ca_secret = "ca",
	    .webhooks = "gate"};
	const struct kube_options o = {.server = "https://api.example",
	    .token_file = arg,
	    .ca_file = arg,
	    .timeout_ms = TIMEOUT_MS,
	    .clock = &clock_fake,
	    .transport = &api.base};
	AUTO(kube_free) struct kube *k = NULL;
	struct publish_report report;
	struct error err = ERROR_INIT;
	int rc = -1;

	api.writes = 0;
	k = kube_new(&o, &err);
	if (k != NULL)
		rc = publish(k, &r, &report, &err);
	if (rc != 0 && err.code != ERR_NOMEM)
		fail_msg("code %d: %s", err.code, err.msg);
	if (rc != 0)
		return;
	if (api.writes != 3)
		fail_msg(
		    "%d writes, %zu allocations", api.writes, alloc_count());
	assert_int_equal(report.hooks[PUBLISH_VALIDATING].ours, 2);
	assert_int_equal(report.hooks[PUBLISH_VALIDATING].set, 2);
	assert_true(report.hooks[PUBLISH_MUTATING].absent);
	assert_true(report.wrote_ca_secret && report.wrote_secret);
}

static void
memory_may_run_out_anywhere(void **state)
{
	char file[] = "/tmp/policy-gate-kube-XXXXXX";
	const int fd = mkstemp(file);

	(void)state;
	assert_int_equal(write(fd, "token", 5), 5);
	close(fd);
	api.base.start = start;
	api.base.poll = answer;
	publish_once(file);
	assert_true(alloc_fail_each(publish_once, file) > 50);
	unlink(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
