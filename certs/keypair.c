/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/keypair.h"

#include "certs/crypto.h"
#include "certs/pem.h"
#include "policy/base/file.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>

enum { CURVE_NAME_MAX = 64 };

struct keypair {
	char *cert; /* owned copies; the key's is wiped */
	char *key;
	struct keypair_pem pem;
	int64_t not_after;
};

/* A terminated copy, or NULL. */
static char *
copy(const char *s, size_t len)
{
	char *p = calloc(len + 1, 1);

	if (p != NULL)
		memcpy(p, s, len);
	return p;
}

static int
check_leaf(X509 *leaf, int64_t now, struct keypair *kp, struct error *err)
{
	int64_t not_before;

	if (pem_time(X509_get0_notBefore(leaf), &not_before) != 0 ||
	    pem_time(X509_get0_notAfter(leaf), &kp->not_after) != 0)
		return error_set(
		    err, ERR_INVALID, "the certificate has unreadable dates");
	if (now < not_before)
		return error_set(
		    err, ERR_INVALID, "the certificate is not valid yet");
	if (now >= kp->not_after)
		return error_set(
		    err, ERR_INVALID, "the certificate has expired");
	return 0;
}

/* What Go's TLS, and so an API server, can verify, and GnuTLS can sign with. */
static bool
is_usable(const EVP_PKEY *key)
{
	static const char *const curves[] = {
	    "prime256v1", "secp384r1", "secp521r1"};
	char curve[CURVE_NAME_MAX];
	size_t i;

	if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "ED25519"))
		return true;
	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) != 1)
		return false;
	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (strcmp(curve, curves[i]) == 0)
			return true;
	return false;
}

static int
check(const struct keypair_pem *pem, int64_t now, struct keypair *kp,
    struct error *err)
{
	AUTO(pem_chain_free) struct stack_st_X509 *chain = NULL;
	AUTO(EVP_PKEY_free) EVP_PKEY *key = NULL;
	X509 *leaf;

	chain = pem_chain(pem->cert, pem->cert_len, KEYPAIR_CHAIN_MAX, err);
	if (chain == NULL)
		return -1;
	key = pem_private_key(pem->key, pem->key_len, err);
	if (key == NULL)
		return -1;
	leaf = sk_X509_value(chain, 0);
	if (X509_check_private_key(leaf, key) != 1)
		return crypto_failed(err, ERR_INVALID,
		    "the key does not belong to the first certificate");
	if (!is_usable(key))
		return error_set(err, ERR_INVALID,
		    "a key of this kind does not work with API servers; RSA, "
		    "ECDSA on P-256, P-384 or P-521, and Ed25519 do");
	return check_leaf(leaf, now, kp, err);
}

struct keypair *
keypair_new(const struct keypair_pem *pem, int64_t now, struct error *err)
{
	AUTO(keypair_free) struct keypair *kp = NULL;
	int rc;

	if (pem->cert_len > KEYPAIR_PEM_MAX || pem->key_len > KEYPAIR_PEM_MAX) {
		error_set(err, ERR_LIMIT, "PEM over %d bytes", KEYPAIR_PEM_MAX);
		return NULL;
	}
	kp = calloc(1, sizeof(*kp));
	if (kp == NULL) {
		error_set(err, ERR_NOMEM, "keypair");
		return NULL;
	}
	kp->cert = copy(pem->cert, pem->cert_len);
	kp->key = copy(pem->key, pem->key_len);
	kp->pem = (struct keypair_pem){
	    kp->cert, pem->cert_len, kp->key, pem->key_len};
	if (kp->cert == NULL || kp->key == NULL) {
		error_set(err, ERR_NOMEM, "keypair");
		return NULL;
	}
	rc = check(pem, now, kp, err);
	ERR_clear_error();
	return rc == 0 ? TAKE(kp) : NULL;
}

struct keypair *
keypair_load(
    const char *cert_file, const char *key_file, int64_t now, struct error *err)
{
	AUTO(free) char *cert = NULL;
	struct keypair_pem pem = {0};
	struct keypair *kp = NULL;
	char *key = NULL;

	cert = file_read(cert_file, KEYPAIR_PEM_MAX, &pem.cert_len, err);
	if (cert != NULL)
		key = file_read(key_file, KEYPAIR_PEM_MAX, &pem.key_len, err);
	if (key == NULL)
		return NULL;
	pem.cert = cert;
	pem.key = key;
	kp = keypair_new(&pem, now, err);
	if (kp == NULL)
		error_wrap(err, "%.80s, %.80s", cert_file, key_file);
	OPENSSL_cleanse(key, pem.key_len);
	free(key);
	return kp;
}

void
keypair_free(struct keypair *kp)
{
	if (kp == NULL)
		return;
	if (kp->key != NULL)
		OPENSSL_cleanse(kp->key, kp->pem.key_len);
	free(kp->key);
	free(kp->cert);
	free(kp);
}

const struct keypair_pem *
keypair_pem(const struct keypair *kp)
{
	return &kp->pem;
}

int64_t
keypair_not_after(const struct keypair *kp)
{
	return kp->not_after;
}
