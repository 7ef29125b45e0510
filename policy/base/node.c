/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/document_tree.h"
#include "policy/base/text.h"

#include <string.h>

enum { KEY_SHOWN_MAX = 64 };

struct node
document_node(const struct document *d)
{
	return (struct node){.value = d->root, .marks = &d->marks};
}

static struct node
child(const struct node *n, size_t i)
{
	const struct marks *m = &n->marks->children[i];
	struct node c = {.marks = m, .parent = n, .key = m->key, .index = i};

	c.value = m->key != NULL ? json_object_get(n->value, m->key)
				 : json_array_get(n->value, i);
	return c;
}

struct node
node_get(const struct node *n, const char *key)
{
	if (json_object_get(n->value, key) != NULL) {
		for (size_t i = 0; i < n->marks->n; i++) {
			if (strcmp(n->marks->children[i].key, key) == 0)
				return child(n, i);
		}
	}
	return (struct node){.parent = n, .key = key};
}

size_t
node_size(const struct node *n)
{
	return n->value == NULL ? 0 : n->marks->n;
}

struct node
node_at(const struct node *n, size_t i)
{
	if (i < node_size(n))
		return child(n, i);
	return (struct node){.parent = n, .index = i};
}

struct mark
node_mark(const struct node *n)
{
	while (n->marks == NULL && n->parent != NULL)
		n = n->parent;
	return n->marks == NULL ? (struct mark){0, 0} : n->marks->at;
}

struct mark
node_key_mark(const struct node *n)
{
	if (n->marks == NULL || n->key == NULL)
		return node_mark(n);
	return n->marks->key_at;
}

const char *
node_kind(const struct node *n)
{
	switch (n->value == NULL ? JSON_NULL : json_typeof(n->value)) {
	case JSON_OBJECT:
		return json_object_size(n->value) > 0 ? "a mapping"
						      : "an empty mapping";
	case JSON_ARRAY:
		return json_array_size(n->value) > 0 ? "a list"
						     : "an empty list";
	case JSON_STRING:
		return "text";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NULL:
		break;
	}
	return "nothing";
}

/* Whether a key reads well behind a dot. */
static bool
is_simple(const char *key)
{
	size_t len = strspn(key,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return len > 0 && len <= KEY_SHOWN_MAX && key[len] == '\0';
}

static int
add_step(const struct node *n, struct buf *b)
{
	if (n->key == NULL)
		return buf_printf(b, "[%zu]", n->index);
	if (is_simple(n->key))
		return buf_printf(
		    b, "%s%s", n->parent->parent == NULL ? "" : ".", n->key);
	buf_puts(b, "[\"");
	text_sanitise(b, n->key, KEY_SHOWN_MAX);
	return buf_puts(b, "\"]");
}

int
node_path(const struct node *n, struct buf *b)
{
	/* No deeper than a document, and one for what is not there. */
	const struct node *way[DOCUMENT_DEPTH_MAX + 2];
	size_t len = 0;

	for (; n->parent != NULL; n = n->parent) {
		if (len == sizeof(way) / sizeof(way[0]))
			return -1;
		way[len++] = n;
	}
	while (len > 0) {
		if (add_step(way[--len], b) != 0)
			return -1;
	}
	return buf_failed(b) ? -1 : 0;
}
