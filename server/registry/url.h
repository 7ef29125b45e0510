/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_URL_H
#define SERVER_REGISTRY_URL_H

#include "policy/base/arena.h"
#include "policy/base/error.h"

#include <stdbool.h>

/*
 * A URL that may be asked: http or https, taken apart (RFC 3986; origin as in
 * RFC 6454). All strings live in the arena given.
 */
struct url {
	const char *text; /* without fragment and user */
	const char *scheme;
	const char *host;     /* lowercase, without port: "[::1]", "r.io" */
	const char *hostport; /* the port only where it is not the default */
	int port;
	bool has_user;
	bool has_fragment;
};

enum { URL_MAX = 8 * 1024 };

/*
 * `base` is NULL, or what a relative `text` is relative to.
 * Returns 0, or -1 with *err: ERR_INVALID (not an http or https URL with a
 * plain host name), ERR_NOMEM.
 */
int url_parse(struct url *u, const char *text, const struct url *base,
    struct arena *mem, struct error *err);

/* Same scheme, host and port. */
bool url_same_origin(const struct url *a, const struct url *b);

/* localhost, 127.0.0.0/8 or [::1]; `host` may have a port. */
bool host_is_loopback(const char *host);

#endif
