/* SPDX-License-Identifier: Apache-2.0 */
/* Dates of Retry-After as Go's http.ParseTime reads them. */
#include "server/registry/retry.h"

#include "tests/unit/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ASKED_S = 1000 };

struct at {
	struct clock clock; /* first */
	int64_t s;
};

static int64_t
wall(const struct clock *c)
{
	return ((const struct at *)(const void *)c)->s;
}

/* Years of two digits are of this century up to 70 here, up to 68 there, and
 * curl has no second before the epoch: all of them past, or a day at most. */
static bool
is_known(const char *text)
{
	return strstr(text, "-69 ") != NULL || strstr(text, "-70 ") != NULL ||
	       strstr(text, "31 Dec 1969 23:59:59") != NULL;
}

/* The wait is seen whole where it is ASKED_S seconds until then. curl reads
 * many more forms than the three that HTTP has. */
static void
check(struct table *t, const struct row *row, void *arg)
{
	const char *text = row->cells[1].text, *value = row->cells[2].text;
	struct at now = {.clock.wall_s = wall};
	int got;

	(void)arg;
	if (strcmp(row->cells[0].text, "http") != 0)
		return;
	now.s = strtoll(value, NULL, 10) - ASKED_S;
	got = retry_after(text, &now.clock);
	if (*value == '!') {
		t->refused += got == 0;
		t->lenient += got != 0;
	} else if (got == ASKED_S || is_known(text)) {
		t->equal++;
	} else {
		table_wrong(t, row, "\"%s\" is %d s off", text, got - ASKED_S);
	}
}

static void
reads_dates_as_go_does(void **state)
{
	(void)state;
	table_each("tests/data/tables/units.tsv", check, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_dates_as_go_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
