/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/own.h"
#include "policy/base/units.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <time.h>

/*
 * What we take for a number of bytes, seconds or a date is what libc takes it
 * for. What we refuse is not asked about: units_test.c says what must be taken.
 */

enum { SHOWN_MAX = 64, MS_OF_HOUR = 3600 * 1000 };

struct unit {
	const char *name;
	long double factor;
};

static const struct unit bytes_units[] = {{"", 1}, {"k", 1e3}, {"K", 1e3},
    {"M", 1e6}, {"G", 1e9}, {"Ki", 1024}, {"Mi", 1048576}, {"Gi", 1073741824},
    {NULL, 0}};
static const struct unit second_units[] = {
    {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}, {NULL, 0}};
static const struct unit part_units[] = {{"%", 10}, {NULL, 0}};
static const struct unit go_units[] = {{"ns", 1e-6L}, {"us", 1e-3L},
    {"\xc2\xb5s", 1e-3L}, {"\xce\xbcs", 1e-3L}, {"ms", 1}, {"s", 1000},
    {"m", 60000}, {"h", MS_OF_HOUR}, {NULL, 0}};

/* A number and its unit, off the text's front. */
static long double
take(const char **text, const struct unit *units)
{
	size_t n = strspn(*text, "0123456789."), name;
	AUTO(free) char *digits = strndup(*text, n);
	long double value;

	MUST(digits != NULL && n > 0);
	value = strtold(digits, NULL);
	*text += n;
	name = strcspn(*text, "0123456789.");
	while (
	    units->name != NULL && (strlen(units->name) != name ||
				       memcmp(units->name, *text, name) != 0))
		units++;
	MUST(units->name != NULL);
	*text += name;
	return value * units->factor;
}

/* Rounded down, and a long double has 64 bits. */
static void
must_be_near(int64_t ours, long double theirs)
{
	const long double off = theirs - (long double)ours;
	const long double least =
	    0.001L + (theirs < 0 ? -theirs : theirs) * 0x1p-60L;

	MUST(off > -least && off < 1 + least);
}

static void
check_one(const char *text, int64_t ours, const struct unit *units)
{
	must_be_near(ours, take(&text, units));
	MUST(*text == '\0');
}

static void
check_go(const char *text, int64_t ours)
{
	long double sum = 0;
	bool negative = *text == '-';

	text += *text == '-' || *text == '+';
	if (strcmp(text, "0") == 0) {
		MUST(ours == 0);
		return;
	}
	do
		sum += take(&text, go_units);
	while (*text != '\0');
	must_be_near(ours, negative ? -sum : sum);
}

/* Both forms begin as libc's, with the offset behind. */
static void
check_time(const char *text, int64_t ours, const char *form)
{
	struct tm tm = {0};
	AUTO(free) char *upper = strdup(text);
	char *t = upper != NULL ? strchr(upper, 't') : NULL;
	const char *rest;
	int64_t offset = 0;

	/* RFC 3339 knows a small "t", too. */
	MUST(upper != NULL);
	if (t != NULL)
		*t = 'T';
	rest = strptime(upper, form, &tm);
	MUST(rest != NULL);
	rest += strspn(rest, ".0123456789");
	if (*rest == '+' || *rest == '-')
		offset = (strtol(rest + 1, NULL, 10) * 60 +
			     strtol(rest + 4, NULL, 10)) *
			 (*rest == '-' ? -60 : 60);
	MUST(ours == timegm(&tm) - offset);
}

static void
check_shown(int64_t seconds)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(SHOWN_MAX);
	int64_t again;

	MUST(units_add_time(&b, seconds) == 0);
	/* Years of other than four digits are shown, and not read. */
	MUST(strspn(buf_text(&b), "0123456789") != strlen("2026") ||
	     (units_parse_time(buf_text(&b), &again) == 0 && again == seconds));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(free) char *text = strndup((const char *)data, size);
	int64_t value;
	int permille;

	if (text == NULL)
		return 0;
	if (units_parse_size(text, &value) == 0)
		check_one(text, value, bytes_units);
	if (units_parse_duration(text, &value) == 0)
		check_one(text, value, second_units);
	if (units_parse_percent(text, &permille) == 0)
		check_one(text, permille, part_units);
	if (units_parse_go_duration(text, &value) == 0)
		check_go(text, value);
	if (units_parse_date(text, &value) == 0)
		check_time(text, value, "%Y-%m-%d");
	if (units_parse_time(text, &value) == 0) {
		check_time(text, value, "%Y-%m-%dT%H:%M:%S");
		check_shown(value);
	}
	return 0;
}
