/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_ARENA_H
#define POLICY_BASE_ARENA_H

#include "policy/base/own.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Memory of one lifetime: many small pieces, released together. What belongs
 * to one image, one ruleset or one report lives in that object's arena.
 * Not for sharing between threads while it grows.
 */
struct arena;

/* Returns an empty arena, or NULL when memory is out. Nothing is allocated
 * for pieces until the first is asked for. */
struct arena *arena_new(void);

/* The same for what is going to take about `expected` bytes (0: not known), so
 * that little more than one chunk is asked of malloc. */
struct arena *arena_new_for(size_t expected);
void arena_free(struct arena *a); /* NULL is fine */
OWNED(struct arena, arena_free)

/* Zeroed memory for `n` things of `size` bytes, aligned for anything, or NULL
 * when memory is out or n * size overflows. n = 0 gives a valid pointer. */
void *arena_calloc(struct arena *a, size_t n, size_t size);

/* A copy of the first `len` bytes of `s`, terminated; NULL when memory is
 * out. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_strdup(struct arena *a, const char *s);
/* The same of what may be NULL, and stays so then; sets *failed, and leaves it
 * as it is otherwise. */
char *arena_copy(struct arena *a, const char *s, bool *failed);
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Room for one more behind the `n` things of `size` bytes in `items`, which has
 * room for *cap: `items` itself, or a larger copy. NULL when memory is out. */
void *arena_grow(
    struct arena *a, void *items, size_t n, size_t *cap, size_t size);

/* Bytes held from malloc, for accounting. */
size_t arena_size(const struct arena *a);

#endif
