/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_HTTP_TLS_H
#define SERVER_HTTP_TLS_H

#include "certs/keypair.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

/*
 * The certificate of the process. GnuTLS asks for it at each handshake through
 * a callback that carries no closure, so it is held here, once.
 *
 * What the callback hands out is a copy that GnuTLS releases after the
 * handshake: a pair can be replaced at any moment without asking which
 * handshakes still hold it.
 */

/* Used by handshakes from now on; takes a reference. NULL: none. */
void tls_set_keypair(struct keypair *kp);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK2. */
int tls_retrieve(gnutls_session_t session,
    const struct gnutls_cert_retr_st *info, gnutls_pcert_st **certs,
    unsigned int *ncerts, gnutls_ocsp_data_st **ocsp, unsigned int *nocsp,
    gnutls_privkey_t *key, unsigned int *flags);

/* TLS 1.2 and 1.3, in the words of gnutls_priority_init(). */
extern const char tls_priorities[];

#endif
