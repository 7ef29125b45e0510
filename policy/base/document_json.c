/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/document_tree.h"
#include "policy/base/text.h"

#include "policy/base/tree.h"

/*
 * jansson reads the JSON. What stands here finds the bounds before it and the
 * places after it: a walk over tokens that takes the text for valid, and that
 * on other text merely ends.
 */

struct token {
	struct place start;
	const char *end;
	char kind; /* { } [ ] , : " or 0 for numbers and words; EOF: '$' */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

static bool
is_structural(char c)
{
	return c == '{' || c == '}' || c == '[' || c == ']' || c == ',' ||
	       c == ':';
}

static const char *
string_end(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
	}
	return p < end ? p + 1 : end;
}

/* The token at or behind *place, which is moved past it. */
static struct token
next_token(struct place *place, const char *end)
{
	struct token t = {.kind = '$'};
	const char *p = skip_blanks(place->p, end);

	place_advance(place, p);
	t.start = *place;
	if (p == end) {
		t.end = p;
		return t;
	}
	t.kind = '\0';
	if (is_structural(*p) || *p == '"')
		t.kind = *p;
	if (*p == '"') {
		p = string_end(p, end);
	} else if (is_structural(*p)) {
		p++;
	} else {
		while (
		    p < end && !is_blank(*p) && !is_structural(*p) && *p != '"')
			p++;
	}
	t.end = p;
	place_advance(place, p);
	return t;
}

static bool
opens(char kind)
{
	return kind == '{' || kind == '[';
}

static bool
closes(char kind)
{
	return kind == '}' || kind == ']';
}

/*
 * Finds where the value that begins at `start` ends, or the end of the text.
 * What is nested too deep or has too many values is refused here, before
 * memory is spent on it.
 */
static int
find_end(struct place start, const char *end, const char **value_end,
    struct mark *at, struct error *err)
{
	size_t depth = 0, values = 1;
	char before = '\0';

	do {
		struct token t = next_token(&start, end);

		if (t.kind == ',' || (opens(before) && !closes(t.kind)))
			values++;
		depth += opens(t.kind);
		if (depth > DOCUMENT_DEPTH_MAX || values > DOCUMENT_NODES_MAX) {
			*at = t.start.at;
			return depth > DOCUMENT_DEPTH_MAX
				   ? error_set(err, ERR_LIMIT,
					 "nested deeper than %d levels",
					 DOCUMENT_DEPTH_MAX)
				   : error_set(err, ERR_LIMIT,
					 "more than %d values",
					 DOCUMENT_NODES_MAX);
		}
		depth -= closes(t.kind) && depth > 0;
		before = t.kind;
	} while (depth > 0 && before != '$');
	*value_end = start.p;
	return 0;
}

struct walk {
	struct place place;
	const char *end;
	struct arena *mem;
};

static int walk_value(struct walk *w, json_t *v, struct marks *m);

static int
walk_object(struct walk *w, json_t *object, struct marks *children)
{
	const char *key;
	json_t *value;
	size_t i = 0;

	json_object_foreach (object, key, value) {
		children[i].key_at = next_token(&w->place, w->end).start.at;
		children[i].key = key;
		next_token(&w->place, w->end); /* : */
		if (walk_value(w, value, &children[i++]) != 0)
			return -1;
		next_token(&w->place, w->end); /* , or } */
	}
	return 0;
}

static int
walk_array(struct walk *w, json_t *array, struct marks *children)
{
	json_t *value;
	size_t i;

	json_array_foreach (array, i, value) {
		if (walk_value(w, value, &children[i]) != 0)
			return -1;
		next_token(&w->place, w->end); /* , or ] */
	}
	return 0;
}

/* Notes the places of a value and of what is in it. jansson keeps the keys of
 * an object in the order of the text. */
static int
walk_value(struct walk *w, json_t *v, struct marks *m)
{
	struct marks *children;

	m->at = next_token(&w->place, w->end).start.at;
	m->n = json_is_object(v) ? json_object_size(v) : json_array_size(v);
	if (m->n == 0) {
		if (json_is_object(v) || json_is_array(v))
			next_token(&w->place, w->end);
		return 0;
	}
	children = arena_calloc(w->mem, m->n, sizeof(*children));
	if (children == NULL)
		return -1;
	m->children = children;
	return json_is_object(v) ? walk_object(w, v, children)
				 : walk_array(w, v, children);
}

static json_t *
decode_string(const struct token *t)
{
	return tree_parse(
	    t->start.p, (size_t)(t->end - t->start.p), JSON_DECODE_ANY, NULL);
}

