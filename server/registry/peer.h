/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_PEER_H
#define SERVER_REGISTRY_PEER_H

#include "certs/digest.h"
#include "policy/base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * What was learned of an origin ("https://registry.corp:5000"): how it wants
 * to be authenticated to, and whether it works at all. For one thread.
 */

enum {
	PEERS_MAX = 1024,  /* the one not used for longest is forgotten */
	LOGINS_MAX = 1024, /* likewise */
	BREAKER_FAILURES = 5,
	BREAKER_OPEN_MS = 10 * 1000,
};

enum peer_auth { PEER_UNKNOWN, PEER_BASIC, PEER_BEARER };

struct peer {
	TAILQ_ENTRY(peer) entry;
	char *origin;
	enum peer_auth auth;
	char *realm;       /* PEER_BEARER */
	char *service;     /* likewise; NULL where it gave none */
	int failures;      /* operations in a row */
	enum err_code why; /* the last of them */
	int64_t open_until;
	bool probing; /* one is let through to see */
};

/* Which of several credentials a repository was shown to. */
struct login {
	TAILQ_ENTRY(login) entry;
	char *origin;
	char *path;
	char id[DIGEST_TEXT_MAX]; /* the credential's */
};

struct peers {
	TAILQ_HEAD(peer_list, peer) all; /* the one used last first, as these */
	int n;
	TAILQ_HEAD(login_list, login) logins;
	int nlogins;
};

void peers_init(struct peers *ps);

/* What is known, or NULL. Borrowed until the next call. */
struct peer *peer_find(struct peers *ps, const char *origin);

/* Remembers. Returns 0, or -1 when memory is out. */
int peer_learn(struct peers *ps, const char *origin, enum peer_auth auth,
    const char *realm, const char *service);

/*
 * The breaker: after BREAKER_FAILURES failed operations in a row an origin is
 * not asked for BREAKER_OPEN_MS, then by one operation to see.
 * Milliseconds to wait, 0: go on (and tell how it went).
 */
int64_t peer_wait(struct peers *ps, const char *origin, int64_t now);
void peer_worked(struct peers *ps, const char *origin);
void peer_failed(
    struct peers *ps, const char *origin, enum err_code why, int64_t now);
/* The operation ended without saying anything about the origin. */
void peer_unknown(struct peers *ps, const char *origin);

/* The id of the credential that worked last for a repository, or NULL.
 * Borrowed until the next call. */
const char *peer_login(struct peers *ps, const char *origin, const char *path);

/* Remembers it, if memory allows. */
void peer_logged_in(
    struct peers *ps, const char *origin, const char *path, const char *id);

void peers_clear(struct peers *ps);

#endif
