/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/budget.h"

#include <stdatomic.h>
#include <stdlib.h>

struct budget {
	atomic_int refs;
	atomic_size_t max;
	atomic_size_t used;
};

struct budget *
budget_new(size_t max)
{
	struct budget *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	atomic_init(&b->refs, 1);
	atomic_init(&b->max, max);
	return b;
}

void
budget_unref(struct budget *b)
{
	if (b != NULL &&
	    atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
		free(b);
}

void
budget_set_max(struct budget *b, size_t max)
{
	atomic_store(&b->max, max);
}

int
budget_hold(
    struct budget *b, struct budget_share *s, size_t bytes, struct error *err)
{
	size_t more;

	if (b == NULL || bytes <= BUDGET_SMALL || bytes <= s->bytes)
		return 0;
	more = bytes - s->bytes;
	if (atomic_fetch_add(&b->used, more) + more > atomic_load(&b->max)) {
		atomic_fetch_sub(&b->used, more);
		return error_set(err, ERR_NOMEM,
		    "there is no room for another large image now");
	}
	if (s->of == NULL) {
		atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
		s->of = b;
	}
	s->bytes = bytes;
	return 0;
}

void
budget_pass(struct budget_share *from, struct budget_share *to)
{
	*to = *from;
	*from = (struct budget_share){0};
}

void
budget_release(struct budget_share *s)
{
	if (s->of == NULL)
		return;
	atomic_fetch_sub(&s->of->used, s->bytes);
	budget_unref(s->of);
	*s = (struct budget_share){0};
}
