/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CROWD = 200 };

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
	"POST /echo HTTP/1.1\r\n" HOST
	"Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n",
	" 413 ", "1000 bytes"},
    {"sent_too_large",
	"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	"44c\r\n" K100 K100 K100 K100 K100 K100 K100 K100 K100 K100 K100
	"\r\n0\r\n\r\n",
	" 413 ", "1000 bytes"},
    {"retry_after", "GET /busy HTTP/1.1\r\n" HOST "\r\n", " 503 ",
	"Retry-After: 2\r\n"},
    {"two_lengths",
	"POST /echo HTTP/1.1\r\n" HOST
	"Content-Length: 5\r\nContent-Length: 2\r\n\r\nhello",
	" 400 ", "its length twice"},
    {"length_and_chunks",
	"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
	"Content-Length: 9\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
	" 400 ", "its length twice"},
    {"length_below_zero",
	"POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nx", " 400 ",
	""},
    {"length_that_no_number_holds",
	"POST /echo HTTP/1.1\r\n" HOST
	"Content-Length: 18446744073709551617\r\n\r\nx",
	" 413 ", ""},
    {"chunk_below_zero",
	"POST /echo HTTP/1.1\r\n" HOST
	"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
	" 400 ", ""},
    {"chunk_that_goes_on",
	"POST /echo HTTP/1.1\r\n" HOST
	"Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
	" 400 ", ""},
    {"chunk_extension_and_trailer",
	"POST /echo HTTP/1.1\r\n" HOST
	"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n0\r\nX: y\r\n\r\n",
	" 200 ", "hi"},
    {"no_host", "GET /get HTTP/1.1\r\n\r\n", " 400 ", ""},
    {"http_1_0", "GET /get HTTP/1.0\r\n\r\n", " 200 ", "close"},
    {"http_2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", " 505 ", ""},
    {"garbage", "\x16\x03\x01 hello\r\n\r\n", "", ""},
};

static void
answers_each_kind_of_request(void **state)
{
	char reply[CLIENT_REPLY_MAX];
	size_t i;
	int fd;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fd = dial(*state);
		say(fd, rows[i].request);
		hear_all(fd, reply);
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
	char reply[CLIENT_REPLY_MAX];
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

static void
answers_later_from_another_thread(void **state)
{
	char reply[CLIENT_REPLY_MAX];
	int fds[CROWD], i;

	client_count_reset();
	for (i = 0; i < CROWD; i++) {
		fds[i] = dial(*state);
		say(fds[i], "GET /later HTTP/1.1\r\n" HOST "\r\n");
	}
	await_held(CROWD);
	answer_held();
	for (i = 0; i < CROWD; i++) {
		hear_all(fds[i], reply);
		close(fds[i]);
		assert_non_null(strstr(reply, " 503 "));
	}
	assert_int_equal(client_counted(), CROWD);
}

static void
survives_clients_that_leave_while_waiting(void **state)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};
	int i, fd;

	for (i = 0; i < 20; i++) {
		fd = dial(*state);
		say(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
		await_held((size_t)i + 1);
		if (i % 4 < 2)
			setsockopt(
			    fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
	}
	answer_held();
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

static void
says_which_address_is_taken(void **state)
{
	struct http_options o = {
	    .routes = client_routes, .max_body = CLIENT_BODY_MAX};
	struct error err = ERROR_INIT;
	char address[64];

	snprintf(
	    address, sizeof(address), "127.0.0.1:%u", http_server_port(*state));
	o.listen = address;
	assert_null(http_server_new(&o, &err));
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.msg, address));
	assert_non_null(strstr(err.msg, "in use"));
}

static void
refuses_what_is_no_address(void **state)
{
	static const char *const bad[] = {"", "8443", ":", ":x", ":65536",
	    ":-1", "::1:8443", "[::1:8443", "127.0.0.1", ":8443x",
	    "no.such.host.invalid:1"};
	struct http_options o = {
	    .routes = client_routes, .max_body = CLIENT_BODY_MAX};
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

/* Whether loopback answers there, by IPv4 or IPv6. */
static bool
answers(const struct http_server *s, int family)
{
	const struct sockaddr_in v4 = {.sin_family = AF_INET,
	    .sin_port = htons(http_server_port(s)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
	    .sin6_port = v4.sin_port,
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	const int fd = socket(family, SOCK_STREAM, 0);
	char reply[CLIENT_REPLY_MAX] = "";
	int rc;

	rc = family == AF_INET
		 ? connect(fd, (const struct sockaddr *)&v4, sizeof(v4))
		 : connect(fd, (const struct sockaddr *)&v6, sizeof(v6));
	if (rc == 0) {
		say(fd, "GET /get HTTP/1.1\r\n" HOST "\r\n");
		hear_all(fd, reply);
	}
	close(fd);
	return strstr(reply, " 200 ") != NULL;
}

static bool
machine_has_ipv6(void)
{
	const struct sockaddr_in6 to = {
	    .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	const int fd = socket(AF_INET6, SOCK_STREAM, 0);
	const bool has =
	    fd >= 0 && bind(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

static void
listens_where_the_address_says(void **state)
{
	static const struct {
		const char *listen;
		bool v4;
		bool v6;
	} forms[] = {
	    {":0", true, true},
	    {"0.0.0.0:0", true, false},
	    {"127.0.0.1:0", true, false},
	    {"localhost:0", true, false},
	    {"[::]:0", true, true},
	    {"[::1]:0", false, true},
	};
	const bool has_ipv6 = machine_has_ipv6();
	struct http_server *s;
	bool right;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (!has_ipv6 && forms[i].listen[0] == '[')
			continue; /* such a machine cannot */
		s = client_serve(NULL, forms[i].listen);
		right = answers(s, AF_INET) == forms[i].v4 &&
			answers(s, AF_INET6) == (forms[i].v6 && has_ipv6);
		http_server_free(s);
		if (!right)
			fail_msg("\"%s\" is served elsewhere", forms[i].listen);
	}
}

#define TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, client_setup, client_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(answers_each_kind_of_request),
	    TEST(keeps_a_connection_for_the_next_request),
	    TEST(answers_later_from_another_thread),
	    TEST(survives_clients_that_leave_while_waiting),
	    TEST(survives_clients_that_leave_mid_body),
	    TEST(says_which_address_is_taken),
	    cmocka_unit_test(refuses_what_is_no_address),
	    cmocka_unit_test(listens_where_the_address_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
