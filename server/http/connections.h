/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_HTTP_CONNECTIONS_H
#define SERVER_HTTP_CONNECTIONS_H

#include "policy/base/error.h"
#include "policy/base/own.h"
#include "server/http/clients.h"

#include <microhttpd.h>

/*
 * The open connections of a listener and the moment by which each must have
 * come to its next step. libmicrohttpd counts silence only: a client that
 * sends a byte now and then could hold its place for ever.
 */
struct connections;

/* Starts the thread that closes what is overdue. With `ask`, clients are to
 * show their certificates. NULL with *err: ERR_NOMEM, ERR_SYSTEM. */
struct connections *connections_new(
    int request_ms, int idle_ms, bool ask, struct error *err);
/* Only when all connections are closed. */
void connections_free(struct connections *c);
OWNED(struct connections, connections_free)

/* For MHD_OPTION_NOTIFY_CONNECTION; cls is the struct connections. */
void connections_notify(void *cls, struct MHD_Connection *conn, void **slot,
    enum MHD_ConnectionNotificationCode what);
/* For MHD_OPTION_URI_LOG_CALLBACK: a request begins. Returns NULL. */
void *connections_request(
    void *cls, const char *uri, struct MHD_Connection *conn);

/* clients_admit(), looked at once per connection; its worker's alone. */
bool connections_admit(struct MHD_Connection *conn, struct clients *c);

/* The request is whole; from here until the answer nothing is overdue. */
void connections_wait(struct MHD_Connection *conn);
/* The answer goes out; then the connection is idle. */
void connections_answer(struct MHD_Connection *conn);

#endif
