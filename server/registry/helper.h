/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_HELPER_H
#define SERVER_REGISTRY_HELPER_H

#include "policy/base/error.h"
#include "server/registry/client.h"

/*
 * Docker's credential helpers (credsStore, credHelpers): programs that are
 * asked for a host's credential
 * (https://github.com/docker/docker-credential-helpers). Each is asked once for
 * a host and its answer kept as long as the client lives; several run side by
 * side, and nothing waits for them but who asked.
 */

enum {
	HELPER_NAME_MAX = 64,
	HELPER_ANSWER_MAX = 64 * 1024,
	HELPER_MS = 10 * 1000, /* or half of what the asker has, if less */
	HELPERS_RUNNING_MAX = 8,
	HELPERS_MAX = 1024, /* hosts; further ones get no credential */
};

/* `c` is NULL where there is no credential to be had. It lives as long as the
 * client. */
typedef void helper_done(void *arg, const struct credential *c);

/* Its asker's; zeroed while it waits for nothing. */
struct helper_waiter {
	struct helper *helper;
	LIST_ENTRY(helper_waiter) entry;
	helper_done *done;
	void *arg;
	int64_t deadline;
};

/*
 * Asks the helper that the settings name for a host (as references write it).
 * w->done, arg and deadline are set. Returns 1: `done` will run; 0: it will
 * not, *out is what is known already, or NULL; -1 with ERR_NOMEM.
 */
int helper_ask(struct client *c, const struct registry_settings *s,
    const char *host, struct helper_waiter *w, const struct credential **out,
    struct error *err);

/* `done` will not run. The helper goes on, for who asks next. */
void helper_leave(struct helper_waiter *w);

/* Whether docker-credential-NAME is a file's plain name. */
bool helper_name_is_plain(const char *name);

void helpers_clear(struct client *c);

#endif
