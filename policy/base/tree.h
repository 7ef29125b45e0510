/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_TREE_H
#define POLICY_BASE_TREE_H

#include <jansson.h>
#include <stddef.h>

/*
 * json_loadb(), but never with a wrong tree when memory runs out: jansson up
 * to 2.14 at least drops a character without a word where a string cannot
 * grow (https://github.com/akheron/jansson/issues/362). For everything that
 * comes from outside.
 *
 * Returns a new reference, or NULL with *e (NULL is fine) set;
 * json_error_code() is json_error_out_of_memory wherever an allocation
 * failed.
 */
json_t *tree_parse(const char *text, size_t len, size_t flags, json_error_t *e);

/*
 * json_dumps(), but never with a part missing when memory runs out: jansson
 * does not look whether a key could be written. NULL then; free() the text.
 */
char *tree_dump(const json_t *root, size_t flags);

/* What jansson is given for malloc() before main() runs. Whoever gives it
 * another allocator must come through here for the above to hold. */
void *tree_malloc(size_t size);

#endif
