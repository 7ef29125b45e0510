/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/fetch.h"
#include "server/registry/retry.h"
#include "tests/unit/alloc.h"
#include "tests/unit/registry_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

enum { MS = 10000, TRIES_MAX = 12 };

/*
 * A conversation: one manifest by tag and its config are asked for, and what is
 * answered until then. Answers without a body are the sample's manifest where
 * the URL ends in "/1", its config where it ends in "CONFIG".
 */
struct talk {
	const char *name;
	const char *config;    /* settings */
	const char *reference; /* NULL: "r.io/a:1" */
	struct fake_answer answers[TRIES_MAX];
	enum err_code code;
	const char *says; /* in the message */
	const char *seen; /* with CONFIG for the config's digest */
};

#define M "https://r.io/v2/a/manifests/1"
#define C "https://r.io/v2/a/blobs/CONFIG"
#define T "https://r.io/token"
#define BEARER "Bearer realm=\"" T "\",service=\"s\""
#define SCOPE "service=s&scope=repository%3Aa%3Apull"
#define ASK T "?" SCOPE
#define OK(u)              \
	{                  \
		.url = (u) \
	}
#define OK_WITH(u, a)                   \
	{                               \
		.url = (u), .auth = (a) \
	}
#define NO(u, c)                                            \
	{                                                   \
		.url = (u), .status = 401, .challenge = (c) \
	}
#define TOKEN(u, t)                                         \
	{                                                   \
		.url = (u), .body = "{\"token\":\"" t "\"}" \
	}

/* alice:wonder, bob:builder */
#define ALICE "Basic YWxpY2U6d29uZGVy"
#define BOB "Basic Ym9iOmJ1aWxkZXI="
#define DOCKER(more) "{\"dockerConfig\":\"" more "\"}"

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
	ERR_NOT_FOUND_DENIED, "without credentials",
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

#define LISTED "{\"dockerConfig\":\"tests/data/registry/docker.json\"}"

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

/* "CONFIG" becomes the digest of the sample's config. */
static char *
expand(const char *text, const struct sample *s)
{
	AUTO(buf_clear) struct buf b;
	const char *at;

	buf_init(&b, 1 << 20);
	for (; (at = strstr(text, "CONFIG")) != NULL; text = at + 6)
		buf_printf(
		    &b, "%.*s%s", (int)(at - text), text, s->config_digest);
	buf_puts(&b, text);
	return buf_take(&b);
}

static bool
ends(const char *s, const char *end)
{
	return strlen(s) >= strlen(end) &&
	       strcmp(s + strlen(s) - strlen(end), end) == 0;
}

static void
fill_answers(
    struct fake *f, const struct talk *t, const struct sample *s, char **urls)
{
	struct fake_answer a;

	for (int i = 0; i < TRIES_MAX && t->answers[i].url != NULL; i++) {
		a = t->answers[i];
		if (a.body == NULL && a.status == 0)
			a.body = ends(a.url, "/manifests/1") ||
					 ends(a.url, "/manifests/1?ns=r.io")
				     ? s->manifest
				     : s->config;
		urls[i] = expand(a.url, s);
		a.url = urls[i];
		fake_add(f, a);
	}
}

static void
check(const struct fake *f, const struct talk *t)
{
	if (f->err.code != t->code)
		fail_msg("%s: code %d, expected %d: %s\n%s", t->name,
		    f->err.code, t->code, f->err.msg, buf_text(&f->seen));
	if (t->says != NULL && strstr(f->err.msg, t->says) == NULL)
		fail_msg(
		    "%s: \"%s\" lacks \"%s\"", t->name, f->err.msg, t->says);
}

static void
hold(const struct talk *t)
{
	AUTO(fake_clear) struct fake f;
	char *urls[TRIES_MAX] = {NULL};
	AUTO(free) char *seen = NULL;
	struct sample s;

	fake_init(&f, t->config);
	sample_init(&s, "unused", "linux", "amd64");
	fill_answers(&f, t, &s, urls);
	fake_resolve(
	    &f, t->reference == NULL ? "r.io/a:1" : t->reference, NULL, MS);
	check(&f, t);
	if (t->seen != NULL) {
		seen = expand(t->seen, &s);
		fake_saw(&f, t->name, seen);
	}
	for (int i = 0; i < TRIES_MAX; i++)
		free(urls[i]);
}

#define HOLD_ALL(name, table)                         \
	static void name(void **state)                \
	{                                             \
		(void)state;                          \
		for (size_t i = 0; i < N(table); i++) \
			hold(&(table)[i]);            \
	}

HOLD_ALL(authenticates_the_anonymous, anonymous)
HOLD_ALL(authenticates_with_credentials, credentials)
HOLD_ALL(follows_redirects_as_far_as_is_safe, redirects)
HOLD_ALL(repeats_what_may_go_well_next_time, repetitions)
HOLD_ALL(asks_mirrors_first, mirrors)
HOLD_ALL(speaks_plain_http_only_where_it_may, schemes)

