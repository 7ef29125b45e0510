/* SPDX-License-Identifier: Apache-2.0 */
/* Where credentials may be sent, and how. */
#include "server/registry/auth.h"
#include "tests/unit/alloc.h"
#include "tests/unit/registry_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const char config[] =
    "{\"version\":1,\"registries\":{"
    "\"r.io\":{\"tokenRealms\":[\"auth.corp\",\"10.1.1.1:5001\"]},"
    "\"10.2.2.2\":{}},"
    "\"network\":{\"allow\":[\"10.3.0.0/16\",\"fd00:3::/32\"]}}";

enum { TRUSTED = 1, CERT = 2, ENTRY = 4 };

#define NOT_A_URL "its token service is not a URL that may be asked: "
#define FOR_NOBODY \
	"its token service is at an address that is not for registries"

static const struct {
	const char *registry;
	const char *realm;
	const char *refused; /* NULL: it is taken */
	int is;
} realms[] = {
    {"https://r.io", "https://r.io/token", NULL, TRUSTED | CERT | ENTRY},
    {"https://r.io", "https://R.IO:443/token", NULL, TRUSTED | CERT | ENTRY},
    {"https://r.io", "https://r.io:444/token", NULL, 0},
    {"https://r.io", "https://auth.corp/", NULL, TRUSTED | ENTRY},
    {"https://r.io", "https://auth.corp:8443/", NULL, 0},
    {"https://r.io", "https://auth.corp.evil/", NULL, 0},
    {"https://r.io", "https://evil.example/", NULL, 0},
    {"https://s.io", "https://auth.corp/", NULL, 0},
    /* Known to stand elsewhere. */
    {"https://registry-1.docker.io", "https://auth.docker.io/token", NULL,
	TRUSTED},
    {"https://registry.gitlab.com", "https://gitlab.com/jwt/auth", NULL,
	TRUSTED},
    {"https://registry-1.docker.io", "https://gitlab.com/", NULL, 0},
    {"https://r.io", "https://auth.docker.io/token", NULL, 0},
    /* What may not be asked. */
    {"https://r.io", "ftp://r.io/", NOT_A_URL "it is not an http or https URL",
	0},
    {"https://r.io", "token", NOT_A_URL "it is not a URL", 0},
    {"https://r.io", "https://u@r.io/",
	"its token service is a URL with a user or a fragment", 0},
    {"https://r.io", "https://:p@r.io/",
	"its token service is a URL with a user or a fragment", 0},
    {"https://r.io", "https://r.io/#f",
	"its token service is a URL with a user or a fragment", 0},
    {"https://r.io", "http://r.io/", "its token service is not https", 0},
    {"http://s.io", "http://s.io/", NULL, TRUSTED | CERT},
    {"http://s.io", "https://s.io/", NULL, 0},
    {"http://registry-1.docker.io", "http://auth.docker.io/token", NULL, 0},
    /* Addresses: none that the guard would not let through. */
    {"https://r.io", "https://169.254.169.254/latest", FOR_NOBODY, 0},
    {"https://r.io", "https://127.1/", FOR_NOBODY, 0},
    {"https://r.io", "https://2130706433/", FOR_NOBODY, 0},
    {"https://r.io", "https://[::1]/", FOR_NOBODY, 0},
    {"https://r.io", "https://[::ffff:10.0.0.1]/", FOR_NOBODY, 0},
    {"https://r.io", "https://[0000:0000:0000:0000:0000:ffff:10.100.100.100]/",
	FOR_NOBODY, 0},
    {"https://r.io", "https://10.1.1.1/", FOR_NOBODY, 0},
    {"https://r.io", "https://10.1.1.1:5001/", FOR_NOBODY, 0},
    {"https://r.io", "https://10.2.2.2/", NULL, ENTRY},
    {"https://r.io", "https://10.3.9.9/", NULL, 0},
    {"https://r.io", "https://[fd00:3::9]/", NULL, 0},
    {"https://r.io", "https://[fd00:4::9]/", FOR_NOBODY, 0},
    {"https://r.io", "https://1.1.1.1/", NULL, 0},
    {"https://r.io", "https://[2606:4700::1111]/", NULL, 0},
};

