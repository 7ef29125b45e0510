/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_DOCUMENT_H
#define POLICY_BASE_DOCUMENT_H

#include "policy/base/buf.h"
#include "policy/base/error.h"

#include <jansson.h>
#include <stddef.h>

/*
 * YAML or JSON text read into jansson's json_t, with the line and column of
 * every node kept beside the tree for messages.
 *
 * JSON is recognised by its first character ('{' or '[') and read strictly;
 * everything else is YAML as the Kubernetes tools read it: YAML 1.1 scalars
 * (true/yes/on/y, 0x1f, 0o17, 1_000, ~), merge keys; a date stays a string, a
 * key that is a number or a boolean becomes its text. Duplicate keys are an
 * error in both. A number without a fraction is an integer however it is
 * written (1e3, 8.0), one that does not fit 64 bits a real.
 *
 * What an alias stands for is shared, not copied: the tree is for reading.
 */
struct document;
struct document_stream;

enum {
	DOCUMENT_BYTES_MAX = 16 * 1024 * 1024,
	DOCUMENT_DEPTH_MAX = 64,
	DOCUMENT_NODES_MAX = 1000 * 1000, /* aliases expanded */
	DOCUMENT_COUNT_MAX = 10 * 1000,   /* documents in one stream */
};

/* A place in the text: both count from 1; 0 is unknown. */
struct mark {
	int line;
	int column;
};

/*
 * Starts reading `len` bytes of `text`, borrowed until document_stream_free().
 * Returns NULL with *err set: ERR_LIMIT or ERR_NOMEM.
 */
struct document_stream *document_stream_new(
    const char *text, size_t len, struct error *err);
void document_stream_free(struct document_stream *s);
OWNED(struct document_stream, document_stream_free)

/*
 * The next document; those with nothing in them are passed over.
 * Returns 1 with *out set (free it), 0 at the end, or -1 with *err
 * (ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM) and *at set. After an error in one
 * document reading can go on with the next "---" where there is one.
 */
int document_next(struct document_stream *s, struct document **out,
    struct mark *at, struct error *err);

void document_free(struct document *d);
OWNED(struct document, document_free)

/* Borrowed, for as long as the document lives. */
json_t *document_root(const struct document *d);

/* Where the document begins. */
struct mark document_start(const struct document *d);

/*
 * A node with its way from the root, for walking a document with exact
 * messages. Lives on the stack of the walker: a child points at its parent.
 */
struct node {
	json_t *value;             /* borrowed; NULL where absent */
	const struct marks *marks; /* private to document.c */
	const struct node *parent;
	const char *key; /* in a mapping, else NULL */
	size_t index;    /* in a list, or of the key in its mapping */
};

struct node document_node(const struct document *d);

/* The child under a key; its value is NULL where there is none. */
struct node node_get(const struct node *n, const char *key);

/* The i-th element of a list, or the i-th pair of a mapping. */
struct node node_at(const struct node *n, size_t i);
size_t node_size(const struct node *n); /* 0 for scalars */

/* Where the value stands; where the key stands. An absent node answers with
 * its parent's place. */
struct mark node_mark(const struct node *n);
struct mark node_key_mark(const struct node *n);

/* What the value is, for messages: "a mapping", "an empty list", "text", "a
 * number", "true", "false", "nothing". */
const char *node_kind(const struct node *n);

/* "rules[0].check.size.max"; "" for the root. A key that is no plain word
 * reads labels["app.kubernetes.io/name"]. Returns 0 or -1. */
int node_path(const struct node *n, struct buf *b);

#endif
