/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/transport_curl.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

enum {
	SLOW_BYTES = 64,      /* per second, that is too slow... */
	SLOW_SECONDS_MIN = 4, /* ...for this long at the least */
	SLOW_SECONDS_MAX = 15,
	DNS_SECONDS = 30,
	CONNECTION_AGE_MAX = 300,
	/* Of an answer that is no success. */
	IGNORED_BYTES_MAX = 64 * 1024,
};

static int global_rc;

static void
global_init(void)
{
	global_rc = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -1;
}

/*
 * Only a success's content is read. What comes with a redirect or an error may
 * well be longer than what was asked for; it is passed over while it is short,
 * so that the connection can be used again.
 */
static size_t
ignore_body(struct transfer *x, size_t len)
{
	x->ignored += len;
	x->enough = x->ignored > IGNORED_BYTES_MAX;
	return x->enough ? 0 : len;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *x = arg;
	size_t len = size * n;
	long status = 0;

	*x->records = (struct records){0};
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return ignore_body(x, len);
	if (len > x->body.max - x->body.len) {
		error_set(&x->answer.err, ERR_LIMIT,
		    "the answer has more than %zu bytes", x->body.max);
		return 0;
	}
	if (buf_add(&x->body, data, len) != 0) {
		error_set(&x->answer.err, ERR_NOMEM, "out of memory");
		return 0;
	}
	return budget_hold(x->budget, &x->share, x->body.len, &x->answer.err) ==
		       0
		   ? len
		   : 0;
}

static int
on_lookup(void *resolver, void *unused, void *arg)
{
	struct transfer *x = arg;

	(void)resolver;
	(void)unused;
	return lookup_begin(&x->lookup) ? 0 : -1;
}

/*
 * The address that a name resolved to, just before it is connected to: what a
 * name says at another time does not matter.
 */
static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *x = arg;

	(void)purpose;
	lookup_end(&x->lookup);
	if (x->guard && address_is_blocked(&a->addr, x->allow, x->nallow)) {
		x->blocked = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static CURLcode
on_tls(CURL *easy, void *ssl_ctx, void *records)
{
	(void)easy;
	records_bound(ssl_ctx, records);
	return CURLE_OK;
}

static long
slow_seconds(int64_t timeout_ms)
{
	int64_t s = timeout_ms / 2000;

	if (s < SLOW_SECONDS_MIN)
		return SLOW_SECONDS_MIN;
	return s > SLOW_SECONDS_MAX ? SLOW_SECONDS_MAX : (long)s;
}

static unsigned
set_tls(struct transfer *x, const struct http_request *rq)
{
	CURL *e = x->easy;
	const struct registry_host *h = rq->host;
	struct curl_blob blob = {.flags = CURL_BLOB_COPY};
	long verify = h == NULL || !h->skip_verify;
	unsigned rc;

	rc = curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, verify);
	rc |= curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	rc |= curl_easy_setopt(
	    e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	rc |= curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	rc |= curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, x->records);
	if (h == NULL)
		return rc;
	if (h->ca.data != NULL) {
		blob.data = (void *)(uintptr_t)h->ca.data;
		blob.len = h->ca.len;
		rc |= curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &blob);
	}
	if (!rq->client_cert || h->client_cert.data == NULL)
		return rc;
	blob.data = (void *)(uintptr_t)h->client_cert.data;
	blob.len = h->client_cert.len;
	rc |= curl_easy_setopt(e, CURLOPT_SSLCERT_BLOB, &blob);
	blob.data = (void *)(uintptr_t)h->client_key.data;
	blob.len = h->client_key.len;
	rc |= curl_easy_setopt(e, CURLOPT_SSLKEY_BLOB, &blob);
	return rc;
}

