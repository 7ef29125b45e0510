/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_FINDINGS_H
#define POLICY_FINDINGS_H

#include "policy/checks/check.h"

/*
 * What the checks say of one container, while they run. Nothing is allocated
 * until the first finding.
 */
struct findings {
	struct arena *mem;
	const struct plan *plan;
	const struct plan_image *image;
	/* Of the demand that runs now; set by the caller. */
	const struct rule *rule;
	const char *platform; /* "" for the reference */
	/* The result. */
	struct found {
		struct finding finding;
		const char *detail;
		int64_t weight;
	} * items;
	size_t n;
	size_t cap;
	struct fault fault; /* what kept a demand from being judged */
	enum on_error on_error;
};

/*
 * What becomes of an image where this rule could not be judged: what the policy
 * says, but never more than a finding of the rule would have done.
 */
enum on_error findings_effect(const struct plan *p,
    const struct plan_image *image, const struct rule *rule);

/* Whether a demand is about containers of this type, and whether a rule has one
 * that looks at the image itself, not at the reference alone. */
bool demand_applies(const struct demand *d, const struct container *c);
bool rule_needs_facts(const struct rule *r, const struct container *c);

/* Runs one demand on one subject. 0, or -1 when memory is out. */
static inline int
findings_run(
    struct findings *out, const struct demand *d, const struct subject *s)
{
	out->platform = s->platform == NULL ? "" : s->platform->platform;
	return d->key->evaluate(d->params, s, out);
}

/* The findings, the most important first: those that deny, those that warn,
 * those that are recorded, those that are waived; in each the policy's order.
 * NULL when memory is out. */
const struct finding *findings_sorted(const struct findings *f);

#endif
