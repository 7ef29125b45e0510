/* SPDX-License-Identifier: Apache-2.0 */
#include "server/kube/client.h"

#include "policy/base/buf.h"
#include "policy/base/file.h"
#include "policy/base/tree.h"

#include <string.h>

enum {
	TOKEN_MAX = 16 * 1024,
	CA_MAX = 1024 * 1024,
	ANSWER_MAX = 4 * 1024 * 1024, /* etcd holds 1.5 MiB of one object */
	URL_TEXT_MAX = 2048,
	EXCHANGE_MS = 10 * 1000,
	TRIES = 4,
	PAUSE_MS = 100,
	PAUSE_MAX_MS = 3200,
	HEADERS = 4,
};

struct kube {
	const struct clock *clock;
	struct transport *transport;
	bool owns_transport;
	int64_t deadline; /* monotonic, ms */
	char *server;
	char *authorization; /* the header; wiped */
	char *ca;
	struct registry_host host;
};

/* One exchange, as it ended. */
struct outcome {
	bool done;
	struct error err;
	bool may_retry;
	long status;
	struct buf body;
};

void
kube_free(struct kube *k)
{
	if (k == NULL)
		return;
	if (k->owns_transport && k->transport != NULL)
		k->transport->destroy(k->transport);
	if (k->authorization != NULL)
		explicit_bzero(k->authorization, strlen(k->authorization));
	free(k->authorization);
	free(k->server);
	free(k->ca);
	free(k);
}

/* A token is one line of visible characters, or it could be more than one
 * header. */
static int
read_token(struct kube *k, const char *file, struct error *err)
{
	AUTO(buf_clear) struct buf header = BUF_INIT(TOKEN_MAX + 64);
	size_t len, i;
	char *token = file_read(file, TOKEN_MAX, &len, err);

	if (token == NULL)
		return -1;
	while (len > 0 && strchr(" \t\r\n", token[len - 1]) != NULL)
		len--;
	for (i = 0; i < len && token[i] > ' ' && token[i] <= '~'; i++)
		;
	if (i < len || len == 0)
		error_set(err, ERR_INVALID,
		    "%.150s: this is no token (one line of visible "
		    "characters)",
		    file);
	else
		buf_printf(
		    &header, "Authorization: Bearer %.*s", (int)len, token);
	explicit_bzero(token, len);
	free(token);
	if (err->code != ERR_NONE)
		return -1;
	k->authorization = buf_take(&header);
	return k->authorization != NULL
		   ? 0
		   : error_set(err, ERR_NOMEM, "out of memory");
}

/* https alone: a token is not for everybody on the way. */
static int
take_server(struct kube *k, const char *server, struct error *err)
{
	size_t len = strlen(server);

	if (strncmp(server, "https://", 8) != 0 || len <= 8 ||
	    len > URL_TEXT_MAX / 2)
		return error_set(err, ERR_INVALID,
		    "the API server's address is https://HOST[:PORT], not "
		    "\"%.80s\"",
		    server);
	while (server[len - 1] == '/')
		len--;
	k->server = strndup(server, len);
	return k->server != NULL ? 0
				 : error_set(err, ERR_NOMEM, "out of memory");
}

