/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/pem.h"

#include "certs/crypto.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

OWNED(BIO, BIO_free_all)

void
pem_chain_free(struct stack_st_X509 *chain)
{
	sk_X509_pop_free(chain, X509_free);
}

static BIO *
source(const char *pem, size_t len, struct error *err)
{
	BIO *in;

	ERR_clear_error(); /* what others left */
	in = len > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
	if (in == NULL)
		crypto_failed(err, ERR_NOMEM, "PEM");
	return in;
}

/*
 * For whatever is encrypted, a certificate included: without a callback
 * libcrypto asks the terminal. `arg` is a bool: whether it came to that.
 */
static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	*(bool *)arg = true;
	return -1;
}

/* After a certificate could not be read: whether there simply was none. */
static bool
is_end(void)
{
	const unsigned long e = ERR_peek_last_error();

	return ERR_GET_LIB(e) == ERR_LIB_PEM &&
	       ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

/* libcrypto takes a colon for a header's, and then says nothing of what is
 * wrong, which elsewhere means that memory is out. */
static int
broken(struct error *err, const char *what)
{
	return ERR_peek_error() == 0 ? error_set(err, ERR_SYNTAX, "%s", what)
				     : crypto_failed(err, ERR_SYNTAX, what);
}

/* Reads all there are into the chain; 0, or -1 with *err. */
static int
read_chain(BIO *in, struct stack_st_X509 *chain, int max, struct error *err)
{
	char what[64];
	bool asked = false;
	X509 *x;

	/* Takes "TRUSTED CERTIFICATE" of OpenSSL's own, too. */
	while ((x = PEM_read_bio_X509_AUX(in, NULL, no_passphrase, &asked)) !=
	       NULL) {
		if (sk_X509_num(chain) == max) {
			X509_free(x);
			return error_set(
			    err, ERR_LIMIT, "over %d certificates", max);
		}
		if (sk_X509_push(chain, x) == 0) {
			X509_free(x);
			return crypto_failed(err, ERR_NOMEM, "certificates");
		}
	}
	if (is_end() && sk_X509_num(chain) == 0)
		return crypto_failed(err, ERR_SYNTAX,
		    "there is no certificate (-----BEGIN CERTIFICATE-----)");
	snprintf(what, sizeof(what), "certificate %d is broken",
	    sk_X509_num(chain) + 1);
	if (!is_end())
		return broken(err, what);
	ERR_clear_error();
	return 0;
}

struct stack_st_X509 *
pem_chain(const char *pem, size_t len, int max, struct error *err)
{
	AUTO(BIO_free_all) BIO *in = source(pem, len, err);
	AUTO(pem_chain_free) struct stack_st_X509 *chain = NULL;

	if (in == NULL)
		return NULL;
	chain = sk_X509_new_null();
	if (chain == NULL) {
		crypto_failed(err, ERR_NOMEM, "certificates");
		return NULL;
	}
	return read_chain(in, chain, max, err) == 0 ? TAKE(chain) : NULL;
}

EVP_PKEY *
pem_private_key(const char *pem, size_t len, struct error *err)
{
	AUTO(BIO_free_all) BIO *in = source(pem, len, err);
	EVP_PKEY *key;
	bool asked = false;

	if (in == NULL)
		return NULL;
	key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, &asked);
	if (key == NULL && asked)
		crypto_failed(err, ERR_INVALID,
		    "the key is encrypted; it is needed without a passphrase");
	else if (key == NULL)
		broken(err, "there is no key (-----BEGIN PRIVATE KEY-----)");
	ERR_clear_error();
	return key;
}

int
pem_time(const ASN1_TIME *t, int64_t *seconds)
{
	struct tm tm;

	/* Does without memory: what is out of date must not depend on it. */
	if (ASN1_TIME_to_tm(t, &tm) != 1) {
		ERR_clear_error();
		return -1;
	}
	*seconds = timegm(&tm);
	return 0;
}
