/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewal over the years, the clock passed in; about 10 s, most of it openssl
 * verifying at each step.
 */
#include "certs/authority.h"
#include "certs/keypair.h"
#include "policy/base/file.h"
#include "tests/unit/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY = 86400, PATH = 512, NOW = 1800000000, OVERLAP = 7 };

static const char *const names[] = {"policy-gate.policy-gate.svc", "::1"};

static const struct authority_request usual = {.names = names,
    .nnames = 2,
    .now = NOW,
    .ca_life = 3650LL * DAY,
    .leaf_life = 90LL * DAY,
    .overlap = OVERLAP * DAY};

/* Every test has a folder of its own, with what init makes in it. */
static int
setup(void **state)
{
	struct error err = ERROR_INIT;

	return make_folder(state) == 0
		   ? authority_init(*state, &usual, true, &err)
		   : -1;
}

static const char *
path_in(const char *dir, const char *file)
{
	static char path[PATH];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return path;
}

static struct authority_report
renew(const char *dir, const struct authority_request *r)
{
	struct authority_report report;
	struct error err = ERROR_INIT;

	if (authority_renew(dir, r, &report, &err) != 0)
		fail_msg(
		    "day %lld: %s", (long long)(r->now - NOW) / DAY, err.msg);
	return report;
}

/* As a client would at `now`: one who has that bundle, and is served that. */
static void
verify(const char *dir, const char *bundle, const char *served, int64_t now)
{
	run("openssl verify -x509_strict -purpose sslserver -attime %lld "
	    "-verify_hostname policy-gate.policy-gate.svc -CAfile %s/%s %s/%s "
	    ">/dev/null",
	    (long long)now, dir, bundle, dir, served);
}

static ino_t
inode(const char *dir)
{
	struct stat st;

	assert_int_equal(stat(path_in(dir, "tls.crt"), &st), 0);
	return st.st_ino;
}

/* Copies what is there, so that somebody late can be asked. */
static void
remember(const char *dir)
{
	run("cp %s/ca.crt %s/last-ca.crt; cp %s/tls.crt %s/last-tls.crt", dir,
	    dir, dir, dir);
}

/*
 * Clients that are late with the bundle, and servers that are late with the
 * leaf, by a bit less than the overlap: each step must suit them as well.
 */
struct late {
	int bundle_until; /* day up to which late-ca.crt is somebody's */
	int leaf_until;
};

static void
check_step(const char *dir, const struct authority_report *r, struct late *late,
    int day)
{
	const int64_t now = NOW + (int64_t)day * DAY;

	if (r->new_ca || r->dropped > 0) {
		run("cp %s/last-ca.crt %s/late-ca.crt", dir, dir);
		late->bundle_until = day + OVERLAP - 1;
	}
	if (r->new_leaf) {
		run("cp %s/last-tls.crt %s/late-tls.crt", dir, dir);
		late->leaf_until = day + OVERLAP - 1;
	}
	verify(dir, "ca.crt", "tls.crt", now);
	if (day <= late->bundle_until)
		verify(dir, "late-ca.crt", "tls.crt", now);
	if (day <= late->leaf_until)
		verify(dir, "ca.crt", "late-tls.crt", now);
	remember(dir);
}

static void
every_step_of_ten_years_is_trusted(void **state)
{
	static const struct {
		const char *name;
		int days;
		int step; /* less than the overlap */
		int ca_days;
		int leaf_days;
		int leaves; /* how many new ones at the least, and most */
		int leaves_max;
		int authorities;
	} rows[] = {
	    {"as by default", 3652, 3, 3650, 90, 57, 62, 1},
	    {"a year's authority", 1461, 5, 366, 90, 24, 30, 5},
	    {"yearly certificates", 3652, 6, 3650, 365, 14, 17, 1},
	};
	struct authority_request r = usual;
	const char *dir = *state;
	struct error err = ERROR_INIT;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int day, leaves = 0, authorities = 0;
		struct late late = {-1, -1};

		r.now = NOW;
		r.ca_life = (int64_t)rows[i].ca_days * DAY;
		r.leaf_life = (int64_t)rows[i].leaf_days * DAY;
		assert_int_equal(authority_init(dir, &r, true, &err), 0);
		remember(dir);
		for (day = 0; day < rows[i].days; day += rows[i].step) {
			struct authority_report report;

			r.now = NOW + (int64_t)day * DAY;
			report = renew(dir, &r);
			leaves += report.new_leaf;
			authorities += report.new_ca;
			assert_true(
			    report.leaf_not_after <= report.ca_not_after);
			assert_true(report.next > r.now);
			if (report.new_ca || report.new_leaf ||
			    report.dropped > 0)
				check_step(dir, &report, &late, day);
		}
		if (leaves < rows[i].leaves || leaves > rows[i].leaves_max ||
		    authorities != rows[i].authorities)
			fail_msg("%s: %d certificates, %d authorities",
			    rows[i].name, leaves, authorities);
	}
}

