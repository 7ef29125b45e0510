/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/reference.h"

#include "policy/base/buf.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

#define HEX64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX128                                                             \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define UPPER64 \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
/* 128 letters, and 127 */
#define TAG128 HEX128
#define TAG127                                                             \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define PATH255 HEX128 TAG127
#define LABELS50 "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
#define LABELS250 LABELS50 LABELS50 LABELS50 LABELS50 LABELS50
#define PATH256 HEX128 HEX128

static const struct {
	const char *text;
	const char *canonical;
} accepted[] = {
    {"nginx", "docker.io/library/nginx:latest"},
    {LABELS250 "com/a", LABELS250 "com/a:latest"},
    {"docker.io/library/sha256:abc", "docker.io/library/sha256:abc"},
    {"nginx:1.25", "docker.io/library/nginx:1.25"},
    {"team/app", "docker.io/team/app:latest"},
    {"docker.io/nginx", "docker.io/library/nginx:latest"},
    {"docker.io/library/nginx", "docker.io/library/nginx:latest"},
    {"index.docker.io/nginx", "docker.io/library/nginx:latest"},
    {"index.docker.io/team/app:1", "docker.io/team/app:1"},
    {"docker.io:443/nginx", "docker.io:443/nginx:latest"},
    {"registry-1.docker.io/library/nginx",
	"registry-1.docker.io/library/nginx:latest"},
    {"registry-1.docker.io/nginx", "registry-1.docker.io/nginx:latest"},
    {"ghcr.io/t/a:v1", "ghcr.io/t/a:v1"},
    {"localhost", "docker.io/library/localhost:latest"},
    {"localhost/a", "localhost/a:latest"},
    {"localhost:5000/a", "localhost:5000/a:latest"},
    {"localhost:5000", "docker.io/library/localhost:5000"},
    {"myhost/a", "docker.io/myhost/a:latest"},
    {"myhost:5000/a", "myhost:5000/a:latest"},
    {"example.com:5000", "docker.io/library/example.com:5000"},
    {"192.168.1.1", "docker.io/library/192.168.1.1:latest"},
    {"10.0.0.1:5000/a/b:x", "10.0.0.1:5000/a/b:x"},
    {"0.0.0.0/a", "0.0.0.0/a:latest"},
    {"255.255.255.255/a", "255.255.255.255/a:latest"},
    {"127.1", "docker.io/library/127.1:latest"},
    {"2130706433/a", "docker.io/2130706433/a:latest"},
    {"1.2.3.4.example.com/a", "1.2.3.4.example.com/a:latest"},
    {"0x7f.example/a", "0x7f.example/a:latest"},
    {"[::1]:5000/a", "[::1]:5000/a:latest"},
    {"[2001:db8::1]/a", "[2001:db8::1]/a:latest"},
    {"[::ffff:7f00:1]/a", "[::ffff:7f00:1]/a:latest"},
    {"[::1]/a/b@sha256:" HEX64, "[::1]/a/b@sha256:" HEX64},
    {"xn--n3h.com/a:1", "xn--n3h.com/a:1"},
    {"a__b/c---d:x", "docker.io/a__b/c---d:x"},
    {"nginx:1@sha256:" HEX64, "docker.io/library/nginx@sha256:" HEX64},
    {"nginx@sha256:" HEX64, "docker.io/library/nginx@sha256:" HEX64},
    {"r.io/a@sha512:" HEX128, "r.io/a@sha512:" HEX128},
    {HEX64 ":1", "docker.io/library/" HEX64 ":1"},
    {HEX64 "a", "docker.io/library/" HEX64 "a:latest"},
    {"team/" HEX64, "docker.io/team/" HEX64 ":latest"},
    {"r.io/a:" TAG128, "r.io/a:" TAG128},
    {"r.io/a:_x", "r.io/a:_x"},
    {"r.io/a:A.-_", "r.io/a:A.-_"},
    {"r.io/" PATH255, "r.io/" PATH255 ":latest"},
    {"r.io:1/a", "r.io:1/a:latest"},
    {"r.io:65535/a", "r.io:65535/a:latest"},
    {"r.io/a.b/c_d/e-f/g", "r.io/a.b/c_d/e-f/g:latest"},
};

