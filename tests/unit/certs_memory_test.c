/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that runs out, libcrypto's included. Some of its parts say something
 * else then, so what counts here is that the result is right or refused, that
 * nothing is left behind, and that the error queue is empty.
 */
#include "certs/authority.h"
#include "certs/digest.h"
#include "certs/keypair.h"
#include "policy/base/file.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

enum { DAY_S = 86400, NOW = 1800000000, PATHS = 4, PATH = 128 };

static const char *const names[] = {"gate.example", "127.0.0.1"};

/* A folder with an authority in it. */
struct folder {
	char dir[64];
	char paths[PATHS][PATH]; /* ca.crt, ca.key, tls.crt, tls.key */
	char *cert;
	char *key;
};

static int
fill(struct folder *f, struct error *err)
{
	const struct authority_request r = {.names = names,
	    .nnames = 2,
	    .now = NOW,
	    .ca_life = 10 * DAY_S,
	    .leaf_life = 5 * DAY_S};

	return authority_init(f->dir, &r, true, err);
}

static int
setup(void **state)
{
	static const char *const files[] = {
	    "ca.crt", "ca.key", "tls.crt", "tls.key"};
	static struct folder f;
	struct error err = ERROR_INIT;
	size_t i, len;

	f = (struct folder){.dir = "/tmp/policy-gate-memory-XXXXXX"};
	assert_non_null(mkdtemp(f.dir));
	for (i = 0; i < PATHS; i++)
		snprintf(f.paths[i], PATH, "%s/%s", f.dir, files[i]);
	assert_int_equal(fill(&f, &err), 0);
	f.cert = file_read(f.paths[2], KEYPAIR_PEM_MAX, &len, &err);
	f.key = file_read(f.paths[3], KEYPAIR_PEM_MAX, &len, &err);
	assert_non_null(f.cert);
	assert_non_null(f.key);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct folder *f = *state;
	char command[3 * PATH];

	free(f->cert);
	free(f->key);
	/* Of each generation but the last nothing is left. */
	snprintf(command, sizeof(command),
	    "test $(ls -A %s | wc -l) = 6 && rm -r %s", f->dir, f->dir);
	return system(command);
}

static void
in_order(bool worked, const struct error *err)
{
	if (worked != (err->code == ERR_NONE))
		fail_msg("code %d: %s", err->code, err->msg);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
make_keypair(void *arg)
{
	const struct folder *f = arg;
	const struct keypair_pem p = {
	    f->cert, strlen(f->cert), f->key, strlen(f->key)};
	AUTO(keypair_free) struct keypair *kp = NULL;
	struct error err = ERROR_INIT;

	kp = keypair_new(&p, NOW, &err);
	in_order(kp != NULL, &err);
	if (kp != NULL)
		assert_int_equal(keypair_not_after(kp), NOW + 5 * DAY_S);
}

static void
load_keypair(void *arg)
{
	const struct folder *f = arg;
	AUTO(keypair_free) struct keypair *kp = NULL;
	struct error err = ERROR_INIT;

	kp = keypair_load(f->paths[2], f->paths[3], NOW, &err);
	in_order(kp != NULL, &err);
}

static void
make_authority(void *arg)
{
	struct folder *f = arg;
	struct error err = ERROR_INIT;
	const int rc = fill(f, &err);

	in_order(rc == 0, &err);
}

/* A set that wants everything renewed. */
static void
plan_renewal(void *arg)
{
	const struct folder *f = arg;
	const struct authority_request r = {.now = NOW + 4 * DAY_S,
	    .ca_life = 10 * DAY_S,
	    .leaf_life = 5 * DAY_S,
	    .renew_ca = true};
	AUTO(authority_set_clear) struct authority_set have = {0}, next = {0};
	struct authority_report report;
	struct error err = ERROR_INIT;
	enum authority_part i;
	int rc = 0;

	for (i = CA_CRT; rc == 0 && i < AUTHORITY_PARTS; i++) {
		have.parts[i].data = file_read(
		    f->paths[i], KEYPAIR_PEM_MAX, &have.parts[i].len, &err);
		rc = have.parts[i].data != NULL ? 0 : -1;
	}
	if (rc == 0)
		rc = authority_plan(&have, &r, &next, &report, &err);
	in_order(rc == 0, &err);
	if (rc == 0)
		assert_true(report.new_ca);
	else
		assert_null(next.parts[CA_CRT].data);
}

static void
describe_json(void *arg)
{
	const struct folder *f = arg;
	AUTO(json_decref) json_t *out = json_array();
	struct error err = ERROR_INIT;
	int rc;

	if (out == NULL)
		return;
	rc = certificate_describe_json(f->paths[2], NOW, out, &err);
	in_order(rc == 0, &err);
}

static void
bundle(void *arg)
{
	const struct folder *f = arg;
	AUTO(buf_clear) struct buf out = BUF_INIT(65536);
	struct error err = ERROR_INIT;
	int rc;

	rc = certificate_bundle(f->paths[0], &out, &err);
	in_order(rc == 0, &err);
}

static void
describe(void *arg)
{
	const struct folder *f = arg;
	AUTO(buf_clear) struct buf out = BUF_INIT(65536);
	struct error err = ERROR_INIT;
	int rc;

	rc = certificate_describe(f->paths[2], NOW, &out, &err);
	in_order(rc == 0, &err);
	if (rc == 0 && strstr(buf_text(&out), "gate.example") == NULL)
		assert_non_null(strstr(buf_text(&out), "(unreadable)"));
}

static void
hash(void *arg)
{
	char text[DIGEST_TEXT_MAX];
	struct error err = ERROR_INIT;
	const int rc = digest_of("sha256:", "abc", 3, text, &err);

	(void)arg;
	in_order(rc == 0, &err);
	if (rc == 0)
		assert_int_equal(strncmp(text, "sha256:ba7816bf", 15), 0);
}

/*
 * Calls `run` with allocation 0 failing, then `step`, and so on to the end;
 * then the same with all later ones failing too. Returns how many calls failed.
 */
static size_t
fail_every(size_t step, void (*run)(void *arg), void *arg)
{
	static void (*const arm[])(size_t n) = {alloc_fail_at, alloc_fail_from};
	size_t i, n, calls = 0;

	for (i = 0; i < 2; i++) {
		n = 0;
		do {
			arm[i](n);
			run(arg);
			n += step;
			calls++;
		} while (alloc_restore());
	}
	return calls - 2; /* the last of each got by */
}

static void
memory_may_run_out_anywhere(void **state)
{
	/* What takes thousands of allocations is tried at some of them: the
	 * most are libcrypto's, one like the other. */
	static const struct {
		const char *name;
		void (*run)(void *arg);
		size_t step;
	} rows[] = {
	    {"digest", hash, 1},
	    {"keypair_new", make_keypair, 5},
	    {"keypair_load", load_keypair, 37},
	    {"certificate_describe", describe, 3},
	    {"certificate_describe_json", describe_json, 7},
	    {"certificate_bundle", bundle, 7},
	    {"authority_plan", plan_renewal, 61},
	    {"authority_init", make_authority, 61},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (fail_every(rows[i].step, rows[i].run, *state) == 0)
			fail_msg("%s: nothing failed", rows[i].name);
}

static void *
crypto_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void *
crypto_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return realloc(p, n);
}

static void
crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		memory_may_run_out_anywhere, setup, teardown),
	};

	if (CRYPTO_set_mem_functions(
		crypto_malloc, crypto_realloc, crypto_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
