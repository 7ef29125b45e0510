/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_OUTPUT_H
#define SERVER_CLI_OUTPUT_H

#include "policy/report.h"

#include <stdbool.h>
#include <stdio.h>

/* How `check` writes what it found. */

/* All that was judged in one run. */
struct results {
	const char *policy_path; /* "preset:baseline" */
	const struct ruleset *policy;
	enum verdict verdict;                /* the worst of all */
	const struct report *const *reports; /* in the order of the input */
	size_t n;
};

/* One writer per format; each returns 0, or -1 when memory is out. Write
 * errors stay in the stream (ferror()). */
struct output_format {
	const char *name;
	int (*write)(const struct results *r, FILE *out);
};

/* Ends with name NULL. */
extern const struct output_format output_formats[];

int output_json(const struct results *r, FILE *out);
int output_table(const struct results *r, FILE *out);

/* Whether colour is wanted on this stream: a terminal, and no NO_COLOR
 * (https://no-color.org). */
bool output_colour(FILE *out);

#endif
