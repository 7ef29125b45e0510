/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/token.h"

#include "policy/base/arena.h"
#include "server/registry/auth.h"
#include "server/registry/retry.h"

#include <curl/curl.h>
#include <string.h>

enum {
	TOKEN_SKEW = 5, /* seconds before its end it counts as over */
	URL_PART_MAX = 64 * 1024,
};

struct token {
	LIST_ENTRY(token) entry;
	struct client *client;
	struct arena *mem; /* of the request */
	struct token_request rq;
	struct credential credential;
	char *key;
	/* Held: */
	char *text;
	int64_t expires; /* monotonic milliseconds */
	/* Being fetched: */
	struct transfer *transfer;
	LIST_HEAD(token_waiters, token_waiter) waiters;
	bool telling;
	struct timer timer; /* the start, or a retry */
	bool by_post;
	int tries;
};

static void
wipe(char *s)
{
	if (s != NULL)
		explicit_bzero(s, strlen(s));
	free(s);
}

static void
token_free(struct token *t)
{
	if (t == NULL)
		return;
	if (t->transfer != NULL)
		t->client->transport->cancel(t->client->transport, t->transfer);
	timer_clear(&t->client->timers, &t->timer);
	wipe(t->text);
	free(t->key);
	registry_settings_unref(t->rq.settings);
	arena_free(t->mem);
	free(t);
}
OWNED(struct token, token_free)

static void
token_drop(struct token *t)
{
	LIST_REMOVE(t, entry);
	token_free(t);
}

/* Blanks stand in none of the parts. */
static char *
make_key(const struct token_request *rq)
{
	char *key = NULL;

	if (asprintf(&key, "%s %s %s %s %s", rq->origin, rq->realm,
		rq->service == NULL ? "-" : rq->service, rq->scope,
		rq->credential == NULL ? "" : rq->credential->id) < 0)
		return NULL;
	return key;
}

static struct token *
find(struct client *c, const char *key)
{
	struct token *t;

	LIST_FOREACH (t, &c->tokens, entry)
		if (strcmp(t->key, key) == 0)
			return t;
	return NULL;
}

const char *
token_held(struct client *c, const struct token_request *rq)
{
	AUTO(free) char *key = make_key(rq);
	struct token *t = key == NULL ? NULL : find(c, key);

	if (t == NULL || t->text == NULL || client_now(c) >= t->expires)
		return NULL;
	return t->text;
}

void
token_forget(struct client *c, const struct token_request *rq, const char *text)
{
	AUTO(free) char *key = make_key(rq);
	struct token *t = key == NULL ? NULL : find(c, key);

	if (t != NULL && t->text != NULL && strcmp(t->text, text) == 0)
		t->expires = 0;
}

static void start(struct token *t);

/*
 * Ends the fetch. What a waiter does then may make other waiters leave, and may
 * ask for tokens: this one is out of sight meanwhile, and kept.
 */
static void
tell(struct token *t, const struct error *err)
{
	struct client *c = t->client;
	struct token_waiter *w;

	LIST_REMOVE(t, entry);
	t->telling = true;
	while ((w = LIST_FIRST(&t->waiters)) != NULL) {
		LIST_REMOVE(w, entry);
		w->token = NULL;
		w->done(w->arg, err == NULL ? t->text : NULL, err);
	}
	t->telling = false;
	if (err != NULL || client_now(c) >= t->expires ||
	    find(c, t->key) != NULL) {
		token_free(t);
		return;
	}
	LIST_INSERT_HEAD(&c->tokens, t, entry);
}

static int64_t
latest_deadline(const struct token *t)
{
	const struct token_waiter *w;
	int64_t latest = 0;

	LIST_FOREACH (w, &t->waiters, entry)
		if (w->deadline > latest)
			latest = w->deadline;
	return latest;
}

static void
accept_token(struct token *t, const struct http_answer *a)
{
	struct error err = ERROR_INIT;
	int64_t life;
	char *text = token_parse(a->body, a->len, &life, &err);

	if (text == NULL) {
		error_wrap(&err, "the token service of %s answered nonsense",
		    t->rq.who);
		tell(t, &err);
		return;
	}
	wipe(t->text);
	t->text = text;
	life -= life > 2 * TOKEN_SKEW ? TOKEN_SKEW : life / 2;
	t->expires = client_now(t->client) + life * 1000;
	tell(t, NULL);
}

