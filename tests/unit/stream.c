/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
check_document(
    const struct stream_case *c, const char *want, struct document *d)
{
	AUTO(free)
	char *got =
	    json_dumps(document_root(d), JSON_COMPACT | JSON_ENCODE_ANY);

	document_free(d);
	assert_non_null(got);
	if (want == NULL || strcmp(got, want) != 0)
		fail_msg("%s: got %s, not %s", c->name, got,
		    want == NULL ? "the end" : want);
}

static void
check_error(const struct stream_case *c, const char *want, struct mark at,
    const struct error *err)
{
	char place[40];
	size_t len;

	snprintf(place, sizeof(place), "!%d:%d ", at.line, at.column);
	len = strlen(place);
	if (want == NULL || strncmp(want, place, len) != 0 ||
	    strstr(err->msg, want + len) == NULL)
		fail_msg("%s: got %s%s, not %s", c->name, place, err->msg,
		    want == NULL ? "the end" : want);
}

static void
check_stream(const struct stream_case *c)
{
	AUTO(document_stream_free)
	struct document_stream *s = NULL;
	struct error err = ERROR_INIT;
	size_t i = 0;
	int rc;

	s = document_stream_new(c->text, strlen(c->text), &err);
	assert_non_null(s);
	do {
		struct document *d = NULL;
		struct mark at = {0, 0};
		const char *want = i < STREAM_WANT_MAX ? c->want[i++] : NULL;

		error_clear(&err);
		rc = document_next(s, &d, &at, &err);
		if (rc == 1)
			check_document(c, want, d);
		else if (rc == -1)
			check_error(c, want, at, &err);
		else if (want != NULL)
			fail_msg("%s: got the end, not %s", c->name, want);
	} while (rc != 0);
}

void
check_streams(const struct stream_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_stream(&cases[i]);
}

struct document *
read_first(const char *text, size_t len, struct mark *at, struct error *err)
{
	AUTO(document_stream_free)
	struct document_stream *s = document_stream_new(text, len, err);
	struct document *d = NULL;

	if (s != NULL)
		document_next(s, &d, at, err);
	return d;
}

static void
add_places(const struct node *n, struct buf *b)
{
	struct mark at = node_mark(n), key = node_key_mark(n);

	node_path(n, b);
	buf_printf(b, " %d:%d", at.line, at.column);
	if (n->key != NULL)
		buf_printf(b, " key %d:%d", key.line, key.column);
	buf_puts(b, "\n");
	for (size_t i = 0; i < node_size(n); i++) {
		struct node child = node_at(n, i);

		add_places(&child, b);
	}
}

char *
places_text(const struct document *d)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(1024 * 1024);
	struct node root = document_node(d);

	add_places(&root, &b);
	return buf_take(&b);
}
