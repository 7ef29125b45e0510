/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_HTTP_CONNECTIONS_H
#define SERVER_HTTP_CONNECTIONS_H

#include "policy/base/error.h"
#include "policy/base/own.h"
#include "server/http/clients.h"
#include "server/http/tls.h"

#include <microhttpd.h>

/*
 * The open connections of a listener: how long each may take for what it is at,
 * and which goes when there are too many. libmicrohttpd counts silence only: a
 * client that sends a byte now and then could hold its place for ever, and
 * where all places are taken it lets nobody in.
 *
 * Past `places` the one goes that has been at its handshake or its request for
 * the longest, or has never asked for anything; where there is none, the one
 * that has been idle for the longest. One that waits for its answer stays. So
 * those who are slow make room for those who come, not the other way round.
 */
struct connections;

struct connections_options {
	int handshake_ms;
	int request_ms;
	int idle_ms; /* before the first request too */
	unsigned places;
	struct tls_identity *tls; /* NULL: plain; a reference is taken */
	bool ask;                 /* clients are to show their certificates */
};

/* Starts the thread that closes what is overdue. NULL with *err: ERR_NOMEM,
 * ERR_SYSTEM. */
struct connections *connections_new(
    const struct connections_options *o, struct error *err);
/* Only when all connections are closed. */
void connections_free(struct connections *c);
OWNED(struct connections, connections_free)

/* New handshakes use this one from now on; takes a reference. */
void connections_set_tls(struct connections *c, struct tls_identity *id);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK2. What it hands out is the connection's
 * until it is closed: GnuTLS neither copies nor releases it. */
int connections_retrieve(gnutls_session_t session,
    const struct gnutls_cert_retr_st *info, gnutls_pcert_st **chain,
    unsigned int *nchain, gnutls_ocsp_data_st **ocsp, unsigned int *nocsp,
    gnutls_privkey_t *key, unsigned int *flags);

/* For MHD_OPTION_NOTIFY_CONNECTION; cls is the struct connections. */
void connections_notify(void *cls, struct MHD_Connection *conn, void **slot,
    enum MHD_ConnectionNotificationCode what);
/* For MHD_OPTION_URI_LOG_CALLBACK: a request has begun. Returns NULL. */
void *connections_request(
    void *cls, const char *uri, struct MHD_Connection *conn);

/* clients_admit(), looked at once per connection; its worker's alone. */
bool connections_admit(struct MHD_Connection *conn, struct clients *c);

/* Cuts off the one whose request has been coming in for the longest. */
void connections_end_slowest(struct connections *c);

/* The request is whole; from here until the answer nothing is overdue. */
void connections_wait(struct MHD_Connection *conn);
/* The answer goes out; then the connection is idle. */
void connections_answer(struct MHD_Connection *conn);

#endif
