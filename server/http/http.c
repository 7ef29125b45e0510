/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/http.h"

#include "server/gate/clock.h"
#include "server/gate/log.h"
#include "server/http/address.h"
#include "server/http/exchange.h"
#include "server/http/tls.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
	/* One costs about 40 KiB with its TLS session. */
	PLACES_DEFAULT = 1024,
	THREADS_MAX = 64,
	HANDSHAKE_MS = 10 * 1000,
	REQUEST_MS = 30 * 1000,
	IDLE_MS = 300 * 1000, /* API servers keep connections for 90 s */
	OPTIONS_MAX = 16,
	STOP_STEP_MS = 10,
};

/* What libmicrohttpd has to say of broken clients is of no use to anyone. */
static void
drop_log(void *cls, const char *fmt, va_list ap)
{
	(void)cls;
	(void)fmt;
	(void)ap;
}

/*
 * libmicrohttpd has found itself broken and cannot go on after this returns.
 * Nothing that a client does leads here.
 */
static void
panic(void *cls, const char *file, unsigned int line, const char *reason)
{
	const struct log log = {
	    .clock = &clock_real, .level = LOG_ERROR, .fd = STDERR_FILENO};

	(void)cls;
	log_event(&log, LOG_ERROR, "listener_broken", ":s :s :i", "reason",
	    reason, "file", file, "line", (int64_t)line);
	abort();
}

/*
 * Nothing that is served has anything to escape in its path or parameters: an
 * escaped NUL would end the path early, and another path be served.
 */
static size_t
keep_escaped(void *cls, struct MHD_Connection *conn, char *text)
{
	(void)cls;
	(void)conn;
	return strlen(text);
}

static unsigned
thread_count(const struct http_options *o)
{
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (o->threads > 0)
		return o->threads;
	if (cores < 1)
		return 1;
	return cores > THREADS_MAX ? THREADS_MAX : (unsigned)cores;
}

/* Each takes a descriptor, and what reaches registries needs some too. */
static unsigned
place_count(const struct http_options *o)
{
	const unsigned wanted = o->places > 0 ? o->places : PLACES_DEFAULT;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
	    files.rlim_cur / 2 < wanted)
		return (unsigned)(files.rlim_cur / 2);
	return wanted;
}

/*
 * More than there are places, for those that are being closed: its workers
 * share the limit, and one that has reached its part accepts no more, but not
 * all of them can have.
 */
static unsigned
connection_limit(const struct http_options *o)
{
	return place_count(o) * 3 / 2 + thread_count(o);
}

static struct MHD_Daemon *
start(struct http_server *s, int fd)
{
	const unsigned threads = thread_count(&s->o);
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD |
			 MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem options[OPTIONS_MAX];
	size_t n = 0;

	if (threads > 1)
		options[n++] = (struct MHD_OptionItem){
		    MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)threads, NULL};
	if (s->o.tls != NULL) {
		flags |= MHD_USE_TLS;
		options[n++] =
		    (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK2, 0,
			__extension__(void *) connections_retrieve};
		options[n++] =
		    (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0,
			(void *)(uintptr_t)tls_priorities};
	}
	options[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
	return MHD_start_daemon(flags, 0, NULL, NULL, exchange_serve, s,
	    MHD_OPTION_EXTERNAL_LOGGER, drop_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
	    exchange_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
	    connections_notify, s->connections, MHD_OPTION_URI_LOG_CALLBACK,
	    connections_request, s->connections, MHD_OPTION_UNESCAPE_CALLBACK,
	    keep_escaped, NULL, MHD_OPTION_CONNECTION_LIMIT,
	    connection_limit(&s->o), MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

static struct connections *
new_connections(const struct http_options *o, struct error *err)
{
	AUTO(tls_identity_unref) struct tls_identity *tls = NULL;
	struct connections_options co = {
	    .handshake_ms =
		o->handshake_ms > 0 ? o->handshake_ms : HANDSHAKE_MS,
	    .request_ms = o->request_ms > 0 ? o->request_ms : REQUEST_MS,
	    .idle_ms = o->idle_ms > 0 ? o->idle_ms : IDLE_MS,
	    .places = place_count(o),
	    .ask = o->clients != NULL,
	};

	if (o->tls != NULL) {
		co.tls = tls = tls_identity_new(o->tls, err);
		if (tls == NULL)
			return NULL;
	}
	return connections_new(&co, err);
}

struct http_server *
http_server_new(const struct http_options *o, struct error *err)
{
	AUTO(http_server_free) struct http_server *s = calloc(1, sizeof(*s));
	int fd;

	if (s == NULL) {
		error_set(err, ERR_NOMEM, "listener");
		return NULL;
	}
	s->o = *o;
	if (o->clients != NULL)
		s->clients = clients_ref(o->clients);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->idle, NULL);
	s->connections = new_connections(o, err);
	if (s->connections == NULL)
		return NULL;
	fd = address_listen(o->listen, &s->port, err);
	if (fd < 0)
		return NULL;
	MHD_set_panic_func(panic, NULL);
	errno = 0;
	s->daemon = start(s, fd);
	if (s->daemon == NULL) {
		error_set(err, ERR_SYSTEM, "cannot serve on %.100s: %s",
		    o->listen, strerror(errno));
		close(fd);
		return NULL;
	}
	return TAKE(s);
}

uint16_t
http_server_port(const struct http_server *s)
{
	return s->port;
}

int
http_server_set_tls(
    struct http_server *s, const struct keypair *kp, struct error *err)
{
	AUTO(tls_identity_unref)
	struct tls_identity *id = tls_identity_new(kp, err);

	if (id == NULL)
		return -1;
	connections_set_tls(s->connections, id);
	return 0;
}

void
http_server_set_clients(struct http_server *s, struct clients *c)
{
	struct clients *old;

	pthread_mutex_lock(&s->lock);
	old = s->clients;
	s->clients = clients_ref(c);
	pthread_mutex_unlock(&s->lock);
	clients_unref(old);
}

void
http_server_drain(struct http_server *s)
{
	atomic_store(&s->draining, true);
}

static bool
is_idle(struct http_server *s)
{
	bool idle;

	pthread_mutex_lock(&s->lock);
	idle = s->open == 0;
	pthread_mutex_unlock(&s->lock);
	return idle;
}

static void
close_to_handlers(struct http_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_mutex_unlock(&s->lock);
}

void
http_server_stop(struct http_server *s, int ms)
{
	const struct timespec step = {.tv_nsec = STOP_STEP_MS * 1000000L};
	int waited;

	http_server_drain(s);
	for (waited = 0; waited < ms && !is_idle(s); waited += STOP_STEP_MS)
		nanosleep(&step, NULL);
	close_to_handlers(s);
}

void
http_server_free(struct http_server *s)
{
	if (s == NULL)
		return;
	if (s->daemon != NULL) {
		/* libmicrohttpd must not stop while connections are suspended:
		 * every handler owes its answer by now. Nor may it be quiesced
		 * (MHD_quiesce_daemon()): with epoll and a thread pool it
		 * and a worker can both take the listening socket out of the
		 * worker's set, and it aborts when the second finds it gone. */
		close_to_handlers(s);
		pthread_mutex_lock(&s->lock);
		while (s->held > 0)
			pthread_cond_wait(&s->idle, &s->lock);
		pthread_mutex_unlock(&s->lock);
		MHD_stop_daemon(s->daemon);
	}
	connections_free(s->connections);
	clients_unref(s->clients);
	pthread_cond_destroy(&s->idle);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
