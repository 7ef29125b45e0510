/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/http_client.h"

#include "policy/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define GET "GET /get HTTP/1.1\r\nHost: t\r\n\r\n"

struct world {
	struct keypair *first;
	struct keypair *second;
	struct http_server *server;
};

static int
setup(void **state)
{
	static struct world w;

	w.first = client_keypair();
	w.second = client_keypair();
	w.server = client_serve(w.first, "127.0.0.1:0");
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	http_server_free(w->server);
	keypair_free(w->first);
	keypair_free(w->second);
	return 0;
}

static void
set_tls(struct http_server *s, const struct keypair *kp)
{
	struct error err = ERROR_INIT;

	if (http_server_set_tls(s, kp, &err) != 0)
		fail_msg("%s", err.msg);
}

static void
speaks_tls_1_2_and_1_3_only(void **state)
{
	static const struct {
		const char *name;
		const char *priority;
		bool works;
	} rows[] = {
	    {"1.0", "NORMAL:-VERS-ALL:+VERS-TLS1.0:%COMPAT", false},
	    {"1.1", "NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT", false},
	    {"1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.2", true},
	    {"1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.3", true},
	};
	const struct world *w = *state;
	struct tls_client c;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rc = tls_dial(&c, w->server, rows[i].priority, NULL);
		tls_close(&c);
		if ((rc == 0) != rows[i].works)
			fail_msg("%s: %s", rows[i].name,
			    rc == 0 ? "is spoken" : gnutls_strerror(rc));
	}
}

static void
agrees_on_http_1_1(void **state)
{
	const struct world *w = *state;
	gnutls_datum_t chosen;
	struct tls_client c;

	assert_int_equal(tls_dial(&c, w->server, NULL, "http/1.1"), 0);
	assert_int_equal(
	    gnutls_alpn_get_selected_protocol(c.session, &chosen), 0);
	assert_int_equal(chosen.size, 8);
	assert_memory_equal(chosen.data, "http/1.1", 8);
	tls_close(&c);
}

static void
a_new_certificate_leaves_open_connections_alone(void **state)
{
	const struct world *w = *state;
	char reply[CLIENT_REPLY_MAX];
	struct tls_client old, fresh;

	assert_int_equal(tls_dial(&old, w->server, NULL, NULL), 0);
	assert_true(tls_peer_is(&old, w->first));
	tls_say(&old, GET);
	tls_hear(&old, "\r\n\r\n", reply);
	assert_non_null(strstr(reply, " 200 "));

	set_tls(w->server, w->second);
	assert_int_equal(tls_dial(&fresh, w->server, NULL, NULL), 0);
	assert_true(tls_peer_is(&fresh, w->second));

	tls_say(&old, GET);
	tls_hear(&old, "\r\n\r\n", reply);
	assert_non_null(strstr(reply, " 200 "));
	tls_close(&old);
	tls_close(&fresh);
}

struct swapper {
	const struct world *world;
	atomic_bool stop;
};

static void *
swap(void *arg)
{
	struct swapper *s = arg;
	int i;

	for (i = 0; !atomic_load(&s->stop); i++)
		set_tls(s->world->server,
		    i % 2 == 0 ? s->world->second : s->world->first);
	return NULL;
}

static void
no_handshake_fails_while_certificates_change(void **state)
{
	struct swapper s = {.world = *state};
	struct tls_client c;
	pthread_t t;
	int i, rc;

	assert_int_equal(pthread_create(&t, NULL, swap, &s), 0);
	for (i = 0; i < 50; i++) {
		rc = tls_dial(&c, s.world->server, NULL, NULL);
		if (rc != 0)
			fail_msg("handshake %d: %s", i, gnutls_strerror(rc));
		assert_true(tls_peer_is(&c, s.world->first) ||
			    tls_peer_is(&c, s.world->second));
		tls_close(&c);
	}
	atomic_store(&s.stop, true);
	pthread_join(t, NULL);
}

/* What libcrypto has found good, GnuTLS must be able to serve. */
static void
serves_whatever_is_taken_as_a_pair(void **state)
{
	const struct world *w = *state;
	const struct keypair_pem *p = keypair_pem(w->first);
	struct {
		const char *name;
		struct buf text;
	} rows[] = {
	    {"longest_chain", BUF_INIT(KEYPAIR_PEM_MAX)},
	    {"words_around", BUF_INIT(KEYPAIR_PEM_MAX)},
	    {"key_in_the_same_file", BUF_INIT(KEYPAIR_PEM_MAX)},
	};
	struct keypair_pem same = *p;
	struct tls_client c;
	size_t i;
	int rc;

	for (i = 0; i < KEYPAIR_CHAIN_MAX; i++)
		buf_puts(&rows[0].text, p->cert);
	buf_printf(&rows[1].text, "Ours:\r\n%s\r\nThat was it.\n", p->cert);
	buf_printf(&rows[2].text, "%s%s", p->key, p->cert);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(keypair_free) struct keypair *kp = NULL;
		struct error err = ERROR_INIT;

		same.cert = buf_text(&rows[i].text);
		same.cert_len = rows[i].text.len;
		kp = keypair_new(&same, time(NULL), &err);
		if (kp == NULL)
			fail_msg("%s: %s", rows[i].name, err.msg);
		set_tls(w->server, kp);
		rc = tls_dial(&c, w->server, NULL, NULL);
		if (rc != 0)
			fail_msg("%s: %s", rows[i].name, gnutls_strerror(rc));
		assert_true(tls_peer_is(&c, w->first));
		tls_close(&c);
		buf_clear(&rows[i].text);
	}
}

static void
answers_later_over_tls(void **state)
{
	const struct world *w = *state;
	char reply[CLIENT_REPLY_MAX];
	struct tls_client c[4];
	size_t i;

	for (i = 0; i < 4; i++) {
		assert_int_equal(tls_dial(&c[i], w->server, NULL, NULL), 0);
		tls_say(&c[i], "GET /later HTTP/1.1\r\nHost: t\r\n\r\n");
	}
	await_held(4);
	answer_held();
	for (i = 0; i < 4; i++) {
		tls_hear(&c[i], "\r\n\r\n", reply);
		assert_non_null(strstr(reply, " 503 "));
		tls_close(&c[i]);
	}
}

static void
survives_clients_that_do_not_speak_tls(void **state)
{
	const struct world *w = *state;
	char reply[CLIENT_REPLY_MAX];
	struct tls_client c;
	int fd, i;

	for (i = 0; i < 5; i++) {
		fd = dial(w->server);
		say(fd, GET);
		hear_all(fd, reply);
		assert_null(strstr(reply, "HTTP/1.1"));
		close(fd);
	}
	assert_int_equal(tls_dial(&c, w->server, NULL, NULL), 0);
	tls_close(&c);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(speaks_tls_1_2_and_1_3_only),
	    TEST(agrees_on_http_1_1),
	    TEST(a_new_certificate_leaves_open_connections_alone),
	    TEST(no_handshake_fails_while_certificates_change),
	    TEST(serves_whatever_is_taken_as_a_pair),
	    TEST(answers_later_over_tls),
	    TEST(survives_clients_that_do_not_speak_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
