/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/auth.h"

#include "policy/base/base64.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { SECRET_MAX = 64 * 1024 };

void
secret_clear(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_clear(b);
}

int
auth_add_basic(struct buf *header, const char *username, const char *secret)
{
	AUTO(secret_clear) struct buf plain = BUF_INIT(SECRET_MAX);

	if (buf_printf(&plain, "%s:%s", username, secret) != 0 ||
	    buf_puts(header, "Authorization: Basic ") != 0)
		return -1;
	return base64_encode(header, plain.data, plain.len);
}

bool
auth_is_bearer(const char *token)
{
	const char *p;

	for (p = token; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return false;
	return p > token;
}

/* The realm's host is an address that the guard would refuse. */
static bool
is_blocked_literal(const char *host, const struct registry_settings *s)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		return address_is_blocked(
		    (const struct sockaddr *)(const void *)&v4, s->allow,
		    s->nallow);
	if (host[0] != '[')
		return false;
	snprintf(
	    text, sizeof(text), "%.*s", (int)strcspn(host + 1, "]"), host + 1);
	return inet_pton(AF_INET6, text, &v6.sin6_addr) != 1 ||
	       address_is_blocked((const struct sockaddr *)(const void *)&v6,
		   s->allow, s->nallow);
}

static bool
is_listed(const struct registry_host *h, const char *hostport)
{
	size_t i;

	for (i = 0; h != NULL && i < h->token_realms.n; i++)
		if (strcmp(h->token_realms.items[i], hostport) == 0)
			return true;
	return false;
}

/* Token services that are known to stand elsewhere. */
static bool
is_known(const char *registry, const char *realm)
{
	static const char *const known[][2] = {
	    {"registry-1.docker.io", "auth.docker.io"},
	    {"registry.gitlab.com", "gitlab.com"},
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(known[i][0], registry) == 0 &&
		    strcmp(known[i][1], realm) == 0)
			return true;
	return false;
}

int
realm_read(struct realm *r, const char *text, const struct url *registry,
    const struct registry_host *h, const struct registry_settings *s,
    bool guard, struct arena *mem, struct error *err)
{
	struct error why = ERROR_INIT;
	bool listed, plain;

	*r = (struct realm){0};
	if (url_parse(&r->url, text, NULL, mem, &why) != 0) {
		if (why.code == ERR_NOMEM)
			return error_set(err, ERR_NOMEM, "out of memory");
		return error_set(err, ERR_AUTH_UNSUPPORTED,
		    "its token service is not a URL that may be asked: %s",
		    why.msg);
	}
	if (r->url.has_user || r->url.has_fragment)
		return error_set(err, ERR_AUTH_UNSUPPORTED,
		    "its token service is a URL with a user or a fragment");
	plain = strcmp(r->url.scheme, "http") == 0;
	if (plain && strcmp(registry->scheme, "http") != 0)
		return error_set(err, ERR_AUTH_UNSUPPORTED,
		    "its token service is not https");
	r->host = registry_settings_find(s, r->url.hostport);
	if (guard && r->host == NULL && is_blocked_literal(r->url.host, s))
		return error_set(err, ERR_AUTH_UNSUPPORTED,
		    "its token service is at an address that is not for "
		    "registries");
	listed = is_listed(h, r->url.hostport);
	r->client_cert = url_same_origin(&r->url, registry);
	r->trusted = r->client_cert || listed ||
		     (!plain && is_known(registry->hostport, r->url.hostport));
	/* A service that the registry's entry lists is held to be of the same
	 * house: its CA and proxy count, if it has no entry of its own. */
	if (r->host == NULL && (listed || r->client_cert))
		r->host = h;
	return 0;
}
