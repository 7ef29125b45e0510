/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_ADMISSION_KINDS_H
#define SERVER_ADMISSION_KINDS_H

#include "policy/base/error.h"
#include "policy/workload.h"

#include <jansson.h>
#include <stddef.h>

/*
 * The kinds of objects that hold a pod spec, and where it stands in each.
 */
struct kind;

/* `len` bytes of an API group ("" for the core group) and a kind. NULL where
 * such objects hold no pod spec that is known. */
const struct kind *kind_find(const char *group, size_t len, const char *name);

/*
 * For what kind_find() has not found: 0, or -1 with *err ERR_INVALID where one
 * of its kinds, or a List, is all but surely meant. The message tells which.
 * Only groups of Kubernetes' own, which have no dot: others may have such
 * kinds, too.
 */
int kind_check_spelling(
    const char *group, size_t len, const char *name, struct error *err);

/* Whether the kind is Pod, or the part of one that old API servers send for
 * pods/ephemeralcontainers; both are read as a Pod. */
bool kind_is_pod(const struct kind *k);

/*
 * Reads an object of a kind. The workload keeps a reference on `object` and
 * borrows from it; namespace and name are the metadata's.
 * Returns NULL with *err: ERR_INVALID (a part has the wrong type; the message
 * begins with its path), ERR_LIMIT (more images than PODSPEC_IMAGES_MAX),
 * ERR_NOMEM.
 */
struct workload *kind_read(
    const struct kind *k, json_t *object, struct error *err);

/* Whether both objects of a kind have the same pod spec, to the letter. */
bool kind_same_spec(const struct kind *k, json_t *a, json_t *b);

#endif
