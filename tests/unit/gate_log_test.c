/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int64_t
fixed_wall(const struct clock *c)
{
	(void)c;
	return 1767323045; /* 2026-01-02T03:04:05Z */
}

static const struct clock fixed = {.wall_s = fixed_wall};

/* What a call of log_event() writes at level info. */
static void
capture(enum log_level level, const char *value, char *out, size_t size)
{
	int fds[2];
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	{
		const struct log l = {
		    .clock = &fixed, .level = LOG_INFO, .fd = fds[1]};
		log_event(&l, level, "tested", ":s", "key", value);
	}
	close(fds[1]);
	n = read(fds[0], out, size - 1);
	assert_true(n >= 0);
	out[n] = '\0';
	close(fds[0]);
}

static void
writes_one_json_object_per_line(void **state)
{
	char line[512];

	(void)state;
	capture(LOG_WARN, "a\nb", line, sizeof(line));
	assert_string_equal(line,
	    "{\"time\":\"2026-01-02T03:04:05Z\",\"level\":\"warn\","
	    "\"event\":\"tested\",\"key\":\"a\\nb\"}\n");
}

/* A decision on a pod with a name of 100,000 bytes was not in the log. */
static void
a_text_that_is_too_long_does_not_cost_the_line(void **state)
{
	static char text[2 * LOG_LINE_MAX];
	char line[2 * LOG_TEXT_MAX], *end;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	capture(LOG_WARN, text, line, sizeof(line));
	end = strstr(line, "xxx...\"}\n");
	assert_non_null(end);
	assert_int_equal(end[strlen("xxx...\"}\n")], '\0');
}

static void
leaves_out_what_is_below_the_level(void **state)
{
	char line[512];

	(void)state;
	capture(LOG_DEBUG, "quiet", line, sizeof(line));
	assert_string_equal(line, "");
}

static void
writes_members_of_every_kind(void **state)
{
	AUTO(buf_clear) struct buf list = BUF_INIT(LOG_LINE_MAX);
	AUTO(buf_clear) struct buf broken = BUF_INIT(3);
	AUTO(json_decref) json_t *wanted = NULL, *got = NULL;
	char line[512];
	int fds[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	{
		const struct log l = {.clock = &fixed, .fd = fds[1]};

		buf_puts(&list, "[");
		log_object(&list, ":s", "name", "x\"},{\"");
		buf_puts(&list, "]");
		buf_puts(&broken, "over its bound");
		log_event(&l, LOG_ERROR, "lost", ":j", "list", &broken);
		log_event(&l, LOG_INFO, "tested", ":s :i :f :b :j", "none",
		    (const char *)NULL, "n", INT64_MIN, "ms", 0.1254, "is",
		    true, "list", &list);
		log_event(&l, LOG_DEBUG, "bare", "");
	}
	close(fds[1]);
	n = read(fds[0], line, sizeof(line) - 1);
	close(fds[0]);
	assert_true(n > 0);
	line[n] = '\0';
	wanted = json_pack("{s:s, s:s, s:s, s:n, s:I, s:f, s:b, s:[{s:s}]}",
	    "time", "2026-01-02T03:04:05Z", "level", "info", "event", "tested",
	    "none", "n", (json_int_t)INT64_MIN, "ms", 0.125, "is", 1, "list",
	    "name", "x\"},{\"");
	got = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
	assert_true(json_equal(got, wanted));
	assert_string_equal(strchr(line, '\n') + 1,
	    "{\"time\":\"2026-01-02T03:04:05Z\",\"level\":\"debug\","
	    "\"event\":\"bare\"}\n");
}

/* In the journal an error stood among what is of no importance. */
static void
has_its_level_before_it_where_a_journal_reads_that(void **state)
{
	static const char *const prefixes[] = {"<7>{", "<6>{", "<4>{", "<3>{"};
	char line[256];
	int fds[2], level;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	for (level = LOG_DEBUG; level <= LOG_ERROR; level++) {
		const struct log l = {
		    .clock = &fixed, .fd = fds[1], .prefixed = true};

		log_event(&l, (enum log_level)level, "tested", "");
		assert_true(read(fds[0], line, sizeof(line)) > 4);
		assert_memory_equal(line, prefixes[level], 4);
	}
	close(fds[0]);
	close(fds[1]);
}

static int64_t
no_time_passes(const struct clock *c)
{
	(void)c;
	return 0;
}

static size_t
drain(int fd, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	return len;
}

/* A pipe that nobody read stopped everyone who had something to log. */
static void
who_does_not_read_costs_lines_and_no_time(void **state)
{
	static const struct clock clock = {
	    .wall_s = fixed_wall, .monotonic_ms = no_time_passes};
	static char text[LOG_LONG_MAX], read_back[128 * 1024];
	/* Somebody has been waited for in vain. */
	struct log_sink sink = {
	    .lock = PTHREAD_MUTEX_INITIALIZER, .patient_from = 1};
	struct log l = {.clock = &clock, .sink = &sink};
	const char *end;
	int fds[2], i;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_true(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
	l.fd = fds[1];
	memset(text, 'x', sizeof(text) - 1);
	for (i = 0; i < 10; i++)
		log_event(&l, LOG_INFO, "long", ":l", "key", text);
	assert_true(drain(fds[0], read_back, sizeof(read_back)) > 0);
	assert_int_equal(sink.lost, 7); /* 64 KiB are a pipe's */
	assert_true(sink.torn);
	log_event(&l, LOG_INFO, "last", "");
	drain(fds[0], read_back, sizeof(read_back));
	end = "\n{\"time\":\"2026-01-02T03:04:05Z\",\"level\":\"warn\","
	      "\"event\":\"lines_lost\",\"lines\":7}\n"
	      "{\"time\":\"2026-01-02T03:04:05Z\",\"level\":\"info\","
	      "\"event\":\"last\"}\n";
	assert_string_equal(read_back, end);
	assert_int_equal(sink.lost, 0);
	close(fds[0]);
	close(fds[1]);
}

static void
parses_level_names(void **state)
{
	enum log_level l;

	(void)state;
	assert_true(log_level_parse("error", &l));
	assert_int_equal(l, LOG_ERROR);
	assert_false(log_level_parse("ERROR", &l));
	assert_false(log_level_parse("", &l));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_one_json_object_per_line),
	    cmocka_unit_test(writes_members_of_every_kind),
	    cmocka_unit_test(a_text_that_is_too_long_does_not_cost_the_line),
	    cmocka_unit_test(leaves_out_what_is_below_the_level),
	    cmocka_unit_test(
		has_its_level_before_it_where_a_journal_reads_that),
	    cmocka_unit_test(who_does_not_read_costs_lines_and_no_time),
	    cmocka_unit_test(parses_level_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
