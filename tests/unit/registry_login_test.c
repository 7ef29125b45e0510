/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/registry_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct talk anonymous[] = {
    {"open registry", NULL, NULL, {OK(M), OK(C)}, ERR_NONE, NULL,
	"GET " M "\nGET " C "\n"},
    {"token for the anonymous", NULL, NULL,
	{NO(M, BEARER), TOKEN(ASK, "t1"), OK_WITH(M, "Bearer t1"),
	    OK_WITH(C, "Bearer t1")},
	ERR_NONE, NULL,
	"GET " M "\nGET " ASK "\nGET " M " [Bearer t1]\n"
	"GET " C " [Bearer t1]\n"},
    {"access_token before token", NULL, NULL,
	{NO(M, BEARER),
	    {.url = ASK,
		.body = "{\"token\":\"old\",\"access_token\":\"new\"}"},
	    OK_WITH(M, "Bearer new"), OK_WITH(C, "Bearer new")},
	ERR_NONE, NULL, NULL},
    {"bearer before basic", NULL, NULL,
	{{.url = M,
	     .status = 401,
	     .challenge = "Basic realm=\"x\"",
	     .challenge2 = BEARER},
	    TOKEN(ASK, "t1"), OK_WITH(M, "Bearer t1"), OK_WITH(C, "Bearer t1")},
	ERR_NONE, NULL, NULL},
    {"scope is ours, whatever is asked for", NULL, NULL,
	{NO(M, BEARER ",scope=\"repository:b:push,pull\""), TOKEN(ASK, "t"),
	    OK_WITH(M, "Bearer t"), OK_WITH(C, "Bearer t")},
	ERR_NONE, NULL, NULL},
    {"no service", NULL, NULL,
	{NO(M, "Bearer realm=\"" T "?x=y\""),
	    TOKEN(T "?x=y&scope=repository%3Aa%3Apull", "t"),
	    OK_WITH(M, "Bearer t"), OK_WITH(C, "Bearer t")},
	ERR_NONE, NULL, NULL},
    {"token that ends is renewed once", NULL, NULL,
	{NO(M, BEARER), TOKEN(ASK, "t1"), OK_WITH(M, "Bearer t1"),
	    {.url = C, .auth = "Bearer t1", .status = 401, .challenge = BEARER},
	    TOKEN(ASK, "t2"), OK_WITH(C, "Bearer t2")},
	ERR_NONE, NULL, NULL},
    {"private", NULL, NULL,
	{NO(M, BEARER), TOKEN(ASK, "t1"),
	    {.url = M,
		.auth = "Bearer t1",
		.status = 401,
		.challenge = BEARER}},
	ERR_NOT_FOUND_DENIED,
	"without credentials; none are held for it (see dockerConfig)",
	"GET " M "\nGET " ASK "\nGET " M " [Bearer t1]\n"},
    {"private, by 403", NULL, NULL,
	{NO(M, BEARER), TOKEN(ASK, "t1"),
	    {.url = M, .auth = "Bearer t1", .status = 403}},
	ERR_NOT_FOUND_DENIED, NULL, NULL},
    {"no token for the anonymous", NULL, NULL,
	{NO(M, BEARER), {.url = ASK, .status = 401}}, ERR_NOT_FOUND_DENIED,
	NULL, NULL},
    {"basic only", NULL, NULL, {NO(M, "Basic realm=\"x\"")},
	ERR_NOT_FOUND_DENIED, NULL, "GET " M "\n"},
    {"unknown scheme only", NULL, NULL, {NO(M, "Negotiate")},
	ERR_AUTH_UNSUPPORTED, NULL, "GET " M "\n"},
    {"no challenge: one look at /v2/", NULL, NULL,
	{NO(M, NULL), NO("https://r.io/v2/", BEARER), TOKEN(ASK, "t"),
	    OK_WITH(M, "Bearer t"), OK_WITH(C, "Bearer t")},
	ERR_NONE, NULL,
	"GET " M "\nGET https://r.io/v2/\nGET " ASK "\nGET " M
	" [Bearer t]\nGET " C " [Bearer t]\n"},
    {"no challenge at all", NULL, NULL,
	{NO(M, NULL), NO("https://r.io/v2/", NULL)}, ERR_AUTH_UNSUPPORTED, NULL,
	"GET " M "\nGET https://r.io/v2/\n"},
    {"no challenge, and /v2/ is open", NULL, NULL,
	{NO(M, NULL), {.url = "https://r.io/v2/", .body = "{}"}},
	ERR_AUTH_UNSUPPORTED, NULL, NULL},
    {"realm by http", NULL, NULL, {NO(M, "Bearer realm=\"http://r.io/token\"")},
	ERR_AUTH_UNSUPPORTED, "not https", "GET " M "\n"},
    {"realm with user", NULL, NULL,
	{NO(M, "Bearer realm=\"https://u:p@r.io/token\"")},
	ERR_AUTH_UNSUPPORTED, NULL, "GET " M "\n"},
    {"realm with fragment", NULL, NULL,
	{NO(M, "Bearer realm=\"https://r.io/token#x\"")}, ERR_AUTH_UNSUPPORTED,
	NULL, "GET " M "\n"},
    {"realm that is no URL", NULL, NULL, {NO(M, "Bearer realm=\"/token\"")},
	ERR_AUTH_UNSUPPORTED, NULL, "GET " M "\n"},
    {"realm of another scheme", NULL, NULL,
	{NO(M, "Bearer realm=\"file:///etc/passwd\"")}, ERR_AUTH_UNSUPPORTED,
	NULL, "GET " M "\n"},
    {"realm that redirects", NULL, NULL,
	{NO(M, BEARER),
	    {.url = ASK, .status = 302, .location = "https://evil/"}},
	ERR_AUTH_UNSUPPORTED, "redirects", NULL},
    {"token service fails", NULL, NULL,
	{NO(M, BEARER), {.url = ASK, .status = 404}}, ERR_AUTH_UNSUPPORTED,
	NULL, NULL},
    {"token service is overloaded, then not", NULL, NULL,
	{NO(M, BEARER), {.url = ASK, .status = 503},
	    {.url = ASK, .status = 429}, TOKEN(ASK, "t"),
	    OK_WITH(M, "Bearer t"), OK_WITH(C, "Bearer t")},
	ERR_NONE, NULL, NULL},
    {"token service is overloaded for long", NULL, NULL,
	{NO(M, BEARER),
	    {.url = ASK, .status = 429, .retry_after = "3600", .always = true}},
	ERR_RATE_LIMITED, "3600", NULL},
    {"token service is down", NULL, NULL,
	{NO(M, BEARER), {.url = ASK, .status = 500, .always = true}},
	ERR_UNAVAILABLE, "500", NULL},
    {"token answer without token", NULL, NULL,
	{NO(M, BEARER), {.url = ASK, .body = "{}"}}, ERR_SYNTAX, "token", NULL},
    {"token answer that is no JSON", NULL, NULL,
	{NO(M, BEARER), {.url = ASK, .body = "<html>"}}, ERR_SYNTAX, NULL,
	NULL},
    {"token that breaks the header", NULL, NULL,
	{NO(M, BEARER),
	    {.url = ASK, .body = "{\"token\":\"a\\r\\nX-Evil: 1\"}"}},
	ERR_SYNTAX, NULL, NULL},
    {"endless token answer", NULL, NULL,
	{NO(M, BEARER), {.url = ASK, .body = "{}", .len = 64 * 1024 + 1}},
	ERR_LIMIT, NULL, NULL},
    {"asks for ever new tokens", NULL, NULL,
	{{.url = M,
	     .any_auth = true,
	     .always = true,
	     .status = 401,
	     .challenge = BEARER},
	    {.url = ASK, .always = true, .body = "{\"token\":\"t\"}"}},
	ERR_NOT_FOUND_DENIED, NULL,
	"GET " M "\nGET " ASK "\nGET " M " [Bearer t]\n"},
    {"docker hub", NULL, "nginx:1",
	{NO("https://registry-1.docker.io/v2/library/nginx/manifests/1",
	     "Bearer realm=\"https://auth.docker.io/token\","
	     "service=\"registry.docker.io\""),
	    TOKEN("https://auth.docker.io/token?service=registry.docker.io&"
		  "scope=repository%3Alibrary%2Fnginx%3Apull",
		"t"),
	    OK_WITH("https://registry-1.docker.io/v2/library/nginx/manifests/1",
		"Bearer t"),
	    OK_WITH("https://registry-1.docker.io/v2/library/nginx/blobs/"
		    "CONFIG",
		"Bearer t")},
	ERR_NONE, NULL, NULL},
};

