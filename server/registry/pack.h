/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_PACK_H
#define SERVER_REGISTRY_PACK_H

#include "policy/facts.h"
#include "server/registry/texts.h"

/*
 * The same facts in as little memory as may be, for the long time that they
 * are kept: arrays of the very length, and every text shared.
 */

/* A new reference, or NULL when memory is out. */
struct image *image_pack(const struct image *img, struct texts *texts);

/* The same for a set, of `images` (as many as it has) in the place of its own:
 * a reference is taken to each. */
struct image_set *image_set_pack(
    const struct image_set *set, struct image *const *images);

#endif
