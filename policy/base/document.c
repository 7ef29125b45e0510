/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/document_tree.h"
#include "policy/base/text.h"

#include <string.h>

enum { DIRECTIVES_MAX = 32, KEY_SHOWN_MAX = 64 };

static const char bom[] = "\xef\xbb\xbf";

struct document_stream {
	struct place next; /* what has not been read yet */
	const char *end;
	size_t count;
	bool ended;
};

struct document_stream *
document_stream_new(const char *text, size_t len, struct error *err)
{
	struct document_stream *s;

	if (len > DOCUMENT_BYTES_MAX) {
		error_set(err, ERR_LIMIT,
		    "the text has %zu bytes; at most %d are read", len,
		    DOCUMENT_BYTES_MAX);
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	s->next = (struct place){text, {1, 1}};
	s->end = text + len;
	if (len >= sizeof(bom) - 1 && memcmp(text, bom, sizeof(bom) - 1) == 0)
		s->next.p += sizeof(bom) - 1;
	return s;
}

void
document_stream_free(struct document_stream *s)
{
	free(s);
}

void
place_advance(struct place *place, const char *to)
{
	const char *p = place->p;
	struct mark at = place->at;

	for (; p < to; p++) {
		/* No caller stops between a CR and its LF. */
		if (*p == '\n' ||
		    (*p == '\r' && (p + 1 == to || p[1] != '\n'))) {
			at.line++;
			at.column = 1;
		} else if (*p != '\r' && ((unsigned char)*p & 0xc0) != 0x80) {
			at.column++;
		}
	}
	place->p = to;
	place->at = at;
}

static bool
is_marker(const char *line, const char *end, const char *marker)
{
	if (end - line < 3 || memcmp(line, marker, 3) != 0)
		return false;
	return end - line == 3 || strchr(" \t\r\n", line[3]) != NULL;
}

static const char *
line_end(const char *p, const char *end)
{
	while (p < end && *p != '\n' && *p != '\r')
		p++;
	if (p + 1 < end && p[0] == '\r' && p[1] == '\n')
		return p + 2;
	return p < end ? p + 1 : end;
}

/* Whether nothing but blanks or a comment stands in the line. */
static bool
is_idle(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p == end || *p == '#' || *p == '\n' || *p == '\r';
}

/*
 * Cuts the next document off the stream: "---" and "..." at the start of a
 * line end one wherever they stand, in a block of text too (YAML 1.1, section
 * 4.1.4), so that a document that does not parse hides no other.
 */
static int
next_segment(struct document_stream *s, struct segment *seg, struct mark *at,
    struct error *err)
{
	const char *p = s->next.p, *eol;
	bool begun = false;
	int directives = 0;

	*seg = (struct segment){.start = s->next};
	for (; p < s->end; p = eol) {
		eol = line_end(p, s->end);
		if (is_marker(p, s->end, "---")) {
			if (begun)
				break;
			begun = seg->marked = true;
		} else if (is_marker(p, s->end, "...")) {
			p = eol;
			break;
		} else if (!begun && *p == '%') {
			directives++;
		} else if (!is_idle(p, eol)) {
			begun = true;
		}
	}
	seg->end = p;
	seg->empty = !begun && directives == 0;
	place_advance(&s->next, p);
	seg->end_at = s->next.at;
	/* libyaml compares each with all before. */
	if (directives > DIRECTIVES_MAX) {
		*at = seg->start.at;
		return error_set(err, ERR_LIMIT,
		    "more than %d directives before a document",
		    DIRECTIVES_MAX);
	}
	return 0;
}

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && strchr(" \t\r\n", *p) != NULL && *p != '\0')
		p++;
	return p;
}

/* The segment's first character, behind a "---" that stands alone. */
static char
first_character(const struct segment *seg)
{
	const char *p = skip_blanks(seg->start.p, seg->end);

	if (seg->marked && is_marker(p, seg->end, "---"))
		p = skip_blanks(p + 3, seg->end);
	if (p == seg->end)
		return '\0';
	return *p;
}

static int
read_json(struct document_stream *s, struct document *doc,
    const struct segment *seg, struct mark *at, struct error *err)
{
	struct place rest;
	int rc = document_read_json(doc, seg, &rest, at, err);

	if (rc == 1)
		s->next = rest;
	return rc;
}

static void
empty(struct document *d)
{
	json_decref(d->root);
	arena_free(d->mem);
	*d = (struct document){.root = NULL};
}

/*
 * What begins like JSON is JSON. Behind "---" it may be a YAML mapping in
 * braces as well, but JSON is looked for first: it has escapes that YAML 1.1
 * does not know.
 */
static int
read_segment(struct document_stream *s, struct document *doc,
    const struct segment *seg, struct mark *at, struct error *err)
{
	char c = first_character(seg);
	struct segment body = *seg;
	struct error ignored = ERROR_INIT;

	if (c != '{' && c != '[')
		return document_read_yaml(doc, seg, at, err);
	if (!seg->marked)
		return read_json(s, doc, seg, at, err);
	place_advance(&body.start,
	    skip_blanks(skip_blanks(seg->start.p, seg->end) + 3, seg->end));
	if (read_json(s, doc, &body, at, &ignored) == 1)
		return 1;
	empty(doc);
	return document_read_yaml(doc, seg, at, err);
}

/* 1, 0 for an empty one, or -1 */
static int
next_document(struct document_stream *s, struct document **out, struct mark *at,
    struct error *err)
{
	AUTO(document_free) struct document *d = NULL;
	struct segment seg;
	int rc;

	if (next_segment(s, &seg, at, err) != 0)
		return -1;
	if (seg.empty)
		return 0;
	*at = seg.start.at;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	rc = read_segment(s, d, &seg, at, err);
	if (rc != 1)
		return rc;
	if (s->count == DOCUMENT_COUNT_MAX) {
		s->ended = true;
		*at = d->marks.at;
		return error_set(err, ERR_LIMIT,
		    "more than %d documents in one text", DOCUMENT_COUNT_MAX);
	}
	s->count++;
	*out = TAKE(d);
	return 1;
}

int
document_next(struct document_stream *s, struct document **out, struct mark *at,
    struct error *err)
{
	int rc = 0;

	*out = NULL;
	*at = (struct mark){0, 0};
	while (rc == 0 && !s->ended && s->next.p < s->end)
		rc = next_document(s, out, at, err);
	return rc;
}

void
document_free(struct document *d)
{
	if (d == NULL)
		return;
	empty(d);
	free(d);
}

json_t *
document_root(const struct document *d)
{
	return d->root;
}

struct mark
document_start(const struct document *d)
{
	return d->marks.at;
}

int
document_duplicate_key(const char *key, struct mark first, struct error *err)
{
	AUTO(buf_clear) struct buf shown = BUF_INIT(KEY_SHOWN_MAX);

	text_sanitise(&shown, key, KEY_SHOWN_MAX);
	return error_set(err, ERR_SYNTAX,
	    "the key \"%s\" stands twice; first at line %d, column %d",
	    buf_text(&shown), first.line, first.column);
}
