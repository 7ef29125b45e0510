/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/rows.h"

#include <string.h>

int64_t
row_cost(const struct row *r)
{
	return r->largest != NULL ? r->largest->image->size : -1;
}

int
row_by_cost(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (row_cost(x) != row_cost(y))
		return row_cost(x) > row_cost(y) ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

int
row_by_verdict(const void *a, const void *b)
{
	const enum verdict x = ((const struct row *)a)->of.image->verdict;
	const enum verdict y = ((const struct row *)b)->of.image->verdict;

	if (x != y)
		return output_worse(x, y) == x ? -1 : 1;
	return row_by_cost(a, b);
}

/* Chains rows that would look the same: they cost the same, and so they stand
 * near each other in any order. */
static void
chain(struct row *rows, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		struct row *last = &rows[i];

		for (j = i + 1; !rows[i].is_below && j < n &&
				row_cost(&rows[j]) == row_cost(last);
		     j++) {
			if (rows[j].is_below ||
			    strcmp(rows[j].of.image->container->image,
				last->of.image->container->image) != 0 ||
			    !output_same(rows[j].of.image, last->of.image))
				continue;
			rows[j].is_below = true;
			last->next = &rows[j];
			last = &rows[j];
		}
	}
}

struct row *
rows_make(const struct results *r, int (*order)(const void *a, const void *b),
    size_t *n)
{
	struct row *rows;
	size_t i, j, total = 0;

	for (i = 0; i < r->n; i++)
		total += r->reports[i]->nimages;
	rows = calloc(total + 1, sizeof(*rows));
	if (rows == NULL)
		return NULL;
	*n = 0;
	for (i = 0; i < r->n; i++)
		for (j = 0; j < r->reports[i]->nimages; j++) {
			const struct report_image *img =
			    &r->reports[i]->images[j];

			rows[*n] = (struct row){
			    .of = {.results = r,
				.report = r->reports[i],
				.image = img},
			    .largest = output_largest(img),
			    .at = *n,
			};
			++*n;
		}
	qsort(rows, *n, sizeof(*rows), order);
	chain(rows, *n);
	return rows;
}
