/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_HTTP_CLIENT_H
#define TESTS_UNIT_HTTP_CLIENT_H

#include "certs/keypair.h"
#include "server/http/http.h"

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A listener with handlers that echo, refuse, or answer when told to, and a
 * client that talks to it byte by byte. All of it fails the running test when
 * something does not work.
 */

enum {
	CLIENT_REPLY_MAX = 8192,
	CLIENT_BODY_MAX = 1000, /* what the listener accepts */
	CLIENT_BIG = 32 * 1024 * 1024,
	HELD_MAX = 256,
};

/* POST /echo and GET /get answer with the body, GET /busy with a 503, GET
 * /big with CLIENT_BIG bytes, GET and POST /later when answer_held() says so.
 */
extern const struct http_route client_routes[];

/* Answers are counted here. */
int client_counted(void);
void client_count_reset(void);

struct http_server *client_serve(struct keypair *tls, const char *listen);
/* With limits in milliseconds, as in http_options. */
struct http_server *client_serve_limited(
    struct keypair *tls, int request_ms, int idle_ms);
/* Fills in what is the same for all of them. */
struct http_server *client_serve_as(struct http_options *o);

/* cmocka's: *state is a plain listener on loopback. */
int client_setup(void **state);
int client_teardown(void **state);

int dial(const struct http_server *s);
void say(int fd, const char *text);
/* Reads until `until` stands in the reply or the connection ends. */
void hear(int fd, const char *until, char reply[static CLIENT_REPLY_MAX]);
/* Reads to the end. */
void hear_all(int fd, char reply[static CLIENT_REPLY_MAX]);

/* Exchanges that wait at /later. */
void await_held(size_t n);
/* Answers them: directly, or by way of a worker, in turns. */
void answer_held(void);

/* A fresh authority and a leaf for "localhost" and 127.0.0.1. */
struct keypair *client_keypair(void);

/* A TLS connection. `priority` is GnuTLS's, NULL for its default. */
struct tls_client {
	int fd;
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
};

/* Returns 0, or what gnutls_handshake() returned; close either way. */
int tls_dial(struct tls_client *c, const struct http_server *s,
    const char *priority, const char *alpn);
void tls_say(struct tls_client *c, const char *text);
void tls_hear(struct tls_client *c, const char *until,
    char reply[static CLIENT_REPLY_MAX]);
/* Whether the peer's leaf is the one of `kp`. */
bool tls_peer_is(struct tls_client *c, const struct keypair *kp);
void tls_close(struct tls_client *c);

#endif
