/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_OUTCOME_H
#define SERVER_GATE_OUTCOME_H

#include "policy/base/buf.h"
#include "policy/evaluate.h"
#include "server/admission/review.h"

/* From what was judged to what is answered. */
struct outcome {
	enum verdict verdict;
	const struct report *report; /* borrowed; NULL: nothing was judged */
	struct buf message;
	json_t *warnings;
	json_t *annotations;
	json_t *patch;
	struct review_answer answer; /* borrows from the rest */
};

/* Why a review was not judged: one of them, or neither, where nothing in it
 * concerns us. */
struct outcome_skipped {
	const char *exempt; /* whose or what it is; NULL: it is not */
	const struct error
	    *err; /* the gate failed; code ERR_NONE: it did not */
};

/*
 * A review of the validating webhook: denied on enforced findings, and on what
 * could not be judged as the policy wants it. `report` is NULL where nothing
 * was judged. What fails here is told in the answer: never allowed by default.
 */
void outcome_validate(struct outcome *o, const struct review *r,
    const struct report *report, const struct outcome_skipped *why);

/*
 * Makes a denial, of which only the author is to hear, an admission: what
 * denies comes first among its warnings. A denial that no report stands behind
 * stays one.
 */
void outcome_advise(struct outcome *o);

/* A review of the mutating webhook: always allowed; what was resolved is
 * pinned to its digest. What is wrong with it the validating webhook says. */
void outcome_mutate(struct outcome *o, const struct report *report,
    const struct outcome_skipped *why);

void outcome_clear(struct outcome *o);

#endif
