/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"

#include "certs/pem.h"
#include "certs/place.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

OWNED(BIO, BIO_free_all)
OWNED(X509_EXTENSION, X509_EXTENSION_free)
OWNED(BIGNUM, BN_free)

enum {
	HOUR_S = 3600,
	SERIAL_BITS = 127,
	NAMES_TEXT_MAX = 32 * 1024,
	DNS_NAME_MAX = 253,
	DNS_LABEL_MAX = 63,
};

/* A certificate and the key it speaks for. */
struct identity {
	EVP_PKEY *key;
	X509 *cert;
};

static void
identity_clear(struct identity *id)
{
	EVP_PKEY_free(id->key);
	X509_free(id->cert);
}

static inline void
own_identity_clear(struct identity *id)
{
	identity_clear(id);
}

static int
crypto_failed(struct error *err, const char *what)
{
	ERR_clear_error();
	return error_set(err, ERR_INTERNAL, "libcrypto cannot make %s", what);
}

static bool
is_address(const char *name)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, name, bytes) == 1 ||
	       inet_pton(AF_INET6, name, bytes) == 1;
}

/* RFC 1035 names, with one leading wildcard label allowed. */
static bool
is_dns_name(const char *name)
{
	const char *label = name, *end;
	size_t len, i;

	if (strlen(name) > DNS_NAME_MAX)
		return false;
	if (strncmp(label, "*.", 2) == 0)
		label += 2;
	for (;;) {
		end = strchrnul(label, '.');
		len = (size_t)(end - label);
		if (len == 0 || len > DNS_LABEL_MAX || label[0] == '-' ||
		    label[len - 1] == '-')
			return false;
		for (i = 0; i < len; i++)
			if (!isalnum((unsigned char)label[i]) &&
			    label[i] != '-')
				return false;
		if (*end == '\0')
			return true;
		label = end + 1;
	}
}

/*
 * "critical,DNS:a,IP:b", as X509V3 wants the subject alternative names;
 * critical because the subject is empty (RFC 5280 4.2.1.6).
 */
static int
names_text(const struct authority_request *r, struct buf *b, struct error *err)
{
	size_t i;

	if (r->nnames == 0)
		return error_set(err, ERR_INVALID, "no name is given");
	buf_puts(b, "critical");
	for (i = 0; i < r->nnames; i++) {
		const bool ip = is_address(r->names[i]);

		if (!ip && !is_dns_name(r->names[i]))
			return error_set(err, ERR_INVALID,
			    "\"%.80s\" is neither a DNS name nor an address",
			    r->names[i]);
		buf_printf(b, ",%s:%s", ip ? "IP" : "DNS", r->names[i]);
	}
	if (buf_failed(b))
		return error_set(err, ERR_LIMIT, "too many names");
	return 0;
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
	    ASN1_TIME_set(X509_getm_notBefore(id->cert), now - HOUR_S) ==
		NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(id->cert), now + life) == NULL ||
	    X509_set_pubkey(id->cert, id->key) != 1)
		return crypto_failed(err, "a key and certificate");
	return 0;
}

static int
make_ca(
    struct identity *ca, const struct authority_request *r, struct error *err)
{
	X509 *x;

	if (identity_start(ca, r->now, r->ca_life, err) != 0)
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
		return crypto_failed(err, "the authority");
	return 0;
}

static int
make_leaf(struct identity *leaf, const struct identity *ca,
    const struct authority_request *r, const char *names, struct error *err)
{
	X509 *x;

	if (identity_start(leaf, r->now, r->leaf_life, err) != 0)
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
		return crypto_failed(err, "the certificate");
	return 0;
}

/* PEM of a certificate, or of a key where `key` is not NULL, into a file. */
static int
write_pem(const char *dir, const char *name, X509 *cert, EVP_PKEY *key,
    struct error *err)
{
	AUTO(BIO_free_all) BIO *out = BIO_new(BIO_s_secmem());
	char *data;
	long len;
	int ok;

	ok = out != NULL && (key != NULL ? PEM_write_bio_PrivateKey(out, key,
					       NULL, NULL, 0, NULL, NULL)
					 : PEM_write_bio_X509(out, cert)) == 1;
	len = ok ? BIO_get_mem_data(out, &data) : 0;
	if (len <= 0)
		return crypto_failed(err, name);
	return place_file(
	    dir, name, data, (size_t)len, key != NULL ? 0600 : 0644, err);
}

static int
write_all(const char *dir, const struct identity *ca,
    const struct identity *leaf, struct error *err)
{
	if (write_pem(dir, "ca.crt", ca->cert, NULL, err) != 0 ||
	    write_pem(dir, "ca.key", NULL, ca->key, err) != 0 ||
	    write_pem(dir, "tls.crt", leaf->cert, NULL, err) != 0)
		return -1;
	return write_pem(dir, "tls.key", NULL, leaf->key, err);
}

int
authority_init(const char *dir, const struct authority_request *r, bool force,
    struct error *err)
{
	static const char *const files[] = {
	    "ca.crt", "ca.key", "tls.crt", "tls.key", NULL};
	AUTO(identity_clear) struct identity ca = {0}, leaf = {0};
	AUTO(buf_clear) struct buf names = BUF_INIT(NAMES_TEXT_MAX);

	if (names_text(r, &names, err) != 0 ||
	    place_folder(dir, files, force, err) != 0 ||
	    make_ca(&ca, r, err) != 0 ||
	    make_leaf(&leaf, &ca, r, buf_text(&names), err) != 0)
		return -1;
	return write_all(dir, &ca, &leaf, err);
}