struct kube *
kube_new(const struct kube_options *o, struct error *err)
{
	AUTO(kube_free) struct kube *k = calloc(1, sizeof(*k));
	size_t len;

	if (k == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	k->clock = o->clock;
	k->deadline = o->clock->monotonic_ms(o->clock) + o->timeout_ms;
	k->transport = o->transport;
	if (take_server(k, o->server, err) != 0 ||
	    read_token(k, o->token_file, err) != 0)
		return NULL;
	k->ca = file_read(o->ca_file, CA_MAX, &len, err);
	if (k->ca == NULL)
		return NULL;
	k->host.ca = (struct pem){k->ca, len};
	if (k->transport == NULL) {
		k->transport = transport_curl_new(o->clock, NULL, err);
		k->owns_transport = true;
	}
	return k->transport != NULL ? TAKE(k) : NULL;
}

static int64_t
left(const struct kube *k)
{
	const int64_t ms = k->deadline - k->clock->monotonic_ms(k->clock);

	return ms > 0 ? ms : 0;
}

void
kube_pause(struct kube *k, int attempt)
{
	int64_t ms = PAUSE_MS << attempt;

	ms = ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
	/* From a half of it up, as the clock's last digits have it. */
	ms = ms / 2 + k->clock->monotonic_us(k->clock) % (ms / 2);
	k->transport->poll(k->transport, (int)(ms < left(k) ? ms : left(k)));
}

static void
take_answer(void *arg, const struct http_answer *a)
{
	struct outcome *o = arg;

	o->done = true;
	o->err = a->err;
	o->may_retry = a->may_retry;
	o->status = a->status;
	if (a->err.code == ERR_NONE && buf_add(&o->body, a->body, a->len) != 0)
		error_set(&o->err, ERR_NOMEM, "out of memory");
}

/* One exchange, for a part of the time that is left. */
static void
exchange(struct kube *k, const struct http_request *rq, struct outcome *o)
{
	int64_t ms = left(k) < EXCHANGE_MS ? left(k) : EXCHANGE_MS;
	const int64_t until = k->clock->monotonic_ms(k->clock) + ms;
	struct transfer *x;

	*o = (struct outcome){.err = ERROR_INIT, .body = BUF_INIT(ANSWER_MAX)};
	x = k->transport->start(k->transport, rq, take_answer, o, &o->err);
	while (x != NULL && !o->done && ms > 0) {
		k->transport->poll(k->transport, (int)ms);
		ms = until - k->clock->monotonic_ms(k->clock);
	}
	if (x == NULL || o->done)
		return;
	k->transport->cancel(k->transport, x);
	o->may_retry = true;
	error_set(&o->err, ERR_TIMEOUT, "the API server does not answer");
}

static bool
may_retry(const struct outcome *o)
{
	return o->err.code != ERR_NONE ? o->may_retry
				       : o->status == 429 || o->status >= 500;
}

static enum kube_result
judge(const struct outcome *o, struct error *err)
{
	if (o->err.code != ERR_NONE) {
		error_set(err, o->err.code, "%s", o->err.msg);
		return KUBE_FAILED;
	}
	switch (o->status) {
	case 200:
	case 201:
		return KUBE_OK;
	case 404:
		return KUBE_ABSENT;
	case 409:
	case 422: /* a patch of what is not there any more */
		return KUBE_CONFLICT;
	case 401:
		error_set(err, ERR_UNAUTHORIZED,
		    "the API server does not know the token (401)");
		return KUBE_FAILED;
	case 403:
		error_set(err, ERR_UNAUTHORIZED,
		    "the account may not do that (403): the Role and "
		    "ClusterRole in deploy/overlays/certs say what it needs");
		return KUBE_FAILED;
	default:
		error_set(err, may_retry(o) ? ERR_UNAVAILABLE : ERR_UNSUPPORTED,
		    "the API server answers with status %ld", o->status);
		return KUBE_FAILED;
	}
}

static enum kube_result
parse(const struct outcome *o, json_t **answer, struct error *err)
{
	json_error_t e;

	*answer = tree_parse(
	    buf_text(&o->body), o->body.len, JSON_REJECT_DUPLICATES, &e);
	if (json_is_object(*answer))
		return KUBE_OK;
	if (*answer == NULL && json_error_code(&e) == json_error_out_of_memory)
		error_set(err, ERR_NOMEM, "out of memory");
	else
		error_set(err, ERR_SYNTAX,
		    "what the API server answers is no JSON object");
	json_decref(*answer);
	*answer = NULL;
	return KUBE_FAILED;
}

static enum kube_result
call(struct kube *k, const struct http_request *rq, json_t **answer,
    struct error *err)
{
	struct outcome o;
	enum kube_result result;
	int try;

	for (try = 0;; try++) {
		exchange(k, rq, &o);
		if (!may_retry(&o) || try + 1 == TRIES || left(k) == 0)
			break;
		buf_clear(&o.body);
		kube_pause(k, try);
	}
	result = judge(&o, err);
	if (result == KUBE_OK && rq->method == HTTP_GET)
		result = parse(&o, answer, err);
	buf_clear(&o.body);
	return result;
}

enum kube_result
kube_call(struct kube *k, enum kube_verb verb, const char *path,
    const json_t *body, json_t **answer, struct error *err)
{
	static const struct {
		const char *name;
		enum http_method method;
		const char *type;
	} verbs[] = {
	    {"get", HTTP_GET, NULL},
	    {"create", HTTP_POST, "Content-Type: application/json"},
	    {"patch", HTTP_PATCH, "Content-Type: application/merge-patch+json"},
	    {"patch", HTTP_PATCH, "Content-Type: application/json-patch+json"},
	};
	const char *const headers[HEADERS] = {
	    k->authorization, "Accept: application/json", verbs[verb].type};
	AUTO(buf_clear) struct buf url = BUF_INIT(URL_TEXT_MAX);
	struct http_request rq = {.method = verbs[verb].method,
	    .headers = headers,
	    .body_max = ANSWER_MAX,
	    .timeout_ms = EXCHANGE_MS,
	    .host = &k->host};
	enum kube_result result = KUBE_FAILED;
	char *text = NULL;

	buf_printf(&url, "%s%s", k->server, path);
	rq.url = buf_text(&url);
	if (body != NULL)
		text = tree_dump(body, JSON_COMPACT);
	rq.body = text;
	/* A path that found no memory is empty, and would lead elsewhere. */
	if (buf_failed(&url) || path[0] != '/' ||
	    (body != NULL && text == NULL))
		error_set(err, ERR_NOMEM, "out of memory");
	else
		result = call(k, &rq, answer, err);
	if (result == KUBE_FAILED)
		error_wrap(err, "%s %s", verbs[verb].name, path);
	if (text != NULL) /* may have a key in it */
		explicit_bzero(text, strlen(text));
	free(text);
	return result;
}
