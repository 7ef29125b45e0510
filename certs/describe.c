/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"
#include "certs/crypto.h"
#include "certs/identity.h"
#include "certs/keypair.h"
#include "certs/pem.h"
#include "policy/base/file.h"
#include "policy/base/text.h"
#include "policy/base/units.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

enum { CERTIFICATES_MAX = 256, DAY_S = 86400, TEXT_MAX = 8 * 1024 };

/* What is told of one, as text that is safe to show. */
struct description {
	struct buf subject;
	struct buf issuer;
	struct buf names; /* empty: it has none */
	struct buf key;
	struct buf sha256;
	bool authority;
	bool dated;
	int64_t from;
	int64_t until;
};

static void
description_clear(struct description *d)
{
	buf_clear(&d->subject);
	buf_clear(&d->issuer);
	buf_clear(&d->names);
	buf_clear(&d->key);
	buf_clear(&d->sha256);
}
OWNED_IN_PLACE(struct description, description_clear)

/* What libcrypto has printed, made safe. */
static void
take_printed(struct buf *out, BIO *text, bool printed)
{
	AUTO(buf_clear) struct buf raw = BUF_INIT(TEXT_MAX);
	char *data;
	const long len = BIO_get_mem_data(text, &data);
	size_t n = len > 0 ? (size_t)len : 0;

	n = n < raw.max ? n : raw.max;
	printed = buf_add(&raw, data, n) == 0 && printed;
	if (!printed)
		buf_puts(out, "(unreadable)");
	else if (n == 0)
		buf_puts(out, "(none)");
	else
		text_sanitise(out, buf_text(&raw), TEXT_MAX / 4);
	(void)BIO_reset(text);
}

static void
take_name(struct buf *out, const X509_NAME *name, BIO *text)
{
	const int rc = X509_NAME_print_ex(text, name, 0, XN_FLAG_RFC2253);

	take_printed(out, text, rc >= 0);
}

static void
take_names(struct buf *out, const X509 *x, BIO *text)
{
	const int at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);
	int rc;

	if (at < 0)
		return;
	rc = X509V3_EXT_print(text, X509_get_ext(x, at), 0, 0);
	take_printed(out, text, rc == 1);
}

static void
take_key(struct buf *out, const X509 *x)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);
	const char *type = key != NULL ? EVP_PKEY_get0_type_name(key) : NULL;
	const char *curve = NULL;
	char group[64];

	if (type == NULL) {
		buf_puts(out, "unknown");
		return;
	}
	if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1)
		curve = EC_curve_nid2nist(OBJ_sn2nid(group));
	if (curve != NULL)
		buf_printf(out, "%s, %s", type, curve);
	else
		buf_printf(out, "%s, %d bits", type, EVP_PKEY_get_bits(key));
}

static void
take_fingerprint(struct buf *out, const X509 *x)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int i, n = 0;

	if (X509_digest(x, EVP_sha256(), md, &n) != 1)
		n = 0;
	for (i = 0; i < n; i++)
		buf_printf(out, "%02x", md[i]);
}

