/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/document.h"
#include "server/registry/settings.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define DATA "tests/data/registry/"
#define PAIR "tests/data/fuzz/pem/pair"

static struct registry_settings *
parse(const char *text, struct buf *report)
{
	AUTO(document_stream_free) struct document_stream *s = NULL;
	AUTO(document_free) struct document *doc = NULL;
	AUTO(diagnostics_clear) struct diagnostics d;
	struct registry_settings *out;
	struct error err = ERROR_INIT;
	struct node root = {0};
	struct mark at;

	diagnostics_init(&d, "c");
	s = document_stream_new(text, strlen(text), &err);
	if (s == NULL || document_next(s, &doc, &at, &err) < 0)
		return NULL;
	if (doc != NULL)
		root = document_node(doc);
	out = registry_settings_parse(&root, &d, NULL);
	diagnostics_print(&d, report);
	if ((out == NULL) != (d.errors > 0))
		fail_msg("errors %zu, but %p", d.errors, (void *)out);
	return out;
}

static void
takes_defaults_from_nothing(void **state)
{
	AUTO(registry_settings_unref) struct registry_settings *s = NULL;
	AUTO(buf_clear) struct buf report = BUF_INIT(4096);
	const struct credential *c[2];

	(void)state;
	s = parse("", &report);
	assert_non_null(s);
	assert_int_equal(s->nhosts, 0);
	assert_int_equal(s->cache_bytes, 32 * 1024 * 1024);
	assert_int_equal(s->tag_ttl, 30);
	assert_int_equal(s->stale_for, 24 * 3600);
	assert_int_equal(s->negative_ttl, 5);
	assert_null(registry_settings_find(s, "r.io"));
	assert_int_equal(
	    registry_settings_credentials(s, "r.io", "a", NULL, c, 2), 0);
}

static const char full[] =
    "registries:\n"
    "  registry.corp:5000:\n"
    "    caFile: " PAIR "\n"
    "    clientCert: " PAIR "\n"
    "    clientKey: " PAIR "\n"
    "    proxy: http://proxy.corp:3128\n"
    "    skipVerify: true\n"
    "    mirrors: [m1.corp, {host: 'm2.corp:1', resolve: false}]\n"
    "    tokenRealms: [auth.corp]\n"
    "    credentials: {usernameFile: " DATA "username,\n"
    "                  passwordFile: " DATA "password}\n"
    "  docker.io: {plainHttp: true}\n"
    "  plain.corp:\n"
    "  trust.corp: {caFile: " DATA "trusted.pem}\n"
    "dockerConfig: " DATA "docker.json\n"
    "network: {allow: [10.0.0.0/8, 'fd00::/8']}\n"
    "cache: {maxBytes: 1Mi, tagTtl: 1m, staleFor: 2h, negativeTtl: 0s}\n";

static void
reads_everything(void **state)
{
	AUTO(registry_settings_unref) struct registry_settings *s = NULL;
	AUTO(buf_clear) struct buf report = BUF_INIT(4096);
	const struct registry_host *h;
	const struct credential helped = {.username = "helped"};
	const struct credential *c[4];

	(void)state;
	s = parse(full, &report);
	if (s == NULL)
		fail_msg("%s", buf_text(&report));
	h = registry_settings_find(s, "registry.corp:5000");
	assert_non_null(h);
	assert_true(h->skip_verify);
	assert_false(h->plain_http);
	assert_memory_equal(h->ca.data, "-----BEGIN", 10);
	assert_string_equal(h->proxy, "http://proxy.corp:3128");
	assert_int_equal(h->nmirrors, 2);
	assert_true(h->mirrors[0].resolve);
	assert_string_equal(h->mirrors[1].host, "m2.corp:1");
	assert_false(h->mirrors[1].resolve);
	assert_string_equal(h->token_realms.items[0], "auth.corp");
	assert_string_equal(h->credential.username, "bob");
	assert_string_equal(h->credential.password, "builder");
	assert_true(
	    registry_settings_find(s, "registry-1.docker.io")->plain_http);
	assert_non_null(registry_settings_find(s, "plain.corp:443"));
	assert_int_equal(s->nallow, 2);
	assert_int_equal(s->cache_bytes, 1024 * 1024);
	assert_int_equal(s->tag_ttl, 60);
	assert_int_equal(s->stale_for, 7200);
	assert_int_equal(s->negative_ttl, 0);
	assert_int_equal(registry_settings_credentials(
			     s, "registry.corp:5000", "a", NULL, c, 4),
	    1);
	assert_int_equal(
	    registry_settings_credentials(s, "r.io", "team/a", NULL, c, 4), 2);
	assert_string_equal(c[0]->username, "bob");
	assert_string_equal(c[1]->username, "alice");
	assert_int_equal(
	    registry_settings_credentials(s, "r.io", "team/a", &helped, c, 4),
	    3);
	assert_ptr_equal(c[0], &helped);
	assert_string_equal(c[1]->username, "bob");
	assert_int_equal(registry_settings_credentials(
			     s, "registry.corp:5000", "a", &helped, c, 4),
	    2);
	assert_ptr_equal(c[1], &helped);
}

#define REGISTRY(rest) "registries:\n  r.io:\n    " rest

