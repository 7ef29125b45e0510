/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/connections.h"

#include "server/gate/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SWEEP_MAX_MS = 1000, SWEEP_MIN_MS = 20, SWEEPS_PER_LIMIT = 4 };

/* What a connection is at. */
enum stage {
	SHAKING, /* its TLS handshake */
	FRESH,   /* no request so far: API servers dial more than they use */
	READING, /* a request comes in */
	IDLE,    /* the answer goes out; then the next request is waited for */
	STAGES,
	HANDLED = STAGES, /* by us: nothing is overdue */
	OVER,
};

struct connection {
	TAILQ_ENTRY(connection) entry; /* in its stage's list */
	struct connections *home;
	int fd; /* libmicrohttpd's */
	enum stage stage;
	int64_t since;            /* monotonic milliseconds */
	struct tls_identity *tls; /* what its session points into, or NULL */
	struct clients *judged;   /* by whom it was looked at; NULL: not yet */
	bool admitted;
};

TAILQ_HEAD(connection_list, connection);

struct connections {
	struct connections_options o;
	int wake; /* an eventfd: ends the thread */
	pthread_t thread;
	/* Guards what follows, and stage, since and fd of each. */
	pthread_mutex_t lock;
	struct tls_identity *tls;          /* NULL: plain */
	struct connection_list at[STAGES]; /* those there the longest first */
	unsigned open;                     /* and not OVER */
};

static int64_t
now_ms(void)
{
	return clock_real.monotonic_ms(&clock_real);
}

/* With the lock held, as all until sweep(). */
static void
leave(struct connection *x)
{
	if (x->stage < STAGES)
		TAILQ_REMOVE(&x->home->at[x->stage], x, entry);
	x->stage = OVER;
}

static void
enter(struct connection *x, enum stage stage)
{
	x->stage = stage;
	x->since = now_ms();
	if (stage < STAGES)
		TAILQ_INSERT_TAIL(&x->home->at[stage], x, entry);
}

static void
end(struct connection *x)
{
	leave(x);
	x->home->open--;
}

static void
cut_off(struct connection *x)
{
	end(x);
	/* Its worker sees the end of the stream and closes it. */
	shutdown(x->fd, SHUT_RDWR);
}

static void
make_room(struct connections *c)
{
	static const enum stage slow[] = {SHAKING, FRESH, READING};
	struct connection *x, *oldest = NULL;
	size_t i;

	if (c->open < c->o.places)
		return;
	for (i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
		x = TAILQ_FIRST(&c->at[slow[i]]);
		if (x != NULL && (oldest == NULL || x->since < oldest->since))
			oldest = x;
	}
	if (oldest == NULL)
		oldest = TAILQ_FIRST(&c->at[IDLE]);
	if (oldest != NULL)
		cut_off(oldest);
}

static void
sweep(struct connections *c)
{
	const int limits[STAGES] = {
	    [SHAKING] = c->o.handshake_ms,
	    [FRESH] = c->o.idle_ms,
	    [READING] = c->o.request_ms,
	    [IDLE] = c->o.idle_ms,
	};
	const int64_t now = now_ms();
	struct connection *x;
	int i;

	pthread_mutex_lock(&c->lock);
	for (i = 0; i < STAGES; i++)
		while ((x = TAILQ_FIRST(&c->at[i])) != NULL &&
		       x->since + limits[i] <= now)
			cut_off(x);
	pthread_mutex_unlock(&c->lock);
}

static int
sweep_interval(const struct connections_options *o)
{
	int ms = o->handshake_ms;

	if (o->request_ms < ms)
		ms = o->request_ms;
	if (o->idle_ms < ms)
		ms = o->idle_ms;
	ms /= SWEEPS_PER_LIMIT;
	if (ms < SWEEP_MIN_MS)
		return SWEEP_MIN_MS;
	return ms > SWEEP_MAX_MS ? SWEEP_MAX_MS : ms;
}

static void *
run(void *arg)
{
	struct connections *c = arg;
	struct pollfd p = {.fd = c->wake, .events = POLLIN};
	const int ms = sweep_interval(&c->o);

	while (poll(&p, 1, ms) <= 0)
		sweep(c);
	return NULL;
}

