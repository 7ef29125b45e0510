/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_PRESETS_H
#define POLICY_PRESETS_H

#include <stddef.h>

/* The policies that come with the program, as the text of their files. */

/* "audit-first", "baseline", ...; ends with NULL. */
extern const char *const preset_names[];

/* The file of that name, in static storage and not terminated, or NULL where
 * there is none. */
const char *preset_find(const char *name, size_t *len);

#endif
