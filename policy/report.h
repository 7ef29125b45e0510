/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_REPORT_H
#define POLICY_REPORT_H

#include "policy/base/buf.h"
#include "policy/evaluate.h"

#include <jansson.h>

/* How a report reads: the same words in a review, a terminal and JSON. */

enum {
	REPORT_MESSAGE_MAX = 4096, /* bytes of a denial */
	/* The same where it ends in an Event, which has 1 kB for it and what
	 * the API server and a controller put in front. */
	REPORT_EVENT_MAX = 900,
	REPORT_WARNING_MAX = 256, /* bytes of one warning */
};

/*
 * One element of "workloads" in the JSON of `check -o json`, or NULL when
 * memory is out. A new reference.
 */
json_t *report_json(const struct report *r);

/* One finding as in "findings" there; a new reference. */
json_t *finding_json(const struct finding *f);

/*
 * The denial: the verdict first, then per image its spec path and reference,
 * and a line for each enforced finding and each error: container, platform
 * where there are several, what was found and what helps. The most important
 * first; at most `max` bytes. Where that is not enough lines become shorter: at
 * most as long as a warning, then message and owner alone; and then it is cut
 * between lines, with "and N more".
 * For VERDICT_DENY and VERDICT_ERROR. Returns 0 or -1.
 */
int report_message(const struct report *r, size_t max, struct buf *b);

/*
 * Adds one string per finding in warn mode, and per error where onError is
 * warn, to the JSON array `warnings`, each at most REPORT_WARNING_MAX bytes:
 * where that is too little, evidence is shortened, then left out, then the fix.
 * Findings in warn mode are told on a denial too. Returns 0 or -1.
 */
int report_warnings(const struct report *r, json_t *warnings);

/* The same of what denies, for a review that is only advised. */
int report_denials(const struct report *r, json_t *warnings);

/* Keys of annotations that are no rule's name. */
#define REPORT_VERDICT_KEY "verdict"
#define REPORT_ERROR_KEY "error"

/*
 * Audit annotations of a review: the verdict, one per rule with findings that
 * do not deny (warn or audit mode, or waived) under the rule's name, and what
 * could not be judged. Into the JSON object. Returns 0 or -1.
 */
int report_annotations(const struct report *r, json_t *annotations);

/* Whether every error in a denied report may heal by waiting and no finding
 * denies it: the answer is then 503, else 403. Sets *retry_after to seconds
 * (2, or the longest a registry asked for, at most 30). */
bool report_may_heal(const struct report *r, int *retry_after);

#endif
