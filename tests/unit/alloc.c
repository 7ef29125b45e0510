/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/alloc.h"

#include "policy/base/arena.h"
#include "policy/base/tree.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__real_arena_calloc(struct arena *a, size_t n, size_t size);
char *__real_arena_strdup(struct arena *a, const char *s);
char *__real_arena_strndup(struct arena *a, const char *s, size_t len);
char *__real_arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void *__wrap_arena_calloc(struct arena *a, size_t n, size_t size);
char *__wrap_arena_strdup(struct arena *a, const char *s);
char *__wrap_arena_strndup(struct arena *a, const char *s, size_t len);
char *__wrap_arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

static atomic_bool armed;
static atomic_bool sticky;
static atomic_bool pieces; /* of an arena count as well */
static atomic_bool failed;
static atomic_size_t count;
static atomic_size_t target;

static bool
runs_out(void)
{
	size_t n;

	if (!armed)
		return false;
	n = atomic_fetch_add(&count, 1);
	if (n != target && !(sticky && n > target))
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return runs_out() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return runs_out() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return runs_out() ? NULL : __real_realloc(p, size);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return runs_out() ? NULL : __real_reallocarray(p, n, size);
}

char *
__wrap_strdup(const char *s)
{
	return runs_out() ? NULL : __real_strdup(s);
}

char *
__wrap_strndup(const char *s, size_t n)
{
	return runs_out() ? NULL : __real_strndup(s, n);
}

int
__wrap_asprintf(char **out, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (runs_out())
		return -1;
	va_start(ap, fmt);
	n = vasprintf(out, fmt, ap);
	va_end(ap);
	return n;
}

void *
__wrap_arena_calloc(struct arena *a, size_t n, size_t size)
{
	return pieces && runs_out() ? NULL : __real_arena_calloc(a, n, size);
}

char *
__wrap_arena_strdup(struct arena *a, const char *s)
{
	return pieces && runs_out() ? NULL : __real_arena_strdup(a, s);
}

char *
__wrap_arena_strndup(struct arena *a, const char *s, size_t len)
{
	return pieces && runs_out() ? NULL : __real_arena_strndup(a, s, len);
}

char *
__wrap_arena_printf(struct arena *a, const char *fmt, ...)
{
	char *text = NULL, *p = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (!(pieces && runs_out()) && vasprintf(&text, fmt, ap) >= 0)
		p = __real_arena_printf(a, "%s", text);
	va_end(ap);
	free(text);
	return p;
}

static void
arm(size_t n, bool all_after)
{
	json_set_alloc_funcs(tree_malloc, free);
	armed = false;
	sticky = all_after;
	failed = false;
	count = 0;
	target = n;
	armed = true;
}

void
alloc_fail_at(size_t n)
{
	arm(n, false);
}

void
alloc_fail_from(size_t n)
{
	arm(n, true);
}

bool
alloc_restore(void)
{
	armed = false;
	return failed;
}

size_t
alloc_count(void)
{
	return count;
}

size_t
alloc_fail_each(void (*run)(void *arg), void *arg)
{
	size_t n = 0, last = 0;

	pieces = true;
	for (int all_after = 0; all_after < 2; all_after++) {
		n = 0;
		do {
			arm(n++, all_after != 0);
			run(arg);
		} while (alloc_restore());
		if (all_after == 0)
			last = n - 1;
	}
	pieces = false;
	return last;
}
