/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_ADMISSION_PLACEMENT_H
#define SERVER_ADMISSION_PLACEMENT_H

#include "server/admission/field.h"

/*
 * On which platforms a pod can be placed: spec.os.name, nodeSelector and
 * required node affinity over the well-known labels kubernetes.io/os and
 * kubernetes.io/arch and their beta forms
 * (https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/).
 *
 * Fills w->platforms. Where the constraints cannot be said as
 * such a set (NotIn over what is not listed, more than the bounds), the set is
 * larger, never smaller, than the truth. Constraints that no node meets leave
 * the workload unconstrained: such a pod runs nowhere.
 * Returns 0, or -1 with *err: ERR_INVALID, ERR_NOMEM.
 */
enum {
	PLACEMENT_VALUES_MAX = 16,    /* of one label in one term */
	PLACEMENT_PLATFORMS_MAX = 64, /* in all */
};
int placement_read(
    struct workload *w, const struct field *spec, struct error *err);

#endif
