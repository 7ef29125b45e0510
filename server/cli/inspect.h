/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_INSPECT_H
#define SERVER_CLI_INSPECT_H

#include "policy/facts.h"
#include "policy/reference.h"

#include <jansson.h>
#include <stdio.h>

/* How `inspect` shows facts. */

/*
 * The document of `inspect -o json`, `error` null; with `set` NULL its
 * platforms are empty. Values of variables whose names look like secrets
 * are "***". A new reference, or NULL when memory is out.
 */
json_t *inspect_json(
    const char *text, const struct reference *ref, const struct image_set *set);

/* For people: sizes first, layers as bars with what made them. */
void inspect_table(
    const struct reference *ref, const struct image_set *set, FILE *out);

#endif
