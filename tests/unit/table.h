/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_TABLE_H
#define TESTS_UNIT_TABLE_H

#include "policy/base/arena.h"

#include <stddef.h>

/*
 * What another program reads in each of many texts, as tests/tables wrote it
 * down: a row per line, tabs between cells, "#" before remarks. In a cell \xNN
 * is a byte, \N*C is N times the byte C.
 */

enum { TABLE_CELLS_MAX = 8 };

struct row {
	int line;
	size_t n;
	struct {
		const char *text; /* terminated */
		size_t len;
	} cells[TABLE_CELLS_MAX]; /* those over n are empty */
};

/* What a test counts, and the arena that lasts for one row. */
struct table {
	const char *path;
	struct arena *mem;
	size_t equal;   /* both read it as the same */
	size_t refused; /* both refuse it */
	size_t strict;  /* we alone refuse it */
	size_t lenient; /* we alone read it */
	size_t wrong;
};

/* Hands each row of a file over; then the test fails where a row was wrong,
 * and tells how many of each there were. */
void table_each(const char *path,
    void (*each)(struct table *t, const struct row *row, void *arg), void *arg);

/* Says what is wrong with a row. */
void table_wrong(struct table *t, const struct row *row, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
