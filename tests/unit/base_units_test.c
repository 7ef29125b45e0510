/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/units.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define REFUSED INT64_MIN
#define N(table) (sizeof(table) / sizeof((table)[0]))

struct parse_case {
	const char *text;
	int64_t value; /* or REFUSED */
};

static void
check_parser(const struct parse_case *cases, size_t n,
    int (*parse)(const char *s, int64_t *out))
{
	for (size_t i = 0; i < n; i++) {
		int64_t got = REFUSED;
		int rc = parse(cases[i].text, &got);

		if (got != cases[i].value || (rc == 0) != (got != REFUSED))
			fail_msg(
			    "'%s': got %d, %" PRId64, cases[i].text, rc, got);
	}
}

static const struct parse_case sizes[] = {
    {"0", 0},
    {"1", 1},
    {"007", 7},
    {"12k", 12000},
    {"12K", 12000},
    {"12Ki", 12288},
    {"3M", 3000000},
    {"300Mi", 314572800},
    {"2G", 2000000000},
    {"2Gi", 2147483648},
    {"1.5Gi", 1610612736},
    {"1.5", 1},
    {"0.0000000000000000000000001Gi", 0},
    {"0.999999999999999999999999999999Ki", 1023},
    {"0.1k", 100},
    {"9223372036854775807", INT64_MAX},
    {"9007199254740991Ki", 9007199254740991 * 1024},
    {"9223372036854775808", REFUSED},
    {"9007199254740992Ki", REFUSED},
    {"99999999999999999999", REFUSED},
    {"8589934592Gi", REFUSED},
    {"", REFUSED},
    {" 1", REFUSED},
    {"1 ", REFUSED},
    {"-1", REFUSED},
    {"+1", REFUSED},
    {".5Mi", REFUSED},
    {"1.Mi", REFUSED},
    {"1.5.5", REFUSED},
    {"Mi", REFUSED},
    {"1mi", REFUSED},
    {"1ki", REFUSED},
    {"1MiB", REFUSED},
    {"1MB", REFUSED},
    {"1B", REFUSED},
    {"1Ti", REFUSED},
    {"1e3", REFUSED},
    {"0x10", REFUSED},
    {"1,5Mi", REFUSED},
};

static void
reads_sizes(void **state)
{
	(void)state;
	check_parser(sizes, N(sizes), units_parse_size);
}

static const struct parse_case durations[] = {
    {"0s", 0},
    {"90s", 90},
    {"5m", 300},
    {"36h", 129600},
    {"180d", 15552000},
    {"2w", 1209600},
    {"9223372036854775807s", INT64_MAX},
    {"9223372036854775808s", REFUSED},
    {"15250284452472w", REFUSED},
    {"", REFUSED},
    {"5", REFUSED},
    {"m", REFUSED},
    {"1.5h", REFUSED},
    {"1h30m", REFUSED},
    {"-1s", REFUSED},
    {"5M", REFUSED},
    {"5 m", REFUSED},
    {"5ms", REFUSED},
};

static void
reads_durations(void **state)
{
	(void)state;
	check_parser(durations, N(durations), units_parse_duration);
}

static int
parse_percent(const char *s, int64_t *out)
{
	int v = -1, rc = units_parse_percent(s, &v);

	if (rc == 0)
		*out = v;
	else
		assert_int_equal(v, -1);
	return rc;
}

static const struct parse_case percents[] = {
    {"0%", 0},
    {"10%", 100},
    {"2.5%", 25},
    {"100.0%", 1000},
    {"214748363.9%", 2147483639},
    {"214748364%", REFUSED},
    {"99999999999999999999%", REFUSED},
    {"", REFUSED},
    {"%", REFUSED},
    {"10", REFUSED},
    {"10 %", REFUSED},
    {"2.55%", REFUSED},
    {"2.%", REFUSED},
    {".5%", REFUSED},
    {"-1%", REFUSED},
    {"1%%", REFUSED},
};

static void
reads_percents(void **state)
{
	(void)state;
	check_parser(percents, N(percents), parse_percent);
}

static const struct parse_case go_durations[] = {
    {"0", 0},
    {"-0", 0},
    {"10s", 10000},
    {"1m30s", 90000},
    {"1.5h", 5400000},
    {"250ms", 250},
    {"1h1m1s1ms1us1ns", 3661001},
    {"999us", 0},
    {"1500\xc2\xb5s", 1},
    {"1500\xce\xbcs", 1},
    {".5s", 500},
    {"1.s", 1000},
    {"+2s", 2000},
    {"-2s", -2000},
    {"-1ns", -1},
    {"-1.5ms", -2},
    {"1.00000000000000000000000000001s", 1000},
    {"2562047h47m16.854775807s", 9223372036854},
    {"2562048h", REFUSED},
    {"9223372036854775808ns", REFUSED},
    {"", REFUSED},
    {"-", REFUSED},
    {"5", REFUSED},
    {"s", REFUSED},
    {".s", REFUSED},
    {"1.5", REFUSED},
    {"1s ", REFUSED},
    {"1d", REFUSED},
    {"1s-1s", REFUSED},
    {"--1s", REFUSED},
    {"1e3s", REFUSED},
};

