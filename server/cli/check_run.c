/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/baseline.h"
#include "server/cli/check.h"
#include "server/cli/cli.h"
#include "server/cli/progress.h"

#include <limits.h>

enum { RUNNING_MAX = 64 };

/* One workload's decision. */
struct job {
	struct session *session;
	struct progress *progress;
	size_t images;
	bool given_up; /* it ended because of Ctrl-C */
	struct decision *decision;
	struct error err;
};

/* All of them. */
struct jobs {
	struct check *check;
	struct session session;
	struct progress progress;
	struct job *items;
	size_t n;
};

static void
ready(void *arg, struct decision *d)
{
	struct job *j = arg;

	j->decision = d;
	j->given_up = atomic_load(&j->progress->interrupted);
	if (!j->given_up)
		atomic_fetch_add(&j->progress->done, j->images);
	session_end(j->session);
}

/* Starts every decision, at most RUNNING_MAX at a time, and waits. Returns 0,
 * or -1 after Ctrl-C. */
static int
decide_all(struct jobs *all, struct inputs *in)
{
	struct session *s = &all->session;
	size_t i;

	for (i = 0; i < in->n; i++)
		all->progress.total += in->workloads[i]->ncontainers;
	s->tick = progress_tick;
	s->tick_arg = &all->progress;
	for (i = 0; i < in->n; i++) {
		const struct workload *w = in->workloads[i];
		struct job *j = &all->items[i];

		if (session_begin(s, RUNNING_MAX) != 0)
			return -1;
		if (w->ncontainers > 0)
			progress_start(&all->progress, w->containers[0].image);
		j->session = s;
		j->progress = &all->progress;
		j->images = w->ncontainers;
		if (gate_decide(s->gate, TAKE(in->workloads[i]),
			session_deadline(all->check->timeout), ready, j,
			&j->err) != 0)
			session_end(s);
	}
	return session_wait(s);
}

static int
exit_status(const struct check *c, enum verdict v)
{
	if (c->fail_on == VERDICT_NONE)
		return STATUS_OK;
	if (v == VERDICT_DENY || v == c->fail_on)
		return STATUS_REJECTED;
	return v == VERDICT_ERROR || v == VERDICT_NONE ? STATUS_UNJUDGED
						       : STATUS_OK;
}

/* Evaluates what was decided; after Ctrl-C that may be less than all. */
static int
evaluate_all(struct jobs *all, struct results *r, const struct report **reports)
{
	size_t i;

	r->verdict = VERDICT_ALLOW;
	r->reports = reports;
	for (i = 0; i < all->n; i++) {
		struct job *j = &all->items[i];

		if (all->progress.interrupted &&
		    (j->decision == NULL || j->given_up))
			continue;
		if (j->decision != NULL)
			reports[r->n] = decision_report(j->decision, &j->err);
		if (reports[r->n] == NULL)
			return cli_fail(all->check->outputs.command,
			    STATUS_UNJUDGED, &j->err);
		r->verdict = output_worse(r->verdict, reports[r->n]->verdict);
		r->n++;
	}
	return STATUS_OK;
}

static void
tell_interrupted(const struct jobs *all, const struct results *r)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(COMPLAINT_TEXT_MAX);

	fprintf(stderr,
	    "policy-gate %s: interrupted; of %zu images %zu were judged, "
	    "nothing was written\n",
	    all->check->outputs.command, all->progress.total,
	    atomic_load(&all->progress.done));
	if (r->n > 0 && output_summary(r, &b) == 0)
		fprintf(stderr, "%s\n", buf_text(&b));
}

static int
apply_baseline(const struct check *c, struct baseline *b, struct results *r)
{
	struct error err = ERROR_INIT;

	if (b == NULL)
		return STATUS_OK;
	if (baseline_apply(b, r) != 0) {
		error_set(&err, ERR_NOMEM, "out of memory");
		return cli_fail(c->outputs.command, STATUS_UNJUDGED, &err);
	}
	baseline_tell(b, stderr);
	return STATUS_OK;
}

static int
conclude(struct jobs *all, struct baseline *known)
{
	struct check *c = all->check;
	AUTO(free)
	const struct report **reports = calloc(all->n + 1, sizeof(*reports));
	AUTO(buf_clear) struct buf paths = BUF_INIT(POLICIES_MAX * PATH_MAX);
	struct results r = {
	    .policy = all->session.rules, .dockerfile = c->dockerfile};
	int status;

	if (reports == NULL || policies_text(&c->policy, &paths) != 0)
		return STATUS_UNJUDGED;
	r.policy_path = buf_text(&paths);
	status = evaluate_all(all, &r, reports);
	if (status == STATUS_OK && all->progress.interrupted) {
		tell_interrupted(all, &r);
		return STATUS_UNJUDGED;
	}
	if (status == STATUS_OK)
		status = apply_baseline(c, known, &r);
	if (status != STATUS_OK)
		return status;
	if (formats_write(&c->outputs, &r) != STATUS_OK)
		return STATUS_USAGE;
	return cli_finish(c->outputs.command, exit_status(c, r.verdict));
}

static int
judge(struct jobs *all, struct inputs *in, struct baseline *known)
{
	struct check *c = all->check;
	size_t i;
	int status;

	if (session_open(
		&all->session, c->outputs.command, &c->policy, c->config) != 0)
		return STATUS_USAGE;
	if (decide_all(all, in) != 0)
		/* Nothing may touch the jobs any more. */
		registry_free(TAKE(all->session.registry));
	progress_clear(&all->progress);
	status = conclude(all, known);
	for (i = 0; i < all->n; i++)
		decision_free(all->items[i].decision);
	session_close(&all->session);
	return status;
}

int
check_run(struct check *c, struct inputs *in)
{
	AUTO(baseline_free) struct baseline *known = NULL;
	struct jobs all = {.check = c, .n = in->n};
	struct error err = ERROR_INIT;
	int status;

	if (in->n == 0 && in->wrong) {
		skipped_tell(&in->skipped, stderr);
		fprintf(stderr, "policy-gate %s: nothing was judged\n",
		    c->outputs.command);
		return STATUS_USAGE;
	}
	if (c->baseline != NULL) {
		known = baseline_read(c->baseline, &err);
		if (known == NULL)
			return cli_fail(c->outputs.command, STATUS_USAGE, &err);
	}
	all.items = calloc(in->n + 1, sizeof(*all.items));
	if (all.items == NULL)
		return STATUS_UNJUDGED;
	progress_open(&all.progress);
	status = judge(&all, in, known);
	progress_close(&all.progress);
	free(all.items);
	/* As if it had not been caught: a shell's loop is to end too. */
	if (all.progress.interrupted)
		raise(SIGINT);
	skipped_tell(&in->skipped, stderr);
	return in->wrong ? STATUS_USAGE : status;
}
