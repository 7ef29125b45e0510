/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/read.h"

#include "policy/base/text.h"

#include <string.h>

enum { DESCRIBED_MAX = 2 * READ_FOUND_MAX };

void
read_no_memory(struct reader *r, const struct node *n)
{
	diagnostics_error(r->diagnostics, n, "out of memory");
}

static void
describe(const struct node *n, struct buf *b)
{
	switch (n->value == NULL ? JSON_NULL : json_typeof(n->value)) {
	case JSON_OBJECT:
		buf_puts(b, "a mapping");
		break;
	case JSON_ARRAY:
		buf_puts(b, "a list");
		break;
	case JSON_STRING:
		buf_puts(b, "\"");
		text_sanitise(b, json_string_value(n->value), READ_FOUND_MAX);
		buf_puts(b, "\"");
		break;
	case JSON_INTEGER:
		buf_printf(b, "the number %" JSON_INTEGER_FORMAT,
		    json_integer_value(n->value));
		break;
	case JSON_REAL:
		buf_printf(b, "the number %g", json_real_value(n->value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		buf_puts(b, json_is_true(n->value) ? "true" : "false");
		break;
	default:
		buf_puts(b, "nothing");
		break;
	}
}

void
read_expected(struct reader *r, const struct node *n, const char *what)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(DESCRIBED_MAX);

	describe(n, &b);
	diagnostics_error(
	    r->diagnostics, n, "expected %s, found %s", what, buf_text(&b));
}

static bool
is_bare_scalar(const struct node *n)
{
	return json_is_number(n->value) || json_is_boolean(n->value);
}

/* Borrowed from the document. */
static const char *
borrow_text(struct reader *r, const struct node *n, const char *what)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(READ_TEXT_MAX);

	if (json_is_string(n->value)) {
		if (json_string_length(n->value) <= READ_TEXT_MAX)
			return json_string_value(n->value);
		diagnostics_error(r->diagnostics, n,
		    "over %d bytes long, which is too long for %s",
		    READ_TEXT_MAX, what);
		return NULL;
	}
	buf_puts(&b, what);
	if (is_bare_scalar(n))
		buf_puts(&b, " in quotes");
	read_expected(r, n, buf_text(&b));
	return NULL;
}

const char *
read_text(struct reader *r, const struct node *n, const char *what)
{
	const char *s = borrow_text(r, n, what);
	char *copy;

	if (s == NULL)
		return NULL;
	copy = arena_strdup(r->mem, s);
	if (copy == NULL)
		read_no_memory(r, n);
	return copy;
}

/* "deny or allow", "enforce, warn or audit" */
static void
add_words(struct buf *b, const char *const *words)
{
	size_t i;

	for (i = 0; words[i] != NULL; i++) {
		if (i > 0)
			buf_puts(b, words[i + 1] == NULL ? " or " : ", ");
		buf_puts(b, words[i]);
	}
}

int
read_word(struct reader *r, const struct node *n, const char *const *words)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(READ_TEXT_MAX);
	const char *s = json_string_value(n->value);
	int i;

	for (i = 0; s != NULL && words[i] != NULL; i++)
		if (strcmp(s, words[i]) == 0)
			return i;
	add_words(&b, words);
	read_expected(r, n, buf_text(&b));
	return -1;
}

void
read_unknown(struct reader *r, const struct node *n, const char *what,
    const char *word, const char *const *known)
{
	AUTO(buf_clear)
	struct buf shown = BUF_INIT(READ_FOUND_MAX),
		   list = BUF_INIT(READ_TEXT_MAX);
	const char *nearest = text_nearest(word, known);

	text_sanitise(&shown, word, READ_FOUND_MAX);
	add_words(&list, known);
	if (nearest != NULL)
		diagnostics_error(r->diagnostics, n,
		    "unknown %s \"%s\"; did you mean \"%s\"?", what,
		    buf_text(&shown), nearest);
	else
		diagnostics_error(r->diagnostics, n,
		    "unknown %s \"%s\"; expected %s", what, buf_text(&shown),
		    buf_text(&list));
}

static int
read_item(struct reader *r, const struct node *n, const char *what,
    read_item_check *check, const char **out)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(READ_FOUND_MAX);
	const char *problem;

	*out = read_text(r, n, what);
	if (*out == NULL)
		return -1;
	problem = check == NULL ? NULL : check(*out);
	if (problem == NULL)
		return 0;
	text_sanitise(&b, *out, READ_FOUND_MAX);
	diagnostics_error(
	    r->diagnostics, n, "\"%s\" %s", buf_text(&b), problem);
	*out = NULL;
	return -1;
}

int
read_list(struct reader *r, const struct node *n, const char *what,
    read_item_check *check, struct string_list *out)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(READ_TEXT_MAX);
	size_t i, len = json_array_size(n->value);
	const char **items;
	int rc = 0;

	*out = (struct string_list){.n = 0};
	if (!json_is_array(n->value)) {
		buf_printf(&b, "a list, each element %s", what);
		read_expected(r, n, buf_text(&b));
		return -1;
	}
	if (len > READ_LIST_MAX) {
		diagnostics_error(r->diagnostics, n,
		    "%zu elements, at most %d are read", len, READ_LIST_MAX);
		return -1;
	}
	items = arena_calloc(r->mem, len, sizeof(*items));
	if (items == NULL) {
		read_no_memory(r, n);
		return -1;
	}
	for (i = 0; i < len; i++) {
		const struct node item = node_at(n, i);

		rc |= read_item(r, &item, what, check, &items[i]);
	}
	*out = (struct string_list){.items = items, .n = len};
	return rc;
}

int
read_words(struct reader *r, const struct node *n, const char *what,
    const char *const *words, uint32_t *out)
{
	struct string_list list;
	int rc = read_list(r, n, "a word", NULL, &list);
	size_t i, w;

	for (i = 0; i < list.n; i++) {
		const struct node item = node_at(n, i);

		if (list.items[i] == NULL)
			continue;
		for (w = 0; words[w] != NULL; w++)
			if (strcmp(words[w], list.items[i]) == 0)
				break;
		if (words[w] != NULL) {
			*out |= UINT32_C(1) << w;
			continue;
		}
		read_unknown(r, &item, what, list.items[i], words);
		rc = -1;
	}
	return rc;
}

int
read_pairs(struct reader *r, const struct node *n, struct pair_list *out)
{
	size_t i, len = json_object_size(n->value);
	struct pair *items;
	int rc = 0;

	if (!json_is_object(n->value)) {
		read_expected(r, n, "a mapping of names to values");
		return -1;
	}
	items = arena_calloc(r->mem, len, sizeof(*items));
	if (items == NULL) {
		read_no_memory(r, n);
		return -1;
	}
	for (i = 0; i < len; i++) {
		const struct node item = node_at(n, i);

		items[i].value = read_text(r, &item, "a value");
		items[i].key = arena_strdup(r->mem, item.key);
		if (items[i].value == NULL)
			rc = -1;
		else if (items[i].key == NULL) {
			read_no_memory(r, n);
			rc = -1;
		}
	}
	*out = (struct pair_list){.items = items, .n = len};
	return rc;
}
