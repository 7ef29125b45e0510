/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/keypair.h"

#include "certs/authority.h"
#include "policy/base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DAY_S = 86400, TEXT_MAX = 16 * 1024, PATIENCE_MS = 20000 };

#define BEGIN_CERT "-----BEGIN CERTIFICATE-----\n"

/* Made once: an authority, its leaf, and a second pair. */
static struct {
	int64_t now;
	char *ca;
	char *cert;
	char *key;
	char *other_key;
	char *encrypted;    /* PKCS #8 */
	char *encrypted_ec; /* the old way, with Proc-Type */
} pem;

/* What a shell command writes; free() it. */
static char *
output_of(const char *command)
{
	char *text = calloc(1, TEXT_MAX);
	FILE *p = popen(command, "r");

	assert_non_null(text);
	assert_non_null(p);
	text[fread(text, 1, TEXT_MAX - 1, p)] = '\0';
	assert_int_equal(pclose(p), 0);
	return text;
}

static char *
take(const char *dir, const char *name)
{
	struct error err = ERROR_INIT;
	char path[128], *text;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	text = file_read(path, TEXT_MAX, &len, &err);
	assert_non_null(text);
	return text;
}

static void
make_authority(const char *dir)
{
	static const char *const names[] = {"gate.example"};
	const struct authority_request r = {.names = names,
	    .nnames = 1,
	    .now = pem.now,
	    .ca_life = 10 * DAY_S,
	    .leaf_life = 5 * DAY_S};
	struct error err = ERROR_INIT;

	assert_int_equal(authority_init(dir, &r, true, &err), 0);
}

static int
setup(void **state)
{
	char dir[] = "/tmp/policy-gate-keypair-XXXXXX", command[256];

	(void)state;
	assert_non_null(mkdtemp(dir));
	pem.now = time(NULL);
	make_authority(dir);
	pem.other_key = take(dir, "tls.key");
	make_authority(dir);
	snprintf(command, sizeof(command),
	    "openssl pkcs8 -topk8 -passout pass:secret -in %s/tls.key", dir);
	pem.encrypted = output_of(command);
	snprintf(command, sizeof(command),
	    "openssl ec -aes128 -passout pass:secret -in %s/tls.key 2>&-", dir);
	pem.encrypted_ec = output_of(command);
	pem.ca = take(dir, "ca.crt");
	pem.cert = take(dir, "tls.crt");
	pem.key = take(dir, "tls.key");
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static int
teardown(void **state)
{
	(void)state;
	free(pem.ca);
	free(pem.cert);
	free(pem.key);
	free(pem.other_key);
	free(pem.encrypted);
	free(pem.encrypted_ec);
	return 0;
}

static struct keypair *
make(const char *cert, const char *key, struct error *err)
{
	const struct keypair_pem p = {cert, strlen(cert), key, strlen(key)};

	/* Later than whatever a test has made in between. */
	return keypair_new(&p, pem.now + DAY_S, err);
}

/* Several texts one after the other; free() it. */
static char *
join(size_t n, const char *const *parts)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(1024 * 1024);
	size_t i;

	for (i = 0; i < n; i++)
		buf_puts(&b, parts[i]);
	assert_false(buf_failed(&b));
	return buf_take(&b);
}

/* A text with the character at its middle replaced; free() it. */
static char *
damaged(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	copy[strlen(copy) / 2] = '!';
	return copy;
}

/* Takes `cert`, which it frees, and `key`. */
static void
expect(const char *name, char *cert, const char *key, enum err_code code,
    const char *says)
{
	AUTO(keypair_free) struct keypair *kp = NULL;
	struct error err = ERROR_INIT;

	kp = make(cert, key, &err);
	free(cert);
	if ((kp != NULL) != (code == ERR_NONE) || err.code != code ||
	    strstr(err.msg, says) == NULL)
		fail_msg("%s: code %d, \"%s\"", name, err.code, err.msg);
	if (ERR_peek_error() != 0)
		fail_msg("%s: the error queue is not empty", name);
}

#define JOIN(...)                                                          \
	join(sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *), \
	    (const char *[]){__VA_ARGS__})

