/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/exchange.h"

#include "policy/base/buf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	ERROR_TEXT_MAX = 256,
	ALLOW_MAX = 64,
	/* A body over the bound is read on, unkept, so that the client sees
	 * the answer; one that is this many times over it is cut off. */
	DISCARD_TIMES = 16,
	/* As much as this many of the largest may come in at once. */
	BODIES_MAX = 8,
};

typedef void exchange_step(void *arg, struct http_exchange *x);

struct http_exchange {
	struct http_server *server;
	struct MHD_Connection *conn;
	const struct http_route *route;
	struct buf body;
	size_t received; /* bytes of body, kept or not */
	size_t counted;  /* of them, in server->coming_in */
	bool held;       /* counted in server->held */

	pthread_mutex_t lock; /* guards what follows */
	exchange_step *next;  /* what a worker is to call, or NULL */
	void *arg;
	bool suspended;
	bool answered;
	bool released; /* by libmicrohttpd: the client is gone */
	struct http_answer answer;
};

static struct http_exchange *
exchange_new(struct http_server *s, struct MHD_Connection *conn,
    const struct http_route *route)
{
	struct http_exchange *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->server = s;
	x->conn = conn;
	x->route = route;
	x->next = route->handle;
	x->arg = s->o.arg;
	buf_init(&x->body, s->o.max_body);
	pthread_mutex_init(&x->lock, NULL);
	pthread_mutex_lock(&s->lock);
	s->open++;
	pthread_mutex_unlock(&s->lock);
	return x;
}

/* Before a handler is called; false when the listener is being freed. */
static bool
hold(struct http_exchange *x)
{
	struct http_server *s = x->server;

	pthread_mutex_lock(&s->lock);
	if (!x->held && !s->closing) {
		x->held = true;
		s->held++;
	}
	pthread_mutex_unlock(&s->lock);
	return x->held;
}

/* Once it is answered. */
static void
let_go(struct http_exchange *x)
{
	struct http_server *s = x->server;

	if (!x->held)
		return;
	x->held = false;
	pthread_mutex_lock(&s->lock);
	s->held--;
	pthread_cond_broadcast(&s->idle);
	pthread_mutex_unlock(&s->lock);
}

/* The body is whole, or thrown away. */
static void
uncount(struct http_exchange *x)
{
	atomic_fetch_sub(&x->server->coming_in, x->counted);
	x->counted = 0;
}

static void
exchange_free(struct http_exchange *x)
{
	struct http_server *s = x->server;

	uncount(x);
	pthread_mutex_lock(&s->lock);
	s->open--;
	pthread_mutex_unlock(&s->lock);
	buf_clear(&x->body);
	free(x->answer.body);
	pthread_mutex_destroy(&x->lock);
	let_go(x); /* last: the server may go once no exchange is held */
	free(x);
}

const char *
http_body(const struct http_exchange *x, size_t *len)
{
	*len = x->body.len;
	return buf_text(&x->body);
}

const char *
http_query(const struct http_exchange *x, const char *key)
{
	return x->conn == NULL ? NULL
			       : MHD_lookup_connection_value(
				     x->conn, MHD_GET_ARGUMENT_KIND, key);
}

/* With the lock held: a worker will come back to this exchange. */
static void
wake(struct http_exchange *x)
{
	if (!x->suspended)
		return;
	x->suspended = false;
	MHD_resume_connection(x->conn);
}

void
http_respond(struct http_exchange *x, const struct http_answer *a)
{
	bool released;

	pthread_mutex_lock(&x->lock);
	x->answer = *a;
	x->answered = true;
	released = x->released;
	if (!released)
		wake(x);
	pthread_mutex_unlock(&x->lock);
	if (released)
		exchange_free(x);
}

void
http_continue(struct http_exchange *x, exchange_step *fn, void *arg)
{
	bool released;

	pthread_mutex_lock(&x->lock);
	released = x->released;
	if (!released) {
		x->next = fn;
		x->arg = arg;
		wake(x);
	}
	pthread_mutex_unlock(&x->lock);
	if (released)
		fn(arg, x); /* no worker is left to call it */
}

/* Sends a response and counts it; takes it over, NULL is a lack of memory. */
static enum MHD_Result
queue(struct http_server *s, struct MHD_Connection *conn, const char *path,
    unsigned status, struct MHD_Response *r)
{
	enum MHD_Result rc;

	connections_answer(conn);
	if (r == NULL)
		return MHD_NO;
	if (atomic_load(&s->draining))
		MHD_add_response_header(r, "Connection", "close");
	rc = MHD_queue_response(conn, status, r);
	MHD_destroy_response(r);
	if (rc == MHD_YES && s->o.answered != NULL)
		s->o.answered(s->o.arg, path, status);
	return rc;
}

