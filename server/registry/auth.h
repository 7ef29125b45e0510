/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_AUTH_H
#define SERVER_REGISTRY_AUTH_H

#include "policy/base/arena.h"
#include "policy/base/buf.h"
#include "server/registry/settings.h"
#include "server/registry/url.h"

#include <stdbool.h>

/* Which token services a registry may send us to, and with what. */

struct realm {
	struct url url;
	bool trusted; /* may be sent the registry's credentials */
	const struct registry_host *host; /* whose CA and proxy hold for it */
	bool client_cert;                 /* it is the registry's own origin */
};

/*
 * Looks at a realm that `registry` (its base URL; `h` its settings or NULL)
 * named. Credentials go to the
 * registry's own origin, to the services that Docker Hub and GitLab are known
 * to have elsewhere, and to hosts in the entry's tokenRealms.
 * Returns 0, or -1 with ERR_AUTH_UNSUPPORTED (not https while the registry is,
 * a user or fragment in it, an address that is not for us), ERR_NOMEM.
 */
int realm_read(struct realm *r, const char *text, const struct url *registry,
    const struct registry_host *h, const struct registry_settings *s,
    bool guard, struct arena *mem, struct error *err);

/* Adds "Authorization: Basic ..." for username and secret. 0, or -1. */
int auth_add_basic(
    struct buf *header, const char *username, const char *secret);

/* Whether it can go into "Authorization: Bearer ..." as it is: visible ASCII,
 * and some of it. */
bool auth_is_bearer(const char *token);

/* Releases a buffer that held a secret, and wipes it first. */
void secret_clear(struct buf *b);
OWNED_IN_PLACE(struct buf, secret_clear)

#endif
