/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/buf.h"
#include "server/registry/challenge.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum { HEADERS_MAX = 16, MEMORY_MAX = 64 * 1024 };

/* RFC 9110 section 5.6.4: a quoted string has no control character but tabs. */
static void
must_be_quotable(const char *s)
{
	for (; *s != '\0'; s++)
		MUST(((unsigned char)*s >= ' ' && *s != 0x7f) || *s == '\t');
}

static void
add_quoted(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "%s=\"", name);
	for (; *value != '\0'; value++)
		buf_printf(
		    b, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
	buf_puts(b, "\"");
}

/* Asked in the same words by someone who quotes well, it is the same. */
static void
check_again(const struct challenges *c, struct arena *mem)
{
	AUTO(buf_clear) struct buf header = BUF_INIT(CHALLENGE_BYTES_MAX);
	struct challenges again = {0};
	struct error err = ERROR_INIT;

	add_quoted(&header, "Bearer realm", c->realm);
	if (c->service != NULL)
		add_quoted(&header, " , SERVICE", c->service);
	if (buf_failed(&header))
		return;
	MUST(challenges_add(&again, buf_text(&header), mem, &err) == 0);
	MUST(again.bearer && strcmp(again.realm, c->realm) == 0);
	MUST((again.service == NULL) == (c->service == NULL));
	MUST(c->service == NULL || strcmp(again.service, c->service) == 0);
}

/* Each line is a header. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct challenges c = {0};
	struct error err = ERROR_INIT;
	char *line, *rest;
	size_t n = 0;

	if (mem == NULL)
		return 0;
	rest = arena_strndup(mem, (const char *)data, size);
	while (n++ < HEADERS_MAX && (line = strsep(&rest, "\n")) != NULL) {
		struct challenges before = c;

		MUST(challenges_add(&c, line, mem, &err) == 0);
		MUST(c.basic || !before.basic);
		MUST(!before.bearer || c.realm == before.realm);
	}
	MUST(arena_size(mem) <= MEMORY_MAX + 2 * size);
	MUST(c.bearer == (c.realm != NULL));
	MUST(c.service == NULL || c.bearer);
	if (!c.bearer)
		return 0;
	must_be_quotable(c.realm);
	if (c.service != NULL)
		must_be_quotable(c.service);
	check_again(&c, mem);
	return 0;
}
