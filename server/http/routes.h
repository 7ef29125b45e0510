/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_HTTP_ROUTES_H
#define SERVER_HTTP_ROUTES_H

#include "server/gate/metrics.h"
#include "server/gate/webhook.h"
#include "server/http/http.h"

#include <stdatomic.h>
#include <stdint.h>

/*
 * Which path is answered by what: the webhook and the health endpoints on the
 * TLS listener, health and metrics on the plain one.
 */
struct routes {
	struct webhook *webhook; /* borrowed */
	struct metrics *metrics; /* borrowed */
	atomic_bool stale;    /* the last reload was refused: /readyz says so */
	atomic_bool draining; /* /readyz says 503 */
	/* Seconds since the epoch; from then on /readyz says 503: nobody who
	 * verifies it can ask anything. */
	_Atomic int64_t cert_not_after;
};

/* For http_options.routes; the arg is a struct routes. */
extern const struct http_route routes_tls[];
extern const struct http_route routes_metrics[];

/* For http_options.answered. */
void routes_count(void *arg, const char *path, unsigned status);

#endif
