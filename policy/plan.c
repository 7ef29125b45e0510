/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/evaluate.h"
#include "policy/findings.h"

#include <string.h>

/* What is the same for all images of one plan. */
struct planning {
	struct plan *plan;
	/* The policy's platforms and the workload's have none in common. */
	bool none_fits;
	/* What the workload allows for; whether it applies is the image's
	 * word. */
	const struct rule **rules;
	size_t nrules;
	const struct rule **matching; /* room for as many */
};

/* A label of a node ("" stands for any) and a node of the policy. */
static bool
fits(const struct platform *node, const struct platform *wanted)
{
	return (wanted->os[0] == '\0' || strcmp(wanted->os, node->os) == 0) &&
	       (wanted->arch[0] == '\0' ||
		   strcmp(wanted->arch, node->arch) == 0);
}

/* The cluster's nodes that the pod could land on. */
static int
narrow(struct planning *pl)
{
	struct plan *p = pl->plan;
	const struct platform_set *nodes = &p->rules->platforms;
	const struct platform_set *wanted = &p->workload->platforms;
	struct platform *both;
	size_t i, j, n = 0;

	if (nodes->n == 0 || wanted->n == 0) {
		p->platforms = nodes->n == 0 ? *wanted : *nodes;
		return 0;
	}
	both = arena_calloc(p->mem, nodes->n, sizeof(*both));
	if (both == NULL)
		return -1;
	for (i = 0; i < nodes->n; i++)
		for (j = 0; j < wanted->n; j++)
			if (fits(&nodes->items[i], &wanted->items[j])) {
				both[n++] = nodes->items[i];
				break;
			}
	p->platforms = (struct platform_set){.items = both, .n = n};
	pl->none_fits = n == 0;
	return 0;
}

static int
find_candidates(struct planning *pl)
{
	struct plan *p = pl->plan;
	const struct ruleset *rs = p->rules;
	size_t i;

	pl->rules =
	    arena_calloc(p->mem, rs->nrules, sizeof(const struct rule *));
	pl->matching =
	    arena_calloc(p->mem, rs->nrules, sizeof(const struct rule *));
	if (pl->rules == NULL || pl->matching == NULL)
		return -1;
	for (i = 0; i < rs->nrules; i++)
		if (match_workload(&rs->rules[i].match, p->workload))
			pl->rules[pl->nrules++] = &rs->rules[i];
	return 0;
}

static int
find_rules(struct planning *pl, struct plan_image *pi)
{
	const struct rule **rules;
	size_t i, n = 0;

	for (i = 0; i < pl->nrules; i++)
		if (match_container(
			&pl->rules[i]->match, pi->container, &pi->ref))
			pl->matching[n++] = pl->rules[i];
	pi->nrules = n;
	pi->judged = n > 0;
	if (n == 0)
		return 0;
	rules = arena_calloc(pl->plan->mem, n, sizeof(const struct rule *));
	if (rules == NULL)
		return -1;
	for (i = 0; i < n; i++)
		rules[i] = pl->matching[i];
	pi->rules = rules;
	return 0;
}

/* 1: an enforced demand refuses the very name. */
static int
is_guarded(struct plan *p, struct plan_image *pi)
{
	struct findings out = {.mem = p->mem, .plan = p, .image = pi};
	const struct subject s = {
	    .plan = p, .container = pi->container, .ref = &pi->ref};
	size_t i, j;

	for (i = 0; i < pi->nrules; i++) {
		out.rule = pi->rules[i];
		if (out.rule->mode != MODE_ENFORCE)
			continue;
		for (j = 0; j < out.rule->ndemands; j++)
			if (out.rule->demands[j].key->guards_fetch &&
			    findings_run(&out, &out.rule->demands[j], &s) != 0)
				return -1;
	}
	for (i = 0; i < out.n; i++)
		if (!out.items[i].finding.waived)
			return 1;
	return 0;
}

static void
fetch_base(void *arg, size_t base)
{
	struct plan *p = arg;

	p->bases[base].fetch = true;
}

static void
fetch_bases_of(struct plan *p, const struct demand *d)
{
	size_t i;

	check_bases(d->key, d->params, fetch_base, p);
	if (d->key->wants_bases == NULL || !d->key->wants_bases(d->params))
		return;
	for (i = 0; i < p->nbases; i++)
		fetch_base(p, i);
}

static void
fetch_bases(struct plan *p, const struct plan_image *pi)
{
	const struct rule *r;
	size_t i, j;

	for (i = 0; p->nbases > 0 && i < pi->nrules; i++) {
		r = pi->rules[i];
		for (j = 0; j < r->ndemands; j++)
			fetch_bases_of(p, &r->demands[j]);
	}
}

static bool
compares(const struct plan_image *pi)
{
	const struct rule *r;
	size_t i, j;

	for (i = 0; i < pi->nrules; i++) {
		r = pi->rules[i];
		for (j = 0; j < r->ndemands; j++)
			if (r->demands[j].key->compares)
				return true;
	}
	return false;
}

/* One that nobody could have run is not compared with. */
static int
fetch_replaced(struct plan *p, struct plan_image *pi)
{
	struct error why = ERROR_INIT;

	if (pi->container->replaces == NULL || !compares(pi))
		return 0;
	if (reference_parse(
		&pi->replaced_ref, pi->container->replaces, p->mem, &why) != 0)
		return why.code == ERR_NOMEM ? -1 : 0;
	pi->fetch_replaced = true;
	return 0;
}