static unsigned
set_request(struct transfer *x, const struct http_request *rq)
{
	CURL *e = x->easy;
	bool tls = strncmp(rq->url, "https:", 6) == 0;
	unsigned rc;

	rc = curl_easy_setopt(e, CURLOPT_URL, rq->url);
	rc |=
	    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http");
	rc |= curl_easy_setopt(e, CURLOPT_HTTPHEADER, x->headers);
	rc |= curl_easy_setopt(e, CURLOPT_USERAGENT, "policy-gate");
	if (rq->method == HTTP_HEAD)
		rc |= curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	if (rq->method == HTTP_PATCH)
		rc |= curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, "PATCH");
	if (rq->body != NULL)
		rc |= curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, rq->body);
	if (tls) {
		rc |= curl_easy_setopt(
		    e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
		/* Rather one connection with many streams than many. */
		rc |= curl_easy_setopt(e, CURLOPT_PIPEWAIT, 1L);
		rc |= set_tls(x, rq);
	}
	/* Behind a proxy of the environment's nobody could see which address
	 * a name leads to: where that matters, only the settings count. */
	x->proxied = rq->host != NULL && rq->host->proxy != NULL;
	if (x->proxied)
		rc |= curl_easy_setopt(e, CURLOPT_PROXY, rq->host->proxy);
	else if (rq->guard)
		rc |= curl_easy_setopt(e, CURLOPT_PROXY, "");
	return rc;
}

static unsigned
set_always(struct transfer *x, int64_t timeout_ms)
{
	CURL *e = x->easy;
	unsigned rc;

	rc = curl_easy_setopt(e, CURLOPT_PRIVATE, x);
	rc |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->said);
	rc |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	rc |= curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	rc |= curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	rc |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, transfer_header);
	rc |= curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	rc |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	rc |= curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	rc |= curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
	rc |= curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, x);
	rc |= curl_easy_setopt(e, CURLOPT_RESOLVER_START_FUNCTION, on_lookup);
	rc |= curl_easy_setopt(e, CURLOPT_RESOLVER_START_DATA, x);
	rc |= curl_easy_setopt(
	    e, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
	rc |= curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
	rc |= curl_easy_setopt(
	    e, CURLOPT_LOW_SPEED_TIME, slow_seconds(timeout_ms));
	rc |= curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, (long)DNS_SECONDS);
	rc |= curl_easy_setopt(
	    e, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_AGE_MAX);
	rc |= curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
	/* Else a cancelled transfer waits for its name to be resolved, and
	 * everybody with it. */
	rc |= curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	return rc;
}

static int
add_headers(struct transfer *x, const char *const *headers)
{
	struct curl_slist *next;

	for (; headers != NULL && *headers != NULL; headers++) {
		next = curl_slist_append(x->headers, *headers);
		if (next == NULL)
			return -1;
		x->headers = next;
	}
	return 0;
}

static void
transfer_free(struct transfer *x)
{
	if (x == NULL)
		return;
	curl_easy_cleanup(x->easy);
	curl_slist_free_all(x->headers);
	buf_clear(&x->body);
	budget_release(&x->share);
	arena_free(x->mem);
	free(x);
}
OWNED(struct transfer, transfer_free)

static struct transfer *
transfer_new(struct curl_transport *ct, const struct http_request *rq,
    transfer_done *done, void *arg)
{
	AUTO(transfer_free) struct transfer *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	buf_init(&x->body, rq->body_max);
	x->done = done;
	x->arg = arg;
	x->budget = ct->budget;
	x->records = &ct->records;
	x->answer.challenges = x->challenges;
	x->answer.warnings = x->warnings;
	x->guard = rq->guard;
	x->allow = rq->allow;
	x->nallow = rq->nallow;
	x->mem = arena_new();
	x->easy = curl_easy_init();
	if (x->mem == NULL || x->easy == NULL ||
	    add_headers(x, rq->headers) != 0 ||
	    set_always(x, rq->timeout_ms) != 0 || set_request(x, rq) != 0)
		return NULL;
	return TAKE(x);
}

static struct transfer *
curl_start(struct transport *t, const struct http_request *rq,
    transfer_done *done, void *arg, struct error *err)
{
	struct curl_transport *ct = (struct curl_transport *)t;
	AUTO(transfer_free) struct transfer *x = NULL;

	if (rq->guard && ct->strangers == STRANGERS_MAX) {
		error_set(err, ERR_BUSY,
		    "too many registries that the config does not list are "
		    "asked at the moment");
		return NULL;
	}
	x = transfer_new(ct, rq, done, arg);
	if (x == NULL || lane_enter(&ct->lanes, &x->seat, rq->url) != 0) {
		error_set(err, ERR_NOMEM, "out of memory for a transfer");
		return NULL;
	}
	/* The settings name a few hosts, who writes pods any number. */
	if (rq->guard) {
		x->lookup.all = &ct->lookups;
		ct->strangers++;
	}
	return TAKE(x);
}

