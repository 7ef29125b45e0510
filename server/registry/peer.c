/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
peer_free(struct peer *p)
{
	free(p->origin);
	free(p->realm);
	free(p->service);
	free(p);
}

struct peer *
peer_find(struct peers *ps, const char *origin)
{
	struct peer **where, *p;

	for (where = &ps->first; *where != NULL; where = &(*where)->next)
		if (strcmp((*where)->origin, origin) == 0)
			break;
	p = *where;
	if (p != NULL && p != ps->first) {
		*where = p->next;
		p->next = ps->first;
		ps->first = p;
	}
	return p;
}

static void
drop_last(struct peers *ps)
{
	struct peer **where = &ps->first;

	if (*where == NULL)
		return;
	while ((*where)->next != NULL)
		where = &(*where)->next;
	peer_free(*where);
	*where = NULL;
	ps->n--;
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
	p->next = ps->first;
	ps->first = p;
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

/* Where it hangs; where the next would hang, if there is none. */
static struct login **
find_login(struct peers *ps, const char *origin, const char *path)
{
	struct login **where = &ps->logins;

	while (*where != NULL && (strcmp((*where)->origin, origin) != 0 ||
				     strcmp((*where)->path, path) != 0))
		where = &(*where)->next;
	return where;
}

static struct login *
to_front(struct peers *ps, struct login **where)
{
	struct login *l = *where;

	*where = l->next;
	l->next = ps->logins;
	ps->logins = l;
	return l;
}

const char *
peer_login(struct peers *ps, const char *origin, const char *path)
{
	struct login **where = find_login(ps, origin, path);

	return *where == NULL ? NULL : to_front(ps, where)->id;
}

static void
drop_last_login(struct peers *ps)
{
	struct login **where = &ps->logins;

	if (*where == NULL)
		return;
	while ((*where)->next != NULL)
		where = &(*where)->next;
	login_free(*where);
	*where = NULL;
	ps->nlogins--;
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
	l->next = ps->logins;
	ps->logins = l;
	ps->nlogins++;
	return l;
}

void
peer_logged_in(
    struct peers *ps, const char *origin, const char *path, const char *id)
{
	struct login **where = find_login(ps, origin, path);
	struct login *l =
	    *where == NULL ? add_login(ps, origin, path) : to_front(ps, where);

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
