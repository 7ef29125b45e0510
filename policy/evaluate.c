/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/evaluate.h"

#include "policy/bases.h"
#include "policy/findings.h"

#include <string.h>

const char *
verdict_name(enum verdict v)
{
	static const char *const names[] = {
	    [VERDICT_NONE] = "error",
	    [VERDICT_ALLOW] = "allow",
	    [VERDICT_WARN] = "warn",
	    [VERDICT_DENY] = "deny",
	    [VERDICT_ERROR] = "error",
	};

	return names[v];
}

const char *
base_how_name(enum base_how how)
{
	static const char *const names[] = {
	    [BASE_NONE] = "none",
	    [BASE_LAYERS] = "layers",
	    [BASE_ANNOTATION] = "annotation",
	    [BASE_LABEL] = "label",
	};

	return names[how];
}

/* What one image goes through. */
struct judgement {
	const struct plan *plan;
	const struct plan_image *pi;
	const struct image_set *facts; /* NULL: unknown, or too much to read */
	struct report_image *out;
	struct findings findings;
};

static int
judge_demand(struct judgement *j, const struct demand *d)
{
	struct subject s = {.plan = j->plan,
	    .container = j->pi->container,
	    .ref = &j->pi->ref,
	    .replaced = j->pi->replaced,
	    .set = j->facts};
	size_t i;

	if (!demand_applies(d, s.container))
		return 0;
	if (!d->key->needs_facts)
		return findings_run(&j->findings, d, &s);
	if (d->key->judges_set)
		return s.set == NULL ? 0 : findings_run(&j->findings, d, &s);
	for (i = 0; i < j->out->nplatforms; i++) {
		s.platform = &j->out->platforms[i];
		s.image = s.platform->image;
		if (findings_run(&j->findings, d, &s) != 0)
			return -1;
	}
	return 0;
}

static int
judge_rules(struct judgement *j)
{
	const struct rule *r;
	size_t i, k;

	for (i = 0; i < j->pi->nrules; i++) {
		r = j->findings.rule = j->pi->rules[i];
		for (k = 0; k < r->ndemands; k++)
			if (judge_demand(j, &r->demands[k]) != 0)
				return -1;
	}
	if (j->findings.n == 0)
		return 0;
	j->out->findings = findings_sorted(&j->findings);
	j->out->nfindings = j->findings.n;
	return j->out->findings == NULL ? -1 : 0;
}

static int
fill_platforms(struct judgement *j)
{
	struct arena *mem = j->findings.mem;
	const struct image_set *set = j->facts;
	struct report_platform *rp;
	size_t i;

	if (set == NULL || set->n == 0)
		return 0;
	rp = arena_calloc(mem, set->n, sizeof(*rp));
	if (rp == NULL)
		return -1;
	for (i = 0; i < set->n; i++) {
		rp[i].image = set->images[i];
		rp[i].platform = platform_text(&set->images[i]->platform, mem);
		if (rp[i].platform == NULL)
			return -1;
		bases_find(j->plan, &rp[i]);
	}
	j->out->platforms = rp;
	j->out->nplatforms = set->n;
	if (j->pi->container->known != NULL)
		return 0;
	j->out->resolved =
	    arena_printf(mem, "%s@%s", j->pi->ref.name, set->digest);
	return j->out->resolved == NULL ? -1 : 0;
}

static bool
has_effect(const struct report_image *out, enum mode mode)
{
	size_t i;

	for (i = 0; i < out->nfindings; i++)
		if (finding_does(&out->findings[i], mode))
			return true;
	return false;
}

/* Nothing is known of the image: the strictest of the rules that had to look at
 * it decides. */
static enum on_error
effect_of_ignorance(const struct judgement *j)
{
	enum on_error effect, strictest = ON_ERROR_ALLOW;
	size_t i;

	if (!j->pi->parsed)
		return ON_ERROR_DENY;
	for (i = 0; i < j->pi->nrules; i++) {
		if (!rule_needs_facts(j->pi->rules[i], j->pi->container))
			continue;
		effect = findings_effect(j->plan, j->pi, j->pi->rules[i]);
		if (effect < strictest)
			strictest = effect;
	}
	return strictest;
}

