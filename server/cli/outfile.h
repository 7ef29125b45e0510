/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_OUTFILE_H
#define SERVER_CLI_OUTFILE_H

#include <stdio.h>

/*
 * Writes a file by way of a temporary name beside it, so that no half file is
 * ever left behind; a device or a pipe is written as it is, a link stays one,
 * and what leads to standard output is written there. `write` returns 0, or -1
 * where memory is out.
 * Returns 0, or -1 with errno set (0: memory is out).
 */
int outfile_write(const char *path, int (*write)(const void *arg, FILE *out),
    const void *arg);

#endif
