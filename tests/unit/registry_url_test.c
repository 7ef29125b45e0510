/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
	const char *text;
	const char *base;
	const char *result; /* NULL: refused */
	const char *hostport;
} cases[] = {
    {"https://r.io/x?y=z", NULL, "https://r.io/x?y=z", "r.io"},
    {"https://R.io:443/x", NULL, NULL, "r.io"},
    {"http://r.io:80/", NULL, NULL, "r.io"},
    {"http://r.io:443/", NULL, "http://r.io:443/", "r.io:443"},
    {"https://r.io", NULL, "https://r.io/", "r.io"},
    {"https://[::1]:5000/x", NULL, "https://[::1]:5000/x", "[::1]:5000"},
    {"https://0x7f.1/x", NULL, "https://127.0.0.1/x", "127.0.0.1"},
    {"https://u:p@r.io/x", NULL, "https://r.io/x", "r.io"},
    {"https://r.io/x#frag", NULL, "https://r.io/x", "r.io"},
    {"/x", "https://r.io/a/b?c", "https://r.io/x", "r.io"},
    {"x", "https://r.io/a/b?c", "https://r.io/a/x", "r.io"},
    {"?x", "https://r.io/a/b?c", "https://r.io/a/b?x", "r.io"},
    {"../x", "https://r.io/a/b/c", "https://r.io/a/x", "r.io"},
    {"//s.io/x", "https://r.io/a", "https://s.io/x", "s.io"},
    {"http://s.io/x", "https://r.io/a", "http://s.io/x", "s.io"},
    {"ftp://r.io/", NULL, NULL, NULL},
    {"file:///etc/passwd", NULL, NULL, NULL},
    {"javascript:x", NULL, NULL, NULL},
    {"/x", NULL, NULL, NULL},
    {"", NULL, NULL, NULL},
    {"https://", NULL, NULL, NULL},
    {"https://r.io/a b", NULL, NULL, NULL},
    {"https://r.io/a\r\nX: y", NULL, NULL, NULL},
    {"https://r\x01.io/", NULL, NULL, NULL},
    {"https://r_x.io/", NULL, NULL, NULL},
    {"https://r.io%2f@evil.io/", NULL, "https://evil.io/", "evil.io"},
    {"https://r\xc3\xa4.io/", NULL, NULL, NULL},
    {"https://r.io:99999/", NULL, NULL, NULL},
    {"https://[fe80::1%25eth0]/", NULL, NULL, NULL},
};

static void
reads_urls_that_may_be_asked(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct error err = ERROR_INIT;
		struct url u, base;
		int rc;

		if (cases[i].base != NULL)
			assert_int_equal(
			    url_parse(&base, cases[i].base, NULL, mem, &err),
			    0);
		rc = url_parse(&u, cases[i].text,
		    cases[i].base == NULL ? NULL : &base, mem, &err);
		if ((rc == 0) != (cases[i].hostport != NULL))
			fail_msg("\"%s\": %s", cases[i].text,
			    rc == 0 ? u.text : err.msg);
		if (rc != 0)
			continue;
		if (strcmp(u.hostport, cases[i].hostport) != 0 ||
		    (cases[i].result != NULL &&
			strcmp(u.text, cases[i].result) != 0))
			fail_msg("\"%s\": %s at %s", cases[i].text, u.text,
			    u.hostport);
	}
}

static void
refuses_a_location_that_is_too_long_where_it_leads(void **state)
{
	static char text[URL_MAX + 1] = "https://r.io/";
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct url base, u;
	size_t n = strlen(text);

	(void)state;
	memset(text + n, 'x', URL_MAX - n);
	assert_int_equal(url_parse(&base, text, NULL, mem, &err), 0);
	assert_int_equal(url_parse(&u, "?y", &base, mem, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
}

static void
knows_users_and_fragments(void **state)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct url u;

	(void)state;
	assert_int_equal(url_parse(&u, "https://u@r.io/", NULL, mem, &err), 0);
	assert_true(u.has_user);
	assert_int_equal(url_parse(&u, "https://r.io/#f", NULL, mem, &err), 0);
	assert_true(u.has_fragment);
	assert_int_equal(url_parse(&u, "https://r.io/", NULL, mem, &err), 0);
	assert_false(u.has_user || u.has_fragment);
}

static const struct {
	const char *a, *b;
	bool same;
} origins[] = {
    {"https://r.io/a", "https://r.io/b?c", true},
    {"https://r.io/", "https://r.io:443/", true},
    {"https://r.io/", "https://R.IO/", true},
    {"http://r.io/", "http://r.io:80/", true},
    {"https://r.io/", "http://r.io/", false},
    {"https://r.io/", "http://r.io:443/", false},
    {"https://r.io/", "https://r.io:444/", false},
    {"https://r.io/", "https://s.r.io/", false},
};

static void
compares_origins(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(origins); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct error err = ERROR_INIT;
		struct url a, b;

		assert_int_equal(
		    url_parse(&a, origins[i].a, NULL, mem, &err), 0);
		assert_int_equal(
		    url_parse(&b, origins[i].b, NULL, mem, &err), 0);
		if (url_same_origin(&a, &b) != origins[i].same)
			fail_msg("%s and %s", origins[i].a, origins[i].b);
	}
}

static const struct {
	const char *host;
	bool loopback;
} hosts[] = {
    {"localhost", true},
    {"localhost:5000", true},
    {"127.0.0.1", true},
    {"127.255.1.2:80", true},
    {"[::1]", true},
    {"[::1]:5000", true},
    {"localhost.io", false},
    {"notlocalhost", false},
    {"128.0.0.1", false},
    {"127.0.0.1.nip.io", false},
    {"127.1", false},
    {"[::2]", false},
    {"[::ffff:127.0.0.1]", false},
    {"r.io", false},
    {"", false},
};

static void
knows_loopback(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(hosts); i++)
		if (host_is_loopback(hosts[i].host) != hosts[i].loopback)
			fail_msg("%s", hosts[i].host);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_urls_that_may_be_asked),
	    cmocka_unit_test(
		refuses_a_location_that_is_too_long_where_it_leads),
	    cmocka_unit_test(knows_users_and_fragments),
	    cmocka_unit_test(compares_origins),
	    cmocka_unit_test(knows_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
