/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/pem.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

OWNED(BIO, BIO_free_all)
OWNED(ASN1_TIME, ASN1_TIME_free)

static BIO *
source(const char *pem, size_t len)
{
	return len > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
}

X509 *
pem_certificate(const char *pem, size_t len, size_t n)
{
	AUTO(BIO_free_all) BIO *in = source(pem, len);
	X509 *x = NULL;
	size_t i;

	if (in == NULL)
		return NULL;
	for (i = 0; i <= n; i++) {
		X509_free(x);
		x = PEM_read_bio_X509(in, NULL, NULL, NULL);
		if (x == NULL)
			break;
	}
	ERR_clear_error();
	return x;
}

static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

EVP_PKEY *
pem_private_key(const char *pem, size_t len)
{
	AUTO(BIO_free_all) BIO *in = source(pem, len);
	EVP_PKEY *key = NULL;

	if (in != NULL)
		key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
	ERR_clear_error();
	return key;
}

int
pem_time(const ASN1_TIME *t, int64_t *seconds)
{
	AUTO(ASN1_TIME_free) ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, rest;

	if (epoch == NULL || ASN1_TIME_diff(&days, &rest, epoch, t) != 1) {
		ERR_clear_error();
		return -1;
	}
	*seconds = (int64_t)days * 86400 + rest;
	return 0;
}
