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
	if (json_is_string(n->value)) {
		buf_puts(b, "\"");
		text_sanitise(b, json_string_value(n->value), READ_FOUND_MAX);
		buf_puts(b, "\"");
	} else if (json_is_integer(n->value)) {
		buf_printf(b, "the number %" JSON_INTEGER_FORMAT,
		    json_integer_value(n->value));
	} else if (json_is_real(n->value)) {
		buf_printf(b, "the number %g", json_real_value(n->value));
	} else {
		buf_puts(b, node_kind(n));
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

void *
read_alloc(struct reader *r, const struct node *n, size_t len, size_t size)
{
	void *p = arena_calloc(r->mem, len, size);

	if (p == NULL)
		read_no_memory(r, n);
	return p;
}

void *
read_elements(
    struct reader *r, const struct node *n, const char *what, size_t size)
{
	const size_t len = json_array_size(n->value);

	if (!json_is_array(n->value)) {
		read_expected(r, n, what);
		return NULL;
	}
	if (len > READ_LIST_MAX) {
		diagnostics_error(r->diagnostics, n,
		    "%zu elements, at most %d are read", len, READ_LIST_MAX);
		return NULL;
	}
	return read_alloc(r, n, len, size);
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
	buf_printf(&b, "a list, each element %s", what);
	items = read_elements(r, n, buf_text(&b), sizeof(*items));
	if (items == NULL)
		return -1;
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
	items = read_alloc(r, n, len, sizeof(*items));
	if (items == NULL)
		return -1;
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
