/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/identity.h"

#include "certs/crypto.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>

OWNED(X509_EXTENSION, X509_EXTENSION_free)
OWNED(BIGNUM, BN_free)

enum { SERIAL_BITS = 127 };

void
identity_clear(struct identity *id)
{
	EVP_PKEY_free(id->key);
	X509_free(id->cert);
	*id = (struct identity){0};
}

static int
set_serial(X509 *x)
{
	AUTO(BN_free) BIGNUM *n = BN_new();

	return n != NULL && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, 0) == 1 &&
	       BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
}

static int
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	AUTO(X509_EXTENSION_free) X509_EXTENSION *ext = NULL;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	return ext != NULL && X509_add_ext(x, ext, -1) == 1;
}

/* Eight characters that differ from one authority to the next: two whose
 * names are the same confuse chain building. */
static int
unique_suffix(char text[static 9])
{
	unsigned char bytes[4];
	size_t i;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return 0;
	for (i = 0; i < sizeof(bytes); i++) {
		text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	text[8] = '\0';
	return 1;
}

static int
set_name(X509_NAME *name, const char *prefix)
{
	char suffix[9], text[64];

	if (unique_suffix(suffix) != 1)
		return 0;
	snprintf(text, sizeof(text), "%s %s", prefix, suffix);
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    __extension__({
		    const union {
			    const char *in;
			    const unsigned char *out;
		    } cast = {.in = text};
		    cast.out;
	    }),
	    -1, -1, 0);
}

/* Key, serial, dates and public key: what both certificates share. */
static int
identity_start(
    struct identity *id, int64_t now, int64_t life, struct error *err)
{
	*id = (struct identity){.key = EVP_EC_gen("P-256"), .cert = X509_new()};
	if (id->key == NULL || id->cert == NULL ||
	    X509_set_version(id->cert, X509_VERSION_3) != 1 ||
	    set_serial(id->cert) != 1 ||
	    ASN1_TIME_set(X509_getm_notBefore(id->cert),
		now - IDENTITY_EARLY_S) == NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(id->cert), now + life) == NULL ||
	    X509_set_pubkey(id->cert, id->key) != 1)
		return crypto_failed(
		    err, ERR_INTERNAL, "cannot make a key and certificate");
	return 0;
}

int
identity_make_ca(
    struct identity *ca, int64_t now, int64_t life, struct error *err)
{
	X509 *x;

	if (identity_start(ca, now, life, err) != 0)
		return -1;
	x = ca->cert;
	if (set_name(X509_get_subject_name(x), "policy-gate CA") != 1 ||
	    X509_set_issuer_name(x, X509_get_subject_name(x)) != 1 ||
	    !add_extension(
		x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
	    !add_extension(
		x, x, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !add_extension(x, x, NID_subject_key_identifier, "hash") ||
	    !add_extension(
		x, x, NID_authority_key_identifier, "keyid:always") ||
	    X509_sign(x, ca->key, EVP_sha256()) <= 0)
		return crypto_failed(
		    err, ERR_INTERNAL, "cannot make the authority");
	return 0;
}

int
identity_make_leaf(struct identity *leaf, const struct identity *ca,
    int64_t now, int64_t life, const char *names, struct error *err)
{
	X509 *x;

	if (identity_start(leaf, now, life, err) != 0)
		return -1;
	x = leaf->cert;
	if (X509_set_issuer_name(x, X509_get_subject_name(ca->cert)) != 1 ||
	    !add_extension(
		x, ca->cert, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_extension(
		x, ca->cert, NID_key_usage, "critical,digitalSignature") ||
	    !add_extension(x, ca->cert, NID_ext_key_usage, "serverAuth") ||
	    !add_extension(x, ca->cert, NID_subject_key_identifier, "hash") ||
	    !add_extension(
		x, ca->cert, NID_authority_key_identifier, "keyid:always") ||
	    !add_extension(x, ca->cert, NID_subject_alt_name, names) ||
	    X509_sign(x, ca->key, EVP_sha256()) <= 0)
		return crypto_failed(
		    err, ERR_INTERNAL, "cannot make the certificate");
	return 0;
}

BIO *
identity_text(struct error *err)
{
	BIO *out = BIO_new(BIO_s_secmem());

	if (out == NULL)
		crypto_failed(err, ERR_NOMEM, "PEM");
	return out;
}

int
identity_write_cert(BIO *out, const X509 *cert)
{
	return PEM_write_bio_X509(out, cert) == 1 ? 0 : -1;
}

int
identity_write_key(BIO *out, const EVP_PKEY *key)
{
	return PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) ==
		       1
		   ? 0
		   : -1;
}
