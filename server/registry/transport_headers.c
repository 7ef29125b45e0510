/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/transport_curl.h"

#include <string.h>
#include <strings.h>

static bool
is_name(const char *known, const char *name, size_t len)
{
	return strlen(known) == len && strncasecmp(known, name, len) == 0;
}

/* Where a header's value goes, of which there may be several; NULL: there were
 * enough. */
static const char **
next_slot(const char **list, size_t *n, size_t max)
{
	return *n == max ? NULL : &list[(*n)++];
}

/* Where a header's value goes; NULL: nowhere. The first of a name counts. */
static const char **
slot(struct transfer *x, const char *name, size_t len)
{
	struct http_answer *a = &x->answer;
	const struct {
		const char *name;
		const char **slot;
	} known[] = {
	    {"content-type", &a->content_type},
	    {"location", &a->location},
	    {"docker-content-digest", &a->digest},
	    {"retry-after", &a->retry_after},
	    {"ratelimit-limit", &a->ratelimit_limit},
	    {"ratelimit-remaining", &a->ratelimit_remaining},
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (is_name(known[i].name, name, len))
			return *known[i].slot == NULL ? known[i].slot : NULL;
	if (is_name("www-authenticate", name, len))
		return next_slot(
		    x->challenges, &a->nchallenges, HTTP_CHALLENGES_MAX);
	if (is_name("warning", name, len))
		return next_slot(x->warnings, &a->nwarnings, HTTP_WARNINGS_MAX);
	return NULL;
}

static void
forget_headers(struct transfer *x)
{
	struct http_answer *a = &x->answer;

	a->content_type = a->location = a->digest = NULL;
	a->retry_after = a->ratelimit_limit = a->ratelimit_remaining = NULL;
	a->nchallenges = a->nwarnings = 0;
}

static int
keep_header(struct transfer *x, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len), *value;
	const char **where;
	size_t n;

	if (colon == NULL)
		return 0;
	n = (size_t)(colon - line);
	where = slot(x, line, n);
	if (where == NULL)
		return 0;
	for (value = colon + 1, len -= n + 1; len > 0; value++, len--)
		if (*value != ' ' && *value != '\t')
			break;
	while (len > 0 && strchr(" \t\r\n", value[len - 1]) != NULL)
		len--;
	*where = memchr(value, '\0', len) != NULL
		     ? ""
		     : arena_strndup(x->mem, value, len);
	if (*where != NULL)
		return 0;
	forget_headers(x); /* what is counted is there */
	return -1;
}

size_t
transfer_header(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *x = arg;
	size_t len = size * n;

	*x->records = (struct records){0};
	x->header_bytes += len;
	if (x->header_bytes > HTTP_HEADER_BYTES_MAX) {
		error_set(&x->answer.err, ERR_LIMIT,
		    "the answer has more than %d bytes of headers",
		    HTTP_HEADER_BYTES_MAX);
		return 0;
	}
	if (len > 5 && strncmp(data, "HTTP/", 5) == 0)
		forget_headers(x); /* another answer: 1xx came before */
	else if (keep_header(x, data, len) != 0) {
		error_set(&x->answer.err, ERR_NOMEM, "out of memory");
		return 0;
	}
	return len;
}
