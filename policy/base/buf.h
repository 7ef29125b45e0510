/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_BUF_H
#define POLICY_BASE_BUF_H

#include "policy/base/own.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Growing, bounded text. A failure (over the bound, or out of memory) sticks:
 * what is added afterwards is dropped, and the caller looks once at the end
 * with buf_failed(). The text is always terminated.
 */
struct buf {
	char *data; /* owned; NULL while empty */
	size_t len;
	size_t cap;
	size_t max; /* bound on len */
	bool failed;
};

/* `max` bounds the length in bytes, the terminator not counted. As an
 * initialiser, so that no early return meets a buffer that is not one yet:
 * AUTO(buf_clear) struct buf b = BUF_INIT(n); */
#define BUF_INIT(limit)        \
	{                      \
		.max = (limit) \
	}

void buf_init(struct buf *b, size_t max); /* the same at run time */
void buf_clear(struct buf *b); /* releases; usable again with the same max */
OWNED_IN_PLACE(struct buf, buf_clear)

int buf_add(struct buf *b, const void *data, size_t len); /* 0, or -1 */
int buf_puts(struct buf *b, const char *s);
int buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Cuts back to `len` bytes; failure stays. */
void buf_truncate(struct buf *b, size_t len);

static inline bool
buf_failed(const struct buf *b)
{
	return b->failed;
}

/* The text, borrowed; "" while empty. */
static inline const char *
buf_text(const struct buf *b)
{
	return b->data == NULL ? "" : b->data;
}

/* Hands the text out (free() it) and leaves *b empty. NULL when the buffer
 * has failed. */
char *buf_take(struct buf *b);

#endif
