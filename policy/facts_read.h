/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_FACTS_READ_H
#define POLICY_FACTS_READ_H

#include "policy/read.h"

/*
 * Facts that somebody wrote down, for trying policies without a registry: the
 * `platforms` of what `inspect -o json` prints, or as much of it as matters. A
 * layer needs a size alone; one without a digest gets one of its place, size
 * and instruction, so that the same layers are the same layers.
 *
 * What is wrong is reported. Returns a new reference, or NULL.
 */
struct image_set *facts_read(struct reader *r, const struct node *platforms);

#endif
