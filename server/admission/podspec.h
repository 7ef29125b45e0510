/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_ADMISSION_PODSPEC_H
#define SERVER_ADMISSION_PODSPEC_H

#include "server/admission/field.h"

enum { PODSPEC_IMAGES_MAX = 512 }; /* places for an image in one pod */

/*
 * Reads a pod spec (Kubernetes core/v1 PodSpec) into a workload: containers
 * of every list, image volumes, their effective users, and what restricts the
 * node. `path` is the spec's, static ("spec.template.spec"). A place without
 * an image is left out: templates may have none, and a pod's own is the API
 * server's to refuse.
 * Returns 0, or -1 with *err: ERR_INVALID, ERR_LIMIT, ERR_NOMEM.
 */
int podspec_read(struct workload *w, const struct field *spec, const char *path,
    struct error *err);

#endif