/* docker.json: r.io has alice:wonder and, for a prefix, bob:builder;
 * id.io an identity token; reg.io a registry token. */
static const struct talk credentials[] = {
    {"basic", LISTED, NULL,
	{NO(M, "Basic realm=\"x\""), OK_WITH(M, ALICE), OK_WITH(C, ALICE)},
	ERR_NONE, NULL,
	"GET " M "\nGET " M " [" ALICE "]\nGET " C " [" ALICE "]\n"},
    {"token with basic", LISTED, NULL,
	{NO(M, BEARER),
	    {.url = ASK, .auth = ALICE, .body = "{\"token\":\"t\"}"},
	    OK_WITH(M, "Bearer t"), OK_WITH(C, "Bearer t")},
	ERR_NONE, NULL,
	"GET " M "\nGET " ASK " [" ALICE "]\nGET " M " [Bearer t]\nGET " C
	" [Bearer t]\n"},
    {"refused", LISTED, NULL,
	{NO(M, "Basic realm=\"x\""), {.url = M,
					 .auth = ALICE,
					 .status = 401,
					 .challenge = "Basic realm=\"x\""}},
	ERR_UNAUTHORIZED, "credentials", NULL},
    {"refused by 403", LISTED, NULL,
	{NO(M, "Basic realm=\"x\""), {.url = M, .auth = ALICE, .status = 403}},
	ERR_UNAUTHORIZED, NULL, NULL},
    {"refused by the token service", LISTED, NULL,
	{NO(M, BEARER), {.url = ASK, .auth = ALICE, .status = 401}},
	ERR_UNAUTHORIZED, NULL, NULL},
    {"each in turn", LISTED, "r.io/team/a:1",
	{NO("https://r.io/v2/team/a/manifests/1", "Basic realm=\"x\""),
	    {.url = "https://r.io/v2/team/a/manifests/1",
		.auth = BOB,
		.status = 403},
	    OK_WITH("https://r.io/v2/team/a/manifests/1", ALICE),
	    {.url = "https://r.io/v2/team/a/blobs/CONFIG",
		.auth = BOB,
		.status = 403},
	    OK_WITH("https://r.io/v2/team/a/blobs/CONFIG", ALICE)},
	ERR_NONE, NULL, NULL},
    {"realm elsewhere gets no credentials", LISTED, NULL,
	{NO(M, "Bearer realm=\"https://evil.io/t\""),
	    TOKEN("https://evil.io/t?scope=repository%3Aa%3Apull", "anon"),
	    {.url = M,
		.auth = "Bearer anon",
		.status = 401,
		.challenge = "Bearer realm=\"https://evil.io/t\""}},
	ERR_UNAUTHORIZED,
	"evil.io, which is not sent its credentials: list it "
	"under tokenRealms",
	"GET " M "\nGET https://evil.io/t?scope=repository%3Aa%3Apull\nGET " M
	" [Bearer anon]\n"},
    {"realm on another port is elsewhere", LISTED, NULL,
	{NO(M, "Bearer realm=\"https://r.io:8443/t\""),
	    {.url = "https://r.io:8443/t?scope=repository%3Aa%3Apull",
		.status = 401}},
	ERR_UNAUTHORIZED, "r.io:8443", NULL},
    {"realm elsewhere that is listed",
	"{\"registries\":{\"r.io\":{\"tokenRealms\":[\"auth.io:99\"]}},"
	"\"dockerConfig\":\"tests/data/registry/docker.json\"}",
	NULL,
	{NO(M, "Bearer realm=\"https://auth.io:99/t\""),
	    {.url = "https://auth.io:99/t?scope=repository%3Aa%3Apull",
		.auth = ALICE,
		.body = "{\"token\":\"t\"}"},
	    OK_WITH(M, "Bearer t"), OK_WITH(C, "Bearer t")},
	ERR_NONE, NULL, NULL},
    {"the registry's own entry comes first",
	"{\"registries\":{\"r.io\":{\"credentials\":{\"usernameFile\":"
	"\"tests/data/registry/username\",\"passwordFile\":"
	"\"tests/data/registry/password\"}}},"
	"\"dockerConfig\":\"tests/data/registry/docker.json\"}",
	NULL, {NO(M, "Basic realm=\"x\""), OK_WITH(M, BOB), OK_WITH(C, BOB)},
	ERR_NONE, NULL, NULL},
    {"registry token as it is", LISTED, "reg.io/a:1",
	{OK_WITH("https://reg.io/v2/a/manifests/1", "Bearer ready"),
	    OK_WITH("https://reg.io/v2/a/blobs/CONFIG", "Bearer ready")},
	ERR_NONE, NULL, NULL},
    {"registry token refused", LISTED, "reg.io/a:1",
	{{.url = "https://reg.io/v2/a/manifests/1",
	    .auth = "Bearer ready",
	    .status = 401,
	    .challenge = "Bearer realm=\"https://reg.io/t\""}},
	ERR_UNAUTHORIZED, NULL,
	"GET https://reg.io/v2/a/manifests/1 [Bearer ready]\n"},
    {"identity token by POST", LISTED, "id.io/a:1",
	{NO("https://id.io/v2/a/manifests/1",
	     "Bearer realm=\"https://id.io/t\",service=\"s\""),
	    {.url = "POST https://id.io/t grant_type=refresh_token&"
		    "client_id=policy-gate&" SCOPE "&refresh_token=id%3Dtoken",
		.body = "{\"access_token\":\"t\"}"},
	    OK_WITH("https://id.io/v2/a/manifests/1", "Bearer t"),
	    OK_WITH("https://id.io/v2/a/blobs/CONFIG", "Bearer t")},
	ERR_NONE, NULL, NULL},
    {"identity token by GET where POST is not known", LISTED, "id.io/a:1",
	{NO("https://id.io/v2/a/manifests/1",
	     "Bearer realm=\"https://id.io/t\",service=\"s\""),
	    {.url = "POST https://id.io/t grant_type=refresh_token&"
		    "client_id=policy-gate&" SCOPE "&refresh_token=id%3Dtoken",
		.status = 405},
	    {.url = "https://id.io/t?" SCOPE,
		.any_auth = true,
		.body = "{\"access_token\":\"t\"}"},
	    OK_WITH("https://id.io/v2/a/manifests/1", "Bearer t"),
	    OK_WITH("https://id.io/v2/a/blobs/CONFIG", "Bearer t")},
	ERR_NONE, NULL, NULL},
};

