/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/reference.h"
#include "server/registry/credentials.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* It can be sent, and none of its parts changes the request around it. */
static void
check_credential(const struct credential *c)
{
	MUST((c->username != NULL && c->password != NULL) ||
	     c->identity_token != NULL || c->registry_token != NULL);
	MUST(reference_is_digest(c->id));
	if (c->registry_token != NULL) {
		must_be_plain(c->registry_token);
		MUST(strchr(c->registry_token, ' ') == NULL);
	}
}

static bool
is_one_of(const struct docker_config *c, const struct credential *found)
{
	for (size_t i = 0; i < c->n; i++)
		if (&c->entries[i].credential == found)
			return true;
	return false;
}

static void
check_host(const struct docker_config *c, const char *host)
{
	const struct credential *found[CREDENTIALS_MAX];
	const char *helper = docker_config_helper(c, host);
	size_t n =
	    docker_config_match(c, host, "team/app", found, CREDENTIALS_MAX);

	MUST(n <= CREDENTIALS_MAX && n <= c->n);
	for (size_t i = 0; i < n; i++) {
		MUST(is_one_of(c, found[i]));
		MUST(i == 0 || found[i] > found[i - 1]);
	}
	MUST(helper != NULL || c->store == NULL);
}

static void
check(const struct docker_config *c)
{
	static const char *const hosts[] = {"docker.io", "r.io",
	    "registry.corp:5000", "[::1]:5000",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.io"};

	for (size_t i = 0; i < c->n; i++) {
		check_credential(&c->entries[i].credential);
		MUST(i == 0 ||
		     strcmp(c->entries[i - 1].key, c->entries[i].key) >= 0);
	}
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		check_host(c, hosts[i]);
	/* A key that is a host is found for it. */
	for (size_t i = 0; i < c->n; i++)
		if (strpbrk(c->entries[i].key, "/*?[\\") == NULL)
			check_host(c, c->entries[i].key);
}

static void
check_error(const struct error *err)
{
	MUST(err->code == ERR_SYNTAX || err->code == ERR_LIMIT);
	must_be_plain(err->msg);
}

/* The file, and what a credential helper answers. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct docker_config c;
	struct credential one;
	struct error err = ERROR_INIT;
	int rc;

	if (mem == NULL)
		return 0;
	if (docker_config_parse(&c, (const char *)data, size, mem, &err) == 0)
		check(&c);
	else
		check_error(&err);
	error_clear(&err);
	rc = credential_parse_helper(&one, (const char *)data, size, mem, &err);
	if (rc == 1)
		check_credential(&one);
	if (rc == -1)
		check_error(&err);
	return 0;
}
