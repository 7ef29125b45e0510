/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_INSPECT_H
#define SERVER_CLI_INSPECT_H

#include "server/cli/lookup.h"

#include <jansson.h>
#include <stdio.h>

/* How `inspect` shows facts. */

/*
 * The document of `inspect -o json`. Where the image could not be had its
 * platforms are empty and `error` says why. Values of variables whose names
 * look like secrets are "***". A new reference, or NULL when memory is out.
 */
json_t *inspect_json(const struct lookup *l);

/* For people: where the bytes are first, layers as bars with what made them.
 * `now` is in seconds since the epoch. */
void inspect_table(const struct lookup *l, int64_t now, FILE *out);

#endif
