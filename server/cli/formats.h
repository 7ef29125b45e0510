/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_FORMATS_H
#define SERVER_CLI_FORMATS_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/*
 * -o FORMAT[=FILE], given several times: which formats a command knows, which
 * were asked for, and writing them.
 */

/* `write` gets what the command found; it returns 0, or -1 when memory is
 * out. Write errors stay in the stream (ferror()). */
struct format {
	const char *name;
	int (*write)(const void *what, FILE *out);
};

enum { FORMATS_MAX = 16 };

struct formats {
	const char *command;
	const struct format *known; /* ends with name NULL */
	struct {
		const struct format *format;
		const char *file; /* NULL: stdout */
	} wanted[FORMATS_MAX];
	size_t n;
};

/* Adds the value of one -o. Returns STATUS_OK, or STATUS_USAGE after saying
 * what is wrong with it. */
int formats_add(struct formats *f, const char *arg);

/*
 * Writes all that was asked for, the first that is known where nothing was;
 * files by way of outfile.h. Says on stderr what cannot be written. Returns
 * STATUS_OK or STATUS_USAGE.
 */
int formats_write(struct formats *f, const void *what);

/* For `write`: writes a tree, which it takes over (NULL: memory is out).
 * Returns as `write` does. */
int formats_json(json_t *root, FILE *out);
int formats_json_line(json_t *root, FILE *out); /* likewise, in one line */

#endif