static const struct {
	const char *text;
	const char *reason;
} refused[] = {
    {"", "empty"},
    {HEX64, "image ID"},
    {"Nginx", "repository name must be lowercase"},
    {"docker.io/Team/a", "repository name must be lowercase"},
    {"nginX:1", "repository name must be lowercase"},
    {"GHCR.IO/t/a", "host must be lowercase"},
    {"MyHost/a", "host must be lowercase"},
    {"[FE80::1]/a", "host must be lowercase"},
    {"foo_bar.com/a", "must not contain '_'"},
    {"a.b_c-d/e", "must not contain '_'"},
    {"ghcr.io./a", "part of the registry host is empty"},
    {".ghcr.io/a", "part of the registry host is empty"},
    {"a..b/a", "part of the registry host is empty"},
    {":5000/a", "part of the registry host is empty"},
    {"-a.io/a", "must not begin or end with '-'"},
    {"a-.io/a", "must not begin or end with '-'"},
    {"r.io:0/a", "port is out of range"},
    {"r.io:65536/a", "port is out of range"},
    {"r.io:99999/a", "port is out of range"},
    {"r.io:99999999999999999999999/a", "port is out of range"},
    {"r.io:/a", "port after ':' is missing"},
    {"r.io:0443/a", "must not begin with 0"},
    {"r.io:+1/a", "port must be a number"},
    {"r.io:5000:5000/a", "port must be a number"},
    {"nginx:1.25/a", "port must be a number"},
    {"0x7f.1/a", "could mean another address"},
    {"0x7f.1:5000/a", "could mean another address"},
    {"127.1/a", "could mean another address"},
    {"127.1:5000/a", "could mean another address"},
    {"2130706433:80/a", "could mean another address"},
    {"0x7f000001:80/a", "could mean another address"},
    {"010.0.0.1/a", "could mean another address"},
    {"010.0.0.1:5000/a", "could mean another address"},
    {"10.0.0.01/a", "could mean another address"},
    {"10.0.0.256/a", "could mean another address"},
    {"1.2.3.4.5/a", "could mean another address"},
    {"0x.1/a", "could mean another address"},
    {"[]:1/a", "brackets is empty"},
    {"[::1/a", "not closed"},
    {"[::1]5000/a", "only a port may follow"},
    {"[::1]:/a", "port after ':' is missing"},
    {"[fe80::1%eth0]/a", "hexadecimal digits and ':'"},
    {"nginx:", "tag after ':' is empty"},
    {"sha256:" HEX64, "ID of an image"},
    {"sha256:0123456789ab", "ID of an image"},
    {"sha512:abc", "ID of an image"},
    {"nginx:@sha256:" HEX64, "tag after ':' is empty"},
    {"nginx:.x", "tag must begin with"},
    {"nginx:-x", "tag must begin with"},
    {"nginx:a:b", "a tag may have"},
    {"nginx:a+b", "a tag may have"},
    {"nginx: 1", "a tag may have"},
    {"r.io/a:" TAG128 "b", "tag is longer than 128"},
    {"r.io/" PATH256, "longer than 255"},
    {PATH255, "longer than 255"}, /* with library/ */
    {LABELS250 "info/a", "longer than 253"},
    {"nginx@", "digest after '@' is empty"},
    {"nginx@sha256", "sha256 or sha512"},
    {"nginx@sha256:", "exactly 64 lowercase"},
    {"nginx@sha256:" HEX64 "a", "exactly 64 lowercase"},
    {"nginx@sha256:" UPPER64, "exactly 64 lowercase"},
    {"nginx@sha512:" HEX64, "exactly 128 lowercase"},
    {"nginx@sha256:" HEX64 "@sha256:" HEX64, "exactly 64 lowercase"},
    {"nginx@sha384:" HEX64, "sha256 or sha512"},
    {"nginx@md5:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "sha256 or sha512"},
    {"nginx@SHA256:" HEX64, "sha256 or sha512"},
    {"nginx@" HEX64, "sha256 or sha512"},
    {"https://r.io/a", "URL"},
    {"docker://nginx", "URL"},
    {"r.io/../a", "separator"},
    {"r.io/a//b", "empty"},
    {"r.io//a", "empty"},
    {"r.io/", "repository name is empty"},
    {"r.io/a/", "empty"},
    {"/a", "empty"},
    {"r.io/:1", "repository name is empty"},
    {"r.io/a_", "begins or ends with a separator"},
    {"r.io/-a", "begins or ends with a separator"},
    {"r.io/a-/b", "empty or ends with a separator"},
    {"r.io/a..b", "two in a row"},
    {"r.io/a___b", "two in a row"},
    {"r.io/a._b", "two in a row"},
    {"r.io/a-_b", "two in a row"},
    {"user@r.io/a", "letters, digits, '-' and '.' only"},
    {"nginx\n", "lowercase letters, digits"},
    {" nginx", "lowercase letters, digits"},
    {"nginx ", "lowercase letters, digits"},
    {"ngi\xc3\xb1x", "lowercase letters, digits"},
    {"r\xc3\xb6.io/a", "letters, digits, '-' and '.' only"},
    {"nginx?x=1", "lowercase letters, digits"},
    {"nginx#1", "lowercase letters, digits"},
    {"r.io/%2e%2e/a", "lowercase letters, digits"},
    {"r.io\\a", "lowercase letters, digits"},
};

static void
normalises_as_the_runtime_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(accepted); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct error err = ERROR_INIT;
		struct reference ref;
		const char *got = NULL;

		assert_non_null(mem);
		if (reference_parse(&ref, accepted[i].text, mem, &err) == 0)
			got = reference_canonical(&ref, mem);
		if (got == NULL || strcmp(got, accepted[i].canonical) != 0)
			fail_msg("%s: got %s", accepted[i].text,
			    got ? got : err.msg);
		assert_string_equal(ref.text, accepted[i].text);
	}
}