/* Each step at its second, and nothing a second before. */
static void
an_authority_goes_in_steps(void **state)
{
	static const struct {
		int64_t at;
		bool new_ca;
		bool new_leaf;
		int dropped;
		const char *next;
	} rows[] = {
	    {0, false, false, 0, "a new certificate"},
	    {60LL * DAY - 1, false, false, 0, "a new certificate"},
	    {60LL * DAY, false, true, 0, "a new certificate"},
	    {60LL * DAY, false, false, 0, "a new certificate"},
	    {61LL * DAY, true, false, 0, "a certificate of the new authority"},
	    {61LL * DAY, false, false, 0, "a certificate of the new authority"},
	    {68LL * DAY - 1, false, false, 0,
		"a certificate of the new authority"},
	    {68LL * DAY, false, true, 0, "dropping the old authority"},
	    {75LL * DAY - 1, false, false, 0, "dropping the old authority"},
	    {75LL * DAY, false, false, 1, "a new certificate"},
	    {75LL * DAY, false, false, 0, "a new certificate"},
	};
	const char *dir = *state;
	struct authority_request r = usual;
	struct authority_report report;
	ino_t before;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r.now = NOW + rows[i].at;
		r.renew_ca = rows[i].new_ca;
		before = inode(dir);
		report = renew(dir, &r);
		if (report.new_ca != rows[i].new_ca ||
		    report.new_leaf != rows[i].new_leaf ||
		    report.dropped != rows[i].dropped ||
		    strcmp(report.next_what, rows[i].next) != 0)
			fail_msg("row %zu: %d %d %d, next %s", i, report.new_ca,
			    report.new_leaf, report.dropped, report.next_what);
		/* Where nothing changes, nothing is written. */
		assert_int_equal(inode(dir) != before,
		    report.new_ca || report.new_leaf || report.dropped > 0);
		verify(dir, "ca.crt", "tls.crt", r.now);
	}
}

static void
a_bundle_that_is_not_out_holds_the_certificate_back(void **state)
{
	const char *dir = *state;
	struct authority_request r = usual;

	r.renew_ca = true;
	assert_true(renew(dir, &r).new_ca);
	r.renew_ca = false;
	r.now += 8 * DAY;
	r.unpublished = true;
	assert_false(renew(dir, &r).new_leaf);
	r.unpublished = false;
	assert_true(renew(dir, &r).new_leaf);
	/* A renewal under the same authority has nothing to wait for. */
	r.now += 80 * DAY;
	r.unpublished = true;
	assert_true(renew(dir, &r).new_leaf);
}

static void
names_are_kept_unless_others_are_given(void **state)
{
	static const char *const other[] = {"other.svc"};
	const char *dir = *state;
	struct authority_request r = usual;

	r.nnames = 0;
	r.renew_leaf = true;
	assert_true(renew(dir, &r).new_leaf);
	verify(dir, "ca.crt", "tls.crt", NOW);
	run("openssl verify -attime %d -CAfile %s/ca.crt -verify_ip ::1 "
	    "%s/tls.crt >/dev/null",
	    NOW, dir, dir);
	r.renew_leaf = false;
	assert_false(renew(dir, &r).new_leaf);
	r.names = other;
	r.nnames = 1;
	assert_true(renew(dir, &r).new_leaf);
	assert_false(renew(dir, &r).new_leaf);
	run("openssl verify -attime %d -CAfile %s/ca.crt -verify_hostname "
	    "other.svc %s/tls.crt >/dev/null",
	    NOW, dir, dir);
}

static void
keys_stay_private(void **state)
{
	const char *dir = *state;
	struct authority_request r = usual;

	umask(0);
	r.renew_ca = true;
	r.renew_leaf = true;
	renew(dir, &r);
	umask(022);
	run("cd %s; test \"$(stat -Lc %%a ca.key tls.key ca.crt tls.crt | "
	    "tr '\\n' ' ')\" = '600 600 644 644 '",
	    dir);
}

/* What init of an earlier version left, or a person put there. */
static void
plain_files_are_taken_over(void **state)
{
	const char *dir = *state;
	struct authority_request r = usual;

	run("cd %s; mkdir plain; cp -L ca.* tls.* plain; rm -r ca.* tls.* ..[ds]*; "
	    "mv plain/* .; rmdir plain; test ! -h tls.crt",
	    dir);
	assert_false(renew(dir, &r).new_leaf);
	r.renew_leaf = true;
	assert_true(renew(dir, &r).new_leaf);
	verify(dir, "ca.crt", "tls.crt", NOW);
	run("cd %s; test -h tls.crt -a -h ca.key; test $(ls -A | wc -l) = 6",
	    dir);
}