/* Takes it out of wherever it stands. */
static void
leave(struct curl_transport *ct, struct transfer *x)
{
	lookup_leave(&x->lookup);
	if (x->running)
		curl_multi_remove_handle(ct->multi, x->easy);
	lane_leave(&ct->lanes, &x->seat);
	ct->strangers -= x->guard;
}

static void
curl_cancel(struct transport *t, struct transfer *x)
{
	leave((struct curl_transport *)t, x);
	transfer_free(x);
}

/* Hands what waits in the lanes to libcurl, as far as there is room. */
static void
fill(struct curl_transport *ct)
{
	struct lane_seat *seat;
	struct transfer *x;

	while ((seat = lane_next(&ct->lanes)) != NULL) {
		x = (struct transfer *)(void *)seat;
		x->started = ct->clock->monotonic_ms(ct->clock);
		x->running = true;
		if (curl_multi_add_handle(ct->multi, x->easy) == CURLM_OK)
			continue;
		x->running = false;
		error_set(&x->answer.err, ERR_NOMEM, "out of memory");
		x->done(x->arg, &x->answer);
		leave(ct, x);
		transfer_free(x);
	}
}

static void
finish(struct curl_transport *ct, CURL *easy, CURLcode code)
{
	struct http_answer *a;
	struct transfer *x;
	long version = 0;
	char *p;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &p);
	x = (struct transfer *)(void *)p;
	a = &x->answer;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &a->status);
	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	transfer_explain(x, code);
	if (code == CURLE_COULDNT_RESOLVE_HOST)
		lookup_end(&x->lookup);
	a->body = buf_text(&x->body);
	a->len = x->body.len;
	a->ms = ct->clock->monotonic_ms(ct->clock) - x->started;
	lane_learn(&x->seat, version == CURL_HTTP_VERSION_2_0);
	leave(ct, x);
	x->done(x->arg, a);
	transfer_free(x);
}

/* Whether anything had ended. */
static bool
perform(struct curl_transport *ct)
{
	bool any = false;
	int running, left;
	CURLMsg *m;

	ct->records = (struct records){0};
	curl_multi_perform(ct->multi, &running);
	while ((m = curl_multi_info_read(ct->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		finish(ct, m->easy_handle, m->data.result);
		any = true;
	}
	return any;
}

static void
curl_poll(struct transport *t, int ms)
{
	struct curl_transport *ct = (struct curl_transport *)t;

	fill(ct);
	if (perform(ct))
		return;
	curl_multi_poll(ct->multi, NULL, 0, ms, NULL);
	perform(ct);
}

static void
curl_wakeup(struct transport *t)
{
	curl_multi_wakeup(((struct curl_transport *)t)->multi);
}

static void
curl_destroy(struct transport *t)
{
	struct curl_transport *ct = (struct curl_transport *)t;

	lanes_clear(&ct->lanes);
	curl_multi_cleanup(ct->multi);
	free(ct);
}

struct transport *
transport_curl_new(
    const struct clock *clock, struct budget *budget, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct curl_transport *ct;

	pthread_once(&once, global_init);
	if (global_rc != 0) {
		error_set(err, ERR_SYSTEM, "libcurl cannot be initialised");
		return NULL;
	}
	ct = calloc(1, sizeof(*ct));
	if (ct != NULL)
		ct->multi = curl_multi_init();
	if (ct == NULL || ct->multi == NULL) {
		free(ct);
		error_set(err, ERR_NOMEM, "out of memory for libcurl");
		return NULL;
	}
	curl_multi_setopt(ct->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	curl_multi_setopt(
	    ct->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)LANE_STREAMS);
	curl_multi_setopt(
	    ct->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)LANE_CONNECTIONS);
	curl_multi_setopt(ct->multi, CURLMOPT_MAXCONNECTS, 64L);
	ct->clock = ct->lookups.clock = clock;
	ct->budget = budget;
	ct->base = (struct transport){
	    .start = curl_start,
	    .cancel = curl_cancel,
	    .poll = curl_poll,
	    .wakeup = curl_wakeup,
	    .destroy = curl_destroy,
	};
	return &ct->base;
}
