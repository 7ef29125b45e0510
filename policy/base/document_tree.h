/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_DOCUMENT_TREE_H
#define POLICY_BASE_DOCUMENT_TREE_H

#include "policy/base/arena.h"
#include "policy/base/document.h"

/* Private to document*.c: what the two readers fill. */

/*
 * The place of one value and of what is in it, beside json_t. Children stand
 * in the order of the text, those that a merge key brought last. A child of
 * an alias carries the places of the anchored text.
 */
struct marks {
	struct mark at;
	struct mark key_at; /* in a mapping */
	const char *key;    /* in a mapping; the json object's */
	const struct marks *children;
	size_t n;
};

struct document {
	json_t *root;
	struct arena *mem; /* holds the marks */
	struct marks marks;
};

/* A byte of the text and its place as a person counts it. */
struct place {
	const char *p;
	struct mark at;
};

/* Moves on to `to` in the same text, at or behind where it is. */
void place_advance(struct place *place, const char *to);

/* A part of the stream that holds one document, or JSON ones in a row. */
struct segment {
	struct place start;
	const char *end;
	struct mark end_at;
	bool marked; /* begins with "---" */
	bool empty;  /* nothing but blanks and comments */
};

/*
 * Reads the segment's document into *doc, new and empty. Returns 1, 0 where
 * there is nothing in the segment, or -1 with *at and *err.
 */
int document_read_yaml(struct document *doc, const struct segment *seg,
    struct mark *at, struct error *err);

/* The same for the first JSON value; *rest is set to what follows it in the
 * segment: its end, or another one. */
int document_read_json(struct document *doc, const struct segment *seg,
    struct place *rest, struct mark *at, struct error *err);

/* A scalar as it stands in YAML. */
struct scalar {
	const char *text;
	size_t len;
	const char *tag; /* full, NULL where there is none */
	bool plain;      /* neither quoted nor a block */
};

/* What the scalar means: a new reference, or NULL with *err. */
json_t *scalar_value(const struct scalar *s, struct error *err);

/* A value as the key of a mapping, as kubectl writes it: a new string, or
 * NULL with *err. */
json_t *scalar_key(const json_t *value, struct error *err);

/* Refuses a key that stands twice in a mapping. Returns -1. */
int document_duplicate_key(
    const char *key, struct mark first, struct error *err);

#endif
