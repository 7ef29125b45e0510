/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"

#include "certs/keypair.h"
#include "policy/base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DAY = 86400, PATH = 512 };

static const char *const names[] = {
    "policy-gate.policy-gate.svc", "*.example.com", "127.0.0.1", "::1"};
static const char *const files[] = {"ca.crt", "ca.key", "tls.crt", "tls.key"};

/* Every test has a folder of its own. */
static int
make_folder(void **state)
{
	char *dir = strdup("/tmp/policy-gate-certs-XXXXXX");

	*state = dir;
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static const char *
path_in(const char *dir, const char *file)
{
	static char path[PATH];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return path;
}

static int
remove_folder(void **state)
{
	size_t i;

	for (i = 0; i < 4; i++)
		unlink(path_in(*state, files[i]));
	rmdir(*state);
	free(*state);
	return 0;
}

static int
init(const char *dir, const char *const *list, size_t n, bool force,
    struct error *err)
{
	const struct authority_request r = {.names = list,
	    .nnames = n,
	    .now = time(NULL),
	    .ca_life = 3650 * DAY,
	    .leaf_life = 90 * DAY};

	return authority_init(dir, &r, force, err);
}

static void
run(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
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

	assert_int_equal(init(*state, names, 1, false, &err), 0);
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
	    "a.", "*", "a.*.b", "é", "256.1.1.1 ", "a,DNS:evil", "a\nb",
	    "x123456789012345678901234567890123456789012345678901234567890123"
	    ".svc"};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error err = ERROR_INIT;

		if (init(*state, &bad[i], 1, false, &err) == 0 ||
		    err.code != ERR_INVALID)
			fail_msg("\"%s\" was taken", bad[i]);
	}
	assert_int_equal(access(path_in(*state, "ca.crt"), F_OK), -1);
}

static void
describes_names_and_days_left(void **state)
{
	struct error err = ERROR_INIT;
	AUTO(buf_clear) struct buf out;

	buf_init(&out, 65536);
	assert_int_equal(init(*state, names, 4, false, &err), 0);
	assert_int_equal(certificate_describe(path_in(*state, "tls.crt"),
			     time(NULL), &out, &err),
	    0);
	assert_non_null(
	    strstr(buf_text(&out), "DNS:policy-gate.policy-gate.svc"));
	assert_non_null(strstr(buf_text(&out), "IP Address:127.0.0.1"));
	assert_non_null(strstr(buf_text(&out), "policy-gate CA "));
	assert_non_null(strstr(buf_text(&out), "90 days left"));
	buf_truncate(&out, 0);
	assert_int_equal(certificate_describe(path_in(*state, "tls.crt"),
			     time(NULL) + 100 * DAY, &out, &err),
	    0);
	assert_non_null(strstr(buf_text(&out), "expired 10 days ago"));
}

static struct keypair *
load(const char *dir, const char *key_dir, int64_t now, struct error *err)
{
	AUTO(free) char *cert = strdup(path_in(dir, "tls.crt"));

	return keypair_load(cert, path_in(key_dir, "tls.key"), now, err);
}

static void
loads_the_pair_it_made(void **state)
{
	AUTO(keypair_unref) struct keypair *kp = NULL;
	struct error err = ERROR_INIT;

	assert_int_equal(init(*state, names, 1, false, &err), 0);
	kp = load(*state, *state, time(NULL), &err);
	assert_non_null(kp);
	assert_true(keypair_not_after(kp) > time(NULL) + 89 * DAY);
	assert_non_null(
	    strstr(keypair_pem(kp)->cert, "-----BEGIN CERTIFICATE-----"));
}

static void
refuses_pairs_that_cannot_serve(void **state)
{
	char other[] = "/tmp/policy-gate-certs-XXXXXX";
	struct error err = ERROR_INIT;

	assert_non_null(mkdtemp(other));
	assert_int_equal(init(*state, names, 1, false, &err), 0);
	assert_int_equal(init(other, names, 1, false, &err), 0);
	assert_null(load(*state, other, time(NULL), &err));
	assert_int_equal(err.code, ERR_INVALID);
	error_clear(&err);
	assert_null(load(*state, *state, time(NULL) + 91 * DAY, &err));
	assert_non_null(strstr(err.msg, "expired"));
	error_clear(&err);
	assert_null(load(*state, *state, time(NULL) - 2 * DAY, &err));
	assert_non_null(strstr(err.msg, "not valid yet"));
	error_clear(&err);
	run("openssl ec -in %s/tls.key -aes128 -passout pass:secret -out "
	    "%s/tls.key.new 2>/dev/null && mv %s/tls.key.new %s/tls.key",
	    other, other, other, other);
	assert_null(load(other, other, time(NULL), &err));
	assert_int_equal(err.code, ERR_SYNTAX);
	error_clear(&err);
	run("truncate -s 100 %s/tls.crt", other);
	assert_null(load(other, other, time(NULL), &err));
	assert_int_equal(err.code, ERR_SYNTAX);
	error_clear(&err);
	assert_null(load("/nonexistent", other, time(NULL), &err));
	assert_int_equal(err.code, ERR_SYSTEM);
	run("rm -r %s", other);
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
	    TEST(describes_names_and_days_left),
	    TEST(loads_the_pair_it_made),
	    TEST(refuses_pairs_that_cannot_serve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