struct connections *
connections_new(const struct connections_options *o, struct error *err)
{
	struct connections *c = calloc(1, sizeof(*c));
	int i, rc;

	if (c == NULL) {
		error_set(err, ERR_NOMEM, "listener");
		return NULL;
	}
	c->o = *o;
	for (i = 0; i < STAGES; i++)
		TAILQ_INIT(&c->at[i]);
	pthread_mutex_init(&c->lock, NULL);
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = c->wake < 0 ? errno : pthread_create(&c->thread, NULL, run, c);
	if (rc == 0) {
		c->tls = o->tls != NULL ? tls_identity_ref(o->tls) : NULL;
		return c;
	}
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
	tls_identity_unref(c->tls);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void
connections_set_tls(struct connections *c, struct tls_identity *id)
{
	struct tls_identity *old;

	pthread_mutex_lock(&c->lock);
	old = c->tls;
	c->tls = tls_identity_ref(id);
	pthread_mutex_unlock(&c->lock);
	tls_identity_unref(old);
}

int
connections_retrieve(gnutls_session_t session,
    const struct gnutls_cert_retr_st *info, gnutls_pcert_st **chain,
    unsigned int *nchain, gnutls_ocsp_data_st **ocsp, unsigned int *nocsp,
    gnutls_privkey_t *key, unsigned int *flags)
{
	struct connection *x = gnutls_session_get_ptr(session);

	(void)info;
	*ocsp = NULL;
	*nocsp = 0;
	*flags = 0;
	if (x == NULL)
		return -1;
	/* A session that shakes hands again goes on with what it has. */
	if (x->tls == NULL) {
		pthread_mutex_lock(&x->home->lock);
		x->tls = tls_identity_ref(x->home->tls);
		pthread_mutex_unlock(&x->home->lock);
	}
	*nchain = tls_identity_get(x->tls, chain, key);
	return 0;
}

static void
move(struct connection *x, enum stage stage)
{
	if (x == NULL)
		return;
	pthread_mutex_lock(&x->home->lock);
	if (x->stage != OVER) {
		leave(x);
		enter(x, stage);
	}
	pthread_mutex_unlock(&x->home->lock);
}

/* The client's last word of the handshake has come. */
static int
shaken(gnutls_session_t session, unsigned int type, unsigned int when,
    unsigned int incoming, const gnutls_datum_t *message)
{
	(void)type;
	(void)when;
	(void)message;
	if (incoming != 0)
		move(gnutls_session_get_ptr(session), FRESH);
	return 0;
}

/* `x` may be NULL. False: the connection is plain, and has none. */
static bool
watch_handshake(struct MHD_Connection *conn, struct connection *x)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (info == NULL || info->tls_session == NULL)
		return false;
	/* libmicrohttpd has set it to what it needs for pre-shared keys. */
	gnutls_session_set_ptr(info->tls_session, x);
	gnutls_handshake_set_hook_function(info->tls_session,
	    GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, shaken);
	return true;
}

static void
began(struct connections *c, struct MHD_Connection *conn, void **slot)
{
	/* At once: since 1.0 the next answer stands in the same place. */
	const int fd =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD)
		->connect_fd;
	struct connection *x = calloc(1, sizeof(*x));
	bool shakes;

	*slot = x;
	/* First: its handshake may begin even so. */
	shakes = watch_handshake(conn, x);
	if (x == NULL) {
		shutdown(fd, SHUT_RDWR);
		return;
	}
	if (c->o.ask)
		clients_ask(conn);
	x->home = c;
	x->fd = fd;
	pthread_mutex_lock(&c->lock);
	make_room(c);
	c->open++;
	enter(x, shakes ? SHAKING : FRESH);
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
		if (x->stage != OVER)
			end(x);
		pthread_mutex_unlock(&c->lock);
		*slot = NULL;
		clients_unref(x->judged);
		tls_identity_unref(x->tls);
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
	(void)cls;
	(void)uri;
	move(find(conn), READING);
	return NULL;
}

void
connections_end_slowest(struct connections *c)
{
	struct connection *x;

	pthread_mutex_lock(&c->lock);
	x = TAILQ_FIRST(&c->at[READING]);
	if (x != NULL)
		cut_off(x);
	pthread_mutex_unlock(&c->lock);
}

void
connections_wait(struct MHD_Connection *conn)
{
	move(find(conn), HANDLED);
}

void
connections_answer(struct MHD_Connection *conn)
{
	move(find(conn), IDLE);
}
