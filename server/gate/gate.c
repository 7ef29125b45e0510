/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/gate.h"

#include "server/gate/bases.h"
#include "server/gate/fault.h"

#include <pthread.h>
#include <string.h>

/* Distinct references that one decision may fetch; no real pod comes near. */
enum { DECISION_FETCHES_MAX = 256 };

struct gate {
	struct gate_options o;
	pthread_mutex_t lock; /* guards the pointer below */
	struct ruleset *rules;
	struct base_memory *bases;
};

/* One reference of a decision, resolved once however often it stands there. */
struct fetch {
	struct decision *decision;
	const struct reference *ref;
	const char *canonical;
	enum cache_result from;
	struct image_set *set;
	struct error err;
};

struct decision {
	struct gate *gate;
	struct workload *workload;
	struct plan *plan;
	struct report *report;
	struct fetch *fetches;
	size_t nfetches;
	size_t started; /* of the fetches */
	int64_t deadline;
	bool claims_followed;
	atomic_size_t pending; /* fetches under way, and one while starting */
	decision_ready *ready;
	void *arg;
};

struct gate *
gate_new(const struct gate_options *o, struct ruleset *rules)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->bases = base_memory_new();
	if (g->bases == NULL) {
		free(g);
		return NULL;
	}
	g->o = *o;
	pthread_mutex_init(&g->lock, NULL);
	g->rules = ruleset_ref(rules);
	return g;
}

void
gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	ruleset_unref(g->rules);
	base_memory_free(g->bases);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

/* The ruleset in force: a new reference. */
static struct ruleset *
gate_rules(struct gate *g)
{
	struct ruleset *rs;

	pthread_mutex_lock(&g->lock);
	rs = ruleset_ref(g->rules);
	pthread_mutex_unlock(&g->lock);
	return rs;
}

void
gate_set_rules(struct gate *g, struct ruleset *rules)
{
	struct ruleset *old;

	pthread_mutex_lock(&g->lock);
	old = g->rules;
	g->rules = ruleset_ref(rules);
	pthread_mutex_unlock(&g->lock);
	ruleset_unref(old);
}

static struct fetch *
find_fetch(struct decision *d, const char *canonical)
{
	size_t i;

	for (i = 0; i < d->nfetches; i++)
		if (strcmp(d->fetches[i].canonical, canonical) == 0)
			return &d->fetches[i];
	return NULL;
}

/* The fetch for a reference, made where there is none; NULL: too many. */
static struct fetch *
fetch_for(struct decision *d, const struct reference *ref)
{
	const char *canonical = reference_canonical(ref, d->plan->mem);
	struct fetch *f = canonical ? find_fetch(d, canonical) : NULL;

	if (f != NULL || canonical == NULL ||
	    d->nfetches == DECISION_FETCHES_MAX)
		return f;
	f = &d->fetches[d->nfetches++];
	f->decision = d;
	f->ref = ref;
	f->canonical = canonical;
	return f;
}

/* Room for all that the plan may ask for, claims too. */
static size_t
room_for(const struct plan *p)
{
	size_t i, wanted = PLAN_CLAIMS_MAX;

	for (i = 0; i < p->nimages; i++)
		wanted += (size_t)p->images[i].fetch +
			  (size_t)p->images[i].fetch_replaced;
	for (i = 0; i < p->nbases; i++)
		wanted += p->bases[i].fetch;
	return wanted < DECISION_FETCHES_MAX ? wanted : DECISION_FETCHES_MAX;
}

static int
collect(struct decision *d, struct error *err)
{
	struct plan *p = d->plan;
	size_t i;

	d->fetches = calloc(room_for(p) + 1, sizeof(*d->fetches));
	if (d->fetches == NULL)
		return error_set(err, ERR_NOMEM, "decision");
	for (i = 0; i < p->nimages; i++)
		if (p->images[i].fetch)
			fetch_for(d, &p->images[i].ref);
	for (i = 0; i < p->nbases; i++)
		if (p->bases[i].fetch)
			fetch_for(d, &p->rules->bases[i]);
	for (i = 0; i < p->nimages; i++)
		if (p->images[i].fetch_replaced)
			fetch_for(d, &p->images[i].replaced_ref);
	return 0;
}

/* Hands a fetch's outcome to one of those who asked for it. */
static void
give(struct decision *d, const struct reference *ref, struct image_set **facts,
    struct fault *fault)
{
	const struct fetch *f = fetch_for(d, ref);
	struct error err = ERROR_INIT;

	if (f != NULL && f->set != NULL) {
		*facts = image_set_ref(f->set);
		return;
	}
	if (f == NULL)
		error_set(&err, ERR_LIMIT,
		    "more than %d different images are asked for at once",
		    DECISION_FETCHES_MAX);
	*fault = fault_of(
	    f != NULL ? &f->err : &err, d->gate->o.discreet, d->plan->mem);
}

