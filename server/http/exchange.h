/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_HTTP_EXCHANGE_H
#define SERVER_HTTP_EXCHANGE_H

#include "server/http/connections.h"
#include "server/http/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

/*
 * What http.c and exchange.c share. An exchange begins with a request's
 * header and ends when it is both answered and released by libmicrohttpd,
 * whichever comes last: a client may go away while a handler still works.
 */
struct http_server {
	struct http_options o;
	struct MHD_Daemon *daemon;
	struct connections *connections;
	uint16_t port;
	atomic_bool draining;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	atomic_size_t coming_in; /* bytes of bodies that are not whole yet */
	size_t open;  /* requests under way; guarded by lock, as what follows */
	size_t held;  /* of those, the ones that handlers owe an answer to */
	bool closing; /* no more goes to handlers */
	struct clients *clients; /* NULL: any */
};

/* libmicrohttpd's callbacks; cls is the server. */
enum MHD_Result exchange_serve(void *cls, struct MHD_Connection *conn,
    const char *url, const char *method, const char *version, const char *data,
    size_t *len, void **slot);
void exchange_completed(void *cls, struct MHD_Connection *conn, void **slot,
    enum MHD_RequestTerminationCode why);

#endif
