/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASES_H
#define POLICY_BASES_H

#include "policy/checks/check.h"

/*
 * Which base image an image was built on, told by its layers (diff_ids,
 * OCI image specification v1.1, config.md).
 */

/* How many layers of the image are the plan's base's, all of them and from the
 * first on, on the same platform; 0: it is not built on it, or the base could
 * not be had. An image that is a base itself counts as built on it. */
size_t bases_beneath(
    const struct plan *p, size_t base, const struct image *image);

/* The same of what the base's name meant before. */
size_t bases_beneath_older(
    const struct plan *p, size_t base, const struct image *image);

/* Whether the image claims to be built on that base; nothing is proved. */
bool bases_claimed(
    const struct plan *p, size_t base, const struct report_platform *rp);

/*
 * Fills the base_ fields of *rp: the nearest base of the plan (the one with
 * the most layers, the first listed where they are equal), else what
 * annotations or labels of the image claim. Layers are the only proof: a claim
 * has no base_layers.
 */
void bases_find(const struct plan *p, struct report_platform *rp);

/*
 * The same without a policy: fills the base_ fields by what the image claims,
 * then, for each candidate, by its layers if it lies beneath and is nearer than
 * what was found before. All is borrowed.
 */
void bases_claim(struct report_platform *rp);
void bases_prove(
    struct report_platform *rp, const char *name, const struct image_set *set);

/*
 * A base that was asked for and could not be had, although it may lie beneath
 * this platform, beneath which none is proved; NULL: there is none.
 */
const struct plan_base *bases_missing(
    const struct plan *p, const struct report_platform *rp);

/* Whether a base that could not be had may be the one. */
bool base_may_be(const struct plan_base *b);

/* Says that a demand could not be judged for the lack of a base. 0 or -1. */
int bases_fault(
    const struct plan *p, const struct plan_base *b, struct findings *out);

#endif
