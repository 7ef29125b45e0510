/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/tls.h"

#include <pthread.h>

const char tls_priorities[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct keypair *current; /* guarded by lock */

void
tls_set_keypair(struct keypair *kp)
{
	struct keypair *old;

	pthread_mutex_lock(&lock);
	old = current;
	current = kp != NULL ? keypair_ref(kp) : NULL;
	pthread_mutex_unlock(&lock);
	keypair_unref(old);
}

static struct keypair *
get_keypair(void)
{
	struct keypair *kp;

	pthread_mutex_lock(&lock);
	kp = current != NULL ? keypair_ref(current) : NULL;
	pthread_mutex_unlock(&lock);
	return kp;
}

/* GnuTLS's datum lacks a const; it is only read. */
static gnutls_datum_t
datum(const char *data, size_t len)
{
	const union {
		const char *in;
		unsigned char *out;
	} cast = {.in = data};

	return (gnutls_datum_t){cast.out, (unsigned int)len};
}

static int
copy_chain(
    const struct keypair_pem *pem, gnutls_pcert_st **certs, unsigned int *n)
{
	const gnutls_datum_t d = datum(pem->cert, pem->cert_len);
	gnutls_pcert_st *list = gnutls_calloc(KEYPAIR_CHAIN_MAX, sizeof(*list));
	int rc;

	*n = KEYPAIR_CHAIN_MAX;
	if (list == NULL)
		return GNUTLS_E_MEMORY_ERROR;
	rc = gnutls_pcert_list_import_x509_raw(
	    list, n, &d, GNUTLS_X509_FMT_PEM, 0);
	if (rc < 0)
		gnutls_free(list);
	else
		*certs = list;
	return rc;
}

static int
copy_key(const struct keypair_pem *pem, gnutls_privkey_t *key)
{
	const gnutls_datum_t d = datum(pem->key, pem->key_len);
	int rc = gnutls_privkey_init(key);

	if (rc < 0)
		return rc;
	rc = gnutls_privkey_import_x509_raw(
	    *key, &d, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc < 0)
		gnutls_privkey_deinit(*key);
	return rc;
}

static void
free_chain(gnutls_pcert_st *certs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		gnutls_pcert_deinit(&certs[i]);
	gnutls_free(certs);
}

int
tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
    gnutls_pcert_st **certs, unsigned int *ncerts, gnutls_ocsp_data_st **ocsp,
    unsigned int *nocsp, gnutls_privkey_t *key, unsigned int *flags)
{
	struct keypair *kp = get_keypair();
	int rc = -1;

	(void)session;
	(void)info;
	*ocsp = NULL;
	*nocsp = 0;
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	if (kp == NULL)
		return -1;
	if (copy_chain(keypair_pem(kp), certs, ncerts) >= 0) {
		rc = copy_key(keypair_pem(kp), key) >= 0 ? 0 : -1;
		if (rc != 0)
			free_chain(*certs, *ncerts);
	}
	keypair_unref(kp);
	return rc;
}
