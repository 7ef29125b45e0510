/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_TRANSPORT_H
#define SERVER_REGISTRY_TRANSPORT_H

#include "policy/base/error.h"
#include "server/registry/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One HTTP exchange: no redirect followed, no authentication, no retry, no
 * cookie, no decoding. Everything but wakeup() is called from one thread.
 * transport_curl.c is the real one, tests have their own.
 */

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PATCH };

enum {
	HTTP_HEADER_BYTES_MAX = 64 * 1024, /* of one answer, all of them */
	HTTP_CHALLENGES_MAX = 16,          /* headers of that name */
	HTTP_WARNINGS_MAX = 16,            /* likewise */
	HTTP_CONNECT_MS = 2000,
};

struct http_request {
	enum http_method method;
	const char *url;
	const char *const *headers; /* "Name: value"; ends with NULL */
	const char *body;           /* of a POST (a form, unless a header says
				       otherwise) or PATCH; else NULL */
	size_t body_max;            /* bound on the body of a success */
	int64_t timeout_ms; /* what is left: for how slow a peer may be */
	/* The settings of the host that the URL names, or NULL. */
	const struct registry_host *host;
	bool client_cert; /* the host may see ours */
	/* Where the peer may not be in a network that is not for us, except
	 * these. */
	bool guard;
	const struct net *allow;
	size_t nallow;
};

/* What came back; borrowed during the callback. */
struct http_answer {
	/* ERR_NONE: an answer came, whatever its status. Else ERR_UNAVAILABLE,
	 * ERR_TLS, ERR_BLOCKED, ERR_BUSY, ERR_TRUNCATED, ERR_LIMIT, ERR_NOMEM,
	 * ERR_INTERNAL; messages name no host. */
	struct error err;
	bool may_retry; /* of err: another try may go well */
	long status;
	const char *body; /* terminated; empty unless the status is 200 */
	size_t len;
	/* Headers; NULL where absent. */
	const char *content_type;
	const char *location;
	const char *digest; /* Docker-Content-Digest */
	const char *retry_after;
	const char *ratelimit_limit;
	const char *ratelimit_remaining;
	const char *const *challenges; /* WWW-Authenticate */
	size_t nchallenges;
	const char *const *warnings; /* Warning */
	size_t nwarnings;
	int64_t ms; /* how long it took */
};

struct transfer;
typedef void transfer_done(void *arg, const struct http_answer *a);

struct transport {
	/*
	 * Copies the request; its host and nets are borrowed until the end.
	 * `done` runs once, from poll(), never from within start(). NULL with
	 * ERR_NOMEM: it will not run.
	 */
	struct transfer *(*start)(struct transport *t,
	    const struct http_request *rq, transfer_done *done, void *arg,
	    struct error *err);
	/* Its `done` will not run any more. Not for one whose has begun. */
	void (*cancel)(struct transport *t, struct transfer *x);
	/* Waits for at most `ms`, and runs what is done. */
	void (*poll)(struct transport *t, int ms);
	/* From any thread: ends a wait. */
	void (*wakeup)(struct transport *t);
	/* Nothing may be under way. */
	void (*destroy)(struct transport *t);
};

/* NULL with ERR_NOMEM or ERR_SYSTEM. `clock` is borrowed, as is `budget`, of
 * the bodies; or NULL. */
struct clock;
struct budget;
struct transport *transport_curl_new(
    const struct clock *clock, struct budget *budget, struct error *err);

#endif
