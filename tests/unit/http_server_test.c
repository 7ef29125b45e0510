/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/http.h"

#include "certs/authority.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BODY_MAX = 1000, REPLY_MAX = 8192, CROWD = 200 };

static atomic_int counted; /* calls of `answered` */

/* What a handler was given and has not answered yet. */
struct pending {
	pthread_mutex_t lock;
	struct http_exchange *items[CROWD];
	size_t n;
};

static struct pending pending = {.lock = PTHREAD_MUTEX_INITIALIZER};

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
	pthread_mutex_lock(&pending.lock);
	pending.items[pending.n++] = x;
	pthread_mutex_unlock(&pending.lock);
}

static const struct http_route routes[] = {
    {"POST", "/echo", echo},
    {"GET", "/get", echo},
    {"GET", "/busy", unavailable},
    {"GET", "/later", later},
    {NULL, NULL, NULL},
};

static void
count(void *arg, const char *path, unsigned status)
{
	(void)arg;
	(void)path;
	(void)status;
	atomic_fetch_add(&counted, 1);
}

static struct http_server *
serve(struct keypair *tls, const char *listen)
{
	const struct http_options o = {.listen = listen,
	    .tls = tls,
	    .routes = routes,
	    .max_body = BODY_MAX,
	    .threads = 2,
	    .answered = count};
	struct error err = ERROR_INIT;
	struct http_server *s = http_server_new(&o, &err);

	if (s == NULL)
		fail_msg("%s", err.msg);
	return s;
}

static int
setup(void **state)
{
	*state = serve(NULL, "127.0.0.1:0");
	return 0;
}

static int
teardown(void **state)
{
	http_server_free(*state);
	return 0;
}

static int
dial(const struct http_server *s)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(http_server_port(s)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads until `until` stands in the reply or the connection ends. */
static void
hear(int fd, const char *until, char reply[static REPLY_MAX])
{
	size_t len = 0;
	ssize_t n = 1;

	reply[0] = '\0';
	while (n > 0 && strstr(reply, until) == NULL && len < REPLY_MAX - 1) {
		n = recv(fd, reply + len, REPLY_MAX - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
		reply[len] = '\0';
	}
}

#define HOST "Host: t\r\nConnection: close\r\n"
#define K100                                                 \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct row {
	const char *name;
	const char *request;
	const char *has;
	const char *has_too;
} rows[] = {
    {"post", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
	" 200 ", "\r\n\r\nhello"},
    {"json_with_charset",
	"POST /echo HTTP/1.1\r\n" HOST
	"Content-Type: Application/JSON; charset=utf-8\r\n"
	"Content-Length: 2\r\n\r\n{}",
	" 200 ", "{}"},
    {"other_type",
	"POST /echo HTTP/1.1\r\n" HOST
	"Content-Type: application/jsonx\r\nContent-Length: 2\r\n\r\n{}",
	" 415 ", "application/json"},
    {"head", "HEAD /get HTTP/1.1\r\n" HOST "\r\n", " 200 ", "Content-Length"},
    {"nothing_there", "GET /gets HTTP/1.1\r\n" HOST "\r\n", " 404 ", ""},
    {"case_matters", "GET /GET HTTP/1.1\r\n" HOST "\r\n", " 404 ", ""},
    {"never_a_redirect", "GET /get/ HTTP/1.1\r\n" HOST "\r\n", " 404 ", ""},
    {"wrong_method", "GET /echo HTTP/1.1\r\n" HOST "\r\n", " 405 ",
	"Allow: POST\r\n"},
    {"wrong_method_of_get", "PUT /get HTTP/1.1\r\n" HOST "\r\n", " 405 ",
	"Allow: GET, HEAD\r\n"},
    {"announced_too_large",
	"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", " 413 ",
	"1000 bytes"},
    {"sent_too_large",
	"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	"44c\r\n" K100 K100 K100 K100 K100 K100 K100 K100 K100 K100 K100
	"\r\n0\r\n\r\n",
	" 413 ", "1000 bytes"},
    {"retry_after", "GET /busy HTTP/1.1\r\n" HOST "\r\n", " 503 ",
	"Retry-After: 2\r\n"},
    {"garbage", "\x16\x03\x01 hello\r\n\r\n", "", ""},
};

static void
answers_each_kind_of_request(void **state)
{
	char reply[REPLY_MAX];
	size_t i;
	int fd;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fd = dial(*state);
		say(fd, rows[i].request);
		hear(fd, "no such text", reply);
		close(fd);
		if (strstr(reply, rows[i].has) == NULL ||
		    strstr(reply, rows[i].has_too) == NULL)
			fail_msg("%s: %s", rows[i].name, reply);
	}
}

