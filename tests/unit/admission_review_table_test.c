/* SPDX-License-Identifier: Apache-2.0 */
/* Thousands of pods that are nearly right, as an API server reads them, which
 * writes them anew before it asks. */
#include "policy/base/buf.h"
#include "server/admission/review.h"
#include "tests/unit/edits.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { REVIEW_MAX = 128 * 1024 };

static const char before[] =
    "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\","
    "\"request\":{\"uid\":\"u\",\"kind\":{\"group\":\"\",\"version\":\"v1\","
    "\"kind\":\"Pod\"},\"resource\":{\"group\":\"\",\"version\":\"v1\","
    "\"resource\":\"pods\"},\"namespace\":\"shop\",\"operation\":\"CREATE\","
    "\"object\":";
static const char behind[] = "}}";

static void
put_container(json_t *facts, const struct container *c)
{
	static const char *const said[] = {
	    [UNSET] = "-", [NO] = "false", [YES] = "true"};
	char uid[32] = "-";

	if (c->has_run_as_user)
		snprintf(uid, sizeof(uid), "%" PRId64, c->run_as_user);
	facts_put(facts,
	    json_sprintf("%s %s %s %s %s", c->name, c->image, uid,
		said[c->run_as_non_root],
		c->run_as_user_name == NULL ? "-" : c->run_as_user_name),
	    "%s", c->path);
}

static json_t *
read_pod(const char *kind, const char *text, size_t len, struct arena *mem)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(REVIEW_MAX);
	AUTO(review_free) struct review *r = NULL;
	struct error err = ERROR_INIT;
	const struct workload *w;
	json_t *facts;

	(void)kind;
	(void)mem;
	buf_puts(&b, before);
	buf_add(&b, text, len);
	buf_puts(&b, behind);
	r = review_parse(buf_text(&b), b.len, &err);
	if (r == NULL || r->malformed != NULL)
		return NULL;
	facts = json_object();
	w = r->workload;
	if (w == NULL)
		return facts;
	facts_put(facts, json_boolean(w->host_users_false), "userns");
	facts_put(facts, json_integer((json_int_t)w->labels.n), "labels");
	for (size_t i = 0; i < w->labels.n; i++)
		facts_put(facts, json_string(w->labels.items[i].value),
		    "labels.%s", w->labels.items[i].key);
	for (size_t i = 0; i < w->ncontainers; i++)
		put_container(facts, &w->containers[i]);
	return facts;
}

static void
reads_the_pods_that_an_api_server_reads_or_none(void **state)
{
	(void)state;
	edits_compare("tests/data/tables/pods.tsv", read_pod, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_the_pods_that_an_api_server_reads_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
