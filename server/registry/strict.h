/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_STRICT_H
#define SERVER_REGISTRY_STRICT_H

#include "policy/base/error.h"
#include "policy/base/own.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * JSON that a container runtime, written in Go, will read too. Go's decoder
 * matches keys without regard to case and lets the last one win, so a document
 * could say one thing to us and another to the node. Whatever can be read two
 * ways is refused.
 */

enum {
	STRICT_DEPTH_MAX = 32,
	/* Values in one document. A tree costs up to a hundred times its
	 * text, so this is looked at before the tree is built: at up to 320
	 * bytes each, 10 MiB. An index of 1,000 entries with 20 annotations
	 * each has 31,000. */
	STRICT_VALUES_MAX = 32 * 1024,
};

/*
 * Reads one object: no duplicate keys, nothing after it, no NUL in strings,
 * valid UTF-8. A new reference, or NULL with *err: ERR_SYNTAX, ERR_LIMIT
 * (depth, values), ERR_NOMEM.
 */
json_t *strict_parse(const char *data, size_t len, struct error *err);
json_t *strict_parse_list(
    const char *data, size_t len, struct error *err); /* the same of a list */

/*
 * Refuses an object with a key that is not one of `known` (ends with NULL) but
 * is taken for it when case is folded as Go does it: ASCII letters, U+017F as
 * s, U+212A as k. `what` names the object in the message.
 * Returns 0, or -1 with ERR_SYNTAX.
 */
int strict_keys(const json_t *obj, const char *const *known, const char *what,
    struct error *err);

/*
 * Members by type; absent and null are the same, as in Go: *out is then NULL
 * (0, false). Borrowed. Return 0, or -1 with ERR_SYNTAX for another type.
 */
int strict_string(
    const json_t *obj, const char *key, const char **out, struct error *err);
int strict_object(
    const json_t *obj, const char *key, json_t **out, struct error *err);
int strict_array(
    const json_t *obj, const char *key, json_t **out, struct error *err);
int strict_bool(
    const json_t *obj, const char *key, bool *out, struct error *err);
/* Not negative; -1 where absent. */
int strict_size(
    const json_t *obj, const char *key, int64_t *out, struct error *err);

#endif
