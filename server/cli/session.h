/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_SESSION_H
#define SERVER_CLI_SESSION_H

#include "server/gate/config.h"
#include "server/gate/gate.h"
#include "server/gate/policies.h"
#include "server/registry/registry.h"

#include <pthread.h>

/*
 * The engine as the commands that are not a server use it: opened from the
 * command line's files, asked, waited for.
 */
struct session {
	struct config config;
	struct ruleset *rules; /* NULL when opened without a policy */
	struct registry *registry;
	struct gate *gate; /* NULL without a policy */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t
	    running; /* guarded by lock: what was started and has not ended */
	/* Called now and then while this waits; true: wait no longer. NULL:
	 * never. */
	bool (*tick)(void *arg);
	void *tick_arg;
};

/*
 * `config` may be NULL; `policy` NULL opens a session that only resolves. Says
 * on stderr what is wrong. Returns 0, or -1 (session_close() is not needed).
 */
int session_open(struct session *s, const char *command,
    const struct policies *policy, const char *config);
void session_close(struct session *s);

/* Bracket each asynchronous call: begin waits until fewer than `max` run.
 * Returns 0, or -1 where tick() said so: nothing may be started then. */
int session_begin(struct session *s, size_t max);
void session_end(struct session *s); /* from any thread */
/* Until nothing runs, or tick() says so: -1. */
int session_wait(struct session *s);

/* A deadline `seconds` from now, for the calls that take one. */
int64_t session_deadline(int64_t seconds);

/*
 * Reads the value of --timeout: seconds from 1 to 3600 ("30", "30s", "2m").
 * With `text` NULL, sets a timeout that was not given (0) to
 * POLICY_GATE_TIMEOUT or else SESSION_TIMEOUT_S. Returns STATUS_OK, or
 * STATUS_USAGE after saying what is wrong.
 */
int session_timeout(const char *command, int64_t *seconds, const char *text);

enum { SESSION_TIMEOUT_S = 30 };

#endif