static void
is_stable_under_normalising_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(accepted); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct error err = ERROR_INIT;
		struct reference ref;

		assert_non_null(mem);
		if (reference_parse(&ref, accepted[i].canonical, mem, &err) !=
			0 ||
		    strcmp(reference_canonical(&ref, mem),
			accepted[i].canonical) != 0)
			fail_msg("%s: %s", accepted[i].canonical, err.msg);
	}
}

static void
says_why_it_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(refused); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct error err = ERROR_INIT;
		struct reference ref;

		assert_non_null(mem);
		if (reference_parse(&ref, refused[i].text, mem, &err) == 0)
			fail_msg("%s: accepted as %s", refused[i].text,
			    reference_canonical(&ref, mem));
		if (err.code != ERR_REFERENCE ||
		    strstr(err.msg, refused[i].reason) == NULL ||
		    strstr(err.msg, "...") == err.msg + strlen(err.msg) - 3)
			fail_msg("%s: got code %d, %s", refused[i].text,
			    err.code, err.msg);
	}
}

static const struct {
	const char *text;
	const char *name;
	const char *host;
	const char *path;
	const char *tag;
	const char *digest;
	const char *tag_written;
} taken_apart[] = {
    {"nginx", "docker.io/library/nginx", "docker.io", "library/nginx", "latest",
	NULL, NULL},
    {"a.io:5000/b/c:d", "a.io:5000/b/c", "a.io:5000", "b/c", "d", NULL, "d"},
    {"nginx:1@sha256:" HEX64, "docker.io/library/nginx", "docker.io",
	"library/nginx", NULL, "sha256:" HEX64, "1"},
    {"r.io/a@sha512:" HEX128, "r.io/a", "r.io", "a", NULL, "sha512:" HEX128,
	NULL},
    {"[::1]:5000/a", "[::1]:5000/a", "[::1]:5000", "a", "latest", NULL, NULL},
    {"registry-1.docker.io/library/nginx:1",
	"registry-1.docker.io/library/nginx", "registry-1.docker.io",
	"library/nginx", "1", NULL, "1"},
};

