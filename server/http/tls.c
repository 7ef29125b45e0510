/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/tls.h"

#include <stdatomic.h>
#include <stdlib.h>

const char tls_priorities[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-GROUP-ALL:+GROUP-X25519:"
    "+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1:%SERVER_PRECEDENCE";

struct tls_identity {
	atomic_int refs;
	gnutls_pcert_st chain[KEYPAIR_CHAIN_MAX];
	unsigned int n;
	gnutls_privkey_t key; /* NULL: not read yet */
};

/* GnuTLS's datum lacks a const; it is only read. */
static gnutls_datum_t
datum(const char *data, size_t len)
{
	return (gnutls_datum_t){
	    (unsigned char *)(uintptr_t)data, (unsigned int)len};
}

static int
read_chain(struct tls_identity *id, const struct keypair_pem *pem)
{
	const gnutls_datum_t d = datum(pem->cert, pem->cert_len);
	unsigned int n = KEYPAIR_CHAIN_MAX;
	const int rc = gnutls_pcert_list_import_x509_raw(
	    id->chain, &n, &d, GNUTLS_X509_FMT_PEM, 0);

	if (rc >= 0)
		id->n = n;
	return rc;
}

static int
read_key(struct tls_identity *id, const struct keypair_pem *pem)
{
	const gnutls_datum_t d = datum(pem->key, pem->key_len);
	const int rc = gnutls_privkey_init(&id->key);

	if (rc < 0)
		return rc;
	return gnutls_privkey_import_x509_raw(
	    id->key, &d, GNUTLS_X509_FMT_PEM, NULL, 0);
}

struct tls_identity *
tls_identity_new(const struct keypair *kp, struct error *err)
{
	const struct keypair_pem *pem = keypair_pem(kp);
	AUTO(tls_identity_unref)
	struct tls_identity *id = calloc(1, sizeof(*id));
	int rc = GNUTLS_E_MEMORY_ERROR;

	if (id != NULL) {
		atomic_init(&id->refs, 1);
		rc = read_chain(id, pem);
		if (rc >= 0)
			rc = read_key(id, pem);
	}
	if (rc >= 0)
		return TAKE(id);
	error_set(err, rc == GNUTLS_E_MEMORY_ERROR ? ERR_NOMEM : ERR_INVALID,
	    "the certificate cannot be served: %s", gnutls_strerror(rc));
	return NULL;
}

struct tls_identity *
tls_identity_ref(struct tls_identity *id)
{
	atomic_fetch_add(&id->refs, 1);
	return id;
}

void
tls_identity_unref(struct tls_identity *id)
{
	unsigned int i;

	if (id == NULL || atomic_fetch_sub(&id->refs, 1) != 1)
		return;
	for (i = 0; i < id->n; i++)
		gnutls_pcert_deinit(&id->chain[i]);
	if (id->key != NULL)
		gnutls_privkey_deinit(id->key);
	free(id);
}

unsigned int
tls_identity_get(
    struct tls_identity *id, gnutls_pcert_st **chain, gnutls_privkey_t *key)
{
	*chain = id->chain;
	*key = id->key;
	return id->n;
}