static void
keeps_a_connection_for_the_next_request(void **state)
{
	static const char request[] = "POST /echo HTTP/1.1\r\nHost: t\r\n"
				      "Content-Length: 3\r\n\r\nabc";
	char reply[REPLY_MAX];
	const int fd = dial(*state);
	int i;

	for (i = 0; i < 3; i++) {
		say(fd, request);
		hear(fd, "\r\n\r\nabc", reply);
		assert_non_null(strstr(reply, " 200 "));
	}
	http_server_drain(*state);
	say(fd, request);
	hear(fd, "\r\n\r\nabc", reply);
	assert_non_null(strstr(reply, "Connection: close"));
	assert_int_equal(recv(fd, reply, 1, 0), 0);
	close(fd);
}

/* Until `n` exchanges wait for their answer. */
static void
await_pending(size_t n)
{
	size_t have = 0;
	int i;

	for (i = 0; i < 500 && have < n; i++) {
		usleep(10000);
		pthread_mutex_lock(&pending.lock);
		have = pending.n;
		pthread_mutex_unlock(&pending.lock);
	}
	assert_int_equal(have, n);
}

/* Answers what is pending: directly, or by way of a worker. */
static void
answer_pending(void)
{
	size_t i;

	pthread_mutex_lock(&pending.lock);
	for (i = 0; i < pending.n; i++) {
		if (i % 2 == 0)
			unavailable(NULL, pending.items[i]);
		else
			http_continue(pending.items[i], unavailable, NULL);
	}
	pending.n = 0;
	pthread_mutex_unlock(&pending.lock);
}

static void
answers_later_from_another_thread(void **state)
{
	char reply[REPLY_MAX];
	int fds[CROWD], i;

	atomic_store(&counted, 0);
	for (i = 0; i < CROWD; i++) {
		fds[i] = dial(*state);
		say(fds[i], "GET /later HTTP/1.1\r\n" HOST "\r\n");
	}
	await_pending(CROWD);
	answer_pending();
	for (i = 0; i < CROWD; i++) {
		hear(fds[i], "no such text", reply);
		close(fds[i]);
		assert_non_null(strstr(reply, " 503 "));
	}
	assert_int_equal(atomic_load(&counted), CROWD);
}

static void
survives_clients_that_leave_while_waiting(void **state)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};
	int i, fd;

	for (i = 0; i < 20; i++) {
		fd = dial(*state);
		say(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
		await_pending((size_t)i + 1);
		if (i % 4 < 2)
			setsockopt(
			    fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
	}
	answer_pending();
	/* Leaks and uses after release are the sanitizers' to find. */
}

static void
survives_clients_that_leave_mid_body(void **state)
{
	int i, fd;

	for (i = 0; i < 20; i++) {
		fd = dial(*state);
		say(fd, "POST /echo HTTP/1.1\r\n" HOST
			"Content-Length: 100\r\n\r\nhalf");
		close(fd);
	}
}

static void *
stop_server(void *s)
{
	http_server_stop(s, 5000);
	return NULL;
}

static void
stopping_waits_for_what_is_under_way(void **state)
{
	char reply[REPLY_MAX];
	const int fd = dial(*state);
	pthread_t t;

	say(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	await_pending(1);
	assert_int_equal(pthread_create(&t, NULL, stop_server, *state), 0);
	usleep(50000);
	answer_pending();
	hear(fd, "no such text", reply);
	assert_non_null(strstr(reply, " 503 "));
	pthread_join(t, NULL);
	close(fd);
}

static void
says_which_address_is_taken(void **state)
{
	struct http_options o = {.routes = routes, .max_body = BODY_MAX};
	struct error err = ERROR_INIT;
	char address[64];

	snprintf(
	    address, sizeof(address), "127.0.0.1:%u", http_server_port(*state));
	o.listen = address;
	assert_null(http_server_new(&o, &err));
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.msg, address));
}