/* Facts that are at hand, as far as nodes could run them. */
static int
take_known(const struct plan *p, struct plan_image *pi)
{
	pi->facts = image_set_narrow(pi->container->known, &p->platforms);
	if (pi->facts == NULL)
		return -1;
	if (pi->facts->n == 0)
		pi->fault = (struct fault){.code = "NO_RUNNABLE_PLATFORM",
		    .message = "there is nothing in it for a platform that the "
			       "cluster's nodes have"};
	return 0;
}

static int
plan_fetch(const struct planning *pl, struct plan_image *pi)
{
	struct plan *p = pl->plan;
	size_t i;
	int guarded;

	for (i = 0; i < pi->nrules; i++)
		if (rule_needs_facts(pi->rules[i], pi->container))
			break;
	if (i == pi->nrules)
		return 0;
	if (pi->container->known != NULL && !pl->none_fits) {
		fetch_bases(p, pi);
		return take_known(p, pi) != 0 ? -1 : fetch_replaced(p, pi);
	}
	guarded = is_guarded(p, pi);
	if (guarded < 0)
		return -1;
	if (pl->none_fits) {
		pi->fault = (struct fault){.code = "NO_RUNNABLE_PLATFORM",
		    .message = "no platform of the policy is one that the pod "
			       "may be scheduled on"};
	} else if (guarded == 0) {
		pi->fetch = true;
		fetch_bases(p, pi);
		return fetch_replaced(p, pi);
	}
	return 0;
}

static int
plan_image(struct planning *pl, struct plan_image *pi, struct error *err)
{
	struct plan *p = pl->plan;
	const struct container *c = pi->container;
	struct error why = ERROR_INIT;

	if (c->unchanged)
		return 0;
	if (reference_parse(&pi->ref, c->known != NULL ? c->known_as : c->image,
		p->mem, &why) != 0) {
		if (why.code == ERR_NOMEM)
			return error_set(err, ERR_NOMEM, "plan");
		pi->judged = true;
		pi->fault = (struct fault){.code = "INVALID_REFERENCE",
		    .message = arena_strdup(p->mem, why.msg)};
		return pi->fault.message != NULL
			   ? 0
			   : error_set(err, ERR_NOMEM, "plan");
	}
	pi->parsed = true;
	if (find_rules(pl, pi) != 0 || plan_fetch(pl, pi) != 0)
		return error_set(err, ERR_NOMEM, "plan");
	return 0;
}

/* What a plan takes where nothing is found, and its report, which lives in it
 * too. */
static size_t
usual_bytes(const struct ruleset *rs, const struct workload *w)
{
	enum { TEXTS = 768 }; /* what references and digests are copied to */
	const size_t rules = rs->nrules * sizeof(const struct rule *);
	const size_t image = sizeof(struct plan_image) +
			     sizeof(struct report_image) +
			     sizeof(struct report_platform) + TEXTS + rules;

	return sizeof(struct plan) + rs->nbases * sizeof(struct plan_base) +
	       2 * rules + w->ncontainers * image;
}

static struct plan *
plan_alloc(struct ruleset *rs, const struct workload *w, int64_t now)
{
	AUTO(arena_free)
	struct arena *mem = arena_new_for(usual_bytes(rs, w));
	struct plan *p = mem ? arena_calloc(mem, 1, sizeof(*p)) : NULL;

	if (p == NULL)
		return NULL;
	p->images = arena_calloc(mem, w->ncontainers, sizeof(*p->images));
	p->bases = arena_calloc(mem, rs->nbases, sizeof(*p->bases));
	if (p->images == NULL || p->bases == NULL)
		return NULL;
	p->nimages = w->ncontainers;
	p->nbases = rs->nbases;
	p->workload = w;
	p->now = now;
	p->rules = ruleset_ref(rs);
	p->mem = TAKE(mem);
	return p;
}

struct plan *
plan_new(struct ruleset *rs, const struct workload *w, int64_t now,
    struct error *err)
{
	AUTO(plan_free) struct plan *p = plan_alloc(rs, w, now);
	struct planning pl = {.plan = p};
	size_t i;

	if (p == NULL || find_candidates(&pl) != 0 || narrow(&pl) != 0) {
		error_set(err, ERR_NOMEM, "plan");
		return NULL;
	}
	for (i = 0; i < p->nimages; i++) {
		p->images[i].container = &w->containers[i];
		if (plan_image(&pl, &p->images[i], err) != 0)
			return NULL;
	}
	return TAKE(p);
}

void
plan_free(struct plan *p)
{
	size_t i, j;

	if (p == NULL)
		return;
	for (i = 0; i < p->nimages; i++) {
		image_set_unref(p->images[i].facts);
		image_set_unref(p->images[i].replaced);
	}
	for (i = 0; i < p->nbases; i++) {
		image_set_unref(p->bases[i].facts);
		for (j = 0; j < p->bases[i].nolder; j++)
			image_set_unref(p->bases[i].older[j]);
	}
	for (i = 0; i < p->nclaims; i++)
		image_set_unref(p->claims[i].facts);
	ruleset_unref(p->rules);
	arena_free(p->mem); /* the plan lives in it */
}
