/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/fetch.h"
#include "server/registry/retry.h"
#include "tests/unit/alloc.h"
#include "tests/unit/registry_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TO(u, s, l)                                        \
	{                                                  \
		.url = (u), .status = (s), .location = (l) \
	}

static const struct talk redirects[] = {
    {"blob on another host", NULL, NULL,
	{OK(M), TO(C, 307, "https://cdn.io/x?sig=1"),
	    OK("https://cdn.io/x?sig=1")},
	ERR_NONE, NULL, NULL},
    {"relative", NULL, NULL,
	{OK(M), TO(C, 302, "/other"), OK("https://r.io/other")}, ERR_NONE, NULL,
	NULL},
    {"relative to the path", NULL, NULL,
	{OK(M), TO(C, 303, "other?y"), OK("https://r.io/v2/a/blobs/other?y")},
	ERR_NONE, NULL, NULL},
    {"without a scheme", NULL, NULL,
	{OK(M), TO(C, 308, "//cdn.io/x"), OK("https://cdn.io/x")}, ERR_NONE,
	NULL, NULL},
    {"five", NULL, NULL,
	{OK(M), TO(C, 301, "/1x"), TO("https://r.io/1x", 301, "/2"),
	    TO("https://r.io/2", 301, "/3"), TO("https://r.io/3", 301, "/4"),
	    TO("https://r.io/4", 301, "/5"), OK("https://r.io/5")},
	ERR_NONE, NULL, NULL},
    {"six", NULL, NULL,
	{OK(M), TO(C, 301, "/1x"), TO("https://r.io/1x", 301, "/2"),
	    TO("https://r.io/2", 301, "/3"), TO("https://r.io/3", 301, "/4"),
	    TO("https://r.io/4", 301, "/5"), TO("https://r.io/5", 301, "/6"),
	    OK("https://r.io/6")},
	ERR_UNAVAILABLE, "redirects", NULL},
    {"in circles", NULL, NULL,
	{OK(M), TO(C, 302, "/x"),
	    {.url = "https://r.io/x",
		.status = 302,
		.location = "x",
		.always = true}},
	ERR_UNAVAILABLE, "redirects", NULL},
    {"to nothing", NULL, NULL, {OK(M), TO(C, 302, "")}, ERR_UNAVAILABLE, NULL,
	NULL},
    {"from https to http", NULL, NULL,
	{OK(M), TO(C, 302, "http://r.io/x"), OK("http://r.io/x")},
	ERR_UNAVAILABLE, "https to http", NULL},
    {"to another scheme", NULL, NULL, {OK(M), TO(C, 302, "file:///x")},
	ERR_UNAVAILABLE, NULL, NULL},
    {"with a user in it", NULL, NULL,
	{OK(M), TO(C, 302, "https://u:p@r.io/x"), OK("https://r.io/x")},
	ERR_UNAVAILABLE, NULL, NULL},
    {"to where nothing is", NULL, NULL, {OK(M), TO(C, 302, NULL)},
	ERR_UNAVAILABLE, NULL, NULL},
    {"storage that refuses", NULL, NULL,
	{OK(M), TO(C, 302, "https://cdn.io/x"),
	    {.url = "https://cdn.io/x", .status = 403}},
	ERR_UNAVAILABLE, "storage", NULL},
    {"storage that asks for a login gets none", LISTED, NULL,
	{OK(M), TO(C, 302, "https://cdn.io/x"),
	    NO("https://cdn.io/x", "Basic realm=\"x\"")},
	ERR_UNAVAILABLE, NULL, NULL},
    {"authorization goes to the same origin only", LISTED, NULL,
	{NO(M, "Basic realm=\"x\""), OK_WITH(M, ALICE),
	    {.url = C, .auth = ALICE, .status = 302, .location = "/x"},
	    {.url = "https://r.io/x",
		.auth = ALICE,
		.status = 302,
		.location = "https://r.io:444/x"},
	    {.url = "https://r.io:444/x",
		.status = 302,
		.location = "https://r.io/y"},
	    OK("https://r.io/y")},
	ERR_NONE, NULL, NULL},
};

#define LOST(u, e)                                        \
	{                                                 \
		.url = (u), .err = (e), .may_retry = true \
	}

