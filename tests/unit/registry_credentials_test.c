/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/credentials.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* A credential whose password tells which key it stood under. */
#define KEY(k) "\"" k "\":{\"username\":\"u\",\"password\":\"" k "\"}"
#define AUTHS(keys) "{\"auths\":{" keys "}}"

/* kubernetes: pkg/credentialprovider/keyring_test.go has the like. */
static const struct {
	const char *name;
	const char *config;
	const char *host;
	const char *path;
	const char *found; /* the keys, in order, with blanks between */
} matches[] = {
    {"host", AUTHS(KEY("r.io")), "r.io", "a", "r.io"},
    {"other host", AUTHS(KEY("r.io")), "s.io", "a", ""},
    {"no suffix", AUTHS(KEY("r.io")), "x.r.io", "a", ""},
    {"with scheme", AUTHS(KEY("https://r.io")), "r.io", "a", "https://r.io"},
    {"with http", AUTHS(KEY("http://r.io")), "r.io", "a", "http://r.io"},
    {"with v1", AUTHS(KEY("https://r.io/v1/")), "r.io", "a",
	"https://r.io/v1/"},
    {"with v2 and a path", AUTHS(KEY("r.io/v2/team")), "r.io", "team/a",
	"r.io/v2/team"},
    {"trailing slash", AUTHS(KEY("r.io/")), "r.io", "a", "r.io/"},
    {"glob of a label", AUTHS(KEY("*.azurecr.io")), "corp.azurecr.io", "a",
	"*.azurecr.io"},
    {"glob is one label", AUTHS(KEY("*.azurecr.io")), "a.b.azurecr.io", "a",
	""},
    {"glob inside a label", AUTHS(KEY("r*g.?.io")), "reg.x.io", "a",
	"r*g.?.io"},
    {"class", AUTHS(KEY("r[0-9].io")), "r7.io", "a", "r[0-9].io"},
    {"port", AUTHS(KEY("r.io:5000")), "r.io:5000", "a", "r.io:5000"},
    {"port missing in the key", AUTHS(KEY("r.io")), "r.io:5000", "a", ""},
    {"port missing in the image", AUTHS(KEY("r.io:5000")), "r.io", "a", ""},
    {"no glob in ports", AUTHS(KEY("r.io:*")), "r.io:5000", "a", ""},
    {"IPv6", AUTHS(KEY("[::1]:5000")), "[::1]:5000", "a", "[::1]:5000"},
    {"path", AUTHS(KEY("r.io/team")), "r.io", "team/a", "r.io/team"},
    {"path has no boundary", AUTHS(KEY("r.io/te")), "r.io", "team/a",
	"r.io/te"},
    {"other path", AUTHS(KEY("r.io/team")), "r.io", "a", ""},
    {"no glob in paths", AUTHS(KEY("r.io/*")), "r.io", "team/a", ""},
    {"the longer first",
	AUTHS(KEY("r.io") "," KEY("r.io/team") "," KEY("r.io/team/a")), "r.io",
	"team/a", "r.io/team/a r.io/team r.io"},
    {"letters before globs", AUTHS(KEY("*.r.io") "," KEY("a.r.io")), "a.r.io",
	"x", "a.r.io *.r.io"},
    {"docker hub", AUTHS(KEY("https://index.docker.io/v1/")), "docker.io",
	"library/nginx", "https://index.docker.io/v1/"},
    {"docker hub by its name", AUTHS(KEY("docker.io")), "docker.io", "team/a",
	"docker.io"},
    {"docker hub's fallback only where nothing matches",
	AUTHS(KEY("index.docker.io") "," KEY("docker.io/team")), "docker.io",
	"team/a", "docker.io/team"},
    {"the hub's key is for the hub", AUTHS(KEY("index.docker.io")), "r.io", "a",
	""},
    {"dockercfg", "{" KEY("r.io") "}", "r.io", "a", "r.io"},
    {"empty entries are none", AUTHS("\"r.io\":{},\"r.io/a\":{\"auth\":\"\"}"),
	"r.io", "a", ""},
};

static void
finds_credentials_as_the_kubelet_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(matches); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		const struct credential *c[CREDENTIALS_MAX];
		struct error err = ERROR_INIT;
		struct docker_config config;
		char got[512] = "";
		size_t n;

		if (docker_config_parse(&config, matches[i].config,
			strlen(matches[i].config), mem, &err) != 0)
			fail_msg("%s: %s", matches[i].name, err.msg);
		n = docker_config_match(&config, matches[i].host,
		    matches[i].path, c, CREDENTIALS_MAX);
		for (size_t j = 0; j < n; j++)
			snprintf(got + strlen(got), sizeof(got) - strlen(got),
			    "%s%s", j == 0 ? "" : " ", c[j]->password);
		if (strcmp(got, matches[i].found) != 0)
			fail_msg("%s: found \"%s\"", matches[i].name, got);
	}
}

