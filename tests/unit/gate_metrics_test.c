/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static char *
page(struct metrics *m)
{
	struct buf b;

	buf_init(&b, METRICS_TEXT_MAX);
	assert_int_equal(metrics_render(m, &b), 0);
	return buf_take(&b);
}

static void
assert_has(const char *text, const char *line)
{
	if (strstr(text, line) == NULL)
		fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void
counts_by_labels(void **state)
{
	AUTO(metrics_free) struct metrics *m = metrics_new();
	AUTO(free) char *text = NULL;

	(void)state;
	metrics_add(m, METRIC_REVIEWS, 1, "validate", "CREATE", "deny");
	metrics_add(m, METRIC_REVIEWS, 1, "validate", "CREATE", "deny");
	metrics_add(m, METRIC_REVIEWS, 1, "validate", "UPDATE", "allow");
	text = page(m);
	assert_has(text, "# TYPE policy_gate_reviews_total counter\n");
	assert_has(text, "policy_gate_reviews_total{endpoint=\"validate\","
			 "operation=\"CREATE\",verdict=\"deny\"} 2\n");
	assert_has(text, "operation=\"UPDATE\",verdict=\"allow\"} 1\n");
}

static void
escapes_label_values(void **state)
{
	AUTO(metrics_free) struct metrics *m = metrics_new();
	AUTO(free) char *text = NULL;

	(void)state;
	metrics_set(m, METRIC_POLICY_INFO, 1, "a\"b\\c\nd", "0");
	text = page(m);
	assert_has(text, "{name=\"a\\\"b\\\\c\\nd\",sha256=\"0\"} 1\n");
}

static void
histogram_buckets_are_cumulative(void **state)
{
	AUTO(metrics_free) struct metrics *m = metrics_new();
	AUTO(free) char *text = NULL;

	(void)state;
	metrics_observe(m, METRIC_REVIEW_DURATION, 0.0001, NULL);
	metrics_observe(m, METRIC_REVIEW_DURATION, 0.00075, NULL);
	metrics_observe(m, METRIC_REVIEW_DURATION, 0.2, NULL);
	metrics_observe(m, METRIC_REVIEW_DURATION, 60, NULL);
	text = page(m);
	assert_has(text, "_seconds_bucket{le=\"0.0001\"} 1\n");
	assert_has(text, "_seconds_bucket{le=\"0.0005\"} 1\n");
	assert_has(text, "_seconds_bucket{le=\"0.001\"} 2\n");
	assert_has(text, "_seconds_bucket{le=\"0.25\"} 3\n");
	assert_has(text, "_seconds_bucket{le=\"30\"} 3\n");
	assert_has(text, "_seconds_bucket{le=\"+Inf\"} 4\n");
	assert_has(text, "_seconds_count 4\n");
}

static void
info_metrics_forget_what_was(void **state)
{
	AUTO(metrics_free) struct metrics *m = metrics_new();
	AUTO(free) char *text = NULL;

	(void)state;
	metrics_set(m, METRIC_POLICY_INFO, 1, "old", "1");
	metrics_reset(m, METRIC_POLICY_INFO);
	metrics_set(m, METRIC_POLICY_INFO, 1, "new", "2");
	text = page(m);
	assert_null(strstr(text, "old"));
	assert_has(text, "name=\"new\"");
}

static void
a_full_family_takes_no_more_series(void **state)
{
	AUTO(metrics_free) struct metrics *m = metrics_new();
	AUTO(free) char *text = NULL;
	char name[32];
	int i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "rule-%d", i);
		metrics_add(m, METRIC_FINDINGS, 1, name, "size.max", "enforce");
	}
	text = page(m);
	assert_has(text, "rule=\"rule-4095\"");
	assert_null(strstr(text, "rule=\"rule-4096\""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_by_labels),
	    cmocka_unit_test(escapes_label_values),
	    cmocka_unit_test(histogram_buckets_are_cumulative),
	    cmocka_unit_test(info_metrics_forget_what_was),
	    cmocka_unit_test(a_full_family_takes_no_more_series),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
