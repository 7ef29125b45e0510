/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/units.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum {
	KILO = 1000,
	MEGA = 1000 * 1000,
	GIGA = 1000 * 1000 * 1000,
	KIBI = 1024,
	MEBI = 1024 * 1024,
	GIBI = 1024 * 1024 * 1024,
	MINUTE = 60,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	WEEK = 7 * DAY,
	NS_A_MS = 1000 * 1000,
};

struct unit {
	const char *name;
	int64_t value;
};

static const struct unit sizes[] = {
    {"", 1},
    {"k", KILO},
    {"K", KILO},
    {"M", MEGA},
    {"G", GIGA},
    {"Ki", KIBI},
    {"Mi", MEBI},
    {"Gi", GIBI},
    {NULL, 0},
};

static const struct unit durations[] = {
    {"s", 1},
    {"m", MINUTE},
    {"h", HOUR},
    {"d", DAY},
    {"w", WEEK},
    {NULL, 0},
};

/* In nanoseconds. The micro sign and the Greek letter are both in use. */
static const struct unit go_durations[] = {
    {"ns", 1},
    {"us", KILO},
    {"\xc2\xb5s", KILO},
    {"\xce\xbcs", KILO},
    {"ms", MEGA},
    {"s", GIGA},
    {"m", INT64_C(1) * MINUTE *GIGA},
    {"h", INT64_C(1) * HOUR *GIGA},
    {NULL, 0},
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The unit named by the first `len` bytes, 0 where there is none. */
static int64_t
unit_value(const struct unit *units, const char *s, size_t len)
{
	for (; units->name != NULL; units++) {
		if (strlen(units->name) == len &&
		    memcmp(units->name, s, len) == 0)
			return units->value;
	}
	return 0;
}

/* A run of digits; moves *s behind it. 0, or -1 where none or too large. */
static int
parse_whole(const char **s, int64_t *out)
{
	int64_t v = 0;

	if (!is_digit(**s))
		return -1;
	for (; is_digit(**s); (*s)++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, **s - '0', &v))
			return -1;
	}
	*out = v;
	return 0;
}

/* 0.<digits> times the unit, rounded down. From the last digit to the first,
 * so that any number of digits stays exact and in range. */
static int64_t
fraction_of(const char *digits, size_t n, int64_t unit)
{
	int64_t v = 0;

	while (n > 0)
		v = ((digits[--n] - '0') * unit + v) / 10;
	return v;
}

/* whole * unit + 0.<digits> * unit */
static int
scale(int64_t whole, const char *digits, size_t n, int64_t unit, int64_t *out)
{
	int64_t v;

	if (unit == 0 || __builtin_mul_overflow(whole, unit, &v) ||
	    __builtin_add_overflow(v, fraction_of(digits, n, unit), &v))
		return -1;
	*out = v;
	return 0;
}

int
units_parse_size(const char *s, int64_t *bytes)
{
	const char *digits = "";
	size_t n = 0;
	int64_t whole;

	if (parse_whole(&s, &whole) != 0)
		return -1;
	if (*s == '.') {
		digits = ++s;
		while (is_digit(*s))
			s++;
		n = (size_t)(s - digits);
		if (n == 0)
			return -1;
	}
	return scale(whole, digits, n, unit_value(sizes, s, strlen(s)), bytes);
}

int
units_parse_duration(const char *s, int64_t *seconds)
{
	int64_t whole;

	if (parse_whole(&s, &whole) != 0)
		return -1;
	return scale(
	    whole, "", 0, unit_value(durations, s, strlen(s)), seconds);
}

int
units_parse_percent(const char *s, int *permille)
{
	int64_t whole, tenths = 0;

	if (parse_whole(&s, &whole) != 0)
		return -1;
	if (s[0] == '.' && is_digit(s[1])) {
		tenths = s[1] - '0';
		s += 2;
	}
	if (strcmp(s, "%") != 0 || whole > (INT_MAX - 9) / 10)
		return -1;
	*permille = (int)(whole * 10 + tenths);
	return 0;
}

