/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BUF_FIRST = 128 };

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void
buf_clear(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

/* Room for `more` bytes and the terminator. */
static int
reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap == 0 ? BUF_FIRST : b->cap;
	char *p;

	if (b->failed)
		return -1;
	if (b->max == SIZE_MAX || more > b->max - b->len)
		goto fail;
	while (cap < b->len + more + 1)
		cap = cap > (b->max + 1) / 2 ? b->max + 1 : cap * 2;
	if (b->data == NULL || cap != b->cap) {
		p = realloc(b->data, cap);
		if (p == NULL)
			goto fail;
		b->data = p;
		b->cap = cap;
	}
	return 0;
fail:
	b->failed = true;
	return -1;
}

int
buf_add(struct buf *b, const void *data, size_t len)
{
	if (reserve(b, len) != 0)
		return -1;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int
buf_puts(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return -1;
	}
	if (reserve(b, (size_t)n) != 0)
		return -1;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

void
buf_truncate(struct buf *b, size_t len)
{
	if (len < b->len) {
		b->len = len;
		b->data[len] = '\0';
	}
}

char *
buf_take(struct buf *b)
{
	char *p = NULL;

	if (!b->failed && (b->data != NULL || buf_add(b, "", 0) == 0)) {
		p = b->data;
		b->data = NULL;
	}
	buf_clear(b);
	return p;
}