static const struct {
	const char *name;
	const char *entry;
	enum err_code code;
	const char *username, *password, *identity, *registry;
} entries[] = {
    {"auth", "\"auth\":\"dTpw\"", ERR_NONE, "u", "p", NULL, NULL},
    {"unpadded", "\"auth\":\"dTpwdw\"", ERR_NONE, "u", "pw", NULL, NULL},
    {"padded", "\"auth\":\"dTpwdw==\"", ERR_NONE, "u", "pw", NULL, NULL},
    {"colons in the password", "\"auth\":\"dTphOmI6Yw==\"", ERR_NONE, "u",
	"a:b:c", NULL, NULL},
    {"NULs behind", "\"auth\":\"dTpwAAA=\"", ERR_NONE, "u", "p", NULL, NULL},
    {"auth counts over the parts",
	"\"auth\":\"dTpw\",\"username\":\"x\",\"password\":\"y\"", ERR_NONE,
	"u", "p", NULL, NULL},
    {"identity token", "\"auth\":\"dTo=\",\"identitytoken\":\"i\"", ERR_NONE,
	"u", "", "i", NULL},
    {"registry token", "\"registrytoken\":\"r\"", ERR_NONE, NULL, NULL, NULL,
	"r"},
    {"registry token that would add a header",
	"\"registrytoken\":\"r\\r\\nX: y\"", ERR_SYNTAX, NULL, NULL, NULL,
	NULL},
    {"no base64", "\"auth\":\"!\"", ERR_SYNTAX, NULL, NULL, NULL, NULL},
    {"no colon", "\"auth\":\"dXA=\"", ERR_SYNTAX, NULL, NULL, NULL, NULL},
    {"NUL inside", "\"auth\":\"dQA6cA==\"", ERR_SYNTAX, NULL, NULL, NULL, NULL},
    {"a number", "\"password\":1", ERR_SYNTAX, NULL, NULL, NULL, NULL},
};

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
reads_all_forms_of_an_entry(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(entries); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct error err = ERROR_INIT;
		const struct credential *c;
		struct docker_config config;
		char text[256];

		snprintf(text, sizeof(text), "{\"auths\":{\"r.io\":{%s}}}",
		    entries[i].entry);
		docker_config_parse(&config, text, strlen(text), mem, &err);
		if (err.code != entries[i].code)
			fail_msg("%s: %s", entries[i].name, err.msg);
		if (err.code != ERR_NONE)
			continue;
		c = &config.entries[0].credential;
		if (!same(c->username, entries[i].username) ||
		    !same(c->password, entries[i].password) ||
		    !same(c->identity_token, entries[i].identity) ||
		    !same(c->registry_token, entries[i].registry))
			fail_msg("%s: %s %s %s %s", entries[i].name,
			    c->username, c->password, c->identity_token,
			    c->registry_token);
	}
}

static void
a_line_break_in_a_key_is_none_in_the_message(void **state)
{
	static const char text[] = "{\"auths\":{\"r.io\\nx\":1}}";
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct docker_config config;

	(void)state;
	assert_int_equal(
	    docker_config_parse(&config, text, strlen(text), mem, &err), -1);
	assert_string_equal(
	    err.msg, "\"r.io\\nx\" in \"auths\": it is not an object");
}

static const char *const broken[] = {
    "",
    "[]",
    "{\"auths\":[]}",
    "{\"auths\":{\"r.io\":1}}",
    "{\"credHelpers\":{\"r.io\":1}}",
    "{\"credsStore\":1}",
    "{\"auths\":{}} x",
    "{\"auths\":{},\"auths\":{}}",
};

static void
refuses_what_is_no_docker_config(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(broken); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct error err = ERROR_INIT;
		struct docker_config config;

		if (docker_config_parse(&config, broken[i], strlen(broken[i]),
			mem, &err) == 0 ||
		    err.code != ERR_SYNTAX)
			fail_msg("%s", broken[i]);
	}
}

static void
reads_credential_helpers(void **state)
{
	static const char text[] =
	    "{\"credsStore\":\"desktop\",\"credHelpers\":{"
	    "\"https://r.io/v1/\":\"ecr-login\"},\"auths\":{}}";
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct docker_config c;

	(void)state;
	assert_int_equal(
	    docker_config_parse(&c, text, strlen(text), mem, &err), 0);
	assert_string_equal(c.store, "desktop");
	assert_int_equal(c.nhelpers, 1);
	assert_string_equal(c.helpers[0].host, "r.io");
	assert_string_equal(c.helpers[0].name, "ecr-login");
}

static void
tells_credentials_apart_without_giving_them_away(void **state)
{
	struct credential same1 = {.username = "ab", .password = "c"};
	struct credential same2 = {.username = "ab", .password = "c"};
	struct credential other1 = {.username = "a", .password = "bc"};
	struct credential other2 = {.username = "ab", .identity_token = "c"};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(credential_seal(&same1, &err), 0);
	assert_int_equal(credential_seal(&same2, &err), 0);
	assert_int_equal(credential_seal(&other1, &err), 0);
	assert_int_equal(credential_seal(&other2, &err), 0);
	assert_string_equal(same1.id, same2.id);
	assert_string_not_equal(same1.id, other1.id);
	assert_string_not_equal(same1.id, other2.id);
	assert_string_not_equal(other1.id, other2.id);
}

