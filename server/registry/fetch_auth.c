/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/auth.h"
#include "server/registry/challenge.h"
#include "server/registry/fetch_state.h"

#include <string.h>

enum {
	/* Answers 401 that lead to another try with the same credential: it
	 * says how it wants to be asked, then a held token is renewed. */
	AUTH_ROUNDS_MAX = 3,
	REALM_HOST_SHOWN_MAX = 60,
};

static const struct credential *
current(const struct fetch *f)
{
	return f->ncredentials == 0 ? NULL : f->credentials[f->credential];
}

static bool
has_password(const struct credential *c)
{
	return c != NULL && c->username != NULL && c->password != NULL;
}

void
fetch_forget_token(struct fetch *f)
{
	if (f->token != NULL)
		explicit_bzero(f->token, strlen(f->token));
	free(f->token);
	f->token = NULL;
	secret_clear(&f->header);
	f->sent = PEER_UNKNOWN;
	f->fresh_token = false;
}

void
fetch_order_credentials(struct fetch *f)
{
	const struct credential *c;
	const char *id;
	size_t i;

	if (f->ncredentials < 2)
		return;
	id = peer_login(&f->client->peers, f->origin, f->rq.path);
	for (i = 0; id != NULL && i < f->ncredentials; i++) {
		c = f->credentials[i];
		if (strcmp(c->id, id) != 0)
			continue;
		memmove(f->credentials + 1, f->credentials,
		    i * sizeof(*f->credentials));
		f->credentials[0] = c;
		return;
	}
}

void
fetch_logged_in(struct fetch *f)
{
	if (f->ncredentials > 1 && f->sent != PEER_UNKNOWN)
		peer_logged_in(
		    &f->client->peers, f->origin, f->rq.path, current(f)->id);
}

/* No credential is left. */
static void
give_up(struct fetch *f)
{
	const char *host = f->routes[f->route].host;
	struct error err = ERROR_INIT;

	if (f->ncredentials == 0)
		error_set(&err, ERR_NOT_FOUND_DENIED,
		    "%s has no such image, or does not show it without "
		    "credentials; none are held for it (see dockerConfig)",
		    host);
	else if (f->realm_host != NULL)
		error_set(&err, ERR_UNAUTHORIZED,
		    "%s wants a token from %.*s, which is not sent its "
		    "credentials: list it under tokenRealms if it is to be",
		    host, REALM_HOST_SHOWN_MAX, f->realm_host);
	else
		error_set(&err, ERR_UNAUTHORIZED,
		    "%s refuses it with the credentials that are held for it",
		    host);
	fetch_fail(f, &err);
}

void
fetch_refused(struct fetch *f)
{
	if (f->credential + 1 >= f->ncredentials) {
		give_up(f);
		return;
	}
	f->credential++;
	f->rounds = 0;
	f->realm_host = NULL;
	fetch_attempt(f);
}

static void
send_bearer(struct fetch *f, const char *token)
{
	f->sent = PEER_BEARER;
	if (buf_printf(&f->header, "Authorization: Bearer %s", token) == 0)
		f->token = strdup(token);
	if (f->token == NULL) {
		fetch_fail_nomem(f);
		return;
	}
	fetch_send(f);
}

static void
on_token(void *arg, const char *token, const struct error *err)
{
	struct fetch *f = arg;

	if (token != NULL) {
		f->fresh_token = true;
		send_bearer(f, token);
	} else if (err->code == ERR_UNAUTHORIZED) {
		fetch_refused(f);
	} else {
		fetch_fail(f, err);
	}
}