/* One "1.5h" of a Go duration, in nanoseconds; moves *s behind it. */
static int
parse_go_part(const char **s, int64_t *ns)
{
	const char *digits = "", *name;
	size_t n = 0;
	int64_t whole = 0;

	if (**s == '.' && !is_digit((*s)[1]))
		return -1;
	if (**s != '.' && parse_whole(s, &whole) != 0)
		return -1;
	if (**s == '.') {
		digits = ++*s;
		while (is_digit(**s))
			(*s)++;
		n = (size_t)(*s - digits);
	}
	name = *s;
	while (**s != '\0' && **s != '.' && !is_digit(**s))
		(*s)++;
	return scale(whole, digits, n,
	    unit_value(go_durations, name, (size_t)(*s - name)), ns);
}

int
units_parse_go_duration(const char *s, int64_t *ms)
{
	bool negative = *s == '-';
	int64_t total = 0, part, rest;

	if (*s == '-' || *s == '+')
		s++;
	if (strcmp(s, "0") == 0) {
		*ms = 0;
		return 0;
	}
	do {
		if (parse_go_part(&s, &part) != 0 ||
		    __builtin_add_overflow(total, part, &total))
			return -1;
	} while (*s != '\0');
	rest = total % NS_A_MS;
	total /= NS_A_MS;
	if (negative)
		total = -total - (rest > 0);
	*ms = total;
	return 0;
}

/* Days since the epoch of a date in the Gregorian calendar. A year counts
 * from March here, so that the leap day is its last. */
static int64_t
days_of(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year =
	    (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	       of_year - 719468;
}

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in(int year, int month)
{
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Exactly `n` digits with a value in [min, max]; moves *s behind them. */
static int
parse_field(const char **s, int n, int min, int max, int *out)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*s)++) {
		if (!is_digit(**s))
			return -1;
		v = v * 10 + (**s - '0');
	}
	if (v < min || v > max)
		return -1;
	*out = v;
	return 0;
}

static int
parse_char(const char **s, char c, char or)
{
	if (**s != c && **s != or)
		return -1;
	(*s)++;
	return 0;
}

static int
parse_day(const char **s, int64_t *seconds)
{
	int year, month, day;

	if (parse_field(s, 4, 0, 9999, &year) != 0 ||
	    parse_char(s, '-', '-') != 0 ||
	    parse_field(s, 2, 1, 12, &month) != 0 ||
	    parse_char(s, '-', '-') != 0 ||
	    parse_field(s, 2, 1, days_in(year, month), &day) != 0)
		return -1;
	*seconds = days_of(year, month, day) * DAY;
	return 0;
}

int
units_parse_date(const char *s, int64_t *seconds)
{
	int64_t v;

	if (parse_day(&s, &v) != 0 || *s != '\0')
		return -1;
	*seconds = v;
	return 0;
}

/* "03:04:05" with any fraction, which is dropped. A leap second is the first
 * of the next minute. */
static int
parse_hours(const char **s, int64_t *seconds)
{
	int h, m, sec;

	if (parse_field(s, 2, 0, 23, &h) != 0 || parse_char(s, ':', ':') != 0 ||
	    parse_field(s, 2, 0, 59, &m) != 0 || parse_char(s, ':', ':') != 0 ||
	    parse_field(s, 2, 0, 60, &sec) != 0)
		return -1;
	if (**s == '.') {
		if (!is_digit(*++*s))
			return -1;
		while (is_digit(**s))
			(*s)++;
	}
	sec += h * HOUR + m * MINUTE;
	*seconds = sec;
	return 0;
}

/* "Z", "+01:00": what local time is ahead of UTC. */
static int
parse_offset(const char **s, int64_t *seconds)
{
	int sign = **s == '-' ? -1 : 1, h, m;

	*seconds = 0;
	if (parse_char(s, 'Z', 'z') == 0)
		return 0;
	if (parse_char(s, '+', '-') != 0 || parse_field(s, 2, 0, 23, &h) != 0 ||
	    parse_char(s, ':', ':') != 0 || parse_field(s, 2, 0, 59, &m) != 0)
		return -1;
	m += h * HOUR / MINUTE;
	*seconds = INT64_C(1) * sign * MINUTE * m;
	return 0;
}

