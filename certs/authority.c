/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"

#include "certs/crypto.h"
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
	FILES = 4,
	LIFE_MAX_YEARS = 100,
};

static const int64_t LIFE_MAX_S = LIFE_MAX_YEARS * 366LL * 24 * HOUR_S;

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

static bool
is_address(const char *name)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, name, bytes) == 1 ||
	       inet_pton(AF_INET6, name, bytes) == 1;
}

/*
 * RFC 1035 names, with one leading wildcard label allowed. One that ends with a
 * number is a mistyped address: no such top-level domain can be.
 */
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
			return strspn(label, "0123456789") < len;
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
		return crypto_failed(
		    err, ERR_INTERNAL, "cannot make a key and certificate");
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
		return crypto_failed(
		    err, ERR_INTERNAL, "cannot make the authority");
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
		return crypto_failed(
		    err, ERR_INTERNAL, "cannot make the certificate");
	return 0;
}

/* PEM of a certificate, or of a key where `key` is not NULL; wiped when it is
 * released. */
static BIO *
encode(X509 *cert, EVP_PKEY *key, struct error *err)
{
	AUTO(BIO_free_all) BIO *out = BIO_new(BIO_s_secmem());
	int ok = out != NULL;

	if (ok && key != NULL)
		ok = PEM_write_bio_PrivateKey(
		    out, key, NULL, NULL, 0, NULL, NULL);
	else if (ok)
		ok = PEM_write_bio_X509(out, cert);
	if (ok == 1)
		return TAKE(out);
	crypto_failed(err, ERR_INTERNAL, "cannot write PEM");
	return NULL;
}

static int
fill(struct place_file *f, BIO *pem)
{
	char *data = NULL;
	const long len = pem != NULL ? BIO_get_mem_data(pem, &data) : 0;

	f->data = data;
	f->len = len > 0 ? (size_t)len : 0;
	return len > 0 ? 0 : -1;
}

static int
write_all(const char *dir, struct place_file files[static FILES],
    const struct identity *ca, const struct identity *leaf, struct error *err)
{
	AUTO(BIO_free_all) BIO *ca_crt = encode(ca->cert, NULL, err);
	AUTO(BIO_free_all) BIO *ca_key = encode(NULL, ca->key, err);
	AUTO(BIO_free_all) BIO *tls_crt = encode(leaf->cert, NULL, err);
	AUTO(BIO_free_all) BIO *tls_key = encode(NULL, leaf->key, err);

	if (fill(&files[0], ca_crt) != 0 || fill(&files[1], ca_key) != 0 ||
	    fill(&files[2], tls_crt) != 0 || fill(&files[3], tls_key) != 0)
		return error_set(err, ERR_INTERNAL, "cannot write PEM");
	return place_files(dir, files, FILES, err);
}

static int
check_lives(const struct authority_request *r, struct error *err)
{
	if (r->leaf_life < 1 || r->ca_life > LIFE_MAX_S)
		return error_set(err, ERR_INVALID,
		    "a certificate lives from a second to %d years",
		    LIFE_MAX_YEARS);
	if (r->leaf_life > r->ca_life)
		return error_set(err, ERR_INVALID,
		    "the certificate would outlive its authority");
	return 0;
}

int
authority_init(const char *dir, const struct authority_request *r, bool force,
    struct error *err)
{
	struct place_file files[FILES] = {
	    {.name = "ca.crt", .mode = 0644},
	    {.name = "ca.key", .mode = 0600},
	    {.name = "tls.crt", .mode = 0644},
	    {.name = "tls.key", .mode = 0600},
	};
	AUTO(identity_clear) struct identity ca = {0}, leaf = {0};
	AUTO(buf_clear) struct buf names = BUF_INIT(NAMES_TEXT_MAX);
	int rc = -1;

	ERR_clear_error(); /* what others left */
	if (check_lives(r, err) == 0 && names_text(r, &names, err) == 0 &&
	    place_folder(dir, files, FILES, force, err) == 0 &&
	    make_ca(&ca, r, err) == 0 &&
	    make_leaf(&leaf, &ca, r, buf_text(&names), err) == 0)
		rc = write_all(dir, files, &ca, &leaf, err);
	ERR_clear_error(); /* some of it may have worked at the second try */
	return rc;
}