static void
remembers_how_a_registry_wants_to_be_asked(void **state)
{
	AUTO(fake_clear) struct fake f;
	struct sample s;

	(void)state;
	fake_init(&f, NULL);
	sample_init(&s, "https://r.io/v2/a", "linux", "amd64");
	fake_add(&f, (struct fake_answer)NO(M, BEARER));
	fake_add(&f, (struct fake_answer){.url = ASK,
			 .always = true,
			 .body = "{\"token\":\"t\",\"expires_in\":60}"});
	fake_add(&f, (struct fake_answer){.url = M,
			 .auth = "Bearer t",
			 .always = true,
			 .body = s.manifest});
	sample_add(&f, &s);
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	assert_int_equal(f.requests, 4);
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	assert_int_equal(f.requests, 6); /* the token still lives */
	f.now += 56 * 1000;
	fake_resolve(&f, "r.io/a:1", NULL, MS);
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
	fake_init(&f, NULL);
	sample_init(&s, "https://r.io/v2/a", "linux", "amd64");
	fake_add(
	    &f, (struct fake_answer){
		    .url = ASK, .always = true, .body = "{\"token\":\"t\"}"});
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "r.io/a:%d", i);
		fake_start(&f, text, NULL, MS);
	}
	fake_add(&f, (struct fake_answer){
			 .url = M, .auth = "Bearer t", .body = s.manifest});
	for (int i = 0; i < 10; i++) {
		static char urls[10][64];

		snprintf(urls[i], sizeof(urls[i]),
		    "https://r.io/v2/a/manifests/%d", i);
		fake_add(&f,
		    (struct fake_answer){
			.url = urls[i], .status = 401, .challenge = BEARER});
		fake_add(&f, (struct fake_answer){.url = urls[i],
				 .auth = "Bearer t",
				 .body = s.manifest});
	}
	sample_add(&f, &s);
	f.done = 0;
	fake_run(&f);
	assert_int_equal(f.done, 10);
	assert_int_equal(f.err.code, ERR_NONE);
	assert_int_equal(f.requests, 10 + 1 + 10 + 10);
}

static void
leaves_a_registry_alone_that_keeps_failing(void **state)
{
	AUTO(fake_clear) struct fake f;

	(void)state;
	fake_init(&f, NULL);
	fake_add(&f, (struct fake_answer){
			 .url = M, .always = true, .err = ERR_UNAVAILABLE});
	for (int i = 0; i < BREAKER_FAILURES + 3; i++)
		fake_resolve(&f, "r.io/a:1", NULL, MS);
	assert_int_equal(f.requests, BREAKER_FAILURES);
	assert_int_equal(f.err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(f.err.msg, "5 times in a row"));
	assert_in_range(f.err.retry_after, 1, 10);
	f.now += BREAKER_OPEN_MS;
	fake_resolve(&f, "r.io/a:1", NULL, MS); /* one is let through */
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	assert_int_equal(f.requests, BREAKER_FAILURES + 1);
	f.answers[0] =
	    (struct fake_answer){.url = M, .always = true, .status = 404};
	f.now += BREAKER_OPEN_MS;
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	assert_int_equal(f.requests, BREAKER_FAILURES + 3);
	assert_int_equal(f.err.code, ERR_NOT_FOUND);
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
	fake_add(&f,
	    (struct fake_answer){.url = M, .status = 429, .retry_after = "11"});
	fake_resolve(&f, "r.io/a:1", NULL, MS);
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
	fake_resolve(&m->f, "r.io/a:1", "linux/amd64", MS);
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
	fake_add(&m.f,
	    (struct fake_answer){.url = m.blob, .always = true, .status = 404});
	fake_add(&m.f, (struct fake_answer){
			   .url = "https://m1.io/v2/a/manifests/1?ns=r.io",
			   .status = 404});
	fake_add(&m.f, (struct fake_answer)NO(M, BEARER));
	fake_add(&m.f, (struct fake_answer){.url = ASK,
			   .always = true,
			   .body = "{\"token\":\"t\",\"expires_in\":60}"});
	fake_add(&m.f, (struct fake_answer){
			   .url = M, .auth = "Bearer t", .body = m.s.manifest});
	sample_add(&m.f, &m.s);
	assert_true(alloc_fail_each(run_out, &m) > 100);
	fake_clear(&m.f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(authenticates_the_anonymous),
	    cmocka_unit_test(authenticates_with_credentials),
	    cmocka_unit_test(follows_redirects_as_far_as_is_safe),
	    cmocka_unit_test(repeats_what_may_go_well_next_time),
	    cmocka_unit_test(asks_mirrors_first),
	    cmocka_unit_test(speaks_plain_http_only_where_it_may),
	    cmocka_unit_test(remembers_how_a_registry_wants_to_be_asked),
	    cmocka_unit_test(shares_a_token_that_is_being_fetched),
	    cmocka_unit_test(leaves_a_registry_alone_that_keeps_failing),
	    cmocka_unit_test(counts_silence_against_a_registry),
	    cmocka_unit_test(
		fails_at_once_when_the_wait_is_longer_than_the_deadline),
	    cmocka_unit_test(survives_running_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
