/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_ADMISSION_PICK_H
#define SERVER_ADMISSION_PICK_H

#include "policy/base/buf.h"

#include <stddef.h>

/*
 * Most of a review is of no interest here: managedFields, status, environment,
 * probes, mounts. Building a tree of it is most of what a decision costs, so
 * the members that somebody reads are picked from the text first and only they
 * become a tree.
 *
 * What is left out is looked at only as far as finding its end needs it.
 * Members keep their order and every repetition, so that who parses the outcome
 * sees the duplicates that matter.
 */

/* A member to keep. */
struct pick {
	const char *key;
	/* What to keep of the value's members, or of those of its elements;
	 * NULL: all of it. Ends with key NULL. */
	const struct pick *of;
};

/*
 * Adds the picked text to `out`. Returns 0, or -1 when the text is not what a
 * JSON object looks like or does not fit: parse all of it then, to learn what
 * is wrong.
 */
int pick(
    struct buf *out, const char *text, size_t len, const struct pick *members);

/* What review.c, kinds.c, podspec.c and placement.c read of a review. */
extern const struct pick pick_review[];

#endif