static void
refuses_what_is_no_address(void **state)
{
	static const char *const bad[] = {"", "8443", ":", ":x", ":65536",
	    ":-1", "::1:8443", "[::1:8443", "127.0.0.1", ":8443x",
	    "no.such.host.invalid:1"};
	struct http_options o = {.routes = routes, .max_body = BODY_MAX};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error err = ERROR_INIT;

		o.listen = bad[i];
		if (http_server_new(&o, &err) != NULL ||
		    err.code != ERR_INVALID)
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

/* The served certificate's fingerprint, asked for by a real client. */
static void
fingerprint(const struct http_server *s, char text[static 256])
{
	char command[256];
	FILE *p;

	snprintf(command, sizeof(command),
	    "openssl s_client -connect 127.0.0.1:%u </dev/null 2>/dev/null | "
	    "openssl x509 -noout -fingerprint -sha256",
	    http_server_port(s));
	p = popen(command, "r");
	assert_non_null(p);
	assert_non_null(fgets(text, 256, p));
	pclose(p);
}

static struct keypair *
make_pair(const char *dir)
{
	static const char *const names[] = {"localhost"};
	const struct authority_request r = {.names = names,
	    .nnames = 1,
	    .now = time(NULL),
	    .ca_life = 86400,
	    .leaf_life = 86400};
	struct error err = ERROR_INIT;
	char cert[256], key[256];

	snprintf(cert, sizeof(cert), "%s/tls.crt", dir);
	snprintf(key, sizeof(key), "%s/tls.key", dir);
	assert_int_equal(authority_init(dir, &r, true, &err), 0);
	return keypair_load(cert, key, time(NULL), &err);
}

static void
new_handshakes_get_the_new_certificate(void **state)
{
	char dir[] = "/tmp/policy-gate-http-XXXXXX", first[256], second[256];
	AUTO(keypair_unref) struct keypair *old = NULL, *fresh = NULL;
	AUTO(http_server_free) struct http_server *s = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	old = make_pair(dir);
	fresh = make_pair(dir);
	s = serve(old, "127.0.0.1:0");
	fingerprint(s, first);
	http_server_set_tls(s, fresh);
	fingerprint(s, second);
	assert_string_not_equal(first, second);
	snprintf(first, sizeof(first), "rm -r %s", dir);
	assert_int_equal(system(first), 0);
}

static void
listens_on_both_families_without_an_address(void **state)
{
	AUTO(http_server_free) struct http_server *s = serve(NULL, ":0");
	char reply[REPLY_MAX];
	int fd;

	(void)state;
	fd = dial(s);
	say(fd, "GET /get HTTP/1.1\r\n" HOST "\r\n");
	hear(fd, "no such text", reply);
	assert_non_null(strstr(reply, " 200 "));
	close(fd);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(answers_each_kind_of_request),
	    TEST(keeps_a_connection_for_the_next_request),
	    TEST(answers_later_from_another_thread),
	    TEST(survives_clients_that_leave_while_waiting),
	    TEST(survives_clients_that_leave_mid_body),
	    TEST(stopping_waits_for_what_is_under_way),
	    TEST(says_which_address_is_taken),
	    cmocka_unit_test(refuses_what_is_no_address),
	    cmocka_unit_test(new_handshakes_get_the_new_certificate),
	    cmocka_unit_test(listens_on_both_families_without_an_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