/* What is only compared with: that it cannot be had is no fault. */
static struct image_set *
had(struct decision *d, const struct reference *ref)
{
	const struct fetch *f = fetch_for(d, ref);

	return f != NULL && f->set != NULL ? image_set_ref(f->set) : NULL;
}

static void
settle_bases(struct decision *d)
{
	struct plan *p = d->plan;
	size_t i;

	for (i = 0; i < p->nbases; i++) {
		if (!p->bases[i].fetch)
			continue;
		give(d, &p->rules->bases[i], &p->bases[i].facts,
		    &p->bases[i].fault);
		base_memory_fill(
		    d->gate->bases, p->rules->bases[i].text, &p->bases[i]);
	}
}

static void
settle(struct decision *d)
{
	struct plan *p = d->plan;
	size_t i;

	for (i = 0; i < p->nimages; i++) {
		if (p->images[i].fetch)
			give(d, &p->images[i].ref, &p->images[i].facts,
			    &p->images[i].fault);
		if (p->images[i].fetch_replaced)
			p->images[i].replaced =
			    had(d, &p->images[i].replaced_ref);
	}
	settle_bases(d);
}

static void start(struct decision *d);

/*
 * Images may name the digest of a base that its tag does not mean any more:
 * that is fetched too, once. Memory that runs out leaves it unproved.
 */
static bool
follow_claims(struct decision *d)
{
	struct plan *p = d->plan;
	size_t i;

	d->claims_followed = true;
	plan_find_claims(p);
	for (i = 0; i < p->nclaims; i++)
		fetch_for(d, &p->claims[i].ref);
	if (d->nfetches == d->started)
		return false;
	start(d);
	return true;
}

static void
all_there(struct decision *d)
{
	struct plan *p = d->plan;
	size_t i;

	if (!d->claims_followed) {
		settle(d);
		if (follow_claims(d))
			return;
	}
	for (i = 0; i < p->nclaims; i++)
		p->claims[i].facts = had(d, &p->claims[i].ref);
	d->ready(d->arg, d);
}

static void
one_less(struct decision *d)
{
	if (atomic_fetch_sub_explicit(&d->pending, 1, memory_order_acq_rel) ==
	    1)
		all_there(d);
}

static void
fetched(void *arg, struct image_set *set, enum cache_result from,
    const struct error *err)
{
	struct fetch *f = arg;

	f->from = from;
	if (set != NULL)
		f->set = image_set_ref(set);
	else
		f->err = *err;
	one_less(f->decision);
}

static void
start(struct decision *d)
{
	struct fetch *f;
	size_t i;

	/* d may be gone once the last fetch is: what is needed is read
	 * before. */
	const size_t first = d->started, n = d->nfetches;

	d->started = n;
	atomic_init(&d->pending, n - first + 1);
	for (i = first; i < n; i++) {
		f = &d->fetches[i];
		if (registry_resolve(d->gate->o.registry, f->ref,
			&d->plan->platforms, d->deadline, fetched, f,
			&f->err) != 0)
			one_less(d); /* f->err says why */
	}
	one_less(d);
}

int
gate_decide(struct gate *g, struct workload *w, int64_t deadline,
    decision_ready *ready, void *arg, struct error *err)
{
	AUTO(workload_free) struct workload *owned = w;
	AUTO(decision_free) struct decision *d = calloc(1, sizeof(*d));
	AUTO(ruleset_unref) struct ruleset *rules = gate_rules(g);

	if (d == NULL)
		return error_set(err, ERR_NOMEM, "decision");
	d->gate = g;
	d->workload = TAKE(owned);
	d->ready = ready;
	d->arg = arg;
	d->plan =
	    plan_new(rules, d->workload, g->o.clock->wall_s(g->o.clock), err);
	if (d->plan == NULL || collect(d, err) != 0)
		return -1;
	d->deadline = deadline;
	start(TAKE(d));
	return 0;
}

const struct report *
decision_report(struct decision *d, struct error *err)
{
	if (d->report == NULL)
		d->report = evaluate(d->plan, err);
	return d->report;
}

const char *
decision_source(struct decision *d, size_t i)
{
	const struct plan_image *img = &d->plan->images[i];
	const char *canonical = NULL;
	const struct fetch *f = NULL;

	if (img->fetch)
		canonical = reference_canonical(&img->ref, d->plan->mem);
	if (canonical != NULL)
		f = find_fetch(d, canonical);
	return f != NULL ? cache_result_name(f->from) : NULL;
}

void
decision_free(struct decision *d)
{
	size_t i;

	if (d == NULL)
		return;
	plan_free(d->plan);
	for (i = 0; i < d->nfetches; i++)
		image_set_unref(d->fetches[i].set);
	free(d->fetches);
	workload_free(d->workload);
	free(d);
}