/* What a realm is; nothing where *err says why it is not taken. */
static int
read_realm(
    const struct registry_settings *s, size_t i, bool guard, struct error *err)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct url registry;
	struct realm r;

	if (mem == NULL)
		error_set(err, ERR_NOMEM, "realm");
	else if (url_parse(&registry, realms[i].registry, NULL, mem, err) == 0)
		realm_read(&r, realms[i].realm, &registry,
		    registry_settings_find(s, registry.hostport), s, guard, mem,
		    err);
	if (err->code != ERR_NONE)
		return 0;
	return (r.trusted ? TRUSTED : 0) | (r.client_cert ? CERT : 0) |
	       (r.host != NULL ? ENTRY : 0);
}

static void
knows_whom_to_trust(void **state)
{
	AUTO(fake_clear) struct fake f;
	size_t i;

	(void)state;
	fake_init(&f, config);
	for (i = 0; i < N(realms); i++) {
		struct error err = ERROR_INIT;
		const int is = read_realm(f.settings, i, true, &err);

		if (err.code != ERR_NONE)
			assert_int_equal(err.code, ERR_AUTH_UNSUPPORTED);
		if (strcmp(err.msg,
			realms[i].refused ? realms[i].refused : "") != 0 ||
		    is != realms[i].is)
			fail_msg("%s of %s: %d \"%s\"", realms[i].realm,
			    realms[i].registry, is, err.msg);
	}
}

static void
without_a_guard_any_address_will_do(void **state)
{
	AUTO(fake_clear) struct fake f;
	size_t i;

	(void)state;
	fake_init(&f, config);
	for (i = 0; i < N(realms); i++) {
		struct error err = ERROR_INIT;

		read_realm(f.settings, i, false, &err);
		assert_int_not_equal(strcmp(err.msg, FOR_NOBODY), 0);
	}
}

static void
writes_basic_as_rfc_7617_has_it(void **state)
{
	static char huge[64 * 1024];
	AUTO(buf_clear) struct buf b = BUF_INIT(1024);
	AUTO(buf_clear) struct buf full = BUF_INIT(20);

	(void)state;
	assert_int_equal(auth_add_basic(&b, "Aladdin", "open sesame"), 0);
	assert_string_equal(
	    buf_text(&b), "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	assert_int_equal(auth_add_basic(&full, "u", "p"), -1);
	memset(huge, 'x', sizeof(huge) - 1);
	assert_int_equal(auth_add_basic(&b, "u", huge), -1);
}

static void
a_bearer_is_visible_ascii(void **state)
{
	static const struct {
		const char *token;
		bool is;
	} cases[] = {{"a.b-c_d~e+f/g=", true}, {"!~", true}, {"", false},
	    {"a b", false}, {"a\r\nX: y", false}, {"a\x7f", false},
	    {"\xc3\xa4", false}};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++)
		assert_int_equal(auth_is_bearer(cases[i].token), cases[i].is);
}

static void
read_with_little_memory(void *settings)
{
	size_t i;

	for (i = 0; i < N(realms); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(1024);
		struct error err = ERROR_INIT;

		read_realm(settings, i, true, &err);
		if (err.code == ERR_NOMEM)
			continue;
		assert_string_equal(
		    err.msg, realms[i].refused ? realms[i].refused : "");
		if (auth_add_basic(&b, "Aladdin", "open sesame") == 0)
			assert_string_equal(buf_text(&b),
			    "Authorization: Basic "
			    "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	}
}

static void
memory_may_run_out_anywhere(void **state)
{
	AUTO(fake_clear) struct fake f;

	(void)state;
	fake_init(&f, config);
	assert_true(alloc_fail_each(read_with_little_memory, f.settings) > 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_whom_to_trust),
	    cmocka_unit_test(without_a_guard_any_address_will_do),
	    cmocka_unit_test(writes_basic_as_rfc_7617_has_it),
	    cmocka_unit_test(a_bearer_is_visible_ascii),
	    cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
