/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"
#include "certs/keypair.h"
#include "certs/pem.h"
#include "policy/base/file.h"
#include "policy/base/text.h"
#include "policy/base/units.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

OWNED(BIO, BIO_free_all)

enum { CHAIN_MAX = 32, DAY_S = 86400, LINE_MAX_BYTES = 2048 };

/* One line: a title, and what libcrypto prints, made safe. */
static void
add_line(struct buf *out, const char *title, BIO *text)
{
	AUTO(buf_clear) struct buf raw = BUF_INIT(LINE_MAX_BYTES);
	char *data;
	const long len = BIO_get_mem_data(text, &data);

	if (len > 0)
		buf_add(
		    &raw, data, (size_t)len < raw.max ? (size_t)len : raw.max);
	buf_printf(out, "  %-12s ", title);
	text_sanitise(out, len > 0 ? buf_text(&raw) : "(none)", LINE_MAX_BYTES);
	buf_puts(out, "\n");
	(void)BIO_reset(text);
}

static void
add_names(struct buf *out, const X509 *x, BIO *text)
{
	const int at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);

	if (at < 0)
		return;
	X509V3_EXT_print(text, X509_get_ext(x, at), 0, 0);
	add_line(out, "names", text);
}

static void
add_validity(struct buf *out, const X509 *x, int64_t now)
{
	int64_t from, until, days;

	if (pem_time(X509_get0_notBefore(x), &from) != 0 ||
	    pem_time(X509_get0_notAfter(x), &until) != 0) {
		buf_puts(out, "  validity     unreadable\n");
		return;
	}
	buf_puts(out, "  valid from   ");
	units_add_time(out, from);
	buf_puts(out, "\n  valid until  ");
	units_add_time(out, until);
	days = (until - now) / DAY_S;
	if (now >= until)
		buf_printf(out, ", expired %lld days ago\n", (long long)-days);
	else if (now < from)
		buf_puts(out, ", not valid yet\n");
	else
		buf_printf(out, ", %lld days left\n", (long long)days);
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

static void
describe(struct buf *out, const char *file, const X509 *x, int64_t now)
{
	AUTO(BIO_free_all) BIO *text = BIO_new(BIO_s_mem());

	if (text == NULL)
		return;
	buf_printf(out, "%s\n", file);
	X509_NAME_print_ex(text, X509_get_subject_name(x), 0, XN_FLAG_RFC2253);
	add_line(out, "subject", text);
	X509_NAME_print_ex(text, X509_get_issuer_name(x), 0, XN_FLAG_RFC2253);
	add_line(out, "issuer", text);
	add_names(out, x, text);
	add_validity(out, x, now);
	add_fingerprint(out, x);
}

int
certificate_describe(
    const char *file, int64_t now, struct buf *out, struct error *err)
{
	AUTO(free) char *pem = NULL;
	size_t len, i;

	pem = file_read(file, KEYPAIR_PEM_MAX, &len, err);
	if (pem == NULL)
		return -1;
	for (i = 0; i < CHAIN_MAX; i++) {
		AUTO(X509_free) X509 *x = pem_certificate(pem, len, i);

		if (x == NULL)
			break;
		describe(out, file, x, now);
	}
	ERR_clear_error();
	if (i == 0)
		return error_set(
		    err, ERR_SYNTAX, "%.150s: no PEM certificate in it", file);
	if (buf_failed(out))
		return error_set(err, ERR_LIMIT, "%.150s: too much", file);
	return 0;
}
