/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/clients.h"

#include "policy/base/file.h"

#include <gnutls/x509.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <string.h>

enum {
	CHAIN_MAX = 16,
	NAME_MAX_BYTES = 256, /* of a certificate; longer ones are none */
	SANS_MAX = 100,
};

struct clients {
	atomic_int refs;
	struct clients_options o;
	gnutls_x509_trust_list_t authorities;
};

static int
add_authorities(struct clients *c, struct error *err)
{
	AUTO(free) char *text = NULL;
	gnutls_datum_t pem;
	size_t len;
	int n;

	text = file_read(c->o.ca_file, CLIENTS_PEM_MAX, &len, err);
	if (text == NULL)
		return -1;
	pem = (gnutls_datum_t){(unsigned char *)text, (unsigned int)len};
	n = gnutls_x509_trust_list_add_trust_mem(
	    c->authorities, &pem, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
	if (n <= 0)
		return error_set(err, ERR_SYNTAX,
		    "%.100s: must hold PEM certificates of authorities: %s",
		    c->o.ca_file, n < 0 ? gnutls_strerror(n) : "none is there");
	return 0;
}

struct clients *
clients_load(const struct clients_options *o, struct error *err)
{
	AUTO(clients_unref) struct clients *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	atomic_init(&c->refs, 1);
	c->o = *o;
	if (gnutls_x509_trust_list_init(&c->authorities, 0) < 0) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	return add_authorities(c, err) == 0 ? TAKE(c) : NULL;
}

struct clients *
clients_ref(struct clients *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void
clients_unref(struct clients *c)
{
	if (c == NULL ||
	    atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (c->authorities != NULL)
		gnutls_x509_trust_list_deinit(c->authorities, 1);
	free(c);
}

static gnutls_session_t
session_of(struct MHD_Connection *conn)
{
	return MHD_get_connection_info(conn, MHD_CONNECTION_INFO_GNUTLS_SESSION)
	    ->tls_session;
}

/*
 * The names of the authorities are not sent along: they may change while a
 * handshake is under way, and Go's clients keep their certificate back when
 * its issuer is not among them.
 */
void
clients_ask(struct MHD_Connection *conn)
{
	gnutls_session_t session = session_of(conn);

	gnutls_certificate_send_x509_rdn_sequence(session, 1);
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
}

/* The certificate and what came with it. Returns how many, 0 for none. */
static unsigned int
take_chain(gnutls_session_t session, gnutls_x509_crt_t chain[static CHAIN_MAX])
{
	const gnutls_datum_t *der;
	unsigned int n = 0, i;

	der = gnutls_certificate_get_peers(session, &n);
	if (der == NULL || n > CHAIN_MAX)
		return 0;
	for (i = 0; i < n; i++) {
		if (gnutls_x509_crt_init(&chain[i]) < 0)
			break;
		if (gnutls_x509_crt_import(
			chain[i], &der[i], GNUTLS_X509_FMT_DER) < 0) {
			gnutls_x509_crt_deinit(chain[i]);
			break;
		}
	}
	return i;
}

static bool
is_trusted(
    const struct clients *c, gnutls_x509_crt_t *chain, unsigned int nchain)
{
	unsigned char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_typed_vdata_st data = {0};
	unsigned int status = 0;

	data.type = GNUTLS_DT_KEY_PURPOSE_OID;
	data.data = purpose;
	return gnutls_x509_trust_list_verify_crt2(c->authorities, chain, nchain,
		   &data, 1, 0, &status, NULL) >= 0 &&
	       status == 0;
}

static bool
is_listed(const struct clients *c, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < c->o.nnames; i++)
		if (strlen(c->o.names[i]) == len &&
		    memcmp(c->o.names[i], name, len) == 0)
			return true;
	return false;
}

static bool
has_name(const struct clients *c, gnutls_x509_crt_t leaf)
{
	char name[NAME_MAX_BYTES];
	size_t len = sizeof(name);
	unsigned int i;
	int type;

	if (gnutls_x509_crt_get_dn_by_oid(
		leaf, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &len) >= 0 &&
	    is_listed(c, name, len))
		return true;
	for (i = 0; i < SANS_MAX; i++) {
		len = sizeof(name);
		type = gnutls_x509_crt_get_subject_alt_name(
		    leaf, i, name, &len, NULL);
		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (type == GNUTLS_SAN_DNSNAME && is_listed(c, name, len))
			return true;
	}
	return false;
}

bool
clients_admit(const struct clients *c, struct MHD_Connection *conn)
{
	gnutls_x509_crt_t chain[CHAIN_MAX];
	const unsigned int n = take_chain(session_of(conn), chain);
	unsigned int i;
	bool admitted;

	admitted = n > 0 && is_trusted(c, chain, n) &&
		   (c->o.nnames == 0 || has_name(c, chain[0]));
	for (i = 0; i < n; i++)
		gnutls_x509_crt_deinit(chain[i]);
	return admitted;
}
