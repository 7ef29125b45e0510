/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_PIN_H
#define SERVER_GATE_PIN_H

#include "policy/evaluate.h"

#include <jansson.h>

/*
 * Pinning: the digest that was judged, appended to each reference that has
 * none, so that what runs is what was judged.
 *
 * Adds to the array `patch` (JSON Patch, RFC 6902), per image, a "test" of the
 * reference as it stands and a "replace". Images that were not resolved are
 * left as they are, and told in the array `warnings` where they were to be.
 * Returns 0, or -1 when memory is out.
 */
int pin_report(const struct report *r, json_t *patch, json_t *warnings);

#endif
