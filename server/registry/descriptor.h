/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_DESCRIPTOR_H
#define SERVER_REGISTRY_DESCRIPTOR_H

#include "policy/base/arena.h"
#include "policy/facts.h"
#include "server/registry/manifest.h"

#include <jansson.h>

/*
 * The parts that manifests and configs are made of (OCI image specification
 * v1.1: descriptor.md, annotations.md). All functions return 0, or -1 with
 * *err: ERR_SYNTAX, ERR_UNSUPPORTED (an algorithm that we cannot verify),
 * ERR_LIMIT, ERR_NOMEM.
 */

/* Of one mapping or list of an image: labels, environment, annotations... What
 * each costs beyond its text is then next to nothing. */
enum { ITEMS_MAX = 1000 };

/* `what` names it in messages. */
int descriptor_read(struct descriptor *d, const json_t *value, const char *what,
    struct arena *mem, struct error *err);

/* The type itself where it is a common one, which then takes no memory; else
 * a copy. NULL when memory is out. */
const char *media_type_intern(const char *type, struct arena *mem);

/* os, architecture, variant and os.version of an object. Whether there is a
 * variant is told as written: *given. `lacking` is the message where os or
 * architecture are missing. */
int platform_read(struct platform *p, bool *given, const json_t *o,
    const char *lacking, struct arena *mem, struct error *err);

/* Whether a digest is one that can be verified. */
int digest_check(const char *digest, const char *what, struct error *err);

/* A mapping of strings (NULL is an empty one); `what` names it. */
int strict_pairs(const json_t *obj, const char *what, struct pair_list *out,
    struct arena *mem, struct error *err);

/* A list of strings (NULL is an empty one). */
int strict_list(const json_t *list, const char *what, struct string_list *out,
    struct arena *mem, struct error *err);

/* The keys of a mapping (NULL is an empty one). */
int strict_set(const json_t *obj, const char *what, struct string_list *out,
    struct arena *mem, struct error *err);

#endif
