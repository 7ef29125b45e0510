/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/skipped.h"

#include "policy/base/buf.h"
#include "server/cli/term.h"

#include <string.h>

enum { LIST_MAX = 16 * 1024 };

void
skipped_clear(struct skipped *s)
{
	arena_free(s->mem);
	*s = (struct skipped){.mem = NULL};
}

static struct skipped_kind *
find(struct skipped *s, const char *what, size_t len)
{
	size_t i;

	for (i = 0; i < s->nkinds; i++)
		if (s->kinds[i].len == len &&
		    memcmp(s->kinds[i].first, what, len) == 0)
			return &s->kinds[i];
	return NULL;
}

void
skipped_add(struct skipped *s, const char *what, size_t len)
{
	struct skipped_kind *kind = find(s, what, len);
	const char *first;

	s->n++;
	if (kind != NULL) {
		kind->n++;
		return;
	}
	if (s->mem == NULL)
		s->mem = arena_new();
	if (s->mem == NULL || s->nkinds == SKIPPED_KINDS_MAX)
		return;
	first = arena_strdup(s->mem, what);
	if (first != NULL)
		s->kinds[s->nkinds++] = (struct skipped_kind){first, len, 1};
}

void
skipped_tell(const struct skipped *s, FILE *out)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(LIST_MAX);
	size_t i, left = s->n;
	struct term t;

	if (s->n == 0)
		return;
	buf_printf(&b, "%zu object%s without a pod's image skipped: ", s->n,
	    s->n == 1 ? "" : "s");
	for (i = 0; i < s->nkinds; i++) {
		const struct skipped_kind *k = &s->kinds[i];

		buf_puts(&b, i > 0 ? ", " : "");
		if (k->n == 1)
			buf_puts(&b, k->first);
		else
			buf_printf(&b, "%zu %.*s", k->n, (int)k->len, k->first);
		left -= k->n;
	}
	if (left > 0)
		buf_printf(&b, ", and %zu of other kinds", left);
	term_init(&t, out);
	term_wrap(&t, buf_text(&b), 0, 2);
}