static void
two_at_once_do_not_work(void **state)
{
	const char *dir = *state;
	struct authority_report report;
	struct error err = ERROR_INIT;
	const int fd = open(dir, O_RDONLY | O_DIRECTORY);

	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(authority_renew(dir, &usual, &report, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	close(fd);
	renew(dir, &usual);
}

/* An authority in `other`, to take foreign things from. */
#define OTHER                                                                                              \
	"mkdir o; cd o; openssl req -x509 -newkey ec -pkeyopt "                                            \
	"ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=other -addext keyUsage=critical,keyCertSign " \
	"-keyout ca.key -out ca.crt 2>/dev/null; cd ..; "

static const struct {
	const char *name;
	const char *spoil; /* a shell's words, in the folder */
	int days;          /* later */
	bool mend;
	const char *says; /* the error, or NULL: it works, and... */
	bool new_ca;
	bool new_leaf;
} spoiled[] = {
    {"ca.key is not there", "rm ca.key", 0, false, "ca.key is not there", false,
	false},
    {"that, mended: what is served is still good", "rm ca.key", 0, true, NULL,
	true, false},
    {"ca.key is another's", OTHER "cp o/ca.key .", 0, false,
	"ca.key belongs to none of the authorities in ca.crt", false, false},
    {"that, mended", OTHER "cp o/ca.key .", 0, true, NULL, true, false},
    {"ca.key is half written", "truncate -s 100 ca.key", 0, false,
	"ca.key: there is no key", false, false},
    {"that, mended", "truncate -s 100 ca.key", 0, true, NULL, true, false},
    {"ca.key is empty", ": >ca.key", 0, true, NULL, true, false},
    {"ca.crt is not there", "rm ca.crt", 0, false, "ca.crt: it is not there",
	false, false},
    {"that, mended: nobody trusts what is served", "rm ca.crt", 0, true, NULL,
	true, true},
    {"ca.crt is half written", "truncate -s 300 ca.crt", 0, true, NULL, true,
	true},
    {"a foreign authority and key", OTHER "cp o/ca.* .", 0, false, NULL, false,
	true},
    {"a foreign authority besides", OTHER "cat o/ca.crt >>ca.crt", 0, false,
	NULL, false, false},
    {"the leaf as an authority", "cp tls.crt ca.crt; cp tls.key ca.key", 0,
	false, "belongs to none", false, false},
    {"tls.key is another's", OTHER "cp o/ca.key tls.key", 0, false, NULL, false,
	true},
    {"tls.key is not there", "rm tls.key", 0, false, NULL, false, true},
    {"tls.crt is not there", "rm tls.crt", 0, false, NULL, false, true},
    {"tls.crt is half written", "truncate -s 300 tls.crt", 0, false, NULL,
	false, true},
    {"tls.crt is of a foreign authority",
	OTHER "cp o/ca.crt tls.crt; cp o/ca.key tls.key", 0, false, NULL, false,
	true},
    {"tls.crt has ended", ":", 91, false, NULL, false, true},
    {"the authority has ended", ":", 3651, false, NULL, true, true},
    {"all is gone", "rm ca.* tls.*", 0, true, NULL, true, true},
};

static void
what_is_wrong_is_told_or_mended(void **state)
{
	const char *dir = *state;
	size_t i;

	for (i = 0; i < sizeof(spoiled) / sizeof(spoiled[0]); i++) {
		struct authority_request r = usual;
		struct authority_report report;
		struct error err = ERROR_INIT;
		int rc;

		assert_int_equal(authority_init(dir, &usual, true, &err), 0);
		run("cd %s; rm -rf o; %s", dir, spoiled[i].spoil);
		r.now += spoiled[i].days * (int64_t)DAY;
		r.mend = spoiled[i].mend;
		rc = authority_renew(dir, &r, &report, &err);
		if (spoiled[i].says != NULL) {
			if (rc == 0 || strstr(err.msg, spoiled[i].says) == NULL)
				fail_msg(
				    "%s: \"%s\"", spoiled[i].name, err.msg);
			continue;
		}
		if (rc != 0 || report.new_ca != spoiled[i].new_ca ||
		    report.new_leaf != spoiled[i].new_leaf)
			fail_msg("%s: \"%s\" %d %d", spoiled[i].name, err.msg,
			    report.new_ca, report.new_leaf);
		verify(dir, "ca.crt", "tls.crt", r.now);
	}
}

static void
refuses_what_makes_no_sense(void **state)
{
	struct authority_report report;
	struct authority_request r = usual;
	struct error err = ERROR_INIT;

	r.overlap = 30LL * DAY;
	assert_int_equal(authority_renew(*state, &r, &report, &err), -1);
	assert_non_null(strstr(err.msg, "a quarter"));
	error_clear(&err);
	assert_int_equal(
	    authority_renew("/nonexistent", &usual, &report, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	/* Whom would a new one be for? */
	error_clear(&err);
	r = usual;
	r.nnames = 0;
	run("rm %s/tls.crt", (const char *)*state);
	assert_int_equal(authority_renew(*state, &r, &report, &err), -1);
	assert_non_null(strstr(err.msg, "--dns"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(every_step_of_ten_years_is_trusted),
	    TEST(an_authority_goes_in_steps),
	    TEST(a_bundle_that_is_not_out_holds_the_certificate_back),
	    TEST(names_are_kept_unless_others_are_given),
	    TEST(keys_stay_private),
	    TEST(plain_files_are_taken_over),
	    TEST(two_at_once_do_not_work),
	    TEST(what_is_wrong_is_told_or_mended),
	    TEST(refuses_what_makes_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
