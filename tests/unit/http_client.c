/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/http_client.h"

#include "certs/authority.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { DAY_S = 86400, PATIENCE_S = 20 };

static atomic_int counted;

static struct {
	pthread_mutex_t lock;
	struct http_exchange *items[HELD_MAX];
	size_t n;
} held = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
echo(void *arg, struct http_exchange *x)
{
	struct http_answer a = {.status = 200, .content_type = "text/plain"};
	const char *body;
	size_t len;

	(void)arg;
	body = http_body(x, &len);
	a.body = strndup(body, len);
	a.len = len;
	http_respond(x, &a);
}

static void
unavailable(void *arg, struct http_exchange *x)
{
	const struct http_answer a = {
	    .status = 503, .content_type = "text/plain", .retry_after = 2};

	(void)arg;
	http_respond(x, &a);
}

static void
later(void *arg, struct http_exchange *x)
{
	(void)arg;
	pthread_mutex_lock(&held.lock);
	if (held.n < HELD_MAX)
		held.items[held.n++] = x;
	pthread_mutex_unlock(&held.lock);
}

/* More than a socket holds. */
static void
big(void *arg, struct http_exchange *x)
{
	struct http_answer a = {.status = 200, .content_type = "text/plain"};

	(void)arg;
	a.body = calloc(1, CLIENT_BIG);
	a.len = a.body != NULL ? CLIENT_BIG : 0;
	http_respond(x, &a);
}

const struct http_route client_routes[] = {
    {"POST", "/echo", echo, true},
    {"GET", "/get", echo, false},
    {"GET", "/busy", unavailable, false},
    {"GET", "/big", big, false},
    {"GET", "/later", later, false},
    {"POST", "/later", later, false},
    {0},
};

static void
count(void *arg, const char *path, unsigned status)
{
	(void)arg;
	(void)path;
	(void)status;
	atomic_fetch_add(&counted, 1);
}

int
client_counted(void)
{
	return atomic_load(&counted);
}

void
client_count_reset(void)
{
	atomic_store(&counted, 0);
}

struct http_server *
client_serve_as(struct http_options *o)
{
	struct error err = ERROR_INIT;
	struct http_server *s;

	if (o->listen == NULL)
		o->listen = "127.0.0.1:0";
	o->routes = client_routes;
	o->max_body = CLIENT_BODY_MAX;
	o->threads = 2;
	o->answered = count;
	s = http_server_new(o, &err);
	if (s == NULL)
		fail_msg("%s", err.msg);
	return s;
}

struct http_server *
client_serve(struct keypair *tls, const char *listen)
{
	struct http_options o = {.listen = listen, .tls = tls};

	return client_serve_as(&o);
}

struct http_server *
client_serve_limited(struct keypair *tls, int request_ms, int idle_ms)
{
	struct http_options o = {
	    .tls = tls, .request_ms = request_ms, .idle_ms = idle_ms};

	return client_serve_as(&o);
}

int
client_setup(void **state)
{
	*state = client_serve(NULL, "127.0.0.1:0");
	return 0;
}

int
client_teardown(void **state)
{
	http_server_free(*state);
	return 0;
}

