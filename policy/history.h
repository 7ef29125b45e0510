/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_HISTORY_H
#define POLICY_HISTORY_H

#include "policy/facts.h"

#include <stddef.h>

/*
 * What an image's history tells of how it was built. Each detector knows one
 * habit; what it finds is a sign.
 */
enum detector {
	DETECT_BUILD_TOOLS,
	DETECT_PACKAGE_CACHE,
	DETECT_BROAD_COPY,
	DETECT_PIPE_TO_SHELL,
	DETECT_EMBEDDED_SECRET,
	DETECT_RECURSIVE_CHOWN,
	DETECT_CACHE_ORDER,
	DETECT_DEV_DEPENDENCIES,
	DETECTORS,
};

/* "build-tools", ...; ends with NULL. */
extern const char *const detector_names[DETECTORS + 1];

/* A cause that is some earlier entry, or the base. */
#define HISTORY_EARLIER SIZE_MAX

enum {
	HISTORY_SIGNS_MAX = 256,
	/* Of all instructions. A longer history is not reliable: what is
	 * behind is not looked at. */
	HISTORY_TEXT_MAX = 256 * 1024,
	/* Settings gone through for what variables are set to. A history that
	 * takes more is not reliable: further variables count as unset. */
	HISTORY_LOOKS_MAX = 4 * 1024 * 1024,
};

struct sign {
	enum detector detector;
	size_t entry; /* in history */
	/* The entry that brought it about: the same, or an earlier one. */
	size_t cause;
	/* "gcc, make": never a secret's value. In the image's arena. */
	const char *what;
};

/*
 * Looks through the history of an image that is about to be published, once,
 * and keeps the signs in it. Linear in the history's length, but for what
 * HISTORY_LOOKS_MAX bounds. Returns 0, or -1 when memory is out.
 */
int history_scan(struct image *img);

/*
 * The layer that an entry's work is in: its own, or for an entry without one
 * (builders that squash what belongs together) the next. -1: none, or the
 * history is not reliable.
 */
int history_layer(const struct image *img, size_t entry);

/*
 * The first entry that is not the base's: `base` is what lies beneath the
 * image with all its `layers` layers (bases.h); NULL: nothing known, so 0.
 */
size_t history_above(
    const struct image *img, const struct image *base, size_t layers);

#endif