static void
same(const char *text, const char *part, const char *got, const char *want)
{
	if (strcmp(got ? got : "(none)", want ? want : "(none)") != 0)
		fail_msg("%s: %s is %s", text, part, got ? got : "(none)");
}

static void
takes_the_parts_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(taken_apart); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct error err = ERROR_INIT;
		struct reference ref;
		const char *text = taken_apart[i].text;

		assert_non_null(mem);
		if (reference_parse(&ref, text, mem, &err) != 0)
			fail_msg("%s", err.msg);
		same(text, "name", ref.name, taken_apart[i].name);
		same(text, "host", ref.host, taken_apart[i].host);
		same(text, "path", ref.path, taken_apart[i].path);
		same(text, "tag", ref.tag, taken_apart[i].tag);
		same(text, "digest", ref.digest, taken_apart[i].digest);
		same(text, "tag_written", ref.tag_written,
		    taken_apart[i].tag_written);
	}
}

static void
quotes_little_of_the_text_and_safely(void **state)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	char text[REFERENCE_MAX + 2];
	struct error err = ERROR_INIT;
	struct reference ref;

	(void)state;
	assert_non_null(mem);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(reference_parse(&ref, text, mem, &err), -1);
	assert_non_null(strstr(err.msg, "longer than 1024 bytes"));
	assert_null(strstr(err.msg, HEX64));
	error_clear(&err);
	assert_int_equal(reference_parse(&ref, "\x1b[2J\nevil", mem, &err), -1);
	assert_non_null(strstr(err.msg, "\"?[2J evil\""));
}

static void
the_longest_text_takes_no_time(void **state)
{
	static const char units[][4] = {"a", "-", "a-", "a/", "/", ".", "a.",
	    ":", "@", "0", "[", "_", "1."};
	clock_t start = clock();

	(void)state;
	for (size_t i = 0; i < 1000 * N(units); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		AUTO(buf_clear) struct buf b = BUF_INIT(REFERENCE_MAX);
		struct error err = ERROR_INIT;
		struct reference ref;

		assert_non_null(mem);
		while (buf_puts(&b, units[i % N(units)]) == 0)
			continue;
		reference_parse(&ref, buf_text(&b), mem, &err);
	}
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
}

static const struct {
	const char *text;
	bool yes;
} digests[] = {
    {"sha256:" HEX64, true},
    {"sha512:" HEX128, true},
    {"", false},
    {"sha256", false},
    {"sha256:", false},
    {"sha256:" HEX64 "a", false},
    {"sha256:" UPPER64, false},
    {"sha512:" HEX64, false},
    {"sha1:" HEX64, false},
    {"SHA256:" HEX64, false},
    {HEX64, false},
    {"sha256:../../../../../../../../../../../../../../../etc/passwd", false},
};

static void
knows_a_digest(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(digests); i++) {
		if (reference_is_digest(digests[i].text) != digests[i].yes)
			fail_msg("'%s'", digests[i].text);
	}
}

static void
run(void *arg)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct reference ref;
	const char *canonical;

	if (mem == NULL)
		return;
	if (reference_parse(&ref, arg, mem, &err) != 0) {
		assert_true(err.code == ERR_NOMEM || err.code == ERR_REFERENCE);
		return;
	}
	canonical = reference_canonical(&ref, mem);
	if (canonical != NULL)
		assert_true(strlen(canonical) > strlen(ref.name));
}

static void
survives_every_failed_allocation(void **state)
{
	char good[] = "r.io/" PATH255 ":" TAG128;
	char bad[] = "Nginx";

	(void)state;
	assert_true(alloc_fail_each(run, good) >= 3);
	assert_true(alloc_fail_each(run, bad) >= 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(normalises_as_the_runtime_does),
	    cmocka_unit_test(is_stable_under_normalising_again),
	    cmocka_unit_test(says_why_it_refuses),
	    cmocka_unit_test(takes_the_parts_apart),
	    cmocka_unit_test(quotes_little_of_the_text_and_safely),
	    cmocka_unit_test(the_longest_text_takes_no_time),
	    cmocka_unit_test(knows_a_digest),
	    cmocka_unit_test(survives_every_failed_allocation),
	};

	return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
