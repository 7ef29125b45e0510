/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_SETTINGS_H
#define SERVER_REGISTRY_SETTINGS_H

#include "certs/digest.h"
#include "policy/base/arena.h"
#include "policy/base/diagnostics.h"
#include "policy/facts.h"
#include "server/registry/address.h"
#include "server/registry/credentials.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * How to reach registries: the config file's `registries`, `dockerConfig`,
 * `network` and `cache`, parsed. Immutable and reference counted. Files that it
 * names are read when the settings are made, so that a reload takes new
 * contents.
 */

enum {
	SETTINGS_REGISTRIES_MAX = 1000,
	SETTINGS_LIST_MAX = 100, /* mirrors, tokenRealms, networks */
	SETTINGS_PEM_MAX = 1024 * 1024,
	SETTINGS_SECRET_MAX = 64 * 1024,
};

/* A file's bytes; NULL where none was named. */
struct pem {
	const char *data;
	size_t len;
};

struct mirror {
	const char *host;
	bool resolve; /* may say what a tag stands for */
};

/* One entry of `registries`; strings are NULL where not given. */
struct registry_host {
	const char *host; /* "registry.corp:5000" as in a reference */
	bool plain_http;
	bool skip_verify;
	struct pem ca;
	struct pem client_cert;
	struct pem client_key;
	const char *proxy;
	struct string_list token_realms;
	const struct mirror *mirrors;
	size_t nmirrors;
	bool has_credential;
	struct credential credential; /* username and password */
};

/* Who is told of each file that the settings name, before it is read. */
struct settings_listener {
	void (*named)(void *arg, const char *path);
	void *arg;
};

struct registry_settings {
	atomic_int refs;
	struct arena *mem;
	const struct registry_host *hosts;
	size_t nhosts;
	struct docker_config docker;
	const struct net *allow; /* network.allow */
	size_t nallow;
	size_t cache_bytes;
	const char *store_dir; /* cache.dir, or NULL */
	int64_t tag_ttl;       /* seconds, these three */
	int64_t stale_for;
	int64_t negative_ttl;
	/* Of all that it was made of, the files' contents too: the same for
	 * settings that do not differ. */
	char digest[DIGEST_TEXT_MAX];
};

/*
 * From the config document's root; `n->value` may be NULL: all defaults.
 * Relative paths are taken as they are. Unknown keys below the parts that are
 * ours are reported; `version` and `limits` are the caller's.
 * `l` may be NULL. Returns a new reference, or NULL where d->errors grew.
 */
struct registry_settings *registry_settings_parse(const struct node *n,
    struct diagnostics *d, const struct settings_listener *l);
struct registry_settings *registry_settings_ref(struct registry_settings *s);
void registry_settings_unref(struct registry_settings *s);
OWNED(struct registry_settings, registry_settings_unref)

/*
 * The entry for a host as references write it, or for the host and port of a
 * URL ("registry-1.docker.io" finds docker.io); NULL where it is not listed.
 */
const struct registry_host *registry_settings_find(
    const struct registry_settings *s, const char *host);

/*
 * The credentials to try for a repository, in order: of the host's own entry,
 * what a credential helper gave (or NULL), docker's. Returns how many, at most
 * `max`. Borrowed.
 */
size_t registry_settings_credentials(const struct registry_settings *s,
    const char *host, const char *path, const struct credential *helped,
    const struct credential **out, size_t max);

#endif