static const struct {
	const char *text;
	const char *says;
} wrong[] = {
    {"registries: []", "must be a mapping"},
    {"registries: {R.io: {}}", "must be a host"},
    {"registries: {registry: {}}", "must be a host"},
    {"registries: {'https://r.io': {}}", "must be a host"},
    {"registries: {'r.io/a': {}}", "must be a host"},
    {"registries: {'r.io:0': {}}", "must be a host"},
    {"registries: {r.io: 1}", "registries"},
    {REGISTRY("plainhttp: true"), "plainHttp"},
    {REGISTRY("plainHttp: 1"), "must be true or false"},
    {REGISTRY("caFile: /nowhere"), "/nowhere"},
    {REGISTRY("caFile: [a]"), "must be a string"},
    {REGISTRY("caFile: " DATA "username"),
	"c:3:13: error: registries[\"r.io\"].caFile: " DATA
	"username: there is no certificate"},
    {REGISTRY("clientCert: " PAIR), "belong together"},
    {REGISTRY("clientKey: " PAIR), "belong together"},
    {REGISTRY("clientCert: " DATA "username"), "there is no certificate"},
    {REGISTRY("clientKey: tests/data/fuzz/pem/certificate"), "there is no key"},
    {REGISTRY("clientKey: tests/data/fuzz/pem/encrypted"), "is encrypted"},
    {REGISTRY("{plainHttp: true, skipVerify: true}"), "skipVerify"},
    {REGISTRY("proxy: proxy.corp"), "URL of a proxy"},
    {REGISTRY("proxy: 'socks5://p:1'"), "URL of a proxy"},
    {REGISTRY("mirrors: m.io"), "must be a list"},
    {REGISTRY("mirrors: [{resolve: true}]"), "needs a host"},
    {REGISTRY("mirrors: [{host: m.io, resolv: true}]"), "resolve"},
    {REGISTRY("mirrors: ['http://m.io']"), "must be a host"},
    {REGISTRY("tokenRealms: ['https://a.io']"), "must be a host"},
    {REGISTRY("credentials: {usernameFile: " DATA "username}"),
	"\"passwordFile\" is missing"},
    {REGISTRY("credentials: {user: x}"), "usernameFile"},
    {"dockerConfig: /nowhere", "/nowhere"},
    {"dockerConfig: " DATA "username",
	"dockerConfig: " DATA "username: it is not valid JSON"},
    {"dockerConfig: " DATA "broken.json",
	"dockerConfig: " DATA
	"broken.json: \"b.corp\" in \"auths\": an \"auth\" is "
	"not valid base64"},
    {"dockerConfig: 1", "must be a string"},
    {"network: {allow: [10.0.0.1/8]}", "must be a network"},
    {"network: {alow: []}", "allow"},
    {"cache: {tagTtl: 30}", "must be a duration"},
    {"cache: {maxBytes: lots}", "must be a size"},
    {"cache: {maxbytes: 1}", "maxBytes"},
    {"cache: {dir: 1}", "must be a string"},
    {"registries: {registry-1.docker.io: {}}", "docker.io"},
};

static void
says_what_is_wrong_and_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(wrong); i++) {
		AUTO(registry_settings_unref)
		struct registry_settings *s = NULL;
		AUTO(buf_clear) struct buf report = BUF_INIT(4096);

		s = parse(wrong[i].text, &report);
		if (s != NULL)
			fail_msg("%s: was taken", wrong[i].text);
		if (strstr(buf_text(&report), wrong[i].says) == NULL)
			fail_msg("%s: %s", wrong[i].text, buf_text(&report));
	}
}

static void
reports_every_error_at_once(void **state)
{
	AUTO(registry_settings_unref) struct registry_settings *s = NULL;
	AUTO(buf_clear) struct buf report = BUF_INIT(4096);
	int lines = 0;

	(void)state;
	s = parse("registries: {R.io: {plainHttp: 1}, s.io: {caFile: /no}}\n"
		  "network: {allow: [x]}\ncache: {tagTtl: x}\n",
	    &report);
	assert_null(s);
	for (const char *p = buf_text(&report); *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 5);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
tells_settings_apart_by_all_that_they_were_made_of(void **state)
{
	char dir[] = "/tmp/settings_XXXXXX", path[64], text[256], other[512];
	AUTO(registry_settings_unref) struct registry_settings *a = NULL;
	AUTO(registry_settings_unref) struct registry_settings *same = NULL;
	AUTO(registry_settings_unref) struct registry_settings *file = NULL;
	AUTO(registry_settings_unref) struct registry_settings *config = NULL;
	AUTO(buf_clear) struct buf report = BUF_INIT(4096);

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/password", dir);
	snprintf(text, sizeof(text),
	    "registries: {r.io: {credentials: {usernameFile: " DATA
	    "username, passwordFile: %s}}}",
	    path);
	snprintf(other, sizeof(other), "%s\ncache: {tagTtl: 31s}", text);
	write_file(path, "one");
	a = parse(text, &report);
	same = parse(text, &report);
	config = parse(other, &report);
	write_file(path, "two");
	file = parse(text, &report);
	unlink(path);
	rmdir(dir);
	assert_string_equal(buf_text(&report), "");
	assert_string_equal(a->digest, same->digest);
	assert_string_not_equal(a->digest, config->digest);
	assert_string_not_equal(a->digest, file->digest);
}

static void
run_out(void *arg)
{
	AUTO(registry_settings_unref) struct registry_settings *s = NULL;
	AUTO(buf_clear) struct buf report = BUF_INIT(64 * 1024);

	(void)arg;
	s = parse(full, &report);
	if (s != NULL)
		assert_int_equal(s->nhosts, 4);
}

static void
survives_running_out_of_memory(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(run_out, NULL) > 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_defaults_from_nothing),
	    cmocka_unit_test(reads_everything),
	    cmocka_unit_test(says_what_is_wrong_and_where),
	    cmocka_unit_test(reports_every_error_at_once),
	    cmocka_unit_test(
		tells_settings_apart_by_all_that_they_were_made_of),
	    cmocka_unit_test(survives_running_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