static void
on_timer(void *arg)
{
	start(arg);
}

static void
retry(struct token *t, const struct http_answer *a)
{
	char who[ERROR_MSG_MAX];
	struct error err = ERROR_INIT;
	int64_t wait;

	snprintf(who, sizeof(who), "the token service of %s", t->rq.who);
	if (retry_explain(a, who, t->client->clock, &err)) {
		wait = retry_delay(++t->tries, err.retry_after,
		    latest_deadline(t), t->client->clock);
		if (wait >= 0) {
			timer_set(&t->client->timers, &t->timer,
			    client_now(t->client) + wait);
			return;
		}
	}
	tell(t, &err);
}

static void
on_answer(void *arg, const struct http_answer *a)
{
	struct token *t = arg;
	struct error err = ERROR_INIT;
	long s = a->status;

	t->transfer = NULL;
	client_observe(t->client, t->rq.settings, t->rq.who, "token", a);
	if (a->err.code != ERR_NONE || retry_status(s)) {
		retry(t, a);
	} else if (s == 200) {
		accept_token(t, a);
	} else if (t->by_post &&
		   (s == 400 || s == 401 || s == 404 || s == 405)) {
		t->by_post = false; /* many know only GET */
		start(t);
	} else if (s >= 300 && s < 400) {
		error_set(&err, ERR_AUTH_UNSUPPORTED,
		    "the token service of %s redirects, which could lead "
		    "credentials away",
		    t->rq.who);
		tell(t, &err);
	} else if (s == 400 || s == 401 || s == 403) {
		error_set(&err, ERR_UNAUTHORIZED,
		    "the token service of %s refused", t->rq.who);
		tell(t, &err);
	} else {
		error_set(&err, ERR_AUTH_UNSUPPORTED,
		    "the token service of %s answered %ld", t->rq.who, s);
		tell(t, &err);
	}
}

/* Adds "name=value" with the value escaped. */
static void
add_param(struct buf *b, char sep, const char *name, const char *value)
{
	char *escaped;

	if (value == NULL || b->failed)
		return;
	escaped = curl_easy_escape(NULL, value, (int)strnlen(value, 1 << 20));
	if (escaped == NULL || (sep != '\0' && buf_add(b, &sep, 1) != 0) ||
	    buf_printf(b, "%s=%s", name, escaped) != 0)
		b->failed = true;
	curl_free(escaped);
}

static int
send_post(struct token *t, const struct http_request *base, struct error *err)
{
	struct http_request rq = *base;
	const char *headers[] = {
	    "Content-Type: application/x-www-form-urlencoded", NULL};
	AUTO(secret_clear) struct buf form = BUF_INIT(URL_PART_MAX);

	buf_puts(&form, "grant_type=refresh_token&client_id=policy-gate");
	add_param(&form, '&', "service", t->rq.service);
	add_param(&form, '&', "scope", t->rq.scope);
	add_param(&form, '&', "refresh_token", t->credential.identity_token);
	rq.method = HTTP_POST;
	rq.url = t->rq.realm;
	rq.headers = headers;
	rq.body = buf_text(&form);
	if (!buf_failed(&form))
		t->transfer = t->client->transport->start(
		    t->client->transport, &rq, on_answer, t, err);
	return t->transfer == NULL ? -1 : 0;
}

/* "Authorization: Basic ..." where there is something to send. */
static int
add_basic(struct buf *header, const struct credential *c)
{
	const char *secret =
	    c->password != NULL ? c->password : c->identity_token;

	return secret == NULL
		   ? 0
		   : auth_add_basic(header,
			 c->username == NULL ? "" : c->username, secret);
}

static int
send_get(struct token *t, const struct http_request *base, struct error *err)
{
	struct http_request rq = *base;
	const char *headers[2] = {NULL, NULL};
	AUTO(buf_clear) struct buf url = BUF_INIT(URL_PART_MAX);
	AUTO(secret_clear) struct buf header = BUF_INIT(2 * URL_PART_MAX);

	buf_puts(&url, t->rq.realm);
	add_param(&url, strchr(t->rq.realm, '?') == NULL ? '?' : '&',
	    t->rq.service == NULL ? "scope" : "service",
	    t->rq.service == NULL ? t->rq.scope : t->rq.service);
	if (t->rq.service != NULL)
		add_param(&url, '&', "scope", t->rq.scope);
	if (t->rq.credential != NULL && add_basic(&header, &t->credential) != 0)
		header.failed = true;
	if (header.len > 0)
		headers[0] = header.data;
	rq.method = HTTP_GET;
	rq.url = buf_text(&url);
	rq.headers = headers;
	if (!buf_failed(&url) && !buf_failed(&header))
		t->transfer = t->client->transport->start(
		    t->client->transport, &rq, on_answer, t, err);
	return t->transfer == NULL ? -1 : 0;
}