static enum MHD_Result
queue_answer(struct http_exchange *x)
{
	const struct http_answer *a = &x->answer;
	struct MHD_Response *r;
	char seconds[16];

	/* Once made, the response owns the body. */
	r = MHD_create_response_from_buffer(
	    a->body != NULL ? a->len : 0, a->body, MHD_RESPMEM_MUST_FREE);
	if (r != NULL) {
		x->answer.body = NULL;
		MHD_add_response_header(r, "Content-Type", a->content_type);
		snprintf(seconds, sizeof(seconds), "%d", a->retry_after);
		if (a->retry_after > 0)
			MHD_add_response_header(r, "Retry-After", seconds);
	}
	let_go(x);
	return queue(x->server, x->conn, x->route->path, a->status, r);
}

/* An answer of our own, one sentence. `allow` may be NULL. */
static enum MHD_Result
refuse(struct http_server *s, struct MHD_Connection *conn, const char *path,
    unsigned status, const char *allow, const char *text)
{
	struct MHD_Response *r;

	r = MHD_create_response_from_buffer(
	    strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	if (r != NULL) {
		MHD_add_response_header(
		    r, "Content-Type", "text/plain; charset=utf-8");
		if (allow != NULL)
			MHD_add_response_header(r, "Allow", allow);
	}
	return queue(s, conn, path, status, r);
}

static bool
method_fits(const struct http_route *r, const char *method)
{
	return strcmp(r->method, method) == 0 ||
	       (strcmp(r->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static bool
is_json(const char *type)
{
	static const char json[] = "application/json";
	const size_t len = strlen(json);

	if (type == NULL)
		return true;
	return strncasecmp(type, json, len) == 0 &&
	       (type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

/*
 * Whether to refuse a body before it comes. A connection that is closed while
 * the client still sends is reset, and the answer is lost: what is not beyond
 * all reason is read and thrown away, unless the client waits for a word.
 */
static bool
announces_too_much(const struct http_server *s, struct MHD_Connection *conn)
{
	const char *text = MHD_lookup_connection_value(
	    conn, MHD_HEADER_KIND, "Content-Length");
	/* libmicrohttpd has refused what is not a number. */
	const unsigned long long len =
	    text != NULL ? strtoull(text, NULL, 10) : 0;

	return len / DISCARD_TIMES > s->o.max_body ||
	       (len > s->o.max_body && MHD_lookup_connection_value(conn,
					   MHD_HEADER_KIND, "Expect") != NULL);
}

static enum MHD_Result
refuse_too_large(
    struct http_server *s, struct MHD_Connection *conn, const char *path)
{
	char text[ERROR_TEXT_MAX];

	snprintf(text, sizeof(text),
	    "the body is larger than the %zu bytes that are accepted\n",
	    s->o.max_body);
	return refuse(s, conn, path, MHD_HTTP_CONTENT_TOO_LARGE, NULL, text);
}

static bool
is_let_in(struct http_server *s, struct MHD_Connection *conn)
{
	AUTO(clients_unref) struct clients *c = NULL;

	pthread_mutex_lock(&s->lock);
	if (s->clients != NULL)
		c = clients_ref(s->clients);
	pthread_mutex_unlock(&s->lock);
	return c == NULL || connections_admit(conn, c);
}

static enum MHD_Result
count_length(
    void *n, enum MHD_ValueKind kind, const char *key, const char *value)
{
	(void)kind;
	(void)value;
	*(unsigned *)n += strcasecmp(key, "Content-Length") == 0 ||
			  strcasecmp(key, "Transfer-Encoding") == 0;
	return MHD_YES;
}

/* Who stands between could find another end of it, and another request behind
 * that (RFC 9112, 6.3). */
static bool
tells_two_lengths(struct MHD_Connection *conn)
{
	unsigned n = 0;

	MHD_get_connection_values(conn, MHD_HEADER_KIND, count_length, &n);
	return n > 1;
}

/* The request's header has come: an exchange, or an answer at once. */
static enum MHD_Result
begin(struct http_server *s, struct MHD_Connection *conn, const char *url,
    const char *method, void **slot)
{
	const struct http_route *r, *same_path = NULL;
	char allow[ALLOW_MAX];

	if (tells_two_lengths(conn))
		return refuse(s, conn, url, MHD_HTTP_BAD_REQUEST, NULL,
		    "the request tells its length twice\n");
	for (r = s->o.routes; r->path != NULL; r++) {
		if (strcmp(r->path, url) != 0)
			continue;
		same_path = r;
		if (method_fits(r, method))
			break;
	}
	if (same_path == NULL)
		return refuse(s, conn, url, MHD_HTTP_NOT_FOUND, NULL,
		    "there is nothing at this path\n");
	if (r->path == NULL) {
		snprintf(allow, sizeof(allow), "%s%s", same_path->method,
		    strcmp(same_path->method, "GET") == 0 ? ", HEAD" : "");
		return refuse(s, conn, url, MHD_HTTP_METHOD_NOT_ALLOWED, allow,
		    "this path takes another method\n");
	}
	if (strcmp(r->method, "POST") == 0 &&
	    !is_json(MHD_lookup_connection_value(
		conn, MHD_HEADER_KIND, "Content-Type")))
		return refuse(s, conn, url, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
		    NULL, "the Content-Type must be application/json\n");
	if (r->guarded && !is_let_in(s, conn))
		return refuse(s, conn, url, MHD_HTTP_FORBIDDEN, NULL,
		    "this path needs the client certificate of an API "
		    "server\n");
	if (announces_too_much(s, conn))
		return refuse_too_large(s, conn, url);
	*slot = exchange_new(s, conn, r);
	return *slot != NULL ? MHD_YES : MHD_NO;
}

/* Keeps a piece; who has taken the longest makes room for it. */
static int
keep(struct http_exchange *x, const char *data, size_t len)
{
	struct http_server *s = x->server;

	if (buf_add(&x->body, data, len) != 0)
		return -1;
	x->counted += len;
	if (atomic_fetch_add(&s->coming_in, len) + len >
	    BODIES_MAX * s->o.max_body)
		connections_end_slowest(s->connections);
	return 0;
}

/* A piece of the body, as far as the bound allows. */
static enum MHD_Result
receive(struct http_exchange *x, const char *data, size_t *len)
{
	x->received += *len;
	if (x->received / DISCARD_TIMES > x->server->o.max_body)
		return MHD_NO;
	if (x->received > x->server->o.max_body) {
		buf_clear(&x->body);
		uncount(x);
	} else if (keep(x, data, *len) != 0) {
		return MHD_NO;
	}
	*len = 0;
	return MHD_YES;
}

/* Calls what is to be called until there is an answer or nothing to do but to
 * wait. */
static enum MHD_Result
work(struct http_exchange *x)
{
	exchange_step *step;

	pthread_mutex_lock(&x->lock);
	while (!x->answered && x->next != NULL) {
		step = x->next;
		x->next = NULL;
		pthread_mutex_unlock(&x->lock);
		step(x->arg, x);
		buf_clear(&x->body); /* it may wait long */
		pthread_mutex_lock(&x->lock);
	}
	if (!x->answered) {
		x->suspended = true;
		MHD_suspend_connection(x->conn);
		pthread_mutex_unlock(&x->lock);
		return MHD_YES;
	}
	pthread_mutex_unlock(&x->lock);
	return queue_answer(x);
}

enum MHD_Result
exchange_serve(void *cls, struct MHD_Connection *conn, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **slot)
{
	struct http_exchange *x = *slot;

	(void)version;
	if (x == NULL)
		return begin(cls, conn, url, method, slot);
	if (*len > 0)
		return receive(x, data, len);
	if (x->received > x->server->o.max_body)
		return refuse_too_large(x->server, conn, x->route->path);
	if (!hold(x))
		return MHD_NO;
	uncount(x);
	connections_wait(conn);
	return work(x);
}

/* The connection is done with the exchange: answered and sent, or broken. */
void
exchange_completed(void *cls, struct MHD_Connection *conn, void **slot,
    enum MHD_RequestTerminationCode why)
{
	struct http_exchange *x = *slot;
	exchange_step *step = NULL;
	void *arg = NULL;
	bool over;

	(void)cls;
	(void)conn;
	(void)why;
	if (x == NULL)
		return;
	*slot = NULL;
	pthread_mutex_lock(&x->lock);
	over = x->answered || !x->held;
	x->released = true;
	if (!over) {
		step = x->next;
		arg = x->arg;
		x->next = NULL;
		x->conn = NULL;
	}
	pthread_mutex_unlock(&x->lock);
	if (over)
		exchange_free(x);
	else if (step != NULL)
		step(arg, x); /* it ends in http_respond(), which frees */
}
