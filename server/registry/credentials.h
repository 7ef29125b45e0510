/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_CREDENTIALS_H
#define SERVER_REGISTRY_CREDENTIALS_H

#include "certs/digest.h"
#include "policy/base/arena.h"
#include "policy/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Docker's config.json (and the older .dockercfg), with the kubelet's rules
 * of which entry is for which image
 * (https://kubernetes.io/docs/concepts/containers/images/#config-json).
 */

enum {
	DOCKER_CONFIG_BYTES_MAX = 1024 * 1024,
	DOCKER_CONFIG_ENTRIES_MAX = 1000,
	CREDENTIALS_MAX = 8, /* tried for one image */
};

/* Strings are NULL where not given; immutable. */
struct credential {
	const char *username;
	const char *password;
	const char *identity_token; /* an OAuth2 refresh token */
	const char *registry_token; /* a bearer token as it is */
	/* Tells credentials apart in cache keys, and gives nothing away. */
	char id[DIGEST_TEXT_MAX];
};

/* Fills c->id. Returns 0, or -1 with ERR_NOMEM. */
int credential_seal(struct credential *c, struct error *err);

/* Overwrites its secrets, which must be writable memory. */
void credential_wipe(struct credential *c);

struct docker_entry {
	const char *key; /* as matched: "registry.corp:5000/team" */
	struct credential credential;
};

struct docker_helper {
	const char *host;
	const char *name; /* "ecr-login": docker-credential-ecr-login */
};

struct docker_config {
	struct docker_entry *entries; /* in the order in which they match */
	size_t n;
	const char *store; /* credsStore, or NULL */
	struct docker_helper *helpers;
	size_t nhelpers;
};

/*
 * All that is pointed at lives in `mem`. Entries without any credential are
 * left out; one that cannot be read is an error.
 * Returns 0, or -1 with *err: ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM. Messages hold
 * nothing secret.
 */
int docker_config_parse(struct docker_config *c, const char *text, size_t len,
    struct arena *mem, struct error *err);

/*
 * The credentials for a repository ("docker.io", "library/nginx"), the first
 * to be tried first. Returns how many, at most `max`. Borrowed.
 */
size_t docker_config_match(const struct docker_config *c, const char *host,
    const char *path, const struct credential **out, size_t max);

/* The helper to be asked for a host: its own of credHelpers, else credsStore,
 * else NULL. Not looked at whether the name is one. Borrowed. */
const char *docker_config_helper(
    const struct docker_config *c, const char *host);

/*
 * What a helper answers to "get". All that is pointed at lives in `mem`.
 * Returns 1, 0 where it holds no credential, or -1 with *err as above.
 */
int credential_parse_helper(struct credential *c, const char *text, size_t len,
    struct arena *mem, struct error *err);

#endif
