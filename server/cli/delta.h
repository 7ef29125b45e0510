/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_DELTA_H
#define SERVER_CLI_DELTA_H

#include "policy/evaluate.h"

/* What a node that has one image lacks of another, and what became bigger. */

enum delta_kind {
	DELTA_SHARED,   /* in both */
	DELTA_REPUSHED, /* the same content, compressed anew: pulled again */
	DELTA_CHANGED,  /* other content by the same instruction */
	DELTA_ADDED,
	DELTA_REMOVED,
};

const char *delta_kind_name(enum delta_kind kind); /* "shared" */

struct delta_row {
	enum delta_kind kind;
	const char *created_by; /* or NULL; as written */
	int64_t old_size;       /* 0 where it is added */
	int64_t new_size;       /* 0 where it is removed */
	bool is_base;           /* of the new image, or of the old one */
};

struct delta {
	/* The new image's layers in their order, then those removed. */
	const struct delta_row *rows;
	size_t n;
	int64_t old_size;
	int64_t new_size;
	int64_t old_base; /* bytes of the layers known to be the base's */
	int64_t new_base;
	int64_t pull; /* what a node that has the old one lacks */
	size_t pull_layers;
};

/*
 * Compares; borrows from both images. Where one of the two is not compressed
 * yet, layers with the same content count as the same. Returns 0, or -1 when
 * memory is out.
 */
int delta_make(struct delta *d, const struct report_platform *old,
    const struct report_platform *new, struct arena *mem);

#endif