static const struct {
	const char *name;
	const char *config;
	const char *host;
	const char *helper; /* NULL: none */
} helpers[] = {
    {"of the host", "{\"credHelpers\":{\"r.io\":\"x\"},\"credsStore\":\"s\"}",
	"r.io", "x"},
    {"the store for others",
	"{\"credHelpers\":{\"r.io\":\"x\"},\"credsStore\":\"s\"}", "s.io", "s"},
    {"no store", "{\"credHelpers\":{\"r.io\":\"x\"}}", "s.io", NULL},
    {"another port", "{\"credHelpers\":{\"r.io\":\"x\"}}", "r.io:5000", NULL},
    {"docker hub", "{\"credHelpers\":{\"https://index.docker.io/v1/\":\"x\"}}",
	"docker.io", "x"},
    {"docker hub by its name", "{\"credHelpers\":{\"docker.io\":\"x\"}}",
	"docker.io", "x"},
    {"the hub's key is for the hub", "{\"credHelpers\":{\"docker.io\":\"x\"}}",
	"r.io", NULL},
};

static void
finds_the_helper_of_a_host(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(helpers); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		const char *want = helpers[i].helper, *got;
		struct error err = ERROR_INIT;
		struct docker_config c;

		assert_int_equal(docker_config_parse(&c, helpers[i].config,
				     strlen(helpers[i].config), mem, &err),
		    0);
		got = docker_config_helper(&c, helpers[i].host);
		if (want == NULL ? got != NULL
				 : got == NULL || strcmp(got, want) != 0)
			fail_msg("%s: %s", helpers[i].name, got);
	}
}

static const struct {
	const char *text;
	int rc;
	const char *username;
	const char *password;
	const char *identity_token;
} answers[] = {
    {"{\"ServerURL\":\"r.io\",\"Username\":\"u\",\"Secret\":\"p\"}\n", 1, "u",
	"p", NULL},
    {"{\"Username\":\"<token>\",\"Secret\":\"t\"}", 1, NULL, NULL, "t"},
    {"{\"Username\":\"\",\"Secret\":\"\"}", 0, NULL, NULL, NULL},
    {"{\"Username\":\"u\"}", 0, NULL, NULL, NULL},
    {"{\"Username\":1,\"Secret\":\"p\"}", -1, NULL, NULL, NULL},
    {"[]", -1, NULL, NULL, NULL},
    {"{}{}", -1, NULL, NULL, NULL},
    {"", -1, NULL, NULL, NULL},
};

static void
reads_what_a_helper_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(answers); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct error err = ERROR_INIT;
		struct credential c;

		if (credential_parse_helper(&c, answers[i].text,
			strlen(answers[i].text), mem, &err) != answers[i].rc ||
		    !same(c.username, answers[i].username) ||
		    !same(c.password, answers[i].password) ||
		    !same(c.identity_token, answers[i].identity_token) ||
		    (answers[i].rc == 1) != (c.id[0] != '\0'))
			fail_msg("%s: %s", answers[i].text, err.msg);
	}
}

static void
run_out_of_answer(void *arg)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct credential c;

	(void)arg;
	if (mem == NULL)
		return;
	if (credential_parse_helper(
		&c, answers[0].text, strlen(answers[0].text), mem, &err) < 0 &&
	    err.code != ERR_NOMEM)
		fail_msg("code %d: %s", err.code, err.msg);
}

static void
run_out(void *arg)
{
	static const char text[] =
	    "{\"auths\":{\"r.io\":{\"auth\":\"dTpw\"},\"s.io\":{"
	    "\"username\":\"u\",\"password\":\"p\"}},"
	    "\"credHelpers\":{\"r.io\":\"x\"}}";
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct docker_config c;

	(void)arg;
	if (mem == NULL)
		return;
	if (docker_config_parse(&c, text, strlen(text), mem, &err) == 0)
		assert_int_equal(c.n, 2);
	else if (err.code != ERR_NOMEM)
		fail_msg("code %d: %s", err.code, err.msg);
}

static void
survives_running_out_of_memory(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(run_out, NULL) > 10);
	assert_true(alloc_fail_each(run_out_of_answer, NULL) > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_credentials_as_the_kubelet_does),
	    cmocka_unit_test(reads_all_forms_of_an_entry),
	    cmocka_unit_test(a_line_break_in_a_key_is_none_in_the_message),
	    cmocka_unit_test(refuses_what_is_no_docker_config),
	    cmocka_unit_test(reads_credential_helpers),
	    cmocka_unit_test(finds_the_helper_of_a_host),
	    cmocka_unit_test(reads_what_a_helper_answers),
	    cmocka_unit_test(tells_credentials_apart_without_giving_them_away),
	    cmocka_unit_test(survives_running_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
