/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/url.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>

/* What was accepted says where it leads, and says the same read again. */
static void
check(const struct url *u, struct arena *mem)
{
	struct error err = ERROR_INIT;
	struct url again;
	char port[16];

	must_be_plain(u->text);
	must_be_plain(u->host);
	MUST(strchr(u->text, ' ') == NULL && strchr(u->text, '#') == NULL);
	MUST(strcmp(u->scheme, "http") == 0 || strcmp(u->scheme, "https") == 0);
	MUST(strlen(u->text) <= URL_MAX);
	MUST(u->port >= 0 && u->port <= UINT16_MAX);
	MUST(strspn(u->host, "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") ==
	     strlen(u->host));
	snprintf(port, sizeof(port), ":%d", u->port);
	MUST(strncmp(u->hostport, u->host, strlen(u->host)) == 0);
	MUST(u->hostport[strlen(u->host)] == '\0' ||
	     strcmp(u->hostport + strlen(u->host), port) == 0);

	MUST(url_parse(&again, u->text, NULL, mem, &err) == 0);
	MUST(strcmp(again.text, u->text) == 0);
	MUST(strcmp(again.hostport, u->hostport) == 0);
	MUST(!again.has_user && !again.has_fragment);
	MUST(url_same_origin(&again, u));
	MUST(host_is_loopback(u->host) == host_is_loopback(u->hostport));
}

/* Refused with a reason, or as checked. */
static bool
read_url(
    struct url *u, const char *text, const struct url *base, struct arena *mem)
{
	struct error err = ERROR_INIT;

	if (url_parse(u, text, base, mem, &err) == 0) {
		check(u, mem);
		return true;
	}
	MUST(err.code == ERR_INVALID);
	must_be_plain(err.msg);
	return false;
}

/* Each line is a Location, seen from where the one before led. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	char *line, *rest;
	struct url urls[2];
	const struct url *base = NULL;
	size_t n = 0;

	if (mem == NULL)
		return 0;
	rest = arena_strndup(mem, (const char *)data, size);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (read_url(&urls[n % 2], line, base, mem))
			base = &urls[n++ % 2];
	return 0;
}
