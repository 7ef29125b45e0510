/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out while requests are served; under a second. */
#include "tests/unit/alloc.h"
#include "tests/unit/http_client.h"

#include "policy/base/buf.h"
#include "server/http/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
ask(void *server)
{
	char reply[CLIENT_REPLY_MAX];
	const int fd = dial(server);

	say(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
		"Content-Length: 5\r\n\r\nhello");
	hear_all(fd, reply);
	close(fd);
	/* A handler that has no memory for its answer gives an empty one. */
	if (reply[0] != '\0' && strstr(reply, "\r\n\r\nhello") == NULL)
		assert_non_null(strstr(reply, "Content-Length: 0\r\n"));
}

static void
a_request_is_answered_or_its_connection_closed(void **state)
{
	char reply[CLIENT_REPLY_MAX];
	int fd;

	assert_true(alloc_fail_each(ask, *state) > 3);
	fd = dial(*state);
	say(fd, "GET /get HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
	hear_all(fd, reply);
	close(fd);
	assert_non_null(strstr(reply, " 200 "));
}

static void
listen_once(void *arg)
{
	const struct http_options o = {.listen = "127.0.0.1:0",
	    .routes = client_routes,
	    .max_body = CLIENT_BODY_MAX,
	    .threads = 1};
	AUTO(http_server_free) struct http_server *s = NULL;
	struct error err = ERROR_INIT;

	(void)arg;
	s = http_server_new(&o, &err);
	assert_int_equal(s == NULL, err.code == ERR_NOMEM);
}

static void
load_clients(void *file)
{
	const struct clients_options o = {.ca_file = file};
	AUTO(clients_unref) struct clients *c = NULL;
	struct error err = ERROR_INIT;

	c = clients_load(&o, &err);
	assert_int_equal(c == NULL, err.code == ERR_NOMEM);
}

static void
starting_says_that_memory_is_out(void **state)
{
	char file[] = "/tmp/policy-gate-clients-XXXXXX";
	AUTO(keypair_free) struct keypair *kp = client_keypair();
	const struct keypair_pem *pem = keypair_pem(kp);
	const int fd = mkstemp(file);

	(void)state;
	assert_int_equal(
	    write(fd, pem->cert, pem->cert_len), (ssize_t)pem->cert_len);
	close(fd);
	assert_true(alloc_fail_each(listen_once, NULL) > 1);
	assert_true(alloc_fail_each(load_clients, file) > 1);
	unlink(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_request_is_answered_or_its_connection_closed, client_setup,
		client_teardown),
	    cmocka_unit_test(starting_says_that_memory_is_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