static const struct talk repetitions[] = {
    {"reset, then fine", NULL, NULL, {LOST(M, ERR_UNAVAILABLE), OK(M), OK(C)},
	ERR_NONE, NULL, NULL},
    {"three times, then fine", NULL, NULL,
	{{.url = M, .status = 500}, {.url = M, .status = 502},
	    {.url = M, .status = 503}, OK(M), OK(C)},
	ERR_NONE, NULL, NULL},
    {"four times", NULL, NULL,
	{{.url = M, .status = 504}, {.url = M, .status = 408},
	    {.url = M, .status = 522}, {.url = M, .status = 500}, OK(M)},
	ERR_UNAVAILABLE, "500", NULL},
    {"cut, then fine", NULL, NULL, {OK(M), LOST(C, ERR_TRUNCATED), OK(C)},
	ERR_NONE, NULL, NULL},
    {"always cut", NULL, NULL,
	{OK(M), {.url = C,
		    .err = ERR_TRUNCATED,
		    .may_retry = true,
		    .always = true}},
	ERR_TRUNCATED, NULL,
	"GET " M "\nGET " C "\nGET " C "\nGET " C "\nGET " C "\n"},
    {"from the start after a redirect", NULL, NULL,
	{OK(M), TO(C, 302, "https://cdn.io/1"),
	    LOST("https://cdn.io/1", ERR_UNAVAILABLE),
	    TO(C, 302, "https://cdn.io/2"), OK("https://cdn.io/2")},
	ERR_NONE, NULL, NULL},
    {"asks to wait, and it can be done", NULL, NULL,
	{{.url = M, .status = 429, .retry_after = "5"}, OK(M), OK(C)}, ERR_NONE,
	NULL, NULL},
    {"asks to wait until a date", NULL, NULL,
	{{.url = M,
	     .status = 503,
	     .retry_after = "Fri, 15 Jan 2027 08:00:05 GMT"},
	    OK(M), OK(C)},
	ERR_NONE, NULL, NULL},
    {"asks to wait for longer than there is", NULL, NULL,
	{{.url = M, .status = 429, .retry_after = "60"}}, ERR_RATE_LIMITED,
	"asks to wait 60 s", "GET " M "\n"},
    {"unavailable for longer than there is", NULL, NULL,
	{{.url = M, .status = 503, .retry_after = "60"}}, ERR_UNAVAILABLE,
	"asks to wait 60 s", "GET " M "\n"},
    {"limits without an end", NULL, NULL,
	{{.url = M, .status = 429, .always = true}}, ERR_RATE_LIMITED,
	"too many", NULL},
    {"no sense in trying again", NULL, NULL, {{.url = M, .status = 501}},
	ERR_UNAVAILABLE, "501", "GET " M "\n"},
};

#define MIRRORED                                                       \
	"{\"registries\":{\"r.io\":{\"mirrors\":[\"m1.io\",{\"host\":" \
	"\"m2.io\",\"resolve\":false}]},\"m2.io\":{\"plainHttp\":true}}}"

static const struct talk mirrors[] = {
    {"the first that has it", MIRRORED, NULL,
	{OK("https://m1.io/v2/a/manifests/1?ns=r.io"),
	    OK("https://m1.io/v2/a/blobs/CONFIG?ns=r.io")},
	ERR_NONE, NULL, NULL},
    {"each in turn, tags only where they are resolved", MIRRORED, NULL,
	{{.url = "https://m1.io/v2/a/manifests/1?ns=r.io", .status = 404},
	    OK(M),
	    {.url = "https://m1.io/v2/a/blobs/CONFIG?ns=r.io", .status = 404},
	    OK("http://m2.io/v2/a/blobs/CONFIG?ns=r.io")},
	ERR_NONE, NULL, NULL},
    {"one that is down", MIRRORED, NULL,
	{{.url = "https://m1.io/v2/a/manifests/1?ns=r.io",
	     .err = ERR_UNAVAILABLE,
	     .always = true},
	    OK(M),
	    {.url = "https://m1.io/v2/a/blobs/CONFIG?ns=r.io",
		.err = ERR_UNAVAILABLE},
	    OK("http://m2.io/v2/a/blobs/CONFIG?ns=r.io")},
	ERR_NONE, NULL, NULL},
    {"one that wants a login", MIRRORED, NULL,
	{NO("https://m1.io/v2/a/manifests/1?ns=r.io", "Basic realm=\"x\""),
	    OK(M),
	    NO("https://m1.io/v2/a/blobs/CONFIG?ns=r.io", "Basic realm=\"x\""),
	    OK("http://m2.io/v2/a/blobs/CONFIG?ns=r.io")},
	ERR_NONE, NULL, NULL},
    {"the registry has the last word", MIRRORED, NULL,
	{{.url = "https://m1.io/v2/a/manifests/1?ns=r.io",
	     .status = 500,
	     .always = true},
	    {.url = M, .status = 404}},
	ERR_NOT_FOUND, "r.io has", NULL},
};