int
units_parse_time(const char *s, int64_t *seconds)
{
	int64_t day, hours, offset;

	if (parse_day(&s, &day) != 0 || parse_char(&s, 'T', 't') != 0 ||
	    parse_hours(&s, &hours) != 0 || parse_offset(&s, &offset) != 0 ||
	    *s != '\0')
		return -1;
	*seconds = day + hours - offset;
	return 0;
}

static const char *const size_names[] = {
    "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

/* v / unit in parts of a `parts`-th, rounded to the nearest. The last digits
 * of 1024 go on their own: no product is over 64 bits, and none is lost. */
static uint64_t
rounded(uint64_t v, uint64_t unit, uint64_t parts)
{
	const uint64_t rest = v % unit, larger = unit / KIBI;

	if (larger == 0)
		return v * parts;
	return v / unit * parts +
	       (rest / KIBI * parts + larger / 2 +
		   (rest % KIBI * parts + (larger == 1 ? KIBI / 2 : 0)) /
		       KIBI) /
		   larger;
}

/* Three significant digits, without zeros that say nothing. */
static int
add_short(struct buf *b, uint64_t v, uint64_t unit, const char *name)
{
	uint64_t parts = 100, n;

	while (parts > 1 && rounded(v, unit, parts) >= 1000)
		parts /= 10;
	n = rounded(v, unit, parts);
	for (; parts > 1 && n % 10 == 0; parts /= 10)
		n /= 10;
	if (parts == 1)
		return buf_printf(b, "%ju %s", (uintmax_t)n, name);
	return buf_printf(b, "%ju.%0*ju %s", (uintmax_t)(n / parts),
	    parts == 100 ? 2 : 1, (uintmax_t)(n % parts), name);
}

int
units_add_size(struct buf *b, int64_t bytes)
{
	uint64_t v = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
	uint64_t unit = 1, smaller;
	size_t i = 0;

	if (bytes < 0)
		buf_puts(b, "-");
	/* What rounds to 1024 of a unit is one of the next. */
	while (rounded(v, unit, 1) >= KIBI) {
		unit *= KIBI;
		i++;
	}
	/* 1500 MiB, where 1.46 GiB would not be what was written. Two decimals
	 * are exact for quarters of a power of two alone. */
	smaller = unit / KIBI;
	if (i > 1 && v / unit < 10 && v % smaller == 0 && v % (unit / 4) != 0)
		return buf_printf(
		    b, "%ju %s", (uintmax_t)(v / smaller), size_names[i - 1]);
	return add_short(b, v, unit, size_names[i]);
}

int
units_add_duration(struct buf *b, int64_t seconds)
{
	static const struct unit units[] = {
	    {"days", DAY}, {"hours", HOUR}, {"minutes", MINUTE}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		int64_t n = seconds / units[i].value;

		if (n >= 2 || n <= -2)
			return buf_printf(
			    b, "%jd %s", (intmax_t)n, units[i].name);
	}
	return buf_printf(b, "%jd s", (intmax_t)seconds);
}

int
units_add_time(struct buf *b, int64_t seconds)
{
	int64_t day = seconds / DAY, left = seconds % DAY;
	int64_t year;
	int month = 12;

	if (left < 0) {
		day--;
		left += DAY;
	}
	/* From a year that is never too early, down to the right one. */
	year = 1970 + day / (day < 0 ? 366 : 365);
	while (days_of(year, 1, 1) > day)
		year -= 1 + (days_of(year, 1, 1) - day - 1) / 366;
	while (days_of(year, month, 1) > day)
		month--;
	return buf_printf(b, "%04jd-%02d-%02jdT%02jd:%02jd:%02jdZ",
	    (intmax_t)year, month,
	    (intmax_t)(day - days_of(year, month, 1) + 1),
	    (intmax_t)(left / 3600), (intmax_t)(left / 60 % 60),
	    (intmax_t)(left % 60));
}