/* A token of the service that the origin is known to want one of. */
static void
get_token(struct fetch *f, const struct peer *p)
{
	const char *held, *host = f->routes[f->route].host;
	struct error err = ERROR_INIT;
	struct realm r;

	if (realm_read(&r, p->realm, &f->base, f->entry, f->rq.settings,
		f->client->guard, f->mem, &err) != 0) {
		error_wrap(&err, "%s", host);
		fetch_fail(f, &err);
		return;
	}
	f->want = (struct token_request){
	    .origin = f->origin,
	    .who = host,
	    .realm = r.url.text,
	    .service =
		p->service == NULL ? NULL : arena_strdup(f->mem, p->service),
	    .scope = arena_printf(f->mem, "repository:%s:pull", f->rq.path),
	    .credential = r.trusted ? current(f) : NULL,
	    .settings = f->rq.settings,
	    .host = r.host,
	    .client_cert = r.client_cert,
	};
	if (!r.trusted)
		f->realm_host = r.url.hostport;
	held = token_held(f->client, &f->want);
	if (held != NULL) {
		send_bearer(f, held);
		return;
	}
	f->waiter = (struct token_waiter){
	    .done = on_token, .arg = f, .deadline = *f->deadline};
	if (f->want.scope == NULL ||
	    (p->service != NULL && f->want.service == NULL) ||
	    token_wait(f->client, &f->want, &f->waiter, &err) != 0)
		fetch_fail_nomem(f);
}

void
fetch_authorize(struct fetch *f)
{
	const struct credential *c = current(f);
	const struct peer *p = peer_find(&f->client->peers, f->origin);

	fetch_forget_token(f);
	f->want = (struct token_request){0};
	if (c != NULL && c->registry_token != NULL) {
		send_bearer(f, c->registry_token);
	} else if (p != NULL && p->auth == PEER_BEARER) {
		get_token(f, p);
	} else if (p != NULL && p->auth == PEER_BASIC && has_password(c)) {
		f->sent = PEER_BASIC;
		if (auth_add_basic(&f->header, c->username, c->password) != 0)
			fetch_fail_nomem(f);
		else
			fetch_send(f);
	} else {
		fetch_send(f);
	}
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Whether the challenge asks for what was sent already. */
static bool
is_answered(const struct fetch *f, const struct challenges *ch)
{
	const struct peer *p;

	if (f->sent == PEER_BASIC)
		return !ch->bearer;
	if (f->sent != PEER_BEARER)
		return false;
	if (f->want.realm == NULL)
		return true; /* the credential's own token: all there is */
	p = peer_find(&f->client->peers, f->origin);
	return ch->bearer && p != NULL && same(p->realm, ch->realm) &&
	       same(p->service, ch->service);
}

/* What is asked for becomes what is known of the origin. */
static void
learn(struct fetch *f, const struct challenges *ch)
{
	enum peer_auth auth = ch->bearer ? PEER_BEARER : PEER_BASIC;

	if (peer_learn(&f->client->peers, f->origin, auth, ch->realm,
		ch->service) != 0)
		fetch_fail_nomem(f);
	else if (auth == PEER_BEARER || has_password(current(f)))
		fetch_attempt(f);
	else
		fetch_refused(f);
}

static void
unchallenged(struct fetch *f, const struct http_answer *a)
{
	if (a->nchallenges == 0 && f->sent != PEER_UNKNOWN) {
		fetch_refused(f);
	} else if (a->nchallenges == 0 && !f->pinged) {
		f->pinged = f->pinging = true;
		fetch_attempt(f);
	} else {
		fetch_fail_with(f, ERR_AUTH_UNSUPPORTED,
		    "asks for a login of a kind that is not known");
	}
}

void
fetch_challenged(struct fetch *f, const struct http_answer *a)
{
	struct challenges ch = {0};
	struct error err = ERROR_INIT;
	size_t i;

	for (i = 0; i < a->nchallenges; i++) {
		if (challenges_add(&ch, a->challenges[i], f->mem, &err) != 0) {
			fetch_fail(f, &err);
			return;
		}
	}
	if (!ch.bearer && !ch.basic) {
		unchallenged(f, a);
		return;
	}
	f->pinging = false;
	if (++f->rounds > AUTH_ROUNDS_MAX) {
		fetch_refused(f);
	} else if (!is_answered(f, &ch)) {
		learn(f, &ch);
	} else if (f->want.realm != NULL && !f->fresh_token) {
		token_forget(f->client, &f->want, f->token);
		fetch_attempt(f);
	} else {
		fetch_refused(f);
	}
}
