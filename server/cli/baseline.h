/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_BASELINE_H
#define SERVER_CLI_BASELINE_H

#include "server/cli/output.h"

/*
 * Findings that are known and accepted, so that only new ones fail a build:
 * written by `baseline write`, read by `check --baseline`. One is known by its
 * fingerprint (output.h), which a new tag does not change.
 */
enum {
	BASELINE_BYTES_MAX = 64 * 1024 * 1024,
	BASELINE_FINDINGS_MAX = 200 * 1000,
};

struct baseline;

/* NULL with *err: ERR_SYSTEM, ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM. */
struct baseline *baseline_read(const char *path, struct error *err);
void baseline_free(struct baseline *b);
OWNED(struct baseline, baseline_free)

/*
 * Takes known findings out of every report, with new verdicts: r->reports and
 * r->verdict become those of what is left, in memory that is the baseline's.
 * Returns 0, or -1 when memory is out.
 */
int baseline_apply(struct baseline *b, struct results *r);

/* Says how many findings were known, and how many are gone. */
void baseline_tell(const struct baseline *b, FILE *out);

/* The file, as a format of `check`. */
int output_baseline(const void *results, FILE *out);

#endif
