/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_CLIENT_H
#define SERVER_REGISTRY_CLIENT_H

#include "policy/base/clock.h"
#include "server/registry/budget.h"
#include "server/registry/peer.h"
#include "server/registry/registry.h"
#include "server/registry/timer.h"
#include "server/registry/transport.h"
#include "server/registry/warning.h"

#include <sys/queue.h>

LIST_HEAD(token_list, token);
LIST_HEAD(helper_list, helper);
LIST_HEAD(load_list, load);
LIST_HEAD(job_list, job);

/*
 * The state that all operations of the registry's thread share. Operations are
 * layered: a job (resolve.h) joins loads (load.h), a load makes fetches
 * (fetch.h), a fetch waits for tokens (token.h) and makes transfers
 * (transport.h). Callbacks run from client_run() only, never from within the
 * call that asked for them.
 */
struct client {
	const struct clock *clock;
	struct transport *transport;
	const struct registry_observer *observer; /* or NULL */
	bool guard;
	bool run_helpers;
	struct cache *cache;   /* or NULL */
	struct store *store;   /* or NULL */
	struct budget *budget; /* or NULL: no bound on them all together */
	struct timers timers;
	struct peers peers;
	struct warnings warnings;
	struct token_list tokens;
	struct helper_list helpers;
	struct load_list loads;
	struct job_list jobs;
};

/* What is zeroed becomes one without transport, clock and all that is NULL. */
void client_init(struct client *c);

int64_t client_now(const struct client *c);

/* Fires timers, then waits for transfers until the next timer is due, at most
 * `max_ms`. */
void client_run(struct client *c, int max_ms);

/* Releases what is remembered; nothing may be under way. */
void client_clear(struct client *c);

/* Tells the observer of an exchange. `label` is the host where the settings
 * list it. */
void client_observe(const struct client *c, const struct registry_settings *s,
    const char *host, const char *kind, const struct http_answer *a);

/*
 * Tells the observer of the rate limit that an answer of `host` states. A
 * registry that is not listed has no label of its own, and a value that others
 * overwrite would say nothing: only Docker Hub's is told all the same.
 */
void client_observe_ratelimit(const struct client *c,
    const struct registry_settings *s, const char *host,
    const struct http_answer *a);

/* Tells the observer, for the log, what an answer of `host` warns of. */
void client_pass_warnings(
    struct client *c, const char *host, const struct http_answer *a);

/* Tells the observer something for the log; `detail` is sanitised here. */
void client_log(const struct client *c, const char *level, const char *event,
    const char *host, const char *detail);

#endif