static void
takes_a_chain_and_its_key_and_nothing_less(void **state)
{
	AUTO(free) char *bad_leaf = damaged(pem.cert);
	AUTO(free) char *bad_ca = damaged(pem.ca);
	AUTO(free) char *bad_key = damaged(pem.key);
	AUTO(free) char *colon = strdup(pem.cert);

	(void)state;
	expect("pair", strdup(pem.cert), pem.key, ERR_NONE, "");
	expect("chain", JOIN(pem.cert, pem.ca), pem.key, ERR_NONE, "");
	expect("words_around", JOIN("Our certificate:\r\n", pem.cert, "end\n"),
	    pem.key, ERR_NONE, "");
	expect(
	    "both_in_one_file", JOIN(pem.key, pem.cert), pem.key, ERR_NONE, "");
	expect("empty", strdup(""), pem.key, ERR_SYNTAX, "no certificate");
	expect("garbage", strdup("\x01\xff garbage"), pem.key, ERR_SYNTAX,
	    "no certificate");
	expect("key_as_certificate", strdup(pem.key), pem.key, ERR_SYNTAX,
	    "no certificate");
	expect("damaged", JOIN(bad_leaf), pem.key, ERR_SYNTAX,
	    "certificate 1 is broken");
	/* libcrypto fails without saying why. */
	*strchr(strchr(colon, '\n') + 10, 'A') = ':';
	expect("colon_is_no_lack_of_memory", JOIN(colon), pem.key, ERR_SYNTAX,
	    "certificate 1 is broken");
	expect("damaged_further_on", JOIN(pem.cert, bad_ca), pem.key,
	    ERR_SYNTAX, "certificate 2 is broken");
	expect("only_begun", JOIN(pem.cert, BEGIN_CERT), pem.key, ERR_SYNTAX,
	    "certificate 2 is broken");
	expect("no_key", strdup(pem.cert), "", ERR_SYNTAX, "no key");
	expect("certificate_as_key", strdup(pem.cert), pem.cert, ERR_SYNTAX,
	    "no key");
	expect("damaged_key", strdup(pem.cert), bad_key, ERR_SYNTAX, "no key");
	expect("another_key", strdup(pem.cert), pem.other_key, ERR_INVALID,
	    "does not belong");
	expect("authority_first", JOIN(pem.ca, pem.cert), pem.key, ERR_INVALID,
	    "does not belong");
	expect("encrypted", strdup(pem.cert), pem.encrypted, ERR_INVALID,
	    "encrypted");
	expect("encrypted_the_old_way", strdup(pem.cert), pem.encrypted_ec,
	    ERR_INVALID, "encrypted");
}

static void
bounds_what_it_reads(void **state)
{
	const char *many[KEYPAIR_CHAIN_MAX + 1];
	const size_t large = KEYPAIR_PEM_MAX + 1;
	char *text = calloc(1, large + 1);
	size_t i;

	(void)state;
	for (i = 0; i <= KEYPAIR_CHAIN_MAX; i++)
		many[i] = pem.cert;
	expect("longest", join(KEYPAIR_CHAIN_MAX, many), pem.key, ERR_NONE, "");
	expect("too_long", join(KEYPAIR_CHAIN_MAX + 1, many), pem.key,
	    ERR_LIMIT, "16 certificates");
	assert_non_null(text);
	memset(text, 'a', large);
	expect("too_large", text, pem.key, ERR_LIMIT, "bytes");
}

/* Every beginning of a good text is refused in an orderly way. */
static void
refuses_what_is_cut_short(void **state)
{
	const size_t len = strlen(pem.cert), key_len = strlen(pem.key);
	struct keypair_pem p = {pem.cert, 0, pem.key, key_len};
	size_t n;

	(void)state;
	for (n = 0; n < len - 1; n++) {
		struct error err = ERROR_INIT;

		p.cert_len = n;
		if (keypair_new(&p, pem.now, &err) != NULL ||
		    err.code != ERR_SYNTAX)
			fail_msg("%zu bytes: code %d", n, err.code);
	}
	p.cert_len = len;
	for (n = 0; n < key_len - 1; n++) {
		struct error err = ERROR_INIT;

		p.key_len = n;
		if (keypair_new(&p, pem.now, &err) != NULL ||
		    err.code != ERR_SYNTAX)
			fail_msg("key of %zu bytes: code %d", n, err.code);
	}
	assert_int_equal(ERR_peek_error(), 0);
}

static void
takes_the_keys_that_api_servers_take(void **state)
{
	static const struct {
		const char *algorithm;
		enum err_code code;
	} rows[] = {
	    {"rsa:2048", ERR_NONE},
	    {"ec -pkeyopt ec_paramgen_curve:P-256", ERR_NONE},
	    {"ec -pkeyopt ec_paramgen_curve:P-384", ERR_NONE},
	    {"ec -pkeyopt ec_paramgen_curve:P-521", ERR_NONE},
	    {"ed25519", ERR_NONE},
	    {"ec -pkeyopt ec_paramgen_curve:secp256k1", ERR_INVALID},
	    {"ed448", ERR_INVALID},
	    {"rsa-pss", ERR_INVALID},
	};
	char command[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(free) char *text = NULL;

		snprintf(command, sizeof(command),
		    "openssl req -x509 -subj /CN=x -days 2 -nodes -keyout - "
		    "-newkey %s 2>&-",
		    rows[i].algorithm);
		text = output_of(command);
		expect(rows[i].algorithm, strdup(text), text, rows[i].code,
		    rows[i].code == ERR_NONE ? "" : "API servers");
	}
}

