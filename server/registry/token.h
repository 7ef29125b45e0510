/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_TOKEN_H
#define SERVER_REGISTRY_TOKEN_H

#include "policy/base/error.h"
#include "server/registry/client.h"

/*
 * Bearer tokens (https://distribution.github.io/distribution/spec/auth/,
 * token and oauth), held for as long as they live, by realm, service, scope and
 * credential. Who asks for one that is being fetched shares the fetch.
 */

enum {
	TOKEN_ANSWER_MAX = 64 * 1024,
	TOKEN_TEXT_MAX = 32 * 1024,
	TOKENS_MAX = 4096, /* held; the one closest to its end goes first */
	TOKEN_LIFE_DEFAULT = 60,
	TOKEN_LIFE_MAX = 86400, /* longer ones are asked for again daily */
};

struct token_request {
	const char *origin;  /* of the registry: "https://r.io" */
	const char *who;     /* the registry, for messages */
	const char *realm;   /* a URL that may be asked */
	const char *service; /* or NULL */
	const char *scope;
	const struct credential *credential; /* or NULL: anonymous */
	struct registry_settings *settings;  /* borrowed; reference taken */
	const struct registry_host *host;    /* the realm's, or NULL */
	bool client_cert;                    /* the realm may see ours */
};

/* `token` is borrowed, or NULL with *err: ERR_UNAUTHORIZED where the
 * credential was refused, ERR_AUTH_UNSUPPORTED, ERR_SYNTAX, and as retry.h
 * and transport.h say. */
typedef void token_done(void *arg, const char *token, const struct error *err);

/* Its asker's; zeroed while it waits for nothing. */
struct token_waiter {
	struct token *token;
	LIST_ENTRY(token_waiter) entry;
	token_done *done;
	void *arg;
	int64_t deadline;
};

/* One that still lives, borrowed until the next call; or NULL. */
const char *token_held(struct client *c, const struct token_request *rq);

/* Fetches one. w->done, arg and deadline are set. Returns 0, or -1 with
 * ERR_NOMEM: `done` will not run. */
int token_wait(struct client *c, const struct token_request *rq,
    struct token_waiter *w, struct error *err);
void token_leave(struct token_waiter *w);

/* It was refused: the next asker gets a new one. */
void token_forget(
    struct client *c, const struct token_request *rq, const char *text);

void tokens_clear(struct client *c);

/*
 * Reads a token service's answer: the text (new, free() it) and its life in
 * seconds, 0 to TOKEN_LIFE_MAX. NULL with ERR_SYNTAX or ERR_NOMEM.
 */
char *token_parse(
    const char *body, size_t len, int64_t *life, struct error *err);

#endif
