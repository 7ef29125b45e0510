/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that take their time, and a listener that stops among them. */
#include "tests/unit/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	LIMIT_MS = 300,
	LONG_MS = 20000,
	DRIP_MS = 20,
	DRIPS_MAX = 500,
	ROUNDS = 20,
	PESTS = 8
};

#define GET "GET /get HTTP/1.1\r\nHost: t\r\n\r\n"
#define GET_LATER "GET /later HTTP/1.1\r\nHost: t\r\n\r\n"

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Sends `piece` again and again; whether the other side ends it in time. */
static bool
drips_in_vain(int fd, const char *piece)
{
	char byte;
	ssize_t n;
	int i;

	for (i = 0; i < DRIPS_MAX; i++) {
		if (send(fd, piece, strlen(piece), MSG_NOSIGNAL) < 0)
			return true;
		usleep(DRIP_MS * 1000);
		n = recv(fd, &byte, 1, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return true;
	}
	return false;
}

static const struct row {
	const char *name;
	const char *before;
	const char *piece;
} rows[] = {
    {"header", "GET /get HTTP/1.1\r\nHost: t\r\n", "X-A: a\r\n"},
    {"body", "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 999\r\n\r\n",
	"x"},
    {"chunks",
	"POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n",
	"1\r\nx\r\n"},
};

static void
requests_must_come_in_whole_in_time(void **state)
{
	AUTO(http_server_free)
	struct http_server *s = client_serve_limited(NULL, LIMIT_MS, LONG_MS);
	size_t i;
	bool ended;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fd = dial(s);
		say(fd, rows[i].before);
		ended = drips_in_vain(fd, rows[i].piece);
		close(fd);
		if (!ended)
			fail_msg("%s: goes on", rows[i].name);
	}
}

static void
so_must_later_ones_on_a_kept_connection(void **state)
{
	AUTO(http_server_free)
	struct http_server *s = client_serve_limited(NULL, LIMIT_MS, LONG_MS);
	char reply[CLIENT_REPLY_MAX];
	const int fd = dial(s);

	(void)state;
	say(fd, GET);
	hear(fd, "\r\n\r\n", reply);
	usleep(2 * LIMIT_MS * 1000); /* being idle is something else */
	say(fd, GET);
	hear(fd, "\r\n\r\n", reply);
	assert_non_null(strstr(reply, " 200 "));
	say(fd, rows[1].before);
	assert_true(drips_in_vain(fd, rows[1].piece));
	close(fd);
}

static void
closes_connections_that_are_idle_too_long(void **state)
{
	AUTO(http_server_free)
	struct http_server *s = client_serve_limited(NULL, LONG_MS, LIMIT_MS);
	char reply[CLIENT_REPLY_MAX];
	const int fd = dial(s);

	(void)state;
	say(fd, GET);
	hear_all(fd, reply); /* to the end of the connection */
	assert_non_null(strstr(reply, " 200 "));
	close(fd);
}

/* A request begins with the end of its first line. */
static void
or_do_not_come_to_an_end_of_their_first_line(void **state)
{
	AUTO(http_server_free)
	struct http_server *s = client_serve_limited(NULL, LONG_MS, LIMIT_MS);
	const int fd = dial(s);

	(void)state;
	say(fd, "GET /");
	assert_true(drips_in_vain(fd, "a"));
	close(fd);
}

static void
waits_for_its_own_handlers_without_limit(void **state)
{
	AUTO(http_server_free)
	struct http_server *s = client_serve_limited(NULL, LIMIT_MS, LIMIT_MS);
	char reply[CLIENT_REPLY_MAX];
	const int fd = dial(s);

	(void)state;
	say(fd, GET_LATER);
	await_held(1);
	usleep(3 * LIMIT_MS * 1000);
	answer_held();
	hear(fd, "\r\n\r\n", reply);
	assert_non_null(strstr(reply, " 503 "));
	close(fd);
}

static atomic_bool stopped;

static void *
stop_server(void *s)
{
	http_server_stop(s, LONG_MS);
	atomic_store(&stopped, true);
	return NULL;
}

static void
stopping_waits_for_answers(void **state)
{
	char reply[CLIENT_REPLY_MAX];
	const int fd = dial(*state);
	pthread_t t;

	say(fd, GET_LATER);
	await_held(1);
	atomic_store(&stopped, false);
	assert_int_equal(pthread_create(&t, NULL, stop_server, *state), 0);
	usleep(50000);
	assert_false(atomic_load(&stopped));
	answer_held();
	hear_all(fd, reply);
	assert_non_null(strstr(reply, " 503 "));
	pthread_join(t, NULL);
	close(fd);
}

static void
stopping_waits_for_bodies_that_come_in(void **state)
{
	char reply[CLIENT_REPLY_MAX];
	const int fd = dial(*state);
	pthread_t t;

	say(fd, "POST /later HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n"
		"Expect: 100-continue\r\n\r\n");
	/* It is known of by then, however busy the machine is. */
	hear(fd, "\r\n\r\n", reply);
	assert_non_null(strstr(reply, " 100 "));
	say(fd, "ab");
	atomic_store(&stopped, false);
	assert_int_equal(pthread_create(&t, NULL, stop_server, *state), 0);
	usleep(50000);
	assert_false(atomic_load(&stopped));
	say(fd, "cd");
	await_held(1);
	answer_held();
	hear_all(fd, reply);
	assert_non_null(strstr(reply, " 503 "));
	assert_non_null(strstr(reply, "Connection: close"));
	pthread_join(t, NULL);
	close(fd);
}