static void
judges_the_dates_by_the_time_given(void **state)
{
	static const struct {
		int64_t after;
		const char *says; /* NULL: works */
	} rows[] = {
	    {-2 * 3600, "not valid yet"},
	    {-1800, NULL}, /* an hour's grace for clocks that are behind */
	    {5 * DAY_S - 60, NULL},
	    {5 * DAY_S, "expired"},
	};
	struct keypair_pem p = {
	    pem.cert, strlen(pem.cert), pem.key, strlen(pem.key)};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(keypair_free) struct keypair *kp = NULL;
		struct error err = ERROR_INIT;

		kp = keypair_new(&p, pem.now + rows[i].after, &err);
		if ((kp != NULL) != (rows[i].says == NULL) ||
		    (kp == NULL && strstr(err.msg, rows[i].says) == NULL))
			fail_msg("at %lld: \"%s\"", (long long)rows[i].after,
			    err.msg);
		if (kp != NULL)
			assert_int_equal(
			    keypair_not_after(kp), pem.now + 5 * DAY_S);
	}
}

/* libcrypto reads a certificate whose dates are in no calendar. */
static void
refuses_dates_that_nobody_can_read(void **state)
{
	BIO *in = BIO_new_mem_buf(pem.cert, -1), *out = BIO_new(BIO_s_mem());
	X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);
	struct error err = ERROR_INIT;
	struct keypair_pem p = {.key = pem.key, .key_len = strlen(pem.key)};
	char *text;

	(void)state;
	assert_non_null(x);
	ASN1_STRING_set(X509_getm_notAfter(x), "991399999999Z", -1);
	assert_true(i2d_re_X509_tbs(x, NULL) > 0); /* or it is as it was read */
	assert_int_equal(PEM_write_bio_X509(out, x), 1);
	p.cert_len = (size_t)BIO_get_mem_data(out, &text);
	p.cert = text;
	assert_null(keypair_new(&p, pem.now, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(ERR_peek_error(), 0);
	X509_free(x);
	BIO_free(in);
	BIO_free(out);
}

/* Whether a process with a terminal of its own writes to it, or waits. */
static bool
asks_the_terminal(const char *cert, const char *key)
{
	struct pollfd p = {.events = POLLIN};
	struct error err = ERROR_INIT;
	bool asked;
	int status;
	char byte;
	pid_t pid = forkpty(&p.fd, NULL, NULL, NULL);

	assert_true(pid >= 0);
	if (pid == 0) {
		keypair_free(make(cert, key, &err));
		_exit(0);
	}
	/* The end of the child reads as an error or as nothing. */
	asked = poll(&p, 1, PATIENCE_MS) != 1 || read(p.fd, &byte, 1) == 1;
	close(p.fd); /* hangs up on whoever waits */
	waitpid(pid, &status, 0);
	return asked;
}

static void
never_asks_for_a_passphrase(void **state)
{
	static const char header[] = BEGIN_CERT
	    "Proc-Type: 4,ENCRYPTED\n"
	    "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n";
	AUTO(free) char *cert = NULL;

	(void)state;
	cert = JOIN(header, strchr(pem.cert, '\n') + 1);
	assert_false(asks_the_terminal(pem.cert, pem.encrypted));
	assert_false(asks_the_terminal(pem.cert, pem.encrypted_ec));
	assert_false(asks_the_terminal(cert, pem.key));
	expect("encrypted_certificate", strdup(cert), pem.key, ERR_SYNTAX,
	    "certificate 1 is broken");
}

static void
keeps_the_texts_that_it_was_given(void **state)
{
	struct error err = ERROR_INIT;
	AUTO(keypair_free) struct keypair *kp = make(pem.cert, pem.key, &err);

	(void)state;
	assert_non_null(kp);
	assert_string_equal(keypair_pem(kp)->cert, pem.cert);
	assert_string_equal(keypair_pem(kp)->key, pem.key);
	assert_ptr_not_equal(keypair_pem(kp)->key, pem.key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_a_chain_and_its_key_and_nothing_less),
	    cmocka_unit_test(bounds_what_it_reads),
	    cmocka_unit_test(refuses_what_is_cut_short),
	    cmocka_unit_test(takes_the_keys_that_api_servers_take),
	    cmocka_unit_test(judges_the_dates_by_the_time_given),
	    cmocka_unit_test(refuses_dates_that_nobody_can_read),
	    cmocka_unit_test(never_asks_for_a_passphrase),
	    cmocka_unit_test(keeps_the_texts_that_it_was_given),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
