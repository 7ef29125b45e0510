/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_FETCH_STATE_H
#define SERVER_REGISTRY_FETCH_STATE_H

#include "policy/base/arena.h"
#include "server/registry/fetch.h"
#include "server/registry/helper.h"
#include "server/registry/token.h"
#include "server/registry/url.h"

/* Private to fetch.c and fetch_auth.c. */

enum { ORIGIN_MAX = 300 };

/* Where it can be had: a mirror, or the registry itself (the last one). */
struct route {
	const char *host; /* as references write it */
	const char *ns;   /* of a mirror: the registry it stands for */
};

struct fetch {
	struct client *client;
	struct fetch_request rq;
	struct arena *mem;
	const int64_t *deadline;
	fetch_done *done;
	void *arg;
	struct transfer *transfer;
	struct token_waiter waiter;
	struct helper_waiter helper;
	struct timer timer;
	struct timer patience; /* of a mirror: when the next one's turn is */
	int tries;
	struct route *routes;
	size_t nroutes;
	/* Of the route under way: */
	size_t route;
	bool routed;                       /* what follows is filled */
	const struct registry_host *entry; /* its settings, or NULL */
	char origin[ORIGIN_MAX];           /* "https://registry-1.docker.io" */
	struct url base;
	const struct credential *credentials[CREDENTIALS_MAX];
	size_t ncredentials;
	size_t credential;
	bool asked; /* the breaker waits to hear how it went */
	bool head;
	bool pinging; /* asks /v2/, for a challenge alone */
	bool pinged;
	/* With the credential under way: */
	int rounds;             /* answers 401 */
	const char *realm_host; /* that it was not sent to */
	/* Of the try under way: */
	struct url url;
	int redirects;
	bool left; /* a redirect led to another origin */
	enum peer_auth sent;
	bool fresh_token;
	struct buf header;         /* "Authorization: ...", or empty */
	char *token;               /* in it */
	struct token_request want; /* what it answers; realm NULL: none */
};

/* Asks for f->url with f->header. */
void fetch_send(struct fetch *f);

/* Starts over from the route's own URL, with what is known to be wanted. */
void fetch_attempt(struct fetch *f);

/* The route cannot give it. */
void fetch_fail(struct fetch *f, const struct error *err);
void fetch_fail_with(struct fetch *f, enum err_code code, const char *msg);
void fetch_fail_nomem(struct fetch *f);

/* Finds what to send as authorization, then calls fetch_send(); maybe later. */
void fetch_authorize(struct fetch *f);

/* Answers 401, and 403 and the like. */
void fetch_challenged(struct fetch *f, const struct http_answer *a);
void fetch_refused(struct fetch *f);

/* Puts the credential first that worked the last time. */
void fetch_order_credentials(struct fetch *f);
/* The one under way has worked. */
void fetch_logged_in(struct fetch *f);

void fetch_forget_token(struct fetch *f);

#endif
