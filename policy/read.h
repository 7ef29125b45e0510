/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_READ_H
#define POLICY_READ_H

#include "policy/base/arena.h"
#include "policy/base/diagnostics.h"
#include "policy/facts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Typed values out of a policy document. Every function reports what it
 * found and what would be right, and goes on: one pass finds all that is
 * wrong. What is handed out lives in the reader's arena.
 */
struct reader {
	struct arena *mem;
	struct diagnostics *diagnostics;
};

enum {
	READ_TEXT_MAX = 1024,      /* bytes of one string */
	READ_LIST_MAX = 10 * 1000, /* elements of one list */
	READ_FOUND_MAX = 64,       /* bytes of a value quoted back */
};

/* Whether the key is there at all. */
static inline bool
read_given(const struct node *n)
{
	return n->value != NULL;
}

/* "expected `what`, found ..." at the node. */
void read_expected(struct reader *r, const struct node *n, const char *what);

void read_no_memory(struct reader *r, const struct node *n);

/* Zeroed memory for `len` things, or NULL after reporting at the node; and for
 * the elements of a list, which is said to be `what`, as well. */
void *read_alloc(
    struct reader *r, const struct node *n, size_t len, size_t size);
void *read_elements(
    struct reader *r, const struct node *n, const char *what, size_t size);

/* The string, or NULL after reporting: "expected `what`, found ...". */
const char *read_text(struct reader *r, const struct node *n, const char *what);

/* The index in `words` (ends with NULL), or -1 after reporting. */
int read_word(struct reader *r, const struct node *n, const char *const *words);

/* What is wrong with one element of a list; NULL: nothing. */
typedef const char *read_item_check(const char *item);

/* Reports a word that is none of `known` (ends with NULL), with the nearest of
 * them or all: "unknown kind ...". */
void read_unknown(struct reader *r, const struct node *n, const char *what,
    const char *word, const char *const *known);

/* A list of some of at most 32 `words` (ends with NULL), each said to be a
 * `what`: bit i of *out stands for words[i]. -1 after reporting. */
int read_words(struct reader *r, const struct node *n, const char *what,
    const char *const *words, uint32_t *out);

/* A list of strings, each passing `check` (NULL: any). -1 after reporting;
 * *out then has NULL for each element that is wrong. */
int read_list(struct reader *r, const struct node *n, const char *what,
    read_item_check *check, struct string_list *out);

/* A mapping of strings to strings. -1 after reporting. */
int read_pairs(struct reader *r, const struct node *n, struct pair_list *out);

/* Globs over namespaces, names of images, tags. -1 after reporting. */
int read_namespace_globs(
    struct reader *r, const struct node *n, struct string_list *out);
int read_image_globs(
    struct reader *r, const struct node *n, struct string_list *out);
int read_tag_globs(
    struct reader *r, const struct node *n, struct string_list *out);

#endif