static void
stopping_takes_no_new_requests(void **state)
{
	char reply[CLIENT_REPLY_MAX];
	int fd;

	http_server_stop(*state, 0);
	fd = dial(*state);
	say(fd, "GET /get HTTP/1.1\r\nHost: t\r\n\r\n");
	hear_all(fd, reply);
	assert_string_equal(reply, "");
	close(fd);
}

/* Connections in every state but the one where a handler has them. */
static void
freeing_waits_for_handlers_alone(void **state)
{
	struct http_server *s = client_serve(NULL, "127.0.0.1:0");
	const int64_t start = now_ms();
	char reply[CLIENT_REPLY_MAX];
	int fds[5], i;

	(void)state;
	for (i = 0; i < 5; i++)
		fds[i] = dial(s);
	say(fds[0], "GET /g");
	say(fds[1], rows[1].before);
	say(fds[2], GET);
	hear(fds[2], "\r\n\r\n", reply);
	say(fds[3], "GET /big HTTP/1.1\r\nHost: t\r\n\r\n"); /* not read */
	usleep(100000);
	http_server_stop(s, 100);
	http_server_free(s);
	assert_true(now_ms() - start < LONG_MS / 4);
	for (i = 0; i < 5; i++)
		close(fds[i]);
}

struct pest {
	pthread_t thread;
	int fd;
	atomic_int *answers; /* of all of them */
};

/* Asks on a kept connection until it is closed, without ever pausing. */
static void *
pester(void *arg)
{
	struct pest *p = arg;
	char reply[CLIENT_REPLY_MAX];

	while (send(p->fd, GET_LATER, strlen(GET_LATER), MSG_NOSIGNAL) > 0 &&
	       recv(p->fd, reply, sizeof(reply), 0) > 0)
		atomic_fetch_add(p->answers, 1);
	return NULL;
}

static void *
keep_answering(void *arg)
{
	atomic_bool *stop = arg;

	while (!atomic_load(stop)) {
		answer_held();
		usleep(1000);
	}
	return NULL;
}

/* Frees a listener while clients ask it for what waits. */
static void
free_among_pests(void)
{
	struct http_server *s = client_serve(NULL, "127.0.0.1:0");
	struct pest pests[PESTS];
	atomic_int answers = 0;
	atomic_bool stop = false;
	pthread_t t;
	int i;

	assert_int_equal(pthread_create(&t, NULL, keep_answering, &stop), 0);
	for (i = 0; i < PESTS; i++) {
		pests[i] = (struct pest){.fd = dial(s), .answers = &answers};
		assert_int_equal(
		    pthread_create(&pests[i].thread, NULL, pester, &pests[i]),
		    0);
	}
	while (atomic_load(&answers) < 20)
		usleep(1000);
	http_server_free(s);
	for (i = 0; i < PESTS; i++) {
		pthread_join(pests[i].thread, NULL);
		close(pests[i].fd);
	}
	atomic_store(&stop, true);
	pthread_join(t, NULL);
}

static void
freeing_works_while_requests_keep_coming(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < ROUNDS; i++)
		free_among_pests();
}

static void
drops_bodies_that_end_early(void **state)
{
	AUTO(http_server_free)
	struct http_server *s = client_serve_limited(NULL, LIMIT_MS, LONG_MS);
	char reply[CLIENT_REPLY_MAX];
	const int fd = dial(s);

	(void)state;
	client_count_reset();
	say(fd,
	    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nab");
	shutdown(fd, SHUT_WR);
	hear_all(fd, reply);
	assert_string_equal(reply, "");
	assert_int_equal(client_counted(), 0);
	close(fd);
}

static void
answers_what_is_pipelined_and_drops_garbage_after_it(void **state)
{
	char reply[CLIENT_REPLY_MAX];
	const char *second;
	const int fd = dial(*state);

	say(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\nab"
		"GET /busy HTTP/1.1\r\nHost: t\r\n\r\n"
		"\x01\x02 garbage \xff\r\n\r\n");
	hear_all(fd, reply);
	assert_int_equal(strncmp(reply, "HTTP/1.1 200 ", 13), 0);
	second = strstr(reply, "\r\n\r\nabHTTP/1.1 503 ");
	assert_non_null(second);
	assert_null(strstr(second, "HTTP/1.1 200 "));
	close(fd);
}

#define TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, client_setup, client_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_must_come_in_whole_in_time),
	    cmocka_unit_test(so_must_later_ones_on_a_kept_connection),
	    cmocka_unit_test(closes_connections_that_are_idle_too_long),
	    cmocka_unit_test(or_do_not_come_to_an_end_of_their_first_line),
	    cmocka_unit_test(waits_for_its_own_handlers_without_limit),
	    TEST(stopping_waits_for_answers),
	    TEST(stopping_waits_for_bodies_that_come_in),
	    TEST(stopping_takes_no_new_requests),
	    cmocka_unit_test(freeing_waits_for_handlers_alone),
	    cmocka_unit_test(freeing_works_while_requests_keep_coming),
	    cmocka_unit_test(drops_bodies_that_end_early),
	    TEST(answers_what_is_pipelined_and_drops_garbage_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
