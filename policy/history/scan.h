/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_HISTORY_SCAN_H
#define POLICY_HISTORY_SCAN_H

#include "policy/history.h"
#include "policy/history/shell.h"

#include "policy/base/buf.h"

/* Private to the detectors. */

enum instruction_kind { KIND_RUN, KIND_COPY, KIND_ENV, KIND_ARG, KIND_OTHER };

/* One entry of a history as a detector sees it. */
struct instruction {
	size_t entry;
	enum instruction_kind kind;
	const char *text; /* behind the keyword */
	size_t len;
	const char *args; /* "A=b C=d" of "|2 A=b C=d ", else "" */
	size_t args_len;
	struct script script; /* of RUN */
};

struct scan {
	struct image *image;
	struct arena *mem; /* for as long as the scan lasts */
	struct sign *signs;
	size_t nsigns;
	size_t cap;
	size_t looked; /* HISTORY_LOOKS_MAX */
	/* What cache-order has seen so far. */
	size_t broad;           /* entry of the last broad copy, plus 1 */
	unsigned int installed; /* bit per manager: before any broad copy */
};

/* Adds a sign; `what` is copied. 0, or -1 when memory is out. What is over
 * HISTORY_SIGNS_MAX is left out. */
int scan_add(struct scan *s, enum detector d, const struct instruction *in,
    const char *what, size_t cause);

/* What a variable was last set to before the command `before` of the
 * instruction, or in the image's environment; NULL: nowhere. */
const char *scan_variable(struct scan *s, const struct instruction *in,
    size_t before, const char *name, size_t len);

/* The detectors. Each returns 0, or -1 when memory is out. */
int scan_tools(struct scan *s, const struct instruction *in);
int scan_caches(struct scan *s, const struct instruction *in);
int scan_dependencies(struct scan *s, const struct instruction *in);
int scan_commands(struct scan *s, const struct instruction *in);
int scan_copies(struct scan *s, const struct instruction *in);
int scan_secrets(struct scan *s, const struct instruction *in);

/* A list of names as it is told: "gcc, make and 3 more". */
enum { NAMES_MAX = 64 };

struct names {
	const char *items[NAMES_MAX];
	size_t n;
};

void names_add(struct names *l, const char *name); /* once each; borrowed */
/* One sign of all of them, where there is any. As scan_add(). */
int scan_add_names(struct scan *s, enum detector d,
    const struct instruction *in, const struct names *l);

#endif
