/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/gate.h"

#include "server/gate/fault.h"

#include <pthread.h>
#include <string.h>

/* Distinct references that one decision may fetch; no real pod comes near. */
enum { DECISION_FETCHES_MAX = 256 };

struct gate {
	struct gate_options o;
	pthread_mutex_t lock; /* guards the pointer below */
	struct ruleset *rules;
};

/* One reference of a decision, resolved once however often it stands there. */
struct fetch {
	struct decision *decision;
	const struct reference *ref;
	const char *canonical;
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
	pthread_mutex_destroy(&g->lock);
	free(g);
}

struct ruleset *
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

/* The fetch for a reference, made where there is none; NULL: too many. */
static struct fetch *
fetch_for(struct decision *d, const struct reference *ref)
{
	const char *canonical = reference_canonical(ref, d->plan->mem);
	struct fetch *f;
	size_t i;

	if (canonical == NULL)
		return NULL;
	for (i = 0; i < d->nfetches; i++)
		if (strcmp(d->fetches[i].canonical, canonical) == 0)
			return &d->fetches[i];
	if (d->nfetches == DECISION_FETCHES_MAX)
		return NULL;
	f = &d->fetches[d->nfetches++];
	f->decision = d;
	f->ref = ref;
	f->canonical = canonical;
	return f;
}

static int
collect(struct decision *d, struct error *err)
{
	struct plan *p = d->plan;
	size_t i, wanted = 0;

	for (i = 0; i < p->nimages; i++)
		wanted += p->images[i].fetch;
	for (i = 0; i < p->nbases; i++)
		wanted += p->bases[i].fetch;
	if (wanted > DECISION_FETCHES_MAX)
		wanted = DECISION_FETCHES_MAX;
	d->fetches = calloc(wanted + 1, sizeof(*d->fetches));
	if (d->fetches == NULL)
		return error_set(err, ERR_NOMEM, "decision");
	for (i = 0; i < p->nimages; i++)
		if (p->images[i].fetch)
			fetch_for(d, &p->images[i].ref);
	for (i = 0; i < p->nbases; i++)
		if (p->bases[i].fetch)
			fetch_for(d, &p->rules->bases[i]);
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

static void
settle(struct decision *d)
{
	struct plan *p = d->plan;
	size_t i;

	for (i = 0; i < p->nimages; i++)
		if (p->images[i].fetch)
			give(d, &p->images[i].ref, &p->images[i].facts,
			    &p->images[i].fault);
	for (i = 0; i < p->nbases; i++)
		if (p->bases[i].fetch)
			give(d, &p->rules->bases[i], &p->bases[i].facts,
			    &p->bases[i].fault);
	d->ready(d->arg, d);
}

static void
one_less(struct decision *d)
{
	if (atomic_fetch_sub_explicit(&d->pending, 1, memory_order_acq_rel) ==
	    1)
		settle(d);
}

static void
fetched(void *arg, struct image_set *set, const struct error *err)
{
	struct fetch *f = arg;

	if (set != NULL)
		f->set = image_set_ref(set);
	else
		f->err = *err;
	one_less(f->decision);
}

static void
start(struct decision *d, int64_t deadline)
{
	struct fetch *f;
	size_t i;

	/* d may be gone once the last fetch is: nfetches is read before. */
	const size_t n = d->nfetches;

	atomic_init(&d->pending, n + 1);
	for (i = 0; i < n; i++) {
		f = &d->fetches[i];
		if (registry_resolve(d->gate->o.registry, f->ref,
			&d->plan->platforms, deadline, fetched, f,
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
	start(TAKE(d), deadline);
	return 0;
}

const struct report *
decision_report(struct decision *d, struct error *err)
{
	if (d->report == NULL)
		d->report = evaluate(d->plan, err);
	return d->report;
}

const struct ruleset *
decision_rules(const struct decision *d)
{
	return d->plan->rules;
}

void
decision_free(struct decision *d)
{
	size_t i;

	if (d == NULL)
		return;
	report_free(d->report);
	plan_free(d->plan);
	for (i = 0; i < d->nfetches; i++)
		image_set_unref(d->fetches[i].set);
	free(d->fetches);
	workload_free(d->workload);
	free(d);
}
