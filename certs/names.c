/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { DNS_NAME_MAX = 253, DNS_LABEL_MAX = 63 };

OWNED(GENERAL_NAMES, GENERAL_NAMES_free)

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

/* One name, addresses as inet_ntop() writes them. */
static int
add_name(struct buf *out, const char *name, struct error *err)
{
	unsigned char bytes[16];
	char text[INET6_ADDRSTRLEN];
	int family = AF_INET6;

	if (inet_pton(AF_INET, name, bytes) == 1)
		family = AF_INET;
	else if (inet_pton(AF_INET6, name, bytes) != 1)
		family = AF_UNSPEC;
	if (family != AF_UNSPEC)
		buf_printf(out, ",IP:%s",
		    inet_ntop(family, bytes, text, sizeof(text)));
	else if (is_dns_name(name))
		buf_printf(out, ",DNS:%s", name);
	else
		return error_set(err, ERR_INVALID,
		    "\"%.80s\" is neither a DNS name nor an address", name);
	return 0;
}

int
names_text(
    const char *const *names, size_t n, struct buf *out, struct error *err)
{
	size_t i;

	if (n > NAMES_MAX)
		return error_set(
		    err, ERR_LIMIT, "more than %d names", NAMES_MAX);
	buf_puts(out, "critical");
	for (i = 0; i < n; i++)
		if (add_name(out, names[i], err) != 0)
			return -1;
	if (buf_failed(out))
		return error_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

/* "" where it is of another kind. */
static void
general_text(const GENERAL_NAME *name, char text[static DNS_NAME_MAX + 1])
{
	const ASN1_STRING *value;
	int type, family, len;

	value = GENERAL_NAME_get0_value(name, &type);
	text[0] = '\0';
	if (type != GEN_DNS && type != GEN_IPADD)
		return;
	len = ASN1_STRING_length(value);
	family = len == 4 ? AF_INET : AF_INET6;
	if (type == GEN_DNS && len <= DNS_NAME_MAX)
		snprintf(text, DNS_NAME_MAX + 1, "%.*s", len,
		    (const char *)ASN1_STRING_get0_data(value));
	else if (type == GEN_IPADD && (len == 4 || len == 16))
		inet_ntop(
		    family, ASN1_STRING_get0_data(value), text, DNS_NAME_MAX);
}

int
names_of(const X509 *cert, struct buf *out, struct error *err)
{
	AUTO(GENERAL_NAMES_free) GENERAL_NAMES *names = NULL;
	char text[DNS_NAME_MAX + 1];
	int i, n = 0;

	names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	buf_puts(out, "critical");
	for (i = 0; i < sk_GENERAL_NAME_num(names) && n < NAMES_MAX; i++) {
		general_text(sk_GENERAL_NAME_value(names, i), text);
		if (text[0] != '\0' && add_name(out, text, err) != 0)
			return -1;
		n += text[0] != '\0';
	}
	if (n == 0)
		return error_set(
		    err, ERR_INVALID, "there is no DNS name or address");
	return buf_failed(out) ? error_set(err, ERR_NOMEM, "out of memory") : 0;
}