int
dial(const struct http_server *s)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(http_server_port(s)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

void
say(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void
hear(int fd, const char *until, char reply[static CLIENT_REPLY_MAX])
{
	const size_t max = CLIENT_REPLY_MAX - 1;
	size_t len = 0;
	ssize_t n = 1;

	reply[0] = '\0';
	while (n > 0 && len < max &&
	       (until == NULL || strstr(reply, until) == NULL)) {
		n = recv(fd, reply + len, max - len, 0);
		if (n < 0 && errno == EAGAIN)
			fail_msg("silence after \"%s\"", reply);
		len += n > 0 ? (size_t)n : 0;
		reply[len] = '\0';
	}
}

void
hear_all(int fd, char reply[static CLIENT_REPLY_MAX])
{
	hear(fd, NULL, reply);
}

void
await_held(size_t n)
{
	size_t have = 0;
	int i;

	for (i = 0; i < PATIENCE_S * 100 && have < n; i++) {
		usleep(10000);
		pthread_mutex_lock(&held.lock);
		have = held.n;
		pthread_mutex_unlock(&held.lock);
	}
	assert_int_equal(have, n);
}

void
answer_held(void)
{
	size_t i;

	pthread_mutex_lock(&held.lock);
	for (i = 0; i < held.n; i++) {
		if (i % 2 == 0)
			unavailable(NULL, held.items[i]);
		else
			http_continue(held.items[i], unavailable, NULL);
	}
	held.n = 0;
	pthread_mutex_unlock(&held.lock);
}

struct keypair *
client_keypair(void)
{
	static const char *const names[] = {"localhost", "127.0.0.1"};
	const struct authority_request r = {.names = names,
	    .nnames = 2,
	    .now = time(NULL),
	    .ca_life = DAY_S,
	    .leaf_life = DAY_S,
	    .mend = true};
	AUTO(authority_set_clear) struct authority_set none = {0}, set = {0};
	struct authority_report report;
	struct error err = ERROR_INIT;
	struct keypair_pem pem;
	struct keypair *kp;

	assert_int_equal(authority_plan(&none, &r, &set, &report, &err), 0);
	pem = (struct keypair_pem){set.parts[TLS_CRT].data,
	    set.parts[TLS_CRT].len, set.parts[TLS_KEY].data,
	    set.parts[TLS_KEY].len};
	kp = keypair_new(&pem, r.now, &err);
	assert_non_null(kp);
	return kp;
}

/* GnuTLS's datum lacks a const; it is only read. NULL is empty. */
static gnutls_datum_t
datum(const char *text)
{
	const union {
		const char *in;
		unsigned char *out;
	} cast = {.in = text};

	return (gnutls_datum_t){
	    cast.out, text != NULL ? (unsigned int)strlen(text) : 0};
}

int
tls_dial(struct tls_client *c, const struct http_server *s,
    const char *priority, const char *alpn)
{
	const gnutls_datum_t protocol = datum(alpn);
	int rc;

	*c = (struct tls_client){.fd = dial(s)};
	assert_int_equal(
	    gnutls_certificate_allocate_credentials(&c->credentials), 0);
	assert_int_equal(gnutls_init(&c->session, GNUTLS_CLIENT), 0);
	if (priority != NULL)
		assert_int_equal(
		    gnutls_priority_set_direct(c->session, priority, NULL), 0);
	else
		gnutls_set_default_priority(c->session);
	gnutls_credentials_set(
	    c->session, GNUTLS_CRD_CERTIFICATE, c->credentials);
	if (alpn != NULL)
		gnutls_alpn_set_protocols(c->session, &protocol, 1, 0);
	gnutls_transport_set_int(c->session, c->fd);
	do {
		rc = gnutls_handshake(c->session);
	} while (rc < 0 && gnutls_error_is_fatal(rc) == 0);
	return rc;
}

void
tls_say(struct tls_client *c, const char *text)
{
	assert_int_equal(
	    gnutls_record_send(c->session, text, strlen(text)), strlen(text));
}

void
tls_hear(struct tls_client *c, const char *until,
    char reply[static CLIENT_REPLY_MAX])
{
	const size_t max = CLIENT_REPLY_MAX - 1;
	size_t len = 0;
	ssize_t n = 1;

	reply[0] = '\0';
	while (n > 0 && len < max && strstr(reply, until) == NULL) {
		do {
			n = gnutls_record_recv(
			    c->session, reply + len, max - len);
		} while (n < 0 && gnutls_error_is_fatal((int)n) == 0);
		len += n > 0 ? (size_t)n : 0;
		reply[len] = '\0';
	}
}

bool
tls_peer_is(struct tls_client *c, const struct keypair *kp)
{
	const gnutls_datum_t text = datum(keypair_pem(kp)->cert);
	const gnutls_datum_t *peer;
	gnutls_x509_crt_t leaf;
	gnutls_datum_t der;
	unsigned int n;
	bool same;

	peer = gnutls_certificate_get_peers(c->session, &n);
	assert_non_null(peer);
	assert_int_equal(gnutls_x509_crt_init(&leaf), 0);
	assert_int_equal(
	    gnutls_x509_crt_import(leaf, &text, GNUTLS_X509_FMT_PEM), 0);
	assert_int_equal(
	    gnutls_x509_crt_export2(leaf, GNUTLS_X509_FMT_DER, &der), 0);
	same = peer[0].size == der.size &&
	       memcmp(peer[0].data, der.data, der.size) == 0;
	gnutls_free(der.data);
	gnutls_x509_crt_deinit(leaf);
	return same;
}

void
tls_close(struct tls_client *c)
{
	gnutls_deinit(c->session);
	gnutls_certificate_free_credentials(c->credentials);
	close(c->fd);
}
