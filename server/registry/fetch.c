/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/fetch.h"

#include "server/registry/auth.h"
#include "server/registry/fetch_state.h"
#include "server/registry/manifest.h"
#include "server/registry/retry.h"

#include <string.h>

enum { HEADER_MAX = 128 * 1024 };

static void start_route(struct fetch *f);

/* Whatever it waits for will not come. */
static void
stop_waiting(struct fetch *f)
{
	struct client *c = f->client;

	if (f->transfer != NULL)
		c->transport->cancel(c->transport, f->transfer);
	f->transfer = NULL;
	token_leave(&f->waiter);
	helper_leave(&f->helper);
	timer_clear(&c->timers, &f->timer);
}

static void
fetch_free(struct fetch *f)
{
	struct client *c;

	if (f == NULL)
		return;
	c = f->client;
	stop_waiting(f);
	timer_clear(&c->timers, &f->patience);
	fetch_forget_token(f);
	registry_settings_unref(f->rq.settings);
	arena_free(f->mem);
	free(f);
}
OWNED(struct fetch, fetch_free)

/* Tells the breaker, once for a route. */
static void
report(struct fetch *f, enum err_code code)
{
	struct peers *ps = &f->client->peers;

	if (!f->asked)
		return;
	f->asked = false;
	switch (code) {
	case ERR_UNAVAILABLE:
	case ERR_TRUNCATED:
	case ERR_TIMEOUT:
	case ERR_TLS:
	case ERR_BLOCKED: /* as a closed port, for who asks */
		peer_failed(ps, f->origin, code, client_now(f->client));
		break;
	case ERR_BUSY:
	case ERR_NOMEM:
	case ERR_INTERNAL:
		peer_unknown(ps, f->origin);
		break;
	default:
		peer_worked(ps, f->origin);
	}
}

static void
finish(struct fetch *f, const struct http_answer *a, const struct error *err)
{
	fetch_done *done = f->done;
	void *arg = f->arg;

	fetch_free(f); /* the answer lives in the transfer */
	done(arg, a, err);
}

/* A mirror that fails is passed over; the registry has the last word. */
void
fetch_fail(struct fetch *f, const struct error *err)
{
	struct error copy = *err; /* it may stand in what is released */

	report(f, err->code);
	/* Who asked is told what a closed port says: only this tells. */
	if (err->code == ERR_BLOCKED)
		client_log(f->client, "warn", "address_blocked",
		    f->routes[f->route].host,
		    "its address is in a network that is not for registries");
	if (f->route + 1 < f->nroutes && err->code != ERR_NOMEM) {
		client_log(f->client, "debug", "mirror_failed",
		    f->routes[f->route].host, err->msg);
		f->route++;
		start_route(f);
		return;
	}
	finish(f, NULL, &copy);
}

void
fetch_fail_with(struct fetch *f, enum err_code code, const char *msg)
{
	struct error err = ERROR_INIT;

	error_set(&err, code, "%s %s", f->routes[f->route].host, msg);
	fetch_fail(f, &err);
}

void
fetch_fail_nomem(struct fetch *f)
{
	fetch_fail_with(f, ERR_NOMEM, "cannot be asked: out of memory");
}

static void
try_later(struct fetch *f, const struct http_answer *a)
{
	struct error err = ERROR_INIT;
	int64_t wait;

	if (retry_explain(
		a, f->routes[f->route].host, f->client->clock, &err)) {
		wait = retry_delay(++f->tries, err.retry_after, *f->deadline,
		    f->client->clock);
		if (wait >= 0) {
			timer_set(&f->client->timers, &f->timer,
			    client_now(f->client) + wait);
			return;
		}
	}
	fetch_fail(f, &err);
}

/* RFC 9110 section 15.4. Followed by us, so that each step is looked at. */
static void
redirect(struct fetch *f, const struct http_answer *a)
{
	struct error err = ERROR_INIT;
	struct url to;

	if (++f->redirects > REDIRECTS_MAX) {
		fetch_fail_with(
		    f, ERR_UNAVAILABLE, "redirects more often than is sane");
		return;
	}
	if (url_parse(&to, a->location, &f->url, f->mem, &err) != 0 ||
	    to.has_user) {
		if (err.code == ERR_NOMEM)
			fetch_fail(f, &err);
		else
			fetch_fail_with(f, ERR_UNAVAILABLE,
			    "redirects to what is not a URL that may be asked");
		return;
	}
	if (strcmp(f->url.scheme, "https") == 0 &&
	    strcmp(to.scheme, "https") != 0) {
		fetch_fail_with(f, ERR_UNAVAILABLE,
		    "redirects from https to http, which is not followed");
		return;
	}
	f->url = to;
	/* Who was led away comes back as a stranger. */
	f->left |= !url_same_origin(&f->url, &f->base);
	fetch_send(f);
}

static bool
is_redirect(const struct http_answer *a)
{
	return a->location != NULL && *a->location != '\0' &&
	       (a->status == 301 || a->status == 302 || a->status == 303 ||
		   a->status == 307 || a->status == 308);
}

