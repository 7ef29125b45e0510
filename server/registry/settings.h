/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_SETTINGS_H
#define SERVER_REGISTRY_SETTINGS_H

#include "policy/base/arena.h"
#include "policy/base/diagnostics.h"
#include "policy/facts.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * How to reach registries: the config file's `registries`, `dockerConfig`,
 * `network` and `cache`, parsed. Immutable and reference counted. Files that it
 * names are read when the settings are made, so that a reload takes new
 * contents.
 */
struct registry_settings;

/* One entry of `registries`; strings are NULL where not given. */
struct registry_host {
	const char *host; /* "registry.corp:5000" as in a reference */
	bool plain_http;
	bool skip_verify;
	const char *ca_file;
	const char *client_cert;
	const char *client_key;
	const char *proxy;
	struct string_list token_realms;
	const char *username; /* from credentials.usernameFile */
	const char *password;
};

/*
 * From the config document's root; `n->value` may be NULL: all defaults.
 * Relative paths are taken as they are. Unknown keys below the parts that are
 * ours are reported; `version` and `limits` are the caller's.
 * Returns a new reference, or NULL where d->errors grew.
 */
struct registry_settings *registry_settings_parse(
    const struct node *n, struct diagnostics *d);
struct registry_settings *registry_settings_ref(struct registry_settings *s);
void registry_settings_unref(struct registry_settings *s);
OWNED(struct registry_settings, registry_settings_unref)

#endif