static void
start(struct token *t)
{
	struct error err = ERROR_INIT;
	struct http_request rq = {
	    .body_max = TOKEN_ANSWER_MAX,
	    .timeout_ms = latest_deadline(t) - client_now(t->client),
	    .host = t->rq.host,
	    .client_cert = t->rq.client_cert,
	    .guard = t->client->guard && t->rq.host == NULL,
	    .allow = t->rq.settings->allow,
	    .nallow = t->rq.settings->nallow,
	};

	if ((t->by_post ? send_post(t, &rq, &err) : send_get(t, &rq, &err)) ==
	    0)
		return;
	error_set(&err, ERR_NOMEM, "out of memory for a token");
	tell(t, &err);
}

static struct token *
token_new(struct client *c, const struct token_request *rq)
{
	AUTO(token_free) struct token *t = calloc(1, sizeof(*t));
	bool failed = false;

	if (t == NULL)
		return NULL;
	t->client = c;
	t->rq = *rq;
	t->rq.settings = registry_settings_ref(rq->settings);
	t->timer.fire = on_timer;
	t->timer.arg = t;
	t->key = make_key(rq);
	t->mem = arena_new();
	if (t->key == NULL || t->mem == NULL)
		return NULL;
	t->rq.origin = arena_copy(t->mem, rq->origin, &failed);
	t->rq.who = arena_copy(t->mem, rq->who, &failed);
	t->rq.realm = arena_copy(t->mem, rq->realm, &failed);
	t->rq.service = arena_copy(t->mem, rq->service, &failed);
	t->rq.scope = arena_copy(t->mem, rq->scope, &failed);
	if (failed)
		return NULL;
	if (rq->credential != NULL) {
		/* Its strings live as long as the settings. */
		t->credential = *rq->credential;
		t->rq.credential = &t->credential;
	}
	return TAKE(t);
}

/* Makes room: the idle token closest to its end goes. */
static void
limit(struct client *c)
{
	struct token *t, *oldest = NULL;
	int n = 0;

	LIST_FOREACH (t, &c->tokens, entry) {
		n++;
		if (LIST_EMPTY(&t->waiters) &&
		    (oldest == NULL || t->expires < oldest->expires))
			oldest = t;
	}
	if (n >= TOKENS_MAX && oldest != NULL)
		token_drop(oldest);
}

int
token_wait(struct client *c, const struct token_request *rq,
    struct token_waiter *w, struct error *err)
{
	AUTO(free) char *key = make_key(rq);
	struct token *t = key == NULL ? NULL : find(c, key);
	bool running = t != NULL && !LIST_EMPTY(&t->waiters);

	if (t != NULL && !running) {
		token_drop(t); /* over; its request may be of old settings */
		t = NULL;
	}
	if (t == NULL) {
		limit(c);
		t = token_new(c, rq);
		if (t == NULL)
			return error_set(
			    err, ERR_NOMEM, "out of memory for a token");
		t->by_post = rq->credential != NULL &&
			     rq->credential->identity_token != NULL;
		LIST_INSERT_HEAD(&c->tokens, t, entry);
	}
	w->token = t;
	LIST_INSERT_HEAD(&t->waiters, w, entry);
	if (!running)
		timer_set(&c->timers, &t->timer, client_now(c));
	return 0;
}

void
token_leave(struct token_waiter *w)
{
	struct token *t = w->token;

	if (t == NULL)
		return;
	LIST_REMOVE(w, entry);
	w->token = NULL;
	if (LIST_EMPTY(&t->waiters) && !t->telling)
		token_drop(t);
}

void
tokens_clear(struct client *c)
{
	struct token *t;

	while ((t = LIST_FIRST(&c->tokens)) != NULL)
		token_drop(t);
}
