/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	CHUNK_MIN = 480,
	CHUNK_MAX = CHUNK_MIN << 5,
	SHORT_MAX = 256, /* texts that are printed once */
	FEW = 8,         /* things, in an array that has just begun to grow */
};

struct chunk {
	struct chunk *next;
	size_t used;
	size_t size;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct chunk *head; /* being filled */
	size_t next;        /* the next one's size */
	size_t held;
};

struct arena *
arena_new(void)
{
	return arena_new_for(0);
}

struct arena *
arena_new_for(size_t expected)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	if (expected == 0)
		expected = CHUNK_MIN;
	a->next = expected < CHUNK_MAX ? expected : CHUNK_MAX;
	return a;
}

void
arena_free(struct arena *a)
{
	struct chunk *c, *next;

	if (a == NULL)
		return;
	for (c = a->head; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

static struct chunk *
chunk_new(struct arena *a, size_t size)
{
	struct chunk *c;

	if (size > SIZE_MAX - sizeof(*c))
		return NULL;
	c = calloc(1, sizeof(*c) + size);
	if (c == NULL)
		return NULL;
	c->size = size;
	a->held += sizeof(*c) + size;
	return c;
}

/* Chunks double up to CHUNK_MAX, so that a small object stays small. */
static struct chunk *
grow(struct arena *a)
{
	struct chunk *c = chunk_new(a, a->next);

	if (c == NULL)
		return NULL;
	a->next = a->next < CHUNK_MIN ? CHUNK_MIN : a->next;
	if (a->next < CHUNK_MAX)
		a->next *= 2;
	c->next = a->head;
	a->head = c;
	return c;
}

/* A chunk of its own, behind the one that is being filled, which goes on. */
static struct chunk *
set_apart(struct arena *a, size_t len)
{
	struct chunk *c = chunk_new(a, len);

	if (c == NULL)
		return NULL;
	if (a->head == NULL) {
		a->head = c;
	} else {
		c->next = a->head->next;
		a->head->next = c;
	}
	return c;
}

static void *
take(struct arena *a, size_t len, size_t align)
{
	struct chunk *c = a->head;
	size_t at = 0;

	if (c != NULL)
		at = (c->used + align - 1) & ~(align - 1);
	if (c == NULL || at > c->size || c->size - at < len) {
		c = len <= (a->head == NULL ? a->next : a->next / 2)
			? grow(a)
			: set_apart(a, len);
		if (c == NULL)
			return NULL;
		at = 0;
	}
	c->used = at + len;
	return c->bytes + at;
}

void *
arena_calloc(struct arena *a, size_t n, size_t size)
{
	size_t len;

	if (__builtin_mul_overflow(n, size, &len))
		return NULL;
	return take(a, len == 0 ? 1 : len, alignof(max_align_t));
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p;

	if (len == SIZE_MAX)
		return NULL;
	p = take(a, len + 1, 1);
	if (p != NULL)
		memcpy(p, s, len); /* the chunk was zeroed: terminated */
	return p;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *
arena_copy(struct arena *a, const char *s, bool *failed)
{
	char *copy = s == NULL ? NULL : arena_strdup(a, s);

	*failed |= s != NULL && copy == NULL;
	return copy;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char text[SHORT_MAX], *p = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n >= 0)
		p = take(a, (size_t)n + 1, 1);
	if (p != NULL && (size_t)n < sizeof(text))
		memcpy(p, text, (size_t)n);
	else if (p != NULL)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return p;
}

void *
arena_grow(struct arena *a, void *items, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap == 0 ? FEW : 2 * *cap;
	void *p;

	if (n < *cap)
		return items;
	p = arena_calloc(a, more, size);
	if (p == NULL)
		return NULL;
	if (n > 0)
		memcpy(p, items, n * size);
	*cap = more;
	return p;
}

size_t
arena_size(const struct arena *a)
{
	return sizeof(*a) + a->held;
}