/* An answer of the registry itself, or of where it led us. */
static void
on_status(struct fetch *f, const struct http_answer *a)
{
	long s = a->status;

	if (is_redirect(a))
		redirect(f, a);
	else if (retry_status(s))
		try_later(f, a);
	else if (f->left && (s == 401 || s == 403))
		fetch_fail_with(f, ERR_UNAVAILABLE,
		    "leads to a storage that refuses the download");
	else if (s == 401)
		fetch_challenged(f, a);
	else if (f->head &&
		 (s == 400 || s == 403 || s == 404 || s == 405 || s == 501)) {
		f->head = false; /* not every registry knows HEAD */
		fetch_attempt(f);
	} else if (s == 403)
		fetch_refused(f);
	else if (s == 404)
		fetch_fail_with(f, ERR_NOT_FOUND, "has no such image");
	else if (s == 400 && !f->left && strcmp(f->base.scheme, "http") == 0)
		fetch_fail_with(f, ERR_UNAVAILABLE,
		    "answered 400 to plain HTTP: if it speaks TLS, leave "
		    "plainHttp out, or on loopback name its caFile");
	else if (s != 200)
		try_later(f, a);
	else if (f->pinging)
		fetch_fail_with(f, ERR_AUTH_UNSUPPORTED,
		    "asks for a login, but not for which");
	else {
		report(f, ERR_NONE);
		fetch_logged_in(f);
		finish(f, a, NULL);
	}
}

static void
on_answer(void *arg, const struct http_answer *a)
{
	struct fetch *f = arg;

	f->transfer = NULL;
	client_observe(f->client, f->rq.settings, f->routes[f->route].host,
	    f->rq.kind == FETCH_MANIFEST ? "manifest" : "blob", a);
	if (!f->left) {
		client_observe_ratelimit(
		    f->client, f->rq.settings, f->routes[f->route].host, a);
		client_pass_warnings(f->client, f->routes[f->route].host, a);
	}
	if (a->err.code != ERR_NONE)
		try_later(f, a);
	else
		on_status(f, a);
}

void
fetch_send(struct fetch *f)
{
	const char *headers[3] = {NULL, NULL, NULL};
	const struct registry_host *h = f->entry;
	struct error err = ERROR_INIT;
	size_t n = 0;

	if (f->left)
		h = registry_settings_find(f->rq.settings, f->url.hostport);
	if (f->rq.kind == FETCH_MANIFEST)
		headers[n++] = manifest_accept;
	if (f->header.len > 0 && !f->left)
		headers[n++] = f->header.data;
	f->transfer = f->client->transport->start(f->client->transport,
	    &(struct http_request){
		.method = f->head ? HTTP_HEAD : HTTP_GET,
		.url = f->url.text,
		.headers = headers,
		.body_max = f->rq.max,
		.timeout_ms = *f->deadline - client_now(f->client),
		.host = h,
		.client_cert = !f->left,
		.guard = f->client->guard && h == NULL,
		.allow = f->rq.settings->allow,
		.nallow = f->rq.settings->nallow,
	    },
	    on_answer, f, &err);
	if (f->transfer == NULL && err.code == ERR_BUSY)
		fetch_fail_with(f, ERR_BUSY, err.msg);
	else if (f->transfer == NULL)
		fetch_fail_nomem(f);
}