static const struct talk schemes[] = {
    {"loopback in the clear", NULL, "localhost:5000/a:1",
	{OK("http://localhost:5000/v2/a/manifests/1"),
	    OK("http://localhost:5000/v2/a/blobs/CONFIG")},
	ERR_NONE, NULL, NULL},
    {"loopback by address", NULL, "127.1.2.3/a:1",
	{OK("http://127.1.2.3/v2/a/manifests/1"),
	    OK("http://127.1.2.3/v2/a/blobs/CONFIG")},
	ERR_NONE, NULL, NULL},
    {"loopback by IPv6", NULL, "[::1]:5000/a:1",
	{OK("http://[::1]:5000/v2/a/manifests/1"),
	    OK("http://[::1]:5000/v2/a/blobs/CONFIG")},
	ERR_NONE, NULL, NULL},
    {"loopback with TLS set up",
	"{\"registries\":{\"localhost:5000\":"
	"{\"skipVerify\":true}}}",
	"localhost:5000/a:1",
	{OK("https://localhost:5000/v2/a/manifests/1"),
	    OK("https://localhost:5000/v2/a/blobs/CONFIG")},
	ERR_NONE, NULL, NULL},
    {"a name that only looks like it", NULL, "localhost.io/a:1",
	{OK("https://localhost.io/v2/a/manifests/1"),
	    OK("https://localhost.io/v2/a/blobs/CONFIG")},
	ERR_NONE, NULL, NULL},
    {"HTTP to a port of TLS: 400 says what to write", NULL,
	"localhost:5000/a:1",
	{{.url = "http://localhost:5000/v2/a/manifests/1", .status = 400}},
	ERR_UNAVAILABLE, "answered 400 to plain HTTP: if it speaks TLS", NULL},
    {"plain by configuration",
	"{\"registries\":{\"r.io:80\":"
	"{\"plainHttp\":true}}}",
	"r.io:80/a:1",
	{OK("http://r.io:80/v2/a/manifests/1"),
	    OK("http://r.io:80/v2/a/blobs/CONFIG")},
	ERR_NONE, NULL, NULL},
    {"plain registry may have a plain realm",
	"{\"registries\":{\"r.io\":"
	"{\"plainHttp\":true}}}",
	NULL,
	{NO("http://r.io/v2/a/manifests/1", "Bearer realm=\"http://r.io/t\""),
	    TOKEN("http://r.io/t?scope=repository%3Aa%3Apull", "t"),
	    OK_WITH("http://r.io/v2/a/manifests/1", "Bearer t"),
	    OK_WITH("http://r.io/v2/a/blobs/CONFIG", "Bearer t")},
	ERR_NONE, NULL, NULL},
};

HOLD_ALL(follows_redirects_as_far_as_is_safe, redirects)
HOLD_ALL(repeats_what_may_go_well_next_time, repetitions)
HOLD_ALL(asks_mirrors_first, mirrors)
HOLD_ALL(speaks_plain_http_only_where_it_may, schemes)

static void
leaves_a_registry_alone_that_keeps_failing(void **state)
{
	AUTO(fake_clear) struct fake f;

	(void)state;
	fake_init(&f, NULL);
	fake_gives(&f, .url = M, .always = true, .err = ERR_UNAVAILABLE);
	for (int i = 0; i < BREAKER_FAILURES + 3; i++)
		fake_resolve(&f, "r.io/a:1", NULL, TALK_MS);
	assert_int_equal(f.requests, BREAKER_FAILURES);
	assert_int_equal(f.err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(f.err.msg, "5 times in a row"));
	assert_in_range(f.err.retry_after, 1, 10);
	f.now += BREAKER_OPEN_MS;
	fake_resolve(&f, "r.io/a:1", NULL, TALK_MS); /* one is let through */
	fake_resolve(&f, "r.io/a:1", NULL, TALK_MS);
	assert_int_equal(f.requests, BREAKER_FAILURES + 1);
	f.answers[0] =
	    (struct fake_answer){.url = M, .always = true, .status = 404};
	f.now += BREAKER_OPEN_MS;
	fake_resolve(&f, "r.io/a:1", NULL, TALK_MS);
	fake_resolve(&f, "r.io/a:1", NULL, TALK_MS);
	assert_int_equal(f.requests, BREAKER_FAILURES + 3);
	assert_int_equal(f.err.code, ERR_NOT_FOUND);
}

