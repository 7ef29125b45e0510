/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_HTTP_HTTP_H
#define SERVER_HTTP_HTTP_H

#include "certs/keypair.h"
#include "policy/base/error.h"
#include "server/http/clients.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A bounded HTTP/1.1 listener on libmicrohttpd, with or without TLS. It moves
 * bytes; what they mean is the handler's.
 */
struct http_server;

/* One exchange. Belongs to the listener; a handler may keep the pointer until
 * it has called http_respond(). */
struct http_exchange;

struct http_route {
	const char *method; /* "GET" (HEAD comes with it) or "POST" */
	const char *path;   /* exactly */
	/*
	 * Runs when the whole body has arrived, on a worker thread, and must
	 * not block. Answers by http_respond(), now or later from any thread:
	 * the connection is suspended in between.
	 */
	void (*handle)(void *arg, struct http_exchange *x);
	bool guarded; /* for http_options.clients only; others get 403 */
};

struct http_options {
	const char *listen;      /* "0.0.0.0:8443", "[::]:8443", ":8443" */
	struct keypair *tls;     /* NULL: plain; read, not kept */
	struct clients *clients; /* NULL: any; a reference is taken */
	const struct http_route *routes; /* borrowed; ends with path NULL */
	void *arg;                       /* for every handler */
	size_t max_body;                 /* over it: 413 */
	unsigned threads;                /* 0: one per core */
	/* For connections, and no more than half of the files that may be open;
	 * 0: 1024. Past it the slowest gives way (connections.h). */
	unsigned places;
	/*
	 * Milliseconds, 0: 10 s, 30 s and 5 minutes. A TLS handshake has the
	 * first and a request the second to come in whole; the client has the
	 * third to take an answer, and to begin a request.
	 */
	int handshake_ms;
	int request_ms;
	int idle_ms;
	/* Called once per answer, for the metrics; may be NULL. */
	void (*answered)(void *arg, const char *path, unsigned status);
};

/* Listens. NULL with *err: ERR_INVALID (address), ERR_SYSTEM, ERR_NOMEM. */
struct http_server *http_server_new(
    const struct http_options *o, struct error *err);
uint16_t http_server_port(const struct http_server *s);

/* New handshakes use this pair from now on, or *err tells why not: as
 * tls_identity_new(). */
int http_server_set_tls(
    struct http_server *s, const struct keypair *kp, struct error *err);

/* From the next request on these are let in, open connections or not; takes a
 * reference. For a server that was made with some. */
void http_server_set_clients(struct http_server *s, struct clients *c);

/* From now on answers carry "Connection: close"; serving goes on. */
void http_server_drain(struct http_server *s);
/* Waits at most `ms` until no request comes in and no answer is owed; from then
 * on handlers are called no more, and who asks is cut off. */
void http_server_stop(struct http_server *s, int ms);
/* Cuts off whoever is still connected. Waits for handlers alone: each owes its
 * http_respond(), and no new ones are called. */
void http_server_free(struct http_server *s);
OWNED(struct http_server, http_server_free)

/* The request. The body is the handler's until it returns; the query is for the
 * listener's workers only (a handler, or what http_continue() calls), until the
 * answer, and NULL once the client is gone. */
const char *http_body(const struct http_exchange *x, size_t *len);
const char *http_query(const struct http_exchange *x, const char *key);

struct http_answer {
	unsigned status;
	const char *content_type; /* static */
	int retry_after;          /* seconds, 0: no such header */
	char *body;               /* stolen: free()d by the listener */
	size_t len;
};

/*
 * For a handler that has not answered: from any thread, also before the handler
 * has returned, makes one of the listener's workers call `fn` (once), which may
 * go on as the handler itself: answer, or wait again.
 */
void http_continue(struct http_exchange *x,
    void (*fn)(void *arg, struct http_exchange *x), void *arg);

/* Exactly once per exchange, from any thread. */
void http_respond(struct http_exchange *x, const struct http_answer *a);

#endif
