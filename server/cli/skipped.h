/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_SKIPPED_H
#define SERVER_CLI_SKIPPED_H

#include "policy/base/arena.h"

#include <stddef.h>
#include <stdio.h>

/* What was read and holds no pod: counted by kind, so that hundreds of objects
 * fit a few lines and an unusual kind is seen among them. */

enum { SKIPPED_KINDS_MAX = 64 };

struct skipped {
	struct arena *mem;
	struct skipped_kind {
		const char *first; /* "Service/web", the first of its kind */
		size_t len;        /* of "Service" */
		size_t n;
	} kinds[SKIPPED_KINDS_MAX];
	size_t nkinds;
	size_t n; /* all of them */
};

void skipped_clear(struct skipped *s);

/* `what` is copied, sanitised; its first `len` bytes are the kind. Without
 * memory it is counted alone. */
void skipped_add(struct skipped *s, const char *what, size_t len);

/* "14 objects without a pod's image skipped: 12 Service, ConfigMap/a,
 * Rollout/web"; nothing where there are none. */
void skipped_tell(const struct skipped *s, FILE *out);

#endif