/* One tenant's names that nobody answers use up what we look up at once. */
static void
a_registry_is_asked_again_after_names_were_too_many(void **state)
{
	AUTO(fake_clear) struct fake f;

	(void)state;
	fake_init(&f, NULL);
	fake_gives(&f, .url = M, .always = true, .err = ERR_BUSY);
	for (int i = 0; i < 2 * BREAKER_FAILURES; i++)
		fake_resolve(&f, "r.io/a:1", NULL, TALK_MS);
	assert_int_equal(f.requests, 2 * BREAKER_FAILURES);
	assert_int_equal(f.err.code, ERR_BUSY);
}

static void
counts_silence_against_a_registry(void **state)
{
	AUTO(fake_clear) struct fake f;

	(void)state;
	fake_init(&f, NULL);
	for (int i = 0; i < BREAKER_FAILURES; i++)
		fake_resolve(&f, "r.io/a:1", NULL, 500);
	assert_int_equal(f.err.code, ERR_TIMEOUT);
	fake_resolve(&f, "r.io/a:1", NULL, 500);
	assert_int_equal(f.err.code, ERR_UNAVAILABLE);
}

static void
fails_at_once_when_the_wait_is_longer_than_the_deadline(void **state)
{
	AUTO(fake_clear) struct fake f;
	int64_t before;

	(void)state;
	fake_init(&f, NULL);
	before = f.now;
	fake_gives(&f, .url = M, .status = 429, .retry_after = "11");
	fake_resolve(&f, "r.io/a:1", NULL, TALK_MS);
	assert_int_equal(f.err.retry_after, 11);
	assert_int_equal(f.done_at, before);
}

struct memory_case {
	struct fake f;
	struct sample s;
	char blob[256]; /* of the mirror */
};

static void
run_out(void *arg)
{
	struct memory_case *m = arg;

	for (int i = 0; i < m->f.nanswers; i++)
		m->f.answers[i].used = false;
	fake_resolve(&m->f, "r.io/a:1", "linux/amd64", TALK_MS);
	if (m->f.set == NULL && m->f.err.code != ERR_NOMEM)
		fail_msg("code %d: %s", m->f.err.code, m->f.err.msg);
	client_clear(&m->f.client);
}

static void
survives_running_out_of_memory(void **state)
{
	static struct memory_case m;

	(void)state;
	fake_init(
	    &m.f, "{\"registries\":{\"r.io\":{\"mirrors\":[\"m1.io\"]}}}");
	sample_init(&m.s, "https://r.io/v2/a", "linux", "amd64");
	snprintf(m.blob, sizeof(m.blob), "https://m1.io/v2/a/blobs/%s?ns=r.io",
	    m.s.config_digest);
	fake_gives(&m.f, .url = m.blob, .always = true, .status = 404);
	fake_gives(&m.f, .url = "https://m1.io/v2/a/manifests/1?ns=r.io",
	    .status = 404);
	fake_add(&m.f, (struct fake_answer)NO(M, BEARER));
	fake_gives(&m.f, .url = ASK, .always = true,
	    .body = "{\"token\":\"t\",\"expires_in\":60}");
	fake_gives(&m.f, .url = M, .auth = "Bearer t", .body = m.s.manifest);
	sample_add(&m.f, &m.s);
	assert_true(alloc_fail_each(run_out, &m) > 100);
	fake_clear(&m.f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(follows_redirects_as_far_as_is_safe),
	    cmocka_unit_test(repeats_what_may_go_well_next_time),
	    cmocka_unit_test(asks_mirrors_first),
	    cmocka_unit_test(speaks_plain_http_only_where_it_may),
	    cmocka_unit_test(
		a_registry_is_asked_again_after_names_were_too_many),
	    cmocka_unit_test(leaves_a_registry_alone_that_keeps_failing),
	    cmocka_unit_test(counts_silence_against_a_registry),
	    cmocka_unit_test(
		fails_at_once_when_the_wait_is_longer_than_the_deadline),
	    cmocka_unit_test(survives_running_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
