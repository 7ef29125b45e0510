/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, durations and dates as the programs read them whose words these are:
 * Kubernetes, Go, Prometheus. */
#include "policy/base/units.h"

#include "tests/unit/table.h"

#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

enum { NS_A_MS = 1000 * 1000, MS_A_SECOND = 1000 };

/* Known differences are expressions that the texts match, or NULL. */
struct kind {
	const char *name;
	int (*parse)(const char *text, int64_t *out);
	int64_t divide;       /* their value by this, rounded down, is ours */
	const char *stricter; /* what we alone refuse */
	const char *looser;   /* what we alone read */
	const char *rounded;  /* what they round up, to one more than ours */
};

static const struct kind kinds[] = {
    /* Quantities are signed, have exponents, thousandths and units beyond Gi;
     * their "k" is ours and docker's "K", too. Nine decimals are kept. */
    {"size", units_parse_size, 1, "[-+eEmTunPR]|^\\.|\\.[kA-Z]|\\.$", "K$",
	"\\.[0-9]{10}"},
    /* Ours has one unit, a second at the least and no year, and goes on after
     * 292 years of nanoseconds. */
    {"duration", units_parse_duration, MS_A_SECOND, "ms|y$|^0$|[a-z][0-9]",
	"[0-9]{5}", NULL},
    /* Go's least number has no positive one; its fractions are floats. */
    {"go-duration", units_parse_go_duration, NS_A_MS,
	"^-2562047h47m16\\.854775808s$", NULL, "\\.[0-9]{17}"},
    /* RFC 3339 has small letters and leap seconds; neither commas nor hours of
     * one digit, nor offsets of a day or of 60 minutes. */
    {"time", units_parse_time, 1, ",|T[0-9]:|[-+](24:00|..:60)$", "[tz]|:60Z$",
	NULL},
    {"date", units_parse_date, 1, NULL, NULL, NULL},
};

static bool
is_like(const char *text, const char *expression)
{
	regex_t re;
	bool like;

	if (expression == NULL)
		return false;
	assert_int_equal(regcomp(&re, expression, REG_EXTENDED | REG_NOSUB), 0);
	like = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return like;
}

static int64_t
floor_div(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

static void
check_value(struct table *t, const struct row *row, const struct kind *kind,
    int64_t want, int64_t got)
{
	const char *text = row->cells[1].text;

	want = floor_div(want, kind->divide);
	if (got == want || (got + 1 == want && is_like(text, kind->rounded)))
		t->equal++;
	else
		table_wrong(t, row, "%s \"%s\" is %" PRId64 ", not %" PRId64,
		    kind->name, text, got, want);
}

static void
check(struct table *t, const struct row *row, void *arg)
{
	const struct kind *kind = arg;
	const char *text = row->cells[1].text, *value = row->cells[2].text;
	bool ours, theirs;
	int64_t got, want;

	if (strcmp(row->cells[0].text, kind->name) != 0)
		return;
	errno = 0;
	want = strtoll(value, NULL, 10);
	/* What 64 bits do not hold is none for us. */
	theirs = *value != '!' && errno == 0;
	ours = kind->parse(text, &got) == 0;
	if (ours && theirs) {
		check_value(t, row, kind, want, got);
	} else if (ours) {
		t->lenient++;
		if (!is_like(text, kind->looser))
			table_wrong(t, row, "nobody else takes %s \"%s\"",
			    kind->name, text);
	} else if (theirs) {
		t->strict++;
		/* Kubernetes cuts what 64 bits do not hold. */
		if (want != INT64_MAX && !is_like(text, kind->stricter))
			table_wrong(
			    t, row, "others take %s \"%s\"", kind->name, text);
	} else {
		t->refused++;
	}
}

static void
reads_units_as_others_do(void **state)
{
	table_each("tests/data/tables/units.tsv", check, *state);
}

int
main(void)
{
	struct CMUnitTest tests[N(kinds)];

	for (size_t i = 0; i < N(kinds); i++)
		tests[i] =
		    (struct CMUnitTest){kinds[i].name, reads_units_as_others_do,
			NULL, NULL, (void *)(uintptr_t)&kinds[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
