/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"

#include "certs/keypair.h"
#include "certs/set.h"
#include "policy/base/file.h"
#include "tests/unit/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DAY = 86400, PATH = 512 };

static const char *const names[] = {
    "policy-gate.policy-gate.svc", "*.example.com", "127.0.0.1", "::1"};

static const char *
path_in(const char *dir, const char *file)
{
	static char path[PATH];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return path;
}

static int64_t born; /* when init() was called last */

static int
init(const char *dir, const char *const *list, size_t n, bool force,
    struct error *err)
{
	const struct authority_request r = {.names = list,
	    .nnames = n,
	    .now = time(NULL),
	    .ca_life = 3650 * DAY,
	    .leaf_life = 90 * DAY};

	born = r.now;
	return authority_init(dir, &r, force, err);
}

static void
openssl_verifies_the_chain_and_every_name(void **state)
{
	const char *dir = *state;
	struct error err = ERROR_INIT;

	assert_int_equal(init(dir, names, 4, false, &err), 0);
	run("openssl verify -x509_strict -CAfile %s/ca.crt -purpose sslserver "
	    "-verify_hostname policy-gate.policy-gate.svc %s/tls.crt "
	    ">/dev/null",
	    dir, dir);
	run("openssl verify -CAfile %s/ca.crt -verify_hostname a.example.com "
	    "%s/tls.crt >/dev/null",
	    dir, dir);
	run("openssl verify -CAfile %s/ca.crt -verify_ip ::1 %s/tls.crt "
	    ">/dev/null",
	    dir, dir);
	run("! openssl verify -CAfile %s/ca.crt -verify_hostname other.svc "
	    "%s/tls.crt >/dev/null 2>&1",
	    dir, dir);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
keys_are_for_the_owner_alone(void **state)
{
	struct error err = ERROR_INIT;
	struct stat st;

	umask(0);
	assert_int_equal(init(*state, names, 1, false, &err), 0);
	umask(022);
	assert_int_equal(stat(path_in(*state, "ca.key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(path_in(*state, "tls.key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
nothing_is_overwritten_without_force(void **state)
{
	struct error err = ERROR_INIT;
	AUTO(free) char *before = NULL, *after = NULL;
	size_t len;

	assert_int_equal(init(*state, names, 1, false, &err), 0);
	unlink(path_in(*state, "ca.crt")); /* one that is left is enough */
	before = file_read(path_in(*state, "tls.key"), 4096, &len, &err);
	assert_int_equal(init(*state, names, 1, false, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.msg, "--force"));
	error_clear(&err);
	after = file_read(path_in(*state, "tls.key"), 4096, &len, &err);
	assert_string_equal(before, after);
	assert_int_equal(access(path_in(*state, "ca.crt"), F_OK), -1);
	assert_int_equal(init(*state, names, 1, true, &err), 0);
}

static void
refuses_what_is_no_name(void **state)
{
	static const char *const bad[] = {"", "a b", "-a", "a-", "a..b", ".a",
	    "a.", "*", "a.*.b", "é", "256.1.1.1", "1.2.3", "a.1", "a,DNS:evil",
	    "a\nb",
	    ("x12345678901234567890123456789012345678901234567890123456789012"
	     "3.svc")};
	struct error none = ERROR_INIT;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error err = ERROR_INIT;

		if (init(*state, &bad[i], 1, false, &err) == 0 ||
		    err.code != ERR_INVALID)
			fail_msg("\"%s\" was taken", bad[i]);
	}
	assert_int_equal(init(*state, NULL, 0, false, &none), -1);
	assert_int_equal(none.code, ERR_INVALID);
	assert_int_equal(access(path_in(*state, "ca.crt"), F_OK), -1);
}

static void
certificates_are_made_for_their_purpose(void **state)
{
	static const struct {
		const char *file;
		const char *says;
	} rows[] = {
	    {"ca.crt", "CA:TRUE, pathlen:0"},
	    {"ca.crt", "Certificate Sign, CRL Sign"},
	    {"ca.crt", "X509v3 Subject Key Identifier"},
	    {"ca.crt", "Subject: CN *= *policy-gate CA "},
	    {"ca.crt", "NIST CURVE: P-256"},
	    {"tls.crt", "CA:FALSE"},
	    {"tls.crt", "Digital Signature"},
	    {"tls.crt", "TLS Web Server Authentication"},
	    {"tls.crt", "X509v3 Authority Key Identifier"},
	    {"tls.crt", "X509v3 Subject Alternative Name: critical"},
	    {"tls.crt", "ecdsa-with-SHA256"},
	};
	struct error err = ERROR_INIT;
	size_t i;

	assert_int_equal(init(*state, names, 1, false, &err), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run("openssl x509 -noout -text -in %s/%s | grep -q '%s'",
		    (const char *)*state, rows[i].file, rows[i].says);
	/* Names are alternative names alone. */
	run("openssl x509 -noout -subject -in %s/tls.crt | grep -qx 'subject='",
	    (const char *)*state);
	/* 16 bytes at most, and positive (RFC 5280 4.1.2.2). */
	run("openssl x509 -noout -serial -in %s/tls.crt | "
	    "grep -qxE 'serial=[4-7][0-9A-F]{31}'",
	    (const char *)*state);
	/* The keys are two. */
	run("! cmp -s %s/ca.key %s/tls.key", (const char *)*state,
	    (const char *)*state);
}

static void
no_two_authorities_are_alike(void **state)
{
	const char *dir = *state;
	struct error err = ERROR_INIT;

	assert_int_equal(init(dir, names, 1, false, &err), 0);
	run("openssl x509 -noout -subject -serial -in %s/ca.crt >%s/one", dir,
	    dir);
	assert_int_equal(init(dir, names, 1, true, &err), 0);
	run("openssl x509 -noout -subject -serial -in %s/ca.crt >%s/two", dir,
	    dir);
	run("! grep -qFf %s/one %s/two", dir, dir);
	run("rm %s/one %s/two", dir, dir);
}

static void
all_four_files_are_replaced_or_none(void **state)
{
	const char *dir = *state;
	struct error err = ERROR_INIT;

	assert_int_equal(init(dir, names, 1, false, &err), 0);
	/* In the way of the step that shows. */
	run("cat %s/* | sha256sum >%s/sum; mkdir %s/..data.new", dir, dir, dir);
	assert_int_equal(init(dir, names, 1, true, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.msg, "..data.new"));
	run("rmdir %s/..data.new", dir);
	run("cat %s/ca.* %s/tls.* | sha256sum | cmp - %s/sum", dir, dir, dir);
	run("rm %s/sum; test $(ls -A %s | wc -l) = 6", dir, dir);
}

static void
makes_the_folders_that_are_missing(void **state)
{
	struct error err = ERROR_INIT;
	char dir[PATH];

	snprintf(dir, sizeof(dir), "%s/a//b/c/", (const char *)*state);
	assert_int_equal(init(dir, names, 1, false, &err), 0);
	run("test -f %s/tls.crt && rm -r %s/a", dir, (const char *)*state);
}

static void
refuses_folders_that_cannot_be(void **state)
{
	static const char *const bad[] = {
	    "", "/dev/null", "/dev/null/certs", "/proc/certs"};
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = (struct error)ERROR_INIT;
		if (init(bad[i], names, 1, true, &err) == 0 ||
		    (err.code != ERR_SYSTEM && err.code != ERR_INVALID))
			fail_msg("\"%s\": code %d", bad[i], err.code);
	}
}

static void
takes_a_path_that_is_not_too_long(void **state)
{
	char dir[PATH_MAX];
	const size_t start = strlen(*state);
	struct error err = ERROR_INIT;

	memset(dir, '/', sizeof(dir));
	memcpy(dir, *state, start);
	for (size_t len = sizeof(dir) - 1; len > sizeof(dir) - 40; len--) {
		dir[len] = '\0';
		error_clear(&err);
		if (init(dir, names, 1, true, &err) == 0)
			return;
		assert_string_equal(err.msg, "the path is too long");
		run("test -z \"$(ls -A %s)\"", (const char *)*state);
	}
	fail_msg("none of them was taken");
}

static void
trusts_each_authority_once(void **state)
{
	AUTO(authority_set_clear) struct authority_set set = {0};
	AUTO(buf_clear) struct buf both = BUF_INIT(AUTHORITY_TRUST_MAX);
	struct error err = ERROR_INIT;
	AUTO(free) char *a = NULL;
	AUTO(free) char *b = NULL;
	size_t len[2];

	assert_int_equal(init(*state, names, 1, true, &err), 0);
	a = file_read(path_in(*state, "ca.crt"), 65536, &len[0], &err);
	assert_int_equal(init(*state, names, 1, true, &err), 0);
	b = file_read(path_in(*state, "ca.crt"), 65536, &len[1], &err);
	buf_printf(&both, "%s\n%s", a, b);
	assert_int_equal(authority_trust(&set, "none", 4, &err), 0);
	assert_null(set.parts[CA_CRT].data);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(authority_trust(&set, a, len[0], &err), 0);
		assert_int_equal(authority_trust(&set, b, len[1], &err), 0);
		assert_string_equal(set.parts[CA_CRT].data, buf_text(&both));
	}
}

/* Keys that nobody uses are not to lie about. */
static void
what_cannot_be_put_in_its_place_does_not_stay_beside_it(void **state)
{
	static const char *const ways[] = {"..data", "tls.crt"};
	struct error err;
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		err = (struct error)ERROR_INIT;
		run("mkdir -p %s/%s/in-the-way", (const char *)*state, ways[i]);
		assert_int_equal(init(*state, names, 1, true, &err), -1);
		assert_non_null(strstr(err.msg, ways[i]));
		run("rm -r %s/%s && test -z \"$(ls -A %s)\"",
		    (const char *)*state, ways[i], (const char *)*state);
	}
}

static void
refuses_lives_that_make_no_sense(void **state)
{
	static const struct {
		int64_t ca;
		int64_t leaf;
	} rows[] = {{DAY, 0}, {DAY, -DAY}, {DAY, DAY + 1}, {INT64_MAX, DAY},
	    {INT64_MAX, INT64_MAX}, {101 * 366LL * DAY, DAY}};
	struct authority_request r = {
	    .names = names, .nnames = 1, .now = time(NULL)};
	struct error err;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err = (struct error)ERROR_INIT;
		r.ca_life = rows[i].ca;
		r.leaf_life = rows[i].leaf;
		if (authority_init(*state, &r, false, &err) == 0 ||
		    err.code != ERR_INVALID)
			fail_msg("row %zu was taken", i);
	}
	assert_int_equal(access(path_in(*state, "ca.crt"), F_OK), -1);
}

static void
describe(const char *file, int64_t now, struct buf *out)
{
	struct error err = ERROR_INIT;

	buf_truncate(out, 0);
	if (certificate_describe(file, now, out, &err) != 0)
		fail_msg("%s", err.msg);
}

static void
describes_what_people_want_to_know(void **state)
{
	static const struct {
		int64_t after;
		const char *says;
	} rows[] = {
	    {0, "DNS:policy-gate.policy-gate.svc"},
	    {0, "IP Address:127.0.0.1"},
	    {0, "issuer       CN=policy-gate CA "},
	    {0, "key          EC, P-256\n"},
	    {0, ", 90 days left\n"},
	    {89 * DAY, ", 1 day left\n"},
	    {90 * DAY - 1, ", 0 days left\n"},
	    {90 * DAY, ", expired today\n"},
	    {91 * DAY, ", expired 1 day ago\n"},
	    {100 * DAY, ", expired 10 days ago\n"},
	    {-2 * 3600, ", not valid yet\n"},
	};
	struct error err = ERROR_INIT;
	AUTO(buf_clear) struct buf out = BUF_INIT(65536);
	size_t i;

	assert_int_equal(init(*state, names, 4, false, &err), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		describe(
		    path_in(*state, "tls.crt"), born + rows[i].after, &out);
		if (strstr(buf_text(&out), rows[i].says) == NULL)
			fail_msg("\"%s\" is not in:\n%s", rows[i].says,
			    buf_text(&out));
	}
}

static void
describes_each_certificate_of_a_file(void **state)
{
	const char *dir = *state, *second;
	struct error err = ERROR_INIT;
	AUTO(buf_clear) struct buf out = BUF_INIT(65536);

	assert_int_equal(init(dir, names, 1, false, &err), 0);
	run("cat %s/ca.crt >>%s/tls.crt", dir, dir);
	describe(path_in(dir, "tls.crt"), born, &out);
	second = strstr(buf_text(&out), "subject      CN=policy-gate CA ");
	assert_non_null(second);
	assert_non_null(strstr(second, ", 3650 days left\n"));
	run("echo '-----BEGIN CERTIFICATE-----' >>%s/tls.crt", dir);
	assert_int_equal(
	    certificate_describe(path_in(dir, "tls.crt"), born, &out, &err),
	    -1);
	assert_int_equal(err.code, ERR_SYNTAX);
	assert_non_null(strstr(err.msg, "tls.crt: certificate 3 is broken"));
	assert_int_equal(ERR_peek_error(), 0);
}

static void
the_fingerprint_is_the_one_of_openssl(void **state)
{
	const char *dir = *state;
	struct error err = ERROR_INIT;
	AUTO(buf_clear) struct buf out = BUF_INIT(65536);
	char hex[128];
	FILE *p;

	assert_int_equal(init(dir, names, 1, false, &err), 0);
	describe(path_in(dir, "tls.crt"), born, &out);
	snprintf(hex, sizeof(hex),
	    "openssl x509 -in %s/tls.crt -outform DER | sha256sum", dir);
	p = popen(hex, "r");
	assert_non_null(p);
	assert_int_equal(fread(hex, 1, 64, p), 64);
	hex[64] = '\0';
	pclose(p);
	assert_non_null(strstr(buf_text(&out), hex));
}

/* A certificate's text is somebody else's: it must not move the terminal. */
static void
describes_hostile_names_harmlessly(void **state)
{
	const char *dir = *state;
	AUTO(buf_clear) struct buf out = BUF_INIT(65536);
	const char *p;

	run("openssl req -x509 -newkey ed25519 -nodes -keyout /dev/null -utf8 "
	    "-multivalue-rdn -subj \"$(printf '/CN=a\\033[2Jb\\nc\\342\\200\\256d')\" "
	    "-out %s/tls.crt 2>&-",
	    dir);
	describe(path_in(dir, "tls.crt"), time(NULL), &out);
	for (p = buf_text(&out); *p != '\0'; p++)
		assert_true(*p == '\n' || (unsigned char)*p >= ' ');
	assert_null(strstr(buf_text(&out), "\xe2\x80\xae"));
}

static void
pairs_are_loaded_from_files_named_in_errors(void **state)
{
	AUTO(keypair_free) struct keypair *kp = NULL;
	AUTO(free) char *cert = strdup(path_in(*state, "tls.crt"));
	struct error err = ERROR_INIT;
	const char *key;

	assert_int_equal(init(*state, names, 1, false, &err), 0);
	key = path_in(*state, "tls.key");
	kp = keypair_load(cert, key, born, &err);
	assert_non_null(kp);
	assert_int_equal(keypair_not_after(kp), born + 90 * DAY);
	assert_null(keypair_load(cert, cert, born, &err));
	assert_int_equal(err.code, ERR_SYNTAX);
	assert_non_null(strstr(err.msg, cert));
	error_clear(&err);
	assert_null(keypair_load(cert, "/nonexistent/key", born, &err));
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.msg, "/nonexistent/key"));
	error_clear(&err);
	assert_null(keypair_load("/nonexistent/cert", key, born, &err));
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(ERR_peek_error(), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(openssl_verifies_the_chain_and_every_name),
	    TEST(keys_are_for_the_owner_alone),
	    TEST(nothing_is_overwritten_without_force),
	    TEST(refuses_what_is_no_name),
	    TEST(certificates_are_made_for_their_purpose),
	    TEST(no_two_authorities_are_alike),
	    TEST(all_four_files_are_replaced_or_none),
	    TEST(makes_the_folders_that_are_missing),
	    TEST(refuses_folders_that_cannot_be),
	    TEST(takes_a_path_that_is_not_too_long),
	    TEST(trusts_each_authority_once),
	    TEST(what_cannot_be_put_in_its_place_does_not_stay_beside_it),
	    TEST(refuses_lives_that_make_no_sense),
	    TEST(describes_what_people_want_to_know),
	    TEST(describes_each_certificate_of_a_file),
	    TEST(the_fingerprint_is_the_one_of_openssl),
	    TEST(describes_hostile_names_harmlessly),
	    TEST(pairs_are_loaded_from_files_named_in_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
