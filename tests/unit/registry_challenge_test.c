/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/challenge.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
	const char *name;
	const char *headers[3];
	bool basic;
	const char *realm; /* NULL: no Bearer */
	const char *service;
} cases[] = {
    {"nothing", {""}, false, NULL, NULL},
    {"docker hub",
	{"Bearer realm=\"https://auth.docker.io/token\","
	 "service=\"registry.docker.io\",scope=\"repository:a:pull\""},
	false, "https://auth.docker.io/token", "registry.docker.io"},
    {"basic", {"Basic realm=\"Registry Realm\""}, true, NULL, NULL},
    {"basic without a realm", {"Basic"}, true, NULL, NULL},
    {"any case", {"bEARER REALM=https"}, false, "https", NULL},
    {"token values", {"Bearer realm=r,service=s"}, false, "r", "s"},
    {"blanks around", {" Bearer  realm = \"r\" , service\t=\ts "}, false, "r",
	"s"},
    {"empty elements", {", ,Bearer ,realm=\"r\",,service=\"s\",,"}, false, "r",
	"s"},
    {"quoted comma", {"Bearer realm=\"r,x=\\\"y\\\"\",service=\"a,b\""}, false,
	"r,x=\"y\"", "a,b"},
    {"escapes", {"Bearer realm=\"a\\\\b\\c\""}, false, "a\\bc", NULL},
    {"two in one", {"Basic realm=\"b\", Bearer realm=\"r\",service=\"s\""},
	true, "r", "s"},
    {"two in one, turned", {"Bearer realm=\"r\", Basic realm=\"b\""}, true, "r",
	NULL},
    {"two headers", {"Basic realm=b", "Bearer realm=r"}, true, "r", NULL},
    {"the first bearer counts", {"Bearer realm=a, Bearer realm=b"}, false, "a",
	NULL},
    {"an unusable one is passed over", {"Bearer service=s, Bearer realm=b"},
	false, "b", NULL},
    {"token68", {"Negotiate YWJjZA==, Bearer realm=r"}, false, "r", NULL},
    {"token68 last", {"Bearer realm=r, NTLM abc/+="}, false, "r", NULL},
    {"scheme alone", {"Negotiate, Bearer realm=r"}, false, "r", NULL},
    {"unknown scheme's realm is not ours",
	{"Digest realm=\"d\", nonce=\"n\", Bearer realm=r"}, false, "r", NULL},
    {"unknown scheme only", {"Digest realm=\"d\",qop=\"auth,auth-int\""}, false,
	NULL, NULL},
    {"bearer without realm", {"Bearer service=\"s\""}, false, NULL, NULL},
    {"bearer alone", {"Bearer"}, false, NULL, NULL},
    {"realm twice can be read two ways", {"Bearer realm=a,realm=b"}, false,
	NULL, NULL},
    {"service twice likewise", {"Bearer realm=a,service=b,Service=c"}, false,
	NULL, NULL},
    {"other parameters twice do not matter", {"Bearer realm=a,scope=b,scope=c"},
	false, "a", NULL},
    {"a broken header spoils no other",
	{"Bearer realm=\"open", "Bearer realm=r"}, false, "r", NULL},
    {"a challenge with a broken part is none", {"Bearer realm=r, x=\"open"},
	false, NULL, NULL},
    {"broken after another scheme", {"Bearer realm=r, Basic realm=\"open"},
	false, "r", NULL},
    {"a quote that ends in a backslash", {"Bearer realm=\"r\\"}, false, NULL,
	NULL},
    {"no scheme", {"realm=\"r\""}, false, NULL, NULL},
    {"rubbish", {"\"\"\"", "=,=", "@@@"}, false, NULL, NULL},
    {"a control character is no part of a realm",
	{"Bearer realm=\"https://r.io\x01/\"", "Bearer realm=\"a\\\x7f\""},
	false, NULL, NULL},
    {"a tab may be quoted", {"Bearer realm=r,service=\"a\tb\""}, false, "r",
	"a\tb"},
    {"rubbish after a value", {"Bearer realm=\"r\"x"}, false, NULL, NULL},
};

static int
read_all(const char *const headers[3], struct challenges *c, struct arena *mem,
    struct error *err)
{
	*c = (struct challenges){0};
	for (size_t i = 0; i < 3 && headers[i] != NULL; i++)
		if (challenges_add(c, headers[i], mem, err) != 0)
			return -1;
	return 0;
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
reads_what_registries_send(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct error err = ERROR_INIT;
		struct challenges c;

		assert_int_equal(read_all(cases[i].headers, &c, mem, &err), 0);
		if (c.basic != cases[i].basic ||
		    c.bearer != (cases[i].realm != NULL) ||
		    !same(c.realm, cases[i].realm) ||
		    !same(c.service, cases[i].service))
			fail_msg("%s: basic %d realm %s service %s",
			    cases[i].name, c.basic, c.realm, c.service);
	}
}

static void
ignores_what_is_over_the_bound(void **state)
{
	static char text[CHALLENGE_BYTES_MAX + 100];
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct challenges c = {0};

	(void)state;
	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "Bearer realm=r", 14);
	assert_int_equal(challenges_add(&c, text, mem, &err), 0);
	assert_false(c.bearer);
	text[CHALLENGE_BYTES_MAX] = '\0';
	assert_int_equal(challenges_add(&c, text, mem, &err), 0);
	assert_true(c.bearer);
}

static void
many_quoted_values_take_no_more_memory_than_their_header(void **state)
{
	static char text[CHALLENGE_BYTES_MAX + 1] = "Bearer ";
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct challenges c = {0};

	(void)state;
	for (size_t n = strlen(text); n + 5 < sizeof(text); n += 5)
		memcpy(text + n, "a=\"\",", 5);
	assert_int_equal(challenges_add(&c, text, mem, &err), 0);
	assert_in_range(arena_size(mem), 0, 4 * sizeof(text));
}

static void
run_out(void *arg)
{
	const char *const headers[3] = {"Basic realm=x, Bearer realm=\"r\"",
	    "Bearer realm=\"q\", service=s"};
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct challenges c;

	(void)arg;
	if (mem == NULL)
		return;
	if (read_all(headers, &c, mem, &err) != 0)
		assert_int_equal(err.code, ERR_NOMEM);
	else
		assert_string_equal(c.realm, "r");
}

static void
survives_running_out_of_memory(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(run_out, NULL) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_registries_send),
	    cmocka_unit_test(ignores_what_is_over_the_bound),
	    cmocka_unit_test(
		many_quoted_values_take_no_more_memory_than_their_header),
	    cmocka_unit_test(survives_running_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