static int
describe(struct description *d, X509 *x, struct error *err)
{
	AUTO(BIO_free_all) BIO *text = BIO_new(BIO_s_mem());

	if (text == NULL)
		return crypto_failed(err, ERR_NOMEM, "certificate");
	take_name(&d->subject, X509_get_subject_name(x), text);
	take_name(&d->issuer, X509_get_issuer_name(x), text);
	take_names(&d->names, x, text);
	take_key(&d->key, x);
	take_fingerprint(&d->sha256, x);
	d->authority = X509_check_ca(x) > 0;
	d->dated = pem_time(X509_get0_notBefore(x), &d->from) == 0 &&
		   pem_time(X509_get0_notAfter(x), &d->until) == 0;
	if (buf_failed(&d->subject) || buf_failed(&d->issuer) ||
	    buf_failed(&d->names) || buf_failed(&d->key) ||
	    buf_failed(&d->sha256))
		return error_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

static const char *
plural(long long n)
{
	return n == 1 ? "" : "s";
}

static int64_t
days_left(const struct description *d, int64_t now)
{
	return (d->until - now) / DAY_S;
}

static void
add_validity(struct buf *out, const struct description *d, int64_t now)
{
	const long long days = days_left(d, now);

	if (!d->dated) {
		buf_puts(out, "  validity     unreadable\n");
		return;
	}
	buf_puts(out, "  valid from   ");
	units_add_time(out, d->from);
	buf_puts(out, "\n  valid until  ");
	units_add_time(out, d->until);
	if (now < d->from)
		buf_puts(out, ", not valid yet\n");
	else if (now < d->until)
		buf_printf(out, ", %lld day%s left\n", days, plural(days));
	else if (days == 0)
		buf_puts(out, ", expired today\n");
	else
		buf_printf(
		    out, ", expired %lld day%s ago\n", -days, plural(-days));
}

static void
add_text(
    struct buf *out, const char *file, const struct description *d, int64_t now)
{
	buf_printf(out, "%s\n  subject      %s\n  issuer       %s\n", file,
	    buf_text(&d->subject), buf_text(&d->issuer));
	if (d->names.len > 0)
		buf_printf(out, "  names        %s\n", buf_text(&d->names));
	add_validity(out, d, now);
	buf_printf(out, "  key          %s\n  sha256       %s\n",
	    buf_text(&d->key), buf_text(&d->sha256));
}

static json_t *
time_json(int64_t t)
{
	AUTO(buf_clear) struct buf text = BUF_INIT(64);

	units_add_time(&text, t);
	return json_string(buf_text(&text));
}

static int
add_json(json_t *out, const char *file, const struct description *d,
    int64_t now, struct error *err)
{
	AUTO(buf_clear) struct buf path = BUF_INIT(TEXT_MAX);
	json_t *o;

	text_sanitise(&path, file, TEXT_MAX);
	o = json_pack("{s:s, s:s, s:s, s:b, s:s, s:o?, s:o?, s:o?, s:s, s:s}",
	    "file", buf_text(&path), "subject", buf_text(&d->subject), "issuer",
	    buf_text(&d->issuer), "authority", d->authority, "names",
	    buf_text(&d->names), "notBefore",
	    d->dated ? time_json(d->from) : json_null(), "notAfter",
	    d->dated ? time_json(d->until) : json_null(), "daysLeft",
	    d->dated ? json_integer(days_left(d, now)) : json_null(), "key",
	    buf_text(&d->key), "sha256", buf_text(&d->sha256));
	if (o == NULL || json_array_append_new(out, o) != 0)
		return error_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

static struct stack_st_X509 *
read_file(const char *file, struct error *err)
{
	AUTO(free) char *pem = NULL;
	struct stack_st_X509 *chain;
	size_t len;

	pem = file_read(file, KEYPAIR_PEM_MAX, &len, err);
	if (pem == NULL)
		return NULL;
	chain = pem_chain(pem, len, CERTIFICATES_MAX, err);
	if (chain == NULL)
		error_wrap(err, "%.150s", file);
	return chain;
}

static int
full(const struct buf *out, const char *file, struct error *err)
{
	if (!buf_failed(out))
		return 0;
	return error_set(err, out->len < out->max ? ERR_NOMEM : ERR_LIMIT,
	    "%.150s: too much to tell", file);
}

/* Into `out`, or into `array` where that is not NULL. */
static int
describe_all(const char *file, int64_t now, struct buf *out, json_t *array,
    struct error *err)
{
	AUTO(pem_chain_free)
	struct stack_st_X509 *chain = read_file(file, err);
	int i, rc = chain != NULL ? 0 : -1;

	for (i = 0; rc == 0 && i < sk_X509_num(chain); i++) {
		AUTO(description_clear)
		struct description d = {
		    .subject = BUF_INIT(TEXT_MAX),
		    .issuer = BUF_INIT(TEXT_MAX),
		    .names = BUF_INIT(TEXT_MAX),
		    .key = BUF_INIT(TEXT_MAX),
		    .sha256 = BUF_INIT(TEXT_MAX),
		};

		rc = describe(&d, sk_X509_value(chain, i), err);
		if (rc == 0 && array != NULL)
			rc = add_json(array, file, &d, now, err);
		else if (rc == 0)
			add_text(out, file, &d, now);
	}
	ERR_clear_error();
	return rc;
}

int
certificate_describe(
    const char *file, int64_t now, struct buf *out, struct error *err)
{
	return describe_all(file, now, out, NULL, err) == 0
		   ? full(out, file, err)
		   : -1;
}

int
certificate_describe_json(
    const char *file, int64_t now, json_t *out, struct error *err)
{
	return describe_all(file, now, NULL, out, err);
}

int
certificate_bundle(const char *file, struct buf *out, struct error *err)
{
	AUTO(pem_chain_free)
	struct stack_st_X509 *chain = read_file(file, err);
	AUTO(BIO_free_all) BIO *text = NULL;
	char *data = NULL;
	long len;
	int i;

	if (chain == NULL)
		return -1;
	text = identity_text(err);
	if (text == NULL)
		return -1;
	for (i = 0; i < sk_X509_num(chain); i++)
		if (identity_write_cert(text, sk_X509_value(chain, i)) != 0)
			return crypto_failed(
			    err, ERR_NOMEM, "cannot write PEM");
	len = BIO_get_mem_data(text, &data);
	buf_add(out, data, len > 0 ? (size_t)len : 0);
	ERR_clear_error();
	return full(out, file, err);
}
