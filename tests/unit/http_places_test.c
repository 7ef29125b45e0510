/* SPDX-License-Identifier: Apache-2.0 */
/* More connections than there are places, and handshakes that lead nowhere. */
#include "tests/unit/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	LIMIT_MS = 300,
	LONG_MS = 20000,
	NOTICED_US = 50000, /* by the listener's workers */
	CROWD = 100,
	PATIENCE_S = 30,
	DRIPS_MAX = 100,
};

#define GET "GET /get HTTP/1.1\r\nHost: t\r\n\r\n"

/* A connection that has said this much. */
static int
dial_and_say(const struct http_server *s, const char *text)
{
	const int fd = dial(s);

	say(fd, text);
	usleep(NOTICED_US);
	return fd;
}

static void
assert_answers(int fd, const char *status)
{
	char reply[CLIENT_REPLY_MAX];

	hear(fd, "\r\n\r\n", reply);
	assert_non_null(strstr(reply, status));
}

static int
dial_and_get(const struct http_server *s)
{
	const int fd = dial_and_say(s, GET);

	assert_answers(fd, " 200 ");
	return fd;
}

static bool
is_open(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void
assert_ends(int fd)
{
	char reply[CLIENT_REPLY_MAX];

	hear_all(fd, reply); /* fails the test where nothing ends it */
	assert_string_equal(reply, "");
	close(fd);
}

static void
the_slowest_makes_room_then_the_most_idle(void **state)
{
	struct http_options o = {.places = 4};
	AUTO(http_server_free) struct http_server *s = client_serve_as(&o);
	const int idle = dial_and_get(s);
	const int waiting =
	    dial_and_say(s, "GET /later HTTP/1.1\r\nHost: t\r\n\r\n");
	const int halfway = dial_and_say(s, "GET /get HTTP/1.1\r\n");
	const int silent = dial_and_say(s, "");
	int first, second, third;

	(void)state;
	await_held(1);
	first = dial_and_get(s);
	assert_ends(halfway);
	assert_true(is_open(silent));
	second = dial_and_get(s);
	assert_ends(silent);
	assert_true(is_open(idle));
	third = dial_and_get(s);
	assert_ends(idle);
	assert_true(is_open(first) && is_open(second) && is_open(third));
	answer_held();
	assert_answers(waiting, " 503 ");
	close(waiting);
	close(first);
	close(second);
	close(third);
}

static void
who_waits_for_an_answer_makes_no_room(void **state)
{
	struct http_options o = {.places = 2};
	AUTO(http_server_free) struct http_server *s = client_serve_as(&o);
	int waiting[2], i;

	(void)state;
	for (i = 0; i < 2; i++)
		waiting[i] =
		    dial_and_say(s, "GET /later HTTP/1.1\r\nHost: t\r\n\r\n");
	await_held(2);
	close(dial_and_get(s));
	answer_held();
	for (i = 0; i < 2; i++) {
		assert_answers(waiting[i], " 503 ");
		close(waiting[i]);
	}
}

static void
a_crowd_at_the_door_keeps_nobody_out(void **state)
{
	AUTO(keypair_free) struct keypair *kp = client_keypair();
	struct http_options o = {
	    .tls = kp, .places = 16, .handshake_ms = 2 * PATIENCE_S * 1000};
	AUTO(http_server_free) struct http_server *s = client_serve_as(&o);
	char reply[CLIENT_REPLY_MAX];
	struct tls_client c, kept;
	const time_t start = time(NULL);
	int crowd[CROWD], i;

	(void)state;
	assert_int_equal(tls_dial(&kept, s, NULL, NULL), 0);
	tls_say(&kept, GET);
	tls_hear(&kept, "\r\n\r\n", reply);
	for (i = 0; i < CROWD; i++) {
		crowd[i] = dial(s);
		if (i % 10 != 0)
			continue;
		assert_int_equal(tls_dial(&c, s, NULL, NULL), 0);
		tls_say(&c, GET);
		tls_hear(&c, "\r\n\r\n", reply);
		assert_non_null(strstr(reply, " 200 "));
		tls_close(&c);
	}
	tls_say(&kept, GET);
	tls_hear(&kept, "\r\n\r\n", reply);
	assert_non_null(strstr(reply, " 200 "));
	tls_close(&kept);
	assert_true(time(NULL) - start < PATIENCE_S);
	for (i = 0; i < CROWD; i++)
		close(crowd[i]);
}

static void
handshakes_must_be_done_in_time(void **state)
{
	AUTO(keypair_free) struct keypair *kp = client_keypair();
	struct http_options o = {.tls = kp,
	    .handshake_ms = LIMIT_MS,
	    .request_ms = LONG_MS,
	    .idle_ms = LONG_MS};
	AUTO(http_server_free) struct http_server *s = client_serve_as(&o);
	const int dripping = dial(s);
	int i;

	(void)state;
	assert_ends(dial(s));
	/* The head of a record with a ClientHello, and no end of it. */
	send(dripping, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11,
	    MSG_NOSIGNAL);
	for (i = 0; i < DRIPS_MAX && is_open(dripping); i++) {
		send(dripping, "x", 1, MSG_NOSIGNAL);
		usleep(NOTICED_US / 2);
	}
	assert_true(i < DRIPS_MAX);
	close(dripping);
}

static void
who_has_shaken_hands_may_take_time_to_ask(void **state)
{
	static const char *const versions[] = {
	    "NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
	AUTO(keypair_free) struct keypair *kp = client_keypair();
	struct http_options o = {.tls = kp,
	    .handshake_ms = LIMIT_MS,
	    .request_ms = LIMIT_MS,
	    .idle_ms = LONG_MS};
	AUTO(http_server_free) struct http_server *s = client_serve_as(&o);
	char reply[CLIENT_REPLY_MAX];
	struct tls_client c[2];
	int i;

	(void)state;
	for (i = 0; i < 2; i++)
		assert_int_equal(tls_dial(&c[i], s, versions[i], NULL), 0);
	usleep(3 * LIMIT_MS * 1000);
	for (i = 0; i < 2; i++) {
		tls_say(&c[i], GET);
		tls_hear(&c[i], "\r\n\r\n", reply);
		assert_non_null(strstr(reply, " 200 "));
		tls_close(&c[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_slowest_makes_room_then_the_most_idle),
	    cmocka_unit_test(who_waits_for_an_answer_makes_no_room),
	    cmocka_unit_test(a_crowd_at_the_door_keeps_nobody_out),
	    cmocka_unit_test(handshakes_must_be_done_in_time),
	    cmocka_unit_test(who_has_shaken_hands_may_take_time_to_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
