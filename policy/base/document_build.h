/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_DOCUMENT_BUILD_H
#define POLICY_BASE_DOCUMENT_BUILD_H

#include "policy/base/document_tree.h"

/*
 * Private to document*.c: makes the tree out of YAML's events. Keys, merge
 * keys, anchors and the bounds are looked after here.
 */
struct builder;

/* Fills *doc, whose arena is there. Errors go to *at and *err. NULL when
 * memory is out. */
struct builder *builder_new(
    struct document *doc, struct mark *at, struct error *err);
void builder_free(struct builder *b);
OWNED(struct builder, builder_free)

/* One event each, in the order of the text; `anchor` may be NULL. 0 or -1;
 * after -1 nothing but builder_free() may follow. */
int builder_scalar(struct builder *b, const struct scalar *s,
    const char *anchor, struct mark at);
int builder_alias(struct builder *b, const char *name, struct mark at);
int builder_open(
    struct builder *b, bool mapping, const char *anchor, struct mark at);
int builder_close(struct builder *b);

#endif
