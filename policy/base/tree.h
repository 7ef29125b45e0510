/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_TREE_H
#define POLICY_BASE_TREE_H

#include <jansson.h>
#include <stddef.h>

/*
 * json_loadb() for everything that comes from outside, but never with a wrong
 * tree. jansson up to 2.14 at least drops, without a word, a character where a
 * string cannot grow (https://github.com/akheron/jansson/issues/362) and a NUL
 * byte behind a number or a word, which RFC 8259, section 2, allows nowhere.
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

/* The same for json_dump_callback(): what comes to a writer of its own, piece
 * by piece. -1 also where memory ran out, or the writer returned it. */
int tree_write(
    const json_t *root, json_dump_callback_t writer, void *arg, size_t flags);

/* What jansson is given for malloc() before main() runs. Whoever gives it
 * another allocator must come through here for the above to hold. */
void *tree_malloc(size_t size);

#endif