static void
reads_go_durations(void **state)
{
	(void)state;
	check_parser(go_durations, N(go_durations), units_parse_go_duration);
}

static const struct parse_case dates[] = {
    {"1970-01-01", 0},
    {"2027-01-31", 1801353600},
    {"2024-02-29", 1709164800},
    {"2000-02-29", 951782400},
    {"1969-12-31", -86400},
    {"0001-01-01", -62135596800},
    {"0000-01-01", -62167219200},
    {"9999-12-31", 253402214400},
    {"2023-02-29", REFUSED},
    {"1900-02-29", REFUSED},
    {"2023-04-31", REFUSED},
    {"2023-13-01", REFUSED},
    {"2023-00-01", REFUSED},
    {"2023-01-00", REFUSED},
    {"2023-1-1", REFUSED},
    {"23-01-01", REFUSED},
    {"2023-01-01 ", REFUSED},
    {"2023-01-01T00:00:00Z", REFUSED},
    {"+2023-01-01", REFUSED},
    {"", REFUSED},
};

static void
reads_dates(void **state)
{
	(void)state;
	check_parser(dates, N(dates), units_parse_date);
}

static const struct parse_case times[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-01-02T03:04:05Z", 1767323045},
    {"2026-01-02T03:04:05.678901234Z", 1767323045},
    {"2026-01-02T04:04:05+01:00", 1767323045},
    {"2026-01-01T21:34:05-05:30", 1767323045},
    {"2026-01-02t03:04:05z", 1767323045},
    {"2016-12-31T23:59:60Z", 1483228800},
    {"0001-01-01T00:00:00Z", -62135596800},
    {"1969-12-31T23:59:59Z", -1},
    {"9999-12-31T23:59:59Z", 253402300799},
    {"2026-01-02 03:04:05Z", REFUSED},
    {"2026-01-02T03:04:05", REFUSED},
    {"2026-01-02T03:04Z", REFUSED},
    {"2026-01-02T3:04:05Z", REFUSED},
    {"2026-01-02T24:00:00Z", REFUSED},
    {"2026-01-02T03:60:00Z", REFUSED},
    {"2026-01-02T03:04:61Z", REFUSED},
    {"2026-01-02T03:04:05.Z", REFUSED},
    {"2026-01-02T03:04:05+0100", REFUSED},
    {"2026-01-02T03:04:05+24:00", REFUSED},
    {"2026-01-02T03:04:05+01:60", REFUSED},
    {"2026-01-02T03:04:05Zx", REFUSED},
    {"2026-02-30T03:04:05Z", REFUSED},
    {"", REFUSED},
};

static void
reads_times(void **state)
{
	(void)state;
	check_parser(times, N(times), units_parse_time);
}

static void
a_refused_value_changes_nothing(void **state)
{
	int64_t v = 42;
	int p = 42;

	(void)state;
	assert_int_equal(units_parse_size("1.5Xi", &v), -1);
	assert_int_equal(units_parse_duration("1x", &v), -1);
	assert_int_equal(units_parse_go_duration("1s1x", &v), -1);
	assert_int_equal(units_parse_date("2026-01-01x", &v), -1);
	assert_int_equal(units_parse_time("2026-01-01T00:00:00", &v), -1);
	assert_int_equal(units_parse_percent("1%x", &p), -1);
	assert_int_equal(v, 42);
	assert_int_equal(p, 42);
}

struct print_case {
	int64_t value;
	const char *text;
};

static void
check_printer(const struct print_case *cases, size_t n,
    int (*add)(struct buf *b, int64_t value))
{
	for (size_t i = 0; i < n; i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(100);

		if (add(&b, cases[i].value) != 0 ||
		    strcmp(buf_text(&b), cases[i].text) != 0)
			fail_msg("%" PRId64 ": got '%s', not '%s'",
			    cases[i].value, buf_text(&b), cases[i].text);
	}
}

#define KI 1024LL
#define MI (1024 * KI)
#define GI (1024 * MI)