HOLD_ALL(authenticates_the_anonymous, anonymous)
HOLD_ALL(authenticates_with_credentials, credentials)

static void
remembers_how_a_registry_wants_to_be_asked(void **state)
{
	AUTO(fake_clear) struct fake f;
	struct sample s;

	(void)state;
	fake_sample(&f, &s);
	fake_add(&f, (struct fake_answer)NO(M, BEARER));
	fake_gives(&f, .url = ASK, .always = true,
	    .body = "{\"token\":\"t\",\"expires_in\":60}");
	fake_gives(&f, .url = M, .auth = "Bearer t", .always = true,
	    .body = s.manifest);
	sample_add(&f, &s);
	fake_resolve(&f, "r.io/a:1", NULL, TALK_MS);
	assert_int_equal(f.requests, 4);
	fake_resolve(&f, "r.io/a:1", NULL, TALK_MS);
	assert_int_equal(f.requests, 6); /* the token still lives */
	f.now += 56 * 1000;
	fake_resolve(&f, "r.io/a:1", NULL, TALK_MS);
	assert_int_equal(f.requests, 9); /* not any more, but the realm */
	assert_null(strstr(buf_text(&f.seen) + 1, "GET " M "\n"));
}

static void
shares_a_token_that_is_being_fetched(void **state)
{
	AUTO(fake_clear) struct fake f;
	struct sample s;
	char text[64];

	(void)state;
	fake_sample(&f, &s);
	fake_gives(&f, .url = ASK, .always = true, .body = "{\"token\":\"t\"}");
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "r.io/a:%d", i);
		fake_start(&f, text, NULL, TALK_MS);
	}
	fake_gives(&f, .url = M, .auth = "Bearer t", .body = s.manifest);
	for (int i = 0; i < 10; i++) {
		static char urls[10][64];

		snprintf(urls[i], sizeof(urls[i]),
		    "https://r.io/v2/a/manifests/%d", i);
		fake_gives(
		    &f, .url = urls[i], .status = 401, .challenge = BEARER);
		fake_gives(
		    &f, .url = urls[i], .auth = "Bearer t", .body = s.manifest);
	}
	sample_add(&f, &s);
	f.done = 0;
	fake_run(&f);
	assert_int_equal(f.done, 10);
	assert_int_equal(f.err.code, ERR_NONE);
	assert_int_equal(f.requests, 10 + 1 + 10 + 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(authenticates_the_anonymous),
	    cmocka_unit_test(authenticates_with_credentials),
	    cmocka_unit_test(remembers_how_a_registry_wants_to_be_asked),
	    cmocka_unit_test(shares_a_token_that_is_being_fetched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