/* A runtime starts it all the same: what was found of it counts too. */
static bool
is_for_no_node(const struct judgement *j)
{
	const struct image_set *set = j->facts;

	return set != NULL && image_set_is_lone(set) &&
	       !platform_set_runs(
		   &j->plan->platforms, &set->images[0]->platform);
}

static void
settle_fault(struct judgement *j)
{
	struct report_image *out = j->out;

	if (j->pi->fault.code != NULL) {
		out->fault = j->pi->fault;
	} else if (j->facts != j->pi->facts) {
		out->fault = (struct fault){.code = "TOO_LARGE",
		    .message = "the images before it have more text than is "
			       "read for one decision"};
	} else if (j->pi->fetch && out->nplatforms == 0) {
		/* Never a reason to allow. */
		out->fault = (struct fault){.code = "INTERNAL",
		    .may_heal = true,
		    .message = "nothing was learned about this image"};
	} else if (is_for_no_node(j)) {
		out->fault = (struct fault){.code = "NO_RUNNABLE_PLATFORM",
		    .message = "it is built for a platform that the cluster's "
			       "nodes do not have"};
	} else {
		out->fault = j->findings.fault;
		out->on_error = j->findings.on_error;
		return;
	}
	out->on_error = effect_of_ignorance(j);
}

enum verdict
report_image_verdict(const struct report_image *img)
{
	const bool fault = img->fault.code != NULL;

	if (has_effect(img, MODE_ENFORCE) ||
	    /* no runtime can pull it */
	    (fault && strcmp(img->fault.code, "INVALID_REFERENCE") == 0))
		return VERDICT_DENY;
	if (fault && img->on_error == ON_ERROR_DENY)
		return VERDICT_ERROR;
	if (has_effect(img, MODE_WARN) ||
	    (fault && img->on_error == ON_ERROR_WARN))
		return VERDICT_WARN;
	return VERDICT_ALLOW;
}

/* Bytes of the documents that checks may look through. */
static int64_t
count_text(const struct image_set *set)
{
	int64_t n = 0;
	size_t i;

	for (i = 0; set != NULL && i < set->n; i++)
		n += set->images[i]->bytes + set->images[i]->config_bytes;
	return n;
}

/* One image may stand in hundreds of containers, and each has a text of
 * its author's. *text is what was looked through before. */
static int
judge_image(const struct plan *p, const struct plan_image *pi,
    struct report_image *out, int64_t *text)
{
	struct judgement j = {.plan = p, .pi = pi, .out = out};

	j.findings = (struct findings){.mem = p->mem, .plan = p, .image = pi};
	out->container = pi->container;
	out->judged = pi->judged;
	if (!pi->judged) {
		out->verdict = VERDICT_ALLOW;
		return 0;
	}
	if (*text <= EVALUATE_TEXT_MAX) {
		j.facts = pi->facts;
		*text += count_text(pi->facts);
	}
	if (pi->parsed && (fill_platforms(&j) != 0 || judge_rules(&j) != 0))
		return -1;
	settle_fault(&j);
	out->verdict = report_image_verdict(out);
	return 0;
}

static int
severity(enum verdict v)
{
	static const int order[] = {
	    [VERDICT_ALLOW] = 0,
	    [VERDICT_WARN] = 1,
	    [VERDICT_ERROR] = 2,
	    [VERDICT_NONE] = 2,
	    [VERDICT_DENY] = 3,
	};

	return order[v];
}

struct report *
evaluate(const struct plan *p, struct error *err)
{
	struct report *r = arena_calloc(p->mem, 1, sizeof(*r));
	struct report_image *images =
	    arena_calloc(p->mem, p->nimages, sizeof(*images));
	int64_t text = 0;
	size_t i;

	if (r == NULL || images == NULL)
		goto fail;
	r->plan = p;
	r->images = images;
	r->nimages = p->nimages;
	r->verdict = VERDICT_ALLOW; /* the worst of none */
	for (i = 0; i < p->nimages; i++) {
		if (judge_image(p, &p->images[i], &images[i], &text) != 0)
			goto fail;
		if (severity(images[i].verdict) > severity(r->verdict))
			r->verdict = images[i].verdict;
	}
	return r;
fail:
	error_set(err, ERR_NOMEM, "evaluation");
	return NULL;
}
