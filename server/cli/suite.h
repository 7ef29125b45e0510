/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_SUITE_H
#define SERVER_CLI_SUITE_H

#include "policy/base/buf.h"
#include "policy/ruleset.h"

/*
 * A file of tests for a policy: images with facts that somebody wrote down or
 * recorded, and cases that say what is to become of them.
 */
struct suite;

struct suite_case {
	const char *name;
	bool passed;
	const char *why; /* "" where it passed: lines of wanted and got */
};

/*
 * Reads a suite and runs its cases. What is wrong with it is printed into
 * `report`, a line each. NULL where it cannot be run.
 */
struct suite *suite_run(const char *path, struct buf *report);
void suite_free(struct suite *s);
OWNED(struct suite, suite_free)

const struct suite_case *suite_cases(const struct suite *s, size_t *n);

#endif