static int
first_url(struct fetch *f, struct error *err)
{
	const struct route *r = &f->routes[f->route];
	const char *text = "/v2/";

	if (!f->pinging)
		text = arena_printf(f->mem, "/v2/%s/%s/%s%s%s", f->rq.path,
		    f->rq.kind == FETCH_MANIFEST ? "manifests" : "blobs",
		    f->rq.what,
		    r->ns == NULL ? "" : "?ns=", r->ns == NULL ? "" : r->ns);
	if (text == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	return url_parse(&f->url, text, &f->base, f->mem, err);
}

void
fetch_attempt(struct fetch *f)
{
	struct error err = ERROR_INIT;

	f->redirects = 0;
	f->left = false;
	if (first_url(f, &err) != 0)
		fetch_fail(f, &err);
	else
		fetch_authorize(f);
}

/* The URL of a host as references write it. Loopback is spoken to in the
 * clear, as container runtimes do. */
static int
base_url(struct fetch *f, const char *host, struct error *err)
{
	bool plain = f->entry != NULL ? f->entry->plain_http : false;
	int n;

	if (f->entry == NULL ||
	    (f->entry->ca.data == NULL && !f->entry->skip_verify))
		plain |= host_is_loopback(host);
	if (strcmp(host, "docker.io") == 0)
		host = "registry-1.docker.io";
	n = snprintf(f->origin, sizeof(f->origin), "%s://%s",
	    plain ? "http" : "https", host);
	if (n < 0 || (size_t)n >= sizeof(f->origin))
		return error_set(
		    err, ERR_REFERENCE, "the registry's name is too long");
	return url_parse(&f->base, f->origin, NULL, f->mem, err);
}

static void
on_impatience(void *arg)
{
	struct fetch *f = arg;

	stop_waiting(f);
	fetch_fail_with(f, ERR_TIMEOUT, "does not answer");
}

/* A mirror that says nothing may not use up the time of those after it: each
 * has an equal share of what is left. */
static void
be_patient(struct fetch *f)
{
	int64_t now = client_now(f->client);
	size_t left = f->nroutes - f->route;

	timer_clear(&f->client->timers, &f->patience);
	if (left > 1 && *f->deadline > now)
		timer_set(&f->client->timers, &f->patience,
		    now + (*f->deadline - now) / (int64_t)left);
}

/* With what is held to log in by. */
static void
ask_route(struct fetch *f, const struct credential *helped)
{
	const char *host = f->routes[f->route].host;
	struct error err = ERROR_INIT;
	const struct peer *p;
	int64_t wait;

	f->routed = true;
	f->ncredentials = registry_settings_credentials(f->rq.settings, host,
	    f->rq.path, helped, f->credentials, CREDENTIALS_MAX);
	fetch_order_credentials(f);
	wait = peer_wait(&f->client->peers, f->origin, client_now(f->client));
	if (wait > 0) {
		p = peer_find(&f->client->peers, f->origin);
		error_set(&err,
		    p->why == ERR_BLOCKED ? ERR_BLOCKED : ERR_UNAVAILABLE,
		    "%s is not asked: it failed %d times in a row", host,
		    BREAKER_FAILURES);
		err.retry_after = (int)((wait + 999) / 1000);
		fetch_fail(f, &err);
		return;
	}
	f->asked = true;
	fetch_attempt(f);
}

static void
on_helper(void *arg, const struct credential *c)
{
	ask_route(arg, c);
}

static void
start_route(struct fetch *f)
{
	const char *host = f->routes[f->route].host;
	const struct credential *helped;
	struct error err = ERROR_INIT;

	f->routed = false;
	f->tries = 0;
	f->entry = registry_settings_find(f->rq.settings, host);
	f->credential = 0;
	f->rounds = 0;
	f->realm_host = NULL;
	f->pinging = f->pinged = false;
	f->head = f->rq.head;
	if (base_url(f, host, &err) != 0) {
		fetch_fail(f, &err);
		return;
	}
	be_patient(f);
	f->helper = (struct helper_waiter){
	    .done = on_helper, .arg = f, .deadline = *f->deadline};
	switch (helper_ask(
	    f->client, f->rq.settings, host, &f->helper, &helped, &err)) {
	case 0:
		ask_route(f, helped);
		break;
	case -1:
		fetch_fail(f, &err);
		break;
	default:; /* on_helper() */
	}
}

static void
on_timer(void *arg)
{
	struct fetch *f = arg;

	if (f->routed)
		fetch_attempt(f);
	else
		start_route(f);
}

/* Mirrors first; a tag only from those that may say what it stands for. */
static int
make_routes(struct fetch *f)
{
	const struct registry_host *h =
	    registry_settings_find(f->rq.settings, f->rq.host);
	size_t i, n = h == NULL ? 0 : h->nmirrors;

	f->routes = arena_calloc(f->mem, n + 1, sizeof(*f->routes));
	if (f->routes == NULL)
		return -1;
	for (i = 0; i < n; i++)
		if (h->mirrors[i].resolve || !f->rq.by_tag)
			f->routes[f->nroutes++] = (struct route){
			    .host = h->mirrors[i].host, .ns = f->rq.host};
	f->routes[f->nroutes++] = (struct route){.host = f->rq.host};
	return 0;
}

static struct fetch *
fetch_new(struct client *c, const struct fetch_request *rq)
{
	AUTO(fetch_free) struct fetch *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->client = c;
	buf_init(&f->header, HEADER_MAX);
	f->rq = *rq;
	f->rq.settings = registry_settings_ref(rq->settings);
	f->mem = arena_new();
	if (f->mem == NULL)
		return NULL;
	f->rq.host = arena_strdup(f->mem, rq->host);
	f->rq.path = arena_strdup(f->mem, rq->path);
	f->rq.what = arena_strdup(f->mem, rq->what);
	if (f->rq.host == NULL || f->rq.path == NULL || f->rq.what == NULL ||
	    make_routes(f) != 0)
		return NULL;
	return TAKE(f);
}

struct fetch *
fetch_start(struct client *c, const struct fetch_request *rq,
    const int64_t *deadline, fetch_done *done, void *arg, struct error *err)
{
	struct fetch *f = fetch_new(c, rq);

	if (f == NULL) {
		error_set(err, ERR_NOMEM, "out of memory for a request");
		return NULL;
	}
	f->deadline = deadline;
	f->done = done;
	f->arg = arg;
	f->timer.fire = on_timer;
	f->patience.fire = on_impatience;
	f->timer.arg = f->patience.arg = f;
	timer_set(&c->timers, &f->timer, client_now(c));
	return f;
}

void
fetch_cancel(struct fetch *f, bool timed_out)
{
	report(f, timed_out ? ERR_TIMEOUT : ERR_NOMEM);
	fetch_free(f);
}
