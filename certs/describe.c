/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"
#include "certs/crypto.h"
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

OWNED(BIO, BIO_free_all)

enum { CERTIFICATES_MAX = 256, DAY_S = 86400, LINE_MAX_BYTES = 2048 };

/* One line: a title, and what libcrypto has printed, made safe. */
static void
add_line(struct buf *out, const char *title, BIO *text, bool printed)
{
	AUTO(buf_clear) struct buf raw = BUF_INIT(LINE_MAX_BYTES);
	char *data;
	const long len = BIO_get_mem_data(text, &data);
	size_t n = len > 0 ? (size_t)len : 0;

	n = n < raw.max ? n : raw.max;
	printed = buf_add(&raw, data, n) == 0 && printed;
	buf_printf(out, "  %-12s ", title);
	if (!printed)
		buf_puts(out, "(unreadable)");
	else if (n == 0)
		buf_puts(out, "(none)");
	else
		text_sanitise(out, buf_text(&raw), LINE_MAX_BYTES);
	buf_puts(out, "\n");
	(void)BIO_reset(text);
}

static void
add_name(struct buf *out, const char *title, const X509_NAME *name, BIO *text)
{
	const int rc = X509_NAME_print_ex(text, name, 0, XN_FLAG_RFC2253);

	add_line(out, title, text, rc >= 0);
}

static void
add_names(struct buf *out, const X509 *x, BIO *text)
{
	const int at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);
	int rc;

	if (at < 0)
		return;
	rc = X509V3_EXT_print(text, X509_get_ext(x, at), 0, 0);
	add_line(out, "names", text, rc == 1);
}

static const char *
plural(long long n)
{
	return n == 1 ? "" : "s";
}

static void
add_validity(struct buf *out, const X509 *x, int64_t now)
{
	int64_t from, until;
	long long days;

	if (pem_time(X509_get0_notBefore(x), &from) != 0 ||
	    pem_time(X509_get0_notAfter(x), &until) != 0) {
		buf_puts(out, "  validity     unreadable\n");
		return;
	}
	buf_puts(out, "  valid from   ");
	units_add_time(out, from);
	buf_puts(out, "\n  valid until  ");
	units_add_time(out, until);
	days = (long long)((now < until ? until - now : now - until) / DAY_S);
	if (now < from)
		buf_puts(out, ", not valid yet\n");
	else if (now < until)
		buf_printf(out, ", %lld day%s left\n", days, plural(days));
	else if (days == 0)
		buf_puts(out, ", expired today\n");
	else
		buf_printf(
		    out, ", expired %lld day%s ago\n", days, plural(days));
}

static void
add_key(struct buf *out, const X509 *x)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);
	const char *type = key != NULL ? EVP_PKEY_get0_type_name(key) : NULL;
	const char *curve = NULL;
	char group[64];

	if (type == NULL) {
		buf_puts(out, "  key          unknown\n");
		return;
	}
	if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1)
		curve = EC_curve_nid2nist(OBJ_sn2nid(group));
	if (curve != NULL)
		buf_printf(out, "  key          %s, %s\n", type, curve);
	else
		buf_printf(out, "  key          %s, %d bits\n", type,
		    EVP_PKEY_get_bits(key));
}

static void
add_fingerprint(struct buf *out, const X509 *x)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int i, n = 0;

	if (X509_digest(x, EVP_sha256(), md, &n) != 1)
		n = 0;
	buf_puts(out, "  sha256       ");
	for (i = 0; i < n; i++)
		buf_printf(out, "%02x", md[i]);
	buf_puts(out, "\n");
}

static int
describe(struct buf *out, const char *file, const X509 *x, int64_t now,
    struct error *err)
{
	AUTO(BIO_free_all) BIO *text = BIO_new(BIO_s_mem());

	if (text == NULL)
		return crypto_failed(err, ERR_NOMEM, "certificate");
	buf_printf(out, "%s\n", file);
	add_name(out, "subject", X509_get_subject_name(x), text);
	add_name(out, "issuer", X509_get_issuer_name(x), text);
	add_names(out, x, text);
	add_validity(out, x, now);
	add_key(out, x);
	add_fingerprint(out, x);
	return 0;
}

int
certificate_describe(
    const char *file, int64_t now, struct buf *out, struct error *err)
{
	AUTO(free) char *pem = NULL;
	AUTO(pem_chain_free) struct stack_st_X509 *chain = NULL;
	size_t len;
	int i, rc = 0;

	pem = file_read(file, KEYPAIR_PEM_MAX, &len, err);
	if (pem == NULL)
		return -1;
	chain = pem_chain(pem, len, CERTIFICATES_MAX, err);
	if (chain == NULL)
		return error_wrap(err, "%.150s", file);
	for (i = 0; rc == 0 && i < sk_X509_num(chain); i++)
		rc = describe(out, file, sk_X509_value(chain, i), now, err);
	ERR_clear_error();
	if (rc == 0 && buf_failed(out))
		return error_set(err,
		    out->len < out->max ? ERR_NOMEM : ERR_LIMIT,
		    "%.150s: too much to tell", file);
	return rc;
}