/* The object that the text stops in, its '{' behind it. */
static struct place
innermost(struct place place, const char *stop)
{
	struct place open[DOCUMENT_DEPTH_MAX];
	size_t depth = 0;

	open[0] = place;
	while (place.p < stop) {
		struct token t = next_token(&place, stop);

		if (opens(t.kind) && depth < DOCUMENT_DEPTH_MAX)
			open[depth++] = place;
		depth -= closes(t.kind) && depth > 0;
	}
	return open[depth > 0 ? depth - 1 : 0];
}

/*
 * The first place of the key whose second one ends at `stop`, or nowhere when
 * memory is out. Keys may be written in several ways: they are decoded to be
 * compared.
 */
static struct mark
find_first(struct place place, const char *stop, const struct token *second)
{
	AUTO(json_decref) json_t *wanted = decode_string(second);
	struct mark found = {0, 0};
	size_t depth = 0;
	char before = ',';

	while (wanted != NULL && place.p < stop && found.line == 0) {
		struct token t = next_token(&place, stop);

		if (depth == 0 && before == ',' && t.kind == '"') {
			AUTO(json_decref) json_t *key = decode_string(&t);

			if (json_equal(key, wanted))
				found = t.start.at;
		}
		depth += opens(t.kind);
		depth -= closes(t.kind) && depth > 0;
		before = t.kind;
	}
	return found;
}

static int
refuse_duplicate(
    struct place start, const char *stop, struct mark *at, struct error *err)
{
	AUTO(json_decref) json_t *key = NULL;
	struct place object = innermost(start, stop), place = object;
	struct token second = {.start = start, .end = start.p};

	while (place.p < stop)
		second = next_token(&place, stop);
	*at = second.start.at;
	key = decode_string(&second);
	if (!json_is_string(key))
		return error_set(err, ERR_NOMEM, "out of memory");
	return document_duplicate_key(
	    json_string_value(key), find_first(object, stop, &second), err);
}

/* jansson knows the byte behind the token that it complains about. */
static int
refuse(const json_error_t *e, struct place start, const char *end,
    struct mark *at, struct error *err)
{
	size_t len = (size_t)(end - start.p);
	size_t stop = e->position > 0 ? (size_t)e->position : 0;
	const char *p = start.p + (stop < len ? stop : len);
	AUTO(buf_clear) struct buf shown = BUF_INIT(JSON_ERROR_TEXT_LENGTH);

	switch (json_error_code(e)) {
	case json_error_unknown: /* a failed allocation sets nothing */
	case json_error_out_of_memory:
		return error_set(err, ERR_NOMEM, "out of memory");
	case json_error_duplicate_key:
		return refuse_duplicate(start, p, at, err);
	case json_error_null_character:
	case json_error_null_byte_in_key:
		place_advance(&start, p);
		*at = start.at;
		return error_set(
		    err, ERR_SYNTAX, "a NUL character is not allowed");
	case json_error_premature_end_of_input:
		place_advance(&start, p);
		*at = start.at;
		return error_set(err, ERR_SYNTAX,
		    "the JSON ends too early: a bracket, brace or quote is not closed");
	default:
		place_advance(&start, p > start.p ? p - 1 : p);
		*at = start.at;
		/* It quotes the text. */
		text_sanitise(&shown, e->text, JSON_ERROR_TEXT_LENGTH);
		return error_set(err, ERR_SYNTAX, "%s", buf_text(&shown));
	}
}

/* What follows the value: nothing, or another one. */
static int
check_rest(
    struct place *rest, const char *end, struct mark *at, struct error *err)
{
	place_advance(rest, skip_blanks(rest->p, end));
	if (rest->p == end || opens(*rest->p))
		return 0;
	*at = rest->at;
	return error_set(err, ERR_SYNTAX,
	    "the JSON ends before this; documents are separated by \"---\"");
}

int
document_read_json(struct document *doc, const struct segment *seg,
    struct place *rest, struct mark *at, struct error *err)
{
	struct place start = seg->start;
	struct walk w = {.end = seg->end};
	const char *end = NULL;
	json_error_t e = {.position = 0}; /* jansson leaves its code as it is */

	place_advance(&start, skip_blanks(start.p, seg->end));
	*at = start.at;
	if (find_end(start, seg->end, &end, at, err) != 0)
		return -1;
	doc->root = tree_parse(
	    start.p, (size_t)(end - start.p), JSON_REJECT_DUPLICATES, &e);
	if (doc->root == NULL)
		return refuse(&e, start, end, at, err);
	w.place = start;
	w.mem = doc->mem = arena_new();
	if (doc->mem == NULL || walk_value(&w, doc->root, &doc->marks) != 0)
		return error_set(err, ERR_NOMEM, "out of memory");
	*rest = w.place;
	return check_rest(rest, seg->end, at, err) != 0 ? -1 : 1;
}
