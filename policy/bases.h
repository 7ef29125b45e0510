/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASES_H
#define POLICY_BASES_H

#include "policy/evaluate.h"

/*
 * Which base image an image was built on, told by its layers (diff_ids,
 * OCI image specification v1.1, config.md).
 */

/* How many layers of the image are the plan's base's, all of them and from the
 * first on, on the same platform; 0: it is not built on it, or the base could
 * not be had. An image that is a base itself counts as built on it. */
size_t bases_beneath(
    const struct plan *p, size_t base, const struct image *image);

/*
 * Fills the base_ fields of *rp: the nearest base of the plan (the one with
 * the most layers, the first listed where they are equal), else what
 * annotations or labels of the image claim. Layers are the only proof: a claim
 * has no base_layers.
 */
void bases_find(const struct plan *p, struct report_platform *rp);

#endif