static const struct print_case printed_sizes[] = {
    {0, "0 B"},
    {300, "300 B"},
    {1023, "1023 B"},
    {1024, "1 KiB"},
    {1025, "1 KiB"},
    {1500, "1.46 KiB"},
    {1536, "1.5 KiB"},
    {1024 * KI - 1, "1 MiB"},
    {1023 * KI, "1023 KiB"},
    {1023 * KI + 511, "1023 KiB"},
    {1023 * KI + 512, "1 MiB"},
    {9 * MI + 1023 * KI, "10239 KiB"},
    {9 * MI + 1023 * KI + 1, "10 MiB"},
    {10 * MI + 45 * KI, "10 MiB"},
    {10 * MI + 52 * KI, "10.1 MiB"},
    {300 * MI, "300 MiB"},
    {300 * MI + 1, "300 MiB"},
    {812 * MI + 300 * KI, "812 MiB"},
    {812 * MI + 600 * KI, "813 MiB"},
    {GI + GI / 2, "1.5 GiB"},
    {GI + GI / 4, "1.25 GiB"},
    {1500 * MI, "1500 MiB"},
    {1500 * MI + 1, "1.46 GiB"},
    {2000 * MI, "2000 MiB"},
    {300 * 1000 * 1000, "286 MiB"},
    {1000 * 1000 * 1000, "954 MiB"},
    {INT64_MAX, "8 EiB"},
    {INT64_MIN, "-8 EiB"},
    {-300 * MI, "-300 MiB"},
};

static void
prints_sizes(void **state)
{
	(void)state;
	check_printer(printed_sizes, N(printed_sizes), units_add_size);
}

static void
never_prints_1024_of_a_unit(void **state)
{
	(void)state;
	for (int64_t v = 1000; v < 5 * GI; v += v / 997) {
		AUTO(buf_clear) struct buf b = BUF_INIT(100);

		assert_int_equal(units_add_size(&b, v), 0);
		assert_null(strstr(buf_text(&b), "1024 "));
	}
}

static const struct print_case printed_durations[] = {
    {0, "0 s"},
    {90, "90 s"},
    {119, "119 s"},
    {120, "2 minutes"},
    {7199, "119 minutes"},
    {7200, "2 hours"},
    {129600, "36 hours"},
    {172799, "47 hours"},
    {172800, "2 days"},
    {15552000, "180 days"},
    {-90, "-90 s"},
    {-172800, "-2 days"},
    {INT64_MAX, "106751991167300 days"},
    {INT64_MIN, "-106751991167300 days"},
};

static void
prints_durations(void **state)
{
	(void)state;
	check_printer(
	    printed_durations, N(printed_durations), units_add_duration);
}

static const struct print_case printed_times[] = {
    {0, "1970-01-01T00:00:00Z"},
    {-1, "1969-12-31T23:59:59Z"},
    {1767323045, "2026-01-02T03:04:05Z"},
    {951782400, "2000-02-29T00:00:00Z"},
    {951868800, "2000-03-01T00:00:00Z"},
    {1709164800, "2024-02-29T00:00:00Z"},
    {-62135596800, "0001-01-01T00:00:00Z"},
    {-62167219200, "0000-01-01T00:00:00Z"},
    {253402300799, "9999-12-31T23:59:59Z"},
};

static void
prints_times(void **state)
{
	(void)state;
	check_printer(printed_times, N(printed_times), units_add_time);
}

static void
every_day_reads_back(void **state)
{
	(void)state;
	for (int64_t s = -62167219200; s < 253402300800; s += 86400 * 97 + 7) {
		AUTO(buf_clear) struct buf b = BUF_INIT(100);
		int64_t back = 0;

		assert_int_equal(units_add_time(&b, s), 0);
		assert_int_equal(units_parse_time(buf_text(&b), &back), 0);
		assert_int_equal(back, s);
	}
}

static void
the_ends_of_time_do_not_hang(void **state)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(100);

	(void)state;
	assert_int_equal(units_add_time(&b, INT64_MAX), 0);
	assert_int_equal(units_add_time(&b, INT64_MIN), 0);
	assert_string_equal(buf_text(&b),
	    "292277026596-12-04T15:30:07Z-292277022657-01-27T08:29:52Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_sizes),
	    cmocka_unit_test(reads_durations),
	    cmocka_unit_test(reads_percents),
	    cmocka_unit_test(reads_go_durations),
	    cmocka_unit_test(reads_dates),
	    cmocka_unit_test(reads_times),
	    cmocka_unit_test(a_refused_value_changes_nothing),
	    cmocka_unit_test(prints_sizes),
	    cmocka_unit_test(never_prints_1024_of_a_unit),
	    cmocka_unit_test(prints_durations),
	    cmocka_unit_test(prints_times),
	    cmocka_unit_test(every_day_reads_back),
	    cmocka_unit_test(the_ends_of_time_do_not_hang),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
