/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
peers_init(struct peers *ps)
{
	TAILQ_INIT(&ps->all);
	TAILQ_INIT(&ps->logins);
}

struct peer *
peer_find(struct peers *ps, const char *origin)
{
	struct peer *p;

	TAILQ_FOREACH (p, &ps->all, entry)
		if (strcmp(p->origin, origin) == 0)
			break;
	if (p != NULL) {
		TAILQ_REMOVE(&ps->all, p, entry);
		TAILQ_INSERT_HEAD(&ps->all, p, entry);
	}
	return p;
}

static void
drop_last(struct peers *ps)
{
	struct peer *p = TAILQ_LAST(&ps->all, peer_list);

	TAILQ_REMOVE(&ps->all, p, entry);
	ps->n--;
	free(p->origin);
	free(p->realm);
	free(p->service);
	free(p);
}

/* Found or made; NULL when memory is out. */
static struct peer *
peer_get(struct peers *ps, const char *origin)
{
	struct peer *p = peer_find(ps, origin);

	if (p != NULL)
		return p;
	p = calloc(1, sizeof(*p));
	if (p != NULL)
		p->origin = strdup(origin);
	if (p == NULL || p->origin == NULL) {
		free(p);
		return NULL;
	}
	if (ps->n == PEERS_MAX)
		drop_last(ps);
	TAILQ_INSERT_HEAD(&ps->all, p, entry);
	ps->n++;
	return p;
}

int
peer_learn(struct peers *ps, const char *origin, enum peer_auth auth,
    const char *realm, const char *service)
{
	struct peer *p = peer_get(ps, origin);

	if (p == NULL)
		return -1;
	free(p->realm);
	free(p->service);
	p->realm = realm == NULL ? NULL : strdup(realm);
	p->service = service == NULL ? NULL : strdup(service);
	p->auth = auth;
	if ((realm == NULL || p->realm != NULL) &&
	    (service == NULL || p->service != NULL))
		return 0;
	p->auth = PEER_UNKNOWN;
	return -1;
}

int64_t
peer_wait(struct peers *ps, const char *origin, int64_t now)
{
	struct peer *p = peer_find(ps, origin);

	if (p == NULL || p->failures < BREAKER_FAILURES)
		return 0;
	if (now < p->open_until)
		return p->open_until - now;
	if (p->probing)
		return BREAKER_OPEN_MS;
	p->probing = true;
	return 0;
}

void
peer_worked(struct peers *ps, const char *origin)
{
	struct peer *p = peer_find(ps, origin);

	if (p == NULL)
		return;
	p->failures = 0;
	p->probing = false;
}

void
peer_failed(
    struct peers *ps, const char *origin, enum err_code why, int64_t now)
{
	struct peer *p = peer_get(ps, origin);

	if (p == NULL)
		return;
	p->probing = false;
	p->why = why;
	if (p->failures < BREAKER_FAILURES)
		p->failures++;
	if (p->failures == BREAKER_FAILURES)
		p->open_until = now + BREAKER_OPEN_MS;
}

void
peer_unknown(struct peers *ps, const char *origin)
{
	struct peer *p = peer_find(ps, origin);

	if (p != NULL)
		p->probing = false;
}

static void
login_free(struct login *l)
{
	free(l->origin);
	free(l->path);
	free(l);
}

static struct login *
find_login(struct peers *ps, const char *origin, const char *path)
{
	struct login *l;

	TAILQ_FOREACH (l, &ps->logins, entry)
		if (strcmp(l->origin, origin) == 0 &&
		    strcmp(l->path, path) == 0)
			break;
	if (l != NULL) {
		TAILQ_REMOVE(&ps->logins, l, entry);
		TAILQ_INSERT_HEAD(&ps->logins, l, entry);
	}
	return l;
}

const char *
peer_login(struct peers *ps, const char *origin, const char *path)
{
	const struct login *l = find_login(ps, origin, path);

	return l == NULL ? NULL : l->id;
}

static void
drop_last_login(struct peers *ps)
{
	struct login *l = TAILQ_LAST(&ps->logins, login_list);

	TAILQ_REMOVE(&ps->logins, l, entry);
	ps->nlogins--;
	login_free(l);
}

static struct login *
add_login(struct peers *ps, const char *origin, const char *path)
{
	struct login *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->origin = strdup(origin);
	l->path = strdup(path);
	if (l->origin == NULL || l->path == NULL) {
		login_free(l);
		return NULL;
	}
	if (ps->nlogins == LOGINS_MAX)
		drop_last_login(ps);
	TAILQ_INSERT_HEAD(&ps->logins, l, entry);
	ps->nlogins++;
	return l;
}

void
peer_logged_in(
    struct peers *ps, const char *origin, const char *path, const char *id)
{
	struct login *l = find_login(ps, origin, path);

	if (l == NULL)
		l = add_login(ps, origin, path);
	if (l != NULL)
		snprintf(l->id, sizeof(l->id), "%s", id);
}

void
peers_clear(struct peers *ps)
{
	while (ps->n > 0)
		drop_last(ps);
	while (ps->nlogins > 0)
		drop_last_login(ps);
}
