/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_OWN_H
#define POLICY_BASE_OWN_H

#include <jansson.h>
#include <stdlib.h>

/*
 * Ownership bound to scope.
 *
 *	AUTO(free) char *p = malloc(n);     released when p leaves its scope
 *	return TAKE(p);                     handed out: p is NULL afterwards
 *
 * The function named in AUTO takes the pointer and must accept NULL. It needs
 * a one-line OWNED() beside its declaration; those of libc and jansson
 * stand below. Where the thing itself is the variable, the function takes its
 * address, and the line is OWNED_IN_PLACE().
 */
#define AUTO(fn) __attribute__((cleanup(own_##fn)))

#define OWNED(type, fn)                                         \
	static inline void own_##fn(__typeof__(type) *const *p) \
	{                                                       \
		fn(*p);                                         \
	}

#define OWNED_IN_PLACE(type, fn)                         \
	static inline void own_##fn(__typeof__(type) *p) \
	{                                                \
		fn(p);                                   \
	}

#define TAKE(p)                             \
	__extension__({                     \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

static inline void
own_free(void *p)
{
	free(*(void **)p);
}

OWNED(json_t, json_decref)

#endif
