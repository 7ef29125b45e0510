/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_KUBE_CLIENT_H
#define SERVER_KUBE_CLIENT_H

#include "policy/base/clock.h"
#include "policy/base/error.h"
#include "policy/base/own.h"
#include "server/registry/transport.h"

/*
 * Requests to a Kubernetes API server, one at a time, as a service account.
 * They go through the registry's transport, which knows how to talk HTTP. What
 * fails and may go well the next time is tried again, all of it before one
 * deadline. Neither the token nor what the server says is in any message.
 */
struct kube;

struct kube_options {
	const char *server;     /* https://HOST[:PORT] */
	const char *token_file; /* read once */
	const char *ca_file;    /* whom the server has its certificate from */
	int64_t timeout_ms;     /* from now on, for everything */
	const struct clock *clock;
	struct transport *transport; /* stays the caller's; NULL: a real one */
};

/* NULL with *err: ERR_INVALID (the URL, the token), ERR_SYSTEM or ERR_LIMIT (a
 * file), ERR_NOMEM. Strings are copied. */
struct kube *kube_new(const struct kube_options *o, struct error *err);
void kube_free(struct kube *k);
OWNED(struct kube, kube_free)

enum kube_verb {
	KUBE_GET,
	KUBE_CREATE,
	KUBE_MERGE, /* a patch, RFC 7386 */
	KUBE_PATCH, /* a patch, RFC 6902 */
};

enum kube_result {
	KUBE_OK,
	KUBE_ABSENT,   /* 404 */
	KUBE_CONFLICT, /* it is another by now: read it again */
	KUBE_FAILED,   /* with *err */
};

/*
 * `path` is what follows the server in the URL; `body` is borrowed, NULL for
 * KUBE_GET. Of KUBE_GET *answer is a new reference to an object.
 *
 * ERR_UNAUTHORIZED (the token, or what the account may do), ERR_UNAVAILABLE,
 * ERR_TIMEOUT, ERR_TLS, ERR_SYNTAX (not JSON), ERR_UNSUPPORTED (no status that
 * makes sense), ERR_LIMIT, ERR_NOMEM.
 */
enum kube_result kube_call(struct kube *k, enum kube_verb verb,
    const char *path, const json_t *body, json_t **answer, struct error *err);

/* Waits a moment that grows with `attempt`, and differs from one program to
 * the next. */
void kube_pause(struct kube *k, int attempt);

#endif
