/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/connections.h"

#include "server/gate/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SWEEP_MAX_MS = 1000, SWEEP_MIN_MS = 20, SWEEPS_PER_LIMIT = 4 };

struct connection {
	LIST_ENTRY(connection) entry;
	struct connections *home;
	int fd;                   /* libmicrohttpd's */
	_Atomic int64_t deadline; /* monotonic milliseconds */
	struct clients *judged;   /* by whom it was looked at; NULL: not yet */
	bool admitted;
};

struct connections {
	int request_ms;
	int idle_ms;
	bool ask;
	int wake; /* an eventfd: ends the thread */
	pthread_t thread;
	pthread_mutex_t lock; /* guards the list, and each fd in it */
	LIST_HEAD(connection_list, connection) list;
};

static int64_t
now_ms(void)
{
	return clock_real.monotonic_ms(&clock_real);
}

static void
sweep(struct connections *c)
{
	const int64_t now = now_ms();
	struct connection *x;

	pthread_mutex_lock(&c->lock);
	for (x = LIST_FIRST(&c->list); x != NULL; x = LIST_NEXT(x, entry)) {
		if (atomic_load(&x->deadline) > now)
			continue;
		/* Its worker sees the end of the stream and closes it. */
		shutdown(x->fd, SHUT_RDWR);
		atomic_store(&x->deadline, INT64_MAX);
	}
	pthread_mutex_unlock(&c->lock);
}

static int
sweep_interval(const struct connections *c)
{
	const int limit =
	    c->request_ms < c->idle_ms ? c->request_ms : c->idle_ms;
	const int ms = limit / SWEEPS_PER_LIMIT;

	if (ms < SWEEP_MIN_MS)
		return SWEEP_MIN_MS;
	return ms > SWEEP_MAX_MS ? SWEEP_MAX_MS : ms;
}

static void *
run(void *arg)
{
	struct connections *c = arg;
	struct pollfd p = {.fd = c->wake, .events = POLLIN};
	const int ms = sweep_interval(c);

	while (poll(&p, 1, ms) <= 0)
		sweep(c);
	return NULL;
}

struct connections *
connections_new(int request_ms, int idle_ms, bool ask, struct error *err)
{
	struct connections *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL) {
		error_set(err, ERR_NOMEM, "listener");
		return NULL;
	}
	c->request_ms = request_ms;
	c->idle_ms = idle_ms;
	c->ask = ask;
	LIST_INIT(&c->list);
	pthread_mutex_init(&c->lock, NULL);
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = c->wake < 0 ? errno : pthread_create(&c->thread, NULL, run, c);
	if (rc == 0)
		return c;
	error_set(err, ERR_SYSTEM, "cannot serve: %s", strerror(rc));
	if (c->wake >= 0)
		close(c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return NULL;
}

void
connections_free(struct connections *c)
{
	if (c == NULL)
		return;
	eventfd_write(c->wake, 1);
	pthread_join(c->thread, NULL);
	close(c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static void
began(struct connections *c, struct MHD_Connection *conn, void **slot)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct connection *x = calloc(1, sizeof(*x));

	*slot = x;
	if (x == NULL) {
		shutdown(info->connect_fd, SHUT_RDWR);
		return;
	}
	if (c->ask)
		clients_ask(conn);
	x->home = c;
	x->fd = info->connect_fd;
	atomic_init(&x->deadline, now_ms() + c->request_ms);
	pthread_mutex_lock(&c->lock);
	LIST_INSERT_HEAD(&c->list, x, entry);
	pthread_mutex_unlock(&c->lock);
}

void
connections_notify(void *cls, struct MHD_Connection *conn, void **slot,
    enum MHD_ConnectionNotificationCode what)
{
	struct connections *c = cls;
	struct connection *x = *slot;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		began(c, conn, slot);
	} else if (x != NULL) {
		/* libmicrohttpd closes the socket after this. */
		pthread_mutex_lock(&c->lock);
		LIST_REMOVE(x, entry);
		pthread_mutex_unlock(&c->lock);
		*slot = NULL;
		clients_unref(x->judged);
		free(x);
	}
}

static struct connection *
find(struct MHD_Connection *conn)
{
	return MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
	    ->socket_context;
}

bool
connections_admit(struct MHD_Connection *conn, struct clients *c)
{
	struct connection *x = find(conn);

	if (x == NULL)
		return false;
	if (x->judged != c) {
		clients_unref(x->judged);
		x->judged = clients_ref(c);
		x->admitted = clients_admit(c, conn);
	}
	return x->admitted;
}

void *
connections_request(void *cls, const char *uri, struct MHD_Connection *conn)
{
	struct connection *x = find(conn);

	(void)cls;
	(void)uri;
	if (x != NULL)
		atomic_store(&x->deadline, now_ms() + x->home->request_ms);
	return NULL;
}

void
connections_wait(struct MHD_Connection *conn)
{
	struct connection *x = find(conn);

	if (x != NULL)
		atomic_store(&x->deadline, INT64_MAX);
}

void
connections_answer(struct MHD_Connection *conn)
{
	struct connection *x = find(conn);

	if (x != NULL)
		atomic_store(&x->deadline, now_ms() + x->home->idle_ms);
}
