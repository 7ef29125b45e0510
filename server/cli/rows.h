/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_ROWS_H
#define SERVER_CLI_ROWS_H

#include "server/cli/output.h"

/* What was judged, for reports that people read: images in an order of their
 * own, and what is the same in several places told once. */

struct row {
	struct complaint of;                   /* an image, without a finding */
	const struct report_platform *largest; /* NULL: none is known */
	size_t at;                             /* in the input */
	struct row *next; /* the same with the same findings elsewhere */
	bool is_below;    /* one has it as its next */
};

/* Bytes of its largest platform, -1 where none is known. */
int64_t row_cost(const struct row *r);

/* Orders for qsort(): what costs most first; what was refused first, and of
 * that what costs most. */
int row_by_cost(const void *a, const void *b);
int row_by_verdict(const void *a, const void *b);

/* All of them in that order, for free(); NULL when memory is out. */
struct row *rows_make(const struct results *r,
    int (*order)(const void *a, const void *b), size_t *n);

#endif
