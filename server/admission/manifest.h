/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_ADMISSION_MANIFEST_H
#define SERVER_ADMISSION_MANIFEST_H

#include "policy/base/error.h"
#include "policy/workload.h"

#include <jansson.h>

/*
 * Kubernetes objects from files: the kinds of a review, `List`s of them, and
 * recorded AdmissionReviews.
 */

enum { MANIFEST_LISTS_MAX = 8 }; /* of Lists in Lists */

/* Called for each workload found; it is handed over (workload_free()).
 * Returns 0 to go on. */
typedef int manifest_found(void *arg, struct workload *w);
/* Called for each object that is not a workload, or is one without a
 * container: "Service/web", sanitised. */
typedef void manifest_skipped(void *arg, const char *what);

struct manifest_visitor {
	manifest_found *found;
	manifest_skipped *skipped;
	void *arg;
};

/*
 * Walks one document. `object` is borrowed; workloads keep references on its
 * parts. `source` ("web.yaml:12") is copied into each workload; `namespace` is
 * the one for objects that name none ("" is fine).
 * Returns 0, or -1 with *err: ERR_INVALID (not a Kubernetes object, parts of
 * the wrong type with their path), ERR_LIMIT, ERR_NOMEM; *err is not set where
 * found() stopped the walk.
 */
int manifest_walk(json_t *object, const char *source, const char *namespace,
    const struct manifest_visitor *v, struct error *err);

#endif
